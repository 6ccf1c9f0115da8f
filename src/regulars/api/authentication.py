"""From a bearer token to the principal of a request."""

import re
import threading
import time
from collections.abc import Mapping

import falcon

from regulars.accounts.memberships import memberships_of
from regulars.accounts.personal_tokens import find_personal_token, touch_personal_token
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.errors import Forbidden, Malformed, Unauthenticated
from regulars.oauth.access_tokens import AccessToken, is_revoked, verify_access_token
from regulars.oauth.clients import find_client
from regulars.oauth.external_issuer import ExternalIssuer
from regulars.oauth.grants import is_grant_live
from regulars.oauth.signing_keys import PublicKeys, public_keys
from regulars.permissions import PERMISSIONS, Identity, Membership, Principal
from regulars.security.auth_version import auth_version
from regulars.security.tokens import Kind, is_token
from regulars.settings import Settings
from regulars.tenants.tenants import get_tenant
from regulars.validation import quote

SCHEME = "Bearer "
BEARER = re.compile(r"bearer +([A-Za-z0-9\-._~+/]+=*) *", re.IGNORECASE)
TENANT = re.compile(r"-?[0-9]{1,100}")
FRESH_SECONDS = 0.5
MOST_REMEMBERED = 10_000
"""A token takes 2.6 KB, with eight memberships."""
PERSONAL = "personal"
PERSONAL_SECONDS = 60
"""A personal token is looked up anew so often, and that it is used is written down no more often than that."""


class Authenticator:
    """Verifies access tokens once and remembers them until they expire or access changes.

    Every half second at most it asks the database for its access version, which moves with every revocation and every
    change to keys, users or memberships; when it has moved, all that is remembered is forgotten. Where an `external`
    authorization server is given, its access tokens are accepted instead of our own.
    """

    def __init__(self, database: Database, settings: Settings, external: ExternalIssuer | None = None) -> None:
        self.database = database
        self.settings = settings
        self.external = external
        self._lock = threading.Lock()
        self._remembered: dict[str, tuple[Identity, float]] = {}
        self._keys: PublicKeys = {}
        self._version = -1
        self._asked = float("-inf")

    def principal(self, request: falcon.Request, scope: str) -> Principal:
        """Who the request acts as, with `scope`, in the tenant that it names.

        Raises `Unauthenticated` (401), `Forbidden` (403: scope or tenant), `Malformed` (400: no usable tenant).
        """
        principal = self.member(request, scope)
        if scope not in PERMISSIONS[principal.role]:
            message = f"The role {principal.role} does not allow what the scope {scope} stands for."
            raise Forbidden(message, code="insufficient_scope", scope=scope)
        return principal

    def member(self, request: falcon.Request, scope: str) -> Principal:
        """The same for what every member may do, whatever their role."""
        principal = in_tenant(self.identity(request, scope), request.env.get("HTTP_X_TENANT"))
        request.context.tenant_id = principal.tenant_id
        return principal

    def identity(self, request: falcon.Request, *scopes: str) -> Identity:
        """What the request's access token says, if it has one of `scopes` (where any are named).

        Raises `Unauthenticated` (401), `Forbidden` (403).
        """
        identity = self._identity(request)
        if scopes and identity.scopes.isdisjoint(scopes):
            message = f"The access token lacks the scope {' or '.join(scopes)}."
            raise Forbidden(message, code="insufficient_scope", scope=scopes[0])
        return identity

    def _identity(self, request: falcon.Request) -> Identity:
        header = request.env.get("HTTP_AUTHORIZATION", "")
        token = header[len(SCHEME) :]
        # To look a token up is quicker than to read it.
        if not header.startswith(SCHEME) or token not in self._remembered:
            token = _token(header)
        self._forget_what_changed()
        remembered = self._remembered.get(token)
        if remembered is None or remembered[1] <= time.time():
            remembered = self._verify(token)
        request.context.client_id = remembered[0].client_id
        return remembered[0]

    def _verify(self, token: str) -> tuple[Identity, float]:
        version = self._version
        if is_token(token, Kind.PERSONAL_TOKEN):
            return self._remember(token, _personal(self.database, token), version)
        if self.external is not None:
            return self._remember(token, self.external.identity(self.database, token), version)
        try:
            claims = verify_access_token(token, self._keys, self.settings, int(time.time()))
        except Unauthenticated:
            # It may be signed with a key that is younger than our last look.
            self._forget_what_changed(fresh_seconds=0)
            if version == self._version:
                raise
            return self._verify(token)
        if is_revoked(self.database, claims.token_id):
            raise Unauthenticated("The access token was revoked.", code="invalid_token")
        if claims.grant_id is not None and not is_grant_live(self.database, claims.grant_id):
            raise Unauthenticated("What the access token was issued for has ended.", code="invalid_token")
        identity = Identity(
            user_id=claims.user_id,
            client_id=claims.client_id,
            scopes=claims.scopes,
            memberships=_memberships(self.database, claims),
            tenant_id=claims.tenant_id,
        )
        return self._remember(token, (identity, float(claims.expires_at)), version)

    def _remember(self, token: str, remembered: tuple[Identity, float], version: int) -> tuple[Identity, float]:
        with self._lock:
            # What was read before a change must not be remembered after it.
            if version == self._version:
                if len(self._remembered) >= MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[token] = remembered
        return remembered

    def _forget_what_changed(self, fresh_seconds: float = FRESH_SECONDS) -> None:
        if time.monotonic() - self._asked < fresh_seconds:
            return
        with self._lock:
            now = time.monotonic()
            if now - self._asked < fresh_seconds:
                return
            version = auth_version(self.database)
            if version != self._version:
                self._keys = public_keys(self.database)
                self._remembered = {}
                self._version = version
            self._asked = now


