"""Two people in Chromium: Alice, who owns the clinic, and a colleague. The service runs as a process, and sends its
messages to a real SMTP server."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import httpx
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import bindparam, update

from regulars.accounts.invitations import LIFETIME
from regulars.accounts.memberships import add_member
from regulars.accounts.users import create_user
from regulars.clock import utc_now
from regulars.db.statement import Statement
from regulars.db.tables import invitations
from regulars.permissions import Role
from tests.conftest import FreshDatabase
from tests.support.chromium import add_authenticator, open_page, sign_in, sign_out
from tests.support.mail import SmtpServer, running_smtp_server
from tests.support.people import OWN_PASSWORD
from tests.support.postgres import free_port
from tests.support.server import Server, running
from tests.support.world import LIST, PASSWORD, World

NEW_PASSWORD = "harbour-42-thistle"
PHONE: ViewportSize = {"width": 360, "height": 740}
END_OF_ACCESS_SECONDS = 1.0
AGE_INVITATION = Statement(
    update(invitations)
    .where(invitations.c.email == bindparam("of_email"))
    .values(sent_at=bindparam("sent"), expires_at=bindparam("expired"))
)

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def mailbox() -> Iterator[SmtpServer]:
    """Run an SMTP server for all tests of this module. Each test uses its own addresses."""
    with running_smtp_server() as server:
        yield server


@pytest.fixture(scope="module")
def server(fresh_database: FreshDatabase, mailbox: SmtpServer) -> Iterator[Server]:
    """Run the service, which sends with the SMTP server."""
    with (
        World.on(fresh_database("sqlite"), port=free_port(), **mailbox.settings) as world,
        running(world, environment=mailbox.environment) as started,
    ):
        yield started


@pytest.fixture
def person(chromium: Browser, server: Server) -> Iterator[OpenPage]:
    """Return a function that opens a page in a new browser context, as another person has it."""
    with ExitStack() as pages:
        yield lambda **options: pages.enter_context(open_page(chromium, server, **options))


@pytest.fixture
def owner(person: OpenPage) -> Page:
    """Return Alice's page, on which she manages the people of the clinic."""
    page = person()
    page.goto("/members")
    sign_in(page, "alice@example.com")
    return page


def invite(owner: Page, email: str) -> str:
    """Invite somebody on the page, and return the link that it shows."""
    owner.get_by_label("E-mail address").fill(email)
    owner.get_by_label("Role", exact=True).select_option("agent")
    owner.get_by_role("button", name="Invite").click()
    return owner.get_by_role("status").locator(".secret").inner_text()


def sign_up(page: Page, link: str, name: str) -> None:
    """Open the link of an invitation, and create an account with a password."""
    page.goto(link)
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(OWN_PASSWORD)
    page.get_by_role("button", name="Create account and accept").click()
    expect(page.get_by_role("status")).to_have_text("Welcome! You are a member now.")


def accept(page: Page) -> None:
    """Accept the invitation on the page of somebody who is signed in."""
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status")).to_have_text("Welcome! You are a member now.")


def border_color(page: Page, label: str) -> str:
    """Return the color of the border of a field."""
    field = page.get_by_label(label, exact=True)
    return str(field.evaluate("field => getComputedStyle(field).borderTopColor"))


def width(page: Page) -> int:
    """Return the width of the content of the page, in pixels."""
    return int(page.evaluate("document.documentElement.scrollWidth"))


def add_stylist(server: Server, name: str) -> str:
    """Create a user with the usual password in the salon, and return the address."""
    email = f"{name.lower().replace(' ', '.')}@example.com"
    create_user(server.world.database, email=email, name=name, password=PASSWORD)
    add_member(server.world.database, server.world.salon, email, Role.AGENT)
    return email


def heading(page: Page) -> str:
    """Return the heading of the page."""
    return page.get_by_role("heading", level=1).inner_text()


