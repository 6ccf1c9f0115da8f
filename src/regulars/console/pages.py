"""What all pages have in common: who looks at them, their language, their forms, how they are sent."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import falcon
import jinja2

from regulars.accounts.sessions import Session, find_session
from regulars.accounts.users import User, get_user
from regulars.db.database import Database
from regulars.errors import Forbidden
from regulars.http.forms import read_form
from regulars.http.problems import Problem
from regulars.http.public_url import client_address
from regulars.i18n import Message, preferred_language, translate
from regulars.security.encryption import Cipher
from regulars.security.tokens import Kind, is_token, new_token
from regulars.settings import Settings

A_YEAR = 365 * 86400
RECENT = timedelta(minutes=15)
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'; img-src "
)
# What may stand in an address while its sender signs in; never a password or a code.
KEPT = {"name", "scope", "tenant", "days", "kind", "redirect_uris", "role", "logo_url", "user_code"}
LONGEST_KEPT = 2000


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at a page: signed in or not, with which browser, in which language ("en", "tr")."""

    session: Session | None
    user: User | None
    browser: str
    is_known: str
    language: str
    address: str
    user_agent: str


class Form:
    """What was sent with a form: its fields; of a field given twice, the last counts."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = list(pairs)

    def get(self, name: str) -> str:
        """The field's text, trimmed; empty where there is none."""
        return dict(self.pairs).get(name, "").strip()

    def raw(self, name: str) -> str:
        """The field's text as it was typed, for passwords."""
        return dict(self.pairs).get(name, "")

    def all(self, name: str) -> list[str]:
        """The texts of all fields of this name."""
        return [value for key, value in self.pairs if key == name]


