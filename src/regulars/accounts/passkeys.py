"""Passkeys: sign-in with a key on the user's phone, computer or security key (WebAuthn)."""

from datetime import datetime
from urllib.parse import urlsplit

from msgspec import Struct
from sqlalchemy import bindparam, delete, insert, select, update
from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialCreationOptions,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from regulars.accounts.one_time_tokens import create_one_time_token, take_one_time_token
from regulars.accounts.users import User, name_faults
from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import passkeys
from regulars.errors import Conflict, Invalid, NotFound
from regulars.i18n import _
from regulars.security import audit
from regulars.settings import Settings

REGISTRATION = "passkey registration"
SIGN_UP = "passkey sign-up"
SIGN_IN = "passkey sign-in"
CHALLENGE_SECONDS = 300
MAX_CREDENTIAL_LENGTH = 65536
TOO_LATE = _("Creating the passkey took too long. Try again.")
DEFAULT_PORTS = {"http": 80, "https": 443}


class Passkey(Struct, frozen=True):
    """A passkey as its user sees it."""

    id: str
    name: str
    created_at: datetime
    used_at: datetime | None


PASSKEY_COLUMNS = ("id", "user_id", "name", "public_key", "sign_count", "transports", "created_at")
INSERT_PASSKEY = Statement(insert(passkeys).values({name: bindparam(name) for name in PASSKEY_COLUMNS}))
LIST_PASSKEYS = Statement(
    select(passkeys.c.id, passkeys.c.name, passkeys.c.created_at, passkeys.c.used_at)
    .where(passkeys.c.user_id == bindparam("user_id"))
    .order_by(passkeys.c.created_at, passkeys.c.id)
)
LIST_CREDENTIALS = Statement(
    select(passkeys.c.id, passkeys.c.transports)
    .where(passkeys.c.user_id == bindparam("user_id"))
    .order_by(passkeys.c.id)
)
GET_PASSKEY = Statement(
    select(passkeys.c.user_id, passkeys.c.public_key, passkeys.c.sign_count).where(passkeys.c.id == bindparam("id"))
)
UPDATE_SIGN_COUNT = Statement(
    update(passkeys)
    .where(passkeys.c.id == bindparam("of_passkey"), passkeys.c.sign_count == bindparam("old_count"))
    .values(sign_count=bindparam("new_count"), used_at=bindparam("now"))
)
DELETE_PASSKEY = Statement(
    delete(passkeys).where(passkeys.c.id == bindparam("id"), passkeys.c.user_id == bindparam("user_id"))
)


class NewPasskey(Struct, frozen=True):
    """A passkey that a browser has created and that is verified, but not stored."""

    id: str
    public_key: bytes
    sign_count: int
    transports: str


def begin_registration(database: Database, settings: Settings, user: User) -> tuple[str, str]:
    """Start the registration of a passkey.

    Return the options for `navigator.credentials.create` in the browser, as JSON, and the token for
    `finish_registration`.
    """
    known = [
        PublicKeyCredentialDescriptor(
            id=base64url_to_bytes(passkey_id),
            transports=[AuthenticatorTransport(name) for name in transports.split()],
        )
        for passkey_id, transports in database.fetch_all(LIST_CREDENTIALS, {"user_id": user.id})
    ]
    options = _registration_options(settings, user.id, user.email, user.name, known)
    token = create_one_time_token(
        database, settings, REGISTRATION, options.challenge, user_id=user.id, seconds=CHALLENGE_SECONDS
    )
    return options_to_json(options), token


def finish_registration(
    database: Database, settings: Settings, user_id: int, challenge_token: str, credential_json: str, name: str
) -> Passkey:
    """Store the passkey that the browser has created, and return it.

    Raise `Invalid` if the name or the passkey is not valid, the passkey is already registered, or the token has expired
    or was used.
    """
    if faults := name_faults(name):
        raise Invalid({"name": faults})
    challenge = take_one_time_token(database, settings, REGISTRATION, challenge_token, user_id=user_id)
    if challenge is None:
        raise Invalid({"passkey": [TOO_LATE]})
    return store_passkey(database, user_id, _registered(settings, challenge[1], credential_json), name.strip())


def begin_sign_up(database: Database, settings: Settings, email: str, name: str) -> tuple[str, str]:
    """Start the registration of a passkey for a user who does not exist yet, and reserve an id for the user.

    Return the same options as `begin_registration`, and the token for `finish_sign_up`.
    """
    (user_id,) = database.new_ids("user_ids", 1)
    options = _registration_options(settings, user_id, email, name, [])
    content = _handle(user_id) + b":" + options.challenge
    return options_to_json(options), create_one_time_token(
        database, settings, SIGN_UP, content, seconds=CHALLENGE_SECONDS
    )


def finish_sign_up(
    database: Database, settings: Settings, challenge_token: str, credential_json: str
) -> tuple[int, NewPasskey]:
    """Return the id that `begin_sign_up` reserved, and the passkey that the browser has created.

    The caller creates the user with this id, and calls `store_passkey`. Raise `Invalid` if the passkey is not valid, or
    the token has expired or was used.
    """
    challenge = take_one_time_token(database, settings, SIGN_UP, challenge_token)
    if challenge is None:
        raise Invalid({"passkey": [TOO_LATE]})
    user_id, _colon, its_challenge = challenge[1].partition(b":")
    return int(user_id), _registered(settings, its_challenge, credential_json)


