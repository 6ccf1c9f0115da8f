"""Connected applications: the applications to which a user has consented."""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import bindparam, func, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import clients, consents, grants
from regulars.errors import NotFound
from regulars.i18n import _
from regulars.oauth.consents import withdraw_consent
from regulars.oauth.grants import end_grants_of
from regulars.security.audit import record

# every tenant: users see their own connections, wherever the application was registered.
LIST_CONNECTIONS = Statement(
    select(
        clients.c.id,
        clients.c.name,
        clients.c.logo_url,
        consents.c.scopes,
        consents.c.created_at,
        func.max(grants.c.used_at, type_=grants.c.used_at.type),
    )
    .select_from(
        consents.join(clients, clients.c.id == consents.c.client_id).outerjoin(
            grants, (grants.c.client_id == consents.c.client_id) & (grants.c.user_id == consents.c.user_id)
        )
    )
    .where(consents.c.user_id == bindparam("user_id"))
    .group_by(clients.c.id, clients.c.name, clients.c.logo_url, consents.c.scopes, consents.c.created_at)
    .order_by(clients.c.name, clients.c.id)
)


class Connection(Struct, frozen=True):
    """An application to which a user has granted `scopes`. `created_at` is the time of the first consent."""

    client_id: str
    name: str
    logo_url: str | None
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None


def list_connections(database: Database, user_id: int) -> list[Connection]:
    """Return the applications to which the user has consented, by name."""
    rows = database.fetch_all(LIST_CONNECTIONS, {"user_id": user_id})
    return [
        Connection(client_id, name, logo_url, tuple(scopes.split()), created_at, used_at)
        for client_id, name, logo_url, scopes, created_at, used_at in rows
    ]


def disconnect(database: Database, user_id: int, client_id: str) -> None:
    """Withdraw the user's consent to an application, and end its grants. Raise `NotFound` if there is no consent."""
    with database.transaction():
        if not withdraw_consent(database, user_id, client_id):
            raise NotFound(_("This application is not connected. It may have been disconnected already."))
        end_grants_of(database, user_id, client_id)
        record(database, "consent.withdrawn", user_id=user_id, client_id=client_id)
