"""`/account/second-factor`: codes of an authenticator app (TOTP), and recovery codes."""

from typing import Any

import falcon
import segno

from regulars.accounts.one_time_tokens import create_one_time_token, peek_one_time_token, take_one_time_token
from regulars.accounts.recovery_codes import count_recovery_codes, new_recovery_codes
from regulars.accounts.totp import disable_totp, enable_totp, has_totp, new_totp_secret, totp_uri
from regulars.accounts.users import User
from regulars.console.account import WRONG_CURRENT_PASSWORD, is_own_password
from regulars.console.flash import redirect_with_flash, take_flash
from regulars.console.pages import Form, Pages, Visitor
from regulars.console.settings_page import show
from regulars.i18n import _

SECOND_FACTOR_PATH = "/account/second-factor"
ENROLMENT = "enrol totp"
ENROLMENT_SECONDS = 900
WRONG_TOTP_CODE = _("The code is wrong. Check that the clock of your phone is right, and enter the next code.")


class SecondFactorSettings:
    """`/account/second-factor`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show whether the second factor is on. If it is off, show a secret for an authenticator app."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        codes = take_flash(self.pages, request, response, user).split()
        self._show(request, response, visitor, user, codes=codes)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Turn the second factor on or off, or create new recovery codes."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        form = self.pages.form(request, visitor)
        if form.get("do") == "enable":
            self._enable(request, response, visitor, user, form)
        elif not is_own_password(self.pages, user, form.raw("password")):
            self._show(request, response, visitor, user, fault=WRONG_CURRENT_PASSWORD, status=422)
        elif form.get("do") == "disable":
            disable_totp(self.pages.database, user.id)
            self.pages.redirect(response, f"{SECOND_FACTOR_PATH}?done=totp-off")
        else:
            codes = new_recovery_codes(self.pages.database, user.id)
            redirect_with_flash(self.pages, response, user, SECOND_FACTOR_PATH, " ".join(codes))

    def _enable(
        self, request: falcon.Request, response: falcon.Response, visitor: Visitor, user: User, form: Form
    ) -> None:
        database, settings, token = self.pages.database, self.pages.settings, self.pages.step(request)
        found = peek_one_time_token(database, settings, ENROLMENT, token)
        if found is None or found[0] != user.id:
            self.pages.redirect(response, SECOND_FACTOR_PATH)
            return
        codes = enable_totp(database, settings, user.id, found[1].decode(), form.get("code"))
        if codes is None:
            self._show(request, response, visitor, user, fault=WRONG_TOTP_CODE, status=422)
            return
        take_one_time_token(database, settings, ENROLMENT, token)
        redirect_with_flash(self.pages, response, user, SECOND_FACTOR_PATH, " ".join(codes))

    def _show(
        self, request: falcon.Request, response: falcon.Response, visitor: Visitor, user: User, **values: Any
    ) -> None:
        is_on = has_totp(self.pages.database, user.id)
        secret = "" if is_on else self._secret(request, response, user)
        usual: dict[str, Any] = {
            "is_on": is_on,
            "secret": secret,
            "picture": _qr_code(totp_uri(secret, user.email)) if secret else "",
            "left": count_recovery_codes(self.pages.database, user.id) if is_on else 0,
            "codes": [],
            "fault": "",
        }
        show(self.pages, request, response, visitor, "second_factor", **(usual | values))

    def _secret(self, request: falcon.Request, response: falcon.Response, user: User) -> str:
        """Return the secret that this browser has already shown, or create one if it has expired or does not exist."""
        database, settings = self.pages.database, self.pages.settings
        found = peek_one_time_token(database, settings, ENROLMENT, self.pages.step(request))
        if found is not None and found[0] == user.id:
            return found[1].decode()
        secret = new_totp_secret()
        token = create_one_time_token(
            database, settings, ENROLMENT, secret.encode(), user_id=user.id, seconds=ENROLMENT_SECONDS
        )
        self.pages.set_step(response, token, ENROLMENT_SECONDS)
        return secret


def _qr_code(uri: str) -> str:
    """Return a QR code as inline SVG without style attributes, which the Content-Security-Policy would block."""
    svg = segno.make(uri, error="m").svg_inline(omitsize=True, svgclass="qr", lineclass=None, border=2)
    return str(svg)
