"""Background jobs, stored files, imports, and the import in each entry of the change log.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    create_jobs()
    create_stored_files()
    create_imports()
    create_import_details()
    op.add_column("customer_changes", sa.Column("import_id", Key, nullable=True))


def create_jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("arguments", sa.Text(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", Key, nullable=True),
        sa.Column("due_at", Time, nullable=False),
        sa.Column("cancelled_at", Time, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("started_at", Time, nullable=True),
        sa.Column("finished_at", Time, nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'completed', 'failed', 'cancelled')", name=op.f("ck_jobs_state")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_jobs_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_jobs"),
    )
    is_active = sa.text("state IN ('queued', 'running')")
    op.create_index("ix_jobs_due_at", "jobs", ["due_at"], sqlite_where=is_active, postgresql_where=is_active)


def create_stored_files() -> None:
    op.create_table(
        "stored_files",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", Key, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_stored_files_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_stored_files"),
    )
    op.create_index("ix_stored_files_expires_at", "stored_files", ["expires_at"])
    op.create_table(
        "stored_file_parts",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("file_id", Key, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "file_id", "number", name="pk_stored_file_parts"),
    )


def create_imports() -> None:
    op.create_table(
        "imports",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("id", Key, nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("digest", Key, nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("job_id", Key, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("detected", sa.Text(), nullable=True),
        sa.Column("preview", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("undo_result", sa.Text(), nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("started_at", Time, nullable=True),
        sa.Column("undo_until", Time, nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_imports_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_imports"),
    )
    op.create_index("ix_imports_tenant_id_digest", "imports", ["tenant_id", "digest"])
    op.create_index("ix_imports_undo_until", "imports", ["undo_until"])
    op.create_table(
        "import_mappings",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("headings_digest", Key, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_import_mappings_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "headings_digest", name="pk_import_mappings"),
    )


def create_import_details() -> None:
    op.create_table(
        "import_issues",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("import_id", Key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("cells", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('refused', 'skipped', 'kept')", name=op.f("ck_import_issues_kind")),
        sa.PrimaryKeyConstraint("tenant_id", "import_id", "kind", "number", name="pk_import_issues"),
    )
    op.create_table(
        "import_batches",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("import_id", Key, nullable=False),
        sa.Column("first_position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "import_id", "first_position", name="pk_import_batches"),
    )
