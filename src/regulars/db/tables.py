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
    Column("created_at", Time, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("email", Text, nullable=False, unique=True, comment="normalised, lower case"),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", Time, nullable=False),
)

memberships = Table(
    "memberships",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("role", Text, CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name="role"), nullable=False),
    Column("created_at", Time, nullable=False),
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
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "user_id"], ["memberships.tenant_id", "memberships.user_id"]),
    ForeignKeyConstraint(["tenant_id", "default_channel_id"], ["channels.tenant_id", "channels.id"]),
    sqlite_with_rowid=False,
)

# SQLite: an FTS5 table of trigrams that holds no text of its own; its rows are numbered tenant_id * 2^40 + id.
# PostgreSQL: a GIN index of trigrams (pg_trgm).
SEARCH_ROWS_PER_TENANT = 2**40
customers_search = Table(
    "customers_search",
    MetaData(),
    Column("rowid", BigInteger),
    Column("customers_search", Text),
)

# How many customers a tenant has, for each filter that needs no look at the customers themselves.
# `part` 0 is the sum so far; on PostgreSQL writers append parts, so that they never wait for each other.
customer_counts = Table(
    "customer_counts",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("trashed", Integer, primary_key=True, autoincrement=False),
    Column("user_id", Id, primary_key=True, autoincrement=False, comment="0: whoever it is, or nobody"),
    Column("gender", Key, primary_key=True, comment="empty: not known"),
    Column("part", Id, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
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
access_version = Table(
    "access_version",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)
