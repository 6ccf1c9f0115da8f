"""`/sign-in`: with a password and a second factor, or with a passkey; and `/sign-out`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import falcon
import msgspec

from regulars.accounts.one_time_tokens import create_one_time_token, peek_one_time_token, take_one_time_token
from regulars.accounts.passkeys import begin_sign_in, finish_sign_in
from regulars.accounts.passwords import check_password
from regulars.accounts.recovery_codes import use_recovery_code
from regulars.accounts.sessions import end_session, renew_authentication, start_session
from regulars.accounts.throttle import (
    account_key,
    address_key,
    browser_key,
    forget_failures,
    record_failure,
    seconds_to_wait,
)
from regulars.accounts.totp import check_totp, has_totp
from regulars.accounts.users import find_user_by_email, get_user
from regulars.console.pages import Pages, Visitor
from regulars.errors import NotFound
from regulars.oauth.authorization_request import who_asks

WRONG = "The e-mail address or the password is wrong."
WRONG_CODE = "This code is wrong, or was used already."
TOO_MANY = "Too many attempts. Wait {seconds} seconds and try again."
NO_PASSKEY = "This passkey is not known here."
SECOND_FACTOR = "second factor"
STEP_SECONDS = 600


class SignIn:
    """`/sign-in`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for e-mail address and password; whoever has signed in already goes on at once, unless asked again."""
        visitor = self.pages.visitor(request, response)
        target = self.pages.local(request.get_param("next") or "/account")
        if visitor.session is not None and request.get_param("reauthenticate") != "1":
            self.pages.go(response, target)
            return
        email = request.get_param("email", default=visitor.user.email if visitor.user else "")
        show_sign_in(self.pages, response, visitor, target, email=email)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Check them."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        target = self.pages.local(form.get("next"))
        email, now, database = form.get("email"), datetime.now(UTC), self.pages.database
        keys = self._keys(visitor, email)
        seconds = seconds_to_wait(database, keys, now)
        if seconds:
            response.set_header("Retry-After", str(seconds))
            show_sign_in(
                self.pages, response, visitor, target, email=email, fault=TOO_MANY, seconds=seconds, status=429
            )
            return
        # Counted before the look, or many guesses at once would all pass.
        record_failure(database, keys[:1], now)
        user = check_password(database, email, form.raw("password"))
        if user is None:
            record_failure(database, keys[1:], now)
            show_sign_in(self.pages, response, visitor, target, email=email, fault=WRONG, status=422)
            return
        forget_failures(database, keys[:1])
        if has_totp(database, user.id):
            token = create_one_time_token(
                database, self.pages.settings, SECOND_FACTOR, target.encode(), user_id=user.id, seconds=STEP_SECONDS
            )
            self.pages.set_step(response, token, STEP_SECONDS)
            self.pages.go(response, "/sign-in/code")
            return
        enter(self.pages, response, visitor, user.id, ("pwd",), target)

    def _keys(self, visitor: Visitor, email: str) -> list[str]:
        """What failures count for: first the account, or this browser where it is known to be its user's."""
        user = find_user_by_email(self.pages.database, email)
        if user is not None and self.pages.knows(visitor, user.id):
            return [browser_key(f"{visitor.browser} {user.id}")]
        return [account_key(email), address_key(visitor.address)]


class SecondFactor:
    """`/sign-in/code`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for the code of the authenticator app, or a recovery code."""
        visitor = self.pages.visitor(request, response)
        waiting = self._waiting(request)
        if waiting is None:
            self.pages.go(response, "/sign-in")
            return
        self._ask(response, visitor, waiting[1])

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Check it."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        waiting = self._waiting(request)
        if waiting is None:
            self.pages.go(response, "/sign-in")
            return
        user_id, target = waiting
        now, database = datetime.now(UTC), self.pages.database
        is_known = self.pages.knows(visitor, user_id)
        keys = [browser_key(f"code {visitor.browser} {user_id}")]
        if not is_known:
            keys = [account_key(f"code {user_id}"), address_key(visitor.address)]
        seconds = seconds_to_wait(database, keys, now)
        if seconds:
            response.set_header("Retry-After", str(seconds))
            self._ask(response, visitor, target, fault=TOO_MANY, seconds=seconds, status=429)
            return
        record_failure(database, keys[:1], now)
        code = form.get("code")
        if not check_totp(database, self.pages.settings, user_id, code) and not use_recovery_code(
            database, user_id, code
        ):
            record_failure(database, keys[1:], now)
            self._ask(response, visitor, target, fault=WRONG_CODE, status=422)
            return
        if take_one_time_token(database, self.pages.settings, SECOND_FACTOR, self.pages.step(request)) is None:
            self.pages.go(response, "/sign-in")
            return
        forget_failures(database, keys[:1])
        self.pages.set_step(response, "", 0)
        enter(self.pages, response, visitor, user_id, ("pwd", "otp"), target)

    def _ask(
        self,
        response: falcon.Response,
        visitor: Visitor,
        target: str,
        *,
        fault: str = "",
        seconds: int = 0,
        status: int = 200,
    ) -> None:
        _, targets = who_asks(self.pages.database, target)
        self.pages.show(
            response, visitor, "sign_in_code", status=status, form_targets=targets, fault=fault, seconds=seconds
        )

    def _waiting(self, request: falcon.Request) -> tuple[int, str] | None:
        """Whose password was right a moment ago, and where they want to go."""
        found = peek_one_time_token(self.pages.database, self.pages.settings, SECOND_FACTOR, self.pages.step(request))
        return (found[0], found[1].decode()) if found and found[0] is not None else None