def create_token(page: Page) -> str:
    """Create a personal access token on the page of somebody who is signed in."""
    page.goto("/account/tokens")
    page.get_by_label("Name", exact=True).fill("a script")
    page.get_by_role("button", name="Create token").click()
    return page.locator(".secret").inner_text()


def status_of(server: Server, token: str) -> int:
    """Request the customers with a token, and return the status code of the response."""
    return httpx.get(server.url + LIST, headers={"Authorization": f"Bearer {token}"}).status_code


def reloads_to_sign_in(page: Page) -> bool:
    """Reload the page, and return whether it has become the sign-in page."""
    page.reload()
    return heading(page) == "Sign in"


def wait_until_refused(is_refused: Callable[[], bool], deadline: float) -> None:
    """Repeat a request until it is refused. Fail if one that was sent after the deadline is still answered."""
    while True:
        sent_at = time.monotonic()
        if is_refused():
            return
        assert sent_at < deadline


def move_a_week(server: Server, email: str) -> None:
    """Move the invitation of this address into the past, as if a week had passed since."""
    sent = utc_now() - LIFETIME - timedelta(seconds=1)
    server.world.database.execute(AGE_INVITATION, {"of_email": email, "sent": sent, "expired": sent + LIFETIME})


def test_a_colleague_signs_up_with_the_link_in_the_message(owner: Page, person: OpenPage, mailbox: SmtpServer) -> None:
    shown = invite(owner, "emre@example.com")
    mailed = mailbox.wait_for("emre@example.com").link
    assert mailed != shown

    emre = person()
    emre.goto(mailed)
    assert heading(emre) == "Join Klinik Güneş"
    assert emre.get_by_text("Alice invites you to Klinik Güneş. Your role: agent.").is_visible()
    assert "token" not in emre.url
    sign_up(emre, mailed, "Emre")
    emre.goto("/account/email")
    assert emre.get_by_text("emre@example.com · confirmed").is_visible()
    owner.goto("/members")
    assert owner.get_by_label("Role of Emre", exact=True).input_value() == "agent"


def test_a_colleague_signs_up_with_the_link_that_the_owner_passes_on(owner: Page, person: OpenPage) -> None:
    link = invite(owner, "figen@example.com")
    owner.reload()
    assert owner.get_by_text(link).count() == 0

    figen = person()
    sign_up(figen, link, "Figen")
    figen.goto("/account/email")
    assert figen.get_by_text("figen@example.com · not confirmed").is_visible()


def test_a_colleague_signs_up_with_a_passkey(owner: Page, person: OpenPage, mailbox: SmtpServer) -> None:
    invite(owner, "gul@example.com")
    gul = person()
    add_authenticator(gul)
    gul.goto(mailbox.wait_for("gul@example.com").link)
    gul.get_by_label("Your name").fill("Gül")
    gul.get_by_role("button", name="Create account with a passkey and accept").click()
    expect(gul.get_by_role("status")).to_have_text("Welcome! You are a member now.")

    sign_out(gul)
    gul.goto("/sign-in?next=/account/passkeys")
    gul.get_by_role("button", name="Sign in with a passkey").click()
    expect(gul.get_by_text("First passkey")).to_be_visible()


def test_someone_with_an_account_signs_in_and_accepts(owner: Page, person: OpenPage, server: Server) -> None:
    email = add_stylist(server, "Hale")
    hale = person()
    hale.goto(invite(owner, email))
    hale.get_by_role("button", name="Sign in and accept").click()
    sign_in(hale, email)
    accept(hale)
    assert hale.locator("#content").get_by_text("Klinik Güneş").is_visible()
    assert hale.locator("#content").get_by_text("Salon Belle").is_visible()


