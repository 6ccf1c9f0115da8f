"""Saved views of the customer list."""

from typing import Annotated, Any, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.account import own_id
from regulars.api.common import Api
from regulars.api.customers.filters import FIELDS, ORDER_NAMES, read_values
from regulars.customers.views import (
    MAX_COLUMN_WIDTH,
    MAX_VIEW_NAME_LENGTH,
    MAX_VIEWS,
    MIN_COLUMN_WIDTH,
    VIEW_COLUMNS,
    CustomerView,
    ViewColumn,
    create_view,
    delete_view,
    get_view,
    list_views,
    update_view,
)
from regulars.errors import Invalid
from regulars.http.idempotency import Result
from regulars.http.json_body import (
    Field,
    body_schema,
    choice_field,
    flag_field,
    integer_field,
    is_merge_patch,
    read_fields,
    read_json,
    text_field,
)
from regulars.http.openapi import Operation, put_and_patch
from regulars.http.responses import send_content
from regulars.i18n import _
from regulars.permissions import Principal
from regulars.validation import quote, read_name

PATH = "/api/v1/views"
EXAMPLE_ID = "019dd0f4-7f3c-7a15-8c3e-0b7a53a6c1de"
ID_PARAMETER = {"id": {"schema": {"type": "string"}, "description": "The view's id.", "example": EXAMPLE_ID}}
FILTER_FIELDS = tuple(field for field in FIELDS if field.name not in ORDER_NAMES)
ORDER_FIELDS = tuple(field for field in FIELDS if field.name in ORDER_NAMES)
COLUMN_FIELDS = (
    choice_field("name", "The name of the column.", "phone_number", options=VIEW_COLUMNS, required=True),
    integer_field("width", "In CSS pixels. Null: the default width.", 140, low=MIN_COLUMN_WIDTH, high=MAX_COLUMN_WIDTH),
)


def _read_filters(value: Any) -> dict[str, Any]:
    """Return the filters as they were sent, so that clients get them back unchanged."""
    return {name: value[name] for name in read_values(value, FILTER_FIELDS)}


def _read_columns(value: Any) -> list[ViewColumn]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError(_("must be a list of objects, not {value}", value=quote(value)))
    found: dict[str, ViewColumn] = {}
    faults: dict[str, list[str]] = {}
    for number, each in enumerate(value):
        try:
            column = ViewColumn(**read_fields(each, COLUMN_FIELDS))
        except Invalid as error:
            faults |= {f"{number}.{name}": messages for name, messages in error.errors.items()}
            continue
        if column.name in found:
            faults[f"{number}.name"] = [_("The column {name} is in the list twice.", name=column.name)]
        found[column.name] = column
    if faults:
        raise Invalid(faults)
    return list(found.values())


VIEW_BODY = (
    text_field(
        "name", "The name that people see.", "Women over 40", read_name, at_most=MAX_VIEW_NAME_LENGTH, required=True
    ),
    Field(
        "filters",
        body_schema(FILTER_FIELDS) | {"type": ["object", "null"]},
        "Parameters of the customer list. Without them, the view has all customers that are not in the trash.",
        {"gender": "female", "min_age": 40},
        _read_filters,
    ),
    *ORDER_FIELDS,
    Field(
        "columns",
        {"type": ["array", "null"], "items": body_schema(COLUMN_FIELDS), "maxItems": len(VIEW_COLUMNS)},
        "The columns in their order, each at most once. Null: the default columns.",
        [{"name": "name", "width": 220}, {"name": "phone_number"}],
        _read_columns,
    ),
    flag_field("shared", "True: all members of the tenant see it. Needs the scope `customers:write`."),
    flag_field(
        "default",
        "True: the list opens with it. The previous default view of the user or, for a shared view, of the tenant loses"
        " this mark. Admins and owners choose the default of the tenant.",
    ),
)


class ViewAnswer(Struct, frozen=True):
    """One saved view."""

    success: Annotated[str, Meta(examples=["The view was found."])]
    data: CustomerView


class ViewsAnswer(Struct, frozen=True):
    """Saved views."""

    success: Annotated[str, Meta(examples=["The views were found."])]
    data: list[CustomerView]


class ViewList:
    """`/api/v1/views`"""

    operations: ClassVar = {
        "get": Operation(
            id="listViews",
            summary="Get all views",
            description="Returns your own saved views and those that members of the tenant share, by name.",
            response=ViewsAnswer,
            tag="Views",
            scopes=("customers:read",),
        ),
        "post": Operation(
            id="createView",
            summary="Save a view",
            description="Saves filters, order and columns of the customer list under a name. Only you see the view,"
            f" unless it is shared. Each member can have {MAX_VIEWS} views in a tenant.",
            response=ViewAnswer,
            status=201,
            tag="Views",
            scopes=("customers:read",),
            body=VIEW_BODY,
            errors=(409,),
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get all views that the user sees."""
        principal = self.api.principal(request, response, "customers:read")
        views = list_views(self.api.database, principal)
        send_content(request, response, ViewsAnswer("The views were found.", views))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Save a view."""
        principal = self.api.principal(request, response, "customers:read")
        self.api.run(request, response, principal, self._create, request, principal, read_json(request))

    def _create(self, request: falcon.Request, principal: Principal, content: Any) -> Result:
        user_id = own_id(principal.identity)
        view = create_view(self.api.database, principal, user_id, read_fields(content, VIEW_BODY))
        location = self.api.url(request, f"{PATH}/{view.id}")
        return Result(ViewAnswer("The view was created.", view), 201, {"Location": location})


class OneView:
    """`/api/v1/views/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getView",
            summary="Get a view",
            description="Returns a saved view of yours or a shared one.",
            response=ViewAnswer,
            tag="Views",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
        ),
        **put_and_patch(
            "View",
            "Changes the given fields. A shared view needs the scope `customers:write`; admins and owners can also"
            " change the shared views of others.",
            summary="Update a view",
            response=ViewAnswer,
            tag="Views",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
            body=VIEW_BODY,
        ),
        "delete": Operation(
            id="deleteView",
            summary="Delete a view",
            description="Deletes a saved view. A shared view needs the scope `customers:write`; admins and owners can"
            " also delete the shared views of others.",
            response=None,
            status=204,
            tag="Views",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the view."""
        principal = self.api.principal(request, response, "customers:read")
        view = get_view(self.api.database, principal, id)
        send_content(request, response, ViewAnswer("The view was found.", view))

    def on_put(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Change the given fields."""
        principal = self.api.principal(request, response, "customers:read")
        content = read_json(request)
        view = get_view(self.api.database, principal, id)
        if is_merge_patch(request):
            content = _with_merged_filters(view, content)
        view = update_view(self.api.database, principal, id, read_fields(content, VIEW_BODY, partial=True))
        send_content(request, response, ViewAnswer("The view was changed.", view))

    on_patch = on_put

    def on_delete(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Delete the view."""
        principal = self.api.principal(request, response, "customers:read")
        delete_view(self.api.database, principal, id)
        response.status = 204


def _with_merged_filters(view: CustomerView, content: Any) -> Any:
    """Return the body of a JSON Merge Patch with all filters that the view has afterwards (RFC 7396, section 2)."""
    if not isinstance(content, dict) or not isinstance(content.get("filters"), dict):
        return content
    merged = view.filters | content["filters"]
    return content | {"filters": {name: value for name, value in merged.items() if value is not None}}
