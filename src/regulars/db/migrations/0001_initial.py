"""The first schema.

Revision: 0001
"""

from string import ascii_lowercase, digits

import pycountry
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)
Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# The number of some letters of a tenant. If two have the same number, a row is checked in vain.
LETTERS_KEY = "tenant_id * 4294967296 + (hashtext(letters)::bigint & 4294967295)"

# Each six digits in a row of runs of at least six digits, without leading zeros, and the six letters before each @.
SEARCH_RUNS = f"""
CREATE FUNCTION search_runs(tenant_id bigint, search_text text) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT COST 100 AS $$
  SELECT array_agg({LETTERS_KEY})
  FROM (
    SELECT substr(digits, start, 6) AS letters
    FROM (
      SELECT ltrim(run, '0') AS digits
      FROM unnest(string_to_array(regexp_replace(search_text, '[^0-9]+', ' ', 'g'), ' ')) AS run
      WHERE length(run) > 5
    ) AS runs, generate_series(1, length(digits) - 5) AS start
    UNION ALL
    SELECT found[1] FROM regexp_matches(search_text, '[^@\\n]{{6}}@', 'g') AS found
  ) AS all_letters
$$
"""

# Each two letters in a row, and single letters other than those that nearly every text has.
SEARCH_LETTERS = f"""
CREATE FUNCTION search_letters(tenant_id bigint, search_text text) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT COST 100 AS $$
  SELECT array_agg({LETTERS_KEY})
  FROM (
    SELECT found[1] AS letters FROM regexp_matches(search_text, '..', 'g') AS found
    UNION ALL
    SELECT found[1] FROM regexp_matches(substr(search_text, 2), '..', 'g') AS found
    UNION ALL
    SELECT unnest(string_to_array(translate(search_text, '{ascii_lowercase}{digits}', ''), NULL))
  ) AS all_letters
$$
"""

INDEXES = (
    ("ix_sessions_user_id", "sessions", ["user_id"]),
    ("ix_sessions_expires_at", "sessions", ["expires_at"]),
    ("ix_one_time_tokens_expires_at", "one_time_tokens", ["expires_at"]),
    ("ix_passkeys_user_id", "passkeys", ["user_id"]),
    ("ix_failed_attempts_failed_at", "failed_attempts", ["failed_at"]),
    ("ix_personal_tokens_user_id", "personal_tokens", ["user_id"]),
    ("ix_personal_tokens_expires_at", "personal_tokens", ["expires_at"]),
    ("ix_clients_owner_tenant_id", "clients", ["owner_tenant_id"]),
    ("ix_consents_client_id", "consents", ["client_id"]),
    ("ix_consents_updated_at", "consents", ["updated_at"]),
    ("ix_grants_user_id_client_id", "grants", ["user_id", "client_id"]),
    ("ix_grants_client_id", "grants", ["client_id"]),
    ("ix_grants_expires_at", "grants", ["expires_at"]),
    ("ix_grants_ended_at", "grants", ["ended_at"]),
    ("ix_authorization_codes_grant_id", "authorization_codes", ["grant_id"]),
    ("ix_authorization_codes_expires_at", "authorization_codes", ["expires_at"]),
    ("ix_refresh_tokens_grant_id", "refresh_tokens", ["grant_id"]),
    ("ix_refresh_tokens_expires_at", "refresh_tokens", ["expires_at"]),
    ("ix_device_codes_client_id", "device_codes", ["client_id"]),
    ("ix_device_codes_grant_id", "device_codes", ["grant_id"]),
    ("ix_device_codes_expires_at", "device_codes", ["expires_at"]),
    ("ix_audit_events_user_id_id", "audit_events", ["user_id", "id"]),
    ("ix_audit_events_created_at", "audit_events", ["created_at"]),
    ("ix_revoked_tokens_expires_at", "revoked_tokens", ["expires_at"]),
    ("ix_memberships_user_id_tenant_id", "memberships", ["user_id", "tenant_id"]),
    ("ix_count_deltas_tenant_id", "count_deltas", ["tenant_id"]),
    ("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"]),
    ("ix_customer_tags_tag_id", "customer_tags", ["tenant_id", "tag_id", "customer_id"]),
    ("ix_customer_changes_customer_id", "customer_changes", ["tenant_id", "customer_id", "position"]),
)
"""Indexes of tables other than customers: name, table and columns."""