def test_someone_signed_in_sees_as_whom_before_accepting(owner: Page, person: OpenPage, server: Server) -> None:
    email = add_stylist(server, "Ilker")
    ilker = person()
    ilker.goto("/account")
    sign_in(ilker, email)
    ilker.goto(invite(owner, "another.address@example.com"))
    assert ilker.get_by_text(f"You are signed in as Ilker ({email}).").is_visible()
    accept(ilker)
    owner.goto("/members")
    assert owner.get_by_label("Role of Ilker", exact=True).is_visible()
    assert owner.get_by_text("another.address@example.com").count() == 0


def test_someone_signed_in_can_use_another_account(owner: Page, person: OpenPage, server: Server) -> None:
    private, work = add_stylist(server, "Jale"), add_stylist(server, "Jale at work")
    jale = person()
    jale.goto("/account")
    sign_in(jale, private)
    jale.goto(invite(owner, work))
    jale.get_by_role("link", name="Use another account").click()
    assert jale.get_by_label("E-mail address").input_value() == ""
    sign_in(jale, work)
    assert jale.get_by_text(f"You are signed in as Jale at work ({work}).").is_visible()
    accept(jale)


def test_a_link_works_only_once(owner: Page, person: OpenPage) -> None:
    kemal, somebody_else = person(), person()
    link = invite(owner, "kemal@example.com")
    sign_up(kemal, link, "Kemal")
    kemal.goto(link)
    assert heading(kemal) == "You are already a member of Klinik Güneş."
    somebody_else.goto(link)
    assert heading(somebody_else) == "This invitation is no longer valid."
    assert somebody_else.get_by_text("It was already accepted.").is_visible()


def test_the_link_of_a_revoked_invitation_says_so(owner: Page, person: OpenPage) -> None:
    link = invite(owner, "lale@example.com")
    lale = person()
    lale.goto(link)
    owner.get_by_role("button", name="Revoke the invitation of lale@example.com").click()
    expect(owner.get_by_role("status")).to_have_text("The invitation was revoked.")

    lale.get_by_label("Name", exact=True).fill("Lale")
    lale.get_by_label("Password").fill(OWN_PASSWORD)
    lale.get_by_role("button", name="Create account and accept").click()
    expect(lale.get_by_role("heading", level=1)).to_have_text("This invitation is no longer valid.")
    assert lale.get_by_text("It was revoked. Ask for a new one.").is_visible()


def test_a_link_ends_after_a_week_until_it_is_sent_again(
    owner: Page, person: OpenPage, server: Server, mailbox: SmtpServer
) -> None:
    link = invite(owner, "mine@example.com")
    move_a_week(server, "mine@example.com")
    mine = person()
    mine.goto(link)
    assert heading(mine) == "This invitation is no longer valid."
    assert mine.get_by_text("It has expired. Ask for a new one.").is_visible()

    owner.goto("/members")
    owner.get_by_role("button", name="Resend the invitation of mine@example.com").click()
    expect(owner.get_by_role("status").locator(".secret")).to_contain_text("/invitation?token=")
    mine.goto(link)
    assert heading(mine) == "This link does not work"
    sign_up(mine, mailbox.wait_for("mine@example.com", 2).link, "Mine")


def test_a_colleague_declines(owner: Page, person: OpenPage) -> None:
    link = invite(owner, "nuri@example.com")
    nuri = person()
    nuri.goto(link)
    nuri.get_by_role("button", name="Decline the invitation").click()
    nuri.goto(link)
    assert nuri.get_by_text("It was declined. Ask for a new one.").is_visible()
    owner.goto("/members")
    assert owner.get_by_text("nuri@example.com").count() == 0


def test_the_owners_do_not_learn_which_account_declined(owner: Page, person: OpenPage, server: Server) -> None:
    email = add_stylist(server, "Nuran")
    nuran = person()
    nuran.goto("/account")
    sign_in(nuran, email)
    nuran.goto(invite(owner, "nuran.private@example.com"))
    nuran.get_by_role("button", name="Decline the invitation").click()
    assert nuran.get_by_text("but not by which account").is_visible()
    with server.client() as api:
        newest = api.get("/api/v1/audit-events").json()["data"][0]
    assert (newest["kind"], newest["user_id"]) == ("invitation.declined", None)


