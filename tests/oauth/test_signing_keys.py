"""Signing keys: what a replaced, leaked or revoked key can still do."""

import json
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from falcon.testing import Result
from joserfc import jwt
from sqlalchemy import bindparam, select, update

from regulars.api.authentication import Authenticator
from regulars.cli.main import run
from regulars.clock import utc_now
from regulars.db.statement import Statement
from regulars.db.tables import signing_keys
from regulars.oauth.signing_keys import SigningKey, current_key, revoke_key, rotate_key
from regulars.security.audit import list_events
from regulars.security.auth_version import bump_auth_version
from tests.support.oauth import Application, Browser, redirect_parameters
from tests.support.world import LIST, World, expect_error

HOUR = 3600
YEARS_31 = 31 * 365 * 86400
SET_REPLACED_AT = Statement(
    update(signing_keys).where(signing_keys.c.replaced_at.is_not(None)).values(replaced_at=bindparam("time"))
)
LIST_REPLACED = Statement(select(signing_keys.c.replaced_at, signing_keys.c.created_at).order_by("created_at"))


def forge(world: World, key: SigningKey, *, issued: int = 0, lifetime: int = HOUR) -> str:
    """Return an access token for Alice that a thief of `key` signs, issued this many seconds from now."""
    issued_at = int(time.time()) + issued
    claims = {
        "iss": world.settings.origin,
        "sub": str(world.alice),
        "aud": world.settings.origin,
        "iat": issued_at,
        "exp": issued_at + lifetime,
        "jti": "forged",
        "client_id": "thief",
        "scope": "customers:read",
    }
    header = {"typ": "at+jwt", "alg": key.algorithm, "kid": key.kid}
    return jwt.encode(header, claims, key.key, algorithms=[key.algorithm])


def get(world: World, token: str) -> Result:
    """List customers with a token, as a server does whose cache has just expired."""
    bump_auth_version(world.database)
    return world.client.simulate_get(LIST, headers={"Authorization": f"Bearer {token}"})


def published(world: World) -> list[str]:
    """Return the ids of the keys in the published key set."""
    return [key["kid"] for key in world.client.simulate_get("/oauth/jwks").json["keys"]]


def replace_key(world: World, *, seconds_ago: int = 0) -> SigningKey:
    """Rotate the signing key, as if it had happened some time ago. Return the old key."""
    old = current_key(world.database, world.settings)
    rotate_key(world.database, world.settings)
    world.database.execute(SET_REPLACED_AT, {"time": utc_now() - timedelta(seconds=seconds_ago)})
    return old


@pytest.fixture(autouse=True)
def no_cached_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let servers look for changed keys with each request, instead of each half second."""
    monkeypatch.setattr(Authenticator._discard_changed, "__defaults__", (0,))


def test_the_key_that_signs_is_believed(empty_world: World) -> None:
    key = current_key(empty_world.database, empty_world.settings)
    assert get(empty_world, forge(empty_world, key)).status_code == 200
    assert get(empty_world, forge(empty_world, key, issued=30)).status_code == 200


def test_a_leaked_key_signs_nothing_more_after_it_was_replaced(empty_world: World) -> None:
    old = replace_key(empty_world, seconds_ago=600)
    for forged in (
        forge(empty_world, old, lifetime=YEARS_31),
        forge(empty_world, old),
        forge(empty_world, old, issued=-500),
        forge(empty_world, old, issued=-700, lifetime=YEARS_31),
    ):
        expect_error(get(empty_world, forged), 401, "invalid_token")
    # A token from before, which the key may have signed.
    assert get(empty_world, forge(empty_world, old, issued=-700)).status_code == 200


def test_a_server_whose_clock_is_ahead_is_believed(empty_world: World) -> None:
    old = replace_key(empty_world)
    assert get(empty_world, forge(empty_world, old, issued=30)).status_code == 200


@pytest.mark.parametrize(
    ("issued", "lifetime", "said"),
    [(0, HOUR + 1, "longer than this server allows"), (-YEARS_31, YEARS_31 + 60, "longer"), (70, 60, "not valid yet")],
)
def test_a_token_with_times_that_this_server_never_gives_is_refused(
    empty_world: World, issued: int, lifetime: int, said: str
) -> None:
    key = current_key(empty_world.database, empty_world.settings)
    forged = forge(empty_world, key, issued=issued, lifetime=lifetime)
    assert said in expect_error(get(empty_world, forged), 401, "invalid_token")["message"]


def test_a_key_is_published_until_its_last_token_has_expired(empty_world: World) -> None:
    old = replace_key(empty_world, seconds_ago=HOUR - 10)
    new = current_key(empty_world.database, empty_world.settings)
    assert published(empty_world) == [new.kid, old.kid]
    empty_world.database.execute(SET_REPLACED_AT, {"time": utc_now() - timedelta(seconds=HOUR + 70)})
    assert published(empty_world) == [new.kid]
    forged = forge(empty_world, old, issued=-HOUR - 65, lifetime=HOUR)
    expect_error(get(empty_world, forged), 401, "invalid_token")


def test_an_id_token_hint_of_a_stolen_key_is_not_believed(empty_world: World) -> None:
    app, browser = Application.register(empty_world), Browser.signed_in(empty_world, empty_world.alice)
    honest = app.tokens(browser, scope="openid")["id_token"]

    def answer(hint: str) -> dict[str, str]:
        return redirect_parameters(browser.get(app.request(scope="openid", prompt="none", id_token_hint=hint)))

    assert "code" in answer(honest)
    old = replace_key(empty_world, seconds_ago=600)
    claims: dict[str, object] = {
        "iss": empty_world.settings.origin,
        "aud": app.client.id,
        "sub": str(empty_world.alice),
    }
    claims |= {"iat": int(time.time()), "exp": int(time.time()) + 60}
    header = {"typ": "JWT", "alg": old.algorithm, "kid": old.kid}
    forged = jwt.encode(header, claims, old.key, algorithms=[old.algorithm])
    assert answer(forged)["error"] == "login_required"
    revoke_key(empty_world.database, empty_world.settings, old.kid)
    assert answer(honest)["error"] == "login_required"


def test_the_next_key_begins_when_the_one_before_ends(empty_world: World) -> None:
    for _ in range(3):
        rotate_key(empty_world.database, empty_world.settings)
    rows = empty_world.database.fetch_all(LIST_REPLACED)
    assert [ended for ended, _ in rows] == [*[began for _, began in rows[1:]], None]


Regulars = Callable[..., tuple[int, str, str]]


@pytest.fixture
def regulars(empty_world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Regulars:
    """Run a command on the world's database; return its exit status, stdout and stderr."""
    monkeypatch.setenv("REGULARS_DATABASE", empty_world.url)
    monkeypatch.setenv("REGULARS_SECRET_KEY", empty_world.settings.secret_key)

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()  # the log of requests
        status = run(list(arguments))
        return status, *capsys.readouterr()

    return command


