"""Export of all customers of a tenant to a CSV file. Importing the file again gives equal customers."""

import csv
import io
from collections.abc import Callable
from contextlib import closing
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, select

from regulars.customers.csv.format import CSV_COLUMNS, escape_formula
from regulars.customers.fields import CSV_FIELDS
from regulars.customers.schemas import CUSTOMER_TABLES
from regulars.customers.tags import TAG_SEPARATOR
from regulars.db.database import Database
from regulars.db.dialects import join_texts
from regulars.db.statement import Row, Statement
from regulars.db.tables import customer_tags, customers, tags
from regulars.tenants.tenants import get_tenant

ROWS_PER_WRITE = 1_000
FIRST_TIME_COLUMN = CSV_COLUMNS.index("created_at")


def _tags() -> ColumnElement[str]:
    """Return the expression for the names of a customer's tags, joined by `TAG_SEPARATOR`."""
    of_customer = (
        select(tags.c.name, tags.c.name_key)
        .select_from(
            customer_tags.join(
                tags, (tags.c.tenant_id == customer_tags.c.tenant_id) & (tags.c.id == customer_tags.c.tag_id)
            )
        )
        .where(customer_tags.c.tenant_id == bindparam("tenant_id"), customer_tags.c.customer_id == customers.c.id)
        .correlate(customers)
    )
    found = of_customer.order_by(tags.c.name_key).subquery("tagged")
    return select(join_texts(found.c.name, TAG_SEPARATOR)).scalar_subquery()


def _export_statement() -> Statement:
    statement = (
        select(*(_tags().label(name) if name == "tags" else CSV_FIELDS[name].label(name) for name in CSV_COLUMNS))
        .select_from(CUSTOMER_TABLES)
        .where(customers.c.tenant_id == bindparam("tenant_id"))
        .order_by(customers.c.id)
    )
    return Statement(statement)


EXPORT_CUSTOMERS = _export_statement()


def export_csv(
    database: Database,
    tenant_id: int,
    write: Callable[[str], object],
    *,
    progress: Callable[[int], object] = lambda rows: None,
) -> int:
    """Write all customers of the tenant as CSV, including those in the trash, in the order of their ids.

    Return their number. All rows come from one snapshot. `progress` is called with the number of rows written so far.
    Raise `NotFound` if the tenant does not exist.
    """
    block = io.StringIO()
    writer = csv.writer(block, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    get_tenant(database, tenant_id)
    count = 0
    # Closing the generator ends its transaction, even if `write` fails.
    rows = database.stream(EXPORT_CUSTOMERS, {"tenant_id": tenant_id})
    with closing(rows):  # type: ignore[type-var]
        for row in rows:
            writer.writerow(_cells(row))
            count += 1
            if count % ROWS_PER_WRITE == 0:
                write(block.getvalue())
                block.seek(0)
                block.truncate()
                progress(count)
    write(block.getvalue())
    progress(count)
    return count


def _cells(row: Row) -> list[object]:
    cells = [escape_formula(cell) if isinstance(cell, str) else cell for cell in row]
    cells[FIRST_TIME_COLUMN:] = [moment and _format_time(moment) for moment in row[FIRST_TIME_COLUMN:]]
    return cells


def _format_time(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
