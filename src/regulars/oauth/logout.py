"""Signing out at an application's request (OpenID Connect RP-Initiated Logout 1.0, section 2)."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from sqlalchemy import bindparam, update

from regulars.accounts.sessions import Session
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import grants
from regulars.oauth.authorization_request import redirect_targets
from regulars.oauth.clients import Client, find_client
from regulars.oauth.id_tokens import read_hint
from regulars.oauth.server import Pairs, Payload, Server
from regulars.security.auth_version import bump_auth_version

# An application that was allowed to stay signed in when its user is away does.
END = Statement(
    update(grants)
    .where(
        grants.c.session_id == bindparam("of_session"),
        grants.c.user_id == bindparam("of_user"),
        grants.c.client_id == bindparam("of_client"),
        grants.c.scopes.not_like("%offline_access%"),
        grants.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """Who wants the user signed out: an ID token of ours names `user_id`; `redirect_uri` is a registered one."""

    client: Client | None
    user_id: int | None
    redirect_uri: str | None
    state: str | None
    query: str

    @property
    def form_targets(self) -> tuple[str, ...] | None:
        """Where the form of the page that asks may lead beside this service."""
        return redirect_targets(self.redirect_uri) if self.redirect_uri else ()


def read_logout(server: Server, pairs: Pairs) -> LogoutRequest:
    """The request with these parameters; what is not known to be good in it counts as left out."""
    payload = Payload(pairs)
    client_id, user_id = read_hint(server.database, server.settings.origin, payload.data.get("id_token_hint", ""))
    named = payload.client_id
    client = find_client(server.database, client_id or named or "")
    if client is not None and named not in {None, client.id}:
        client, user_id = None, None
    asked = payload.data.get("post_logout_redirect_uri")
    is_good = client is not None and asked is not None and client.check_redirect_uri(asked)
    return LogoutRequest(client, user_id, asked if is_good else None, payload.state, urlencode(pairs, quote_via=quote))


def where_to_go(request: LogoutRequest) -> str | None:
    """The application's own address, with its state; None where it named none that it has registered."""
    if request.redirect_uri is None or request.state is None:
        return request.redirect_uri
    joint = "&" if "?" in request.redirect_uri else "?"
    return request.redirect_uri + joint + urlencode({"state": request.state}, quote_via=quote)


def end_grants_of_session(database: Database, session: Session, client: Client | None) -> None:
    """End what `client` may do that came from this session."""
    if client is None:
        return
    now = utc_now()
    values = {"of_session": session.id, "of_user": session.user_id, "of_client": client.id, "now": now}
    if database.execute(END, values):
        bump_auth_version(database)