def _token(header: str) -> str:
    """The token in an Authorization header (RFC 6750, section 2.1). Raises `Unauthenticated`."""
    match = BEARER.fullmatch(header)
    if match is None:
        if header[:7].lower() == "bearer ":
            raise Unauthenticated("The Authorization header has no token that can be read.", code="invalid_token")
        raise Unauthenticated("Send an access token: Authorization: Bearer <access token>.")
    return match[1]


def _memberships(database: Database, claims: AccessToken) -> Mapping[int, Membership]:
    """Where the token's user is a member; a service account is one of its tenant. Raises `Unauthenticated`."""
    if claims.user_id is not None:
        return memberships_of(database, claims.user_id)
    client = find_client(database, claims.client_id)
    if client is None or client.tenant_id is None or client.role is None:
        raise Unauthenticated("The service account of this access token has been deleted.", code="invalid_token")
    return {client.tenant_id: Membership(client.role, get_tenant(database, client.tenant_id).time_zone)}


def _personal(database: Database, token: str) -> tuple[Identity, float]:
    """What a personal token says, and until when that may be remembered. Raises `Unauthenticated`."""
    found = find_personal_token(database, token)
    if found is None:
        raise Unauthenticated("The access token is not known, was revoked or has expired.", code="invalid_token")
    now = utc_now()
    if found.used_at is None or (now - found.used_at).total_seconds() >= PERSONAL_SECONDS:
        touch_personal_token(database, found.id, now)
    identity = Identity(
        user_id=found.user_id,
        client_id=PERSONAL,
        scopes=frozenset(found.scopes),
        memberships=memberships_of(database, found.user_id),
        tenant_id=found.tenant_id,
    )
    return identity, min(found.expires_at.timestamp(), now.timestamp() + PERSONAL_SECONDS)


def in_tenant(identity: Identity, header: str | None) -> Principal:
    """`identity` acting in the tenant that the `X-Tenant` header names or, without one, in the only one possible."""
    if header is None:
        return _in_only_tenant(identity)
    wanted = header.strip()
    if not TENANT.fullmatch(wanted):
        raise Malformed(
            f"The X-Tenant header must be the id of a tenant, a whole number, not {quote(wanted)}.", "tenant_required"
        )
    tenant_id = int(wanted)
    membership = identity.memberships.get(tenant_id)
    if membership is None or identity.tenant_id not in {None, tenant_id}:
        # The same words for a tenant that does not exist: nobody can find out which ids do.
        raise Forbidden(f"You have no access to tenant {shown_id(wanted)}.", "tenant_forbidden")
    return Principal(identity, tenant_id, membership.role, membership.time_zone)


def _in_only_tenant(identity: Identity) -> Principal:
    if identity.tenant_id is not None:
        return in_tenant(identity, str(identity.tenant_id))
    if len(identity.memberships) != 1:
        count = len(identity.memberships)
        raise Malformed(
            f"Say which tenant is meant with the X-Tenant header: you are a member of {count}."
            if count
            else "You are a member of no tenant yet; ask for an invitation to one.",
            "tenant_required",
        )
    return in_tenant(identity, str(next(iter(identity.memberships))))


def shown_id(number: str) -> str:
    """An id as a message may repeat it."""
    return number if len(number) <= 20 else number[:20] + "…"
