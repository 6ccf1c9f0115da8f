"""People who use the pages: they read their mail, open links, sign in and sign up."""

from urllib.parse import urlsplit

from falcon.testing import Result

from regulars.mail.queue import send_due
from tests.support.mail import SmtpServer
from tests.support.oauth import Browser
from tests.support.world import PASSWORD, World

OWN_PASSWORD = "meadow-17-lantern"
INVITATION = "/invitation"
USERS = "/api/v1/users"


def mailed_link(world: World, server: SmtpServer, recipient: str, count: int = 1) -> str:
    """Send what is due, wait until `count` messages have reached the recipient, and return the last one's link."""
    send_due(world.database, world.settings)
    return server.wait_for(recipient, count).link


def open_link(browser: Browser, link: str) -> Result:
    """Open a link, follow its redirect, and return the page."""
    parts = urlsplit(link)
    moved = browser.get(parts.path, query_string=parts.query)
    assert (moved.status_code, moved.headers["location"]) == (303, parts.path)
    return browser.get(parts.path)


def sign_in(browser: Browser, email: str, password: str = PASSWORD, path: str = "/sign-in") -> Result:
    """Enter an address and a password on the sign-in page, and return the response."""
    return browser.submit(browser.get(path), "/sign-in", email=email, password=password)


def invite(world: World, email: str, *, by: int = 0, role: str = "agent") -> str:
    """Invite somebody (default: as Alice, to the clinic), and return the link that the inviter is shown."""
    answer = world.send("POST", USERS, {"email": email, "role": role}, user=by or world.alice)
    assert answer.status_code == 201, answer.text
    return str(answer.json["data"]["link"])


def sign_up(browser: Browser, link: str, *, name: str = "Zeynep", password: str = OWN_PASSWORD) -> Result:
    """Open the link of an invitation, and create an account."""
    return browser.submit(open_link(browser, link), INVITATION, do="sign-up", name=name, password=password)
