"""The first schema.

Revision: 2026_11_23_initial
"""

import pycountry
import sqlalchemy as sa
from alembic import op

revision = "2026_11_23_initial"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    create_tables()
    create_customers()
    create_customer_indexes()
    if op.get_context().dialect.name == "sqlite":
        create_sqlite_parts()
    else:
        create_postgresql_parts()
    fill_countries()
    op.execute("INSERT INTO auth_version (id, version) VALUES (1, 1)")


def create_tables() -> None:
    op.create_table(
        "auth_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_auth_version"),
    )
    op.create_table(
        "countries",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_countries"),
        sa.UniqueConstraint("code", name="uq_countries_code"),
    )
    op.create_table(
        "revoked_tokens",
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("token_id", name="pk_revoked_tokens"),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("private_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_keys"),
    )
    op.create_table(
        "users",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    op.create_table(
        "tenants",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("country_id", Id, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["country_id"], ["countries.id"], name="fk_tenants_country_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
    )
    op.create_table(
        "channels",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column(
            "kind",
            sa.Text(),
            sa.CheckConstraint("kind IN ('whatsapp', 'instagram', 'website', 'telegram')", name="ck_channels_kind"),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_channels_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_channels"),
    )
    op.create_table(
        "customer_counts",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("trashed", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column("gender", Key, nullable=False),
        sa.Column("part", Id, autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_customer_counts_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "trashed", "user_id", "gender", "part", name="pk_customer_counts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "memberships",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column(
            "role",
            sa.Text(),
            sa.CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name="ck_memberships_role"),
            nullable=False,
        ),
        sa.Column("created_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_memberships_tenant_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memberships_user_id"),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name="pk_memberships"),
    )
    op.create_index("ix_memberships_user_id_tenant_id", "memberships", ["user_id", "tenant_id"], unique=False)


def create_customers() -> None:
    op.create_table(
        "customers",
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column(
            "id", Id, sa.CheckConstraint("id BETWEEN 1 AND 1099511627775", name="ck_customers_id"), nullable=False
        ),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column(
            "gender",
            Key,
            sa.CheckConstraint("gender IN ('male', 'female', 'other')", name="ck_customers_gender"),
            nullable=True,
        ),
        sa.Column("country_id", Id, nullable=True),
        sa.Column("identity_number", sa.Text(), nullable=True),
        sa.Column("job", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("default_channel_id", Id, nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.Column("deleted_at", Time, nullable=True),
        sa.Column("first_name_key", Key, nullable=False),
        sa.Column("last_name_key", Key, nullable=True),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["country_id"], ["countries.id"], name="fk_customers_country_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "default_channel_id"],
            ["channels.tenant_id", "channels.id"],
            name="fk_customers_tenant_id_default_channel_id",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "user_id"],
            ["memberships.tenant_id", "memberships.user_id"],
            name="fk_customers_tenant_id_user_id",
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_customers_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_customers"),
        sqlite_with_rowid=False,
    )


def create_customer_indexes() -> None:
    """The orders in which customers are listed. Those of an age are counted by the index alone, whatever else is asked.

    SQLite reads an index alone only if it has the condition's column too.
    """
    is_sqlite = op.get_context().dialect.name == "sqlite"
    orders = {
        "created_at": ["created_at"],
        "updated_at": ["updated_at"],
        "first_name": ["first_name_key"],
        "last_name": ["last_name_key"],
        "date_of_birth": ["date_of_birth"],
        "gender": ["gender"],
        "user_id": ["user_id", "created_at"],
    }
    for name, columns in orders.items():
        filters = ["gender", "user_id"] if name == "date_of_birth" else []
        keys = [*columns, "id", *(["deleted_at", *filters] if is_sqlite else [])]
        create_customer_index(f"ix_customers_{name}", keys, "deleted_at IS NULL", filters)
    create_customer_index("ix_customers_trashed", ["created_at", "id"], "deleted_at IS NOT NULL")


def create_customer_index(name: str, columns: list[str], condition: str, beside: list[str] | None = None) -> None:
    where = sa.text(condition)
    op.create_index(
        name,
        "customers",
        ["tenant_id", *columns],
        sqlite_where=where,
        postgresql_where=where,
        postgresql_include=beside or None,
    )


def create_sqlite_parts() -> None:
    """The search index is kept by triggers: it is made from one column and nothing else."""
    op.execute("CREATE TABLE id_sequences (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID")
    op.execute(
        "CREATE VIRTUAL TABLE customers_search USING fts5"
        "(search_text, content='', detail=none, tokenize='trigram case_sensitive 1')"
    )
    add = (
        "INSERT INTO customers_search (rowid, search_text)"
        " VALUES (new.tenant_id * 1099511627776 + new.id, new.search_text)"
    )
    remove = (
        "INSERT INTO customers_search (customers_search, rowid, search_text)"
        " VALUES ('delete', old.tenant_id * 1099511627776 + old.id, old.search_text)"
    )
    op.execute(f"CREATE TRIGGER customers_search_insert AFTER INSERT ON customers BEGIN {add}; END")
    op.execute(f"CREATE TRIGGER customers_search_delete AFTER DELETE ON customers BEGIN {remove}; END")
    op.execute(
        "CREATE TRIGGER customers_search_update AFTER UPDATE OF tenant_id, id, search_text ON customers"
        f" BEGIN {remove}; {add}; END"
    )


def create_postgresql_parts() -> None:
    """PostgreSQL reads an index backwards with the empty values first; they are wanted last, in both directions."""
    for sequence in ("customer_ids", "tenant_ids", "user_ids"):
        op.execute(f"CREATE SEQUENCE {sequence}")
    for name, key in (("last_name", "last_name_key"), ("date_of_birth", "date_of_birth"), ("gender", "gender")):
        op.execute(
            f"CREATE INDEX ix_customers_{name}_descending ON customers"
            f" (tenant_id, {key} DESC NULLS LAST, id DESC) WHERE deleted_at IS NULL"
        )
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE INDEX ix_customers_search ON customers USING gin (search_text gin_trgm_ops)")


def fill_countries() -> None:
    table = sa.table("countries", sa.column("id"), sa.column("code"), sa.column("name"))
    rows = [
        {"id": int(country.numeric), "code": country.alpha_2, "name": getattr(country, "common_name", country.name)}
        for country in pycountry.countries
    ]
    op.bulk_insert(table, rows)
