"""Signing in, with a password and perhaps a code or with a passkey, and signing out."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress

import falcon

from regulars.accounts.attempts import account_key, address_key, browser_key
from regulars.accounts.challenges import peek_challenge, start_challenge, take_challenge
from regulars.accounts.passkeys import begin_sign_in, finish_sign_in
from regulars.accounts.passwords import check_password
from regulars.accounts.recovery_codes import use_recovery_code
from regulars.accounts.sessions import end_session, renew_authentication, start_session
from regulars.accounts.totp import check_totp, has_totp
from regulars.accounts.users import find_user_by_email
from regulars.console.guesses import TooManyAttempts, guess
from regulars.console.languages import translate
from regulars.console.pages import Pages, Visitor
from regulars.errors import NotFound
from regulars.oauth.authorization import form_targets

SECOND_FACTOR = "second factor"
SECOND_FACTOR_SECONDS = 600
HOME = "/account"
WRONG_PASSWORD = "The e-mail address or the password is wrong."  # noqa: S105 - a sentence
WRONG_CODE = "This code is wrong, or has been used already."
TOO_LATE = "Signing in took too long. Start again, please."
WRONG_PASSKEY = "This passkey is not known here, or using it took too long."

Faults = Mapping[str, Sequence[str]]


class Home:
    """`/`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """People have an account to look at."""
        self.pages.go(response, HOME)


class SignIn:
    """`/sign-in`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for e-mail address and password; who is signed in already goes on, unless they are to prove it again."""
        visitor = self.pages.visitor(request, response)
        target = self.pages.local(request.get_param("next") or HOME)
        if visitor.session and request.get_param("reauthenticate") != "1":
            self.pages.go(response, target)
            return
        late: Faults = {"": [TOO_LATE]} if request.get_param("late") == "1" else {}
        self._ask(response, visitor, target, email=visitor.user.email if visitor.user else "", faults=late)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Check them."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        target, email = self.pages.local(form.get("next") or HOME), form.get("email")
        database, settings = self.pages.database, self.pages.settings
        owner = find_user_by_email(database, email)
        if owner and self.pages.knows(visitor, owner.id):
            keys, places = [browser_key(visitor.browser)], []
        else:
            keys, places = [account_key(email)], [address_key(visitor.address)]
        try:
            user = guess(database, keys, lambda: check_password(database, email, form.raw("password")), places)
        except TooManyAttempts as wait:
            response.set_header("Retry-After", str(wait.seconds))
            self._ask(response, visitor, target, email, {"": [wait.sentence(visitor.language)]}, status=429)
            return
        if user is None:
            self._ask(response, visitor, target, email, {"email": [WRONG_PASSWORD]}, status=422)
        elif has_totp(database, user.id):
            content = json.dumps({"browser": visitor.browser, "next": target}).encode()
            token = start_challenge(
                database, settings, SECOND_FACTOR, content, user_id=user.id, seconds=SECOND_FACTOR_SECONDS
            )
            self.pages.set_cookie(response, "second_factor", token, SECOND_FACTOR_SECONDS)
            self.pages.go(response, "/sign-in/code")
        else:
            let_in(self.pages, response, visitor, user.id, ("pwd",))
            self.pages.go(response, target)

    def _ask(
        self,
        response: falcon.Response,
        visitor: Visitor,
        target: str,
        email: str = "",
        faults: Faults | None = None,
        status: int = 200,
    ) -> None:
        self.pages.show(
            response,
            visitor,
            "sign_in",
            status=status,
            form_targets=form_targets(self.pages.database, target),
            target=target,
            email=email,
            faults=faults or {},
        )


