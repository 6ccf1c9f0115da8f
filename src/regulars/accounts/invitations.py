"""Invitations: links with which a person becomes a member of a tenant, as a new or as an existing user.

Nobody can accept an invitation without its link. Each invitation has two links. One is shown to the inviter; accepting
it does not verify the address. The other is e-mailed, if e-mail is configured, and verifies the address.
"""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs
from sqlalchemy import bindparam, func, insert, or_, select, update

from regulars.accounts.email_addresses import verify_email
from regulars.accounts.memberships import is_member, set_role
from regulars.accounts.passkeys import NewPasskey, store_passkey
from regulars.accounts.users import User, add_user, get_user, has_room
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import invitations, memberships, tenants, users
from regulars.errors import Conflict, Invalid, NotFound
from regulars.i18n import _
from regulars.mail import is_configured
from regulars.mail.messages import render
from regulars.mail.queue import enqueue
from regulars.permissions import CONSOLE, Actor, Role, RoleName
from regulars.security import audit
from regulars.security.tokens import Kind, digest, is_token, new_id, new_token
from regulars.settings import Settings
from regulars.tenants.locks import lock_tenant
from regulars.tenants.tenants import get_tenant

LIFETIME = timedelta(days=7)
RESEND_INTERVAL = timedelta(minutes=1)
MAX_PENDING = 100
INVITATION_PATH = "/invitation"

Status = Literal["pending", "accepted", "declined", "revoked", "expired"]


class Invitation(Struct, frozen=True):
    """An invitation as the owners of its tenant see it, without its links."""

    id: Annotated[str, Meta(examples=["019dd0f4-7f3c-7a15-8c3e-0b7a53a6c1de"])]
    email: Annotated[str, Meta(examples=["zeynep@example.com"])]
    name: Annotated[str | None, Meta(description="The name suggested to a new user.", examples=["Zeynep Arslan"])]
    role: Annotated[RoleName, Meta(examples=["agent"])]
    status: Annotated[Status, Meta(examples=["pending"])]
    invited_by: Annotated[int | None, Meta(description="The user who sent it. Null: the operator.", examples=[7])]
    user_id: Annotated[int | None, Meta(description="The user who accepted it.", examples=[None])]
    created_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]
    sent_at: Annotated[datetime, Meta(description="When it was last sent.", examples=["2026-11-07T05:31:56Z"])]
    expires_at: Annotated[datetime, Meta(examples=["2026-11-14T05:31:56Z"])]


class SentInvitation(Invitation, frozen=True):
    """An invitation with the link to pass on, which is shown only in this response."""

    link: Annotated[str, Meta(examples=["https://customers.example.com/invitation?token=rgl_invitation_EXAMPLE"])]
    is_mailed: Annotated[
        bool, Meta(description="Whether a message with a link of its own was sent to the address.", examples=[True])
    ]


class OpenedInvitation(Struct, frozen=True):
    """An invitation as the person who opens its link sees it. `proves_email` is true if the link was e-mailed."""

    invitation: Invitation
    tenant_id: int
    tenant_name: str
    tenant_logo_url: str | None
    inviter_name: str
    proves_email: bool


