"""PostgreSQL: search within a tenant, and by six letters at once.

Revision: 2026_11_24_search
"""

from alembic import op

revision = "2026_11_24_search"
down_revision = "2026_11_24_census"
branch_labels = None
depends_on = None

# Of every word all sequences of six letters, each with the tenant before it.
SEARCH_GRAMS = """
CREATE FUNCTION search_grams(tenant_id bigint, search_text text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT COST 10000 AS $$
  SELECT array_agg(tenant_id::text || ':' || substr(word, start, 6))
  FROM unnest(string_to_array(translate(search_text, E'\\n', ' '), ' ')) AS word,
       generate_series(1, length(word) - 5) AS start
$$
"""


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        return
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.execute("DROP INDEX ix_customers_search")
    op.execute("CREATE INDEX ix_customers_search ON customers USING gin (tenant_id, search_text gin_trgm_ops)")
    op.execute(SEARCH_GRAMS)
    op.execute("CREATE INDEX ix_customers_search_grams ON customers USING gin (search_grams(tenant_id, search_text))")
