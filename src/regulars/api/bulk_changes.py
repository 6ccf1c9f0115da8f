"""Bulk changes: change, trash or restore many customers at once, and undo that."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, ClassVar

import falcon
from msgspec import Meta, Struct, structs

from regulars.api.common import Api
from regulars.api.customers.body import CUSTOMER_BODY, BodyContext, customer_reader
from regulars.api.customers.filters import FILTERS_SCHEMA, read_filters
from regulars.api.jobs import EXAMPLE_ID, JobInfo, is_own, job_info, sees_all
from regulars.customers.bulk.store import (
    BULK_ACTIONS,
    BulkAction,
    BulkChange,
    BulkChangeState,
    BulkCounts,
    CustomerEdit,
    get_bulk_change,
    start_bulk_change,
    start_undo,
)
from regulars.customers.issues import list_issues
from regulars.customers.read.list import CustomerQuery
from regulars.errors import Invalid, NotFound
from regulars.http.idempotency import Result
from regulars.http.json_body import Field, body_schema, choice_field, read_fields, read_json
from regulars.http.openapi import Operation
from regulars.http.problems import language_of
from regulars.http.query_params import choice_parameter, integer_parameter, read_parameters
from regulars.http.responses import send_content
from regulars.i18n import _, translate
from regulars.permissions import Principal
from regulars.tenants.tenants import get_tenant
from regulars.validation import quote

PATH = "/api/v1/bulk-changes"
ID_PARAMETER = {"id": {"schema": {"type": "string"}, "description": "The bulk change's id.", "example": EXAMPLE_ID}}
ISSUE_PARAMETERS = (
    choice_parameter("kind", "The default is `refused`.", "refused", options=("refused", "kept")),
    integer_parameter("after", "Only customers with a higher id.", 0, low=0, high=2**63 - 1),
    integer_parameter("limit", "The maximum number of customers.", 100, low=1, high=1000, default=100),
)
_customer_fields = {field.name: field for field in CUSTOMER_BODY}
VALUE_FIELDS = tuple(_customer_fields[name] for name in ("user_id", "default_channel_id"))
CHANGE_NAMES = ("values", "add_tags", "remove_tags")


def _read_filters(value: Any, context: BodyContext) -> CustomerQuery:
    return read_filters(value)


def _read_values(value: Any, context: BodyContext) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(_("must be an object, not {value}", value=quote(value)))
    return read_fields(value, VALUE_FIELDS, context=context)


def _tags_field(name: str, description: str) -> Field:
    return replace(_customer_fields["tags"], name=name, description=description)


BULK_CHANGE_BODY = (
    Field(
        "filters",
        FILTERS_SCHEMA | {"type": "object"},
        "Which customers: filters as in the customer list. An empty object means all customers. `restore` is about"
        " those in the trash, whatever `trashed` says.",
        {"tag_id": 1},
        _read_filters,
        required=True,
    ),
    choice_field(
        "action",
        "`update`: set `values`, and add or remove tags. The other actions need nothing else.",
        "update",
        options=BULK_ACTIONS,
        required=True,
    ),
    Field(
        "values",
        body_schema(VALUE_FIELDS) | {"type": ["object", "null"]},
        "The fields to set. Null clears a field.",
        {"user_id": None},
        _read_values,
    ),
    _tags_field("add_tags", "The ids of tags to add."),
    _tags_field("remove_tags", "The ids of tags to remove."),
)


class BulkUndoCounts(Struct, frozen=True):
    """The numbers of customers by what an undo did with them."""

    restored: Annotated[int, Meta(description="Customers that are as they were before.", examples=[4880])]
    kept: Annotated[int, Meta(description="Customers that have been changed since.", examples=[3])]


class BulkChangeInfo(Struct, frozen=True):
    """A change of many customers."""

    id: Annotated[str, Meta(examples=[EXAMPLE_ID])]
    state: Annotated[BulkChangeState, Meta(examples=["running"])]
    action: Annotated[BulkAction, Meta(examples=["update"])]
    values: Annotated[dict[str, int | None], Meta(examples=[{"user_id": 7}])]
    add_tags: Annotated[tuple[int, ...], Meta(examples=[[1]])]
    remove_tags: Annotated[tuple[int, ...], Meta(examples=[[]])]
    user_id: Annotated[int | None, Meta(description="The user who asked for it.", examples=[7])]
    created_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]
    undo_until: Annotated[datetime | None, Meta(description="When it can no longer be undone. Null after that.")]
    result: Annotated[BulkCounts, Meta(description="The numbers of customers so far.")]
    undo: Annotated[BulkUndoCounts | None, Meta(description="What the undo did, after it.")]
    job: Annotated[JobInfo, Meta(description="The last job, with its progress. `total` is the number of customers.")]


class BulkChangeAnswer(Struct, frozen=True):
    """One bulk change."""

    success: Annotated[str, Meta(examples=["The bulk change was found."])]
    data: BulkChangeInfo


class BulkChangeIssue(Struct, frozen=True):
    """A customer that was refused or kept, and why."""

    customer_id: Annotated[int, Meta(examples=[123])]
    message: Annotated[str, Meta(examples=["The customer has been changed since the bulk change."])]


class BulkChangeIssueList(Struct, frozen=True):
    """Customers that a bulk change refused, or that its undo has kept."""

    data: list[BulkChangeIssue]


def bulk_change_info(found: BulkChange, language: str) -> BulkChangeInfo:
    """Return a bulk change in the form in which clients receive it, with messages in `language`."""
    return BulkChangeInfo(
        id=found.id,
        state=found.state,
        **structs.asdict(found.edit),
        user_id=found.actor.user_id,
        created_at=found.created_at,
        undo_until=found.undo_until,
        result=found.counts,
        undo=None if found.undo_result is None else BulkUndoCounts(**found.undo_result),
        job=job_info(found.job, language),
    )


def get_own_bulk_change(api: Api, principal: Principal, bulk_change_id: str) -> BulkChange:
    """Return a bulk change that the principal may see. Raise `NotFound` otherwise."""
    found = get_bulk_change(api.database, principal.tenant_id, bulk_change_id)
    if not sees_all(principal) and not is_own(principal, found.actor):
        raise NotFound(_("There is no bulk change {id}.", id=bulk_change_id))
    return found


class BulkChanges:
    """`/api/v1/bulk-changes`"""

    operations: ClassVar = {
        "post": Operation(
            id="startBulkChange",
            summary="Change many customers",
            description="Starts to change, trash or restore all customers that match the filters now, in the"
            " background. A customer that cannot be changed is refused, and listed in the issues of the bulk change."
            " What was done can be undone for 30 days, also if the job was cancelled.",
            response=BulkChangeAnswer,
            status=202,
            tag="Bulk changes",
            scopes=("customers:write",),
            body=BULK_CHANGE_BODY,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Start a bulk change."""
        principal = self.api.principal(request, response, "customers:write")
        self.api.run(request, response, principal, self._start, request, principal, read_json(request))

    def _start(self, request: falcon.Request, principal: Principal, content: Any) -> Result:
        context = customer_reader(get_tenant(self.api.database, principal.tenant_id), self.api.database).context
        given = read_fields(content, BULK_CHANGE_BODY, context=context)
        edit = _edit_of(given)
        query: CustomerQuery = given["filters"]
        if edit.action == "restore":
            query = replace(query, trashed=True)
        found = start_bulk_change(self.api.database, principal.tenant_id, principal.actor, query, edit)
        answer = BulkChangeAnswer("The bulk change was started.", bulk_change_info(found, language_of(request)))
        return Result(answer, 202, {"Location": self.api.url(request, f"{PATH}/{found.id}")})


