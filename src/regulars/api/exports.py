"""Exports of customers to files."""

from datetime import datetime
from tempfile import TemporaryFile
from typing import Annotated, Any, ClassVar

import falcon
from msgspec import Meta, Struct

from regulars.api.common import Api
from regulars.api.customers.filters import FILTERS_SCHEMA, read_filters
from regulars.api.jobs import EXAMPLE_ID, JobInfo, get_own_job, is_own, job_info, sees_all
from regulars.clock import utc_now
from regulars.customers.exports.job import request_of, start_export
from regulars.customers.exports.request import EXPORT_FORMATS, ExportFormat, ExportRequest
from regulars.customers.fields import CSV_COLUMNS
from regulars.db.database import Database
from regulars.errors import Conflict, NotFound
from regulars.http.idempotency import Result
from regulars.http.json_body import Field, choice_field, read_fields, read_json
from regulars.http.openapi import Operation
from regulars.http.problems import language_of
from regulars.http.responses import send_content, send_file
from regulars.i18n import _
from regulars.jobs.files import get_file, read_file
from regulars.jobs.queue import Job, JobState, list_jobs
from regulars.permissions import Principal
from regulars.validation import quote

PATH = "/api/v1/exports"
ID_PARAMETER = {"id": {"schema": {"type": "string"}, "description": "The export's id.", "example": EXAMPLE_ID}}
MAX_JOBS = 1_000
MEDIA_TYPES: dict[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/jsonl",
    "vcard": "text/vcard; charset=utf-8",
}


def _read_columns(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(_("must be a list of columns, not {value}", value=quote(value)))
    unknown = [name for name in value if name not in CSV_COLUMNS]
    if unknown:
        options = ", ".join(CSV_COLUMNS)
        raise ValueError(_("must only have {options}, not {value}", options=options, value=quote(unknown[0])))
    return tuple(name for name in CSV_COLUMNS if name in value)


EXPORT_BODY = (
    choice_field("format", "The format of the file. The default is csv.", "xlsx", options=EXPORT_FORMATS),
    Field(
        "columns",
        {"type": ["array", "null"], "items": {"enum": list(CSV_COLUMNS)}},
        "The columns of the file. The default is all. vCard has its own fields.",
        ["first_name", "phone_number"],
        _read_columns,
    ),
    Field(
        "filters",
        FILTERS_SCHEMA,
        "Filters and order, as in the customer list. Without them, all customers are exported, including those in the"
        " trash.",
        {"search": "ayşe"},
        read_filters,
    ),
)


class ExportInfo(Struct, frozen=True):
    """An export of customers to a file."""

    id: Annotated[str, Meta(examples=[EXAMPLE_ID])]
    state: Annotated[JobState, Meta(examples=["completed"])]
    format: Annotated[ExportFormat, Meta(examples=["xlsx"])]
    columns: Annotated[list[str], Meta(description="Empty: all columns.", examples=[["first_name", "phone_number"]])]
    user_id: Annotated[int | None, Meta(description="The user who started it.", examples=[7])]
    created_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]
    customers: Annotated[int | None, Meta(description="The number of customers in the file.", examples=[950])]
    size: Annotated[int | None, Meta(description="The size of the file in bytes.", examples=[48213])]
    expires_at: Annotated[datetime | None, Meta(description="When the file is deleted: after a day.")]
    download_url: Annotated[
        str | None,
        Meta(
            description="The address of the file, for requests with an access token.",
            examples=[f"https://customers.example.com{PATH}/{EXAMPLE_ID}/download"],
        ),
    ]
    job: JobInfo


class ExportAnswer(Struct, frozen=True):
    """One export."""

    success: Annotated[str, Meta(examples=["The export was found."])]
    data: ExportInfo


class ExportList(Struct, frozen=True):
    """Exports of a tenant."""

    data: list[ExportInfo]


def export_info(api: Api, request: falcon.Request, job: Job) -> ExportInfo:
    """Return an export in the form in which clients receive it."""
    result = job.result or {}
    expires_at = datetime.fromisoformat(result["expires_at"]) if result else None
    has_file = expires_at is not None and expires_at > utc_now()
    exported = request_of(job)
    return ExportInfo(
        id=job.id,
        state=job.state,
        format=exported.format,
        columns=list(exported.columns),
        user_id=job.actor.user_id,
        created_at=job.created_at,
        customers=result.get("customers"),
        size=result.get("size"),
        expires_at=expires_at,
        download_url=api.url(request, f"{PATH}/{job.id}/download") if has_file else None,
        job=job_info(job, language_of(request)),
    )


