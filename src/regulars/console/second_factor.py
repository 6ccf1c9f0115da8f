"""`/account/second-factor`: codes from an app when signing in, and recovery codes for when it is lost."""

from collections.abc import Mapping, Sequence

import falcon
import segno
from markupsafe import Markup

from regulars.accounts.attempts import account_key
from regulars.accounts.challenges import peek_challenge, start_challenge, take_challenge
from regulars.accounts.recovery_codes import count_recovery_codes, new_recovery_codes
from regulars.accounts.totp import disable_totp, enable_totp, has_totp, new_totp_secret, totp_uri
from regulars.accounts.users import User
from regulars.console.account import WRONG_PASSWORD, done
from regulars.console.guesses import TooManyAttempts, guess, is_own_password
from regulars.console.pages import Pages, Visitor

SETUP = "totp setup"
SETUP_SECONDS = 3600
WRONG_CODE = "This is not the code that the app should show now. See that your telephone's clock is right."


class SecondFactor:
    """`/account/second-factor`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Whether it is on; new recovery codes, this once."""
        visitor, _, user = self.pages.signed_in(request, response)
        codes = self.pages.shown_once(request, response, user.id).split()
        self._show(response, visitor, user, codes=codes, done=done(request))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Turn it off, or make new recovery codes: with the password alone."""
        visitor, _, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        action = "off" if form.get("action") == "off" else "codes"
        faults, status = {f"{action}_password": [WRONG_PASSWORD]}, 422
        try:
            is_right = is_own_password(self.pages.database, user.id, form.raw(f"{action}_password"))
        except TooManyAttempts as wait:
            response.set_header("Retry-After", str(wait.seconds))
            is_right, faults, status = False, {f"{action}_password": [wait.sentence(visitor.language)]}, 429
        if not is_right:
            self._show(response, visitor, user, faults=faults, status=status)
        elif action == "off":
            disable_totp(self.pages.database, user.id)
            self.pages.go(response, "/account/second-factor?done=factor-off")
        else:
            if has_totp(self.pages.database, user.id):
                self.pages.show_once(response, user.id, " ".join(new_recovery_codes(self.pages.database, user.id)))
            self.pages.go(response, "/account/second-factor")

    def _show(
        self,
        response: falcon.Response,
        visitor: Visitor,
        user: User,
        codes: Sequence[str] = (),
        done: str = "",
        faults: Mapping[str, Sequence[str]] | None = None,
        status: int = 200,
    ) -> None:
        database = self.pages.database
        self.pages.show(
            response,
            visitor,
            "second_factor",
            status=status,
            user=user,
            is_on=has_totp(database, user.id),
            left=count_recovery_codes(database, user.id),
            codes=codes,
            done=done,
            faults=faults or {},
        )


class NewSecondFactor:
    """`/account/second-factor/new`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """A secret for the app, as a picture and in letters."""
        visitor, _, user = self.pages.signed_in_lately(request, response)
        secret = new_totp_secret()
        setup = start_challenge(
            self.pages.database, self.pages.settings, SETUP, secret.encode(), user_id=user.id, seconds=SETUP_SECONDS
        )
        self._show(response, visitor, user, secret, setup)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Turn it on, where the app's code is right."""
        visitor, _, user = self.pages.signed_in_lately(request, response)
        form = self.pages.form(request, visitor)
        database, settings, setup = self.pages.database, self.pages.settings, form.get("setup")
        found = peek_challenge(database, settings, SETUP, setup)
        if found is None or found[0] != user.id:
            self.pages.go(response, "/account/second-factor/new")
            return
        secret = found[1].decode()
        try:
            codes = guess(
                database,
                [account_key(f"second factor {user.id}")],
                lambda: enable_totp(database, settings, user.id, secret, form.get("code")),
            )
        except TooManyAttempts as wait:
            response.set_header("Retry-After", str(wait.seconds))
            faults = {"code": [wait.sentence(visitor.language)]}
            self._show(response, visitor, user, secret, setup, faults, status=429)
            return
        if codes is None:
            self._show(response, visitor, user, secret, setup, {"code": [WRONG_CODE]}, status=422)
            return
        take_challenge(database, settings, SETUP, setup)
        self.pages.show_once(response, user.id, " ".join(codes))
        self.pages.go(response, "/account/second-factor")

    def _show(
        self,
        response: falcon.Response,
        visitor: Visitor,
        user: User,
        secret: str,
        setup: str,
        faults: Mapping[str, Sequence[str]] | None = None,
        status: int = 200,
    ) -> None:
        picture = segno.make(totp_uri(secret, user.email), error="m")
        self.pages.show(
            response,
            visitor,
            "second_factor_new",
            status=status,
            # Made of numbers alone, by us.
            picture=Markup(picture.svg_inline(border=2, svgclass=None, lineclass=None, omitsize=True)),  # noqa: S704
            secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
            setup=setup,
            faults=faults or {},
        )


def second_factor_routes(pages: Pages) -> list[tuple[str, object]]:
    """The addresses of the second factor's pages."""
    return [
        ("/account/second-factor", SecondFactor(pages)),
        ("/account/second-factor/new", NewSecondFactor(pages)),
    ]
