"""API for invitations and the audit log of a tenant."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from falcon.testing import Result
from sqlalchemy import bindparam, update

from regulars.accounts.memberships import add_member, memberships_of
from regulars.accounts.users import create_user, find_users_with_email
from regulars.clock import utc_now
from regulars.db.statement import Statement
from regulars.db.tables import invitations
from regulars.permissions import Role
from regulars.scopes import SCOPES
from tests.support.world import PASSWORD, World, expect_error

USERS, INVITATIONS, AUDIT_EVENTS = "/api/v1/users", "/api/v1/invitations", "/api/v1/audit-events"
ZEYNEP = {"email": "Zeynep@Example.com", "name": "Zeynep", "role": "agent"}
MOVE_INTO_THE_PAST = Statement(
    update(invitations)
    .where(invitations.c.id == bindparam("of_invitation"))
    .values(sent_at=bindparam("sent"), expires_at=bindparam("expiry"))
)


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def invite(world: World, **changes: Any) -> dict[str, Any]:
    """Invite Zeynep to the clinic, and return the invitation."""
    answer = world.send("POST", USERS, ZEYNEP | changes)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json["data"]
    return data


def let_days_pass(world: World, invitation: dict[str, Any], days: float) -> None:
    """Move the times of an invitation into the past."""
    sent = utc_now() - timedelta(days=days)
    values = {"of_invitation": invitation["id"], "sent": sent, "expiry": sent + timedelta(days=7)}
    world.database.execute(MOVE_INTO_THE_PAST, values)


def statuses(world: World) -> list[str]:
    return [invitation["status"] for invitation in world.send("GET", INVITATIONS).json["data"]]


def test_an_invitation_creates_neither_an_account_nor_a_member(world: World) -> None:
    answer = world.send("POST", USERS, ZEYNEP)
    assert answer.status_code == 201, answer.text
    assert answer.json["success"] == "The invitation was created. Pass on its link."
    invitation = answer.json["data"]
    assert invitation["email"] == "zeynep@example.com"
    assert (invitation["role"], invitation["status"], invitation["is_mailed"]) == ("agent", "pending", False)
    assert (invitation["invited_by"], invitation["user_id"]) == (world.alice, None)
    assert invitation["link"].startswith(f"{world.settings.origin}/invitation?token=")
    assert find_users_with_email(world.database, "zeynep@example.com") == []
    assert [user["email"] for user in world.send("GET", USERS).json["data"]].count("zeynep@example.com") == 0
    shown = world.send("GET", urlsplit(answer.headers["Location"]).path).json["data"]
    assert shown == {name: value for name, value in invitation.items() if name not in {"link", "is_mailed"}}


def test_the_answer_is_the_same_whether_the_address_has_an_account_or_not(world: World) -> None:
    """Charlie has an account and owns the salon; nobody has the other address."""
    known = invite(world, email="charlie@example.com", name="Somebody")
    unknown = invite(world, email="nobody@example.com", name="Somebody")
    own = {"id", "email", "link", "created_at", "sent_at", "expires_at"}
    assert {key: known[key] for key in known if key not in own} == {
        key: unknown[key] for key in unknown if key not in own
    }
    assert memberships_of(world.database, world.charlie).keys() == {world.salon}
    members = world.send("GET", USERS).json["data"]
    assert "charlie@example.com" not in {user["email"] for user in members}
    again = [world.send("POST", USERS, ZEYNEP | {"email": each["email"]}) for each in (known, unknown)]
    messages = [expect_error(answer, 409, "conflict")["message"] for answer in again]
    assert messages[0].replace("charlie", "nobody").replace(known["id"], unknown["id"]) == messages[1]


def test_a_member_cannot_be_invited_again(world: World) -> None:
    error = expect_error(world.send("POST", USERS, ZEYNEP | {"email": "bob@example.com"}), 409, "conflict")
    assert set(error["errors"]) == {"email"}


def test_every_fault_of_an_invitation_is_named(world: World) -> None:
    broken = {"email": "nobody", "name": " ", "password": "long enough", "role": "king", "id": 7}
    error = expect_error(world.send("POST", USERS, broken), 422, "validation_error")
    assert {"email", "password", "role", "id"} <= set(error["errors"])
    error = expect_error(world.send("POST", USERS, {}), 422, "validation_error")
    assert set(error["errors"]) == {"email", "role"}
    for wrong in ({"name": "x" * 256}, {"name": "a\u202eb"}, {"password": None}):
        error = expect_error(world.send("POST", USERS, ZEYNEP | wrong), 422, "validation_error")
        assert set(error["errors"]) == set(wrong)
    assert statuses(world) == []


def test_invitations_are_listed_and_filtered_by_status(world: World) -> None:
    revoked, expired, pending = (invite(world, email=f"{name}@example.com") for name in ("a", "b", "c"))
    assert world.send("DELETE", f"{INVITATIONS}/{revoked['id']}").status_code == 204
    let_days_pass(world, expired, 7)
    assert statuses(world) == ["pending", "expired", "revoked"]
    found = world.send("GET", INVITATIONS, params={"status": "pending"}).json["data"]
    assert [invitation["id"] for invitation in found] == [pending["id"]]
    assert "link" not in found[0]


def test_a_revoked_invitation_stays_revoked(world: World) -> None:
    path = f"{INVITATIONS}/{invite(world)['id']}"
    for _ in range(2):
        answer = world.send("DELETE", path)
        assert (answer.status_code, answer.content) == (204, b"")
    expect_error(world.send("POST", f"{path}/resend"), 409, "conflict")
    assert invite(world)["status"] == "pending"


def test_a_resent_invitation_has_a_new_link_and_seven_more_days(world: World) -> None:
    first = invite(world)
    path = f"{INVITATIONS}/{first['id']}/resend"
    error = world.send("POST", path)
    expect_error(error, 409, "conflict")
    assert error.headers["Retry-After"] == "60"
    let_days_pass(world, first, 30)
    assert statuses(world) == ["expired"]
    second = world.send("POST", path).json["data"]
    assert (second["id"], second["status"]) == (first["id"], "pending")
    assert second["link"] != first["link"]
    assert second["expires_at"] >= first["expires_at"]


def test_of_parallel_invitations_to_an_address_one_succeeds(world: World) -> None:
    create_user(world.database, email="other@example.com", name="Other", password=PASSWORD)
    other = find_users_with_email(world.database, "other@example.com")[0].id
    add_member(world.database, world.clinic, "other@example.com", Role.OWNER)
    owners = [world.alice, other, world.charlie]
    for user in owners:
        world.writers[user] = world.token(user, list(SCOPES))
    at_once = threading.Barrier(len(owners))

    def go(user: int) -> Result:
        at_once.wait()
        return world.send("POST", USERS, ZEYNEP, user=user)

    with ThreadPoolExecutor(len(owners)) as threads:
        first, second, elsewhere = threads.map(go, owners)
    assert sorted([first.status_code, second.status_code]) == [201, 409]
    assert elsewhere.status_code == 201


def test_a_repeated_post_sends_one_invitation(world: World) -> None:
    key = {"Idempotency-Key": "a-1"}
    first = world.send("POST", USERS, ZEYNEP, headers=key)
    again = world.send("POST", USERS, ZEYNEP, headers=key)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert (again.headers["Idempotent-Replayed"], "Idempotent-Replayed" in first.headers) == ("true", False)
    expect_error(world.send("POST", USERS, ZEYNEP | {"role": "owner"}, headers=key), 422, "validation_error")
    assert statuses(world) == ["pending"]


def test_the_invitations_of_a_removed_owner_are_revoked(world: World) -> None:
    """Otherwise a person could return with a link that they sent to themselves."""
    assert world.send("PUT", f"{USERS}/{world.bob}", {"role": "owner"}).status_code == 200
    answer = world.send("POST", USERS, ZEYNEP, user=world.bob)
    assert answer.status_code == 201, answer.text
    invite(world, email="other@example.com")
    assert world.send("DELETE", f"{USERS}/{world.bob}").status_code == 204
    assert statuses(world) == ["pending", "revoked"]


def test_owners_see_what_happened_in_their_tenant(world: World) -> None:
    invitation = invite(world)
    for method, content in (("PUT", {"role": "admin"}), ("PUT", {"role": "admin"}), ("DELETE", None)):
        world.send(method, f"{USERS}/{world.bob}", content)
    world.send("DELETE", f"{INVITATIONS}/{invitation['id']}")
    events = world.send("GET", AUDIT_EVENTS).json["data"]
    by_alice = [event for event in events if event["user_id"] == world.alice]
    assert [event["kind"] for event in by_alice] == [
        "invitation.revoked",
        "member.removed",
        "member.changed",
        "invitation.sent",
    ]
    assert all(event["client_id"] for event in by_alice)
    assert by_alice[2]["about"] == f"user {world.bob}: admin"
    older = world.send("GET", AUDIT_EVENTS, params={"before": by_alice[2]["id"], "limit": "1"}).json["data"]
    assert older == [by_alice[3]]