class Pages:
    """Reads and sends pages, for every part of the console."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.root = urlsplit(settings.origin).path
        self.is_secure = settings.origin.startswith("https://")
        self._cipher: Cipher | None = None
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("regulars.console"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )

    @property
    def cipher(self) -> Cipher:
        """What signs the tokens of forms."""
        if self._cipher is None:
            self._cipher = Cipher(self.settings, "forms")
        return self._cipher

    def visitor(self, request: falcon.Request, response: falcon.Response) -> Visitor:
        """Who sent the request. A browser that comes for the first time gets a cookie to know it by."""
        cookies = request.cookies
        token = cookies.get(self._cookie_name("session"), "")
        session = find_session(self.database, self.settings, token) if is_token(token, Kind.SESSION) else None
        browser = cookies.get(self._cookie_name("browser"), "")
        if not is_token(browser, Kind.CHALLENGE):
            browser = new_token(Kind.CHALLENGE)
            # A form that another site sends comes without our cookies: it must not replace them.
            if request.method == "GET":
                self._set_cookie(response, "browser", browser, A_YEAR)
        return Visitor(
            session=session,
            user=get_user(self.database, session.user_id) if session else None,
            browser=browser,
            is_known=cookies.get(self._cookie_name("known"), ""),
            language=preferred_language(request.get_header("Accept-Language") or ""),
            address=client_address(request, self.settings.trusted_proxies),
            user_agent=request.user_agent or "",
        )

    def signed_in(self, request: falcon.Request, response: falcon.Response) -> tuple[Visitor, Session, User]:
        """The same for a page that is only for people who have signed in; others are sent to do so, and back."""
        visitor = self.visitor(request, response)
        if visitor.session is None or visitor.user is None:
            raise falcon.HTTPStatus(303, headers={"Location": self.path(self.sign_in_path(self._here(request)))})
        return visitor, visitor.session, visitor.user

    def just_signed_in(self, request: falcon.Request, response: falcon.Response) -> tuple[Visitor, Session, User]:
        """The same for what would hurt in the hands of somebody who finds the browser open: sign in again first."""
        visitor, session, user = self.signed_in(request, response)
        if datetime.now(UTC) - session.authenticated_at > RECENT:
            again = self.path(self.sign_in_path(self._here(request))) + "&reauthenticate=1"
            raise falcon.HTTPStatus(303, headers={"Location": again})
        return visitor, session, user

    def sign_in_path(self, here: str) -> str:
        """Where to sign in, to come back to the path `here` afterwards."""
        return "/sign-in?" + falcon.to_query_str({"next": here}, prefix=False)

    def _here(self, request: falcon.Request) -> str:
        """The path of a page to come back to, with what was typed into its form in the query: see `begun_form`."""
        if request.method == "GET":
            return str(request.relative_uri)
        fields = [(name, value) for name, value in self.read_form(request).pairs if name in KEPT and value]
        here = request.path + ("?" + urlencode(fields) if fields else "")
        return here if len(here) <= LONGEST_KEPT else request.path

    def begun_form(self, request: falcon.Request) -> Form:
        """What a form holds before it is filled in: what its sender typed before they had to sign in again."""
        return Form(
            [(name, value) for name in KEPT & set(request.params) for value in request.get_param_as_list(name) or ()]
        )

    def form(self, request: falcon.Request, visitor: Visitor) -> Form:
        """The form that the request brings. Raises `Malformed`, and `Forbidden` if it is not from a page of ours."""
        form = self.read_form(request)
        self.check_form(request, form, visitor)
        return form

    def read_form(self, request: falcon.Request) -> Form:
        """The form that the request brings, from wherever it may be. Raises `Malformed`."""
        return Form(list(read_form(request)))

    def check_form(self, request: falcon.Request, form: Form, visitor: Visitor) -> None:
        """Raises `Forbidden` if the form is not from a page that this visitor was shown (CSRF)."""
        is_foreign = request.get_header("Sec-Fetch-Site") == "cross-site"
        if is_foreign or not hmac.compare_digest(form.get("form_token").encode(), self.form_token(visitor).encode()):
            raise Forbidden(
                "This form has been open for too long. Go back, reload the page and try again.", "forbidden"
            )

    def form_token(self, visitor: Visitor) -> str:
        """What a form of this visitor's must bring along, so that no other site can send it (CSRF)."""
        return self.cipher.sign(f"{visitor.browser} {visitor.session.id if visitor.session else ''}")

    def show(
        self,
        response: falcon.Response,
        visitor: Visitor,
        template: str,
        *,
        status: int = 200,
        form_targets: Sequence[str] | None = (),
        logo_url: str | None = None,
        **values: Any,
    ) -> None:
        """Send the page `template`.html.jinja.

        `form_targets`: where its form may lead beside this service, as sources of a Content-Security-Policy (browsers
        check redirects, too); None: anywhere. `logo_url` is of the picture that it shows from elsewhere.
        """
        policy = POLICY + "'self'" + (f" https://{urlsplit(logo_url).netloc}" if logo_url else "")
        if form_targets is not None:
            policy += "; form-action " + " ".join(["'self'", *form_targets])
        response.status = status
        response.content_type = "text/html; charset=utf-8"
        response.set_header("Content-Security-Policy", policy)
        response.set_header("Cache-Control", "no-store")
        response.text = self._templates.get_template(f"{template}.html.jinja").render(
            {
                "_": partial(_translate, visitor.language),
                "language": visitor.language,
                "visitor": visitor,
                "form_token": self.form_token(visitor),
                "root": self.root,
                **values,
            }
        )

    def go(self, response: falcon.Response, target: str) -> None:
        """Send the browser on, with GET: to a path of ours or an absolute URL (RFC 9700, section 4.12: 303)."""
        response.status = 303
        response.set_header("Location", self.path(target) if target.startswith("/") else target)
        response.set_header("Cache-Control", "no-store")

    def path(self, path: str) -> str:
        """A path of ours as browsers see it, behind whatever prefix the service has."""
        return self.root + path

    def local(self, target: str) -> str:
        """`target` if it is a path of ours, else "/account": nobody is sent elsewhere by a link to a page of ours."""
        path = target.removeprefix(self.root) if self.root and target.startswith(self.root + "/") else target
        is_ours = (
            path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
        )
        return path if is_ours else "/account"

    def set_session(self, response: falcon.Response, visitor: Visitor, session: Session, token: str) -> None:
        """Let the browser keep the session that was just started, and know the user again (see `knows`)."""
        self._set_cookie(response, "session", token, self.settings.session_lifetime)
        self._set_cookie(response, "known", self._known(visitor, session.user_id), A_YEAR)

    def set_step(self, response: falcon.Response, token: str, seconds: int) -> None:
        """Let the browser keep the token of a step that it is in the middle of; empty for 0 seconds ends it."""
        self._set_cookie(response, "step", token, seconds)

    def step(self, request: falcon.Request) -> str:
        """The token of the step that the browser is in the middle of; empty where there is none."""
        return str(request.cookies.get(self._cookie_name("step"), ""))

    def drop_session(self, response: falcon.Response) -> None:
        """Let the browser forget the session."""
        self._set_cookie(response, "session", "", 0)

    def knows(self, visitor: Visitor, user_id: int) -> bool:
        """Whether this user has signed in with this browser before; then others' failures do not slow them down."""
        return hmac.compare_digest(visitor.is_known.encode(), self._known(visitor, user_id).encode())

    def show_error(self, request: falcon.Request, response: falcon.Response, status: int, problem: Problem) -> None:
        """An error for a person."""
        nobody = Visitor(None, None, "", "", preferred_language(request.get_header("Accept-Language") or ""), "", "")
        self.show(response, nobody, "error", status=status, problem=problem)

    def _known(self, visitor: Visitor, user_id: int) -> str:
        return self.cipher.sign(f"known {visitor.browser} {user_id}")

    def _cookie_name(self, name: str) -> str:
        return f"__Host-regulars_{name}" if self.is_secure else f"regulars_{name}"

    def _set_cookie(self, response: falcon.Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(
            self._cookie_name(name),
            value,
            max_age=seconds,
            path="/",
            secure=self.is_secure,
            http_only=True,
            same_site="Lax",
        )


def _translate(language: str, text: str, **values: Any) -> str:
    """Translate a message, or a text of a template with its values."""
    return translate(text if isinstance(text, Message) or not values else Message(text, values), language)
