"""`/oauth/{scheme}:…`: where browsers end up that were sent to an app whose scheme has an underscore.

The apps are in use, but RFC 3986, section 3.1, and so every browser, knows no such scheme: it takes the address in the
`Location` header for a path beside the page that it comes from. (Embedded browsers, which apps look into, do well.)
"""

import falcon

from regulars.console.pages import Pages
from regulars.errors import NotFound
from regulars.oauth.authorization_codes import find_code
from regulars.oauth.clients import Client, find_client
from regulars.oauth.redirect_uris import SCHEME
from regulars.oauth.server import Server


class WayBack:
    """`/oauth/{address}`"""

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_get(self, request: falcon.Request, response: falcon.Response, address: str) -> None:
        """Say what happened; on Android offer a link that does open the app, with the code."""
        scheme = SCHEME.match(address)
        if scheme is None or "_" not in scheme[1]:
            raise NotFound("There is nothing at this address.")
        visitor = self.pages.visitor(request, response)
        client = self._sent_to(address, request.get_param("code") or "")
        link = ""
        if client is not None and "Android" in visitor.user_agent:
            link = f"intent:{address[scheme.end() :]}?{request.query_string}#Intent;scheme={scheme[1]};end"
        name = client.name if client else ""
        self.pages.show(response, visitor, "way_back", scheme=scheme[1][:100], link=link, name=name)

    def _sent_to(self, address: str, code: str) -> Client | None:
        """The application that the code is for, if it has registered the address: nobody else is linked to."""
        found = find_code(self.server.database, code)
        client = find_client(self.server.database, found.client_id) if found else None
        return client if client and client.check_redirect_uri(address) else None


def way_back_routes(pages: Pages, server: Server) -> list[tuple[str, object]]:
    """Any address below `/oauth` that is no other."""
    return [("/oauth/{address:path}", WayBack(pages, server))]