STORED_FIELDS = tuple(Invitation.__struct_fields__)
INVITATION_COLUMNS = tuple(invitations.c[name] for name in STORED_FIELDS)
IS_PENDING = (invitations.c.status == "pending", invitations.c.expires_at > bindparam("now"))
INSERTED_COLUMNS = (*STORED_FIELDS, "inviting_tenant_id", "digest", "mailed_digest")
INSERT_INVITATION = Statement(insert(invitations).values({name: bindparam(name) for name in INSERTED_COLUMNS}))
LIST_INVITATIONS = Statement(
    select(*INVITATION_COLUMNS)
    .where(invitations.c.inviting_tenant_id == bindparam("tenant_id"))
    .order_by(invitations.c.id.desc())
)
GET_INVITATION = Statement(
    select(*INVITATION_COLUMNS).where(
        invitations.c.inviting_tenant_id == bindparam("tenant_id"), invitations.c.id == bindparam("id")
    )
)
COUNT_PENDING = Statement(
    select(func.count())
    .select_from(invitations)
    .where(invitations.c.inviting_tenant_id == bindparam("tenant_id"), *IS_PENDING)
)
FIND_PENDING = Statement(
    select(invitations.c.id).where(
        invitations.c.inviting_tenant_id == bindparam("tenant_id"),
        invitations.c.email == bindparam("email"),
        *IS_PENDING,
    )
)
FIND_MEMBER = Statement(
    select(users.c.id)
    .join_from(memberships, users)
    .where(
        memberships.c.tenant_id == bindparam("tenant_id"),
        memberships.c.deleted_at.is_(None),
        users.c.email == bindparam("email"),
    )
)
# every tenant: only the person with the link can find the invitation.
FIND_BY_LINK = Statement(
    select(
        *INVITATION_COLUMNS,
        invitations.c.inviting_tenant_id,
        invitations.c.mailed_digest,
        tenants.c.name,
        tenants.c.logo_url,
        users.c.name,
    )
    .join_from(invitations, tenants)
    .outerjoin(users, users.c.id == invitations.c.invited_by)
    .where(or_(invitations.c.digest == bindparam("digest"), invitations.c.mailed_digest == bindparam("digest")))
)
RENEW_INVITATION = Statement(
    update(invitations)
    .where(
        invitations.c.inviting_tenant_id == bindparam("of_tenant"),
        invitations.c.id == bindparam("of_invitation"),
        invitations.c.status == "pending",
    )
    .values(
        digest=bindparam("new_digest"),
        mailed_digest=bindparam("new_mailed_digest"),
        sent_at=bindparam("now"),
        expires_at=bindparam("new_expiry"),
    )
)
END_INVITATION = Statement(
    update(invitations)
    .where(
        invitations.c.inviting_tenant_id == bindparam("of_tenant"),
        invitations.c.id == bindparam("of_invitation"),
        invitations.c.status == "pending",
        invitations.c.expires_at > bindparam("now"),
    )
    .values(status=bindparam("new_status"), user_id=bindparam("by_user"))
)


def invite(
    database: Database,
    settings: Settings,
    tenant_id: int,
    *,
    email: str,
    name: str | None,
    role: Role,
    actor: Actor,
) -> SentInvitation:
    """Create an invitation to the tenant, and e-mail it if e-mail is configured. `email` is in normal form.

    The result does not reveal whether the address has an account. Raise `NotFound` if the tenant does not exist,
    `Conflict` if a member of the tenant has the address or it is already invited, and `Invalid` if too many invitations
    are pending.
    """
    now = utc_now()
    with database.transaction():
        lock_tenant(database, tenant_id)
        _check_invitable(database, tenant_id, email, now)
        made = Invitation(new_id(), email, name, role.value, "pending", actor.user_id, None, now, now, now + LIFETIME)
        tokens, sent = _links(settings, made)
        values: dict[str, Any] = structs.asdict(made) | tokens.digests
        database.execute(INSERT_INVITATION, values | {"inviting_tenant_id": tenant_id})
        _send(database, settings, tenant_id, sent, tokens)
        _record(database, "invitation.sent", tenant_id, made, actor)
    return sent


def resend_invitation(
    database: Database, settings: Settings, tenant_id: int, invitation_id: str, actor: Actor
) -> SentInvitation:
    """Replace the links of a pending or expired invitation and send it again. It is valid for seven days from now.

    Raise `NotFound` if it does not exist, and `Conflict` if it was accepted, declined or revoked, or was sent within
    the last minute.
    """
    now = utc_now()
    with database.transaction():
        lock_tenant(database, tenant_id)
        known = get_invitation(database, tenant_id, invitation_id)
        if known.status not in {"pending", "expired"}:
            raise Conflict(_("The invitation has ended. Send a new one."))
        if now - known.sent_at < RESEND_INTERVAL:
            raise Conflict(_("The invitation was sent less than a minute ago. Try again later."), retry_after=60)
        renewed = structs.replace(known, status="pending", sent_at=now, expires_at=now + LIFETIME)
        tokens, sent = _links(settings, renewed)
        values: dict[str, Any] = {f"new_{name}": value for name, value in tokens.digests.items()}
        values |= {"of_tenant": tenant_id, "of_invitation": invitation_id, "now": now, "new_expiry": renewed.expires_at}
        database.execute(RENEW_INVITATION, values)
        _send(database, settings, tenant_id, sent, tokens)
        _record(database, "invitation.resent", tenant_id, known, actor)
    return sent


