"""Code that all pages share: the visitor, forms, cookies, templates and security headers."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

import falcon
import jinja2

from regulars.accounts.email_addresses import CONFIRM_PATH, lost_its_address
from regulars.accounts.sessions import Session, find_session
from regulars.accounts.users import User, get_user
from regulars.console.assets import load_assets
from regulars.console.formats import for_templates
from regulars.console.next_path import pack
from regulars.db.database import Database
from regulars.errors import Forbidden
from regulars.http.cookies import BROWSER, SESSION, Cookies
from regulars.http.forms import read_form
from regulars.http.problems import Problem
from regulars.http.public_url import client_address
from regulars.i18n import LANGUAGES, _, preferred_language, translate_in_template
from regulars.security.encryption import Cipher
from regulars.security.form_tokens import form_cipher, form_token, is_form_token
from regulars.security.tokens import Kind, is_token, new_token
from regulars.settings import Settings

COOKIE_SECONDS = 365 * 86400
RECENT_SIGN_IN = timedelta(minutes=15)
LINK_COOKIE_SECONDS = 3600
LINK_TOKEN = re.compile(r"[A-Za-z0-9_]{1,100}")
EMAIL_PATH = "/account/email"
ADDRESS_PATHS = {EMAIL_PATH, CONFIRM_PATH}
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none';"
    " frame-ancestors 'none'; img-src "
)
# Form fields that may appear in a URL while the user signs in again. Never add a secret, such as a password.
DRAFT_FIELDS = {"name", "scope", "tenant", "days", "kind", "redirect_uris", "role", "logo_url", "user_code"}
MAX_DRAFT_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Visitor:
    """The sender of a request. `session` and `user` are None if the sender is not signed in.

    `browser` is a random token that identifies the browser. `known_cookie` is a signature that proves that a user has
    signed in with this browser before. `language` is "en" or "tr".
    `has_chosen_language` tells whether the visitor has chosen it with the switch on a page. `theme` is "light" or
    "dark", or empty if the system decides. `page` is the path, with the query of a GET request, of the page to return
    to after a change of language or theme.
    """

    session: Session | None
    user: User | None
    browser: str
    known_cookie: str
    language: str
    address: str
    user_agent: str
    theme: str = ""
    page: str = ""
    has_chosen_language: bool = False

    @property
    def session_id(self) -> str | None:
        """The id of the session; None if the sender is not signed in."""
        return self.session.id if self.session else None

    def reading(self, language: str | None) -> "Visitor":
        """Return a copy of the visitor with this language, which an application asks for.

        Return the visitor itself if `language` is None, or if the visitor has chosen a language.
        """
        return replace(self, language=language) if language and not self.has_chosen_language else self

    def on(self, page: str) -> "Visitor":
        """Return a copy of the visitor with another page to return to."""
        return replace(self, page=page)


class Form:
    """The fields of a submitted form. If a field is repeated, the last one counts."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self.pairs = list(pairs)

    def get(self, name: str) -> str:
        """Return the trimmed value of a field; an empty string if it is missing."""
        return dict(self.pairs).get(name, "").strip()

    def raw(self, name: str) -> str:
        """Return the value of a field, such as a password, without trimming; an empty string if it is missing."""
        return dict(self.pairs).get(name, "")

    def number(self, name: str) -> int:
        """Return the value of a field as an id; 0 if it is missing or not a number."""
        text = self.get(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0

    def all(self, name: str) -> list[str]:
        """Return the values of all fields of this name."""
        return [value for key, value in self.pairs if key == name]


class Pages:
    """Reads requests and renders pages for all parts of the console."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.root = urlsplit(settings.origin).path
        self.assets = load_assets()
        self._cookies = Cookies(settings)
        self._cipher: Cipher | None = None
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("regulars.console"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        self._templates.globals["asset"] = self.asset

    @property
    def cipher(self) -> Cipher:
        """The cipher that signs form tokens and the cookies of known browsers."""
        if self._cipher is None:
            self._cipher = form_cipher(self.settings)
        return self._cipher

    def visitor(self, request: falcon.Request, response: falcon.Response) -> Visitor:
        """Return the sender of the request. Extend the session if it is due. Set the cookie of a new browser."""
        token = self._cookies.get(request, SESSION)
        session = find_session(self.database, self.settings, token) if is_token(token, Kind.SESSION) else None
        browser = self._cookies.get(request, BROWSER)
        if not is_token(browser, Kind.CHALLENGE):
            browser = new_token(Kind.CHALLENGE)
            # A form that another site submits arrives without our cookies. The response must not replace them.
            if request.method == "GET":
                self._cookies.set(response, BROWSER, browser, COOKIE_SECONDS)
        return Visitor(
            session=session,
            user=get_user(self.database, session.user_id) if session else None,
            browser=browser,
            known_cookie=self._cookies.get(request, "known"),
            language=self._language(request),
            theme=self._theme(request),
            page=request.relative_uri if request.method in {"GET", "HEAD"} else request.path,
            has_chosen_language=self.cookie(request, "language") in LANGUAGES,
            address=client_address(request.env, self.settings.trusted_proxies),
            user_agent=request.user_agent or "",
        )

    def signed_in(self, request: falcon.Request, response: falcon.Response) -> tuple[Visitor, Session, User]:
        """Return visitor, session and user.

        If there is no session, raise a redirect to the sign-in page, which redirects back. If another user has verified
        the user's address, raise a redirect to the page on which the user must choose another one.
        """
        visitor = self.visitor(request, response)
        if visitor.session is None or visitor.user is None:
            raise falcon.HTTPStatus(303, headers={"Location": self.path(self.sign_in_path(self._here(request)))})
        if request.path not in ADDRESS_PATHS and lost_its_address(self.database, visitor.user):
            raise falcon.HTTPStatus(303, headers={"Location": self.path(EMAIL_PATH)})
        return visitor, visitor.session, visitor.user

    def recently_signed_in(self, request: falcon.Request, response: falcon.Response) -> tuple[Visitor, Session, User]:
        """Return the same as `signed_in`, but require a sign-in within the last 15 minutes.

        If the last sign-in is older, raise a redirect to the sign-in page. This protects sensitive actions from
        somebody who finds the browser unattended.
        """
        visitor, session, user = self.signed_in(request, response)
        if datetime.now(UTC) - session.authenticated_at > RECENT_SIGN_IN:
            sign_in = self.path(self.sign_in_path(self._here(request))) + "&reauthenticate=1"
            raise falcon.HTTPStatus(303, headers={"Location": sign_in})
        return visitor, session, user

    def sign_in_path(self, here: str) -> str:
        """Return the path of the sign-in page that redirects to the path `here` afterwards."""
        return "/sign-in?" + falcon.to_query_str({"next": pack(here)}, prefix=False)

    def _here(self, request: falcon.Request) -> str:
        """Return the path of the requested page. The query contains the values of a sent form, for `draft_form`."""
        if request.method == "GET":
            return str(request.relative_uri)
        fields = [(name, value) for name, value in self.read_form(request).pairs if name in DRAFT_FIELDS and value]
        here = request.path + ("?" + urlencode(fields) if fields else "")
        return here if len(here) <= MAX_DRAFT_LENGTH else request.path

    def draft_form(self, request: falcon.Request) -> Form:
        """Return the form values that `_here` put into the query, when the user had to sign in again."""
        return Form(
            [
                (name, value)
                for name in DRAFT_FIELDS & set(request.params)
                for value in request.get_param_as_list(name) or ()
            ]
        )

    def form(self, request: falcon.Request, visitor: Visitor) -> Form:
        """Return the submitted form. Raise `Malformed` if it cannot be read, and `Forbidden` if `check_form` does."""
        form = self.read_form(request)
        self.check_form(request, form, visitor)
        return form

    def read_form(self, request: falcon.Request) -> Form:
        """Return the submitted form without checking its origin. Raise `Malformed` if it cannot be read."""
        return Form(list(read_form(request)))

    def check_form(self, request: falcon.Request, form: Form, visitor: Visitor) -> None:
        """Raise `Forbidden` if the form token is not the visitor's, or another site submitted the form (CSRF)."""
        is_foreign = request.get_header("Sec-Fetch-Site") == "cross-site"
        if is_foreign or not is_form_token(self.cipher, form.get("form_token"), visitor.browser, visitor.session_id):
            raise Forbidden(_("The form has expired. Go back, reload the page and try again."), "forbidden")

    def form_token(self, visitor: Visitor) -> str:
        """Return the token that a form of this visitor must include, so that no other site can submit it (CSRF)."""
        return form_token(self.cipher, visitor.browser, visitor.session_id)

    def show(
        self,
        response: falcon.Response,
        visitor: Visitor,
        template: str,
        *,
        status: int = 200,
        form_targets: Sequence[str] | None = (),
        logo_urls: Sequence[str | None] = (),
        **values: Any,
    ) -> None:
        """Send the page `template`.html.jinja, rendered with `values`.

        The Content-Security-Policy allows forms to be sent only to this service and the sources in `form_targets`; None
        allows all. Browsers apply it to redirects after a form as well. It also allows images from the hosts of
        `logo_urls`.
        """
        hosts = dict.fromkeys(f" https://{urlsplit(url).netloc}" for url in logo_urls if url)
        policy = CONTENT_SECURITY_POLICY + "'self'" + "".join(hosts)
        if form_targets is not None:
            policy += "; form-action " + " ".join(["'self'", *form_targets])
        response.status = status
        response.content_type = "text/html; charset=utf-8"
        response.set_header("Content-Security-Policy", policy)
        response.set_header("Cache-Control", "no-store")
        response.text = self.render(visitor, template, form_token=self.form_token(visitor), **values)

    def render(self, visitor: Visitor, template: str, **values: Any) -> str:
        """Return the page `template`.html.jinja, rendered with `values`."""
        return self._templates.get_template(f"{template}.html.jinja").render(
            {
                "_": partial(translate_in_template, visitor.language),
                "language": visitor.language,
                "visitor": visitor,
                "root": self.root,
                "screen": None,
                "view": None,
                **for_templates(visitor.language),
                "preloads": partial(self.preloads, visitor.language),
                **values,
            }
        )

    def redirect(self, response: falcon.Response, target: str) -> None:
        """Redirect with status 303 to a path of this service or to an absolute URL (RFC 9700, section 4.12)."""
        response.status = 303
        response.set_header("Location", self.path(target) if target.startswith("/") else target)
        response.set_header("Cache-Control", "no-store")

    def path(self, path: str) -> str:
        """Return a path of this service for browsers, with the path prefix of the public URL."""
        return self.root + path

    def asset(self, name: str) -> str:
        """Return the path of a static file for browsers. Templates call it to link to the file."""
        return self.path(self.assets.path(name))

    def preloads(self, language: str, name: str) -> list[str]:
        """Return the paths of the modules that a script imports, for browsers (see `Assets.preloads`)."""
        return [self.path(path) for path in self.assets.preloads(name, language)]

    def local_path(self, target: str) -> str:
        """Return `target` if it is a path of this service, otherwise "/". This prevents open redirects.

        The prefix of the public URL is removed from the path: `path` and `redirect` add it again.
        """
        path = target.removeprefix(self.root) if self.root and target.startswith(self.root + "/") else target
        is_local = (
            path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
        )
        return path if is_local else "/"

    def set_session(self, response: falcon.Response, visitor: Visitor, session: Session, token: str) -> None:
        """Store the session in a cookie, and mark the browser as known to the user (see `is_known_browser`)."""
        self._cookies.set(response, SESSION, token, self.settings.session_lifetime)
        self._cookies.set(response, "known", self.cipher.sign(_known_text(visitor, session.user_id)), COOKIE_SECONDS)

    def set_step(self, response: falcon.Response, token: str, seconds: int) -> None:
        """Store the token of a flow with several pages in a cookie; an empty token and 0 seconds delete it."""
        self._cookies.set(response, "step", token, seconds)

    def step(self, request: falcon.Request) -> str:
        """Return the token of the current flow; an empty string if there is none."""
        return self._cookies.get(request, "step")

    def take_link(self, request: falcon.Request, response: falcon.Response, name: str) -> str:
        """Return the token of the link that the user opened, which the cookie `name` holds, or an empty string.

        If the token is in the query, store it in the cookie instead, and raise a redirect to the same page without the
        query. The token then remains neither in the address bar nor in the history of the browser.
        """
        token = request.get_param("token")
        if token is None:
            return self._cookies.get(request, name)
        self._cookies.set(response, name, token if LINK_TOKEN.fullmatch(token) else "", LINK_COOKIE_SECONDS)
        raise falcon.HTTPStatus(303, headers={"Location": self.path(request.path.removeprefix(self.root))})

    def drop_link(self, response: falcon.Response, name: str) -> None:
        """Delete the cookie `name` that `take_link` has set."""
        self._cookies.set(response, name, "", 0)

    def drop_session(self, response: falcon.Response) -> None:
        """Delete the session cookie."""
        self._cookies.set(response, SESSION, "", 0)

    def is_known_browser(self, visitor: Visitor, user_id: int) -> bool:
        """Tell whether this user has signed in with this browser before."""
        return self.cipher.verify(_known_text(visitor, user_id), visitor.known_cookie)

    def show_error(self, request: falcon.Request, response: falcon.Response, status: int, problem: Problem) -> None:
        """Send an error page in the language of the browser, without reading the session."""
        self.show(response, self.anonymous(request), "error", status=status, problem=problem)

    def anonymous(self, request: falcon.Request) -> Visitor:
        """Return a visitor with the language and theme of the browser, without reading the session."""
        return Visitor(None, None, "", "", self._language(request), "", "", self._theme(request))

    def cookie(self, request: falcon.Request, name: str) -> str:
        """Return the value of a cookie of the console; an empty string if there is none."""
        return self._cookies.get(request, name)

    def set_preference(self, response: falcon.Response, name: str, value: str) -> None:
        """Keep a choice of the visitor in this browser for a year."""
        self._cookies.set(response, name, value, COOKIE_SECONDS)

    def _language(self, request: falcon.Request) -> str:
        chosen = self.cookie(request, "language")
        return chosen if chosen in LANGUAGES else preferred_language(request.get_header("Accept-Language") or "")

    def _theme(self, request: falcon.Request) -> str:
        chosen = self.cookie(request, "theme")
        return chosen if chosen in {"light", "dark"} else ""


def _known_text(visitor: Visitor, user_id: int) -> str:
    return f"known {visitor.browser} {user_id}"


ROLE_NAMES = (_("owner"), _("admin"), _("agent"), _("viewer"))
"""The names of roles, which templates translate. They are listed here so that the extraction of messages finds them."""
