"""Pairs of customers of which somebody said that they are not the same person, although they look alike."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, or_, select

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.dialects import one_of, upsert
from regulars.db.statement import Row, Statement
from regulars.db.tables import customers, dismissed_duplicates, users
from regulars.errors import NotFound
from regulars.i18n import _
from regulars.permissions import Actor
from regulars.security.tokens import is_id, new_id


class DismissedCustomer(NamedTuple):
    """A customer of a dismissed pair."""

    id: int
    first_name: str
    last_name: str | None


class Dismissal(NamedTuple):
    """A dismissed pair, and who dismissed it: the id and the name of a user, unless it was a service account."""

    id: str
    customers: tuple[DismissedCustomer, DismissedCustomer]
    user_id: int | None
    user_name: str | None
    created_at: datetime


NEW_COLUMNS = ("tenant_id", "id", "first_customer_id", "second_customer_id", "user_id", "client_id", "created_at")
INSERT_DISMISSAL = Statement(
    upsert(dismissed_duplicates).values({name: bindparam(name) for name in NEW_COLUMNS}).on_conflict_do_nothing()
)
_first, _second = customers.alias("first"), customers.alias("second")
_dismissals = (
    select(
        dismissed_duplicates.c.id,
        *(each.c[name] for each in (_first, _second) for name in DismissedCustomer._fields),
        dismissed_duplicates.c.user_id,
        users.c.name,
        dismissed_duplicates.c.created_at,
    )
    .select_from(
        dismissed_duplicates.join(
            _first,
            (_first.c.tenant_id == dismissed_duplicates.c.tenant_id)
            & (_first.c.id == dismissed_duplicates.c.first_customer_id),
        )
        .join(
            _second,
            (_second.c.tenant_id == dismissed_duplicates.c.tenant_id)
            & (_second.c.id == dismissed_duplicates.c.second_customer_id),
        )
        .outerjoin(users, users.c.id == dismissed_duplicates.c.user_id)
    )
    .where(dismissed_duplicates.c.tenant_id == bindparam("tenant_id"))
)
LIST_DISMISSALS = Statement(
    _dismissals.where(dismissed_duplicates.c.id < bindparam("before"))
    .order_by(dismissed_duplicates.c.id.desc())
    .limit(bindparam("limit"))
)
GET_DISMISSAL = Statement(
    _dismissals.where(
        dismissed_duplicates.c.first_customer_id == bindparam("first_id"),
        dismissed_duplicates.c.second_customer_id == bindparam("second_id"),
    )
)
LIST_PAIRS = Statement(
    select(dismissed_duplicates.c.first_customer_id, dismissed_duplicates.c.second_customer_id).where(
        dismissed_duplicates.c.tenant_id == bindparam("tenant_id")
    ),
    replica_ok=True,
)
DELETE_DISMISSAL = Statement(
    delete(dismissed_duplicates).where(
        dismissed_duplicates.c.tenant_id == bindparam("of_tenant"), dismissed_duplicates.c.id == bindparam("of_pair")
    )
)
FORGET_DISMISSALS = Statement(
    delete(dismissed_duplicates).where(
        dismissed_duplicates.c.tenant_id == bindparam("of_tenant"),
        or_(
            one_of(dismissed_duplicates.c.first_customer_id, "ids"),
            one_of(dismissed_duplicates.c.second_customer_id, "ids"),
        ),
    )
)


def dismiss(database: Database, tenant_id: int, pair: Collection[int], actor: Actor) -> Dismissal:
    """Store that two existing customers are not the same person, unless it is stored, and return that."""
    first_id, second_id = sorted(pair)
    values = {
        "tenant_id": tenant_id,
        "id": new_id(),
        "first_customer_id": first_id,
        "second_customer_id": second_id,
        "user_id": actor.user_id,
        "client_id": actor.client_id,
        "created_at": utc_now(),
    }
    database.execute(INSERT_DISMISSAL, values)
    (row,) = database.fetch_all(GET_DISMISSAL, {"tenant_id": tenant_id, "first_id": first_id, "second_id": second_id})
    return _dismissal(row)


def list_dismissals(database: Database, tenant_id: int, *, before: str = "~", limit: int = 100) -> list[Dismissal]:
    """Return the newest dismissed pairs with an id before `before`, newest first."""
    values = {"tenant_id": tenant_id, "before": before, "limit": limit}
    return [_dismissal(row) for row in database.fetch_all(LIST_DISMISSALS, values)]


def dismissed_pairs(database: Database, tenant_id: int) -> set[tuple[int, int]]:
    """Return the ids of all dismissed pairs, the lower one first."""
    return {(first, second) for first, second in database.fetch_all(LIST_PAIRS, {"tenant_id": tenant_id})}


def delete_dismissal(database: Database, tenant_id: int, dismissal_id: str) -> None:
    """Let a pair be possible duplicates again. Raise `NotFound` if it was not dismissed."""
    values = {"of_tenant": tenant_id, "of_pair": dismissal_id}
    if not is_id(dismissal_id) or not database.execute(DELETE_DISMISSAL, values):
        raise NotFound(_("There is no dismissal {id}.", id=dismissal_id))


def forget_dismissals(database: Database, tenant_id: int, customer_ids: Collection[int]) -> None:
    """Delete all dismissed pairs of customers who are removed, or merged into others."""
    database.execute(FORGET_DISMISSALS, {"of_tenant": tenant_id, "ids": list(customer_ids)})


def _dismissal(row: Row) -> Dismissal:
    number, *values, user_id, user_name, created_at = row
    pair = DismissedCustomer(*values[:3]), DismissedCustomer(*values[3:])
    return Dismissal(number, pair, user_id, user_name, created_at)
