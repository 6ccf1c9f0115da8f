"""Exports: choose the format and the columns of a file with the customers of a view, and download it for a day."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import falcon
import msgspec

from regulars.accounts.memberships import list_members
from regulars.api.customers.parameters import query_of
from regulars.api.exports import send_export
from regulars.api.jobs import JobInfo, job_info
from regulars.clock import utc_now
from regulars.console import import_words
from regulars.console.customers import CUSTOMERS, WITHOUT, read_columns
from regulars.console.filters import ORDER, Filters
from regulars.console.formats import number
from regulars.console.pages import Pages
from regulars.console.screen import Screen, fragment_of, open_screen, show_fragment, show_screen
from regulars.customers.exports.job import request_of
from regulars.customers.exports.request import ExportFormat, ExportRequest
from regulars.customers.fields import CSV_COLUMNS
from regulars.customers.read.list import count_customers
from regulars.customers.tags import list_tags
from regulars.customers.validation import GENDERS
from regulars.errors import NotFound
from regulars.i18n import _, translate
from regulars.jobs.queue import Job, get_job
from regulars.tenants.channels import list_channels
from regulars.tenants.countries import list_countries

PERMISSION = "customers:write"
FILE_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("first_name", "last_name"),
    "country": ("country_name",),
    "channel": ("default_channel_id",),
    "user": ("related_user", "user_email"),
}
"""The columns of a file for a column of the table, if their names differ."""
FILTER_LABELS: Mapping[str, str] = {
    "search": _("Search"),
    "gender": _("Gender"),
    "min_age": _("Age from"),
    "max_age": _("Age to"),
    "user_id": _("Assigned to"),
    "user_ids": _("Assigned to"),
    "tag_id": _("Tag"),
    "country_id": _("Country"),
    "channel_id": _("Channel"),
    "without": _("Empty fields"),
    "birthday_from": _("Birthday from"),
    "birthday_to": _("Birthday to"),
    "created_since": _("Added since"),
    "created_until": _("Added until"),
    "updated_since": _("Changed since"),
    "updated_until": _("Changed until"),
    "ids": _("Selected customers"),
    "trashed": _("In the trash"),
}


@dataclass(frozen=True, slots=True)
class Export:
    """An export, and its file if it has been written."""

    job: Job
    request: ExportRequest
    customers: int | None
    size: int | None
    expires_at: datetime | None

    @property
    def format(self) -> ExportFormat:
        """The format of the file."""
        return self.request.format

    @property
    def has_file(self) -> bool:
        """Tell whether the file can be downloaded."""
        return self.expires_at is not None and self.expires_at > utc_now()


class NewExport:
    """`/exports`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for the format and the columns. The filters are those of the customer table, in the query."""
        screen = open_screen(self.pages, request, response, PERMISSION)
        filters = Filters(request.query_string, screen.tenant.time_zone)
        query = query_of(filters.typed, in_pages=True)
        count = count_customers(self.pages.database, screen.tenant.id, query, screen.today)
        order = {name: filters.typed[name] for name in ORDER if name in filters.typed}
        show_screen(
            self.pages,
            request,
            response,
            screen,
            "export_new",
            words=import_words,
            count=count,
            described=describe(self.pages, screen, filters),
            # Without this filter, the file also has the customers in the trash.
            filters=msgspec.json.encode({"trashed": False} | filters.as_json | order).decode(),
            columns=CSV_COLUMNS,
            chosen={
                each
                for name in read_columns(filters.get("columns"), CUSTOMERS)
                for each in FILE_COLUMNS.get(name, (name,))
            },
            list_query=request.query_string,
        )


class OneExport:
    """`/exports/{id}`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Show the progress of the export, and then a link to the file."""
        screen = open_screen(self.pages, request, response, PERMISSION)
        export = export_of(get_own_export(self.pages, screen, id))
        job: JobInfo = job_info(export.job, screen.visitor.language)
        values = {"words": import_words, "export": export, "job": job}
        if fragment_of(request) == "state":
            show_fragment(self.pages, response, screen, "components/export_state", **values)
        else:
            show_screen(self.pages, request, response, screen, "export", **values)


class DownloadExport:
    """`/exports/{id}/download`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Send the file. The API needs a header that a link cannot send if the user has several businesses."""
        screen = open_screen(self.pages, request, response, PERMISSION)
        send_export(self.pages.database, request, response, get_own_export(self.pages, screen, id))


def export_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of exports."""
    return [
        ("/exports", NewExport(pages)),
        ("/exports/{id}", OneExport(pages)),
        ("/exports/{id}/download", DownloadExport(pages)),
    ]


def file_columns(names: Iterable[str]) -> set[str]:
    """Return the columns of a file that have the values of some columns of the table."""
    return {each for name in names for each in FILE_COLUMNS.get(name, (name,))}


def get_own_export(pages: Pages, screen: Screen, export_id: str) -> Job:
    """Return the job of an export that the user may see. Raise `NotFound` otherwise."""
    try:
        job = get_job(pages.database, screen.tenant.id, export_id)
    except NotFound:
        job = None
    if job is None or job.kind != "export" or not screen.sees(job.actor):
        raise NotFound(_("There is no export {id}.", id=export_id))
    return job


def export_of(job: Job) -> Export:
    """Return the export of a job."""
    result = job.result or {}
    expires_at = datetime.fromisoformat(result["expires_at"]) if result else None
    return Export(job, request_of(job), result.get("customers"), result.get("size"), expires_at)


def listed_exports(jobs: Iterable[Job]) -> list[Export]:
    """Return the exports among jobs."""
    return [export_of(job) for job in jobs if job.kind == "export"]


def describe(pages: Pages, screen: Screen, filters: Filters) -> list[tuple[str, str]]:
    """Return the filters in words: the label and the value of each."""
    names = _names(pages, screen)
    language = screen.visitor.language
    return [
        (words, _in_words(name, filters, names.get(name, {}), language))
        for name, words in FILTER_LABELS.items()
        if filters.typed.get(name)
    ]


def _in_words(name: str, filters: Filters, names: Mapping[str, str], language: str) -> str:
    """Return the value of a filter in words; an empty string if its label says everything."""
    if name == "trashed":
        return ""
    if name == "ids":
        return number(len(filters.typed["ids"]), language)
    return ", ".join(names.get(each, each) for each in filters.list(name)) if names else filters.get(name)


def _names(pages: Pages, screen: Screen) -> dict[str, dict[str, str]]:
    """Return the names of what filters refer to, by filter and value."""
    database, tenant_id, language = pages.database, screen.tenant.id, screen.visitor.language
    members = {str(each.user_id): each.name for each in list_members(database, tenant_id)}
    return {
        "gender": {each: translate(each, language) for each in GENDERS},
        "without": {name: translate(words, language) for name, words in WITHOUT.items()},
        "user_id": members,
        "user_ids": members,
        "tag_id": {str(each.id): each.name for each in list_tags(database, tenant_id)},
        "channel_id": {str(each.id): each.name for each in list_channels(database, tenant_id)},
        "country_id": {str(each.id): each.name for each in list_countries(database)},
    }
