"""A page of the settings: its frame with the second navigation, and the confirmation before a destructive action."""

from collections.abc import Sequence
from typing import Any

import falcon

from regulars.clock import utc_now
from regulars.console.formats import moment_formatter
from regulars.console.pages import Form, Pages, Visitor
from regulars.console.screen import Screen, find_screen, frame_values
from regulars.errors import Conflict
from regulars.i18n import _

DONE_MESSAGES = {
    "name": _("Your name was changed."),
    "password": _("Your password was changed. All your other sessions and the access of applications have ended."),
    "session": _("The session has ended."),
    "sessions": _("All your other sessions have ended."),
    "left": _("You have left the business."),
    "email-sent": _("We have sent you a message. Open the link in it to confirm the address."),
    "email-links": _("We have sent a message to both addresses. Open the links in them to confirm the change."),
    "email-changed": _("Your e-mail address was changed."),
    "email-verified": _("Your e-mail address is confirmed."),
    "email-cancelled": _("The change of your e-mail address was cancelled."),
    "email-half": _("Confirmed. Now open the link in the message to the other address."),
    "invited": _("The invitation was sent."),
    "invitation-revoked": _("The invitation was revoked."),
    "role": _("The role was changed."),
    "removed": _("The person was removed from the business."),
    "accepted": _("Welcome! You are a member now."),
    "disconnected": _("The application was disconnected and has no access anymore."),
    "revoked": _("The token was revoked."),
    "totp-off": _("The second factor is off."),
    "passkey": _("The passkey was added."),
    "passkey-deleted": _("The passkey was deleted."),
    "business": _("The business was changed."),
    "channel": _("The channel was added."),
    "channel-renamed": _("The channel was renamed."),
    "channel-deleted": _("The channel was deleted."),
    "tag": _("The tag was added."),
    "tag-changed": _("The tag was changed."),
    "tag-deleted": _("The tag was deleted."),
    "application": _("The application was changed."),
    "application-deleted": _("The application was deleted."),
}
CONFIRMED = "sure"


def show(
    pages: Pages,
    request: falcon.Request,
    response: falcon.Response,
    visitor: Visitor,
    name: str,
    *,
    status: int = 200,
    logo_urls: Sequence[str | None] = (),
    **values: Any,
) -> None:
    """Send the page account_`name`, with the navigation and the message that the parameter `done` names.

    The page may show images at `logo_urls`, besides the logo of the business.
    """
    frame = settings_frame(pages, request, visitor)
    own_logo = frame["screen"].tenant.logo_url if "screen" in frame else None
    done = DONE_MESSAGES.get(request.get_param("done") or "", "") if request.method == "GET" else ""
    logos = [own_logo, *logo_urls]
    pages.show(response, visitor, f"account_{name}", status=status, done=done, logo_urls=logos, **(frame | values))


def settings_frame(pages: Pages, request: falcon.Request, visitor: Visitor) -> dict[str, Any]:
    """Return what the templates of the frame need; without a business if the user is not a member of any."""
    assert visitor.user is not None  # noqa: S101 - these pages are for people who have signed in
    assert visitor.session is not None  # noqa: S101
    screen = find_screen(pages, request, visitor, visitor.session, visitor.user)
    if screen is None:
        moment = moment_formatter("UTC", utc_now(), visitor.language)
        return {"here": request.path.removeprefix(pages.root), "moment": moment}
    return frame_values(pages, request, screen)


def check_business(form: Form, screen: Screen) -> None:
    """Raise `Conflict` if the form was opened for another business than the current one of the user."""
    if form.get("tenant") != str(screen.tenant.id):
        raise Conflict(_("This page was opened for another business. Go back and reload it."))


def is_confirmed(form: Form) -> bool:
    """Tell whether the form comes from the page of `ask_first`."""
    return form.get(CONFIRMED) == "yes"


def ask_first(
    pages: Pages,
    request: falcon.Request,
    response: falcon.Response,
    visitor: Visitor,
    form: Form,
    *,
    question: str,
    consequence: str,
    action: str,
    back: str,
) -> None:
    """Ask for a confirmation on a page of its own, which scripts show as a dialog.

    The page has a button named `action`, which sends the form again, and a link back to the path `back`.
    """
    fields = [(name, value) for name, value in form.pairs if name not in {"form_token", CONFIRMED}]
    show(
        pages,
        request,
        response,
        visitor.on(back),
        "confirm",
        fields=fields,
        question=question,
        consequence=consequence,
        action=action,
        back=back,
    )
