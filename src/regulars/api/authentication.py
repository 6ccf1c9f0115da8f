"""Authentication: determine the principal of a request from its bearer token or session, and its `X-Tenant` header."""

import re
import threading
import time
from collections.abc import Mapping

import falcon

from regulars.accounts.memberships import memberships_of
from regulars.accounts.personal_tokens import find_personal_token, touch_personal_token
from regulars.api.sessions import SessionAuthenticator
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.errors import Forbidden, Malformed, Unauthenticated
from regulars.i18n import _
from regulars.oauth.access_tokens import AccessToken, is_revoked, verify_access_token
from regulars.oauth.clients import find_client
from regulars.oauth.external_issuer import ExternalIssuer
from regulars.oauth.grants import is_grant_live
from regulars.oauth.signing_keys import PublicKeys, public_keys
from regulars.permissions import Identity, Membership, Principal, check_role, check_scopes
from regulars.security.auth_version import auth_version
from regulars.security.tokens import Kind, is_token
from regulars.settings import Settings
from regulars.tenants.tenants import get_tenant
from regulars.validation import quote

API_PATH = "/api/"
"""Only these paths accept the session of a browser."""
SCHEME = "Bearer "
BEARER_TOKEN = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*) *", re.IGNORECASE)
TENANT_ID = re.compile(r"-?[0-9]{1,100}")
CHECK_SECONDS = 0.5
MAX_CACHED_TOKENS = 10_000
"""A cached token takes 2.6 KB if its user is a member of eight tenants."""
PERSONAL_CLIENT = "personal"
PERSONAL_TOKEN_SECONDS = 60
"""A personal token is verified again after this time, and its use is recorded at most that often."""


class Authenticator:
    """Verifies access tokens and caches their identities.

    A cached identity is used until the token expires, and that of a personal token for at most a minute. The auth
    version increases with every change of keys, users, memberships and revoked tokens. It is read from the database at
    most every half second; if it has changed, the whole cache is discarded.

    With an `external_issuer`, access tokens of that issuer are accepted instead of those that this server signs.
    Personal tokens are accepted in both cases.
    """

    def __init__(self, database: Database, settings: Settings, external_issuer: ExternalIssuer | None = None) -> None:
        self.database = database
        self.settings = settings
        self.external_issuer = external_issuer
        self._sessions = SessionAuthenticator(database, settings)
        self._lock = threading.Lock()
        self._cached: dict[str, tuple[Identity, float]] = {}
        self._keys: PublicKeys = {}
        self._version = -1
        self._checked_at = float("-inf")

    def principal(self, request: falcon.Request, scope: str) -> Principal:
        """Return the principal of the request in its tenant, if both its token and its role allow `scope`.

        Raise the errors of `member`, and `Forbidden` (403) if the role does not have the permissions of `scope`.
        """
        principal = self.member(request, scope)
        check_role(principal, scope)
        return principal

    def member(self, request: falcon.Request, scope: str) -> Principal:
        """Return the principal of the request in its tenant, whatever its role. The token must have `scope`.

        Also set `tenant_id` of the request's context, for the log. Raise `Unauthenticated` (401), `Forbidden` (403) if
        the token lacks the scope or has no access to the tenant, and `Malformed` (400) if the `X-Tenant` header is
        invalid or, for a user with several tenants, missing.
        """
        principal = in_tenant(self.identity(request, scope), request.env.get("HTTP_X_TENANT"))
        request.context.tenant_id = principal.tenant_id
        return principal

    def identity(self, request: falcon.Request, *scopes: str) -> Identity:
        """Return the identity of the access token or, in the API, of the session if there is no `Authorization` header.

        It must have at least one of `scopes`, if any are given. Also set `client_id` of the request's context, for the
        log. Raise `Unauthenticated` (401) if the token is missing or not valid, `Forbidden` (403) if it has none of the
        scopes, and the errors of `SessionAuthenticator.identity`.
        """
        identity = self._identity(request)
        if scopes:
            check_scopes(identity, *scopes)
        return identity

    def _identity(self, request: falcon.Request) -> Identity:
        header = request.env.get("HTTP_AUTHORIZATION")
        if header is None:
            return self._session_identity(request)
        token = header[len(SCHEME) :]
        # A cached token is well-formed. Looking it up is faster than matching the header with a regular expression.
        if not header.startswith(SCHEME) or token not in self._cached:
            token = _token(header)
        self._discard_changed()
        cached = self._cached.get(token)
        if cached is None or cached[1] <= time.time():
            cached = self._verify(token)
        request.context.client_id = cached[0].client_id
        return cached[0]

    def _session_identity(self, request: falcon.Request) -> Identity:
        identity = self._sessions.identity(request) if request.path.startswith(API_PATH) else None
        if identity is None:
            raise _no_token()
        request.context.client_id = identity.client_id
        return identity

    def _verify(self, token: str) -> tuple[Identity, float]:
        version = self._version
        if is_token(token, Kind.PERSONAL_TOKEN):
            return self._cache(token, _personal(self.database, token), version)
        if self.external_issuer is not None:
            return self._cache(token, self.external_issuer.identity(self.database, token), version)
        try:
            claims = verify_access_token(token, self._keys, self.settings, int(time.time()))
        except Unauthenticated:
            # The token may have been signed with a key that is newer than the cached keys: read them again.
            self._discard_changed(fresh_seconds=0)
            if version == self._version:
                raise
            return self._verify(token)
        if is_revoked(self.database, claims.token_id):
            raise Unauthenticated(_("The access token was revoked."), code="invalid_token")
        if claims.grant_id is not None and not is_grant_live(self.database, claims.grant_id):
            raise Unauthenticated(_("The grant of this access token has ended."), code="invalid_token")
        identity = Identity(
            user_id=claims.user_id,
            client_id=claims.client_id,
            scopes=claims.scopes,
            memberships=_memberships(self.database, claims),
            tenant_id=claims.tenant_id,
        )
        return self._cache(token, (identity, float(claims.expires_at)), version)

    def _cache(self, token: str, cached: tuple[Identity, float], version: int) -> tuple[Identity, float]:
        """Cache a verified token's identity and expiry time, and return them.

        `version` is the auth version before the verification. Raise `Unauthenticated` if the user has no memberships: a
        disabled user, or one who is not a member of any tenant.
        """
        if not cached[0].memberships:
            raise Unauthenticated(
                _("The user of this access token is disabled, or not a member of any tenant."), code="invalid_token"
            )
        with self._lock:
            # If the auth version has changed meanwhile, the identity may be outdated: do not cache it.
            if version == self._version:
                if len(self._cached) >= MAX_CACHED_TOKENS:
                    self._cached.clear()
                self._cached[token] = cached
        return cached

    def _discard_changed(self, fresh_seconds: float = CHECK_SECONDS) -> None:
        if time.monotonic() - self._checked_at < fresh_seconds:
            return
        with self._lock:
            now = time.monotonic()
            if now - self._checked_at < fresh_seconds:
                return
            version = auth_version(self.database)
            if version != self._version:
                self._keys = public_keys(self.database, self.settings)
                self._cached = {}
                self._version = version
            self._checked_at = now


