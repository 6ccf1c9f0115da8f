"""`/account/second-factor`: codes of an authenticator app (TOTP), and recovery codes."""

from typing import Any

import falcon
import segno

from regulars.accounts.one_time_tokens import create_one_time_token, peek_one_time_token, take_one_time_token
from regulars.accounts.recovery_codes import count_recovery_codes, new_recovery_codes
from regulars.accounts.totp import disable_totp, enable_totp, has_totp, new_totp_secret, totp_uri
from regulars.accounts.users import User
from regulars.console.account import WRONG_PASSWORD, is_own_password, show
from regulars.console.flash import show_once, take_shown_once
from regulars.console.pages import Form, Pages, Visitor

PATH = "/account/second-factor"
ENROL = "enrol totp"
ENROL_SECONDS = 900
WRONG_CODE = "This code is wrong. See that your phone's clock is right, and try the next code."


class SecondFactorSettings:
    """`/account/second-factor`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Offer to turn it on, with a new secret; or say that it is on."""
        visitor, _, user = self.pages.just_signed_in(request, response)
        codes = take_shown_once(self.pages, request, response, user).split()
        self._show(request, response, visitor, user, codes=codes)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Turn it on or off, or make new recovery codes."""
        visitor, _, user = self.pages.just_signed_in(request, response)
        form = self.pages.form(request, visitor)
        if form.get("do") == "enable":
            self._enable(request, response, visitor, user, form)
        elif not is_own_password(self.pages, user, form.raw("password")):
            self._show(request, response, visitor, user, fault=WRONG_PASSWORD, status=422)
        elif form.get("do") == "disable":
            disable_totp(self.pages.database, user.id)
            self.pages.go(response, f"{PATH}?done=totp-off")
        else:
            codes = new_recovery_codes(self.pages.database, user.id)
            show_once(self.pages, response, user, PATH, " ".join(codes))

    def _enable(
        self, request: falcon.Request, response: falcon.Response, visitor: Visitor, user: User, form: Form
    ) -> None:
        database, settings, token = self.pages.database, self.pages.settings, self.pages.step(request)
        found = peek_one_time_token(database, settings, ENROL, token)
        if found is None or found[0] != user.id:
            self.pages.go(response, PATH)
            return
        codes = enable_totp(database, settings, user.id, found[1].decode(), form.get("code"))
        if codes is None:
            self._show(request, response, visitor, user, fault=WRONG_CODE, status=422)
            return
        take_one_time_token(database, settings, ENROL, token)
        show_once(self.pages, response, user, PATH, " ".join(codes))

    def _show(
        self, request: falcon.Request, response: falcon.Response, visitor: Visitor, user: User, **values: Any
    ) -> None:
        is_on = has_totp(self.pages.database, user.id)
        secret = "" if is_on else self._secret(request, response, user)
        usual: dict[str, Any] = {
            "is_on": is_on,
            "secret": secret,
            "picture": _picture(totp_uri(secret, user.email)) if secret else "",
            "left": count_recovery_codes(self.pages.database, user.id) if is_on else 0,
            "codes": [],
            "fault": "",
        }
        show(self.pages, request, response, visitor, "second_factor", **(usual | values))

    def _secret(self, request: falcon.Request, response: falcon.Response, user: User) -> str:
        """The secret that is being set up in this browser, or a new one."""
        database, settings = self.pages.database, self.pages.settings
        found = peek_one_time_token(database, settings, ENROL, self.pages.step(request))
        if found is not None and found[0] == user.id:
            return found[1].decode()
        secret = new_totp_secret()
        token = create_one_time_token(
            database, settings, ENROL, secret.encode(), user_id=user.id, seconds=ENROL_SECONDS
        )
        self.pages.set_step(response, token, ENROL_SECONDS)
        return secret


def _picture(uri: str) -> str:
    """A QR code as SVG that a strict policy for styles lets pass."""
    picture = segno.make(uri, error="m").svg_inline(omitsize=True, svgclass="qr", lineclass=None, border=2)
    return str(picture)
