"""The pages of invitations: `/invitation` for the invited person, and `/members` for the owner."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import bindparam, update

from regulars.accounts.memberships import memberships_of
from regulars.accounts.users import find_holder, find_users_with_email
from regulars.clock import utc_now
from regulars.db.statement import Statement
from regulars.db.tables import invitations
from regulars.permissions import Role
from tests.support.mail import SmtpServer
from tests.support.oauth import Browser
from tests.support.people import INVITATION, OWN_PASSWORD, invite, mailed_link, open_link, sign_in, sign_up
from tests.support.world import World

ADDRESS = "zeynep@example.com"
EXPIRE_ALL = Statement(update(invitations).values(expires_at=bindparam("then")))


@pytest.fixture
def world(empty_world: World) -> World:
    return empty_world


def status_of(world: World) -> str:
    return str(world.send("GET", "/api/v1/invitations").json["data"][0]["status"])


def test_a_new_person_sees_who_invites_and_signs_up(world: World) -> None:
    browser, link = Browser(world), invite(world, ADDRESS)
    page = open_link(browser, link)
    assert "Alice invites you to Klinik Güneş. Your role: agent." in page.text
    assert ADDRESS in page.text
    answer = browser.submit(page, INVITATION, do="sign-up", name=" Zeynep ", password=OWN_PASSWORD)
    assert answer.status_code == 303
    assert "Welcome" in browser.get("/account/profile?done=accepted").text
    (user,) = find_users_with_email(world.database, ADDRESS)
    assert (user.name, user.is_verified) == ("Zeynep", False)
    assert memberships_of(world.database, user.id)[world.clinic].role == Role.AGENT
    assert status_of(world) == "accepted"


def test_the_address_of_a_mailed_link_is_verified(mailing_world: World, mail_server: SmtpServer) -> None:
    invite(mailing_world, ADDRESS)
    message_link = mailed_link(mailing_world, mail_server, ADDRESS)
    assert sign_up(Browser(mailing_world), message_link).status_code == 303
    assert find_holder(mailing_world.database, ADDRESS) is not None


def test_a_person_with_an_account_signs_in_and_accepts(world: World) -> None:
    browser, link = Browser(world), invite(world, "charlie@example.com")
    page = open_link(browser, link)
    to_sign_in = browser.submit(page, INVITATION, do="accept")
    path = to_sign_in.headers["location"]
    assert path.startswith("/sign-in?next=")
    assert sign_in(browser, "charlie@example.com", path=path).headers["location"] == INVITATION
    page = browser.get(INVITATION)
    assert "You are signed in as Charlie (charlie@example.com)." in page.text
    assert memberships_of(world.database, world.charlie).keys() == {world.salon}, "not before consent"
    browser.submit(page, INVITATION, do="accept")
    assert memberships_of(world.database, world.charlie).keys() == {world.clinic, world.salon}


def test_the_link_may_be_used_with_another_address(world: World) -> None:
    """The link is the proof. Whose address it was sent to does not matter."""
    browser = Browser.signed_in(world, world.charlie)
    page = open_link(browser, invite(world, ADDRESS))
    assert "You are signed in as Charlie" in page.text
    browser.submit(page, INVITATION, do="accept")
    assert world.clinic in memberships_of(world.database, world.charlie)


def test_a_link_works_once(world: World) -> None:
    link = invite(world, ADDRESS)
    sign_up(Browser(world), link)
    second = Browser(world)
    assert "It was already accepted." in open_link(second, link).text
    answer = second.submit(second.get(INVITATION), INVITATION, do="sign-up", name="Second", password=OWN_PASSWORD)
    assert answer.status_code in {403, 422}
    assert len(find_users_with_email(world.database, ADDRESS)) == 1


def test_a_member_is_told_to_be_one(world: World) -> None:
    page = open_link(Browser.signed_in(world, world.bob), invite(world, ADDRESS))
    assert "You are already a member of Klinik Güneş." in page.text
    assert status_of(world) == "pending"


def test_an_invitation_is_declined(world: World) -> None:
    browser, link = Browser(world), invite(world, ADDRESS)
    answer = browser.submit(open_link(browser, link), INVITATION, do="decline")
    assert "You have declined the invitation." in answer.text
    assert status_of(world) == "declined"
    assert "It was declined." in open_link(Browser(world), link).text


def test_a_link_that_was_changed_is_unknown(world: World) -> None:
    link = invite(world, ADDRESS)
    for wrong in (link[:-1], link + "x", link.partition("=")[0] + "=", link.partition("=")[0] + "=%00"):
        assert "This link does not work" in open_link(Browser(world), wrong).text


@pytest.mark.parametrize("ending", ["revoked", "expired"])
def test_an_ended_link_accepts_nothing(world: World, ending: str) -> None:
    link, browser = invite(world, ADDRESS), Browser.signed_in(world, world.charlie)
    page = open_link(browser, link)
    if ending == "revoked":
        invitation = world.send("GET", "/api/v1/invitations").json["data"][0]["id"]
        world.send("DELETE", f"/api/v1/invitations/{invitation}")
    else:
        world.database.execute(EXPIRE_ALL, {"then": utc_now() - timedelta(seconds=1)})
    answer = browser.submit(page, INVITATION, do="accept")
    assert answer.status_code == 422
    assert "This invitation is no longer valid." in answer.text
    assert f"It {'was' if ending == 'revoked' else 'has'} {ending}." in answer.text
    assert memberships_of(world.database, world.charlie).keys() == {world.salon}


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("short", "8 to 1024 characters"),
        ("password1", "common"),
        ("zeynep@example.com", "address"),
        ("Zeynep Arslan", "name"),
    ],
)
def test_a_password_that_is_easily_guessed_is_refused(world: World, password: str, fault: str) -> None:
    answer = sign_up(Browser(world), invite(world, ADDRESS), name="Zeynep Arslan", password=password)
    assert answer.status_code == 422
    assert fault in answer.text
    assert 'value="Zeynep Arslan"' in answer.text, "the form keeps the name"
    assert find_users_with_email(world.database, ADDRESS) == []


def test_no_more_than_three_accounts_have_an_unverified_address(world: World) -> None:
    """Signing in checks the password of each, so their number is limited."""
    statuses = []
    for _ in range(4):
        statuses.append(sign_up(Browser(world), invite(world, ADDRESS)).status_code)
        newest = find_users_with_email(world.database, ADDRESS)[-1]
        world.send("DELETE", f"/api/v1/users/{newest.id}")
    assert statuses == [303, 303, 303, 422]
    assert len(find_users_with_email(world.database, ADDRESS)) == 3


# The page of the owner


def test_an_owner_invites_on_a_page_and_sees_the_link_once(world: World) -> None:
    owner = Browser.signed_in(world, world.alice)
    page = owner.get("/members")
    answer = owner.submit(page, "/members", do="invite", email=ADDRESS, name="Zeynep", role="viewer")
    assert answer.status_code == 303, answer.text
    shown = owner.get("/members").text
    links = re.findall(r'class="secret"[^>]*>([^<]+)<', shown)
    assert len(links) == 1
    assert links[0].startswith(f"{world.settings.origin}/invitation?token=")
    assert links[0] not in owner.get("/members").text
    assert sign_up(Browser(world), links[0]).status_code == 303
    (user,) = find_users_with_email(world.database, ADDRESS)
    assert memberships_of(world.database, user.id)[world.clinic].role == Role.VIEWER


def test_an_owner_sees_what_was_wrong_with_an_invitation(world: World) -> None:
    owner = Browser.signed_in(world, world.alice)
    for email, role, fault in (
        ("nobody", "agent", "e-mail address"),
        (ADDRESS, "king", "role"),
        ("bob@example.com", "agent", "member"),
    ):
        answer = owner.submit(owner.get("/members"), "/members", do="invite", email=email, role=role)
        assert answer.status_code == 422
        assert fault in answer.text
        assert f'value="{email}"' in answer.text


def test_an_owner_changes_roles_and_removes_members(world: World) -> None:
    owner = Browser.signed_in(world, world.alice)
    page = owner.get("/members")
    fields = {"tenant": str(world.clinic), "user": str(world.bob)}
    owner.submit(page, "/members", do="role", role="admin", **fields)
    assert memberships_of(world.database, world.bob)[world.clinic].role == Role.ADMIN
    asked = owner.submit(page, "/members", do="remove", **fields)
    assert "Bob" in asked.text
    assert world.clinic in memberships_of(world.database, world.bob)
    owner.submit(asked, "/members", do="remove", sure="yes", **fields)
    assert memberships_of(world.database, world.bob) == {}


def test_the_last_owner_cannot_leave(world: World) -> None:
    owner = Browser.signed_in(world, world.alice)
    answer = owner.submit(owner.get("/account/profile"), "/account/profile", leave=str(world.clinic), sure="yes")
    assert answer.status_code == 409
    assert "last owner" in answer.text


def test_a_member_leaves_after_a_question(world: World) -> None:
    member = Browser.signed_in(world, world.dora)
    page = member.get("/account/profile")
    asked = member.submit(page, "/account/profile", leave=str(world.clinic))
    assert "Klinik Güneş" in asked.text
    assert world.clinic in memberships_of(world.database, world.dora)
    assert member.submit(asked, "/account/profile", leave=str(world.clinic), sure="yes").status_code == 303
    assert memberships_of(world.database, world.dora).keys() == {world.salon}


@pytest.mark.parametrize("person", ["bob", "charlie", "dora"])
def test_others_cannot_manage_the_members(world: World, person: str) -> None:
    """Bob is an agent of the clinic, Dora a viewer, and Charlie owns another tenant."""
    browser = Browser.signed_in(world, getattr(world, person))
    page = browser.get("/members" if person == "charlie" else "/account/profile")
    for action in (
        {"do": "invite", "email": ADDRESS, "role": "owner"},
        {"do": "role", "user": str(world.alice), "role": "viewer"},
        {"do": "remove", "user": str(world.alice), "sure": "yes"},
    ):
        assert browser.submit(page, "/members", **({"tenant": str(world.clinic)} | action)).status_code in {403, 409}
    assert world.send("GET", "/api/v1/invitations").json["data"] == []
    assert memberships_of(world.database, world.alice)[world.clinic].role == Role.OWNER