def store_passkey(database: Database, user_id: int, new: NewPasskey, name: str) -> Passkey:
    """Store a passkey of the user, and return it. Raise `Invalid` if it is already registered."""
    now = utc_now()
    values = {
        "id": new.id,
        "user_id": user_id,
        "name": name,
        "public_key": new.public_key,
        "sign_count": new.sign_count,
        "transports": new.transports,
        "created_at": now,
    }
    try:
        with database.transaction():
            database.execute(INSERT_PASSKEY, values)
            audit.record(database, "passkey.created", user_id=user_id, about=new.id)
    except Conflict:
        raise Invalid({"passkey": [_("This passkey is already registered.")]}) from None
    return Passkey(new.id, name, now, None)


def _registration_options(
    settings: Settings, user_id: int, email: str, name: str, known: list[PublicKeyCredentialDescriptor]
) -> PublicKeyCredentialCreationOptions:
    return generate_registration_options(
        rp_id=_host(settings),
        rp_name="Regulars",
        user_id=_handle(user_id),
        user_name=email,
        user_display_name=name,
        timeout=CHALLENGE_SECONDS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=known,
    )


def begin_sign_in(database: Database, settings: Settings) -> tuple[str, str]:
    """Start a sign-in with a passkey of any user.

    Return the options for `navigator.credentials.get` in the browser, as JSON, and the token for `finish_sign_in`.
    """
    options = generate_authentication_options(
        rp_id=_host(settings), timeout=CHALLENGE_SECONDS * 1000, user_verification=UserVerificationRequirement.REQUIRED
    )
    token = create_one_time_token(database, settings, SIGN_IN, options.challenge, seconds=CHALLENGE_SECONDS)
    return options_to_json(options), token


def finish_sign_in(database: Database, settings: Settings, challenge_token: str, credential_json: str) -> int | None:
    """Verify the browser's response, and record the use of the passkey. Return the id of its user.

    Return None if the response is not valid, or the token has expired or was used.
    """
    challenge = take_one_time_token(database, settings, SIGN_IN, challenge_token)
    credential = _credential(credential_json)
    if challenge is None or credential is None:
        return None
    row = database.fetch_one(GET_PASSKEY, {"id": credential.id})
    if row is None or credential.response.user_handle != _handle(row[0]):
        return None
    new_count = _used(settings, challenge[1], credential, row)
    if new_count is None:
        return None
    now = utc_now()
    values = {"of_passkey": credential.id, "old_count": row[2], "new_count": new_count, "now": now}
    return int(row[0]) if database.execute(UPDATE_SIGN_COUNT, values) == 1 else None


def list_passkeys(database: Database, user_id: int) -> list[Passkey]:
    """Return the passkeys of a user, oldest first."""
    return [Passkey(*row) for row in database.fetch_all(LIST_PASSKEYS, {"user_id": user_id})]


def delete_passkey(database: Database, user_id: int, passkey_id: str) -> None:
    """Delete a passkey of the user. Raise `NotFound` if the user has no such passkey."""
    with database.transaction():
        if not passkey_id.isprintable() or not database.execute(DELETE_PASSKEY, {"id": passkey_id, "user_id": user_id}):
            raise NotFound(_("This passkey does not exist. It may have been deleted already."))
        audit.record(database, "passkey.deleted", user_id=user_id, about=passkey_id)


def _registered(settings: Settings, challenge: bytes, text: str) -> NewPasskey:
    """Verify a passkey that the browser has created, and return it. Raise `Invalid` if it is not valid."""
    try:
        if len(text) > MAX_CREDENTIAL_LENGTH:
            raise ValueError("the credential is too long")
        credential = parse_registration_credential_json(text)
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(settings),
            expected_origin=_origin(settings),
            require_user_verification=True,
        )
    except Exception:  # the parsers raise many kinds of exceptions for bad input
        raise Invalid({"passkey": [_("The passkey could not be verified. Try again.")]}) from None
    transports = " ".join(transport.value for transport in credential.response.transports or [])
    return NewPasskey(
        bytes_to_base64url(verified.credential_id),
        verified.credential_public_key,
        verified.sign_count,
        transports,
    )


def _credential(text: str) -> AuthenticationCredential | None:
    if len(text) > MAX_CREDENTIAL_LENGTH:
        return None
    try:
        credential = parse_authentication_credential_json(text)
    except Exception:  # the parsers raise many kinds of exceptions for bad input
        return None
    return credential if credential.id.isascii() and credential.id.isprintable() else None


def _used(settings: Settings, challenge: bytes, credential: AuthenticationCredential, row: Row) -> int | None:
    """Verify that the passkey in `row` signed the challenge. Return its new sign counter, or None if it did not."""
    try:
        return verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=_host(settings),
            expected_origin=_origin(settings),
            credential_public_key=row[1],
            credential_current_sign_count=row[2],
            require_user_verification=True,
        ).new_sign_count
    except Exception:  # the parsers raise many kinds of exceptions for bad input
        return None


def _handle(user_id: int) -> bytes:
    return str(user_id).encode()


def _host(settings: Settings) -> str:
    return urlsplit(settings.origin).hostname or ""


def _origin(settings: Settings) -> str:
    """Return the origin as browsers write it, without a default port."""
    parts = urlsplit(settings.origin)
    has_port = parts.port is not None and parts.port != DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{_host(settings)}" + (f":{parts.port}" if has_port else "")
