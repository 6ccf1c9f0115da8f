"""The WSGI application: joins the API, the OAuth endpoints and the console, and maps paths to resources."""

from functools import partial
from typing import Any

import falcon
import falcon.media

from regulars.api import oauth
from regulars.api.account import LeaveTenant, OwnAccount, OwnRoles, OwnTenants
from regulars.api.audit import AuditEvents
from regulars.api.authentication import Authenticator
from regulars.api.bulk_changes import BulkChangeIssues, BulkChanges, OneBulkChange, UndoBulkChange
from regulars.api.channels import ChannelList, OneChannel
from regulars.api.countries import CountryList
from regulars.api.customers.batch import CustomerBatch
from regulars.api.customers.changes import CustomerChanges, CustomerHistory
from regulars.api.customers.collection import CustomerList
from regulars.api.customers.common import CustomerApi
from regulars.api.customers.dismissals import Dismissals, OneDismissal
from regulars.api.customers.duplicates import CheckDuplicates, CustomerDuplicates
from regulars.api.customers.item import EraseCustomer, OneCustomer, RestoreCustomer
from regulars.api.customers.merge import MergeCustomers, UnmergeCustomers
from regulars.api.customers.personal_data import CustomerPersonalData
from regulars.api.customers.statistics import CustomerStatistics
from regulars.api.customers.trash import EmptyTrash
from regulars.api.exports import DownloadExport, Exports, OneExport
from regulars.api.imports.collection import Imports
from regulars.api.imports.issues import ImportErrors, ImportIssues
from regulars.api.imports.item import OneImport, PreviewImport, StartImport, UndoImport
from regulars.api.invitations import Invitations, OneInvitation, ResendInvitation
from regulars.api.jobs import CancelJob, Jobs, OneJob, RetryJob
from regulars.api.tags import OneTag, TagList
from regulars.api.tenants import OneTenant
from regulars.api.users import OneUser, UserList
from regulars.api.views import OneView, ViewList
from regulars.console import routes as console
from regulars.console.pages import Pages
from regulars.db.database import Database
from regulars.http import problems
from regulars.http.cookies import Cookies
from regulars.http.health import Alive, Ready
from regulars.http.idempotency import Idempotency
from regulars.http.middleware import RequestMiddleware
from regulars.http.openapi import OpenApi
from regulars.i18n import load_translations
from regulars.oauth.external_issuer import external_issuer
from regulars.oauth.grant_types import create_server
from regulars.oauth.signing_keys import check_secret_key
from regulars.security.encryption import Cipher
from regulars.settings import Settings

App = falcon.App[falcon.Request, falcon.Response]


def create_app(settings: Settings, database: Database) -> App:
    """Return the application for `settings` on an open `database`."""
    middleware = [RequestMiddleware(settings), *replica_middleware(settings, database)]
    app: Any = falcon.App(media_type="application/json", middleware=middleware)
    load_translations()
    pages = Pages(database, settings)
    problems.install(app, pages.show_error, settings.origin)
    for path, resource in routes(settings, database, pages):
        app.add_route(path, add_head(resource))
    return app  # type: ignore[no-any-return]


def replica_middleware(settings: Settings, database: Database) -> list[Any]:
    """Return the middleware for read replicas; an empty list if `settings` has no replicas."""
    if not settings.replicas:
        return []
    # These modules import the PostgreSQL driver, which is not needed with SQLite.
    from regulars.db.replicas import ReplicatedDatabase
    from regulars.http.read_your_writes import ReadYourWrites

    assert isinstance(database, ReplicatedDatabase)  # noqa: S101 - for the type checker
    cipher = Cipher(settings, "consistency")
    return [ReadYourWrites(database, cipher.sign, cipher.verify, Cookies(settings))]


def add_head(resource: Any) -> object:
    """Make a resource answer HEAD like GET, but without a body (RFC 9110, section 9.3.2), and return it.

    Resources with `answers_head = False` are left as they are, because their GET changes something.
    """
    if hasattr(resource, "on_get") and getattr(resource, "answers_head", True):
        resource.on_head = resource.on_get
    return resource


