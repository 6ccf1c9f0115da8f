"""`/device`: people enter the code that a device shows them (RFC 8628, section 3.3)."""

from datetime import UTC, datetime

import falcon

from regulars.accounts.memberships import memberships_of
from regulars.accounts.throttle import address_key, record_failure, seconds_to_wait
from regulars.console.authorize import what_is_asked
from regulars.console.pages import Pages, Visitor
from regulars.errors import Conflict
from regulars.oauth.clients import Client, find_client
from regulars.oauth.consents import remember_consent
from regulars.oauth.device_codes import DeviceCode, decide, find_pending
from regulars.oauth.grants import open_grant
from regulars.oauth.server import Server

UNKNOWN = "This code is not known, or has expired. Look at your device for a new one."
SLOW_DOWN = "Too many wrong codes. Wait {seconds} seconds and try again."
DECIDED = "This device has been answered already."
NOT_A_MEMBER = "This application is only for people of the business that registered it."


class Device:
    """`/device`"""

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for the code; one that comes with the address is filled in, to be compared and sent by the user."""
        visitor, _, _ = self.pages.signed_in(request, response)
        self._ask(response, visitor, code=self.pages.begun_form(request).get("user_code"))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show who asks; then take the answer."""
        visitor, session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        keys, now = [address_key(f"device {user.id}")], datetime.now(UTC)
        seconds = seconds_to_wait(self.server.database, keys, now)
        if seconds:
            response.set_header("Retry-After", str(seconds))
            self._ask(response, visitor, fault=SLOW_DOWN, seconds=seconds, status=429)
            return
        code = find_pending(self.server.database, form.get("user_code"))
        client = find_client(self.server.database, code.client_id) if code else None
        if code is None or client is None:
            record_failure(self.server.database, keys, now)
            self._ask(response, visitor, code=form.get("user_code"), fault=UNKNOWN)
        elif client.tenant_id is not None and client.tenant_id not in memberships_of(self.server.database, user.id):
            self._ask(response, visitor, code=form.get("user_code"), fault=NOT_A_MEMBER)
        elif form.get("decision") in {"allow", "deny"}:
            self._decide(response, visitor, code, client, allowed=form.get("decision") == "allow")
        else:
            asked = what_is_asked(self.server, session, user, client.tenant_id, code.scopes)
            self.pages.show(
                response, visitor, "device_consent", logo_url=client.logo_url, client=client,
                code=_shown(code.user_code), **asked,
            )  # fmt: skip

    def _ask(
        self,
        response: falcon.Response,
        visitor: Visitor,
        code: str = "",
        fault: str = "",
        seconds: int = 0,
        status: int = 200,
    ) -> None:
        self.pages.show(response, visitor, "device", status=status, code=code[:20], fault=fault, seconds=seconds)

    def _decide(
        self, response: falcon.Response, visitor: Visitor, code: DeviceCode, client: Client, *, allowed: bool
    ) -> None:
        database, session = self.server.database, visitor.session
        assert session is not None  # noqa: S101 - signed_in has seen to it
        with database.transaction():
            grant_id = None
            if allowed:
                remember_consent(database, session.user_id, client.id, code.scopes)
                grant_id = open_grant(
                    database,
                    self.server.settings,
                    client_id=client.id,
                    scopes=code.scopes,
                    resources=code.resources,
                    session=session,
                ).id
            if not decide(database, code, grant_id):
                # Nothing of this is kept: neither the grant nor the consent.
                raise Conflict(DECIDED)
        self.pages.go(response, "/device/done" if allowed else "/device/denied")


class DeviceDone:
    """`/device/done` and `/device/denied`"""

    def __init__(self, pages: Pages, *, allowed: bool) -> None:
        self.pages = pages
        self.allowed = allowed

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Say that the device knows now."""
        self.pages.show(response, self.pages.visitor(request, response), "device_done", allowed=self.allowed)


def device_routes(pages: Pages, server: Server) -> list[tuple[str, object]]:
    """The addresses of the device pages."""
    return [
        ("/device", Device(pages, server)),
        ("/device/done", DeviceDone(pages, allowed=True)),
        ("/device/denied", DeviceDone(pages, allowed=False)),
    ]


def _shown(user_code: str) -> str:
    return f"{user_code[:4]}-{user_code[4:]}"
