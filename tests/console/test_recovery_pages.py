"""Pages for people who have forgotten the password, or who confirm or change their e-mail address."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import bindparam, update

from regulars.accounts.users import find_holder, find_users_with_email
from regulars.clock import utc_now
from regulars.db.statement import Statement
from regulars.db.tables import email_changes, one_time_tokens
from regulars.mail.queue import list_waiting, send_due
from tests.support.mail import SmtpServer
from tests.support.oauth import Browser
from tests.support.people import OWN_PASSWORD, invite, mailed_link, open_link, sign_in, sign_up
from tests.support.world import PASSWORD, World

RECOVERY, NEW_PASSWORD, EMAIL, CONFIRM = "/recovery", "/recovery/password", "/account/email", "/account/confirm-email"
BOB, NEW_ADDRESS = "bob@example.com", "robert@example.com"
EXPIRE_LINKS = Statement(update(one_time_tokens).values(expires_at=bindparam("then")))
EXPIRE_CHANGES = Statement(update(email_changes).values(expires_at=bindparam("then")))


def ask(world: World, email: str) -> str:
    """Ask for a link on the page, and return what it says."""
    browser = Browser(world)
    answer = browser.submit(browser.get(RECOVERY), RECOVERY, email=email)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{RECOVERY}?sent=1")
    return str(browser.get(RECOVERY, params={"sent": "1"}).text)


def change_address(world: World, browser: Browser, email: str = NEW_ADDRESS) -> str:
    """Ask for another address, and return the answer's text."""
    answer = browser.submit(browser.get(EMAIL), EMAIL, do="change", email=email, password=PASSWORD)
    return str(answer.headers.get("location") or answer.text)


def told(world: World, server: SmtpServer, recipient: str, count: int) -> str:
    """Return the subject and text of the message with this number."""
    send_due(world.database, world.settings)
    message = server.wait_for(recipient, count)
    return f"{message.subject}\n{message.text}"


def test_a_forgotten_password_is_replaced_by_mail(mailing_world: World, mail_server: SmtpServer) -> None:
    world = mailing_world
    assert "Forgot password?" in Browser(world).get("/sign-in").text
    open_page = Browser.signed_in(world, world.bob)
    ask(world, " Bob@Example.com ")
    browser = Browser(world)
    page = open_link(browser, mailed_link(world, mail_server, BOB))
    assert BOB in page.text
    assert browser.submit(page, NEW_PASSWORD, password="short").status_code == 422
    answer = browser.submit(page, NEW_PASSWORD, password=OWN_PASSWORD)
    assert answer.headers["location"] == "/sign-in?done=password"
    assert sign_in(Browser(world), BOB).status_code == 422
    assert sign_in(Browser(world), BOB, OWN_PASSWORD).status_code == 303
    assert open_page.get("/account/profile").status_code == 303
    assert "password was changed" in told(world, mail_server, BOB, 2)


def test_the_page_says_the_same_for_every_address(mailing_world: World) -> None:
    pages = {ask(mailing_world, email) for email in (BOB, "nobody@example.com", "no address")}
    said = {re.sub(r'name="form_token" value="\w+"', "", page).replace(BOB, "") for page in pages}
    assert len(said) == 1
    assert len(list_waiting(mailing_world.database)) == 1


def test_a_recovery_link_works_once_and_for_an_hour(mailing_world: World, mail_server: SmtpServer) -> None:
    world = mailing_world
    ask(world, BOB)
    link = mailed_link(world, mail_server, BOB)
    browser = Browser(world)
    browser.submit(open_link(browser, link), NEW_PASSWORD, password=OWN_PASSWORD)
    assert "already used" in open_link(Browser(world), link).text
    ask(world, BOB)
    # The second message says that the password was changed.
    late = Browser(world)
    page = open_link(late, mailed_link(world, mail_server, BOB, 3))
    world.database.execute(EXPIRE_LINKS, {"then": utc_now() - timedelta(seconds=1)})
    assert late.submit(page, NEW_PASSWORD, password="another-one-2026").status_code == 422
    assert sign_in(Browser(world), BOB, OWN_PASSWORD).status_code == 303


