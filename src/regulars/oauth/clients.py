"""Clients: applications that request tokens."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
from regulars.i18n import _
from regulars.oauth.redirect_uris import check_redirect_uri, is_registered
from regulars.oauth.requested_scopes import check_requested_scope
from regulars.permissions import COMMAND_LINE, Actor, Role
from regulars.scopes import SCOPES, unknown_scopes
from regulars.security.audit import record
from regulars.security.auth_version import bump_auth_version
from regulars.security.tokens import Kind, digest, new_id, new_token
from regulars.validation import quote, trim

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
USER_SCOPES = {"openid", "profile", "email", "offline_access", "account:read", "account:write"}
MAX_REDIRECT_URIS = 20


class ClientKind(StrEnum):
    """The kind of an application, which determines how it authenticates and which grant types it can use."""

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
CONFIDENTIAL_KINDS = {ClientKind.WEB, ClientKind.SERVICE}
REDIRECTED_KINDS = {ClientKind.WEB, ClientKind.NATIVE, ClientKind.BROWSER}


@dataclass(frozen=True, slots=True)
class Client(ClientMixin):
    """An application. It can request any of `scopes`, and gets all of them if it requests none.

    `tenant_id` is the tenant to which it belongs and in which it acts. If it is None, the application was registered by
    the operator and can act in every tenant of its user.
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
        """Tell whether the application has a secret."""
        return self.kind in CONFIDENTIAL_KINDS

    def get_client_id(self) -> str:
        return self.id

    def get_default_redirect_uri(self) -> str | None:
        return self.redirect_uris[0] if len(self.redirect_uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str:
        """Return the scopes to grant for the requested `scope` (RFC 6749, section 3.3).

        If it is empty, return all scopes of the client. Raise `InvalidScopeError` if it contains any other scope.
        """
        asked = list(dict.fromkeys((scope or "").split())) or list(self.scopes)
        check_requested_scope(asked, self.scopes)
        return " ".join(asked)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return is_registered(redirect_uri, self.redirect_uris, any_port=self.kind is ClientKind.NATIVE)

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret_digest is not None and hmac.compare_digest(self.secret_digest, digest(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method != "none" if self.is_confidential else method == "none"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code" and self.kind in REDIRECTED_KINDS

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in GRANT_TYPES[self.kind]


COLUMN_NAMES = (
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
CLIENT_COLUMNS = tuple(clients.c[name] for name in COLUMN_NAMES)
GET_CLIENT = Statement(select(*CLIENT_COLUMNS).where(clients.c.id == bindparam("client_id")))
# every tenant: the operator's command line lists all of them.
LIST_CLIENTS = Statement(select(*CLIENT_COLUMNS).order_by(clients.c.id))
LIST_CLIENTS_OF_TENANT = Statement(
    select(*CLIENT_COLUMNS).where(clients.c.owner_tenant_id == bindparam("tenant_id")).order_by(clients.c.id)
)
INSERT_CLIENT = Statement(insert(clients).values({name: bindparam(name) for name in COLUMN_NAMES}))
CHANGEABLE_COLUMNS = ("name", "redirect_uris", "scopes", "logo_url")
UPDATE_CLIENT = Statement(
    update(clients)
    .where(clients.c.id == bindparam("client_id"))
    .values({name: bindparam(f"new_{name}") for name in CHANGEABLE_COLUMNS})
)
SET_SECRET = Statement(
    update(clients).where(clients.c.id == bindparam("client_id")).values(secret_digest=bindparam("digest"))
)
GRANTS_OF_CLIENT = select(grants.c.id).where(grants.c.client_id == bindparam("client_id"))
DELETE_CLIENT_DATA = (
    Statement(delete(device_codes).where(device_codes.c.client_id == bindparam("client_id"))),
    Statement(delete(authorization_codes).where(authorization_codes.c.grant_id.in_(GRANTS_OF_CLIENT))),
    Statement(delete(refresh_tokens).where(refresh_tokens.c.grant_id.in_(GRANTS_OF_CLIENT))),
    Statement(delete(grants).where(grants.c.client_id == bindparam("client_id"))),
    Statement(delete(consents).where(consents.c.client_id == bindparam("client_id"))),
    Statement(delete(clients).where(clients.c.id == bindparam("client_id"))),
)
FIND_TENANT = Statement(select(tenants.c.id).where(tenants.c.id == bindparam("tenant_id")))


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
    actor: Actor = COMMAND_LINE,
) -> tuple[Client, str | None]:
    """Register an application. Return it with its secret (only a digest is stored), or None if its kind has no secret.

    Raise `Invalid` with every fault.
    """
    faults = _faults(database, name.strip(), kind, redirect_uris, scopes, tenant_id, role, logo_url)
    if faults:
        raise Invalid(faults)
    secret = new_token(Kind.CLIENT_SECRET) if ClientKind(kind) in CONFIDENTIAL_KINDS else None
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
        database.execute(INSERT_CLIENT, _values(client))
        _record(database, "client.created", client, actor)
    return client, secret


def update_client(
    database: Database,
    client: Client,
    *,
    name: str,
    redirect_uris: Sequence[str],
    scopes: Sequence[str],
    logo_url: str | None,
    actor: Actor,
) -> Client:
    """Change an application, and return it. Raise `Invalid` with every fault.

    A scope that it no longer has is missing in its next tokens, also in those for a refresh token.
    """
    faults = _faults(
        database, name.strip(), client.kind, redirect_uris, scopes, client.tenant_id, client.role, logo_url
    )
    if faults:
        raise Invalid(faults)
    changed = replace(
        client,
        name=name.strip(),
        redirect_uris=tuple(dict.fromkeys(redirect_uris)),
        scopes=tuple(name for name in SCOPES if name in scopes),
        logo_url=logo_url or None,
    )
    values = _values(changed)
    with database.transaction():
        new = {f"new_{name}": values[name] for name in CHANGEABLE_COLUMNS}
        database.execute(UPDATE_CLIENT, {"client_id": client.id} | new)
        _record(database, "client.changed", changed, actor)
    return changed


def rotate_secret(database: Database, client: Client, actor: Actor = COMMAND_LINE) -> str:
    """Replace the secret of an application, and return the new one. Raise `Invalid` if its kind has no secret."""
    if not client.is_confidential:
        raise Invalid({"client": [_("An application of the kind {kind} has no secret.", kind=client.kind.value)]})
    secret = new_token(Kind.CLIENT_SECRET)
    with database.transaction():
        database.execute(SET_SECRET, {"client_id": client.id, "digest": digest(secret)})
        _record(database, "client.secret_rotated", client, actor)
    return secret


def delete_client(database: Database, client: Client, actor: Actor = COMMAND_LINE) -> None:
    """Delete an application with its grants and consents. All servers refuse its tokens within a second."""
    with database.transaction():
        for statement in DELETE_CLIENT_DATA:
            database.execute(statement, {"client_id": client.id})
        bump_auth_version(database)
        _record(database, "client.deleted", client, actor)


def _record(database: Database, kind: str, client: Client, actor: Actor) -> None:
    record(
        database,
        kind,
        user_id=actor.user_id,
        client_id=client.id,
        about=client.name,
        address=actor.address,
        tenant_id=client.tenant_id,
    )


def find_client(database: Database, client_id: str) -> Client | None:
    """Return the application with this id, or None."""
    row = database.fetch_one(GET_CLIENT, {"client_id": client_id}) if _is_storable(client_id) else None
    return _client(row) if row else None


def get_client(database: Database, client_id: str, tenant_id: int | None = None) -> Client:
    """Return the application with this id. Raise `NotFound` if there is none.

    If `tenant_id` is given, also raise `NotFound` for an application of another tenant.
    """
    client = find_client(database, client_id)
    if client is None or (tenant_id is not None and client.tenant_id != tenant_id):
        raise NotFound(_("There is no application {id}.", id=quote(client_id)))
    return client


def list_clients(database: Database, tenant_id: int | None = None) -> list[Client]:
    """Return the applications of a tenant, or of all tenants and the operator if it is None; oldest first."""
    rows = (
        database.fetch_all(LIST_CLIENTS)
        if tenant_id is None
        else database.fetch_all(LIST_CLIENTS_OF_TENANT, {"tenant_id": tenant_id})
    )
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
    if not 1 <= len(trim(name)) <= 100 or not name.isprintable():
        faults["name"] = [_("name must have 1 to 100 printable characters.")]
    if kind not in set(ClientKind):
        return faults | {
            "kind": [_("kind must be one of {options}, not {value}.", options=", ".join(ClientKind), value=quote(kind))]
        }
    faults |= _redirect_faults(ClientKind(kind), redirect_uris)
    faults |= _scope_faults(ClientKind(kind), scopes)
    if logo_url and not (_is_https(logo_url) and len(logo_url) <= 2000):
        faults["logo_url"] = [_("logo_url must be an address that starts with https://.")]
    if kind == ClientKind.SERVICE and tenant_id is None:
        faults["tenant"] = [_("A service account acts in one tenant. Name the tenant.")]
    elif tenant_id is not None and not _is_tenant(database, tenant_id):
        faults["tenant"] = [_("There is no tenant {id}.", id=tenant_id)]
    if role is not None and (kind != ClientKind.SERVICE or role not in {Role.ADMIN, Role.AGENT, Role.VIEWER}):
        faults["role"] = [_("Only a service account has a role: admin, agent or viewer.")]
    return faults


def _redirect_faults(kind: ClientKind, uris: Sequence[str]) -> dict[str, list[str]]:
    if kind not in REDIRECTED_KINDS:
        return (
            {"redirect_uris": [_("An application of the kind {kind} has no redirect URI.", kind=kind.value)]}
            if uris
            else {}
        )
    if not 1 <= len(uris) <= MAX_REDIRECT_URIS:
        return {"redirect_uris": [_("Give 1 to {limit} redirect URIs.", limit=MAX_REDIRECT_URIS)]}
    refused = [(uri, check_redirect_uri(uri, own_schemes=kind is ClientKind.NATIVE)) for uri in uris]
    sentences: list[str] = [
        _("The redirect URI {uri} {rule}.", uri=quote(uri), rule=rule) for uri, rule in refused if rule
    ]
    return {"redirect_uris": sentences} if sentences else {}


def _scope_faults(kind: ClientKind, scopes: Sequence[str]) -> dict[str, list[str]]:
    unknown = unknown_scopes(list(scopes))
    if unknown or not scopes:
        return {
            "scopes": [
                _(
                    "scopes must be one or more of {options}, not {value}.",
                    options=", ".join(SCOPES),
                    value=quote(" ".join(unknown)),
                )
            ]
        }
    personal = [name for name in scopes if name in USER_SCOPES]
    if kind is ClientKind.SERVICE and personal:
        return {
            "scopes": [
                _("A service account does not act for a user. It cannot have {scopes}.", scopes=" ".join(personal))
            ]
        }
    return {}


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and url.isprintable() and not set(url) & set(" \"'<>;,")


def _is_tenant(database: Database, tenant_id: int) -> bool:
    return 0 < tenant_id < 2**63 and database.fetch_one(FIND_TENANT, {"tenant_id": tenant_id}) is not None


def _is_storable(text: str) -> bool:
    return len(text) <= 64 and text.isascii() and text.isprintable()