def _token(header: str) -> str:
    """Return the token in the Authorization header (RFC 6750, section 2.1).

    Raise `Unauthenticated` if there is none, or if it has invalid characters.
    """
    match = BEARER_TOKEN.fullmatch(header)
    if match is None:
        if header[:7].lower() == "bearer ":
            raise Unauthenticated(_("The Authorization header has no valid token."), code="invalid_token")
        raise _no_token()
    return match[1]


def _no_token() -> Unauthenticated:
    return Unauthenticated(_("Send an access token: Authorization: Bearer <access token>."))


def _memberships(database: Database, claims: AccessToken) -> Mapping[int, Membership]:
    """Return the memberships of the token's user or service account, by tenant id.

    Raise `Unauthenticated` if the service account has been deleted.
    """
    if claims.user_id is not None:
        return memberships_of(database, claims.user_id)
    client = find_client(database, claims.client_id)
    if client is None or client.tenant_id is None or client.role is None:
        raise Unauthenticated(_("The service account of this access token has been deleted."), code="invalid_token")
    return {client.tenant_id: Membership(client.role, get_tenant(database, client.tenant_id).time_zone)}


def _personal(database: Database, token: str) -> tuple[Identity, float]:
    """Return the identity of a personal token, and the time (Unix seconds) until which it may be cached.

    Record that the token was used, unless that was recorded within the last minute. Raise `Unauthenticated` if the
    token is unknown, revoked or expired.
    """
    found = find_personal_token(database, token)
    if found is None:
        raise Unauthenticated(_("The access token is unknown, was revoked or has expired."), code="invalid_token")
    now = utc_now()
    if found.used_at is None or (now - found.used_at).total_seconds() >= PERSONAL_TOKEN_SECONDS:
        touch_personal_token(database, found.id, now)
    identity = Identity(
        user_id=found.user_id,
        client_id=PERSONAL_CLIENT,
        scopes=frozenset(found.scopes),
        memberships=memberships_of(database, found.user_id),
        tenant_id=found.tenant_id,
    )
    return identity, min(found.expires_at.timestamp(), now.timestamp() + PERSONAL_TOKEN_SECONDS)


def in_tenant(identity: Identity, header: str | None) -> Principal:
    """Return the principal: `identity` in the tenant of the `X-Tenant` header or, without it, in its only tenant.

    Raise `Forbidden` if the identity has no access to the tenant, and `Malformed` if the header is not an id, or is
    missing although the identity has several tenants.
    """
    if header is None:
        return _in_only_tenant(identity)
    wanted = header.strip()
    if not TENANT_ID.fullmatch(wanted):
        raise Malformed(
            _("The X-Tenant header must be the id of a tenant, not {value}.", value=quote(wanted)), "tenant_required"
        )
    tenant_id = int(wanted)
    membership = identity.memberships.get(tenant_id)
    if membership is None or identity.tenant_id not in {None, tenant_id}:
        # The message is the same if the tenant does not exist, so that clients cannot find out which ids exist.
        raise Forbidden(_("You have no access to tenant {id}.", id=quote(wanted)), "tenant_forbidden")
    return Principal(identity, tenant_id, membership.role, membership.time_zone)


def _in_only_tenant(identity: Identity) -> Principal:
    if identity.tenant_id is not None:
        return in_tenant(identity, str(identity.tenant_id))
    if not identity.memberships:
        raise Forbidden(_("You are not a member of any tenant."), "tenant_forbidden")
    if len(identity.memberships) != 1:
        count = len(identity.memberships)
        raise Malformed(
            _("Send the X-Tenant header: you are a member of {count} tenants.", count=count), "tenant_required"
        )
    return in_tenant(identity, str(next(iter(identity.memberships))))
