"""`/sign-in` with a password and a second factor, or with a passkey; and `/sign-out`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import falcon
import msgspec

from regulars.accounts.one_time_tokens import create_one_time_token, peek_one_time_token, take_one_time_token
from regulars.accounts.passkeys import begin_sign_in, finish_sign_in
from regulars.accounts.passwords import check_password
from regulars.accounts.recovery_codes import use_recovery_code
from regulars.accounts.sessions import renew_authentication, sign_out_session, start_session
from regulars.accounts.throttle import (
    account_key,
    address_key,
    browser_key,
    count_request,
    forget_failures,
    record_failure,
    seconds_to_wait,
    seconds_to_wait_for_request,
)
from regulars.accounts.totp import check_totp, has_totp
from regulars.accounts.users import find_holder, find_users_with_email
from regulars.console.next_path import unpack
from regulars.console.pages import Pages, Visitor
from regulars.db.database import Database
from regulars.errors import Forbidden, TooManyRequests
from regulars.i18n import Message, _
from regulars.oauth.authorization_request import requesting_application
from regulars.security import audit

WRONG_PASSWORD = _("The e-mail address or the password is wrong.")
WRONG_CODE = _("The code is wrong or has already been used.")
PASSWORD_CHANGED = _("Your password was changed. Sign in with it.")
UNKNOWN_PASSKEY = _("Unknown passkey.")
SECOND_FACTOR = "second factor"
PASSKEY_OPTIONS = "passkey options"
STEP_SECONDS = 600


class SignIn:
    """`/sign-in`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for e-mail address and password. If there is a session, redirect, unless `reauthenticate` is 1."""
        visitor = self.pages.visitor(request, response)
        target = self.pages.local_path(unpack(request.get_param("next") or "/"))
        if visitor.session is not None and request.get_param("reauthenticate") != "1":
            self.pages.redirect(response, target)
            return
        email = request.get_param("email", default=visitor.user.email if visitor.user else "")
        done = PASSWORD_CHANGED if request.get_param("done") == "password" else ""
        show_sign_in(self.pages, response, visitor, target, email=email, done=done)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Check the password. Redirect to the page for the second factor if the user has one; otherwise sign in."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        target = self.pages.local_path(form.get("next"))
        email, now, database = form.get("email"), datetime.now(UTC), self.pages.database
        keys = self._keys(visitor, email)
        seconds = seconds_to_wait(database, keys, now)
        if seconds:
            response.set_header("Retry-After", str(seconds))
            show_sign_in(
                self.pages, response, visitor, target, email=email, fault=too_many_attempts(seconds), status=429
            )
            return
        # Record the failure before the check: otherwise parallel guesses would all pass the limit.
        record_failure(database, keys[:1], now)
        user = check_password(database, email, form.raw("password"))
        if user is None:
            record_failure(database, keys[1:], now)
            record_failed_sign_in(database, keys, email, visitor.address)
            show_sign_in(self.pages, response, visitor, target, email=email, fault=WRONG_PASSWORD, status=422)
            return
        forget_failures(database, keys[:1])
        if has_totp(database, user.id):
            token = create_one_time_token(
                database, self.pages.settings, SECOND_FACTOR, target.encode(), user_id=user.id, seconds=STEP_SECONDS
            )
            self.pages.set_step(response, token, STEP_SECONDS)
            self.pages.redirect(response, "/sign-in/code")
            return
        sign_in(self.pages, response, visitor, user.id, ("pwd",), target)

    def _keys(self, visitor: Visitor, email: str) -> list[str]:
        """Return the keys for which failures count.

        In a browser with which the user has signed in before, only the failures in this browser count, so that attacks
        from elsewhere do not lock the user out.
        """
        for user in find_users_with_email(self.pages.database, email):
            if self.pages.is_known_browser(visitor, user.id):
                return [browser_key(f"{visitor.browser} {user.id}")]
        return [account_key(email), address_key(visitor.address)]


class SecondFactor:
    """`/sign-in/code`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for a code of the authenticator app or a recovery code. After ten minutes, redirect to `/sign-in`."""
        visitor = self.pages.visitor(request, response)
        pending = self._pending(request)
        if pending is None:
            self.pages.redirect(response, "/sign-in")
            return
        self._ask(response, visitor, pending[1])

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Check the code. Sign in if it is valid, and count a failure if it is not."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        pending = self._pending(request)
        if pending is None:
            self.pages.redirect(response, "/sign-in")
            return
        user_id, target = pending
        now, database = datetime.now(UTC), self.pages.database
        is_known = self.pages.is_known_browser(visitor, user_id)
        keys = [browser_key(f"code {visitor.browser} {user_id}")]
        if not is_known:
            keys = [account_key(f"code {user_id}"), address_key(visitor.address)]
        seconds = seconds_to_wait(database, keys, now)
        if seconds:
            response.set_header("Retry-After", str(seconds))
            self._ask(response, visitor, target, fault=too_many_attempts(seconds), status=429)
            return
        record_failure(database, keys[:1], now)
        code = form.get("code")
        if not check_totp(database, self.pages.settings, user_id, code) and not use_recovery_code(
            database, user_id, code
        ):
            record_failure(database, keys[1:], now)
            audit.record(database, "sign_in.wrong_code", user_id=user_id, address=visitor.address)
            self._ask(response, visitor, target, fault=WRONG_CODE, status=422)
            return
        if take_one_time_token(database, self.pages.settings, SECOND_FACTOR, self.pages.step(request)) is None:
            self.pages.redirect(response, "/sign-in")
            return
        forget_failures(database, keys[:1])
        self.pages.set_step(response, "", 0)
        sign_in(self.pages, response, visitor, user_id, ("pwd", "otp"), target)

    def _ask(
        self, response: falcon.Response, visitor: Visitor, target: str, *, fault: str = "", status: int = 200
    ) -> None:
        requester = requesting_application(self.pages.database, target)
        visitor = visitor.reading(requester.language)
        self.pages.show(
            response, visitor, "sign_in_code", status=status, form_targets=requester.form_targets, fault=fault
        )

    def _pending(self, request: falcon.Request) -> tuple[int, str] | None:
        """Return the id of the user who entered the password, and the target of the sign-in; None if it has expired."""
        found = peek_one_time_token(self.pages.database, self.pages.settings, SECOND_FACTOR, self.pages.step(request))
        return (found[0], found[1].decode()) if found and found[0] is not None else None


class PasskeyOptions:
    """`/sign-in/passkey/options`: the options for `navigator.credentials.get`, as JSON."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send the options with a new challenge. Raise `TooManyRequests` if the network address has sent many."""
        visitor = self.pages.visitor(request, response)
        self.pages.form(request, visitor)
        database, now = self.pages.database, datetime.now(UTC)
        seconds = seconds_to_wait_for_request(database, PASSKEY_OPTIONS, visitor.address, now)
        if seconds:
            raise TooManyRequests(too_many_attempts(seconds), seconds)
        count_request(database, PASSKEY_OPTIONS, visitor.address, now)
        options, token = begin_sign_in(database, self.pages.settings)
        self.pages.set_step(response, token, STEP_SECONDS)
        send_options(response, options)


