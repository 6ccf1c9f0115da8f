"""Imports in responses."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs

from regulars.api.jobs import EXAMPLE_ID, JobInfo, job_info
from regulars.customers.imports.settings import DetectedFile, MatchBy, OnMatch
from regulars.customers.imports.store import Import, ImportState
from regulars.customers.issues import Issue, IssueKind
from regulars.i18n import from_builtins, translate

Action = Literal["created", "updated", "unchanged", "skipped", "refused"]


class Remark(Struct, frozen=True):
    """A sentence about a row, and the heading of its column. The heading is empty if it is about the whole row."""

    heading: Annotated[str, Meta(examples=["Doğum Tarihi"])]
    message: Annotated[str, Meta(examples=['Doğum Tarihi must be a date such as 31.12.1990, not "31.02.1990".'])]


class Reason(Struct, frozen=True):
    """A reason for which rows were refused, skipped or warned about."""

    kind: Annotated[Literal["refused", "skipped", "warning"], Meta(examples=["refused"])]
    heading: Annotated[str, Meta(examples=["Doğum Tarihi"])]
    example: Annotated[str, Meta(description="The message about the first of these rows.")]
    count: Annotated[int, Meta(description="The number of rows.", examples=[12])]
    rows: Annotated[list[int], Meta(description="The numbers of the first of these rows.", examples=[[17, 42]])]


class ImportCounts(Struct, frozen=True):
    """The numbers of rows, by what happened with them or, in a preview, would happen."""

    created: Annotated[int, Meta(examples=[950])]
    updated: Annotated[int, Meta(examples=[30])]
    unchanged: Annotated[int, Meta(examples=[5])]
    skipped: Annotated[int, Meta(examples=[0])]
    refused: Annotated[int, Meta(examples=[15])]
    reasons: list[Reason]


class PreviewRow(Struct, frozen=True):
    """A row as it would be stored."""

    row: Annotated[int, Meta(description="The number of the row in the file.", examples=[2])]
    action: Annotated[Action, Meta(examples=["created"])]
    customer_id: Annotated[int | None, Meta(description="The existing customer that it is about.", examples=[None])]
    values: Annotated[
        dict[str, Any],
        Meta(
            description="The values by field. As in a customer, `country_name` and `related_user` name what"
            " `country_id` and `user_id` stand for.",
            examples=[{"first_name": "Ayşe", "country_id": 792, "country_name": "Türkiye"}],
        ),
    ]
    tags: Annotated[list[str], Meta(examples=[["VIP"]])]
    errors: list[Remark]
    warnings: list[Remark]


class ImportPreview(ImportCounts, frozen=True):
    """The result of a dry run over the whole file: the counts, and the first rows."""

    rows: list[PreviewRow]
    new_tags: Annotated[list[str], Meta(description="Tags that would be created.", examples=[["VIP"]])]
    duplicates_in_file: Annotated[
        dict[str, int],
        Meta(description="The number of rows whose value an earlier row has, by field.", examples=[{"email": 3}]),
    ]
    existing_values: Annotated[
        dict[str, int],
        Meta(description="The number of rows whose value a customer has, by field.", examples=[{"phone_number": 12}]),
    ]


class UndoCounts(Struct, frozen=True):
    """The numbers of customers by what an undo did with them."""

    removed: Annotated[int, Meta(description="Customers that the import had created.", examples=[950])]
    restored: Annotated[int, Meta(description="Customers that have their earlier values again.", examples=[28])]
    kept: Annotated[int, Meta(description="Customers that have been changed since the import.", examples=[2])]


class ImportInfo(Struct, frozen=True):
    """An import: its file, how the file is read, what happens with its rows, and what has happened."""

    id: Annotated[str, Meta(examples=[EXAMPLE_ID])]
    state: Annotated[ImportState, Meta(examples=["ready"])]
    file_name: Annotated[str, Meta(examples=["customers.xlsx"])]
    file_size: Annotated[int, Meta(description="Bytes.", examples=[48213])]
    user_id: Annotated[int | None, Meta(description="The user who uploaded the file.", examples=[7])]
    created_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]
    started_at: Annotated[datetime | None, Meta(examples=[None])]
    undo_until: Annotated[
        datetime | None,
        Meta(description="When the file is deleted, and the import can no longer be undone. Null: it has been."),
    ]
    job: Annotated[JobInfo, Meta(description="The last job of the import, with its progress.")]
    file: Annotated[DetectedFile | None, Meta(description="What was found in the file. Null until then.")]
    encoding: Annotated[str | None, Meta(description="Null: detected.", examples=[None])]
    delimiter: Annotated[str | None, Meta(description="Null: detected.", examples=[None])]
    sheet: Annotated[str | None, Meta(description="Null: the first one with data.", examples=[None])]
    heading_row: Annotated[int | None, Meta(description="Null: detected.", examples=[None])]
    mapping: Annotated[
        list[str | None] | None,
        Meta(description="The target of each column. Null: not imported.", examples=[["full_name", "phone_number"]]),
    ]
    date_order: Annotated[str | None, Meta(description="dmy, mdy or ymd.", examples=["dmy"])]
    match_by: Annotated[MatchBy | None, Meta(description="The field by which customers are found.")]
    on_match: Annotated[OnMatch | None, Meta(description="What happens with a customer that was found.")]
    strict: Annotated[bool, Meta(description="Import nothing if any row is refused.", examples=[False])]
    preview: ImportPreview | None
    result: Annotated[ImportCounts | None, Meta(description="The rows so far.")]
    undo: UndoCounts | None


class ImportAnswer(Struct, frozen=True):
    """One import."""

    success: Annotated[str, Meta(examples=["The import was found."])]
    data: ImportInfo


class ImportList(Struct, frozen=True):
    """Imports of a tenant."""

    data: list[ImportInfo]


class IssueInfo(Struct, frozen=True):
    """A row that was refused or skipped, or a customer that an undo kept."""

    kind: Annotated[IssueKind, Meta(examples=["refused"])]
    row: Annotated[int | None, Meta(description="The number of the row in the file.", examples=[17])]
    customer_id: Annotated[int | None, Meta(description="The customer that was kept.", examples=[None])]
    reasons: list[Remark]


class IssueList(Struct, frozen=True):
    """Issues of an import."""

    data: list[IssueInfo]


def import_info(found: Import, language: str) -> ImportInfo:
    """Return an import in the form in which clients receive it, with messages in `language`."""
    settings = found.settings
    return ImportInfo(
        id=found.id,
        state=found.state,
        file_name=found.file_name,
        file_size=found.file_size,
        user_id=found.actor.user_id,
        created_at=found.created_at,
        started_at=found.started_at,
        undo_until=found.undo_until,
        job=job_info(found.job, language),
        file=found.detected,
        encoding=settings.encoding,
        delimiter=settings.delimiter,
        sheet=settings.sheet,
        heading_row=settings.heading_row,
        mapping=None if settings.mapping is None else list(settings.mapping),
        date_order=settings.date_order,
        match_by=settings.match_by,
        on_match=settings.on_match,
        strict=settings.strict,
        preview=_preview(found.preview, language) if found.preview else None,
        result=ImportCounts(**_counts(found.counts, language)) if found.counts else None,
        undo=UndoCounts(**found.undo_result) if found.undo_result else None,
    )


def without_rows(info: ImportInfo) -> ImportInfo:
    """Return an import without what its file contains, for a response that is stored with an Idempotency-Key."""
    return structs.replace(info, file=None, preview=None, result=None)


def issue_info(issue: Issue, language: str) -> IssueInfo:
    """Return an issue in the form in which clients receive it, with messages in `language`."""
    is_kept = issue.kind == "kept"
    return IssueInfo(
        kind=issue.kind,
        row=None if is_kept else issue.number,
        customer_id=issue.number if is_kept else None,
        reasons=[Remark(heading, translate(reason, language)) for heading, reason in issue.reasons],
    )


def _counts(stored: dict[str, Any], language: str) -> dict[str, Any]:
    names = ("created", "updated", "unchanged", "skipped", "refused")
    reasons = [
        Reason(**{**reason, "example": translate(from_builtins(reason["example"]), language)})
        for reason in stored["reasons"]
    ]
    return {**{name: stored[name] for name in names}, "reasons": reasons}


def _preview(stored: dict[str, Any], language: str) -> ImportPreview:
    rows = [
        PreviewRow(
            **{**row, "errors": _remarks(row["errors"], language), "warnings": _remarks(row["warnings"], language)}
        )
        for row in stored["rows"]
    ]
    details = {name: stored[name] for name in ("new_tags", "duplicates_in_file", "existing_values")}
    return ImportPreview(**_counts(stored, language), rows=rows, **details)


def _remarks(stored: list[list[Any]], language: str) -> list[Remark]:
    return [Remark(heading, translate(from_builtins(message), language)) for heading, message in stored]
