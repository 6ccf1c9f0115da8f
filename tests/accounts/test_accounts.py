"""Accounts: passwords, failed attempts, sessions, one-time tokens, second factors, passkeys and memberships."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import cbor2
import pyotp
import pytest
from argon2 import PasswordHasher
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import bindparam, select, update
from webauthn import base64url_to_bytes
from webauthn.helpers import bytes_to_base64url

from regulars.accounts import passkeys
from regulars.accounts import throttle as attempts
from regulars.accounts.memberships import add_member, list_members, memberships_of, remove_member
from regulars.accounts.one_time_tokens import create_one_time_token, peek_one_time_token, take_one_time_token
from regulars.accounts.passwords import check_password, confirm_password, hash_new_password, store_password
from regulars.accounts.recovery_codes import count_recovery_codes, new_recovery_codes, use_recovery_code
from regulars.accounts.sessions import (
    Session,
    end_other_sessions,
    end_session,
    find_session,
    list_sessions,
    renew_authentication,
    start_session,
)
from regulars.accounts.totp import check_totp, disable_totp, enable_totp, has_totp, new_totp_secret, totp_uri
from regulars.accounts.users import find_user_by_subject, get_user, link_subject, update_name
from regulars.clock import utc_now
from regulars.db.statement import Statement
from regulars.db.tables import one_time_tokens, sessions, users
from regulars.errors import ConfigurationError, Conflict, Invalid, NotFound
from regulars.oauth.signing_keys import rotate_key
from regulars.permissions import Role
from regulars.security.audit import list_events
from regulars.settings import Settings
from tests.support.other_writer import during_write
from tests.support.world import NOON, PASSWORD, World

AGENT = "Mozilla/5.0"
PASSWORD_HASH = Statement(select(users.c.password_hash).where(users.c.id == bindparam("id")))
SESSION_TIMES = Statement(
    update(sessions).values(used_at=bindparam("new_used_at"), expires_at=bindparam("new_expires_at"))
)
SIGN_IN_TIME = Statement(update(sessions).values(authenticated_at=bindparam("then")))
EXPIRE_CHALLENGES = Statement(update(one_time_tokens).values(expires_at=bindparam("then")))


def count_successes(attempt: Callable[[], object]) -> int:
    """Run `attempt` eight times, in four threads, and return the number of successes."""
    with ThreadPoolExecutor(4) as pool:
        return sum(bool(future.result()) for future in [pool.submit(attempt) for _ in range(8)])


def kinds(world: World) -> list[str]:
    """Return the sorted kinds of the audit events, except those of users and members that the world creates."""
    # The world creates users and members.
    made = {"user.created", "member.added"}
    return sorted(event.kind for event in list_events(world.database) if event.kind not in made)


# Passwords


def set_password(world: World, password: str) -> None:
    """Give Alice another password."""
    alice = get_user(world.database, world.alice)
    store_password(world.database, world.settings, alice, hash_new_password(alice, password))


def test_a_password_is_right_or_wrong(empty_world: World) -> None:
    database = empty_world.database
    user = check_password(database, " Alice@Example.com", PASSWORD)
    assert user is not None
    assert user.id == empty_world.alice
    for email, password in (
        ("alice@example.com", PASSWORD + "!"),
        ("alice@example.com", ""),
        ("alice@example.com", "\ud800\0"),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("alice@example.com\0", PASSWORD),
    ):
        assert check_password(database, email, password) is None
    assert confirm_password(database, empty_world.alice, PASSWORD)
    assert not confirm_password(database, empty_world.alice, "another one")
    assert not confirm_password(database, 999, PASSWORD)


def test_passwords_are_not_truncated(empty_world: World) -> None:
    longest = "xyz1" * 256
    set_password(empty_world, longest)
    assert confirm_password(empty_world.database, empty_world.alice, longest)
    assert not confirm_password(empty_world.database, empty_world.alice, longest + "x")


def test_an_unknown_address_costs_as_much_as_a_wrong_password(
    empty_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_password(empty_world.database, "nobody@example.com", "x")
    verified: list[str] = []

    class Counting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> Any:
            verified.append(str(hash))
            return super().verify(hash, password)

    monkeypatch.setattr("regulars.accounts.users.hasher", lambda: Counting(1, 8, 1))
    for email, password in (("nobody@example.com", "x"), ("alice@example.com", "x"), ("alice@example.com", "x" * 2000)):
        assert check_password(empty_world.database, email, password) is None
    assert len(verified) == 3
    assert len({text.rpartition("$")[0].rpartition("$")[0] for text in verified}) == 1


def test_a_password_is_rehashed_when_the_parameters_change(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.accounts.users.hasher", lambda: PasswordHasher(2, 16, 1))
    for _ in range(2):
        assert check_password(empty_world.database, "alice@example.com", PASSWORD)
        row = empty_world.database.fetch_one(PASSWORD_HASH, {"id": empty_world.alice})
        assert row is not None
        assert "m=16,t=2,p=1" in row[0]


def test_another_password_takes_the_place_of_the_old_one(empty_world: World) -> None:
    database = empty_world.database
    for bad in ("short", "x" * 1025):
        with pytest.raises(Invalid, match="8 to 1024"):
            set_password(empty_world, bad)
    set_password(empty_world, "a new password")
    assert confirm_password(database, empty_world.alice, "a new password")
    assert not confirm_password(database, empty_world.alice, PASSWORD)
    assert kinds(empty_world) == ["password.changed"]


# Failed attempts


def fail(world: World, key: str, times: int, at: datetime = NOON) -> list[int]:
    """Record a number of failures and return the seconds to wait after each of them."""
    waits = []
    for _ in range(times):
        attempts.record_failure(world.database, [key], at)
        waits.append(attempts.seconds_to_wait(world.database, [key], at))
    return waits


def test_after_five_failures_the_waiting_time_grows_up_to_a_limit(empty_world: World) -> None:
    key = attempts.account_key("Alice@example.com")
    assert attempts.seconds_to_wait(empty_world.database, [key], NOON) == 0
    assert fail(empty_world, key, 14) == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    for later, wait in ((1, 59), (59, 1), (60, 0), (3599, 0)):
        assert attempts.seconds_to_wait(empty_world.database, [key], NOON + timedelta(seconds=later)) == wait
    assert attempts.seconds_to_wait(empty_world.database, [attempts.account_key("bob@example.com")], NOON) == 0


def test_an_address_has_twenty_free_failures_since_many_people_may_share_it(empty_world: World) -> None:
    assert fail(empty_world, attempts.address_key("192.0.2.7"), 22) == [0] * 20 + [1, 2]


def test_the_longest_wait_counts(empty_world: World) -> None:
    account, address = attempts.account_key("alice@example.com"), attempts.address_key("192.0.2.7")
    fail(empty_world, account, 8)
    fail(empty_world, address, 21)
    assert attempts.seconds_to_wait(empty_world.database, [address, account], NOON) == 4


def test_failures_are_forgotten_after_an_hour_or_a_success(empty_world: World) -> None:
    key, other = attempts.account_key("alice@example.com"), attempts.browser_key("a browser's token")
    fail(empty_world, key, 9)
    fail(empty_world, other, 9)
    attempts.forget_failures(empty_world.database, [key])
    assert attempts.seconds_to_wait(empty_world.database, [key], NOON) == 0
    assert attempts.seconds_to_wait(empty_world.database, [other], NOON) == 8
    assert fail(empty_world, other, 6, NOON + timedelta(seconds=3601)) == [0, 0, 0, 0, 0, 1]


def test_parallel_failures_are_all_counted(empty_world: World) -> None:
    keys = [attempts.account_key("alice@example.com"), attempts.address_key("192.0.2.7")]

    def at_once(number: int) -> None:
        attempts.record_failure(empty_world.database, keys if number % 2 else keys[::-1], NOON)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(at_once, range(22)))
    assert attempts.seconds_to_wait(empty_world.database, [keys[1]], NOON) == 2
    assert attempts.seconds_to_wait(empty_world.database, [keys[0]], NOON) == 60


def test_throttle_keys_are_digests_and_one_per_ipv6_network() -> None:
    assert "alice" not in attempts.account_key("alice@example.com")
    key = attempts.address_key
    assert "192.0.2.7" not in key("192.0.2.7")
    assert key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::2") != key("2001:db8:1:3::1")
    assert key("::ffff:192.0.2.7") == key("192.0.2.7") != key("192.0.2.8")
    assert key("unknown") != key("")


# Sessions


def signed_in(world: World, user: int | None = None, **options: Any) -> tuple[Session, str]:
    chosen: dict[str, Any] = {"user_agent": AGENT, "address": "192.0.2.7"} | options
    return start_session(world.database, world.settings, user or world.alice, ["pwd"], **chosen)


def test_a_session_is_found_by_its_token_until_it_ends(empty_world: World) -> None:
    database, settings = empty_world.database, empty_world.settings
    session, token = signed_in(empty_world, user_agent="Mozilla\r\n\0" + "x" * 500)
    assert session.user_agent == "Mozilla" + "x" * 193
    assert session.methods == ("pwd",)
    assert session.expires_at - session.created_at == timedelta(seconds=settings.session_lifetime)
    assert find_session(database, settings, token) == session
    assert list_sessions(database, empty_world.alice) == [session]
    for wrong in ("", "x", token[:-1], token + "x"):
        assert find_session(database, settings, wrong) is None
    end_session(database, empty_world.alice, session.id)
    assert find_session(database, settings, token) is None
    assert kinds(empty_world) == ["session.ended", "session.started"]


def test_two_methods_are_more_than_one(empty_world: World) -> None:
    session, token = start_session(
        empty_world.database, empty_world.settings, empty_world.bob, ["pwd", "otp"], user_agent=AGENT, address=""
    )
    assert session.methods == ("pwd", "otp", "mfa")
    assert find_session(empty_world.database, empty_world.settings, token) == session


def test_a_session_lasts_as_long_as_it_is_used(empty_world: World) -> None:
    database, settings = empty_world.database, empty_world.settings
    session, token = signed_in(empty_world)
    lifetime = timedelta(seconds=settings.session_lifetime)
    for idle, is_moved in ((timedelta(minutes=50), False), (timedelta(minutes=61), True)):
        used_at = utc_now() - idle
        database.execute(SESSION_TIMES, {"new_used_at": used_at, "new_expires_at": used_at + lifetime})
        found = find_session(database, settings, token)
        assert found is not None
        assert (found.used_at > used_at) is is_moved
        assert found.expires_at == found.used_at + lifetime
        assert list_sessions(database, empty_world.alice) == [found]
        assert found.authenticated_at == session.authenticated_at
    database.execute(SESSION_TIMES, {"new_used_at": utc_now() - lifetime, "new_expires_at": utc_now()})
    assert find_session(database, settings, token) is None
    assert list_sessions(database, empty_world.alice) == []


def test_using_a_session_extends_it_at_most_to_its_maximum_lifetime(empty_world: World) -> None:
    settings = replace(empty_world.settings, session_lifetime=3600, session_max_lifetime=86400)
    _, token = start_session(empty_world.database, settings, empty_world.alice, ["pwd"], user_agent=AGENT, address="")
    signed_in_at = utc_now() - timedelta(seconds=86400 - 60)
    empty_world.database.execute(SIGN_IN_TIME, {"then": signed_in_at})
    used_at = utc_now() - timedelta(minutes=50)
    empty_world.database.execute(
        SESSION_TIMES, {"new_used_at": used_at, "new_expires_at": used_at + timedelta(hours=1)}
    )
    found = find_session(empty_world.database, settings, token)
    assert found is not None
    assert found.expires_at == signed_in_at + timedelta(days=1)


def test_a_page_does_not_wait_for_a_writer(empty_world: World) -> None:
    database, settings = empty_world.database, empty_world.settings
    session, token = signed_in(empty_world)
    used_at = utc_now() - timedelta(minutes=61)
    database.execute(SESSION_TIMES, {"new_used_at": used_at, "new_expires_at": session.expires_at})
    found = during_write(empty_world, lambda: find_session(database, settings, token))
    assert found is not None
    assert found.id == session.id
    found = find_session(database, settings, token)
    assert found is not None
    assert found.used_at > used_at


def test_a_short_session_lasts_as_long_as_it_is_used_too(empty_world: World) -> None:
    settings = replace(empty_world.settings, session_lifetime=300)
    _, token = start_session(empty_world.database, settings, empty_world.bob, ["hwk"], user_agent=AGENT, address="")
    used_at = utc_now() - timedelta(seconds=80)
    empty_world.database.execute(
        SESSION_TIMES, {"new_used_at": used_at, "new_expires_at": used_at + timedelta(seconds=300)}
    )
    found = find_session(empty_world.database, settings, token)
    assert found is not None
    assert found.used_at > used_at


def test_a_repeated_sign_in_renews_the_session_token(empty_world: World) -> None:
    database, settings = empty_world.database, empty_world.settings
    session, old = signed_in(empty_world)
    renewed, new = renew_authentication(database, settings, session, ["pwd", "otp"])
    assert find_session(database, settings, old) is None
    assert find_session(database, settings, new) == renewed
    assert (renewed.id, renewed.methods) == (session.id, ("pwd", "otp", "mfa"))

    end_session(database, empty_world.alice, session.id)
    again, newest = renew_authentication(database, settings, renewed, ["pwd"])
    assert again.id != session.id
    assert find_session(database, settings, newest) == again
    assert find_session(database, settings, new) is None


def test_users_end_only_their_own_sessions(empty_world: World) -> None:
    database, settings = empty_world.database, empty_world.settings
    (mine, token), (_, other), (_, third) = (signed_in(empty_world) for _ in range(3))
    _, bobs = signed_in(empty_world, empty_world.bob)
    for session_id in (mine.id, "none", "a\0b"):
        with pytest.raises(NotFound):
            end_session(database, empty_world.bob, session_id)
    end_other_sessions(database, empty_world.alice, mine.id)
    assert find_session(database, settings, token) == mine
    assert find_session(database, settings, other) is None
    assert find_session(database, settings, third) is None
    assert find_session(database, settings, bobs) is not None
    assert kinds(empty_world).count("session.ended") == 2


# One-time tokens


def test_a_one_time_token_is_valid_once_and_for_its_purpose_only(empty_world: World) -> None:
    database, settings = empty_world.database, empty_world.settings
    token = create_one_time_token(database, settings, "second factor", b"\0what was", user_id=empty_world.alice)
    assert peek_one_time_token(database, settings, "another", token) is None
    assert take_one_time_token(database, settings, "another", token) is None
    assert peek_one_time_token(database, settings, "second factor", token) == (empty_world.alice, b"\0what was")
    assert take_one_time_token(database, settings, "second factor", token) == (empty_world.alice, b"\0what was")
    assert peek_one_time_token(database, settings, "second factor", token) is None
    assert take_one_time_token(database, settings, "second factor", token) is None
    nobodys = create_one_time_token(database, settings, "passkey", b"")
    assert take_one_time_token(database, settings, "passkey", nobodys) == (None, b"")
    assert take_one_time_token(database, settings, "passkey", "made up") is None


def test_of_parallel_uses_of_a_one_time_token_one_succeeds(empty_world: World) -> None:
    database, settings = empty_world.database, empty_world.settings
    token = create_one_time_token(database, settings, "second factor", b"content")
    assert count_successes(lambda: take_one_time_token(database, settings, "second factor", token)) == 1


def test_a_challenge_expires_and_is_not_read_with_another_secret_key(empty_world: World) -> None:
    database, settings = empty_world.database, empty_world.settings
    token = create_one_time_token(database, settings, "second factor", b"content")
    assert take_one_time_token(database, another_secret(settings), "second factor", token) is None
    database.execute(EXPIRE_CHALLENGES, {"then": utc_now()})
    assert peek_one_time_token(database, settings, "second factor", token) is None
    assert take_one_time_token(database, settings, "second factor", token) is None


def another_secret(settings: Settings) -> Settings:
    return replace(settings, secret_key="another secret key that is long enough")


def test_another_secret_key_gives_one_sentence(empty_world: World) -> None:
    empty_world.token(empty_world.alice)
    empty_world.settings = another_secret(empty_world.settings)
    with pytest.raises(ConfigurationError, match="encrypted with another secret key"):
        empty_world.token(empty_world.alice)
    rotate_key(empty_world.database, empty_world.settings)
    assert empty_world.token(empty_world.alice)


# TOTP and recovery codes


@pytest.fixture
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock, because codes change every 30 seconds."""
    monkeypatch.setattr("regulars.accounts.totp.time", SimpleNamespace(time=NOON.timestamp))


