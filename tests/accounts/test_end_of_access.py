"""What ends access ends all of it: for sessions, applications and tokens, on every server within a second."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import Result

from regulars.accounts.administration import disable_user
from regulars.accounts.memberships import add_member, remove_member
from regulars.accounts.personal_tokens import create_personal_token, list_personal_tokens
from regulars.accounts.users import find_users_with_email, get_user
from regulars.cli.main import run
from regulars.permissions import Role
from tests.support.oauth import Application, Browser, expect_oauth_error
from tests.support.people import OWN_PASSWORD, sign_in
from tests.support.world import LIST, PASSWORD, World

pytestmark = pytest.mark.usefixtures("uncached_access")

ACCOUNT, USERINFO = "/api/v1/account", "/oauth/userinfo"
EVERYTHING = "openid account:read customers:read offline_access"
Regulars = Callable[..., str]


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


@pytest.fixture
def regulars(world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Regulars:
    """Run a command on the world's database, and return its output."""
    monkeypatch.setenv("REGULARS_DATABASE", world.url)
    monkeypatch.setenv("REGULARS_SECRET_KEY", world.settings.secret_key)

    def command(*arguments: object) -> str:
        capsys.readouterr()
        assert run([str(argument) for argument in arguments]) == 0
        return capsys.readouterr().out

    return command


class Access:
    """All ways into the service that a user has: two browsers, an application and a personal token."""

    def __init__(self, world: World, user_id: int) -> None:
        self.world = world
        self.user_id = user_id
        self.browser = Browser.signed_in(world, user_id)
        self.other_browser = Browser.signed_in(world, user_id)
        self.app = Application.register(world)
        self.tokens = self.app.tokens(self.browser, scope=EVERYTHING)
        self.personal = create_personal_token(
            world.database, user_id, name="script", scopes=["customers:read"], tenant_id=None, lifetime=3600
        )[1]

    def get(self, path: str, token: str) -> Result:
        headers = {"Authorization": f"Bearer {token}", "X-Tenant": str(self.world.clinic)}
        return self.world.client.simulate_get(path, headers=headers if path == LIST else headers | {"X-Tenant": ""})

    def of_application(self) -> set[int]:
        """Return the statuses of requests with the application's access token."""
        return {self.get(path, self.tokens["access_token"]).status_code for path in (LIST, USERINFO)}

    def of_personal_token(self) -> int:
        return self.get(LIST, self.personal).status_code

    def expect_none(self) -> None:
        """Assert that nothing works any more."""
        assert self.of_application() == {401}
        expect_oauth_error(self.app.refresh(self.tokens["refresh_token"]), "invalid_grant")
        assert self.of_personal_token() == 401
        for browser in (self.browser, self.other_browser):
            assert browser.get("/account/profile").status_code == 303


def change_password(browser: Browser, **choices: str) -> None:
    page = browser.get("/account/password")
    answer = browser.submit(page, "/account/password", current=PASSWORD, password=OWN_PASSWORD, **choices)
    assert answer.status_code == 303, answer.text


def test_a_changed_password_ends_the_access_of_others(world: World) -> None:
    mine = Access(world, world.bob)
    change_password(mine.browser)
    assert mine.of_application() == {401}
    expect_oauth_error(mine.app.refresh(mine.tokens["refresh_token"]), "invalid_grant")
    assert mine.other_browser.get("/account/profile").status_code == 303
    assert mine.browser.get("/account/profile").status_code == 200
    assert mine.of_personal_token() == 200


def test_the_password_page_lists_personal_tokens_and_ends_them_on_request(world: World) -> None:
    mine = Access(world, world.bob)
    assert "script" in mine.browser.get("/account/password").text
    change_password(mine.browser, tokens="yes")
    assert mine.of_personal_token() == 401


