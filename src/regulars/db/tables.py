"""The tables, for building statements. The migrations in `versions/` make them, with their indexes; a test compares.

A table that belongs to a tenant starts every key with `tenant_id`, so that the whole can be distributed by tenant.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer(), "sqlite")
Time = DateTime(timezone=True)
# Compared byte by byte on both databases, whatever the locale of the machine or of the database.
Key = Text().with_variant(Text(collation="C"), "postgresql")

countries = Table(
    "countries",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False, comment="ISO 3166-1 numeric"),
    Column("code", Text, nullable=False, unique=True, comment="ISO 3166-1 alpha-2"),
    Column("name", Text, nullable=False),
)

tenants = Table(
    "tenants",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("locale", Text, nullable=False),
    Column("country_id", Id, ForeignKey("countries.id"), nullable=False),
    Column("logo_url", Text),
    Column(
        "unique_fields",
        Text,
        nullable=False,
        server_default="",
        comment="with commas between: which fields of two customers must differ",
    ),
    Column("created_at", Time, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("email", Text, nullable=False, unique=True, comment="normalised, lower case"),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("subject", Key, comment="who this is to an outside authorization server; unique"),
    Column("totp_secret", LargeBinary, comment="encrypted with the secret key"),
    Column("totp_step", BigInteger, comment="the newest time step whose code was used"),
    Column("created_at", Time, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("role", Text, CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name="role"), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("deleted_at", Time, comment="when the user ceased to be a member"),
)

channels = Table(
    "channels",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True, autoincrement=False),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('whatsapp', 'instagram', 'website', 'telegram')", name="kind"),
        nullable=False,
    ),
    Column("name", Text, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), nullable=False),
    # SQLite's search index numbers its rows tenant_id * 2^40 + id.
    Column("id", Id, CheckConstraint("id BETWEEN 1 AND 1099511627775", name="id"), nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text),
    Column("phone_number", Text, comment="E.164"),
    Column("email", Text),
    Column("date_of_birth", Date),
    Column("gender", Key, CheckConstraint("gender IN ('male', 'female', 'other')", name="gender")),
    Column("country_id", Id, ForeignKey("countries.id")),
    Column("identity_number", Text),
    Column("job", Text),
    Column("address", Text),
    Column("default_channel_id", Id),
    Column("avatar_url", Text),
    Column("user_id", Id),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("deleted_at", Time),
    Column("first_name_key", Key, nullable=False, comment="what first names are sorted by"),
    Column("last_name_key", Key, comment="what last names are sorted by"),
    Column("search_text", Text, nullable=False, comment="all that is searched, folded"),
    Column("phone_number_as_typed", Text),
    Column("version", BigInteger, nullable=False, server_default="1", comment="one more with every change"),
    Column("merged_into_id", Id, comment="the customer that goes on in its place"),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "user_id"], ["memberships.tenant_id", "memberships.user_id"]),
    ForeignKeyConstraint(["tenant_id", "default_channel_id"], ["channels.tenant_id", "channels.id"]),
    sqlite_with_rowid=False,
)

# SQLite: an FTS5 table of trigrams that holds no text of its own; its rows are numbered tenant_id * 2^40 + id.
# PostgreSQL: GIN indexes of trigrams (pg_trgm), of six letters or digits in a row, and of one and two letters.
SEARCH_ROWS_PER_TENANT = 2**40
customers_search = Table(
    "customers_search",
    MetaData(),
    Column("rowid", BigInteger),
    Column("customers_search", Text),
)
# SQLite: every trigram of that index, and in how many customers of all tenants it is.
customers_search_trigrams = Table(
    "customers_search_trigrams",
    MetaData(),
    Column("term", Text),
    Column("doc", BigInteger),
)

# How many customers a tenant has, for every filter of the list but the search (see `customers.census`).
customer_counts = Table(
    "customer_counts",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("trashed", Integer, primary_key=True, autoincrement=False),
    Column("user_id", Id, primary_key=True, autoincrement=False, comment="0: whoever it is, or nobody"),
    Column(
        "period",
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="born then: 0 any time or not known, 1980 a year, 19800317 a day",
    ),
    Column("gender", Key, primary_key=True, comment="empty: not known"),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What has changed since it was last brought into the census.
count_deltas = Table(
    "count_deltas",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), nullable=False),
    Column("trashed", Integer, nullable=False),
    Column("user_id", Id, nullable=False, comment="0: nobody"),
    Column("gender", Key, nullable=False, comment="empty: not known"),
    Column("date_of_birth", Integer, nullable=False, comment="19800317; 0: not known"),
    Column("created_at", Time, nullable=False),
    Column("customer_id", Id, nullable=False),
    Column("change", Integer, nullable=False, comment="1: the customer came; -1: it went"),
)

# In a long list, ordered by creation and then id: how many customers that are not in the trash there are from this one
# on, up to the next checkpoint.
page_checkpoints = Table(
    "page_checkpoints",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("created_at", Time, primary_key=True),
    Column("customer_id", Id, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

tags = Table(
    "tags",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False, comment="the name without its letter case"),
    Column("color", Text, nullable=False, comment="#RRGGBB"),
    UniqueConstraint("tenant_id", "name_key"),
)

customer_tags = Table(
    "customer_tags",
    metadata,
    Column("tenant_id", Id, nullable=False),
    Column("customer_id", Id, nullable=False),
    Column("tag_id", Id, nullable=False),
    PrimaryKeyConstraint("tenant_id", "customer_id", "tag_id"),
    ForeignKeyConstraint(["tenant_id", "tag_id"], ["tags.tenant_id", "tags.id"]),
    sqlite_with_rowid=False,
)

# How many changes a tenant's customers have had. Whoever writes a tenant's customers holds its row until the end of the
# transaction: so the changes are numbered in the order in which they are seen.
change_counters = Table(
    "change_counters",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
)

# What happened to customers: 1, 2, 3 and so on in each tenant, with no gaps.
customer_changes = Table(
    "customer_changes",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("customer_id", Id, nullable=False),
    Column("action", Text, nullable=False),
    Column("fields", Text, comment="JSON: from what to what, by field; empty where it is erased"),
    Column("other_id", Id, comment="the customer that was merged into it"),
    Column("user_id", Id, comment="who did it"),
    Column("client_id", Text, comment="with which application"),
    Column("created_at", Time, nullable=False),
    PrimaryKeyConstraint("tenant_id", "position"),
    sqlite_with_rowid=False,
)

# Answers to requests that may be sent again (Idempotency-Key).
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", Id, nullable=False, comment="0: of no tenant"),
    Column("key", Key, nullable=False, comment="digest of who asked and of the key that they gave"),
    Column("request_digest", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Text, comment="JSON"),
    Column("body", LargeBinary, comment="empty where it was erased"),
    Column("customer_id", Id, comment="whom the body is about; 0: several"),
    Column("created_at", Time, nullable=False),
    PrimaryKeyConstraint("tenant_id", "key"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("public_key", Text, nullable=False, comment="a JSON Web Key"),
    Column("private_key", LargeBinary, nullable=False, comment="a JSON Web Key, encrypted with the secret key"),
    Column("created_at", Time, nullable=False),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("token_id", Text, primary_key=True, comment="the token's jti"),
    Column("expires_at", Time, nullable=False),
)

# One row, one number: it moves with every change to keys, users, memberships or revoked tokens, so that a server
# knows within a second that what it remembers about tokens no longer holds.
auth_version = Table(
    "auth_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Key, primary_key=True),
    Column("digest", Key, nullable=False, unique=True, comment="of the cookie"),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("methods", Text, nullable=False, comment="how the user signed in: RFC 8176 values"),
    Column("user_agent", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("authenticated_at", Time, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("used_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
)

one_time_tokens = Table(
    "one_time_tokens",
    metadata,
    Column("digest", Key, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("user_id", Id, ForeignKey("users.id")),
    Column("content", LargeBinary, nullable=False, comment="encrypted with the secret key"),
    Column("expires_at", Time, nullable=False),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Key, primary_key=True, comment="the credential id, base64url"),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("used_at", Time),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("digest", Key, primary_key=True),
)

failed_attempts = Table(
    "failed_attempts",
    metadata,
    Column("key", Key, primary_key=True, comment="whose or from where, digested"),
    Column("failures", Integer, nullable=False),
    Column("failed_at", Time, nullable=False),
)

personal_tokens = Table(
    "personal_tokens",
    metadata,
    Column("id", Key, primary_key=True),
    Column("digest", Key, nullable=False, unique=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("bound_tenant_id", Id, ForeignKey("tenants.id"), comment="good for this tenant alone"),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("used_at", Time),
)

clients = Table(
    "clients",
    metadata,
    Column("id", Key, primary_key=True),
    Column(
        "owner_tenant_id",
        Id,
        ForeignKey("tenants.id"),
        comment="the tenant that registered it, which it acts in alone; none: the operator",
    ),
    Column("name", Text, nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('web', 'native', 'browser', 'device', 'service')", name="kind"),
        nullable=False,
    ),
    Column("secret_digest", Text),
    Column("redirect_uris", Text, nullable=False, comment="a JSON list"),
    Column("scopes", Text, nullable=False),
    Column(
        "role",
        Text,
        CheckConstraint("role IN ('admin', 'agent', 'viewer')", name="role"),
        comment="a service account's, in its tenant",
    ),
    Column("logo_url", Text),
    Column("created_at", Time, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("client_id", Key, ForeignKey("clients.id"), primary_key=True),
    Column("scopes", Text, nullable=False, comment="all that were consented to"),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
)

grants = Table(
    "grants",
    metadata,
    Column("id", Key, primary_key=True),
    Column("client_id", Key, ForeignKey("clients.id"), nullable=False),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("resource", Text),
    Column("session_id", Key),
    Column("methods", Text, nullable=False),
    Column("authenticated_at", Time, nullable=False),
    Column("generation", Integer, nullable=False, comment="that of the refresh token that is good now"),
    Column("rotated_at", Time),
    Column("forgiven", Integer, nullable=False, comment="how often a refresh token was used twice within the grace"),
    Column("created_at", Time, nullable=False),
    Column("used_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("ended_at", Time),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    Column("digest", Key, primary_key=True),
    Column("grant_id", Key, ForeignKey("grants.id"), nullable=False),
    Column("client_id", Key, nullable=False),
    Column("redirect_uri", Text),
    Column("code_challenge", Text),
    Column("nonce", Text),
    Column("expires_at", Time, nullable=False),
    Column("used_at", Time),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", Key, primary_key=True),
    Column("grant_id", Key, ForeignKey("grants.id"), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("expires_at", Time, nullable=False),
)

device_codes = Table(
    "device_codes",
    metadata,
    Column("digest", Key, primary_key=True),
    Column("user_code", Key, nullable=False, unique=True),
    Column("client_id", Key, ForeignKey("clients.id"), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("resource", Text),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('pending', 'approved', 'denied', 'used')", name="status"),
        nullable=False,
    ),
    Column("grant_id", Key, ForeignKey("grants.id")),
    Column("interval", Integer, nullable=False),
    Column("polled_at", Time),
    Column("expires_at", Time, nullable=False),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", Key, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("user_id", Id),
    Column("client_id", Text),
    Column("about", Text, comment="what it happened to: the id of a grant, a session, a token"),
    Column("address", Text),
    Column("created_at", Time, nullable=False),
)