def upgrade() -> None:
    create_tenants()
    create_customers()
    create_tags()
    create_counts()
    create_changes()
    create_sessions()
    create_factors()
    create_clients()
    create_grants()
    create_device_codes()
    create_server_tables()
    create_customer_indexes()
    create_unique_value_indexes()
    create_name_index()
    create_indexes()
    if op.get_context().dialect.name == "sqlite":
        create_sqlite_objects()
    else:
        create_postgresql_objects()
    insert_countries()
    op.execute("INSERT INTO auth_version (id, version) VALUES (1, 1)")


def create_tenants() -> None:
    op.create_table(
        "countries",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_countries"),
        sa.UniqueConstraint("code", name="uq_countries_code"),
    )
    op.create_table(
        "users",
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("subject", Key, nullable=True),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
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
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("unique_fields", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["country_id"], ["countries.id"], name="fk_tenants_country_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
    )
    op.create_table(
        "memberships",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("deleted_at", Time, nullable=True),
        sa.CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name=op.f("ck_memberships_role")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_memberships_tenant_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_memberships_user_id"),
        sa.PrimaryKeyConstraint("tenant_id", "user_id", name="pk_memberships"),
    )
    op.create_table(
        "channels",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("id", Id, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('whatsapp', 'instagram', 'website', 'telegram')", name=op.f("ck_channels_kind")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_channels_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_channels"),
    )


def create_customers() -> None:
    op.create_table(
        "customers",
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("id", Id, nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("phone_number", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("gender", Key, nullable=True),
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
        sa.Column("phone_number_as_typed", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("merged_into_id", Id, nullable=True),
        sa.CheckConstraint("id BETWEEN 1 AND 1099511627775", name=op.f("ck_customers_id")),
        sa.CheckConstraint("gender IN ('male', 'female', 'other')", name=op.f("ck_customers_gender")),
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


def create_tags() -> None:
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
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("customer_id", Id, nullable=False),
        sa.Column("tag_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "tag_id"], ["tags.tenant_id", "tags.id"], name="fk_customer_tags_tenant_id_tag_id"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "customer_id", "tag_id", name="pk_customer_tags"),
        sqlite_with_rowid=False,
    )


def create_counts() -> None:
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
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("trashed", sa.Integer(), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("gender", Key, nullable=False),
        sa.Column("date_of_birth", sa.Integer(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("customer_id", Id, nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_count_deltas_tenant_id"),
    )
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


def create_changes() -> None:
    op.create_table(
        "change_counters",
        sa.Column("tenant_id", Id, autoincrement=False, nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name="fk_change_counters_tenant_id"),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_change_counters"),
    )
    op.create_table(
        "customer_changes",
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
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
    op.create_table(
        "idempotency_keys",
        sa.Column("tenant_id", Id, nullable=False),
        sa.Column("key", Key, nullable=False),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("customer_id", Id, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "key", name="pk_idempotency_keys"),
    )


def create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", Key, nullable=False),
        sa.Column("digest", Key, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("methods", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("authenticated_at", Time, nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("used_at", Time, nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("digest", name="uq_sessions_digest"),
    )
    op.create_table(
        "one_time_tokens",
        sa.Column("digest", Key, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_one_time_tokens_user_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_one_time_tokens"),
    )
    op.create_table(
        "failed_attempts",
        sa.Column("key", Key, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_failed_attempts"),
    )
    op.create_table(
        "personal_tokens",
        sa.Column("id", Key, nullable=False),
        sa.Column("digest", Key, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("bound_tenant_id", Id, nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.Column("used_at", Time, nullable=True),
        sa.ForeignKeyConstraint(["bound_tenant_id"], ["tenants.id"], name="fk_personal_tokens_bound_tenant_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_personal_tokens_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_personal_tokens"),
        sa.UniqueConstraint("digest", name="uq_personal_tokens_digest"),
    )


def create_factors() -> None:
    op.create_table(
        "passkeys",
        sa.Column("id", Key, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", sa.Text(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("used_at", Time, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_passkeys_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_passkeys"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column("digest", Key, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_recovery_codes_user_id"),
        sa.PrimaryKeyConstraint("user_id", "digest", name="pk_recovery_codes"),
    )


def create_clients() -> None:
    op.create_table(
        "clients",
        sa.Column("id", Key, nullable=False),
        sa.Column("owner_tenant_id", Id, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.Text(), nullable=True),
        sa.Column("redirect_uris", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("logo_url", sa.Text(), nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.CheckConstraint("kind IN ('web', 'native', 'browser', 'device', 'service')", name=op.f("ck_clients_kind")),
        sa.CheckConstraint("role IN ('admin', 'agent', 'viewer')", name=op.f("ck_clients_role")),
        sa.ForeignKeyConstraint(["owner_tenant_id"], ["tenants.id"], name="fk_clients_owner_tenant_id"),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
    )
    op.create_table(
        "consents",
        sa.Column("user_id", Id, autoincrement=False, nullable=False),
        sa.Column("client_id", Key, nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("updated_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_consents_client_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_consents_user_id"),
        sa.PrimaryKeyConstraint("user_id", "client_id", name="pk_consents"),
    )


def create_grants() -> None:
    op.create_table(
        "grants",
        sa.Column("id", Key, nullable=False),
        sa.Column("client_id", Key, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=True),
        sa.Column("session_id", Key, nullable=True),
        sa.Column("methods", sa.Text(), nullable=False),
        sa.Column("authenticated_at", Time, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("rotated_at", Time, nullable=True),
        sa.Column("grace_uses", sa.Integer(), nullable=False),
        sa.Column("created_at", Time, nullable=False),
        sa.Column("used_at", Time, nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.Column("ended_at", Time, nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_grants_client_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_grants_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
    )
    op.create_table(
        "authorization_codes",
        sa.Column("digest", Key, nullable=False),
        sa.Column("grant_id", Key, nullable=False),
        sa.Column("client_id", Key, nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=True),
        sa.Column("code_challenge", sa.Text(), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=True),
        sa.Column("expires_at", Time, nullable=False),
        sa.Column("used_at", Time, nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_authorization_codes_grant_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_authorization_codes"),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", Key, nullable=False),
        sa.Column("grant_id", Key, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_refresh_tokens_grant_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_refresh_tokens"),
    )


def create_device_codes() -> None:
    op.create_table(
        "device_codes",
        sa.Column("digest", Key, nullable=False),
        sa.Column("user_code", Key, nullable=False),
        sa.Column("client_id", Key, nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("grant_id", Key, nullable=True),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("polled_at", Time, nullable=True),
        sa.Column("expires_at", Time, nullable=False),
        sa.CheckConstraint("status IN ('pending', 'approved', 'denied', 'used')", name=op.f("ck_device_codes_status")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name="fk_device_codes_client_id"),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_device_codes_grant_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_device_codes"),
        sa.UniqueConstraint("user_code", name="uq_device_codes_user_code"),
    )


def create_server_tables() -> None:
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
        "revoked_tokens",
        sa.Column("token_id", sa.Text(), nullable=False),
        sa.Column("expires_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("token_id", name="pk_revoked_tokens"),
    )
    op.create_table(
        "auth_version",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_auth_version"),
    )
    op.create_table(
        "audit_events",
        sa.Column("id", Key, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", Id, nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("created_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_events"),
    )


def create_customer_indexes() -> None:
    """Create an index for each order of the list. That of `date_of_birth` also has the other counted columns.

    SQLite reads only the index if it has the column of its condition, too.
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


def create_customer_index(name: str, columns: list[str], condition: str, included: list[str] | None = None) -> None:
    where = sa.text(condition)
    op.create_index(
        name,
        "customers",
        ["tenant_id", *columns],
        sqlite_where=where,
        postgresql_where=where,
        postgresql_include=included or None,
    )


def create_unique_value_indexes() -> None:
    """Create the indexes that find customers by a unique value, by a filter, and by the customer of a merge."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    # SQLite reads only the index if it has the column of its condition, and both databases if it has the columns of its
    # expressions.
    included_column = ", deleted_at" if is_sqlite else ""
    # E-mail addresses are case-insensitive for the letters a to z.
    email = "lower(email), email" if is_sqlite else 'lower(email COLLATE "C")'
    for name, keys, included in (
        ("phone_number", "phone_number", ""),
        ("email", email, "" if is_sqlite else " INCLUDE (email)"),
        ("identity_number", "identity_number", ""),
    ):
        op.execute(
            f"CREATE INDEX ix_customers_{name} ON customers (tenant_id, {keys}{included_column}){included}"
            f" WHERE deleted_at IS NULL AND {name} IS NOT NULL"
        )
    for name in ("country_id", "default_channel_id"):
        op.execute(
            f"CREATE INDEX ix_customers_{name} ON customers (tenant_id, {name}, created_at, id{included_column})"
            f" WHERE deleted_at IS NULL AND {name} IS NOT NULL"
        )
    op.execute(
        "CREATE INDEX ix_customers_merged_into_id ON customers (tenant_id, merged_into_id)"
        " WHERE merged_into_id IS NOT NULL"
    )


def create_name_index() -> None:
    """Create the index by date of birth and the first letters of both names, in either order."""
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


def create_indexes() -> None:
    for name, table, columns in INDEXES:
        op.create_index(name, table, columns)
    op.create_index("ix_users_subject", "users", ["subject"], unique=True)
    where = sa.text("other_id IS NOT NULL")
    op.create_index(
        "ix_customer_changes_other_id",
        "customer_changes",
        ["tenant_id", "other_id"],
        sqlite_where=where,
        postgresql_where=where,
    )


def create_sqlite_objects() -> None:
    """Create the search index with the triggers that maintain it, and the sequences.

    The list of trigrams shows which ones start with one or two letters. Two line feeds at the end of the text let its
    last letters start a trigram, too.
    """
    op.execute("CREATE TABLE id_sequences (name TEXT PRIMARY KEY, last_id INTEGER NOT NULL) WITHOUT ROWID")
    op.execute(
        "CREATE VIRTUAL TABLE customers_search USING fts5"
        "(search_text, content='', detail=none, tokenize='trigram case_sensitive 1')"
    )
    op.execute("CREATE VIRTUAL TABLE customers_search_trigrams USING fts5vocab(customers_search, row)")
    add = (
        "INSERT INTO customers_search (rowid, search_text)"
        " VALUES (new.tenant_id * 1099511627776 + new.id, new.search_text || char(10, 10))"
    )
    remove = (
        "INSERT INTO customers_search (customers_search, rowid, search_text)"
        " VALUES ('delete', old.tenant_id * 1099511627776 + old.id, old.search_text || char(10, 10))"
    )
    op.execute(f"CREATE TRIGGER customers_search_insert AFTER INSERT ON customers BEGIN {add}; END")
    op.execute(f"CREATE TRIGGER customers_search_delete AFTER DELETE ON customers BEGIN {remove}; END")
    op.execute(
        "CREATE TRIGGER customers_search_update AFTER UPDATE OF tenant_id, id, search_text ON customers"
        f" BEGIN {remove}; {add}; END"
    )


def create_postgresql_objects() -> None:
    """Create the sequences, the indexes for descending order with empty values last, and the search indexes."""
    for sequence in ("customer_ids", "tenant_ids", "user_ids", "tag_ids"):
        op.execute(f"CREATE SEQUENCE {sequence}")
    # The table has no key. Without this, its rows could not be deleted where it is replicated logically.
    op.execute("ALTER TABLE count_deltas REPLICA IDENTITY FULL")
    for name, key in (("last_name", "last_name_key"), ("date_of_birth", "date_of_birth"), ("gender", "gender")):
        op.execute(
            f"CREATE INDEX ix_customers_{name}_descending ON customers"
            f" (tenant_id, {key} DESC NULLS LAST, id DESC) WHERE deleted_at IS NULL"
        )
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.execute("CREATE INDEX ix_customers_search ON customers USING gin (tenant_id, search_text gin_trgm_ops)")
    for name, function in (("runs", SEARCH_RUNS), ("letters", SEARCH_LETTERS)):
        op.execute(function)
        op.execute(
            f"CREATE INDEX ix_customers_search_{name} ON customers USING gin (search_{name}(tenant_id, search_text))"
        )
        # Most entries are rare. With few samples, the planner would overestimate them.
        op.execute(f"ALTER INDEX ix_customers_search_{name} ALTER COLUMN 1 SET STATISTICS 1000")


def insert_countries() -> None:
    table = sa.table("countries", sa.column("id"), sa.column("code"), sa.column("name"))
    rows = [
        {"id": int(country.numeric), "code": country.alpha_2, "name": getattr(country, "common_name", country.name)}
        for country in pycountry.countries
    ]
    op.bulk_insert(table, rows)
