"""Customers to a CSV file that can be imported again and is equal."""

import csv
import io
from collections.abc import Callable
from contextlib import closing
from datetime import datetime

from sqlalchemy import ColumnElement, bindparam, select

from regulars.customers.csv.format import CSV_COLUMNS, guarded
from regulars.customers.fields import CSV_FIELDS
from regulars.customers.schemas import CUSTOMER_TABLES
from regulars.customers.tags import BETWEEN_TAGS
from regulars.db.database import Database
from regulars.db.dialects import join_texts
from regulars.db.statement import Row, Statement
from regulars.db.tables import customer_tags, customers, tags
from regulars.tenants.tenants import get_tenant

BLOCK = 1_000
TIMES = CSV_COLUMNS.index("created_at")


def _tags() -> ColumnElement[str]:
    """The names of a customer's tags."""
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
    return select(join_texts(found.c.name, BETWEEN_TAGS)).scalar_subquery()


def _everyone() -> Statement:
    everyone = (
        select(*(_tags().label(name) if name == "tags" else CSV_FIELDS[name].label(name) for name in CSV_COLUMNS))
        .select_from(CUSTOMER_TABLES)
        .where(customers.c.tenant_id == bindparam("tenant_id"))
        .order_by(customers.c.id)
    )
    return Statement(everyone)


EXPORT_CUSTOMERS = _everyone()


def export_csv(
    database: Database,
    tenant_id: int,
    write: Callable[[str], object],
    *,
    progress: Callable[[int], object] = lambda rows: None,
) -> int:
    """Write all customers of the tenant, those in the trash too, in the order of their ids; how many there were.

    They are written as of one moment, block by block; `progress` is told how many rows were written.
    Raises `NotFound` for a tenant that does not exist.
    """
    block = io.StringIO()
    writer = csv.writer(block, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    get_tenant(database, tenant_id)
    count = 0
    # A generator; closed here, it lets go of its transaction even if `write` fails.
    rows = database.stream(EXPORT_CUSTOMERS, {"tenant_id": tenant_id})
    with closing(rows):  # type: ignore[type-var]
        for row in rows:
            writer.writerow(_cells(row))
            count += 1
            if count % BLOCK == 0:
                write(block.getvalue())
                block.seek(0)
                block.truncate()
                progress(count)
    write(block.getvalue())
    progress(count)
    return count


def _cells(row: Row) -> list[object]:
    cells = [guarded(cell) if isinstance(cell, str) else cell for cell in row]
    cells[TIMES:] = [moment and _written(moment) for moment in row[TIMES:]]
    return cells


def _written(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
