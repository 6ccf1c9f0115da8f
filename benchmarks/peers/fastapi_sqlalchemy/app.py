"""Application with one route."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Query, Request
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from .database import engine, get_session, make_session
from .models import Customer, CustomerCount, Membership
from .paging import links_and_meta
from .schemas import CustomerPage, CustomerQuery
from .security import get_membership, load_keys

SORT_COLUMNS = {"first_name": "first_name_key", "last_name": "last_name_key"}
HAS_KEPT_COUNTER = "KEPT_COUNTER" in os.environ
FILTER_PARAMETERS = {"search", "gender", "min_age", "max_age", "user_id"}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Read the signing keys at startup and close the connection pool at shutdown."""
    async with make_session() as session:
        await load_keys(session)
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.get("/api/v1/customers", response_model=CustomerPage)
async def list_customers(
    request: Request,
    query: Annotated[CustomerQuery, Query()],
    membership: Annotated[Membership, Depends(get_membership)],
    session: Annotated[AsyncSession, Depends(get_session)],
) -> Any:
    """Return a page of the tenant's customers."""
    matches = filtered(membership.tenant_id, query, datetime.now(ZoneInfo(membership.tenant.time_zone)).date())
    if HAS_KEPT_COUNTER and query.model_fields_set.isdisjoint(FILTER_PARAMETERS):
        counting = select(CustomerCount.total).where(CustomerCount.tenant_id == membership.tenant_id)
    else:
        counting = select(func.count()).select_from(matches.subquery())
    total = await session.scalar(counting) or 0
    page = (
        ordered(matches, query)
        .options(joinedload(Customer.country), joinedload(Customer.related_user))
        .offset((query.page - 1) * query.per_page)
        .limit(query.per_page)
    )
    customers = (await session.scalars(page)).all()
    links, meta = links_and_meta(request, total=total, per_page=query.per_page, page=query.page, rows=len(customers))
    return {"data": customers, "links": links, "meta": meta}


def filtered(tenant_id: int, query: CustomerQuery, today: date) -> Select[Customer]:
    """Return the query for all customers that match the filters."""
    customers = select(Customer).where(Customer.tenant_id == tenant_id, Customer.deleted_at.is_(None))
    for word in query.search.split():
        customers = customers.where(Customer.search_text.icontains(word, autoescape=True))
    if query.gender is not None:
        customers = customers.where(Customer.gender == query.gender)
    if query.user_id is not None:
        customers = customers.where(Customer.user_id == query.user_id)
    if query.min_age is not None:
        customers = customers.where(Customer.date_of_birth <= years_before(today, query.min_age))
    if query.max_age is not None:
        customers = customers.where(Customer.date_of_birth > years_before(today, query.max_age + 1))
    return customers


def ordered(customers: Select[Customer], query: CustomerQuery) -> Select[Customer]:
    """Add the requested order, with nulls last."""
    key = getattr(Customer, SORT_COLUMNS.get(query.sort_by, query.sort_by))
    default = "desc" if query.sort_by == "created_at" else "asc"
    if (query.sort_order or default) == "desc":
        return customers.order_by(key.desc().nulls_last() if key.nullable else key.desc(), Customer.id.desc())
    return customers.order_by(key.asc().nulls_last() if key.nullable else key.asc(), Customer.id)


def years_before(today: date, years: int) -> date:
    """Return the same day that number of years earlier."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return date(today.year - years, 2, 28)
