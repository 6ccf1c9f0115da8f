"""The data of the demo: three businesses with users and customers."""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from regulars.accounts.memberships import add_member
from regulars.accounts.users import create_user
from regulars.clock import utc_now
from regulars.customers.tags import create_tag
from regulars.customers.write.storage import insert_customers, reserve_customer_ids
from regulars.db.database import Database
from regulars.errors import ConfigurationError
from regulars.oauth.clients import Client, create_client, delete_client, list_clients
from regulars.oauth.redirect_uris import check_redirect_uri
from regulars.permissions import Role
from regulars.sample_data.people import check_faker, generate_customers
from regulars.scopes import SCOPES
from regulars.settings import Settings
from regulars.tenants.tenants import create_tenant, list_tenants

OWNER = "ayse@example.com"
CUSTOMERS_PER_INSERT = 2_000
TAGGED_ONE_IN = 4
APPLICATION = "Demo application"
# A native app can use any port of this machine (RFC 8252). The callback is the page with the API's documentation.
CALLBACK_PATH = "/api/docs"
CALLBACKS = [f"http://{host}{CALLBACK_PATH}" for host in ("localhost", "127.0.0.1")]
PASSWORD_FILE = "demo-password"  # noqa: S105 - the name of a file


@dataclass(frozen=True, slots=True)
class Business:
    """A tenant of the demo, with its `share` of the customers."""

    name: str
    time_zone: str
    locale: str
    country_code: str
    share: float
    members: tuple[tuple[str, Role], ...]
    tags: Mapping[str, str]
    """The colour of each tag, by name."""


USERS = {
    OWNER: "Ayşe Güneş",
    "mehmet@example.com": "Mehmet Kaya",
    "zeynep@example.com": "Zeynep Işık",
    "lukas@example.com": "Lukas Brandt",
}
BUSINESSES = (
    Business(
        "Güneş Diş Kliniği",
        "Europe/Istanbul",
        "tr-TR",
        "TR",
        0.7,
        ((OWNER, Role.OWNER), ("mehmet@example.com", Role.AGENT), ("zeynep@example.com", Role.AGENT)),
        {"VIP": "#E0A100", "Ortodonti": "#7A5AF5", "Diş beyazlatma": "#12A37F", "Sağlık turizmi": "#2F80ED"},
    ),
    Business(
        "Salon Işıltı",
        "Europe/Istanbul",
        "tr-TR",
        "TR",
        0.2,
        (("zeynep@example.com", Role.OWNER), (OWNER, Role.VIEWER)),
        {"VIP": "#E0A100", "Gelin": "#E4572E"},
    ),
    Business(
        "Optik Nord",
        "Europe/Berlin",
        "de-DE",
        "DE",
        0.1,
        (("lukas@example.com", Role.OWNER),),
        {"Stammkunde": "#2F80ED", "Kontaktlinsen": "#12A37F"},
    ),
)


def fill_demo(database: Database, folder: Path, customers: int, progress: Callable[[int], object]) -> None:
    """Fill an empty database with the demo's data and `customers` customers. Do nothing if there are tenants.

    All data is inserted in one transaction. `progress` is called with the size of each batch. The password of all users
    of the demo is stored in `folder`. Raise `ConfigurationError` if Faker is not installed.
    """
    if list_tenants(database):
        return
    check_faker()
    password = secrets.token_urlsafe(9)
    with database.transaction():
        user_ids = {
            email: create_user(database, email=email, name=name, password=password).id for email, name in USERS.items()
        }
        for business in BUSINESSES:
            _fill(database, business, user_ids, round(customers * business.share), progress)
        _write_password(folder / PASSWORD_FILE, password)
    database.analyze()


def _fill(
    database: Database, business: Business, user_ids: dict[str, int], count: int, progress: Callable[[int], object]
) -> None:
    tenant = create_tenant(
        database,
        name=business.name,
        time_zone=business.time_zone,
        locale=business.locale,
        country_code=business.country_code,
    )
    for email, role in business.members:
        add_member(database, tenant.id, email, role)
    now = utc_now()
    members = [user_ids[email] for email, _ in business.members]
    tags = [create_tag(database, tenant.id, name, color).id for name, color in business.tags.items()]
    for done in range(0, count, CUSTOMERS_PER_INSERT):
        ids = reserve_customer_ids(database, tenant.id, min(CUSTOMERS_PER_INSERT, count - done))
        records = list(generate_customers(ids, seed=f"{tenant.id} {ids[0]}", now=now, user_ids=members))
        tagged = {number: [tags[number // TAGGED_ONE_IN % len(tags)]] for number in ids if number % TAGGED_ONE_IN == 0}
        insert_customers(database, tenant.id, records, tags=tagged)
        progress(len(records))


def demo_callback(settings: Settings) -> str:
    """Return the redirect URI of the demo's application.

    It has the public address or, if that is not allowed in a redirect URI, localhost.
    """
    callback = settings.origin + CALLBACK_PATH
    refused = check_redirect_uri(callback, own_schemes=False)
    return f"http://localhost:{settings.port}{CALLBACK_PATH}" if refused else callback


def demo_application(database: Database, callback: str) -> Client:
    """Return the demo's application, an example of a client, with the redirect URI `callback`.

    Register it if it does not exist, and again if `callback` is not one of its redirect URIs.
    """
    for client in list_clients(database):
        if client.name == APPLICATION and client.tenant_id is None:
            if client.check_redirect_uri(callback):
                return client
            delete_client(database, client)
    callbacks = [*CALLBACKS, callback]
    return create_client(database, name=APPLICATION, kind="native", redirect_uris=callbacks, scopes=list(SCOPES))[0]


def demo_password(folder: Path) -> str:
    """Return the password of the demo's users. Raise `ConfigurationError` if its file cannot be read."""
    try:
        return (folder / PASSWORD_FILE).read_text("utf-8").strip()
    except OSError:
        raise ConfigurationError(
            f"{folder} has a database that is not the demo's. Choose another folder with --data."
        ) from None


def _write_password(path: Path, password: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(password + "\n")
