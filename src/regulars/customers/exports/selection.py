"""The rows of an export: the customers, and the values of its columns."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, bindparam, select

from regulars.clock import utc_now
from regulars.customers.exports.request import ExportRequest
from regulars.customers.fields import CSV_COLUMNS, CSV_FIELDS
from regulars.customers.read.list import CustomerQuery, count_customers, stream_customers
from regulars.customers.schemas import CUSTOMER_TABLES
from regulars.customers.tags import TAG_SEPARATOR
from regulars.db.database import Database
from regulars.db.dialects import join_texts, without_index
from regulars.db.statement import Row, Statement
from regulars.db.tables import customer_tags, customers, tags
from regulars.tenants.tenants import Tenant, get_tenant


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
    # With the index of the names, SQLite would look up every tag of the tenant for each customer.
    found = of_customer.order_by(without_index(tags.c.name_key)).subquery("tagged")
    return select(join_texts(found.c.name, TAG_SEPARATOR)).scalar_subquery()


COLUMN_EXPRESSIONS: Mapping[str, ColumnElement[Any]] = {
    name: _tags() if name == "tags" else CSV_FIELDS[name] for name in CSV_COLUMNS
}


def _export_statement(columns: Sequence[str]) -> Statement:
    return Statement(
        select(*_expressions(columns))
        .select_from(CUSTOMER_TABLES)
        .where(customers.c.tenant_id == bindparam("tenant_id"))
        .order_by(customers.c.id)
    )


def _expressions(columns: Sequence[str]) -> list[ColumnElement[Any]]:
    return [COLUMN_EXPRESSIONS[name].label(name) for name in columns]


EXPORT_CUSTOMERS = _export_statement(CSV_COLUMNS)


def stream_rows(
    database: Database, tenant_id: int, columns: Sequence[str], query: CustomerQuery | None
) -> Iterator[Row]:
    """Yield the values of `columns` for each customer of an export, from one snapshot. Tags are one text.

    Raise `NotFound` if the tenant does not exist.
    """
    tenant = get_tenant(database, tenant_id)
    if query is not None:
        return stream_customers(database, tenant_id, query, _today(tenant), _expressions(columns))
    statement = EXPORT_CUSTOMERS if tuple(columns) == CSV_COLUMNS else _export_statement(columns)
    return database.stream(statement, {"tenant_id": tenant_id})


def query_of(request: ExportRequest) -> CustomerQuery | None:
    """Return the query whose customers are exported. If it is None, they are all customers."""
    return CustomerQuery() if request.query is None and request.format == "vcard" else request.query


def count_rows(database: Database, tenant_id: int, query: CustomerQuery | None) -> int:
    """Return the number of customers of an export. Raise `NotFound` if the tenant does not exist."""
    today = _today(get_tenant(database, tenant_id))
    queries = [CustomerQuery(), CustomerQuery(trashed=True)] if query is None else [query]
    return sum(count_customers(database, tenant_id, each, today) for each in queries)


def _today(tenant: Tenant) -> date:
    return utc_now().astimezone(ZoneInfo(tenant.time_zone)).date()