def get_own_export(api: Api, principal: Principal, export_id: str) -> Job:
    """Return the job of an export that the principal may see. Raise `NotFound` otherwise."""
    try:
        job = get_own_job(api, principal, export_id)
    except NotFound:
        job = None
    if job is None or job.kind != "export":
        raise NotFound(_("There is no export {id}.", id=export_id))
    return job


class Exports:
    """`/api/v1/exports`"""

    operations: ClassVar = {
        "get": Operation(
            id="listExports",
            summary="Get all exports",
            description="Returns the latest exports, newest first. Admins and owners see those of all members.",
            response=ExportList,
            tag="Exports",
            scopes=("customers:read",),
        ),
        "post": Operation(
            id="createExport",
            summary="Export customers",
            description="Starts to write a file with customers. Read the export until its state is `completed`; then"
            " download the file, within a day. The file can be imported again.",
            response=ExportAnswer,
            status=201,
            tag="Exports",
            scopes=("customers:read",),
            body=EXPORT_BODY,
        ),
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the exports."""
        principal = self.api.principal(request, response, "customers:read")
        jobs = list_jobs(self.api.database, principal.tenant_id, kind="export", limit=MAX_JOBS)
        own = [job for job in jobs if sees_all(principal) or is_own(principal, job.actor)]
        send_content(request, response, ExportList([export_info(self.api, request, job) for job in own]))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Start an export."""
        principal = self.api.principal(request, response, "customers:read")
        self.api.run(request, response, principal, self._start, request, principal, read_json(request))

    def _start(self, request: falcon.Request, principal: Principal, content: Any) -> Result:
        given = {name: value for name, value in read_fields(content, EXPORT_BODY).items() if value is not None}
        wanted = ExportRequest(given.get("format", "csv"), given.get("columns", ()), given.get("filters"))
        job = start_export(self.api.database, principal.tenant_id, principal.actor, wanted)
        answer = ExportAnswer("The export was started.", export_info(self.api, request, job))
        return Result(answer, 201, {"Location": self.api.url(request, f"{PATH}/{job.id}")})


class OneExport:
    """`/api/v1/exports/{id}`"""

    operations: ClassVar = {
        "get": Operation(
            id="getExport",
            summary="Get an export",
            description="Returns an export with its progress. Members other than admins and owners see only their own.",
            response=ExportAnswer,
            tag="Exports",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the export."""
        principal = self.api.principal(request, response, "customers:read")
        job = get_own_export(self.api, principal, id)
        send_content(request, response, ExportAnswer("The export was found.", export_info(self.api, request, job)))


class DownloadExport:
    """`/api/v1/exports/{id}/download`"""

    operations: ClassVar = {
        "get": Operation(
            id="downloadExport",
            summary="Download the file of an export",
            description="Returns the file. It is deleted a day after it was written.",
            response=None,
            file_types=tuple(MEDIA_TYPES.values()),
            tag="Exports",
            scopes=("customers:read",),
            path_parameters=ID_PARAMETER,
            errors=(409,),
        )
    }

    def __init__(self, api: Api) -> None:
        self.api = api

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Get the file."""
        principal = self.api.principal(request, response, "customers:read")
        send_export(self.api.database, request, response, get_own_export(self.api, principal, id))


def send_export(database: Database, request: falcon.Request, response: falcon.Response, job: Job) -> None:
    """Send the file of an export. Raise `Conflict` if it is not completed, and `NotFound` if the file was deleted."""
    if job.state != "completed" or job.result is None:
        raise Conflict(_("Export {id} has no file: its state is {state}.", id=job.id, state=job.state))
    if datetime.fromisoformat(job.result["expires_at"]) <= utc_now():
        raise NotFound(_("The file has been deleted."))
    stored = get_file(database, job.tenant_id, job.result["file_id"])
    # The server closes the file after it has been sent.
    file = TemporaryFile()  # noqa: SIM115
    for part in read_file(database, job.tenant_id, stored.id):
        file.write(part)
    send_file(request, response, file, stored.name, MEDIA_TYPES[request_of(job).format])
