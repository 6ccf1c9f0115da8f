"""Authentication of the console's own pages, which use the API with the session of the browser."""

import falcon

from regulars.accounts.email_addresses import lost_its_address
from regulars.accounts.memberships import memberships_of
from regulars.accounts.sessions import Session, find_session
from regulars.accounts.users import ACCOUNT_DISABLED, User, get_user
from regulars.db.database import Database
from regulars.errors import Forbidden, NotFound, Unauthenticated
from regulars.http.cookies import BROWSER, SESSION, Cookies
from regulars.http.same_origin import SAFE_METHODS, check_same_origin
from regulars.i18n import _
from regulars.permissions import CONSOLE, Identity
from regulars.scopes import SCOPES
from regulars.security.form_tokens import form_cipher, is_form_token
from regulars.settings import Settings

ALL_SCOPES = frozenset(SCOPES)


class SessionAuthenticator:
    """Determines the identity of a request from the session cookie."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self._cookies = Cookies(settings)
        self._cipher = form_cipher(settings)

    def identity(self, request: falcon.Request) -> Identity | None:
        """Return the identity of the signed-in user with all scopes, or None if the request has no session cookie.

        Raise `Unauthenticated` (401) if the session has ended. Raise `Forbidden` (403) if another site has sent the
        request, if a request that can change something has no valid `X-Form-Token` header, or if the user is disabled
        or has lost the e-mail address to another user.
        """
        token = self._cookies.get(request, SESSION)
        if not token:
            return None
        check_same_origin(request, self.settings)
        session, user = self._session(token)
        if request.method not in SAFE_METHODS:
            self._check_form_token(request, session)
        self._check_user(user)
        return Identity(user.id, CONSOLE, ALL_SCOPES, memberships_of(self.database, user.id))

    def _session(self, token: str) -> tuple[Session, User]:
        session = find_session(self.database, self.settings, token)
        try:
            if session is not None:
                return session, get_user(self.database, session.user_id)
        except NotFound:
            # The user was deleted, and with it the session, after the session was read.
            pass
        raise Unauthenticated(_("Your session has ended. Sign in again."))

    def _check_form_token(self, request: falcon.Request, session: Session) -> None:
        token, browser = request.env.get("HTTP_X_FORM_TOKEN", ""), self._cookies.get(request, BROWSER)
        if not is_form_token(self._cipher, token, browser, session.id):
            raise Forbidden(
                _("The header X-Form-Token must be the form token of the page. Reload the page and try again."),
                "invalid_form_token",
            )

    def _check_user(self, user: User) -> None:
        if user.disabled_at is not None:
            raise Forbidden(ACCOUNT_DISABLED, "disabled")
        if lost_its_address(self.database, user):
            raise Forbidden(
                _("Another user has verified your e-mail address. Choose another address in your account."),
                "email_address_lost",
            )
