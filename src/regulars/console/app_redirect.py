"""`/oauth/{scheme}:…`: help for browsers that cannot open an app whose URI scheme contains an underscore.

Such apps exist, but a scheme must not contain the character (RFC 3986, section 3.1). A browser therefore treats the
redirect URI in the `Location` header as a relative path and requests it from this server. Browsers embedded in an app
are not affected if the app reads the header itself.
"""

import falcon

from regulars.console.pages import Pages
from regulars.errors import NotFound
from regulars.i18n import _
from regulars.oauth.authorization_codes import find_code
from regulars.oauth.clients import Client, find_client
from regulars.oauth.redirect_uris import SCHEME
from regulars.oauth.server import Server


class AppRedirect:
    """`/oauth/{address}`"""

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_get(self, request: falcon.Request, response: falcon.Response, address: str) -> None:
        """Explain why the app did not open. On Android, offer a link that opens it with the code.

        Raise `NotFound` if the address does not start with a scheme that contains an underscore.
        """
        scheme = SCHEME.match(address)
        if scheme is None or "_" not in scheme[1]:
            raise NotFound(_("There is nothing at this address."))
        visitor = self.pages.visitor(request, response)
        client = self._client_of(address, request.get_param("code") or "")
        link = ""
        if client is not None and "Android" in visitor.user_agent:
            link = f"intent:{address[scheme.end() :]}?{request.query_string}#Intent;scheme={scheme[1]};end"
        name = client.name if client else ""
        self.pages.show(response, visitor, "app_redirect", scheme=scheme[1][:100], link=link, name=name)

    def _client_of(self, address: str, code: str) -> Client | None:
        """Return the client that the code was issued to, if it has registered the address; otherwise None."""
        found = find_code(self.server.database, code)
        client = find_client(self.server.database, found.client_id) if found else None
        return client if client and client.check_redirect_uri(address) else None


def app_redirect_routes(pages: Pages, server: Server) -> list[tuple[str, object]]:
    """Return the route for addresses below `/oauth` that no other route matches."""
    return [("/oauth/{address:path}", AppRedirect(pages, server))]
