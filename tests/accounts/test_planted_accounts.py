"""An account that was made with somebody else's address never gets what is meant for that person.

Charlie owns the salon. He invites an address that is not his, keeps the link, and creates an account with it. Later the
person who really has the address is invited to the clinic.
"""

import pytest

from regulars.accounts.memberships import memberships_of
from regulars.accounts.recovery import RECOVERY_PATH
from regulars.accounts.users import find_holder, find_users_with_email
from regulars.cli.main import run
from regulars.mail.queue import list_waiting, send_due
from tests.support.mail import SmtpServer
from tests.support.oauth import Application, Browser
from tests.support.people import INVITATION, OWN_PASSWORD, invite, mailed_link, open_link, sign_in, sign_up
from tests.support.world import PASSWORD, World, expect_error

ADDRESS = "zeynep@example.com"
KNOWN_TO_CHARLIE = "known-to-charlie"


def plant(world: World) -> tuple[int, Browser]:
    """Make an account with an address of somebody else. Return its id and the browser in which it is signed in."""
    browser = Browser(world)
    answer = sign_up(browser, invite(world, ADDRESS, by=world.charlie), name="Planted", password=KNOWN_TO_CHARLIE)
    assert answer.status_code == 303, answer.text
    (planted,) = find_users_with_email(world.database, ADDRESS)
    assert not planted.is_verified
    return planted.id, browser


def users_of_the_clinic(world: World) -> set[int]:
    return {user["id"] for user in world.send("GET", "/api/v1/users").json["data"]}


def test_the_invited_person_gets_an_account_of_their_own_by_mail(mailing_world: World, mail_server: SmtpServer) -> None:
    world = mailing_world
    planted, _ = plant(world)
    invite(world, ADDRESS)
    zeynep = Browser(world)
    assert sign_up(zeynep, mailed_link(world, mail_server, ADDRESS, 2)).status_code == 303
    holder = find_holder(world.database, ADDRESS)
    assert holder is not None
    assert holder.id != planted
    assert holder.id in users_of_the_clinic(world)
    assert memberships_of(world.database, planted).keys() == {world.salon}
    assert sign_in(Browser(world), ADDRESS, OWN_PASSWORD).headers["location"] == "/"


def test_the_invited_person_gets_an_account_of_their_own_by_a_passed_link(empty_world: World) -> None:
    planted, _ = plant(empty_world)
    zeynep = Browser(empty_world)
    assert sign_up(zeynep, invite(empty_world, ADDRESS)).status_code == 303
    assert planted not in users_of_the_clinic(empty_world)
    assert "Zeynep" in zeynep.get("/account/profile").text
    assert memberships_of(empty_world.database, planted).keys() == {empty_world.salon}


def test_a_planted_password_opens_nothing_of_the_clinic(mailing_world: World, mail_server: SmtpServer) -> None:
    world = mailing_world
    app = Application.register(world)
    planted, browser = plant(world)
    before = app.tokens(browser)["access_token"]
    invite(world, ADDRESS)
    sign_up(Browser(world), mailed_link(world, mail_server, ADDRESS, 2))
    for token in (before, app.tokens(Browser.signed_in(world, planted))["access_token"]):
        headers = {"Authorization": f"Bearer {token}", "X-Tenant": str(world.clinic)}
        answer = world.client.simulate_get("/api/v1/customers", headers=headers)
        expect_error(answer, 403, "tenant_forbidden")


def test_the_planted_account_must_choose_another_address(mailing_world: World, mail_server: SmtpServer) -> None:
    world = mailing_world
    _, browser = plant(world)
    assert browser.get("/account/profile").status_code == 200
    invite(world, ADDRESS)
    sign_up(Browser(world), mailed_link(world, mail_server, ADDRESS, 2))
    for page in ("/account/profile", "/account/tokens", "/members"):
        answer = browser.get(page)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/email")
    assert "Somebody else has confirmed the address" in browser.get("/account/email").text


def test_member_add_does_not_find_it(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    planted, _ = plant(empty_world)
    monkeypatch.setenv("REGULARS_DATABASE", empty_world.url)
    monkeypatch.setenv("REGULARS_SECRET_KEY", empty_world.settings.secret_key)
    add = ["member", "add", "--tenant", str(empty_world.clinic), "--user", ADDRESS, "--role", "admin"]
    assert run(add) == 1
    assert memberships_of(empty_world.database, planted).keys() == {empty_world.salon}


def test_a_confirmation_link_works_only_for_the_account_that_asked(
    mailing_world: World, mail_server: SmtpServer
) -> None:
    """The real holder of the address opens the message that the planted account caused."""
    world = mailing_world
    planted, browser = plant(world)
    browser.submit(browser.get("/account/email"), "/account/email", do="verify")
    link = mailed_link(world, mail_server, ADDRESS, 2)
    assert link.partition("?")[0].endswith("/account/confirm-email")
    stranger = Browser(world)
    assert open_link(stranger, link).headers["location"].startswith("/sign-in")
    bob = Browser.signed_in(world, world.bob)
    assert "for another account" in open_link(bob, link).text
    assert bob.submit(bob.get("/account/confirm-email"), "/account/confirm-email").status_code == 422
    assert find_holder(world.database, ADDRESS) is None
    assert not [user for user in find_users_with_email(world.database, ADDRESS) if user.id != planted]


def test_a_change_to_the_address_takes_effect_only_with_its_mail(mailing_world: World, mail_server: SmtpServer) -> None:
    """Charlie changes his own address to one that is not his. The message to it is all that he lacks."""
    world = mailing_world
    charlie = Browser.signed_in(world, world.charlie)
    page = charlie.get("/account/email")
    answer = charlie.submit(page, "/account/email", do="change", email=ADDRESS, password=PASSWORD)
    assert answer.headers["location"].endswith("done=email-links"), answer.text
    charlie.submit(open_link(charlie, mailed_link(world, mail_server, "charlie@example.com")), "/account/confirm-email")
    assert find_users_with_email(world.database, ADDRESS) == []
    assert sign_up(Browser(world), invite(world, ADDRESS)).status_code == 303


def test_recovery_sends_it_nothing(mailing_world: World, mail_server: SmtpServer) -> None:
    world = mailing_world
    plant(world)
    send_due(world.database, world.settings)
    stranger = Browser(world)
    stranger.submit(stranger.get("/recovery"), "/recovery", email=ADDRESS)
    assert list_waiting(world.database) == []
    assert [message for message in mail_server.received if RECOVERY_PATH in message.link] == []


def test_an_existing_account_gets_nothing_without_the_link(empty_world: World) -> None:
    """Charlie has an account with the invited address. He becomes a member only with the link and his consent."""
    world = empty_world
    invite(world, "charlie@example.com")
    assert memberships_of(world.database, world.charlie).keys() == {world.salon}
    answer = world.get("/api/v1/customers", user=world.charlie)
    assert answer.status_code == 200, "his integrations that leave X-Tenant out still work"
    page = Browser.signed_in(world, world.charlie).get(INVITATION)
    assert "This link does not work" in page.text