class PasskeySignIn:
    """`/sign-in/passkey`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Verify the signature of the passkey. Sign in if it is valid."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        target = self.pages.local_path(form.get("next"))
        token = self.pages.step(request)
        user_id = finish_sign_in(self.pages.database, self.pages.settings, token, form.raw("credential"))
        if user_id is None:
            show_sign_in(self.pages, response, visitor, target, fault=UNKNOWN_PASSKEY, status=422)
            return
        self.pages.set_step(response, "", 0)
        sign_in(self.pages, response, visitor, user_id, ("hwk",), target)


class SignOut:
    """`/sign-out`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """End the session, if there is one, and redirect to the page after sign-out."""
        visitor = self.pages.visitor(request, response)
        if visitor.session is not None:
            self.pages.form(request, visitor)
            sign_out_session(self.pages.database, visitor.session)
        self.pages.drop_session(response)
        self.pages.redirect(response, "/oauth/logout/done")


def sign_in_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of sign-in and sign-out."""
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
    done: str = "",
    status: int = 200,
) -> None:
    """Send the page that asks for e-mail address and password. It names the application whose request is `target`."""
    requester = requesting_application(pages.database, target)
    if fault:
        # The page answers a form, so its own address lacks the parameters.
        visitor = visitor.on(pages.sign_in_path(target) + ("&reauthenticate=1" if visitor.session else ""))
    pages.show(
        response,
        visitor.reading(requester.language),
        "sign_in",
        status=status,
        form_targets=requester.form_targets,
        application=requester.name,
        next=target,
        email=email,
        fault=fault,
        done=done,
    )


def sign_in(
    pages: Pages, response: falcon.Response, visitor: Visitor, user_id: int, methods: Sequence[str], target: str
) -> None:
    """Sign in the user: start a session or renew the user's present one, and redirect to `target`.

    The session token is always new, which prevents session fixation. End the present session of another user. If the
    user is disabled, show an error instead.
    """
    database, settings, before = pages.database, pages.settings, visitor.session
    if before is not None and before.user_id == user_id:
        session, token = renew_authentication(database, settings, before, methods)
    else:
        try:
            session, token = start_session(
                database, settings, user_id, methods, user_agent=visitor.user_agent, address=visitor.address
            )
        except Forbidden as error:
            show_sign_in(pages, response, visitor, target, fault=error.message, status=403)
            return
        if before is not None:
            sign_out_session(database, before)
    pages.set_session(response, visitor, session, token)
    pages.redirect(response, target)


def record_failed_sign_in(database: Database, keys: Sequence[str], email: str, address: str) -> None:
    """Record a failed sign-in in the audit log. Record another event if `keys` are throttled now."""
    user = find_holder(database, email)
    user_id = user.id if user else None
    audit.record(database, "sign_in.failed", user_id=user_id, address=address)
    if seconds_to_wait(database, keys, datetime.now(UTC)):
        audit.record(database, "sign_in.throttled", user_id=user_id, address=address)


def send_options(response: falcon.Response, options: str) -> None:
    """Send the options of a WebAuthn registration or sign-in, as JSON."""
    response.set_header("Cache-Control", "no-store")
    response.data = msgspec.json.format(options).encode()


def too_many_attempts(seconds: int) -> Message:
    """Return the message for a user who must wait before the next attempt."""
    return _("Too many attempts. Wait {seconds} seconds and try again.", seconds=seconds)
