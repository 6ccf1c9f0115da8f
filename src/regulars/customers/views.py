"""Saved views of the customer list: filters, order and columns under a name.

A view belongs to the user who has created it. All members of the tenant see it if it is shared.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs
from sqlalchemy import bindparam, delete, false, func, insert, or_, select, update

from regulars.clock import utc_now
from regulars.customers.read.list_sql import SortBy, SortOrder
from regulars.customers.schemas import Customer
from regulars.customers.tags import name_key
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import customer_views
from regulars.errors import Conflict, NotFound
from regulars.i18n import _
from regulars.permissions import Principal, check_permitted, check_role, check_scopes
from regulars.security.tokens import is_id, new_id
from regulars.tenants.locks import lock_tenant
from regulars.validation import quote

MAX_VIEWS = 200
"""The maximum number of views that a user has in a tenant."""
MAX_VIEW_NAME_LENGTH = 100
MIN_COLUMN_WIDTH = 20
MAX_COLUMN_WIDTH = 2000
COLUMN_OF_REFERENCE = {"country_name": "country", "default_channel_id": "channel", "related_user": "user"}
"""Columns that show another object, by the field of the customer that refers to it."""
FIELD_COLUMNS = tuple(COLUMN_OF_REFERENCE.get(name, name) for name in Customer.__struct_fields__)
VIEW_COLUMNS = ("name", "age", *FIELD_COLUMNS)


class ViewColumn(Struct, frozen=True):
    """A column of a view."""

    name: Annotated[str, Meta(examples=["phone_number"])]
    width: Annotated[int | None, Meta(description="In CSS pixels. Null: the default width.", examples=[140])] = None


class CustomerView(Struct, frozen=True):
    """A saved view of the customer list."""

    id: Annotated[str, Meta(examples=["019dd0f4-7f3c-7a15-8c3e-0b7a53a6c1de"])]
    name: Annotated[str, Meta(examples=["Women over 40"])]
    filters: Annotated[
        dict[str, Any],
        Meta(description="Parameters of the customer list.", examples=[{"gender": "female", "min_age": 40}]),
    ]
    sort_by: Annotated[SortBy | None, Meta(examples=["last_name"])]
    sort_order: Annotated[SortOrder | None, Meta(examples=["asc"])]
    columns: Annotated[list[ViewColumn] | None, Meta(description="In their order. Null: the default columns.")]
    shared: Annotated[bool, Meta(description="Whether all members of the tenant see it.", examples=[False])]
    default: Annotated[
        bool,
        Meta(
            description="Whether the list opens with it: a shared view for all members, another one for its user. The"
            " user's own default comes first.",
            examples=[False],
        ),
    ]
    user_id: Annotated[int, Meta(description="The user who created it.", examples=[7])]
    created_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]
    updated_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]


EMPTY_VALUES: dict[str, Any] = {
    "filters": {},
    "sort_by": None,
    "sort_order": None,
    "columns": None,
    "shared": False,
    "default": False,
}
"""The values of optional fields that are omitted or null."""
COLUMN_OF_FIELD = {name: name for name in CustomerView.__struct_fields__} | {
    "shared": "is_shared",
    "default": "is_default",
}
SELECTED_VIEW_COLUMNS = tuple(customer_views.c[name] for name in COLUMN_OF_FIELD.values())
IS_VISIBLE = (
    customer_views.c.tenant_id == bindparam("tenant_id"),
    or_(customer_views.c.user_id == bindparam("user_id"), customer_views.c.is_shared),
)
LIST_VIEWS = Statement(select(*SELECTED_VIEW_COLUMNS).where(*IS_VISIBLE))
GET_VIEW = Statement(select(*SELECTED_VIEW_COLUMNS).where(*IS_VISIBLE, customer_views.c.id == bindparam("id")))
COUNT_OWN_VIEWS = Statement(
    select(func.count())
    .select_from(customer_views)
    .where(customer_views.c.tenant_id == bindparam("tenant_id"), customer_views.c.user_id == bindparam("user_id"))
)
INSERT_VIEW = Statement(
    insert(customer_views).values({name: bindparam(name) for name in ("tenant_id", *COLUMN_OF_FIELD.values())})
)
IS_VIEW = (customer_views.c.tenant_id == bindparam("of_tenant"), customer_views.c.id == bindparam("of_view"))
WRITTEN_COLUMNS = tuple(
    column for field, column in COLUMN_OF_FIELD.items() if field not in {"id", "user_id", "created_at"}
)
UPDATE_VIEW = Statement(
    update(customer_views).where(*IS_VIEW).values({name: bindparam(f"new_{name}") for name in WRITTEN_COLUMNS})
)
DELETE_VIEW = Statement(delete(customer_views).where(*IS_VIEW))
CLEAR_SHARED_DEFAULT = Statement(
    update(customer_views)
    .where(customer_views.c.tenant_id == bindparam("of_tenant"), customer_views.c.is_shared)
    .values(is_default=false())
)
CLEAR_PERSONAL_DEFAULT = Statement(
    update(customer_views)
    .where(
        customer_views.c.tenant_id == bindparam("of_tenant"),
        customer_views.c.user_id == bindparam("of_user"),
        ~customer_views.c.is_shared,
    )
    .values(is_default=false())
)


def list_views(database: Database, principal: Principal) -> list[CustomerView]:
    """Return the user's own views and the shared views of the tenant, by name."""
    rows = database.fetch_all(LIST_VIEWS, _of(principal))
    return sorted(map(_view, rows), key=lambda view: (name_key(view.name), view.id))


