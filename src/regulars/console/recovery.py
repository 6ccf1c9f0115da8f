"""`/recovery`: users who have forgotten their password set a new one."""

import falcon

from regulars.accounts.recovery import LINK_USED, RECOVERY_PATH, find_recovering, recover, send_recovery
from regulars.accounts.throttle import account_key, address_key, record_failure, seconds_to_wait
from regulars.clock import utc_now
from regulars.console.account import other_access
from regulars.console.pages import Pages, Visitor
from regulars.console.sign_in import too_many_attempts
from regulars.errors import Invalid, NotFound
from regulars.mail import is_configured

LINK_COOKIE = "recovery"


class Recovery:
    """`/recovery`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for the e-mail address. If this service cannot send e-mail, say whom to ask instead."""
        visitor = self.pages.visitor(request, response)
        email = request.get_param("email", default="")
        self._show(response, visitor, email=email, is_sent=request.get_param("sent") == "1")

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send a link if a user has verified the address. The response does not reveal whether this is the case."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        email, database, now = form.get("email"), self.pages.database, utc_now()
        keys = [account_key(f"recovery {email.lower()}"), address_key(visitor.address, "recovery")]
        seconds = seconds_to_wait(database, keys, now)
        if seconds:
            response.set_header("Retry-After", str(seconds))
            self._show(response, visitor, email=email, fault=too_many_attempts(seconds), status=429)
            return
        record_failure(database, keys, now)
        if is_configured(self.pages.settings):
            send_recovery(database, self.pages.settings, email, visitor.language)
        self.pages.redirect(response, "/recovery?sent=1")

    def _show(
        self,
        response: falcon.Response,
        visitor: Visitor,
        *,
        email: str = "",
        is_sent: bool = False,
        fault: str = "",
        status: int = 200,
    ) -> None:
        can_mail = is_configured(self.pages.settings)
        self.pages.show(
            response, visitor, "recovery", status=status, email=email, is_sent=is_sent, fault=fault, can_mail=can_mail
        )


class NewPassword:
    """`/recovery/password`: the target of the link in the message."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for a new password."""
        token = self.pages.take_link(request, response, LINK_COOKIE)
        self._show(response, self.pages.visitor(request, response), token)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Set the password, and redirect to the sign-in page."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        token = self.pages.take_link(request, response, LINK_COOKIE)
        try:
            recover(
                self.pages.database,
                self.pages.settings,
                token,
                form.raw("password"),
                with_tokens=form.get("tokens") == "yes",
                with_passkeys=form.get("passkeys") == "yes",
                language=visitor.language,
            )
        except Invalid as error:
            self._show(response, visitor, token, faults=error.errors, status=422)
            return
        except NotFound:
            self._show(response, visitor, "", status=422)
            return
        self.pages.drop_link(response, LINK_COOKIE)
        self.pages.redirect(response, "/sign-in?done=password")

    def _show(
        self,
        response: falcon.Response,
        visitor: Visitor,
        token: str,
        *,
        faults: dict[str, list[str]] | None = None,
        status: int = 200,
    ) -> None:
        user = find_recovering(self.pages.database, self.pages.settings, token)
        access = other_access(self.pages, user) if user else {"tokens": [], "passkeys": []}
        self.pages.show(
            response, visitor, "recovery_password", status=status, user=user, fault=LINK_USED, faults=faults or {},
            **access,
        )  # fmt: skip


def recovery_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of the recovery pages."""
    return [("/recovery", Recovery(pages)), (RECOVERY_PATH, NewPassword(pages))]
