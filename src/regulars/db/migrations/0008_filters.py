"""Indexes for filters by birthday, and for customers without a country or default channel.

Revision: 0008
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_sqlite = op.get_context().dialect.name == "sqlite"
    create_birthday_index(is_sqlite=is_sqlite)
    # SQLite reads only the index if it has the column of its condition.
    included_column = ", deleted_at" if is_sqlite else ""
    for name in ("country_id", "default_channel_id"):
        op.execute(f"DROP INDEX ix_customers_{name}")
        op.execute(
            f"CREATE INDEX ix_customers_{name} ON customers (tenant_id, {name}, created_at, id{included_column})"
            " WHERE deleted_at IS NULL"
        )


def create_birthday_index(*, is_sqlite: bool) -> None:
    """Create the index by month and day of birth, as a number.

    Both databases read only the index if it has the column of its expression.
    """
    if is_sqlite:
        day = "CAST(replace(substr(date_of_birth, 6), '-', '') AS INTEGER)"
        end = ", date_of_birth, deleted_at)"
    else:
        day = "CAST(extract(month FROM date_of_birth) * 100 + extract(day FROM date_of_birth) AS INTEGER)"
        end = ") INCLUDE (date_of_birth)"
    op.execute(
        f"CREATE INDEX ix_customers_birthday ON customers (tenant_id, ({day}), created_at, id{end}"
        " WHERE deleted_at IS NULL AND date_of_birth IS NOT NULL"
    )