def statuses(regulars: Regulars) -> list[tuple[str, str]]:
    """Return the id and the status of each key, newest first."""
    return [(key["kid"], key["status"]) for key in json.loads(regulars("key", "list", "--json")[1])]


def test_a_revoked_key_stops_all_its_tokens(empty_world: World, regulars: Regulars) -> None:
    key, token = current_key(empty_world.database, empty_world.settings), empty_world.token(empty_world.alice)
    assert get(empty_world, token).status_code == 200
    status, out, err = regulars("key", "revoke", key.kid)
    new = current_key(empty_world.database, empty_world.settings)
    assert (status, err) == (0, "")
    assert (key.kid in out, new.kid in out) == (True, True)
    expect_error(
        empty_world.client.simulate_get(LIST, headers={"Authorization": f"Bearer {token}"}), 401, "invalid_token"
    )
    expect_error(get(empty_world, forge(empty_world, key, issued=-10)), 401, "invalid_token")
    assert published(empty_world) == [new.kid]
    assert get(empty_world, empty_world.token(empty_world.alice)).status_code == 200
    assert statuses(regulars) == [(new.kid, "signing"), (key.kid, "revoked")]
    recorded = {(event.kind, event.about) for event in list_events(empty_world.database)}
    assert recorded >= {("key.revoked", key.kid), ("key.rotated", new.kid)}


def test_the_new_key_has_the_algorithm_of_the_revoked_one(empty_world: World) -> None:
    key = rotate_key(empty_world.database, empty_world.settings, "EdDSA")
    new = revoke_key(empty_world.database, empty_world.settings, key.kid)
    assert new is not None
    assert new.algorithm == "EdDSA"


def test_keys_are_listed_with_their_status(empty_world: World, regulars: Regulars) -> None:
    first = replace_key(empty_world)
    second = current_key(empty_world.database, empty_world.settings)
    assert statuses(regulars) == [(second.kid, "signing"), (first.kid, "replaced")]
    empty_world.database.execute(SET_REPLACED_AT, {"time": utc_now() - timedelta(seconds=HOUR + 70)})
    assert statuses(regulars) == [(second.kid, "signing"), (first.kid, "expired")]
    line = regulars("key", "list")[1].splitlines()[0]
    assert line.split("\t")[:4] == [second.kid, "RS256", "signing", f"{second.created_at:%Y-%m-%dT%H:%M:%SZ}"]


def test_another_key_than_the_signing_one_is_revoked_alone_and_once(empty_world: World, regulars: Regulars) -> None:
    old = replace_key(empty_world)
    for _ in range(2):
        assert regulars("key", "revoke", old.kid) == (0, f"The key {old.kid} is revoked.\n", "")
    assert [status for _, status in statuses(regulars)] == ["signing", "revoked"]
    assert [event.kind for event in list_events(empty_world.database)].count("key.revoked") == 1


def test_an_unknown_key_cannot_be_revoked(empty_world: World, regulars: Regulars) -> None:
    status, out, err = regulars("key", "revoke", "no-such-key")
    assert (status, out) == (1, "")
    assert err == 'regulars: Signing key "no-such-key" does not exist.\n'
