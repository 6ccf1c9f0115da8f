"""Who may see, change and undo an import."""

import pytest

from regulars.accounts.memberships import add_member
from regulars.accounts.users import create_user
from regulars.permissions import Role
from tests.support.imports import IMPORTS, act, csv_file, get, post_file, upload, work
from tests.support.world import PASSWORD, World, expect_error

PEOPLE = csv_file(["Ad Soyad", "Telefon"], ["Ayşe Yılmaz", "0532 111 22 33"])
MISSING = "01a2224d-fa67-7525-9538-984cbe27ed5f"
REQUESTS = [
    ("GET", ""),
    ("PATCH", ""),
    ("DELETE", ""),
    ("POST", "/preview"),
    ("POST", "/start"),
    ("POST", "/undo"),
    ("GET", "/issues"),
    ("GET", "/errors"),
]


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def add_user(world: World, role: Role) -> int:
    """Add a member to the clinic, and return the id."""
    user = create_user(world.database, email=f"{role}-2@example.com", name=f"{role} 2", password=PASSWORD)
    add_member(world.database, world.clinic, user.email, role)
    return user.id


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_an_import_of_somebody_else_does_not_exist(world: World, method: str, path: str) -> None:
    """It is neither visible to agents of the tenant nor to owners of other tenants."""
    found = act(world, upload(world, "liste.csv", PEOPLE)["id"], "start")
    body: object = {} if method == "PATCH" else None
    for user in (world.bob, world.charlie):
        problem = expect_error(world.send(method, f"{IMPORTS}/{found['id']}{path}", body, user=user), 404, "not_found")
        assert problem["message"] == f"There is no import {found['id']}."
        job = f"/api/v1/jobs/{found['job']['id']}"
        expect_error(world.send("GET", job, user=user), 404, "not_found")
    assert get(world, found["id"])["state"] == "imported"


@pytest.mark.parametrize(("method", "path"), REQUESTS)
def test_an_import_that_does_not_exist(world: World, method: str, path: str) -> None:
    body: object = {} if method == "PATCH" else None
    for number in (MISSING, "1", "%00", "%FF", "x" * 1000):
        assert world.send(method, f"{IMPORTS}/{number}{path}", body).status_code == 404


def test_an_agent_imports_and_undoes_and_an_admin_sees_it(world: World) -> None:
    found = upload(world, "liste.csv", PEOPLE, user=world.bob)
    assert found["user_id"] == world.bob
    found = act(world, found["id"], "start", user=world.bob)
    assert get(world, found["id"], user=add_user(world, Role.ADMIN))["state"] == "imported"
    assert act(world, found["id"], "undo", user=world.bob)["undo"]["removed"] == 1


def test_an_admin_undoes_the_import_of_an_agent(world: World) -> None:
    found = act(world, upload(world, "liste.csv", PEOPLE, user=world.bob)["id"], "start", user=world.bob)
    admin = add_user(world, Role.ADMIN)
    found = act(world, found["id"], "undo", user=admin)
    assert (found["undo"]["removed"], found["user_id"], found["job"]["user_id"]) == (1, world.bob, admin)


def test_members_see_their_own_imports_in_the_list_and_admins_see_all(world: World) -> None:
    own = [upload(world, f"{number}.csv", PEOPLE, user=world.bob)["id"] for number in range(3)]
    others = [upload(world, "alice.csv", PEOPLE)["id"]]
    upload(world, "salon.csv", PEOPLE, user=world.charlie)

    def listed(user: int, query: str = "") -> list[str]:
        answer = world.send("GET", f"{IMPORTS}{query}", user=user)
        assert answer.status_code == 200, answer.text
        return [found["id"] for found in answer.json["data"]]

    newest_first = sorted(own, reverse=True)
    assert listed(world.bob) == newest_first
    assert listed(world.alice) == sorted(own + others, reverse=True)
    assert listed(world.bob, "?limit=2") == newest_first[:2]
    assert listed(world.bob, f"?before={newest_first[1]}") == newest_first[2:]


def test_a_viewer_cannot_import(world: World) -> None:
    expect_error(post_file(world, "liste.csv", PEOPLE, user=world.dora, tenant=world.clinic), 403, "insufficient_scope")
    for method, path in [("GET", ""), *((method, f"/{MISSING}{path}") for method, path in REQUESTS)]:
        body: object = {} if method == "PATCH" else None
        answer = world.send(method, f"{IMPORTS}{path}", body, user=world.dora, tenant=world.clinic)
        expect_error(answer, 403, "insufficient_scope")


def test_a_token_needs_the_scope_to_write_customers(world: World) -> None:
    found = upload(world, "liste.csv", PEOPLE)
    headers = {"Authorization": f"Bearer {world.token(world.alice, ['customers:read'])}"}
    expect_error(post_file(world, "liste.csv", PEOPLE, headers=headers), 403, "insufficient_scope")
    for method, path in [("GET", ""), *((method, f"/{found['id']}{path}") for method, path in REQUESTS)]:
        body: object = {} if method == "PATCH" else None
        answer = world.send(method, f"{IMPORTS}{path}", body, headers=headers)
        assert expect_error(answer, 403, "insufficient_scope")["message"]
        assert "customers:write" in answer.headers["WWW-Authenticate"]


def test_nobody_imports_without_a_token(world: World) -> None:
    answer = world.client.simulate_post(IMPORTS, body=PEOPLE)
    expect_error(answer, 401, "unauthorized")


def test_a_member_who_left_does_not_stop_the_import(world: World) -> None:
    found = post_file(world, "liste.csv", PEOPLE, user=world.bob).json["data"]
    assert world.send("DELETE", f"/api/v1/users/{world.bob}").status_code == 204
    work(world)
    assert act(world, found["id"], "start")["state"] == "imported"
