"""Sessions of signed-in browsers. The browser has a token; the database stores the digest of the token."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy import bindparam, delete, insert, select, update

from regulars.accounts.access import end_session_grants, end_sessions
from regulars.accounts.users import ACCOUNT_DISABLED, get_user
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import sessions
from regulars.errors import Forbidden, NotFound, Unavailable
from regulars.i18n import _
from regulars.security import audit
from regulars.security.tokens import Kind, digest, is_token, new_id, new_token
from regulars.settings import Settings

FACTORS = {"pwd", "otp", "hwk"}
MAX_USER_AGENT_LENGTH = 200
EXTENSION_INTERVAL = timedelta(hours=1)


class Session(Struct, frozen=True):
    """A browser in which a user is signed in. `methods` are the authentication methods (RFC 8176)."""

    id: str
    user_id: int
    methods: tuple[str, ...]
    user_agent: str
    address: str
    authenticated_at: datetime
    created_at: datetime
    used_at: datetime
    expires_at: datetime


SESSION_FIELDS = tuple(Session.__struct_fields__)
SESSION_COLUMNS = [sessions.c[name] for name in SESSION_FIELDS]
INSERT_SESSION = Statement(insert(sessions).values({name: bindparam(name) for name in (*SESSION_FIELDS, "digest")}))
FIND_SESSION = Statement(
    select(*SESSION_COLUMNS).where(sessions.c.digest == bindparam("digest"), sessions.c.expires_at > bindparam("now"))
)
LIST_SESSIONS = Statement(
    select(*SESSION_COLUMNS)
    .where(sessions.c.user_id == bindparam("user_id"), sessions.c.expires_at > bindparam("now"))
    .order_by(sessions.c.used_at.desc(), sessions.c.id.desc())
)
EXTEND_SESSION = Statement(
    update(sessions)
    .where(sessions.c.id == bindparam("of_session"), sessions.c.used_at == bindparam("last_used"))
    .values(used_at=bindparam("now"), expires_at=bindparam("new_expiry"))
)
RENEW_SESSION = Statement(
    update(sessions)
    .where(sessions.c.id == bindparam("of_session"))
    .values(
        digest=bindparam("new_digest"),
        methods=bindparam("new_methods"),
        authenticated_at=bindparam("now"),
        used_at=bindparam("now"),
        expires_at=bindparam("new_expiry"),
    )
)
DELETE_SESSION = Statement(
    delete(sessions).where(sessions.c.user_id == bindparam("user_id"), sessions.c.id == bindparam("session_id"))
)


def start_session(
    database: Database,
    settings: Settings,
    user_id: int,
    methods: Sequence[str],
    *,
    user_agent: str,
    address: str,
) -> tuple[Session, str]:
    """Start a session for a user who has just signed in with `methods`. Return it with the token for the browser.

    Raise `Forbidden` if the user is disabled.
    """
    if get_user(database, user_id).disabled_at is not None:
        audit.record(database, "sign_in.refused", user_id=user_id, about="disabled", address=address)
        raise Forbidden(ACCOUNT_DISABLED, "disabled")
    now = utc_now()
    session = Session(
        id=new_id(),
        user_id=user_id,
        methods=_with_mfa(methods),
        user_agent="".join(filter(str.isprintable, user_agent))[:MAX_USER_AGENT_LENGTH],
        address=address,
        authenticated_at=now,
        created_at=now,
        used_at=now,
        expires_at=now + min(_lifetime(settings), _max_lifetime(settings)),
    )
    token = new_token(Kind.SESSION)
    values = {name: getattr(session, name) for name in SESSION_FIELDS}
    with database.transaction():
        database.execute(INSERT_SESSION, values | {"methods": " ".join(session.methods), "digest": digest(token)})
        audit.record(database, "session.started", user_id=user_id, about=session.id, address=address)
    return session, token


def find_session(database: Database, settings: Settings, token: str) -> Session | None:
    """Return the session with this token, or None if it does not exist or has ended. Extend its expiry if it is due.

    If another transaction is writing, the expiry is extended at a later request, so that visitors do not wait.
    """
    if not is_token(token, Kind.SESSION):
        return None
    now = utc_now()
    row = database.fetch_one(FIND_SESSION, {"digest": digest(token), "now": now})
    if row is None:
        return None
    session = _session(row)
    # Extend at most once an hour, so that not every request writes; more often if sessions are short.
    if now - session.used_at < min(EXTENSION_INTERVAL, _lifetime(settings) / 4):
        return session
    expires_at = min(now + _lifetime(settings), session.authenticated_at + _max_lifetime(settings))
    values = {"of_session": session.id, "last_used": session.used_at, "now": now, "new_expiry": expires_at}
    with suppress(Unavailable), database.transaction(nowait=True):
        database.execute(EXTEND_SESSION, values)
        session = _session((*row[:-2], now, expires_at))
    return session


def renew_authentication(
    database: Database, settings: Settings, session: Session, methods: Sequence[str]
) -> tuple[Session, str]:
    """Extend the session of a user who has authenticated again with `methods`. Return it with a new token.

    The old token becomes invalid, also for somebody who has stolen it. The session keeps its id, because grants refer
    to it. If it has ended, start another one. Raise `Forbidden` if the user is then disabled.
    """
    now = utc_now()
    token = new_token(Kind.SESSION)
    methods = _with_mfa(methods)
    expires_at = now + min(_lifetime(settings), _max_lifetime(settings))
    values = {
        "of_session": session.id,
        "new_digest": digest(token),
        "new_methods": " ".join(methods),
        "now": now,
        "new_expiry": expires_at,
    }
    with database.transaction():
        if not database.execute(RENEW_SESSION, values):
            # The session has ended in the meantime. The user has just authenticated, so start another one.
            return start_session(
                database, settings, session.user_id, methods, user_agent=session.user_agent, address=session.address
            )
        audit.record(database, "session.renewed", user_id=session.user_id, about=session.id, address=session.address)
    renewed = Session(
        session.id,
        session.user_id,
        methods,
        session.user_agent,
        session.address,
        now,
        session.created_at,
        now,
        expires_at,
    )
    return renewed, token


def list_sessions(database: Database, user_id: int) -> list[Session]:
    """Return the user's sessions that have not expired, most recently used first."""
    return [_session(row) for row in database.fetch_all(LIST_SESSIONS, {"user_id": user_id, "now": utc_now()})]