def routes(settings: Settings, database: Database, pages: Pages | None = None) -> list[tuple[str, object]]:
    """Return every path of the service with its resource."""
    server = create_server(database, settings)
    authenticator = Authenticator(database, settings, external_issuer(settings))
    cipher = Cipher(settings, "idempotency")
    idempotency = Idempotency(database, cipher)
    api = CustomerApi(database, settings, authenticator, idempotency)
    resources: list[tuple[str, object]] = [
        ("/api/v1/customers", CustomerList(api)),
        ("/api/v1/customers/batch", CustomerBatch(api)),
        ("/api/v1/customers/empty-trash", EmptyTrash(api)),
        ("/api/v1/customers/duplicates", CustomerDuplicates(api)),
        ("/api/v1/customers/statistics", CustomerStatistics(api)),
        ("/api/v1/customers/duplicates/check", CheckDuplicates(api)),
        ("/api/v1/customers/duplicates/dismissals", Dismissals(api)),
        ("/api/v1/customers/duplicates/dismissals/{id}", OneDismissal(api)),
        ("/api/v1/customers/changes", CustomerChanges(api)),
        ("/api/v1/customers/{id}", OneCustomer(api)),
        ("/api/v1/customers/{id}/restore", RestoreCustomer(api)),
        ("/api/v1/customers/{id}/erase", EraseCustomer(api)),
        ("/api/v1/customers/{id}/merge", MergeCustomers(api)),
        ("/api/v1/customers/{id}/unmerge", UnmergeCustomers(api)),
        ("/api/v1/customers/{id}/personal-data", CustomerPersonalData(api)),
        ("/api/v1/customers/{id}/history", CustomerHistory(api)),
        ("/api/v1/imports", Imports(api)),
        ("/api/v1/imports/{id}", OneImport(api)),
        ("/api/v1/imports/{id}/preview", PreviewImport(api)),
        ("/api/v1/imports/{id}/start", StartImport(api)),
        ("/api/v1/imports/{id}/undo", UndoImport(api)),
        ("/api/v1/imports/{id}/issues", ImportIssues(api)),
        ("/api/v1/imports/{id}/errors", ImportErrors(api)),
        ("/api/v1/exports", Exports(api)),
        ("/api/v1/exports/{id}", OneExport(api)),
        ("/api/v1/exports/{id}/download", DownloadExport(api)),
        ("/api/v1/bulk-changes", BulkChanges(api)),
        ("/api/v1/bulk-changes/{id}", OneBulkChange(api)),
        ("/api/v1/bulk-changes/{id}/undo", UndoBulkChange(api)),
        ("/api/v1/bulk-changes/{id}/issues", BulkChangeIssues(api)),
        ("/api/v1/jobs", Jobs(api)),
        ("/api/v1/jobs/{id}", OneJob(api)),
        ("/api/v1/jobs/{id}/cancel", CancelJob(api)),
        ("/api/v1/jobs/{id}/retry", RetryJob(api)),
        ("/api/v1/tags", TagList(api)),
        ("/api/v1/tags/{id}", OneTag(api)),
        ("/api/v1/views", ViewList(api)),
        ("/api/v1/views/{id}", OneView(api)),
        ("/api/v1/users", UserList(api)),
        ("/api/v1/users/{id}", OneUser(api)),
        ("/api/v1/invitations", Invitations(api)),
        ("/api/v1/invitations/{id}", OneInvitation(api)),
        ("/api/v1/invitations/{id}/resend", ResendInvitation(api)),
        ("/api/v1/audit-events", AuditEvents(api)),
        ("/api/v1/account", OwnAccount(api)),
        ("/api/v1/account/tenants", OwnTenants(api)),
        ("/api/v1/account/tenants/{id}", LeaveTenant(api)),
        ("/api/v1/account/roles", OwnRoles(api)),
        ("/api/v1/tenants/{id}", OneTenant(api)),
        ("/api/v1/channels", ChannelList(api)),
        ("/api/v1/channels/{id}", OneChannel(api)),
        ("/api/v1/countries", CountryList(api)),
    ]
    document = OpenApi(resources)
    return [
        *resources,
        *oauth.routes(server, authenticator),
        *console.routes(pages or Pages(database, settings), server, document),
        ("/api/openapi.json", document),
        ("/healthz", Alive()),
        ("/readyz", Ready(database, partial(check_secret_key, database, settings))),
    ]