def default_view(database: Database, principal: Principal) -> CustomerView | None:
    """Return the view with which the list opens: the user's own default, otherwise the tenant's; None without one."""
    defaults = [view for view in list_views(database, principal) if view.default]
    return min(defaults, key=lambda view: view.shared, default=None)


def get_view(database: Database, principal: Principal, view_id: str) -> CustomerView:
    """Return a view that the user sees. Raise `NotFound` otherwise."""
    row = database.fetch_one(GET_VIEW, _of(principal) | {"id": view_id}) if is_id(view_id) else None
    if row is None:
        raise NotFound(_("There is no view {id}.", id=quote(view_id)))
    return _view(row)


def create_view(database: Database, principal: Principal, user_id: int, values: Mapping[str, Any]) -> CustomerView:
    """Create a view of the principal, who is the user `user_id`, and return it. `values` are its fields by name.

    Raise `Forbidden` if the principal must not create it, and `Conflict` if the user has `MAX_VIEWS` views.
    """
    now = utc_now()
    view = CustomerView(
        id=new_id(), user_id=user_id, created_at=now, updated_at=now, **EMPTY_VALUES | _without_nulls(values)
    )
    _check_can_write(principal, view)
    with database.transaction():
        lock_tenant(database, principal.tenant_id)
        if database.fetch_all(COUNT_OWN_VIEWS, _of(principal)) >= [(MAX_VIEWS,)]:
            raise Conflict(_("You have {limit} views, which is the maximum. Delete one first.", limit=MAX_VIEWS))
        _replace_default(database, principal, None, view)
        database.execute(INSERT_VIEW, {"tenant_id": principal.tenant_id} | _stored(view))
    return view


def update_view(database: Database, principal: Principal, view_id: str, values: Mapping[str, Any]) -> CustomerView:
    """Change the fields `values` of a view, by name, and return it.

    Raise `NotFound` if the user does not see the view, and `Forbidden` if the principal must not change it.
    """
    with database.transaction():
        lock_tenant(database, principal.tenant_id)
        old = get_view(database, principal, view_id)
        new = structs.replace(old, **_without_nulls(values), updated_at=utc_now())
        _check_can_write(principal, old)
        _check_can_write(principal, new)
        _replace_default(database, principal, old, new)
        stored = {f"new_{name}": value for name, value in _stored(new).items() if name in WRITTEN_COLUMNS}
        database.execute(UPDATE_VIEW, _key(principal, view_id) | stored)
    return new


def delete_view(database: Database, principal: Principal, view_id: str) -> None:
    """Delete a view. Raise the errors of `update_view`."""
    with database.transaction():
        lock_tenant(database, principal.tenant_id)
        _check_can_write(principal, get_view(database, principal, view_id))
        database.execute(DELETE_VIEW, _key(principal, view_id))


def _check_can_write(principal: Principal, view: CustomerView) -> None:
    """Raise `Forbidden` if the principal must not create, change or delete this view, which it sees."""
    if not view.shared:
        return
    check_scopes(principal.identity, "customers:write")
    check_role(principal, "customers:write")
    if view.user_id != principal.identity.user_id:
        check_permitted(principal, "views:manage", _("change the shared views of others"))


def _replace_default(database: Database, principal: Principal, old: CustomerView | None, new: CustomerView) -> None:
    """If `new` becomes a default, clear the default that it replaces.

    Raise `Forbidden` if it becomes that of all members, and the principal must not choose it.
    """
    if not new.default or (old and old.default and old.shared == new.shared):
        return
    if new.shared:
        check_permitted(principal, "views:manage", _("choose the default view of all members"))
        database.execute(CLEAR_SHARED_DEFAULT, {"of_tenant": principal.tenant_id})
    else:
        database.execute(CLEAR_PERSONAL_DEFAULT, {"of_tenant": principal.tenant_id, "of_user": new.user_id})


def _of(principal: Principal) -> dict[str, Any]:
    # Applications are no users. They see only shared views.
    return {"tenant_id": principal.tenant_id, "user_id": principal.identity.user_id or 0}


def _key(principal: Principal, view_id: str) -> dict[str, Any]:
    return {"of_tenant": principal.tenant_id, "of_view": view_id}


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: EMPTY_VALUES[name] if value is None else value for name, value in values.items()}


def _stored(view: CustomerView) -> dict[str, Any]:
    """Return the values of the view's columns, by name."""
    values = structs.asdict(view) | {
        "filters": msgspec.json.encode(view.filters).decode(),
        "columns": None if view.columns is None else msgspec.json.encode(view.columns).decode(),
    }
    return {COLUMN_OF_FIELD[name]: value for name, value in values.items()}


def _view(row: Row) -> CustomerView:
    values = dict(zip(COLUMN_OF_FIELD, row, strict=True))
    values["filters"] = msgspec.json.decode(values["filters"])
    if values["columns"] is not None:
        values["columns"] = msgspec.json.decode(values["columns"], type=list[ViewColumn])
    return CustomerView(**values)
