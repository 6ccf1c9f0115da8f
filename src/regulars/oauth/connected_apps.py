"""Connected applications: those that a user has given consent."""

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

# every tenant: users see all applications that they have connected.
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
    """An application, and the scopes that a user has granted to it. `used_at` is the last use of its tokens."""

    client_id: str
    name: str
    logo_url: str | None
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None


def list_connections(database: Database, user_id: int) -> list[Connection]:
    """Return the user's connected applications, ordered by name."""
    rows = database.fetch_all(LIST_CONNECTIONS, {"user_id": user_id})
    return [
        Connection(client_id, name, logo_url, tuple(scopes.split()), created_at, used_at)
        for client_id, name, logo_url, scopes, created_at, used_at in rows
    ]


def disconnect(database: Database, user_id: int, client_id: str) -> None:
    """Withdraw the user's consent to the application and end its tokens. Raise `NotFound` if there is none."""
    with database.transaction():
        if not withdraw_consent(database, user_id, client_id):
            raise NotFound(_("This application is not connected."))
        end_grants_of(database, user_id, client_id)
        record(database, "consent.withdrawn", user_id=user_id, client_id=client_id)
