"""End a user's access: sessions, grants of applications with their tokens, personal tokens and passkeys.

Access tokens end with their grant, on all servers within a second.
"""

from sqlalchemy import Delete, Table, Update, bindparam, delete, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import (
    customer_views,
    grants,
    invitations,
    memberships,
    one_time_tokens,
    passkeys,
    personal_tokens,
    sessions,
)
from regulars.security import audit
from regulars.security.auth_version import bump_auth_version

OFFLINE_ACCESS = "%offline_access%"


def _delete_of_user(table: Table) -> Delete:
    return delete(table).where(table.c.user_id == bindparam("user_id"))


def _end_grants() -> Update:
    return (
        update(grants)
        .where(grants.c.user_id == bindparam("of_user"), grants.c.ended_at.is_(None))
        .values(ended_at=bindparam("now"))
    )


DELETE_SESSIONS = Statement(_delete_of_user(sessions).where(sessions.c.id != bindparam("keep")))
LIST_SESSION_IDS = Statement(
    select(sessions.c.id)
    .where(sessions.c.user_id == bindparam("user_id"), sessions.c.id != bindparam("keep"))
    .order_by(sessions.c.id)
)
END_GRANTS = Statement(_end_grants())
END_SESSION_GRANTS = Statement(_end_grants().where(grants.c.session_id == bindparam("of_session")))
END_ONLINE_GRANTS = Statement(
    _end_grants().where(grants.c.session_id == bindparam("of_session"), grants.c.scopes.not_like(OFFLINE_ACCESS))
)
DELETE_ONE_TIME_TOKENS = Statement(_delete_of_user(one_time_tokens))
DELETE_PERSONAL_TOKENS = Statement(_delete_of_user(personal_tokens))
DELETE_TENANT_TOKENS = Statement(
    _delete_of_user(personal_tokens).where(personal_tokens.c.bound_tenant_id == bindparam("tenant_id"))
)
DELETE_PASSKEYS = Statement(_delete_of_user(passkeys))
DELETE_PERSONAL_VIEWS = Statement(
    _delete_of_user(customer_views).where(
        customer_views.c.tenant_id == bindparam("tenant_id"), ~customer_views.c.is_shared
    )
)
REVOKE_INVITATIONS = Statement(
    update(invitations)
    .where(
        invitations.c.inviting_tenant_id == bindparam("of_tenant"),
        invitations.c.invited_by == bindparam("of_user"),
        invitations.c.status == "pending",
    )
    .values(status="revoked")
)
# every tenant: finds any membership of one user.
FIND_MEMBERSHIP = Statement(
    select(memberships.c.tenant_id).where(
        memberships.c.user_id == bindparam("user_id"), memberships.c.deleted_at.is_(None)
    )
)


def end_access(
    database: Database,
    user_id: int,
    *,
    keep_session: str | None = None,
    with_tokens: bool = False,
    with_passkeys: bool = False,
) -> None:
    """End all sessions of the user except `keep_session`, and all grants. Delete the user's one-time tokens.

    Links in messages and sign-ins in progress become invalid with the one-time tokens. `with_tokens` also deletes
    personal tokens, `with_passkeys` also deletes passkeys.
    """
    with database.transaction():
        end_sessions(database, user_id, keep_session)
        if database.execute(END_GRANTS, {"of_user": user_id, "now": utc_now()}):
            audit.record(database, "grants.ended", user_id=user_id)
        database.execute(DELETE_ONE_TIME_TOKENS, {"user_id": user_id})
        if with_tokens and database.execute(DELETE_PERSONAL_TOKENS, {"user_id": user_id}):
            audit.record(database, "personal_tokens.revoked", user_id=user_id)
        if with_passkeys and database.execute(DELETE_PASSKEYS, {"user_id": user_id}):
            audit.record(database, "passkeys.deleted", user_id=user_id)
        bump_auth_version(database)


def end_sessions(database: Database, user_id: int, keep: str | None) -> list[str]:
    """End the sessions of the user except the one with the id `keep`. Return the ids of the ended ones."""
    values = {"user_id": user_id, "keep": keep or ""}
    with database.transaction():
        ended = [session_id for (session_id,) in database.fetch_all(LIST_SESSION_IDS, values)]
        database.execute(DELETE_SESSIONS, values)
        for session_id in ended:
            audit.record(database, "session.ended", user_id=user_id, about=session_id)
    return ended


def end_session_grants(database: Database, user_id: int, session_id: str, *, with_offline: bool) -> None:
    """End the grants made in a session. Keep those with the scope offline_access unless `with_offline` is true."""
    statement = END_SESSION_GRANTS if with_offline else END_ONLINE_GRANTS
    if database.execute(statement, {"of_user": user_id, "of_session": session_id, "now": utc_now()}):
        bump_auth_version(database)


def end_tenant_access(database: Database, tenant_id: int, user_id: int) -> None:
    """Delete a former member's personal tokens and views of the tenant, and revoke the pending invitations.

    If the user is not a member of any other tenant, end all sessions and grants, and delete all personal tokens.
    """
    database.execute(DELETE_TENANT_TOKENS, {"user_id": user_id, "tenant_id": tenant_id})
    database.execute(DELETE_PERSONAL_VIEWS, {"user_id": user_id, "tenant_id": tenant_id})
    revoke_invitations_of(database, tenant_id, user_id)
    if database.fetch_one(FIND_MEMBERSHIP, {"user_id": user_id}) is None:
        end_access(database, user_id, with_tokens=True)


def revoke_invitations_of(database: Database, tenant_id: int, user_id: int) -> None:
    """Revoke the pending invitations to the tenant that a former owner has sent."""
    database.execute(REVOKE_INVITATIONS, {"of_tenant": tenant_id, "of_user": user_id})
