"""Count the ids of customers and tags for each tenant, instead of one sequence for all.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# New ids follow the highest one up to this id. A higher one was chosen by a file that was imported.
MAX_ADVANCING_ID = 2**39 - 1

# Customers and tags that no longer exist are still mentioned in the changes. An id is not given to another one.
HIGHEST_IDS = {
    "last_customer_id": (
        "SELECT tenant_id, id FROM customers",
        "SELECT tenant_id, customer_id FROM customer_changes",
        "SELECT tenant_id, other_id FROM customer_changes WHERE other_id IS NOT NULL",
    ),
    "last_tag_id": ("SELECT tenant_id, id FROM tags",),
}
# `tags` is a list of ids, or two: before and after a change.
CHANGED_TAGS = {
    "sqlite": (
        "SELECT tenant_id, atom FROM customer_changes, json_tree(fields, '$.tags')"
        " WHERE fields LIKE '%\"tags\":[%' AND type = 'integer'"
    ),
    "postgresql": (
        "SELECT tenant_id, CAST(tag AS bigint) FROM customer_changes,"
        " jsonb_path_query(CAST(fields AS jsonb), 'lax $.tags[*][*]') AS tag"
        " WHERE fields LIKE '%\"tags\":[%'"
    ),
}


def upgrade() -> None:
    dialect = op.get_context().dialect.name
    for column in HIGHEST_IDS:
        op.add_column("change_counters", sa.Column(column, sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(
        "INSERT INTO change_counters (tenant_id, last_position) SELECT id, 0 FROM tenants WHERE true"
        " ON CONFLICT DO NOTHING"
    )
    for column, queries in HIGHEST_IDS.items():
        for query in queries:
            raise_counter(column, query)
    raise_counter("last_tag_id", CHANGED_TAGS[dialect])
    for sequence in ("customer_ids", "tag_ids"):
        if dialect == "sqlite":
            op.execute(f"DELETE FROM id_sequences WHERE name = '{sequence}'")
        else:
            op.execute(f"DROP SEQUENCE {sequence}")


def raise_counter(column: str, query: str) -> None:
    """Let the counter of each tenant be at least the highest id that the query returns for it."""
    op.execute(
        f"WITH used (tenant_id, id) AS ({query}), highest AS (SELECT tenant_id, max(id) AS id FROM used"
        f" WHERE id <= {MAX_ADVANCING_ID} GROUP BY tenant_id)"
        f" UPDATE change_counters SET {column} = highest.id FROM highest"
        f" WHERE highest.tenant_id = change_counters.tenant_id AND highest.id > change_counters.{column}"
    )