class SignInCode:
    """`/sign-in/code`: the second step for those who have an app for codes."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for a code."""
        visitor = self.pages.visitor(request, response)
        begun = self._begun(request, visitor)
        if begun is None:
            self.pages.go(response, "/sign-in?late=1")
            return
        self._ask(response, visitor, begun[1])

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Check it."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        begun = self._begun(request, visitor)
        if begun is None:
            self.pages.go(response, "/sign-in?late=1")
            return
        user_id, target = begun
        name = "recovery_code" if form.get("recovery_code") else "code"
        try:
            # A key of their own: the right password must not make guessing codes free again.
            is_right = guess(
                self.pages.database,
                [account_key(f"second factor {user_id}")],
                lambda: self._is_right(user_id, name, form.get(name)),
                [address_key(visitor.address)],
            )
        except TooManyAttempts as wait:
            response.set_header("Retry-After", str(wait.seconds))
            self._ask(response, visitor, target, {name: [wait.sentence(visitor.language)]}, status=429)
            return
        if not is_right:
            self._ask(response, visitor, target, {name: [WRONG_CODE]}, status=422)
            return
        token = self.pages.cookie(request, "second_factor")
        taken = take_challenge(self.pages.database, self.pages.settings, SECOND_FACTOR, token)
        self.pages.drop_cookie(response, "second_factor")
        if taken is None:
            self.pages.go(response, "/sign-in?late=1")
            return
        let_in(self.pages, response, visitor, user_id, ("pwd", "otp"))
        self.pages.go(response, target)

    def _is_right(self, user_id: int, name: str, code: str) -> bool:
        if name == "recovery_code":
            return use_recovery_code(self.pages.database, user_id, code)
        return check_totp(self.pages.database, self.pages.settings, user_id, code)

    def _begun(self, request: falcon.Request, visitor: Visitor) -> tuple[int, str] | None:
        """Who gave the right password in this browser, and where they go afterwards."""
        token = self.pages.cookie(request, "second_factor")
        found = peek_challenge(self.pages.database, self.pages.settings, SECOND_FACTOR, token)
        if found is None or found[0] is None:
            return None
        content = json.loads(found[1])
        return (found[0], content["next"]) if content["browser"] == visitor.browser else None

    def _ask(
        self,
        response: falcon.Response,
        visitor: Visitor,
        target: str,
        faults: Faults | None = None,
        status: int = 200,
    ) -> None:
        targets = form_targets(self.pages.database, target)
        self.pages.show(response, visitor, "sign_in_code", status=status, form_targets=targets, faults=faults or {})


class SignInPasskey:
    """`/sign-in/passkey`: what the script of the sign-in page asks."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Begin: what the browser needs. Finish: what it has made of that."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        database, settings = self.pages.database, self.pages.settings
        if form.get("step") == "begin":
            options, token = begin_sign_in(database, settings)
            answer(response, {"options": json.loads(options), "challenge": token})
            return
        user_id = finish_sign_in(database, settings, form.get("challenge"), form.raw("credential"))
        if user_id is None:
            answer(response, {"message": translate(visitor.language, WRONG_PASSKEY)}, status=422)
            return
        let_in(self.pages, response, visitor, user_id, ("hwk",))
        answer(response, {"next": self.pages.path(self.pages.local(form.get("next") or HOME))})


class SignOut:
    """`/sign-out`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """End the session."""
        visitor = self.pages.visitor(request, response)
        self.pages.form(request, visitor)
        _end(self.pages, visitor)
        self.pages.drop_session(response)
        self.pages.go(response, "/oauth/logout/done")


def sign_in_routes(pages: Pages) -> list[tuple[str, object]]:
    """The addresses of signing in and out."""
    return [
        ("/", Home(pages)),
        ("/sign-in", SignIn(pages)),
        ("/sign-in/code", SignInCode(pages)),
        ("/sign-in/passkey", SignInPasskey(pages)),
        ("/sign-out", SignOut(pages)),
    ]


def let_in(pages: Pages, response: falcon.Response, visitor: Visitor, user_id: int, methods: Sequence[str]) -> None:
    """Sign the visitor in. The browser gets a new token in any case: what it had before may be known to others."""
    database, settings, old = pages.database, pages.settings, visitor.session
    if old and old.user_id == user_id:
        session, token = renew_authentication(database, settings, old, methods)
    else:
        with database.transaction():
            _end(pages, visitor)
            session, token = start_session(
                database, settings, user_id, methods, user_agent=visitor.user_agent, address=visitor.address
            )
    pages.set_session(response, visitor, session, token)


def answer(response: falcon.Response, content: Mapping[str, object], status: int = 200) -> None:
    """Tell a script of ours something."""
    response.status = status
    response.content_type = "application/json"
    response.set_header("Cache-Control", "no-store")
    response.text = json.dumps(content)


def _end(pages: Pages, visitor: Visitor) -> None:
    if visitor.session:
        with suppress(NotFound):  # it has ended meanwhile
            end_session(pages.database, visitor.session.user_id, visitor.session.id)
