"""The WSGI application: joins the API, the OAuth endpoints and the console, and maps paths to resources."""

from functools import partial
from typing import Any

import falcon
import falcon.media

from regulars.api import oauth
from regulars.api.authentication import Authenticator
from regulars.api.customers.common import CustomerApi
from regulars.api.routes import api_routes
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
    resources = api_routes(api)
    document = OpenApi(resources)
    return [
        *resources,
        *oauth.routes(server, authenticator),
        *console.routes(pages or Pages(database, settings), server, document),
        ("/api/openapi.json", document),
        ("/healthz", Alive()),
        ("/readyz", Ready(database, partial(check_secret_key, database, settings))),
    ]