class PasskeyOptions:
    """`/sign-in/passkey/options`: what the browser's dialogue needs, as JSON, for the script."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """A new challenge."""
        self.pages.form(request, self.pages.visitor(request, response))
        options, token = begin_sign_in(self.pages.database, self.pages.settings)
        self.pages.set_step(response, token, STEP_SECONDS)
        send_options(response, options)


class PasskeySignIn:
    """`/sign-in/passkey`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Check what the passkey signed."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        target = self.pages.local(form.get("next"))
        token = self.pages.step(request)
        user_id = finish_sign_in(self.pages.database, self.pages.settings, token, form.raw("credential"))
        if user_id is None:
            show_sign_in(self.pages, response, visitor, target, fault=NO_PASSKEY, status=422)
            return
        self.pages.set_step(response, "", 0)
        enter(self.pages, response, visitor, user_id, ("hwk",), target)


class SignOut:
    """`/sign-out`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """End the session; one that has ended already is what was wanted."""
        visitor = self.pages.visitor(request, response)
        if visitor.session is not None:
            self.pages.form(request, visitor)
            end_if_there(self.pages, visitor.session.user_id, visitor.session.id)
        self.pages.drop_session(response)
        self.pages.go(response, "/oauth/logout/done")


def sign_in_routes(pages: Pages) -> list[tuple[str, object]]:
    """The addresses of signing in and out."""
    return [
        ("/sign-in", SignIn(pages)),
        ("/sign-in/code", SecondFactor(pages)),
        ("/sign-in/passkey/options", PasskeyOptions(pages)),
        ("/sign-in/passkey", PasskeySignIn(pages)),
        ("/sign-out", SignOut(pages)),
    ]


def show_sign_in(
    pages: Pages,
    response: falcon.Response,
    visitor: Visitor,
    target: str,
    *,
    email: str = "",
    fault: str = "",
    seconds: int = 0,
    status: int = 200,
) -> None:
    """The page that asks for e-mail address and password."""
    application, targets = who_asks(pages.database, target)
    pages.show(
        response,
        visitor,
        "sign_in",
        status=status,
        form_targets=targets,
        application=application,
        next=target,
        email=email,
        fault=fault,
        seconds=seconds,
    )


def enter(
    pages: Pages, response: falcon.Response, visitor: Visitor, user_id: int, methods: Sequence[str], target: str
) -> None:
    """Let the user in: always with a new session token, so that nobody can have planted it (session fixation)."""
    database, settings, before = pages.database, pages.settings, visitor.session
    if before is not None and before.user_id == user_id:
        session, token = renew_authentication(database, settings, before, methods)
    else:
        if before is not None:
            end_if_there(pages, before.user_id, before.id)
        session, token = start_session(
            database, settings, get_user(database, user_id).id, methods,
            user_agent=visitor.user_agent, address=visitor.address,
        )  # fmt: skip
    pages.set_session(response, visitor, session, token)
    pages.go(response, target)


def end_if_there(pages: Pages, user_id: int, session_id: str) -> None:
    """End a session that may have ended meanwhile."""
    try:
        end_session(pages.database, user_id, session_id)
    except NotFound:
        return


def send_options(response: falcon.Response, options: str) -> None:
    """Send what a passkey's dialogue needs."""
    response.set_header("Cache-Control", "no-store")
    response.data = msgspec.json.format(options).encode()
