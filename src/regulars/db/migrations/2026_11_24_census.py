"""The census in place of `customer_counts`: by day and year of birth, too.

Revision: 2026_11_24_census
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_census"
down_revision = "2026_11_23_authorization"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

DAY = {
    "sqlite": "CAST(replace(date_of_birth, '-', '') AS INTEGER)",
    "postgresql": "CAST(to_char(date_of_birth, 'YYYYMMDD') AS INTEGER)",
}

BEGINNING = {"sqlite": "'0001-01-01T00:00:00Z'", "postgresql": "TIMESTAMP WITH TIME ZONE '0001-01-01 00:00:00+00'"}


def upgrade() -> None:
    op.drop_table("customer_counts")
    op.create_table(
        "customer_counts",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("trashed", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column("period", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("gender", Key, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_customer_counts_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "trashed", "user_id", "period", "gender", name="pk_customer_counts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "count_deltas",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("trashed", sa.Integer(), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("gender", Key, nullable=False),
        sa.Column("date_of_birth", sa.Integer(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("customer_id", Id, autoincrement=False, nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_count_deltas_tenant_id"),
    )
    op.create_index("ix_count_deltas_tenant_id", "count_deltas", ["tenant_id"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        # It has no key, and rows go: without this, who replicates the database logically could not fold the deltas.
        op.execute("ALTER TABLE count_deltas REPLICA IDENTITY FULL")
    op.create_table(
        "page_checkpoints",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("customer_id", Id, autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_page_checkpoints_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "created_at", "customer_id", name="pk_page_checkpoints"),
        sqlite_with_rowid=False,
    )
    count_customers()
    set_page_checkpoints()


def count_customers() -> None:
    day = DAY[op.get_bind().dialect.name]
    for user, of_user in (("0", ""), ("user_id", " AND user_id IS NOT NULL")):
        for period, in_period in (
            ("0", ""),
            (f"{day} / 10000", " AND date_of_birth IS NOT NULL"),
            (day, " AND date_of_birth IS NOT NULL"),
        ):
            # every tenant: this counts them all
            op.execute(
                "INSERT INTO customer_counts (tenant_id, trashed, user_id, period, gender, count)"
                f" SELECT tenant_id, CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END, {user}, {period},"
                f" coalesce(gender, ''), count(*) FROM customers WHERE 1 = 1{of_user}{in_period}"
                " GROUP BY 1, 2, 3, 4, 5"
            )


def set_page_checkpoints() -> None:
    # every tenant: whose list is long enough
    op.execute(
        "INSERT INTO page_checkpoints (tenant_id, created_at, customer_id, count)"
        f" SELECT tenant_id, CASE WHEN place = 0 THEN {BEGINNING[op.get_bind().dialect.name]} ELSE created_at END,"
        " CASE WHEN place = 0 THEN 0 ELSE id END,"
        " coalesce(lead(place) OVER (PARTITION BY tenant_id ORDER BY place), total) - place"
        " FROM (SELECT tenant_id, created_at, id,"
        " row_number() OVER (PARTITION BY tenant_id ORDER BY created_at, id) - 1 AS place,"
        " count(*) OVER (PARTITION BY tenant_id) AS total"
        " FROM customers WHERE deleted_at IS NULL) AS listed"
        " WHERE total >= 100000 AND place % 10000 = 0"
    )
