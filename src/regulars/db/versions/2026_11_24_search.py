"""PostgreSQL: search within a tenant, and by six digits at once.

Revision: 2026_11_24_search
"""

from alembic import op

revision = "2026_11_24_search"
down_revision = "2026_11_24_census"
branch_labels = None
depends_on = None

# Of every run of six digits and more, without leading zeros, each six in a row, with the tenant before them.
SEARCH_DIGITS = """
CREATE FUNCTION search_digits(tenant_id bigint, search_text text) RETURNS bigint[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT COST 10000 AS $$
  SELECT array_agg(tenant_id * 1000000 + substr(digits, start, 6)::int)
  FROM (
    SELECT ltrim(run, '0') AS digits
    FROM unnest(string_to_array(regexp_replace(search_text, '[^0-9]+', ' ', 'g'), ' ')) AS run
    WHERE length(run) > 5
  ) AS runs, generate_series(1, length(digits) - 5) AS start
$$
"""


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        return
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.execute("DROP INDEX ix_customers_search")
    op.execute("CREATE INDEX ix_customers_search ON customers USING gin (tenant_id, search_text gin_trgm_ops)")
    op.execute(SEARCH_DIGITS)
    op.execute("CREATE INDEX ix_customers_search_digits ON customers USING gin (search_digits(tenant_id, search_text))")
    # Each six digits are rare: with few samples they would seem frequent enough to look for the tenant's rows as well.
    op.execute("ALTER INDEX ix_customers_search_digits ALTER COLUMN 1 SET STATISTICS 1000")
