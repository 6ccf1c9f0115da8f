"""What customers need to be written: their changes, tags, merges, and keys of requests that may be sent again.

Revision: 2026_11_24_writing
"""

import sqlalchemy as sa
from alembic import op

revision = "2026_11_24_writing"
down_revision = "2026_11_24_search"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("tenants", sa.Column("unique_fields", sa.Text(), nullable=False, server_default=""))
    op.add_column("customers", sa.Column("phone_number_as_typed", sa.Text(), nullable=True))
    op.add_column("customers", sa.Column("version", sa.BigInteger(), nullable=False, server_default="1"))
    op.add_column("customers", sa.Column("merged_into_id", Id, nullable=True))
    create_customer_indexes()
    create_tags()
    create_changes()
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("key", Key, nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("customer_id", Id, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)


def create_customer_indexes() -> None:
    """To find a customer by what may be theirs alone, by a filter of the list, and those merged into another."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    # SQLite reads an index alone only if it has the condition's column too; and either database, what a key is made of.
    beside = ", deleted_at" if is_sqlite else ""
    # Of an e-mail address the letter case makes no difference; other letters than a to z are left as they are.
    email = "lower(email), email" if is_sqlite else 'lower(email COLLATE "C")'
    for name, keys, included in (
        ("phone_number", "phone_number", ""),
        ("email", email, "" if is_sqlite else " INCLUDE (email)"),
        ("identity_number", "identity_number", ""),
    ):
        op.execute(
            f"CREATE INDEX ix_customers_{name} ON customers (tenant_id, {keys}{beside}){included}"
            f" WHERE deleted_at IS NULL AND {name} IS NOT NULL"
        )
    create_name_index()
    for name in ("country_id", "default_channel_id"):
        op.execute(
            f"CREATE INDEX ix_customers_{name} ON customers (tenant_id, {name}, created_at, id{beside})"
            f" WHERE deleted_at IS NULL AND {name} IS NOT NULL"
        )
    op.execute(
        "CREATE INDEX ix_customers_merged_into_id ON customers (tenant_id, merged_into_id)"
        " WHERE merged_into_id IS NOT NULL"
    )


def create_name_index() -> None:
    """Those together who were born on one day and whose names begin alike, in either order."""
    names = ("first_name_key", "last_name_key")
    if op.get_context().dialect.name == "sqlite":
        lesser, greater = "min", "max"
        letters = "coalesce(substr(substr({0}, 1, instr({0}, char(1)) - 1), 1, 3), '')"
        end = f", {', '.join(names)}, deleted_at)"
    else:
        lesser, greater = "least", "greatest"
        letters = "coalesce(left(split_part({0}, chr(1), 1), 3), '')"
        end = f") INCLUDE ({', '.join(names)})"
    both = ", ".join(letters.format(name) for name in names)
    op.execute(
        "CREATE INDEX ix_customers_name_and_date_of_birth ON customers"
        f" (tenant_id, date_of_birth, {lesser}({both}), {greater}({both}){end}"
        " WHERE deleted_at IS NULL AND date_of_birth IS NOT NULL"
    )


def create_tags() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE tag_ids")
    op.create_table(
        "tags",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("color", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_tags_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_tags"),
        sa.UniqueConstraint("tenant_id", "name_key", name="uq_tags_tenant_id_name_key"),
    )
    op.create_table(
        "customer_tags",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("customer_id", Id, autoincrement=False, nullable=False),
        sa.Column("tag_id", Id, autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "tag_id"], ["tags.tenant_id", "tags.id"], name="fk_customer_tags_tenant_id_tag_id"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id", "tag_id", name="pk_customer_tags"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_customer_tags_tag_id", "customer_tags", ["tenant_id", "tag_id", "customer_id"], unique=False)


def create_changes() -> None:
    op.create_table(
        "change_counters",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_change_counters_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_change_counters"),
    )
    op.create_table(
        "customer_changes",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("customer_id", Id, nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=True),
        sa.Column("other_id", Id, nullable=True),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_customer_changes_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "position", name="pk_customer_changes"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_customer_changes_customer_id",
        "customer_changes",
        ["tenant_id", "customer_id", "position"],
        unique=False,
    )
    where = sa.text("other_id IS NOT NULL")
    op.create_index(
        "ix_customer_changes_other_id",
        "customer_changes",
        ["tenant_id", "other_id"],
        unique=False,
        sqlite_where=where,
        postgresql_where=where,
    )
