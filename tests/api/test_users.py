"""API for the members of a tenant, their roles, and the user's own name."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from falcon.testing import Result

from regulars.accounts.memberships import add_member, memberships_of
from regulars.accounts.users import create_user
from regulars.permissions import Role
from regulars.scopes import SCOPES
from tests.support.world import PASSWORD, World, expect_error

ACCOUNT = "/api/v1/account"
USERS = "/api/v1/users"
INVITATIONS = "/api/v1/invitations"
CHANNELS = "/api/v1/channels"
TENANTS = "/api/v1/tenants"
ZEYNEP = {"email": "Zeynep@Example.com", "name": "Zeynep", "role": "agent"}


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def role_of(world: World, user_id: int, tenant: int | None = None) -> Role | None:
    """Return the user's role in a tenant (default: the clinic), or None if they are not a member."""
    membership = memberships_of(world.database, user_id).get(tenant or world.clinic)
    return membership.role if membership else None


def add(world: World, email: str, role: Role) -> int:
    """Create a user who is a member of the clinic."""
    user = create_user(world.database, email=email, name=email.partition("@")[0].title(), password=PASSWORD)
    add_member(world.database, world.clinic, email, role)
    return user.id


def test_a_user_is_read_with_an_etag(world: World) -> None:
    answer = world.send("GET", f"{USERS}/{world.bob}")
    user = answer.json["data"]
    expected = {"id": world.bob, "name": "Bob", "email": "bob@example.com", "role": "agent", "deleted_at": None}
    assert user == expected | {"created_at": user["created_at"]}
    again = world.send("GET", f"{USERS}/{world.bob}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_former_member_is_shown_but_has_no_role(world: World) -> None:
    path = f"{USERS}/{world.bob}"
    for _ in range(2):
        answer = world.send("DELETE", path)
        assert (answer.status_code, answer.content) == (204, b"")
    assert world.send("GET", path).json["data"]["deleted_at"]
    assert "no longer a member" in expect_error(world.send("PUT", path, {"role": "admin"}), 409, "conflict")["message"]
    add_member(world.database, world.clinic, "bob@example.com", Role.ADMIN)
    user = world.send("GET", path).json["data"]
    assert (user["role"], user["deleted_at"]) == ("admin", None)


@pytest.mark.parametrize(
    ("method", "kind"),
    [("PUT", "application/json"), ("PATCH", "application/json"), ("PATCH", "application/merge-patch+json")],
)
def test_a_role_is_changed(world: World, method: str, kind: str) -> None:
    path = f"{USERS}/{world.bob}"
    answer = world.send(method, path, {"role": "admin"}, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json["data"]["role"]) == (200, "admin")
    assert world.send("GET", path).json["data"] == answer.json["data"]
    assert world.send(method, path, {}).json["data"] == answer.json["data"]


def test_a_user_who_never_was_a_member_is_not_found(world: World) -> None:
    for number in (world.charlie, 99999, 10**17, "x", "0", "-1", "1.0", "9" * 30):
        for method, content in (("GET", None), ("PUT", {"role": "agent"}), ("DELETE", None)):
            expect_error(world.send(method, f"{USERS}/{number}", content), 404, "not_found")
    assert role_of(world, world.charlie, world.salon) == "owner"


def test_the_last_owner_stays_one(world: World) -> None:
    path = f"{USERS}/{world.alice}"
    for method, content in (("PUT", {"role": "admin"}), ("PATCH", {"role": "viewer"}), ("DELETE", None)):
        assert "last owner" in expect_error(world.send(method, path, content), 409, "conflict")["message"]
    assert world.send("PUT", path, {"role": "owner"}).status_code == 200
    assert world.send("PUT", f"{USERS}/{world.bob}", {"role": "owner"}).status_code == 200
    assert world.send("DELETE", path).status_code == 204
    assert (role_of(world, world.alice), role_of(world, world.bob)) == (None, "owner")


@pytest.mark.parametrize(("method", "content"), [("DELETE", None), ("PUT", {"role": "agent"})])
def test_of_two_owners_who_leave_in_parallel_one_remains(world: World, method: str, content: object) -> None:
    other = add(world, "other@example.com", Role.OWNER)
    both = [world.alice, other]
    for user in both:
        world.writers[user] = world.token(user, list(SCOPES))
    at_once = threading.Barrier(len(both))

    def go(user: int) -> Result:
        at_once.wait()
        return world.send(method, f"{USERS}/{user}", content, user=user)

    with ThreadPoolExecutor(len(both)) as threads:
        answers = list(threads.map(go, both))
    assert sorted(answer.status_code == 409 for answer in answers) == [False, True]
    assert sorted(role_of(world, user) == "owner" for user in both) == [False, True]


def test_every_member_can_leave(world: World) -> None:
    for user in (add(world, "admin@example.com", Role.ADMIN), world.bob, world.dora):
        assert world.send("DELETE", f"{USERS}/{user}", user=user, tenant=world.clinic).status_code == 204
        assert role_of(world, user) is None
    assert role_of(world, world.dora, world.salon) == "viewer"


def test_a_user_leaves_a_tenant(world: World) -> None:
    leave = f"{ACCOUNT}/tenants/{{}}"
    for _ in range(2):
        assert world.send("DELETE", leave.format(world.clinic), user=world.dora).status_code == 204
    assert (role_of(world, world.dora), role_of(world, world.dora, world.salon)) == (None, "viewer")
    for tenant in (world.salon, 888888):
        error = expect_error(world.send("DELETE", leave.format(tenant)), 404, "not_found")
        assert error["message"] == f"You are not a member of tenant {tenant}."
    bound = world.token(world.dora, ["account:write"], tenant_id=world.clinic)
    answer = world.send("DELETE", leave.format(world.salon), headers={"Authorization": f"Bearer {bound}"})
    expect_error(answer, 404, "not_found")
    answer = world.send("DELETE", leave.format(world.clinic))
    assert "last owner" in expect_error(answer, 409, "conflict")["message"]


OPERATIONS: dict[str, tuple[str, str, Any, set[str]]] = {
    "invite a user": ("POST", USERS, ZEYNEP, {"owner"}),
    "list invitations": ("GET", INVITATIONS, None, {"owner"}),
    "see the audit log": ("GET", "/api/v1/audit-events", None, {"owner"}),
    "change a role": ("PUT", f"{USERS}/{{bob}}", {"role": "viewer"}, {"owner"}),
    "patch a role": ("PATCH", f"{USERS}/{{bob}}", {"role": "viewer"}, {"owner"}),
    "remove a user": ("DELETE", f"{USERS}/{{bob}}", None, {"owner"}),
    "see a user": ("GET", f"{USERS}/{{bob}}", None, {"owner", "admin", "agent", "viewer"}),
    "create a channel": ("POST", CHANNELS, {"kind": "website", "name": "Shop"}, {"owner", "admin"}),
    "change a channel": ("PUT", f"{CHANNELS}/1", {"name": "Shop"}, {"owner", "admin"}),
    "patch a channel": ("PATCH", f"{CHANNELS}/1", {"name": "Shop"}, {"owner", "admin"}),
    "delete a channel": ("DELETE", f"{CHANNELS}/2", None, {"owner", "admin"}),
    "see a channel": ("GET", f"{CHANNELS}/1", None, {"owner", "admin", "agent", "viewer"}),
    "change the tenant": ("PUT", f"{TENANTS}/{{clinic}}", {"name": "A"}, {"owner", "admin"}),
    "patch the tenant": ("PATCH", f"{TENANTS}/{{clinic}}", {"name": "A"}, {"owner", "admin"}),
    "see the tenant": ("GET", f"{TENANTS}/{{clinic}}", None, {"owner", "admin", "agent", "viewer"}),
    "change one's name": ("PUT", ACCOUNT, {"name": "A"}, {"owner", "admin", "agent", "viewer"}),
    "patch one's name": ("PATCH", ACCOUNT, {"name": "A"}, {"owner", "admin", "agent", "viewer"}),
}


@pytest.mark.parametrize("role", [*Role])
def test_what_each_role_may_do(world: World, role: Role) -> None:
    somebody = add(world, "somebody@example.com", role)
    for what, (method, path, content, roles) in OPERATIONS.items():
        where = path.format(bob=world.bob, clinic=world.clinic)
        answer = world.send(method, where, content, user=somebody)
        if role in roles:
            assert answer.status_code in {200, 201, 204}, (what, answer.text)
        else:
            expect_error(answer, 403, "insufficient_scope")


def test_what_each_scope_is_needed_for(world: World) -> None:
    needed = {USERS: "users", CHANNELS: "tenants", TENANTS: "tenants", ACCOUNT: "account"}
    for method, path, content, _ in OPERATIONS.values():
        if method == "GET":
            continue
        scope = next(f"{name}:write" for start, name in needed.items() if path.startswith(start))
        token = world.token(world.alice, [each for each in SCOPES if each != scope])
        where = path.format(bob=world.bob, clinic=world.clinic)
        answer = world.send(method, where, content, headers={"Authorization": f"Bearer {token}"})
        assert scope in expect_error(answer, 403, "insufficient_scope")["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", USERS),
        ("PUT", f"{USERS}/1"),
        ("PATCH", f"{USERS}/1"),
        ("POST", CHANNELS),
        ("PUT", f"{CHANNELS}/1"),
        ("PATCH", f"{CHANNELS}/1"),
        ("PUT", f"{TENANTS}/1"),
        ("PATCH", f"{TENANTS}/1"),
        ("PUT", ACCOUNT),
        ("PATCH", ACCOUNT),
    ],
)
def test_bodies_are_read_strictly(world: World, method: str, path: str) -> None:
    json = {"Content-Type": "application/json"}
    for body, status in (
        (b"", 400),
        (b"{", 400),
        (b'{"name": "A", "name": "B"}', 400),
        (b'{"name": ' + b"[" * 100 + b"]" * 100 + b"}", 400),
        (b'{"name": NaN}', 400),
        (b'{"name": "\xff"}', 400),
        (b'["name"]', 400),
        (b'{"name": "' + b"x" * 300_000 + b'"}', 413),
        (b'{"nonsense": 1}', 422),
        (b'{"name": "\\ud800", "role": null, "kind": []}', 422),
    ):
        expect_error(world.send(method, path, headers=json, body=body), status, "validation_error")
    for kind in ("text/plain", *(["application/merge-patch+json"] if method != "PATCH" else [])):
        answer = world.send(method, path, headers={"Content-Type": kind}, body=b"{}")
        expect_error(answer, 415, "validation_error")
    strict = {"Prefer": "handling=strict"}
    expect_error(world.send(method, path, {}, params={"force": "1"}, headers=strict), 422, "validation_error")


def test_every_fault_of_a_role_is_named(world: World) -> None:
    answer = world.send("PUT", f"{USERS}/{world.bob}", {"role": "king", "name": "B"})
    assert set(expect_error(answer, 422, "validation_error")["errors"]) == {"role", "name"}


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_user_changes_the_own_name(world: World, method: str) -> None:
    answer = world.send(method, ACCOUNT, {"name": "  Dora Ünal "}, user=world.dora)
    assert (answer.status_code, answer.json["data"]["name"]) == (200, "Dora Ünal")
    got = world.send("GET", ACCOUNT, user=world.dora)
    assert got.json["data"] == answer.json["data"]
    assert world.send(method, ACCOUNT, {}, user=world.dora).json["data"]["name"] == "Dora Ünal"
    for wrong in ({"name": ""}, {"name": None}, {"name": "x" * 256}, {"email": "x@example.com"}):
        error = expect_error(world.send(method, ACCOUNT, wrong, user=world.dora), 422, "validation_error")
        assert set(error["errors"]) == set(wrong)
