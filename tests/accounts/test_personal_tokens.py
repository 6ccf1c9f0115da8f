"""Requests with personal access tokens."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import bindparam, update

from regulars.accounts.memberships import add_member, remove_member
from regulars.accounts.personal_tokens import (
    create_personal_token,
    find_personal_token,
    list_personal_tokens,
    revoke_personal_token,
    touch_personal_token,
)
from regulars.api import authentication as bearer
from regulars.clock import utc_now
from regulars.db.statement import Statement
from regulars.db.tables import personal_tokens
from regulars.errors import Forbidden, Invalid, NotFound
from regulars.permissions import Role
from tests.support.other_writer import during_write
from tests.support.world import LIST, World, expect_error

EXPIRE = Statement(update(personal_tokens).values(expires_at=bindparam("then")))


def new_token(world: World, user: int, scopes: Sequence[str] = ("customers:read",), **options: Any) -> str:
    """Create a personal token, by default with a lifetime of an hour."""
    chosen: dict[str, Any] = {"name": "a script", "tenant_id": None, "lifetime": 3600} | options
    return create_personal_token(world.database, user, scopes=scopes, **chosen)[1]


def get(world: World, token: str, tenant: int | None = None) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return world.client.simulate_get(LIST, headers=headers | ({"X-Tenant": str(tenant)} if tenant else {}))


def used_at(world: World, user: int) -> datetime | None:
    return list_personal_tokens(world.database, user)[0].used_at


pytestmark = pytest.mark.usefixtures("uncached_access")


def test_it_opens_the_door_for_what_it_allows(empty_world: World) -> None:
    world = empty_world
    world.add(first_name="Ayşe")
    assert get(world, new_token(world, world.alice)).json["data"][0]["first_name"] == "Ayşe"
    error = expect_error(get(world, new_token(world, world.alice, ["users:read"])), 403, "insufficient_scope")
    assert "customers:read" in error["message"]


def test_a_token_can_be_limited_to_one_tenant(empty_world: World) -> None:
    world = empty_world
    token = new_token(world, world.dora, tenant_id=world.salon)
    assert get(world, token).status_code == 200
    assert get(world, token, world.salon).status_code == 200
    expect_error(get(world, token, world.clinic), 403, "tenant_forbidden")
    with pytest.raises(Forbidden, match="not a member"):
        new_token(world, world.alice, tenant_id=world.salon)


def test_a_revoked_expired_or_unknown_token_is_refused(empty_world: World) -> None:
    world = empty_world
    token = new_token(world, world.alice)
    assert get(world, token).status_code == 200
    revoke_personal_token(world.database, list_personal_tokens(world.database, world.alice)[0].id)
    expect_error(get(world, token), 401, "invalid_token")

    token = new_token(world, world.alice)
    world.database.execute(EXPIRE, {"then": utc_now()})
    expect_error(get(world, token), 401, "invalid_token")
    assert find_personal_token(world.database, token) is None

    expect_error(get(world, token[:-1] + ("a" if token[-1] != "a" else "b")), 401, "invalid_token")


def test_a_cached_token_is_discarded_when_it_expires(empty_world: World) -> None:
    identity, until = bearer._personal(empty_world.database, new_token(empty_world, empty_world.bob, lifetime=30))
    assert identity.user_id == empty_world.bob
    assert 0 < until - datetime.now(UTC).timestamp() <= 30
    _, until = bearer._personal(empty_world.database, new_token(empty_world, empty_world.bob))
    assert 30 < until - datetime.now(UTC).timestamp() <= 60


def test_the_use_of_a_token_is_recorded_once_a_minute(empty_world: World) -> None:
    world = empty_world
    token = new_token(world, world.alice)
    assert used_at(world, world.alice) is None
    get(world, token)
    first = used_at(world, world.alice)
    assert first is not None
    assert datetime.now(UTC) - first < timedelta(minutes=1)

    recent = utc_now() - timedelta(seconds=30)
    long_ago = recent - timedelta(seconds=60)
    token_id = list_personal_tokens(world.database, world.alice)[0].id
    for before, is_moved in ((recent, False), (long_ago, True)):
        touch_personal_token(world.database, token_id, before)
        bearer._personal(world.database, token)
        assert (used_at(world, world.alice) != before) is is_moved


def test_reading_with_a_token_does_not_wait_for_writers(empty_world: World) -> None:
    token = new_token(empty_world, empty_world.alice)
    assert during_write(empty_world, lambda: get(empty_world, token)).status_code == 200


def test_a_token_is_refused_after_its_user_left_the_tenant(empty_world: World) -> None:
    world = empty_world
    everywhere, here = new_token(world, world.dora), new_token(world, world.dora, tenant_id=world.clinic)
    assert get(world, everywhere, world.clinic).status_code == 200
    remove_member(world.database, world.clinic, "dora@example.com")
    expect_error(get(world, everywhere, world.clinic), 403, "tenant_forbidden")
    expect_error(get(world, here, world.clinic), 401, "invalid_token")
    assert get(world, everywhere, world.salon).status_code == 200


def test_all_tokens_are_revoked_when_the_user_has_left_the_last_tenant(empty_world: World) -> None:
    world = empty_world
    token = new_token(world, world.bob)
    remove_member(world.database, world.clinic, "bob@example.com")
    expect_error(get(world, token, world.clinic), 401, "invalid_token")
    add_member(world.database, world.clinic, "bob@example.com", Role.AGENT)
    expect_error(get(world, token, world.clinic), 401, "invalid_token")
    assert list_personal_tokens(world.database, world.bob) == []


def test_every_fault_is_named(empty_world: World) -> None:
    with pytest.raises(Invalid) as refused:
        new_token(empty_world, empty_world.alice, ["everything", "offline_access"], name=" ", lifetime=0)
    assert set(refused.value.errors) == {"name", "scopes", "lifetime"}
    assert "everything offline_access" in refused.value.errors["scopes"][0]
    faulty: dict[str, Any]
    for faulty in ({"lifetime": 365 * 86400 + 1}, {"scopes": []}, {"name": "x" * 256}, {"name": "a\0b"}):
        with pytest.raises(Invalid):
            new_token(empty_world, empty_world.alice, **faulty)
    assert list_personal_tokens(empty_world.database, empty_world.alice) == []


def test_a_user_cannot_revoke_another_users_token(empty_world: World) -> None:
    world = empty_world
    token = new_token(world, world.alice)
    token_id = list_personal_tokens(world.database, world.alice)[0].id
    for unknown, user in ((token_id, world.bob), ("none", None), ("a\0b", world.alice)):
        with pytest.raises(NotFound):
            revoke_personal_token(world.database, unknown, user)
    assert get(world, token).status_code == 200
    revoke_personal_token(world.database, token_id, world.alice)


def test_of_parallel_revocations_one_succeeds(empty_world: World) -> None:
    world = empty_world
    new_token(world, world.alice)
    token_id = list_personal_tokens(world.database, world.alice)[0].id

    def revoke(_: int) -> bool:
        try:
            revoke_personal_token(world.database, token_id, world.alice)
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(revoke, range(8))) == 1
