"""Clients: the applications that ask for tokens."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import msgspec
from authlib.oauth2.rfc6749 import ClientMixin
from sqlalchemy import bindparam, delete, insert, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import authorization_codes, clients, consents, device_codes, grants, refresh_tokens, tenants
from regulars.errors import Invalid, NotFound
from regulars.oauth.redirect_uris import check_redirect_uri, is_registered
from regulars.permissions import Role
from regulars.scopes import SCOPES, unknown_scopes
from regulars.security.audit import record
from regulars.security.auth_version import bump_auth_version
from regulars.security.tokens import Kind, digest, new_id, new_token

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
FOR_PEOPLE = {"openid", "profile", "email", "offline_access", "account:read", "account:write"}
MOST_REDIRECT_URIS = 20


class ClientKind(StrEnum):
    """What an application is, which decides how it signs in and what it may ask with."""

    WEB = "web"
    NATIVE = "native"
    BROWSER = "browser"
    DEVICE = "device"
    SERVICE = "service"


GRANT_TYPES: Mapping[ClientKind, tuple[str, ...]] = {
    ClientKind.WEB: ("authorization_code", "refresh_token"),
    ClientKind.NATIVE: ("authorization_code", "refresh_token", DEVICE_CODE),
    ClientKind.BROWSER: ("authorization_code", "refresh_token"),
    ClientKind.DEVICE: (DEVICE_CODE, "refresh_token"),
    ClientKind.SERVICE: ("client_credentials",),
}
CONFIDENTIAL = {ClientKind.WEB, ClientKind.SERVICE}
REDIRECTED = {ClientKind.WEB, ClientKind.NATIVE, ClientKind.BROWSER}


@dataclass(frozen=True, slots=True)
class Client(ClientMixin):
    """An application. `tenant_id` is the tenant that registered it, which it acts in alone; None: the operator did.

    `scopes` are all that it may ask for, and what it gets when it asks for none.
    """

    id: str
    tenant_id: int | None
    name: str
    kind: ClientKind
    secret_digest: str | None
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    role: Role | None
    logo_url: str | None
    created_at: datetime

    @property
    def is_confidential(self) -> bool:
        """Whether it has a secret."""
        return self.kind in CONFIDENTIAL

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str | None:
        return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """What it gets for `scope`; None where it may not have all of it (RFC 6749, section 3.3)."""
        asked = list(dict.fromkeys((scope or "").split())) or list(self.scopes)
        return " ".join(asked) if set(asked) <= set(self.scopes) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return is_registered(redirect_uri, self.redirect_uris, any_port=self.kind is ClientKind.NATIVE)

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret_digest is not None and hmac.compare_digest(self.secret_digest, digest(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method != "none" if self.is_confidential else method == "none"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.kind in REDIRECTED

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in GRANT_TYPES[self.kind]


COLUMNS = (
    "id",
    "owner_tenant_id",
    "name",
    "kind",
    "secret_digest",
    "redirect_uris",
    "scopes",
    "role",
    "logo_url",
    "created_at",
)
FIELDS = tuple(clients.c[name] for name in COLUMNS)
ONE = Statement(select(*FIELDS).where(clients.c.id == bindparam("client_id")))
# every tenant: the operator's command line lists all of them.
ALL = Statement(select(*FIELDS).order_by(clients.c.id))
OF_TENANT = Statement(select(*FIELDS).where(clients.c.owner_tenant_id == bindparam("tenant_id")).order_by(clients.c.id))
INSERT = Statement(insert(clients).values({name: bindparam(name) for name in COLUMNS}))
SET_SECRET = Statement(
    update(clients).where(clients.c.id == bindparam("client_id")).values(secret_digest=bindparam("digest"))
)
ITS_GRANTS = select(grants.c.id).where(grants.c.client_id == bindparam("client_id"))
FORGET = (
    Statement(delete(device_codes).where(device_codes.c.client_id == bindparam("client_id"))),
    Statement(delete(authorization_codes).where(authorization_codes.c.grant_id.in_(ITS_GRANTS))),
    Statement(delete(refresh_tokens).where(refresh_tokens.c.grant_id.in_(ITS_GRANTS))),
    Statement(delete(grants).where(grants.c.client_id == bindparam("client_id"))),
    Statement(delete(consents).where(consents.c.client_id == bindparam("client_id"))),
    Statement(delete(clients).where(clients.c.id == bindparam("client_id"))),
)
TENANT = Statement(select(tenants.c.id).where(tenants.c.id == bindparam("tenant_id")))


def create_client(
    database: Database,
    *,
    name: str,
    kind: str,
    redirect_uris: Sequence[str] = (),
    scopes: Sequence[str] = (),
    tenant_id: int | None = None,
    role: str | None = None,
    logo_url: str | None = None,
    user_id: int | None = None,
) -> tuple[Client, str | None]:
    """A new application and its secret, which is shown this once; no secret where the kind has none.

    `user_id` is who registers it. Raises `Invalid` that names every fault.
    """
    faults = _faults(database, name.strip(), kind, redirect_uris, scopes, tenant_id, role, logo_url)
    if faults:
        raise Invalid(faults)
    secret = new_token(Kind.CLIENT_SECRET) if ClientKind(kind) in CONFIDENTIAL else None
    client = Client(
        id=new_id(),
        tenant_id=tenant_id,
        name=name.strip(),
        kind=ClientKind(kind),
        secret_digest=digest(secret) if secret else None,
        redirect_uris=tuple(dict.fromkeys(redirect_uris)),
        scopes=tuple(name for name in SCOPES if name in scopes),
        role=Role(role or Role.VIEWER) if kind == ClientKind.SERVICE else None,
        logo_url=logo_url or None,
        created_at=utc_now(),
    )
    with database.transaction():
        database.execute(INSERT, _values(client))
        record(database, "client.created", user_id=user_id, client_id=client.id)
    return client, secret


def rotate_secret(database: Database, client: Client, user_id: int | None = None) -> str:
    """A new secret in place of the old one, which is worth nothing from now on. Raises `Invalid` where it has none."""
    if not client.is_confidential:
        raise Invalid({"client": [f"An application of the kind {client.kind} has no secret."]})
    secret = new_token(Kind.CLIENT_SECRET)
    with database.transaction():
        database.execute(SET_SECRET, {"client_id": client.id, "digest": digest(secret)})
        record(database, "client.secret_rotated", user_id=user_id, client_id=client.id)
    return secret


def delete_client(database: Database, client: Client, user_id: int | None = None) -> None:
    """Delete an application with all that was granted to it; its tokens end within a second."""
    with database.transaction():
        for statement in FORGET:
            database.execute(statement, {"client_id": client.id})
        bump_auth_version(database)
        record(database, "client.deleted", user_id=user_id, client_id=client.id)


def find_client(database: Database, client_id: str) -> Client | None:
    """The application with this id, or None."""
    row = database.fetch_one(ONE, {"client_id": client_id}) if _is_storable(client_id) else None
    return _client(row) if row else None


def get_client(database: Database, client_id: str, tenant_id: int | None = None) -> Client:
    """The application with this id; with `tenant_id`, only if that tenant registered it. Raises `NotFound`."""
    client = find_client(database, client_id)
    if client is None or (tenant_id is not None and client.tenant_id != tenant_id):
        raise NotFound(f"There is no application {client_id!r}.")
    return client


def list_clients(database: Database, tenant_id: int | None = None) -> list[Client]:
    """The applications that a tenant registered; without `tenant_id` all of them. Oldest first."""
    rows = database.fetch_all(ALL) if tenant_id is None else database.fetch_all(OF_TENANT, {"tenant_id": tenant_id})
    return [_client(row) for row in rows]


def _client(row: Row) -> Client:
    id_, tenant_id, name, kind, secret_digest, redirect_uris, scopes, role, logo_url, created_at = row
    return Client(
        id_,
        tenant_id,
        name,
        ClientKind(kind),
        secret_digest,
        tuple(msgspec.json.decode(redirect_uris)),
        tuple(scopes.split()),
        Role(role) if role else None,
        logo_url,
        created_at,
    )


def _values(client: Client) -> dict[str, Any]:
    return {
        "id": client.id,
        "owner_tenant_id": client.tenant_id,
        "name": client.name,
        "kind": client.kind.value,
        "secret_digest": client.secret_digest,
        "redirect_uris": msgspec.json.encode(client.redirect_uris).decode(),
        "scopes": " ".join(client.scopes),
        "role": client.role.value if client.role else None,
        "logo_url": client.logo_url,
        "created_at": client.created_at,
    }


def _faults(
    database: Database,
    name: str,
    kind: str,
    redirect_uris: Sequence[str],
    scopes: Sequence[str],
    tenant_id: int | None,
    role: str | None,
    logo_url: str | None,
) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    if not 1 <= len(name) <= 100 or not name.isprintable():
        faults["name"] = ["The name must have 1 to 100 characters that can be printed."]
    if kind not in set(ClientKind):
        return faults | {"kind": [f"The kind must be one of {', '.join(ClientKind)}, not {kind!r}."]}
    faults |= _redirect_faults(ClientKind(kind), redirect_uris)
    faults |= _scope_faults(ClientKind(kind), scopes)
    if logo_url and not (_is_https(logo_url) and len(logo_url) <= 2000):
        faults["logo_url"] = ["The logo must be an address that starts with https://."]
    if kind == ClientKind.SERVICE and tenant_id is None:
        faults["tenant"] = ["A service account acts in one tenant: name it."]
    elif tenant_id is not None and not _is_tenant(database, tenant_id):
        faults["tenant"] = [f"There is no tenant {tenant_id}."]
    if role is not None and (kind != ClientKind.SERVICE or role not in {Role.ADMIN, Role.AGENT, Role.VIEWER}):
        faults["role"] = ["The role is a service account's: admin, agent or viewer."]
    return faults


def _redirect_faults(kind: ClientKind, uris: Sequence[str]) -> dict[str, list[str]]:
    if kind not in REDIRECTED:
        return {"redirect_uris": [f"An application of the kind {kind} has no redirect URI."]} if uris else {}
    if not 1 <= len(uris) <= MOST_REDIRECT_URIS:
        return {"redirect_uris": [f"Give 1 to {MOST_REDIRECT_URIS} redirect URIs."]}
    refused = [(uri, check_redirect_uri(uri, own_schemes=kind is ClientKind.NATIVE)) for uri in uris]
    sentences = [f"The redirect URI {uri[:100]!r} {why}." for uri, why in refused if why]
    return {"redirect_uris": sentences} if sentences else {}


def _scope_faults(kind: ClientKind, scopes: Sequence[str]) -> dict[str, list[str]]:
    unknown = unknown_scopes(list(scopes))
    if unknown or not scopes:
        return {
            "scopes": [f"Give scopes of {', '.join(SCOPES)}" + (f", not {' '.join(unknown)!r}." if unknown else ".")]
        }
    personal = [name for name in scopes if name in FOR_PEOPLE]
    if kind is ClientKind.SERVICE and personal:
        return {"scopes": [f"A service account is nobody's: it cannot have {' '.join(personal)}."]}
    return {}


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and url.isprintable() and not set(url) & set(" \"'<>;,")


def _is_tenant(database: Database, tenant_id: int) -> bool:
    return 0 < tenant_id < 2**63 and database.fetch_one(TENANT, {"tenant_id": tenant_id}) is not None


def _is_storable(text: str) -> bool:
    return len(text) <= 64 and text.isascii() and text.isprintable()