def revoke_invitation(database: Database, tenant_id: int, invitation_id: str, actor: Actor) -> None:
    """Revoke a pending invitation. Do nothing if it has ended. Raise `NotFound` if it does not exist."""
    with database.transaction():
        known = get_invitation(database, tenant_id, invitation_id)
        if _end(database, tenant_id, known, "revoked", None):
            _record(database, "invitation.revoked", tenant_id, known, actor)


def list_invitations(database: Database, tenant_id: int) -> list[Invitation]:
    """Return the invitations of the tenant, newest first. They are kept until 30 days after `expires_at`."""
    now = utc_now()
    return [_invitation(row, now) for row in database.fetch_all(LIST_INVITATIONS, {"tenant_id": tenant_id})]


def get_invitation(database: Database, tenant_id: int, invitation_id: str) -> Invitation:
    """Return an invitation of the tenant. Raise `NotFound` if the tenant has no such invitation."""
    known = invitation_id.isprintable() and database.fetch_one(
        GET_INVITATION, {"tenant_id": tenant_id, "id": invitation_id}
    )
    if not known:
        raise NotFound(_("There is no such invitation."))
    return _invitation(known, utc_now())


def open_invitation(database: Database, token: str) -> OpenedInvitation | None:
    """Return the invitation of a link, even if it has ended, or None if the link is unknown or was replaced."""
    if not is_token(token, Kind.INVITATION):
        return None
    row = database.fetch_one(FIND_BY_LINK, {"digest": digest(token)})
    if row is None:
        return None
    *stored, tenant_id, mailed_digest, tenant_name, logo_url, inviter_name = row
    invitation = _invitation(tuple(stored), utc_now())
    proves_email = mailed_digest == digest(token)
    return OpenedInvitation(invitation, tenant_id, tenant_name, logo_url, inviter_name or "", proves_email)


def accept_invitation(database: Database, opened: OpenedInvitation, user: User) -> None:
    """Make the user a member with the role of the invitation. Only one user can accept an invitation.

    If the link was e-mailed to the user's address, mark the address as verified. Raise `Conflict` if the invitation has
    ended, the user is already a member, or another user has verified the address.
    """
    invitation, tenant_id = opened.invitation, opened.tenant_id
    with database.transaction():
        lock_tenant(database, tenant_id)
        if is_member(database, tenant_id, user.id):
            raise Conflict(_("You are already a member of {tenant}.", tenant=opened.tenant_name))
        if not _end(database, tenant_id, invitation, "accepted", user.id):
            raise Conflict(_("This invitation is no longer valid."))
        if opened.proves_email and user.email == invitation.email and not user.is_verified:
            verify_email(database, user, invitation.email)
        actor = Actor(user.id, CONSOLE)
        set_role(database, tenant_id, user.id, Role(invitation.role), actor)
        _record(database, "invitation.accepted", tenant_id, invitation, actor)


def decline_invitation(database: Database, opened: OpenedInvitation) -> None:
    """Decline an invitation. Raise `Conflict` if it has ended."""
    with database.transaction():
        if not _end(database, opened.tenant_id, opened.invitation, "declined", None):
            raise Conflict(_("This invitation is no longer valid."))
        # Owners can read this event. It names no user, because they must not learn whether the person has an account.
        _record(database, "invitation.declined", opened.tenant_id, opened.invitation, Actor(None, CONSOLE))