def code_of(secret: str, steps: int = 0) -> str:
    """Return the current code of the authenticator app, or the code a number of steps later."""
    return pyotp.TOTP(secret).generate_otp(int(NOON.timestamp()) // 30 + steps)


def with_totp(world: World) -> str:
    """Enable TOTP for Alice and return the secret. This uses the code of the step before the current one."""
    secret = new_totp_secret()
    assert enable_totp(world.database, world.settings, world.alice, secret, code_of(secret, -1))
    return secret


@pytest.mark.usefixtures("stopped_clock")
def test_codes_are_required_after_the_first_correct_one(empty_world: World) -> None:
    database, settings, alice = empty_world.database, empty_world.settings, empty_world.alice
    secret = new_totp_secret()
    assert len(base32(secret)) == 20
    assert totp_uri(secret, "alice@example.com") == (
        f"otpauth://totp/Regulars:alice%40example.com?secret={secret}&issuer=Regulars"
    )
    assert enable_totp(database, settings, alice, secret, code_of(secret, 5)) is None
    assert not has_totp(database, alice)
    codes = enable_totp(database, settings, alice, secret, code_of(secret))
    assert codes is not None
    assert len(codes) == 10
    assert has_totp(database, alice)
    assert not has_totp(database, empty_world.bob)
    assert not check_totp(database, settings, empty_world.bob, code_of(secret))
    disable_totp(database, alice)
    assert not has_totp(database, alice)
    assert count_recovery_codes(database, alice) == 0
    assert not check_totp(database, settings, alice, code_of(secret, 1))
    assert kinds(empty_world) == ["recovery_codes.created", "totp.disabled", "totp.enabled"]


def base32(secret: str) -> bytes:
    return pyotp.TOTP(secret).byte_secret()


@pytest.mark.usefixtures("stopped_clock")
def test_a_totp_code_is_valid_once_for_90_seconds(empty_world: World) -> None:
    database, settings, alice = empty_world.database, empty_world.settings, empty_world.alice
    secret = with_totp(empty_world)
    good = code_of(secret)
    for wrong in (code_of(secret, -4), code_of(secret, 4), "", "12345", "abcdef", "١٢٣٤٥٦", good + "0"):
        assert not check_totp(database, settings, alice, wrong)
    assert not check_totp(database, another_secret(settings), alice, good)
    assert check_totp(database, settings, alice, f" {good[:3]} {good[3:]}")
    assert not check_totp(database, settings, alice, good)
    assert check_totp(database, settings, alice, code_of(secret, 1))
    assert not check_totp(database, settings, alice, code_of(secret))


@pytest.mark.usefixtures("stopped_clock")
def test_of_parallel_uses_of_a_totp_code_one_succeeds(empty_world: World) -> None:
    code = code_of(with_totp(empty_world))
    assert count_successes(lambda: check_totp(empty_world.database, empty_world.settings, empty_world.alice, code)) == 1


@pytest.mark.usefixtures("stopped_clock")
def test_the_secret_of_the_app_is_not_in_the_database(empty_world: World) -> None:
    secret = with_totp(empty_world)
    statement = Statement(select(users.c.totp_secret).where(users.c.id == bindparam("id")))
    row = empty_world.database.fetch_one(statement, {"id": empty_world.alice})
    assert row is not None
    assert secret.encode() not in row[0]
    assert base32(secret) not in row[0]


def test_a_recovery_code_is_valid_once_in_any_spelling(empty_world: World) -> None:
    database, alice = empty_world.database, empty_world.alice
    old = new_recovery_codes(database, alice)
    codes = new_recovery_codes(database, alice)
    assert len(set(codes)) == 10
    assert all(len(code) == 14 and code[4] == code[9] == "-" for code in codes)
    assert not use_recovery_code(database, alice, old[0])
    assert not use_recovery_code(database, empty_world.bob, codes[0])
    for wrong in ("", "abcd-efgh", "\ud800" * 12):
        assert not use_recovery_code(database, alice, wrong)
    assert use_recovery_code(database, alice, codes[0])
    assert not use_recovery_code(database, alice, codes[0])
    assert use_recovery_code(database, alice, f" {codes[1].upper().replace('-', ' ').replace('0', 'O')} ")
    assert use_recovery_code(database, alice, codes[2].replace("-", "").replace("1", "l"))
    assert count_recovery_codes(database, alice) == 7


def test_of_parallel_uses_of_a_recovery_code_one_succeeds(empty_world: World) -> None:
    codes = new_recovery_codes(empty_world.database, empty_world.alice)
    assert count_successes(lambda: use_recovery_code(empty_world.database, empty_world.alice, codes[0])) == 1
    assert count_recovery_codes(empty_world.database, empty_world.alice) == 9


# Passkeys


@dataclass
class Authenticator:
    """Software authenticator with one passkey (WebAuthn, sections 6 and 7)."""

    origin: str = "http://localhost:8000"
    host: str = "localhost"
    flags: int = 0b101  # flags: user present, user verified
    count: int = 0
    handle: str = ""
    passkey_id: bytes = b"a passkey's id, chosen by it"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: str) -> str:
        """Return the response of `navigator.credentials.create`."""
        wanted = json.loads(options)
        self.handle = wanted["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.passkey_id).to_bytes(2, "big") + self.passkey_id + cbor2.dumps(cose)
        statement = {"fmt": "none", "attStmt": {}, "authData": self._data(self.flags | 0b1000000) + attested}
        return self._credential(
            clientDataJSON=self._client_data("webauthn.create", wanted["challenge"]),
            attestationObject=cbor2.dumps(statement),
            transports=["internal", "hybrid", "carrier pigeon"],
        )

    def sign(self, options: str) -> str:
        """Return the response of `navigator.credentials.get`."""
        client_data = self._client_data("webauthn.get", json.loads(options)["challenge"])
        data = self._data(self.flags)
        signed = data + hashlib.sha256(client_data).digest()
        return self._credential(
            clientDataJSON=client_data,
            authenticatorData=data,
            signature=self.key.sign(signed, ec.ECDSA(SHA256())),
            userHandle=self.handle,
        )

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _credential(self, **response: Any) -> str:
        passkey_id = bytes_to_base64url(self.passkey_id)
        encoded = {
            name: bytes_to_base64url(value) if isinstance(value, bytes) else value for name, value in response.items()
        }
        return json.dumps({"id": passkey_id, "rawId": passkey_id, "type": "public-key", "response": encoded})


def register(world: World, authenticator: Authenticator, user: int = 0, name: str = "Telephone") -> passkeys.Passkey:
    owner = get_user(world.database, user or world.alice)
    options, token = passkeys.begin_registration(world.database, world.settings, owner)
    answer = authenticator.make(options)
    return passkeys.finish_registration(world.database, world.settings, owner.id, token, answer, name)


def sign_in(world: World, authenticator: Authenticator) -> int | None:
    options, token = passkeys.begin_sign_in(world.database, world.settings)
    return passkeys.finish_sign_in(world.database, world.settings, token, authenticator.sign(options))


def test_sign_in_with_a_passkey_needs_no_address(empty_world: World) -> None:
    telephone = Authenticator()
    made = register(empty_world, telephone, name=" Telephone ")
    assert (made.name, made.used_at) == ("Telephone", None)
    assert passkeys.list_passkeys(empty_world.database, empty_world.alice) == [made]
    assert sign_in(empty_world, telephone) == empty_world.alice
    assert sign_in(empty_world, telephone) == empty_world.alice
    assert passkeys.list_passkeys(empty_world.database, empty_world.alice)[0].used_at is not None
    with pytest.raises(NotFound):
        passkeys.delete_passkey(empty_world.database, empty_world.bob, made.id)
    passkeys.delete_passkey(empty_world.database, empty_world.alice, made.id)
    assert sign_in(empty_world, telephone) is None
    assert kinds(empty_world) == ["passkey.created", "passkey.deleted"]


def test_passkeys_are_discoverable_and_verify_their_user(empty_world: World) -> None:
    telephone = Authenticator()
    register(empty_world, telephone)
    alice = get_user(empty_world.database, empty_world.alice)
    options = json.loads(passkeys.begin_registration(empty_world.database, empty_world.settings, alice)[0])
    assert options["rp"] == {"name": "Regulars", "id": "localhost"}
    assert options["user"]["name"] == "alice@example.com"
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    (known,) = options["excludeCredentials"]
    assert base64url_to_bytes(known["id"]) == telephone.passkey_id
    assert known["transports"] == ["internal", "hybrid"]
    options = json.loads(passkeys.begin_sign_in(empty_world.database, empty_world.settings)[0])
    assert options["rpId"] == "localhost"
    assert options["userVerification"] == "required"
    assert options["allowCredentials"] == []


@pytest.mark.parametrize(
    "change",
    [{"origin": "https://evil.example"}, {"host": "evil.example"}, {"flags": 0b001}, {"flags": 0b100}],
    ids=["another origin", "another host", "user not verified", "user not there"],
)
def test_a_passkey_is_valid_only_for_this_service_and_its_user(empty_world: World, change: dict[str, Any]) -> None:
    telephone = Authenticator()
    with pytest.raises(Invalid, match="could not be verified"):
        register(empty_world, replace(telephone, **change))
    register(empty_world, telephone)
    assert sign_in(empty_world, replace(telephone, **change)) is None
    assert sign_in(empty_world, telephone) == empty_world.alice


def test_another_key_or_user_cannot_sign_in(empty_world: World) -> None:
    telephone = Authenticator()
    register(empty_world, telephone)
    assert sign_in(empty_world, replace(telephone, key=Authenticator().key)) is None
    assert sign_in(empty_world, replace(telephone, handle=bytes_to_base64url(str(empty_world.bob).encode()))) is None
    assert sign_in(empty_world, replace(telephone, passkey_id=b"unknown")) is None


def test_a_copied_passkey_is_noticed_by_its_counter(empty_world: World) -> None:
    telephone = Authenticator(count=5)
    register(empty_world, telephone)
    copy = replace(telephone, count=6)
    assert sign_in(empty_world, copy) == empty_world.alice
    assert sign_in(empty_world, copy) is None
    assert sign_in(empty_world, replace(telephone, count=5)) is None
    assert sign_in(empty_world, replace(telephone, count=7)) == empty_world.alice


def test_a_passkey_response_is_valid_once(empty_world: World) -> None:
    database, settings = empty_world.database, empty_world.settings
    telephone = Authenticator()
    alice = get_user(database, empty_world.alice)
    options, token = passkeys.begin_registration(database, settings, alice)
    answer = telephone.make(options)
    with pytest.raises(Invalid, match="too long"):
        passkeys.finish_registration(database, settings, empty_world.bob, token, answer, "Bob's")
    register(empty_world, telephone)
    with pytest.raises(Invalid, match="already registered"):
        register(empty_world, telephone)
    options, token = passkeys.begin_sign_in(database, settings)
    answer = telephone.sign(options)
    assert count_successes(lambda: passkeys.finish_sign_in(database, settings, token, answer)) == 1
    _, another = passkeys.begin_sign_in(database, settings)
    assert passkeys.finish_sign_in(database, settings, another, answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "[]",
        "{}",
        "not JSON",
        "[" * 100_000,
        '{"id":"\\u0000","rawId":"AA","type":"public-key","response":{}}',
        '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"AA","attestationObject":"AA",'
        '"authenticatorData":"AA","signature":"AA","userHandle":"A"}}',
    ],
)
def test_an_invalid_passkey_response_is_refused(empty_world: World, answer: str) -> None:
    database, settings = empty_world.database, empty_world.settings
    alice = get_user(database, empty_world.alice)
    _, token = passkeys.begin_registration(database, settings, alice)
    with pytest.raises(Invalid, match="could not be verified"):
        passkeys.finish_registration(database, settings, alice.id, token, answer, "Telephone")
    _, token = passkeys.begin_sign_in(database, settings)
    assert passkeys.finish_sign_in(database, settings, token, answer) is None