def test_a_rejected_password_is_marked_and_explained(owner: Page, person: OpenPage) -> None:
    omer = person()
    omer.goto(invite(owner, "omer@example.com"))
    omer.get_by_label("Name", exact=True).fill("Ömer")
    omer.get_by_label("Password").fill("password1")
    omer.get_by_role("button", name="Create account and accept").click()
    expect(omer.get_by_role("alert").first).to_have_text("This password is one of the most common. Choose another one.")
    assert border_color(omer, "Password") != border_color(omer, "Name")


def test_a_long_address_fits_on_a_phone(owner: Page, person: OpenPage, server: Server) -> None:
    long = f"{'a.long.name.' * 5}x@{'a-long-name-' * 5}x.example"
    link = invite(owner, long)
    phone = person(viewport=PHONE)
    for page, path in [(owner, "/members"), (phone, link)]:
        page.set_viewport_size(PHONE)
        page.goto(path)
        assert width(page) <= PHONE["width"], path
    sign_up(phone, link, "Osman")
    for path in ("/account/profile", "/account/email"):
        phone.goto(path)
        assert width(phone) <= PHONE["width"], path
    owner.goto("/members")
    owner.get_by_role("button", name="Remove Osman").click()
    assert width(owner) <= PHONE["width"]


def test_a_colleague_recovers_a_forgotten_password(owner: Page, person: OpenPage, mailbox: SmtpServer) -> None:
    invite(owner, "oya@example.com")
    at_work, at_home = person(), person()
    sign_up(at_work, mailbox.wait_for("oya@example.com").link, "Oya")

    at_home.goto("/account")
    at_home.get_by_role("link", name="Forgot password?").click()
    at_home.get_by_label("E-mail address").fill("oya@example.com")
    at_home.get_by_role("button", name="Send the link").click()
    expect(at_home.get_by_role("status")).to_contain_text("we have sent it a message with a link")
    link = mailbox.wait_for("oya@example.com", 2).link
    at_home.goto(link)
    assert at_home.get_by_text("For oya@example.com").is_visible()
    at_home.get_by_label("New password").fill(NEW_PASSWORD)
    at_home.get_by_role("button", name="Change password").click()
    expect(at_home.get_by_role("status")).to_have_text("Your password was changed. Sign in with it.")
    sign_in(at_home, "oya@example.com", OWN_PASSWORD)
    expect(at_home.get_by_role("alert").first).to_have_text("The e-mail address or the password is wrong.")
    sign_in(at_home, "oya@example.com", NEW_PASSWORD)
    expect(at_home.get_by_role("heading", level=1)).to_contain_text("Customers")

    at_work.reload()
    assert heading(at_work) == "Sign in"
    at_work.goto(link)
    assert at_work.get_by_role("alert").is_visible()


def test_a_removed_colleague_is_out_within_a_second(owner: Page, person: OpenPage, server: Server) -> None:
    pelin = person()
    sign_up(pelin, invite(owner, "pelin@example.com"), "Pelin")
    token = create_token(pelin)
    pelin.goto("/account")
    assert status_of(server, token) == httpx.codes.OK

    owner.goto("/members")
    owner.get_by_role("button", name="Remove Pelin").click()
    owner.get_by_role("button", name="Remove", exact=True).click()
    expect(owner.get_by_role("status")).to_have_text("The person was removed from the business.")
    deadline = time.monotonic() + END_OF_ACCESS_SECONDS
    wait_until_refused(lambda: status_of(server, token) == httpx.codes.UNAUTHORIZED, deadline)
    wait_until_refused(lambda: reloads_to_sign_in(pelin), deadline)
    sign_in(pelin, "pelin@example.com", OWN_PASSWORD)
    expect(pelin.get_by_text("You do not belong to a business yet.")).to_be_visible()
    assert status_of(server, token) == httpx.codes.UNAUTHORIZED