def test_recovery_does_not_skip_the_second_step_of_signing_in(mailing_world: World, mail_server: SmtpServer) -> None:
    """The link sets a password; it does not sign in."""
    ask(mailing_world, BOB)
    browser = Browser(mailing_world)
    browser.submit(
        open_link(browser, mailed_link(mailing_world, mail_server, BOB)), NEW_PASSWORD, password=OWN_PASSWORD
    )
    assert browser.get("/account/profile").status_code == 303


def test_many_requests_for_one_address_are_slowed(mailing_world: World) -> None:
    browser = Browser(mailing_world)
    answers = [browser.submit(browser.get(RECOVERY), RECOVERY, email=BOB) for _ in range(8)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert len(list_waiting(mailing_world.database)) < 8


def test_the_addresses_of_an_ipv6_network_are_slowed_together(mailing_world: World) -> None:
    statuses = []
    for number in range(25):
        browser = Browser(mailing_world, address=f"2001:db8::{number + 1:x}")
        answer = browser.submit(browser.get(RECOVERY), RECOVERY, email=f"nobody{number}@example.com")
        statuses.append(answer.status_code)
    assert statuses[0] == 303
    assert statuses[-1] == 429


def test_without_mail_the_pages_say_whom_to_ask(empty_world: World) -> None:
    page = Browser(empty_world).get(RECOVERY)
    assert "This service sends no e-mail. Ask its operator for a new password." in page.text
    browser = Browser.signed_in(empty_world, empty_world.bob)
    assert "Ask its operator to change your address." in browser.get(EMAIL).text


def test_an_address_is_changed_after_both_confirmed(mailing_world: World, mail_server: SmtpServer) -> None:
    world, browser = mailing_world, Browser.signed_in(mailing_world, mailing_world.bob)
    assert change_address(world, browser).endswith("done=email-links")
    for recipient in (BOB, NEW_ADDRESS):
        assert find_holder(world.database, NEW_ADDRESS) is None
        page = open_link(browser, mailed_link(world, mail_server, recipient))
        assert NEW_ADDRESS in page.text
        assert browser.submit(page, CONFIRM).status_code == 303
    holder = find_holder(world.database, NEW_ADDRESS)
    assert holder is not None
    assert holder.id == world.bob
    assert find_users_with_email(world.database, BOB) == []
    assert NEW_ADDRESS in told(world, mail_server, BOB, 2)
    assert sign_in(Browser(world), NEW_ADDRESS).status_code == 303


def test_a_change_of_address_needs_the_password(mailing_world: World) -> None:
    browser = Browser.signed_in(mailing_world, mailing_world.bob)
    answer = browser.submit(browser.get(EMAIL), EMAIL, do="change", email=NEW_ADDRESS, password="wrong")
    assert answer.status_code == 422
    assert list_waiting(mailing_world.database) == []


@pytest.mark.parametrize("ending", ["cancelled", "expired"])
def test_an_ended_change_of_address_is_not_confirmed(
    mailing_world: World, mail_server: SmtpServer, ending: str
) -> None:
    world, browser = mailing_world, Browser.signed_in(mailing_world, mailing_world.bob)
    change_address(world, browser)
    if ending == "cancelled":
        browser.submit(browser.get(EMAIL), EMAIL, do="cancel")
    else:
        world.database.execute(EXPIRE_CHANGES, {"then": utc_now() - timedelta(seconds=1)})
    page = open_link(browser, mailed_link(world, mail_server, NEW_ADDRESS))
    assert browser.submit(page, CONFIRM).status_code == 422
    assert find_holder(world.database, BOB) is not None


def test_an_address_that_is_taken_is_not_told_to_others(mailing_world: World) -> None:
    """The page says the same. Only the message to the address, and who opens its link, learns that it is taken."""
    browser = Browser.signed_in(mailing_world, mailing_world.bob)
    taken = change_address(mailing_world, browser, "alice@example.com")
    assert taken == change_address(mailing_world, browser, NEW_ADDRESS)


def test_an_unverified_user_confirms_the_address(mailing_world: World, mail_server: SmtpServer) -> None:
    world, browser = mailing_world, Browser(mailing_world)
    sign_up(browser, invite(world, NEW_ADDRESS))
    assert "not confirmed" in browser.get(EMAIL).text
    browser.submit(browser.get(EMAIL), EMAIL, do="verify")
    page = open_link(browser, mailed_link(world, mail_server, NEW_ADDRESS, 2))
    assert browser.submit(page, CONFIRM).status_code == 303
    assert find_holder(world.database, NEW_ADDRESS) is not None