def test_the_operators_new_password_ends_everything(
    world: World, regulars: Regulars, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Access(world, world.bob)
    monkeypatch.setattr("sys.stdin.readline", lambda: f"{OWN_PASSWORD}\n", raising=False)
    regulars("user", "password", "bob@example.com", "--password-stdin")
    mine.expect_none()
    assert sign_in(Browser(world), "bob@example.com", OWN_PASSWORD).status_code == 303


def test_signing_out_ends_what_does_not_have_offline_access(world: World) -> None:
    offline = Access(world, world.bob)
    online = offline.app.tokens(offline.browser, scope="openid customers:read")
    offline.browser.submit(offline.browser.get("/account/profile"), "/sign-out")
    assert offline.get(LIST, online["access_token"]).status_code == 401
    assert offline.of_application() == {200}
    assert offline.app.refresh(offline.tokens["refresh_token"]).status_code == 200


def test_ending_all_other_sessions_ends_the_grants_that_they_made(world: World) -> None:
    mine = Access(world, world.bob)
    mine.other_browser.submit(mine.other_browser.get("/account/sessions"), "/account/sessions")
    assert mine.of_application() == {401}
    assert mine.browser.get("/account/profile").status_code == 303
    assert mine.other_browser.get("/account/profile").status_code == 200


def test_a_disabled_user_is_refused_everywhere(world: World, regulars: Regulars) -> None:
    mine = Access(world, world.bob)
    regulars("user", "disable", "bob@example.com")
    mine.expect_none()
    answer = sign_in(Browser(world), "bob@example.com")
    assert answer.status_code == 403
    assert "disabled" in answer.text
    regulars("user", "enable", "bob@example.com")
    assert sign_in(Browser(world), "bob@example.com").status_code == 303
    mine.expect_none()


def test_a_disabled_user_gets_nothing_new(world: World) -> None:
    """A token or session that was made in the same moment does not work either."""
    disable_user(world.database, get_user(world.database, world.bob))
    late = world.token(world.bob)
    assert world.client.simulate_get(LIST, headers={"Authorization": f"Bearer {late}"}).status_code == 401


def test_a_removed_member_is_refused_everywhere(world: World) -> None:
    mine = Access(world, world.bob)
    assert world.send("DELETE", f"/api/v1/users/{world.bob}").status_code == 204
    mine.expect_none()
    add_member(world.database, world.clinic, "bob@example.com", Role.AGENT)
    mine.expect_none()


def test_a_member_of_another_tenant_keeps_the_access_there(world: World) -> None:
    mine = Access(world, world.dora)
    remove_member(world.database, world.clinic, "dora@example.com")
    assert mine.get(LIST, mine.tokens["access_token"]).status_code == 403
    assert mine.get(USERINFO, mine.tokens["access_token"]).status_code == 200
    assert mine.browser.get("/account/profile").status_code == 200


def test_a_deleted_user_is_gone_but_not_the_history(world: World, regulars: Regulars) -> None:
    customer = world.add(first_name="Ayşe", user_id=world.bob)
    mine = Access(world, world.bob)
    regulars("user", "delete", "bob@example.com", "--yes")
    mine.expect_none()
    assert find_users_with_email(world.database, "bob@example.com") == []
    assert sign_in(Browser(world), "bob@example.com").status_code == 422
    assert [each["id"] for each in world.get().json["data"]] == [customer]


def test_the_last_owner_is_not_deleted(world: World, regulars: Regulars) -> None:
    alice = str(world.alice)
    assert "owner" in regulars("member", "list", "--tenant", world.clinic)
    assert run(["user", "delete", alice, "--yes"]) == 1
    assert world.get().status_code == 200


def test_the_operator_sees_and_ends_a_users_access(world: World, regulars: Regulars) -> None:
    mine = Access(world, world.bob)

    def shown() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(regulars("user", "access", world.bob, "--json"))
        return found

    assert sorted(each["kind"] for each in shown()) == ["application", "session", "session", "token"]
    token = next(each["id"] for each in shown() if each["kind"] == "token")
    regulars("user", "end-access", world.bob, "--id", token)
    assert (mine.of_personal_token(), mine.of_application()) == (401, {200})
    regulars("user", "end-access", world.bob)
    mine.expect_none()
    assert shown() == []
    assert list_personal_tokens(world.database, world.bob) == []
