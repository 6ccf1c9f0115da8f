"""Imports: the files that were imported, and one import from its upload to its undo, in a page for each state."""

from collections.abc import Sequence
from typing import Any

import falcon

from regulars.accounts.memberships import list_members
from regulars.api.imports.body import check_settings
from regulars.api.imports.issues import send_errors
from regulars.api.imports.schemas import ImportInfo, IssueInfo, import_info, issue_info
from regulars.api.jobs import job_info
from regulars.console import import_words
from regulars.console.customer import LABELS
from regulars.console.exports import listed_exports
from regulars.console.formats import full_name
from regulars.console.pages import Pages
from regulars.console.screen import Screen, fragment_of, open_screen, show_fragment, show_screen
from regulars.customers.imports.store import Import, find_same_file, get_import, list_imports
from regulars.customers.issues import IssueKind, list_issues
from regulars.customers.read.list import CustomerQuery, fetch_page
from regulars.errors import Invalid, NotFound
from regulars.i18n import _, translate
from regulars.jobs.queue import list_jobs
from regulars.tenants.channels import list_channels
from regulars.tenants.countries import list_countries

PERMISSION = "customers:write"
LISTED = 20
SEARCHED = 1_000
"""The number of imports and jobs among which those of a member are found."""
SHOWN_ISSUES = 100
PREVIEWED_FIELDS = (*(name for name in LABELS if name != "tags"), "created_at", "updated_at")
FAULTS = {
    "match_by": _("No column has the field by which existing customers are found. Choose another field."),
    "mapping": _("No column is the customer's name. Choose it below."),
}


class Imports:
    """`/imports`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show where to drop a file, and the imports, exports and other jobs."""
        screen = open_screen(self.pages, request, response, PERMISSION)
        values = self._values(screen, request.get_param("before") or "~")
        if fragment_of(request) == "lists":
            show_fragment(self.pages, response, screen, "components/job_lists", **values)
        else:
            show_screen(self.pages, request, response, screen, "imports", **values)

    def _values(self, screen: Screen, before: str) -> dict[str, Any]:
        database, tenant_id = self.pages.database, screen.tenant.id
        found = list_imports(database, tenant_id, before=before, limit=SEARCHED)
        own = [each for each in found if screen.sees(each.actor)]
        jobs = list_jobs(database, tenant_id, limit=SEARCHED)
        others = [each for each in jobs if each.kind in import_words.JOB_KINDS and screen.sees(each.actor)]
        return {
            "words": import_words,
            "imports": own[:LISTED],
            "older": own[LISTED - 1].id if len(own) > LISTED else None,
            "exports": [each for each in listed_exports(jobs) if screen.sees(each.job.actor)][:LISTED],
            "others": [job_info(each, screen.visitor.language) for each in others[:LISTED]],
            "members": member_names(self.pages, screen),
        }


class OneImport:
    """`/imports/{id}`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Show the import in its state."""
        screen = open_screen(self.pages, request, response, PERMISSION)
        found = get_own_import(self.pages, screen, id)
        after = request.get_param_as_int("after", min_value=0, default=0)
        values = self._values(screen, found, after)
        if fragment_of(request) == "state":
            show_fragment(self.pages, response, screen, "components/import_state", **values)
        else:
            show_screen(self.pages, request, response, screen, "import", **values)

    def _values(self, screen: Screen, found: Import, after: int) -> dict[str, Any]:
        info = import_info(found, screen.visitor.language)
        kind: IssueKind = "kept" if info.state == "undone" else "refused"
        issues = self._issues(screen, found, kind, after) if info.state not in ("ready", "previewing") else []
        earlier = find_same_file(self.pages.database, found)[:1] if info.state in ("ready", "previewing") else []
        return {
            "words": import_words,
            "info": info,
            "found": found,
            "faults": _faults(found),
            "earlier": earlier[0] if earlier else None,
            "sees_earlier": bool(earlier) and screen.sees(earlier[0].actor),
            "unmapped": _unmapped(info, screen.visitor.language),
            "fields": _shown_fields(info),
            "labels": LABELS | {"created_at": _("Added"), "updated_at": _("Changed")},
            "names": self._names(screen) if info.preview else {},
            "issues": issues,
            "kept_names": self._customer_names(screen, issues) if kind == "kept" else {},
            "members": member_names(self.pages, screen),
        }

    def _issues(self, screen: Screen, found: Import, kind: IssueKind, after: int) -> list[IssueInfo]:
        issues = list_issues(self.pages.database, found.tenant_id, found.id, kind, after=after, limit=SHOWN_ISSUES)
        return [issue_info(each, screen.visitor.language) for each in issues]

    def _names(self, screen: Screen) -> dict[str, dict[Any, str]]:
        """Return the names of what a customer refers to, by field and id."""
        return {
            "country_id": {each.id: each.name for each in list_countries(self.pages.database)},
            "default_channel_id": {each.id: each.name for each in list_channels(self.pages.database, screen.tenant.id)},
            "user_id": member_names(self.pages, screen),
        }

    def _customer_names(self, screen: Screen, issues: Sequence[IssueInfo]) -> dict[int, str]:
        ids = tuple(each.customer_id for each in issues if each.customer_id is not None)
        if not ids:
            return {}
        query = CustomerQuery(per_page=SHOWN_ISSUES, uncounted_filters={"ids": ids})
        found = fetch_page(self.pages.database, screen.tenant.id, query, screen.today)
        return {customer.id: full_name(customer) for customer in found.customers}


class ImportErrors:
    """`/imports/{id}/errors`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response, id: str) -> None:
        """Send the file with the rows that were refused or, with `kind=skipped`, skipped.

        The API needs a header that a link cannot send if the user has several businesses.
        """
        screen = open_screen(self.pages, request, response, PERMISSION)
        found = get_own_import(self.pages, screen, id)
        kind: IssueKind = "skipped" if request.get_param("kind") == "skipped" else "refused"
        send_errors(self.pages.database, request, response, found, kind, screen.visitor.language)


def import_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of imports."""
    return [
        ("/imports", Imports(pages)),
        ("/imports/{id}", OneImport(pages)),
        ("/imports/{id}/errors", ImportErrors(pages)),
    ]


def get_own_import(pages: Pages, screen: Screen, import_id: str) -> Import:
    """Return an import that the user may see. Raise `NotFound` otherwise."""
    found = get_import(pages.database, screen.tenant.id, import_id)
    if not screen.sees(found.actor):
        raise NotFound(_("There is no import {id}.", id=import_id))
    return found


def member_names(pages: Pages, screen: Screen) -> dict[int | None, str]:
    """Return the names of the members, by user id."""
    return {each.user_id: each.name for each in list_members(pages.database, screen.tenant.id)}


def _faults(found: Import) -> list[str]:
    """Return what prevents the start of an import, in sentences."""
    try:
        check_settings(found)
    except Invalid as error:
        return [FAULTS[field] for field in error.errors]
    return []


def _unmapped(info: ImportInfo, language: str) -> list[str]:
    """Return the headings of the columns that have values and are not imported."""
    columns = info.file.columns if info.file else []
    return [
        column.heading or translate(_("Column {number}", number=at), language)
        for at, (column, target) in enumerate(zip(columns, info.mapping or (), strict=False), start=1)
        if column.samples and target is None
    ]


def _shown_fields(info: ImportInfo) -> list[str]:
    """Return the fields that any of the first rows has a value for."""
    given = {name for row in info.preview.rows for name in row.values} if info.preview else set()
    return [name for name in PREVIEWED_FIELDS if name in given]