def end_session(database: Database, user_id: int, session_id: str) -> None:
    """End one of the user's sessions and all grants made in it. Raise `NotFound` if the user has no such session."""
    with database.transaction():
        _delete_session(database, user_id, session_id)
        end_session_grants(database, user_id, session_id, with_offline=True)


def sign_out_session(database: Database, session: Session) -> None:
    """End a session, and the grants made in it that do not have the scope offline_access.

    Do not raise an error if the session has already ended.
    """
    with database.transaction(), suppress(NotFound):
        end_session_grants(database, session.user_id, session.id, with_offline=False)
        _delete_session(database, session.user_id, session.id)


def end_other_sessions(database: Database, user_id: int, keep: str) -> None:
    """End all sessions of the user except the one with the id `keep`, and all grants made in the ended sessions."""
    with database.transaction():
        for session_id in end_sessions(database, user_id, keep):
            end_session_grants(database, user_id, session_id, with_offline=True)


def _delete_session(database: Database, user_id: int, session_id: str) -> None:
    known = session_id.isprintable() and database.execute(
        DELETE_SESSION, {"user_id": user_id, "session_id": session_id}
    )
    if not known:
        raise NotFound(_("This session does not exist. It may have ended already."))
    audit.record(database, "session.ended", user_id=user_id, about=session_id)


def _session(row: Sequence[object]) -> Session:
    values = dict(zip(SESSION_FIELDS, row, strict=True))
    return Session(**values | {"methods": tuple(str(values["methods"]).split())})  # type: ignore[arg-type]


def _with_mfa(methods: Sequence[str]) -> tuple[str, ...]:
    given = tuple(dict.fromkeys(methods))
    return (*given, "mfa") if len(FACTORS & set(given)) > 1 and "mfa" not in given else given


def _lifetime(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.session_lifetime)


def _max_lifetime(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.session_max_lifetime)
