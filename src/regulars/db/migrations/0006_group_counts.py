"""Counts of customers by month of creation, country, default channel and tag, filled from the customers.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

CREATED_MONTH = {
    "sqlite": "CAST(replace(substr(created_at, 1, 7), '-', '') AS BIGINT)",
    "postgresql": "CAST(to_char(created_at AT TIME ZONE 'UTC', 'YYYYMM') AS BIGINT)",
}


def upgrade() -> None:
    create_tables()
    dialect = op.get_context().dialect.name
    if dialect == "postgresql":
        # The table has no key. Without this, its rows could not be deleted where it is replicated logically.
        op.execute("ALTER TABLE group_count_deltas REPLICA IDENTITY FULL")
    for kind, value in (
        ("created_month", CREATED_MONTH[dialect]),
        ("country", "country_id"),
        ("channel", "default_channel_id"),
    ):
        fill(kind, value, f"FROM customers WHERE deleted_at IS NULL AND {value} IS NOT NULL")
    tagged = "FROM customer_tags JOIN customers USING (tenant_id) WHERE customers.id = customer_id"
    fill("tag", "tag_id", f"{tagged} AND deleted_at IS NULL")


def create_tables() -> None:
    op.create_table(
        "customer_group_counts",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("kind", Key, nullable=False),
        sa.Column("value", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_customer_group_counts_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "value", name="pk_customer_group_counts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "group_count_deltas",
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("kind", Key, nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_group_count_deltas_tenant_id"),
    )
    op.create_index("ix_group_count_deltas_tenant_id", "group_count_deltas", ["tenant_id"])


def fill(kind: str, value: str, source: str) -> None:
    """Count the rows of `source` by tenant and `value`."""
    op.execute(
        "INSERT INTO customer_group_counts (tenant_id, kind, value, count)"
        f" SELECT tenant_id, '{kind}', {value}, count(*) {source} GROUP BY tenant_id, {value}"
    )
