"""Sign-out at the request of an application (OpenID Connect RP-Initiated Logout 1.0, section 2)."""

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from regulars.oauth.authorization_request import redirect_targets
from regulars.oauth.clients import Client, find_client
from regulars.oauth.id_token import read_hint
from regulars.oauth.server import Pairs, Payload, Server


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A request to sign the user out.

    `user_id` is the subject of a valid ID token hint, and `redirect_uri` is registered for `client`; both can be None.
    `query` contains all parameters as received.
    """

    client: Client | None
    user_id: int | None
    redirect_uri: str | None
    state: str | None
    query: str

    @property
    def form_targets(self) -> tuple[str, ...] | None:
        """Return the sources to which the form of the confirmation page may redirect: see `redirect_targets`."""
        return redirect_targets(self.redirect_uri) if self.redirect_uri else ()


def read_logout(server: Server, pairs: Pairs) -> LogoutRequest:
    """Return the request with these parameters. Values that cannot be verified are None.

    If client_id is not the client of the ID token hint, both are ignored.
    """
    payload = Payload(pairs)
    client_id, user_id = read_hint(server.database, server.settings, payload.data.get("id_token_hint", ""))
    named = payload.client_id
    client = find_client(server.database, client_id or named or "")
    if client is not None and named not in {None, client.id}:
        client, user_id = None, None
    asked = payload.data.get("post_logout_redirect_uri")
    is_good = client is not None and asked is not None and client.check_redirect_uri(asked)
    return LogoutRequest(client, user_id, asked if is_good else None, payload.state, urlencode(pairs, quote_via=quote))


def logout_redirect(request: LogoutRequest) -> str | None:
    """Return the redirect URI of the application with the parameter `state`, or None if it sent no registered one."""
    if request.redirect_uri is None or request.state is None:
        return request.redirect_uri
    joint = "&" if "?" in request.redirect_uri else "?"
    return request.redirect_uri + joint + urlencode({"state": request.state}, quote_via=quote)
