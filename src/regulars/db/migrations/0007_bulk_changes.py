"""Bulk changes, whose undo shares its tables with imports, and pairs of customers that are not the same person.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.execute("ALTER TABLE customer_changes RENAME COLUMN import_id TO source_id")
    replace_import_issues()
    replace_import_batches()
    create_bulk_changes()
    create_dismissed_duplicates()


def replace_import_issues() -> None:
    op.create_table(
        "issues",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("source_id", Key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('refused', 'skipped', 'kept')", name=op.f("ck_issues_kind")),
        sa.PrimaryKeyConstraint("tenant_id", "source_id", "kind", "number", name="pk_issues"),
    )
    op.execute(
        "INSERT INTO issues (tenant_id, source_id, kind, number, reasons, cells)"
        " SELECT tenant_id, import_id, kind, number, reasons, cells FROM import_issues"
    )
    op.drop_table("import_issues")


def replace_import_batches() -> None:
    op.create_table(
        "undo_positions",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("source_id", Key, nullable=False),
        sa.Column("first_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "source_id", "first_position", name="pk_undo_positions"),
    )
    op.execute(
        "INSERT INTO undo_positions (tenant_id, source_id, first_position, last_position)"
        " SELECT tenant_id, import_id, first_position, last_position FROM import_batches"
    )
    op.drop_table("import_batches")


def create_bulk_changes() -> None:
    op.create_table(
        "bulk_changes",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("job_id", Key, nullable=False),
        sa.Column("query", sa.Text(), nullable=True),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("undo_result", sa.Text(), nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("undo_until", Time, nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_bulk_changes_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_bulk_changes"),
    )
    op.create_index("ix_bulk_changes_undo_until", "bulk_changes", ["undo_until"])


def create_dismissed_duplicates() -> None:
    op.create_table(
        "dismissed_duplicates",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("first_customer_id", Id, nullable=False),
        sa.Column("second_customer_id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_dismissed_duplicates_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_dismissed_duplicates"),
        sa.UniqueConstraint(
            "tenant_id", "first_customer_id", "second_customer_id", name="uq_dismissed_duplicates_pair"
        ),
    )
    op.create_index(
        "ix_dismissed_duplicates_second_customer_id", "dismissed_duplicates", ["tenant_id", "second_customer_id"]
    )
