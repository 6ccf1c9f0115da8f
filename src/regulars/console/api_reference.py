"""`/api/docs`: the reference of the API, for people."""

import hashlib
from functools import cached_property

import falcon

from regulars.console.api_operations import Reference, read_reference
from regulars.console.pages import CONTENT_SECURITY_POLICY, Pages, Visitor
from regulars.console.schema_words import as_json, rule_of, type_of, with_code
from regulars.console.screen import find_screen
from regulars.http.compression import BALANCED, StaticBody
from regulars.http.openapi import OpenApi

PATH = "/api/docs"


class ApiReference:
    """`/api/docs`. The page is the same for all visitors with the same language and theme, and is rendered once."""

    def __init__(self, pages: Pages, api: OpenApi) -> None:
        self.pages = pages
        self.api = api
        self._bodies: dict[tuple[str, str], tuple[StaticBody, str]] = {}

    @cached_property
    def content(self) -> Reference:
        """What the page shows."""
        return read_reference(self.api.document, self.pages.settings.origin)

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send the page, or 304 if the browser has it."""
        visitor = self.pages.anonymous(request)
        body, tag = self._body(visitor)
        response.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY + "'self'; form-action 'self'")
        response.set_header("Cache-Control", "private, no-cache")
        response.set_header("Vary", "Cookie, Accept-Language")
        response.set_header("ETag", f'W/"{tag}"')
        if tag in (request.get_header("If-None-Match") or ""):
            response.status = 304
            return
        response.content_type = "text/html; charset=utf-8"
        body.send(request, response)

    def _body(self, visitor: Visitor) -> tuple[StaticBody, str]:
        """Return the page and a digest of it."""
        key = visitor.language, visitor.theme
        if key not in self._bodies:
            page = self.pages.render(
                visitor,
                "api_reference",
                reference=self.content,
                origin=self.pages.settings.origin,
                type_of=type_of,
                rule_of=rule_of,
                with_code=with_code,
                as_json=as_json,
            ).encode()
            self._bodies[key] = StaticBody(page, BALANCED), hashlib.sha256(page).hexdigest()[:32]
        return self._bodies[key]


class ReferenceSession:
    """`/api/docs/session`: whose session the script of the reference may use to try requests."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the user, the form token and the chosen business. All are empty if nobody has signed in."""
        visitor = self.pages.visitor(request, response)
        response.set_header("Cache-Control", "no-store")
        found = {"email": "", "token": "", "tenant": "", "business": ""}
        if visitor.session and visitor.user:
            found |= {"email": visitor.user.email, "token": self.pages.form_token(visitor)}
            screen = find_screen(self.pages, request, visitor, visitor.session, visitor.user)
            if screen:
                found |= {"tenant": str(screen.tenant.id), "business": screen.tenant.name}
        response.media = found


def api_reference_routes(pages: Pages, api: OpenApi) -> list[tuple[str, object]]:
    """Return the routes of the reference."""
    return [(PATH, ApiReference(pages, api)), (f"{PATH}/session", ReferenceSession(pages))]