@pytest.mark.parametrize(
    ("public_url", "origin", "host"),
    [
        ("https://Customers.example.com:443/regulars", "https://customers.example.com", "customers.example.com"),
        ("https://customers.example.com:8443", "https://customers.example.com:8443", "customers.example.com"),
    ],
)
def test_the_origin_is_the_one_that_browsers_say(empty_world: World, public_url: str, origin: str, host: str) -> None:
    empty_world.settings = replace(empty_world.settings, public_url=public_url)
    telephone = Authenticator(origin=origin, host=host)
    register(empty_world, telephone)
    assert sign_in(empty_world, telephone) == empty_world.alice


# Users and memberships


def test_a_user_is_renamed_and_known_by_an_outside_subject(empty_world: World) -> None:
    database = empty_world.database
    alice, bob = (get_user(database, user) for user in (empty_world.alice, empty_world.bob))
    update_name(database, alice.id, " Alice Güneş ")
    link_subject(database, alice, "auth0|4711")
    assert get_user(database, alice.id).name == "Alice Güneş"
    assert find_user_by_subject(database, "auth0|4711") == get_user(database, alice.id)
    for unknown in ("", "AUTH0|4711", "a\0b"):
        assert find_user_by_subject(database, unknown) is None
    for bad in ("", "x" * 256, "a\nb"):
        with pytest.raises(Invalid):
            update_name(database, alice.id, bad)
        with pytest.raises(Invalid):
            link_subject(database, alice, bad)
    with pytest.raises(Conflict):
        link_subject(database, bob, "auth0|4711")
    for nobody in (999, 0, 2**63):
        with pytest.raises(NotFound):
            get_user(database, nobody)
    with pytest.raises(NotFound):
        update_name(database, 999, "Nobody")


def test_a_former_member_has_no_role_until_added_again(empty_world: World) -> None:
    database, clinic, bob = empty_world.database, empty_world.clinic, empty_world.bob
    customer = empty_world.add(user_id=bob)
    remove_member(database, clinic, "bob@example.com")
    assert memberships_of(database, bob) == {}
    assert bob not in [member.user_id for member in list_members(database, clinic)]
    with pytest.raises(NotFound, match="not a member"):
        remove_member(database, clinic, "bob@example.com")
    assert [each["id"] for each in empty_world.get().json["data"]] == [customer]
    add_member(database, clinic, "bob@example.com", Role.ADMIN)
    assert memberships_of(database, bob)[clinic].role == Role.ADMIN


def test_an_owner_always_stays(empty_world: World) -> None:
    database, clinic = empty_world.database, empty_world.clinic
    with pytest.raises(Conflict, match="last owner"):
        remove_member(database, clinic, "alice@example.com")
    add_member(database, clinic, "bob@example.com", Role.OWNER)

    def leave(name: str) -> bool:
        try:
            remove_member(database, clinic, f"{name}@example.com")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(leave, ("alice", "bob"))) == [False, True]
