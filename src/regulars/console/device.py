"""`/device`: users enter the code that a device shows (RFC 8628, section 3.3)."""

from datetime import UTC, datetime

import falcon

from regulars.accounts.memberships import memberships_of
from regulars.accounts.throttle import address_key, record_failure, seconds_to_wait
from regulars.console.authorize import consent_values, logos_on_consent
from regulars.console.pages import Pages, Visitor
from regulars.errors import Conflict
from regulars.i18n import _
from regulars.oauth.authorization_request import is_for
from regulars.oauth.clients import Client, find_client
from regulars.oauth.consents import remember_consent
from regulars.oauth.device_codes import DeviceCode, decide, find_pending
from regulars.oauth.grants import open_grant
from regulars.oauth.server import Server

UNKNOWN_CODE = _("The code is unknown or has expired. Check your device for a new code.")
ALREADY_ANSWERED = _("This request has already been answered.")
NOT_A_MEMBER = _("You are not a member of a business in which this application can be used.")


class Device:
    """`/device`"""

    def __init__(self, pages: Pages, server: Server) -> None:
        self.pages = pages
        self.server = server

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for the code. If the query contains a code, fill it in, so that the user can compare and submit it."""
        visitor, _session, _user = self.pages.signed_in(request, response)
        self._ask(response, visitor, code=self.pages.draft_form(request).get("user_code"))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the consent page for a code, or record the decision. Raise `Conflict` if it was already made."""
        visitor, session, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        keys, now = [address_key(f"device {user.id}")], datetime.now(UTC)
        seconds = seconds_to_wait(self.server.database, keys, now)
        if seconds:
            response.set_header("Retry-After", str(seconds))
            fault = _("Too many wrong codes. Wait {seconds} seconds and try again.", seconds=seconds)
            self._ask(response, visitor, fault=fault, status=429)
            return
        code = find_pending(self.server.database, form.get("user_code"))
        client = find_client(self.server.database, code.client_id) if code else None
        if code is None or client is None:
            record_failure(self.server.database, keys, now)
            self._ask(response, visitor, code=form.get("user_code"), fault=UNKNOWN_CODE)
        elif not is_for(client, memberships_of(self.server.database, user.id)):
            self._ask(response, visitor, code=form.get("user_code"), fault=NOT_A_MEMBER)
        elif form.get("decision") in {"allow", "deny"}:
            self._decide(response, visitor, code, client, allowed=form.get("decision") == "allow")
        else:
            values = consent_values(self.server, session, user, client.tenant_id, code.scopes)
            self.pages.show(
                response, visitor, "device_consent", logo_urls=logos_on_consent(client, values["tenants"]),
                client=client, code=_formatted(code.user_code), **values,
            )  # fmt: skip

    def _ask(
        self, response: falcon.Response, visitor: Visitor, code: str = "", fault: str = "", status: int = 200
    ) -> None:
        self.pages.show(response, visitor, "device", status=status, code=code[:20], fault=fault)

    def _decide(
        self, response: falcon.Response, visitor: Visitor, code: DeviceCode, client: Client, *, allowed: bool
    ) -> None:
        database, session = self.server.database, visitor.session
        assert session is not None  # noqa: S101 - checked by signed_in
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
                # The exception rolls back the transaction, including the grant and the consent.
                raise Conflict(ALREADY_ANSWERED)
        self.pages.redirect(response, "/device/done" if allowed else "/device/denied")


class DeviceDone:
    """`/device/done` and `/device/denied`"""

    def __init__(self, pages: Pages, *, allowed: bool) -> None:
        self.pages = pages
        self.allowed = allowed

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show that the decision was recorded."""
        self.pages.show(response, self.pages.visitor(request, response), "device_done", allowed=self.allowed)


def device_routes(pages: Pages, server: Server) -> list[tuple[str, object]]:
    """Return the routes of the device pages."""
    return [
        ("/device", Device(pages, server)),
        ("/device/done", DeviceDone(pages, allowed=True)),
        ("/device/denied", DeviceDone(pages, allowed=False)),
    ]


def _formatted(user_code: str) -> str:
    return f"{user_code[:4]}-{user_code[4:]}"