def sign_up(
    database: Database,
    opened: OpenedInvitation,
    *,
    name: str,
    password_hash: str,
    passkey: tuple[int, NewPasskey] | None = None,
) -> User:
    """Create a user with the invited address, and accept the invitation for the user. `name` is in normal form.

    The address counts as verified if the link was e-mailed. `passkey` is the result of `finish_sign_up`: the id for the
    user, and a first passkey.

    Raise `Conflict` if the invitation has ended. For an e-mailed link, also raise it if another user has verified the
    address; for the other link, if too many users have the address. The other link does not reveal whether the address
    has an account. Raise `Invalid` if the passkey is already registered.
    """
    email = opened.invitation.email
    with database.transaction():
        lock_tenant(database, opened.tenant_id)
        if not opened.proves_email and not has_room(database, email):
            raise Conflict(_("Too many accounts have this address. Ask for an invitation to another address."))
        user = add_user(
            database,
            email=email,
            name=name,
            password_hash=password_hash,
            is_verified=opened.proves_email,
            user_id=passkey[0] if passkey else None,
        )
        if user is None:
            raise Conflict(_("You already have an account with this address. Sign in to accept the invitation."))
        if passkey is not None:
            store_passkey(database, user.id, passkey[1], _("First passkey"))
        accept_invitation(database, opened, user)
    return user


class _Tokens(Struct, frozen=True):
    """The secrets of both links. `mailed` is None if e-mail is not configured."""

    shown: str
    mailed: str | None

    @property
    def digests(self) -> dict[str, str | None]:
        return {"digest": digest(self.shown), "mailed_digest": digest(self.mailed) if self.mailed else None}


def _links(settings: Settings, invitation: Invitation) -> tuple[_Tokens, SentInvitation]:
    mailed = new_token(Kind.INVITATION) if is_configured(settings) else None
    tokens = _Tokens(new_token(Kind.INVITATION), mailed)
    link = _link(settings, tokens.shown)
    return tokens, SentInvitation(**structs.asdict(invitation), link=link, is_mailed=mailed is not None)


def _link(settings: Settings, token: str) -> str:
    return f"{settings.origin}{INVITATION_PATH}?token={token}"


def _send(database: Database, settings: Settings, tenant_id: int, invitation: SentInvitation, tokens: _Tokens) -> None:
    if tokens.mailed is None:
        return
    tenant = get_tenant(database, tenant_id)
    inviter = get_user(database, invitation.invited_by).name if invitation.invited_by else ""
    message = render(
        settings,
        "invitation",
        invitation.email,
        tenant.language,
        inviter_name=inviter,
        tenant_name=tenant.name,
        role=invitation.role,
        link=_link(settings, tokens.mailed),
        expires_at=f"{invitation.expires_at:%Y-%m-%d}",
    )
    enqueue(database, settings, message)


def _check_invitable(database: Database, tenant_id: int, email: str, now: datetime) -> None:
    row = database.fetch_one(FIND_MEMBER, {"tenant_id": tenant_id, "email": email})
    if row is not None:
        sentence = _("{email} is already a member: user {id}.", email=email, id=row[0])
        raise Conflict(sentence, {"email": [sentence]})
    values: dict[str, Any] = {"tenant_id": tenant_id, "now": now}
    row = database.fetch_one(FIND_PENDING, {**values, "email": email})
    if row is not None:
        sentence = _("{email} is already invited. Resend or revoke the invitation {id}.", email=email, id=row[0])
        raise Conflict(sentence, {"email": [sentence]})
    row = database.fetch_one(COUNT_PENDING, values)
    if row is not None and row[0] >= MAX_PENDING:
        sentence = _("At most {limit} invitations can be pending. Revoke some first.", limit=MAX_PENDING)
        raise Invalid({"email": [sentence]})


def _end(database: Database, tenant_id: int, invitation: Invitation, status: Status, user_id: int | None) -> bool:
    """Set the status of a pending invitation. Return False, and change nothing, if it has ended or expired."""
    values = {"of_tenant": tenant_id, "of_invitation": invitation.id, "now": utc_now(), "new_status": status}
    return database.execute(END_INVITATION, values | {"by_user": user_id}) == 1


def _invitation(row: Row, now: datetime) -> Invitation:
    stored = Invitation(*row)
    has_expired = stored.status == "pending" and stored.expires_at <= now
    return structs.replace(stored, status="expired") if has_expired else stored


def _record(database: Database, kind: str, tenant_id: int, invitation: Invitation, actor: Actor) -> None:
    about = f"invitation {invitation.id}: {invitation.role}"
    audit.record(
        database,
        kind,
        user_id=actor.user_id,
        client_id=actor.client_id,
        about=about,
        address=actor.address,
        tenant_id=tenant_id,
    )