def _edit_of(given: Mapping[str, Any]) -> CustomerEdit:
    """Return what changes according to the fields of a body. Raise `Invalid` if they contradict each other."""
    action, changes = given["action"], {name: given[name] for name in CHANGE_NAMES if given.get(name)}
    if action != "update" and changes:
        raise Invalid(
            {
                name: [_("{field} is not allowed with the action {action}.", field=name, action=action)]
                for name in changes
            }
        )
    if action == "update" and not changes:
        raise Invalid({"values": [_("Give what to change: values, add_tags or remove_tags.")]})
    both = sorted({*changes.get("add_tags", ())}.intersection(changes.get("remove_tags", ())))
    if both:
        raise Invalid({"remove_tags": [_("remove_tags has tag {id}, which add_tags has too.", id=both[0])]})
    return CustomerEdit(action, **changes)


class OneBulkChange:
    """`/api/v1/bulk-changes/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getBulkChange",
            summary="Get a bulk change",
            description="Returns a bulk change with its progress. Members other than admins and owners see only their"
            " own.",
            response=BulkChangeAnswer,
            tag="Bulk changes",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the bulk change."""
        principal = self.api.principal(request, response, "customers:write")
        found = bulk_change_info(get_own_bulk_change(self.api, principal, id), language_of(request))
        send_content(request, response, BulkChangeAnswer("The bulk change was found.", found))


class UndoBulkChange:
    """`/api/v1/bulk-changes/{id}/undo`"""

    operations: ClassVar = {
        "post": Operation(
            id="undoBulkChange",
            summary="Undo a bulk change",
            description="Starts to give the customers that were changed their earlier values, in the background. A"
            " customer that has been changed since is kept, and listed in the issues of the bulk change. Possible for"
            " 30 days.",
            response=BulkChangeAnswer,
            status=202,
            tag="Bulk changes",
            scopes=("customers:write",),
            path_parameters=ID_PARAMETER,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Start to undo the bulk change."""
        principal = self.api.principal(request, response, "customers:write")

        def undo() -> Result:
            found = start_undo(self.api.database, get_own_bulk_change(self.api, principal, id), principal.actor)
            info = bulk_change_info(found, language_of(request))
            return Result(BulkChangeAnswer("The undo was started.", info), 202)

        self.api.run(request, response, principal, undo)


class BulkChangeIssues:
    """`/api/v1/bulk-changes/{id}/issues`"""

    operations: ClassVar = {
        "get": Operation(
            id="listBulkChangeIssues",
            summary="Get the issues of a bulk change",
            description="Returns the customers that the bulk change refused, or that its undo has kept, with the"
            " reason.",
            response=BulkChangeIssueList,
            tag="Bulk changes",
            scopes=("customers:write",),
            parameters=ISSUE_PARAMETERS,
            path_parameters=ID_PARAMETER,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the issues."""
        principal = self.api.authenticator.principal(request, "customers:write")
        values = read_parameters(request, response, *ISSUE_PARAMETERS)
        found = get_own_bulk_change(self.api, principal, id)
        issues = list_issues(
            self.api.database,
            found.tenant_id,
            found.id,
            values.get("kind", "refused"),
            after=values.get("after", 0),
            limit=values.get("limit", 100),
        )
        language = language_of(request)
        shown = [BulkChangeIssue(each.number, translate(each.reasons[0].reason, language)) for each in issues]
        send_content(request, response, BulkChangeIssueList(shown))
