"""Search by what few customers have: six letters before an @ and six digits in a row, and by one and two letters.

Revision: 2026_11_24_search
"""

from string import ascii_lowercase, digits

from alembic import op

revision = "2026_11_24_search"
down_revision = "2026_11_24_census"
branch_labels = None
depends_on = None

# A number for some letters of a tenant. Two that share one cost a look at a row that does not match, and no more.
KEY = "tenant_id * 4294967296 + (hashtext(letters)::bigint & 4294967295)"

# Of every run of six digits and more, without leading zeros, each six in a row; and the six letters before each @.
SEARCH_RUNS = f"""
CREATE FUNCTION search_runs(tenant_id bigint, search_text text) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT COST 100 AS $$
  SELECT array_agg({KEY})
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

# Every two letters in a row, and the single ones that are not in nearly every text anyway.
SEARCH_LETTERS = f"""
CREATE FUNCTION search_letters(tenant_id bigint, search_text text) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT COST 100 AS $$
  SELECT array_agg({KEY})
  FROM (
    SELECT found[1] AS letters FROM regexp_matches(search_text, '..', 'g') AS found
    UNION ALL
    SELECT found[1] FROM regexp_matches(substr(search_text, 2), '..', 'g') AS found
    UNION ALL
    SELECT unnest(string_to_array(translate(search_text, '{ascii_lowercase}{digits}', ''), NULL))
  ) AS all_letters
$$
"""


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        make_sqlite_parts()
    else:
        make_postgresql_parts()


def make_postgresql_parts() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.execute("DROP INDEX ix_customers_search")
    op.execute("CREATE INDEX ix_customers_search ON customers USING gin (tenant_id, search_text gin_trgm_ops)")
    for name, function in (("runs", SEARCH_RUNS), ("letters", SEARCH_LETTERS)):
        op.execute(function)
        op.execute(
            f"CREATE INDEX ix_customers_search_{name} ON customers USING gin (search_{name}(tenant_id, search_text))"
        )
        # Most are rare: with few samples they would seem frequent enough to look for the tenant's rows as well.
        op.execute(f"ALTER INDEX ix_customers_search_{name} ALTER COLUMN 1 SET STATISTICS 1000")


def make_sqlite_parts() -> None:
    """The index's list of trigrams tells which begin with one or two letters; two line ends let the last letters begin
    one, too."""
    for part in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER customers_search_{part}")
    op.execute("DROP TABLE customers_search")
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
    # every tenant: whatever was in the index before
    op.execute(
        "INSERT INTO customers_search (rowid, search_text)"
        " SELECT tenant_id * 1099511627776 + id, search_text || char(10, 10) FROM customers"
    )
