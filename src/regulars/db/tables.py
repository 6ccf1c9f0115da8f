"""The tables, for building statements. Migrations create them, with their indexes; a test compares both.

Every key of a table that belongs to tenants starts with `tenant_id`, so that tables can be distributed by tenant.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
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
# Text that both databases compare byte by byte, whatever the locale of the machine or of the database.
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
        comment="names of fields that are unique, separated by commas",
    ),
    Column("created_at", Time, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("email", Text, nullable=False, comment="normalised, lower case; unique among verified addresses"),
    Column("name", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("subject", Key, comment="subject at an external authorization server; unique"),
    Column("totp_secret", LargeBinary, comment="encrypted with the secret key"),
    Column("totp_step", BigInteger, comment="last time step whose code was used"),
    Column("created_at", Time, nullable=False),
    Column("email_verified_at", Time, comment="when the user proved to receive mail at the address"),
    Column("disabled_at", Time),
    Column("deleted_at", Time, comment="the row stays, without personal data, because others refer to it"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("role", Text, CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name="role"), nullable=False),
    Column("created_at", Time, nullable=False),
    Column("deleted_at", Time, comment="end of the membership"),
)

# Invitations to become a member of a tenant, accepted with a link.
invitations = Table(
    "invitations",
    metadata,
    Column("id", Key, primary_key=True),
    Column("inviting_tenant_id", Id, ForeignKey("tenants.id"), nullable=False),
    Column("email", Text, nullable=False),
    Column("name", Text, comment="suggested name of a new user"),
    Column("role", Text, CheckConstraint("role IN ('owner', 'admin', 'agent', 'viewer')", name="role"), nullable=False),
    Column("digest", Key, nullable=False, unique=True, comment="digest of the link shown to the inviter"),
    Column("mailed_digest", Key, unique=True, comment="digest of the e-mailed link, which proves the address"),
    Column(
        "status",
        Text,
        CheckConstraint("status IN ('pending', 'accepted', 'declined', 'revoked')", name="status"),
        nullable=False,
    ),
    Column("invited_by", Id, ForeignKey("users.id"), comment="null: the operator"),
    Column("user_id", Id, ForeignKey("users.id"), comment="who accepted it"),
    Column("created_at", Time, nullable=False),
    Column("sent_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
)

# Pending changes of users' e-mail addresses, each to be confirmed at the old and the new address.
email_changes = Table(
    "email_changes",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("new_email", Text, nullable=False),
    Column("old_confirmed_at", Time),
    Column("new_confirmed_at", Time),
    Column("expires_at", Time, nullable=False),
)

# E-mail messages to send.
outgoing_mail = Table(
    "outgoing_mail",
    metadata,
    Column("id", Key, primary_key=True),
    Column("content", LargeBinary, nullable=False, comment="encrypted with the secret key"),
    Column("created_at", Time, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Time, nullable=False),
    Column("last_error", Text),
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
    Column("first_name_key", Key, nullable=False, comment="sort key of the first name"),
    Column("last_name_key", Key, comment="sort key of the last name"),
    Column("search_text", Text, nullable=False, comment="folded text of all searched fields"),
    Column("phone_number_as_typed", Text),
    Column("version", BigInteger, nullable=False, server_default="1", comment="increases with every change"),
    Column("merged_into_id", Id, comment="the customer into which it was merged"),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "user_id"], ["memberships.tenant_id", "memberships.user_id"]),
    ForeignKeyConstraint(["tenant_id", "default_channel_id"], ["channels.tenant_id", "channels.id"]),
    sqlite_with_rowid=False,
)

# SQLite: an FTS5 table of trigrams without content. The number of a row is tenant_id * 2^40 + id.
# PostgreSQL: GIN indexes of trigrams (pg_trgm), of six letters or digits in a row, and of one and two letters.
SEARCH_ROWS_PER_TENANT = 2**40
customers_search = Table(
    "customers_search",
    MetaData(),
    Column("rowid", BigInteger),
    Column("customers_search", Text),
)
# SQLite: every trigram of the search index, with the number of customers of all tenants that contain it.
customers_search_trigrams = Table(
    "customers_search_trigrams",
    MetaData(),
    Column("term", Text),
    Column("doc", BigInteger),
)

# The number of customers of a tenant for each combination of counted filters (see `customers.counts`).
customer_counts = Table(
    "customer_counts",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("trashed", Integer, primary_key=True, autoincrement=False),
    Column("user_id", Id, primary_key=True, autoincrement=False, comment="0: all users and none"),
    Column(
        "period",
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="0: any or unknown; 1980: a year; 19800317: a day",
    ),
    Column("gender", Key, primary_key=True, comment="empty: unknown"),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Changes that have not been merged into the counts yet.
count_deltas = Table(
    "count_deltas",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), nullable=False),
    Column("trashed", Integer, nullable=False),
    Column("user_id", Id, nullable=False, comment="0: no user"),
    Column("gender", Key, nullable=False, comment="empty: unknown"),
    Column("date_of_birth", Integer, nullable=False, comment="19800317; 0: unknown"),
    Column("created_at", Time, nullable=False),
    Column("customer_id", Id, nullable=False),
    Column("change", Integer, nullable=False, comment="1: customer added; -1: removed"),
)

# The number of a tenant's customers outside the trash by month of creation, country, default channel and tag.
customer_group_counts = Table(
    "customer_group_counts",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("kind", Key, primary_key=True, comment="created_month, country, channel or tag"),
    Column("value", BigInteger, primary_key=True, autoincrement=False, comment="202611: a month in UTC; or an id"),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Changes that have not been merged into these counts yet: the sum of each transaction.
group_count_deltas = Table(
    "group_count_deltas",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), nullable=False),
    Column("kind", Key, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("change", BigInteger, nullable=False),
)

# Checkpoints of long lists in the order of `created_at` and id. `count` is the number of customers outside the trash
# from a checkpoint to the next one.
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
    Column("name_key", Key, nullable=False, comment="key for comparing names"),
    Column("color", Text, nullable=False, comment="#RRGGBB"),
    Column("import_id", Key, comment="the import that created the tag; null as soon as somebody changes the tag"),
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

# The number of changes of a tenant's customers, and the last ids of its customers and tags. A transaction that writes
# customers or tags locks this row until its end, so that changes become visible in the order of their numbers.
change_counters = Table(
    "change_counters",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("last_position", BigInteger, nullable=False),
    Column("last_customer_id", BigInteger, nullable=False, server_default="0"),
    Column("last_tag_id", BigInteger, nullable=False, server_default="0"),
)

# The change log, numbered 1, 2, 3 and so on in each tenant, without gaps.
customer_changes = Table(
    "customer_changes",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("customer_id", Id, nullable=False),
    Column("action", Text, nullable=False),
    Column("fields", Text, comment="JSON: values before and after, by field; null if erased"),
    Column("other_id", Id, comment="the other customer of a merge"),
    Column("user_id", Id, comment="the user who made the change"),
    Column("client_id", Text, comment="the application that made the change"),
    Column("created_at", Time, nullable=False),
    Column("source_id", Key, comment="the import or bulk change that made it or, by its undo, reverted it"),
    PrimaryKeyConstraint("tenant_id", "position"),
    sqlite_with_rowid=False,
)

# Work in the background (see `jobs.queue`).
jobs = Table(
    "jobs",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("id", Key, primary_key=True),
    Column("kind", Text, nullable=False),
    Column(
        "state",
        Text,
        CheckConstraint("state IN ('queued', 'running', 'completed', 'failed', 'cancelled')", name="state"),
        nullable=False,
    ),
    Column("user_id", Id, comment="the user who started it"),
    Column("client_id", Text, nullable=False, comment="the application that started it"),
    Column("arguments", Text, nullable=False, comment="JSON"),
    Column("checkpoint", Text, comment="JSON: what has been done"),
    Column("result", Text, comment="JSON"),
    Column("error", Text, comment="JSON: why it failed, or why it is tried again later"),
    Column("done", BigInteger, nullable=False, comment="number of steps done"),
    Column("total", BigInteger, comment="number of all steps"),
    Column("attempts", Integer, nullable=False, comment="number of claims since the last step"),
    Column("claim", Key, comment="the claim of the process that runs it"),
    Column("due_at", Time, nullable=False, comment="when a process can claim it; of a running job: if not renewed"),
    Column("cancelled_at", Time, comment="when somebody cancelled it; a running job stops after its current step"),
    Column("created_at", Time, nullable=False),
    Column("started_at", Time),
    Column("finished_at", Time),
)

# Uploaded and exported files. A file has the id of its import, or of the job that wrote it.
stored_files = Table(
    "stored_files",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False, comment="bytes"),
    Column("digest", Key, nullable=False, comment="SHA-256"),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
)
stored_file_parts = Table(
    "stored_file_parts",
    metadata,
    Column("tenant_id", Id, primary_key=True, autoincrement=False),
    Column("file_id", Key, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="from 0"),
    Column("content", LargeBinary, nullable=False, comment="compressed (zlib)"),
)

imports = Table(
    "imports",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("id", Key, primary_key=True),
    Column("file_name", Text, nullable=False),
    Column("file_size", BigInteger, nullable=False, comment="bytes"),
    Column("digest", Key, nullable=False, comment="SHA-256 of the file"),
    Column("user_id", Id, comment="the user who uploaded the file"),
    Column("client_id", Text, nullable=False, comment="the application that uploaded the file"),
    Column("job_id", Key, nullable=False, comment="the last job, which determines the state"),
    Column("settings", Text, nullable=False, comment="JSON: how to read the file, and what to do with its rows"),
    Column("detected", Text, comment="JSON: what was found in the file"),
    Column("preview", Text, comment="JSON: the first rows, and the counts of a dry run"),
    Column("result", Text, comment="JSON: the counts of the import"),
    Column("undo_result", Text, comment="JSON: the counts of the undo"),
    Column("created_at", Time, nullable=False),
    Column("started_at", Time),
    Column("undo_until", Time, comment="when the file and everything needed to undo the import are deleted"),
)

# How files with these headings were imported the last time.
import_mappings = Table(
    "import_mappings",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("headings_digest", Key, primary_key=True),
    Column("settings", Text, nullable=False, comment="JSON"),
    Column("updated_at", Time, nullable=False),
)

# Rows of a file that were not imported, customers that a bulk change refused, and those that an undo has kept.
issues = Table(
    "issues",
    metadata,
    Column("tenant_id", Id, primary_key=True, autoincrement=False),
    Column("source_id", Key, primary_key=True, comment="the import or bulk change"),
    Column("kind", Text, CheckConstraint("kind IN ('refused', 'skipped', 'kept')", name="kind"), primary_key=True),
    Column(
        "number",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="number of the row in the file, or id of the customer",
    ),
    Column("reasons", Text, nullable=False, comment="JSON: headings and messages"),
    Column("cells", Text, comment="JSON: the cells of the row"),
)

# Changes of many customers at once.
bulk_changes = Table(
    "bulk_changes",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("id", Key, primary_key=True),
    Column("user_id", Id, comment="the user who asked for it"),
    Column("client_id", Text, nullable=False, comment="the application that asked for it"),
    Column("job_id", Key, nullable=False, comment="the last job, which determines the state"),
    Column("query", Text, comment="JSON: which customers are changed; null after they have been found"),
    Column("change", Text, nullable=False, comment="JSON: what changes"),
    Column("counts", Text, nullable=False, comment="JSON: the counts so far"),
    Column("undo_result", Text, comment="JSON: the counts of the undo"),
    Column("created_at", Time, nullable=False),
    Column("undo_until", Time, comment="when everything needed to undo it is deleted"),
)

# Pairs of customers that are not the same person, although they look alike. The first id is the lower one.
dismissed_duplicates = Table(
    "dismissed_duplicates",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("id", Key, primary_key=True),
    Column("first_customer_id", Id, nullable=False),
    Column("second_customer_id", Id, nullable=False),
    Column("user_id", Id, comment="the user who said so"),
    Column("client_id", Text, nullable=False, comment="the application through which it was said"),
    Column("created_at", Time, nullable=False),
    UniqueConstraint("tenant_id", "first_customer_id", "second_customer_id", name="uq_dismissed_duplicates_pair"),
)

# The entries of an import or a bulk change in the change log, in ranges without gaps.
undo_positions = Table(
    "undo_positions",
    metadata,
    Column("tenant_id", Id, primary_key=True, autoincrement=False),
    Column("source_id", Key, primary_key=True),
    Column("first_position", BigInteger, primary_key=True, autoincrement=False),
    Column("last_position", BigInteger, nullable=False),
)

# Saved views of the customer list.
customer_views = Table(
    "customer_views",
    metadata,
    Column("tenant_id", Id, ForeignKey("tenants.id"), primary_key=True, autoincrement=False),
    Column("id", Key, primary_key=True),
    Column("user_id", Id, nullable=False, comment="the user who created it"),
    Column("name", Text, nullable=False),
    Column("filters", Text, nullable=False, comment="JSON: parameters of the customer list"),
    Column("sort_by", Text),
    Column("sort_order", Text),
    Column("columns", Text, comment="JSON: names and widths; null: the default columns"),
    Column("is_shared", Boolean, nullable=False, comment="all members see it; otherwise only its user"),
    Column("is_default", Boolean, nullable=False, comment="the list of all members, or of its user, opens with it"),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    ForeignKeyConstraint(["tenant_id", "user_id"], ["memberships.tenant_id", "memberships.user_id"]),
)

# Responses to requests with an Idempotency-Key.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("tenant_id", Id, nullable=False, comment="0: no tenant"),
    Column("key", Key, nullable=False, comment="digest of client, user and Idempotency-Key"),
    Column("request_digest", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Text, comment="JSON"),
    Column("body", LargeBinary, comment="null if erased"),
    Column("customer_id", Id, comment="the customer in the body; 0: several"),
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
    Column("replaced_at", Time, comment="when the next key began to sign"),
    Column("revoked_at", Time),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("token_id", Text, primary_key=True, comment="the token's jti"),
    Column("expires_at", Time, nullable=False),
)

# One row with a number that increases with every change of keys, users, memberships and revoked tokens, so that
# servers discard what they have cached about tokens within a second.
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
    Column("digest", Key, nullable=False, unique=True, comment="digest of the cookie"),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False),
    Column("methods", Text, nullable=False, comment="authentication methods (RFC 8176)"),
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
    Column("key", Key, primary_key=True, comment="digest of the account, browser or address"),
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
    Column("bound_tenant_id", Id, ForeignKey("tenants.id"), comment="the only tenant for which the token is valid"),
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
        comment="the tenant that registered it and in which it acts; null: the operator",
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
        comment="role of a service account in its tenant",
    ),
    Column("logo_url", Text),
    Column("created_at", Time, nullable=False),
)

consents = Table(
    "consents",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("client_id", Key, ForeignKey("clients.id"), primary_key=True),
    Column("scopes", Text, nullable=False, comment="all consented scopes"),
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
    Column("generation", Integer, nullable=False, comment="generation of the current refresh token"),
    Column("rotated_at", Time),
    Column(
        "grace_uses", Integer, nullable=False, comment="number of refresh tokens used again within the grace period"
    ),
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
    Column("about", Text, comment="id of the grant, session or token"),
    Column("address", Text),
    Column("created_at", Time, nullable=False),
    Column("about_tenant_id", Id, comment="the tenant whose owners can see it"),
)
