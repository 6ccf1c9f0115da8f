"""The one place where the parts are joined to a WSGI application."""

from typing import Any

import falcon
import falcon.media

from regulars.accounts.routes.account import OwnAccount, OwnRoles, OwnTenants
from regulars.accounts.routes.users import OneUser, UserList
from regulars.channels.routes import ChannelList, OneChannel
from regulars.console import routes as console
from regulars.console.pages import Pages
from regulars.countries.routes import CountryList
from regulars.customers.routes.batch import CustomerBatch
from regulars.customers.routes.door import CustomerDoor
from regulars.customers.routes.duplicates import CustomerDuplicates
from regulars.customers.routes.history import CustomerChanges, CustomerHistory
from regulars.customers.routes.listing import CustomerList
from regulars.customers.routes.merging import MergedCustomer, UnmergedCustomer
from regulars.customers.routes.one import ErasedCustomer, OneCustomer, RestoredCustomer
from regulars.customers.routes.personal_data import CustomerPersonalData
from regulars.customers.routes.tags import OneTag, TagList
from regulars.db.engine import Database
from regulars.http import problems
from regulars.http.health import Alive, Ready
from regulars.http.idempotency import Once
from regulars.http.middleware import Requests
from regulars.http.openapi import OpenApi, OpenApiPage, StyleSheet
from regulars.oauth import routes as oauth
from regulars.oauth.bearer import Authenticator
from regulars.oauth.flows import create_server
from regulars.oauth.outside import outside_issuer
from regulars.oauth.secret import Vault
from regulars.settings import Settings
from regulars.tenants.routes import OneTenant

App = falcon.App[falcon.Request, falcon.Response]


def create_app(settings: Settings, database: Database) -> App:
    """The application for `settings` on an open `database`."""
    middleware = [Requests(), *consistency(settings, database)]
    app: Any = falcon.App(media_type="application/json", middleware=middleware)
    pages = Pages(database, settings)
    problems.install(app, pages.show_error, settings.origin)
    for path, resource in routes(settings, database, pages):
        app.add_route(path, with_head(resource))
    return app  # type: ignore[no-any-return]


def consistency(settings: Settings, database: Database) -> list[Any]:
    """The middleware that read replicas need."""
    if not settings.replicas:
        return []
    # PostgreSQL's driver is loaded where it is used.
    from regulars.db.replicas import ReplicatedDatabase
    from regulars.http.consistency import Consistency

    assert isinstance(database, ReplicatedDatabase)  # noqa: S101 - for the type checker
    sign = Vault(settings, "consistency").sign
    return [Consistency(database, sign, is_secure=settings.origin.startswith("https:"))]


def with_head(resource: Any) -> object:
    """`resource`, where HEAD gives what GET would, without its body (RFC 9110, section 9.3.2)."""
    if hasattr(resource, "on_get"):
        resource.on_head = resource.on_get
    return resource


def routes(settings: Settings, database: Database, pages: Pages | None = None) -> list[tuple[str, object]]:
    """Every address of the service, with what answers there."""
    server = create_server(database, settings)
    authenticator = Authenticator(database, settings, outside_issuer(settings))
    once = Once(database, Vault(settings, "idempotency").sign)
    customers = CustomerDoor(database, settings, authenticator, once)
    api: list[tuple[str, object]] = [
        ("/api/v1/customers", CustomerList(customers)),
        ("/api/v1/customers/batch", CustomerBatch(customers)),
        ("/api/v1/customers/duplicates", CustomerDuplicates(customers)),
        ("/api/v1/customers/changes", CustomerChanges(customers)),
        ("/api/v1/customers/{id}", OneCustomer(customers)),
        ("/api/v1/customers/{id}/restore", RestoredCustomer(customers)),
        ("/api/v1/customers/{id}/erase", ErasedCustomer(customers)),
        ("/api/v1/customers/{id}/merge", MergedCustomer(customers)),
        ("/api/v1/customers/{id}/unmerge", UnmergedCustomer(customers)),
        ("/api/v1/customers/{id}/personal-data", CustomerPersonalData(customers)),
        ("/api/v1/customers/{id}/history", CustomerHistory(customers)),
        ("/api/v1/tags", TagList(customers)),
        ("/api/v1/tags/{id}", OneTag(customers)),
        ("/api/v1/users", UserList(database, settings, authenticator, once)),
        ("/api/v1/users/{id}", OneUser(database, authenticator)),
        ("/api/v1/account", OwnAccount(database, authenticator)),
        ("/api/v1/account/tenants", OwnTenants(database, authenticator)),
        ("/api/v1/account/roles", OwnRoles(authenticator)),
        ("/api/v1/tenants/{id}", OneTenant(database, authenticator)),
        ("/api/v1/channels", ChannelList(database, settings, authenticator, once)),
        ("/api/v1/channels/{id}", OneChannel(database, authenticator)),
        ("/api/v1/countries", CountryList(database, authenticator)),
    ]
    document = OpenApi(api)
    return [
        *api,
        *oauth.routes(server, authenticator),
        *console.routes(pages or Pages(database, settings), server),
        ("/api/openapi.json", document),
        ("/api/docs", OpenApiPage(document)),
        ("/api/docs.css", StyleSheet()),
        ("/healthz", Alive()),
        ("/readyz", Ready(database)),
    ]
