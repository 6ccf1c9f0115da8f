"""`/account/passkeys`: list, add and delete passkeys (WebAuthn)."""

import falcon

from regulars.accounts.passkeys import begin_registration, delete_passkey, finish_registration, list_passkeys
from regulars.console.pages import Pages
from regulars.console.settings_page import ask_first, is_confirmed, show
from regulars.console.sign_in import STEP_SECONDS, send_options
from regulars.errors import Invalid
from regulars.i18n import _


class Passkeys:
    """`/account/passkeys`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the passkeys of the user."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        passkeys = list_passkeys(self.pages.database, user.id)
        show(self.pages, request, response, visitor, "passkeys", passkeys=passkeys, faults=[])

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Add the passkey that the browser created, or delete one."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        form = self.pages.form(request, visitor)
        database, settings = self.pages.database, self.pages.settings
        if form.get("delete"):
            passkeys = list_passkeys(database, user.id)
            passkey = next((each for each in passkeys if each.id == form.get("delete")), None)
            if passkey is not None and not is_confirmed(form):
                ask_first(
                    self.pages, request, response, visitor, form,
                    question=_("Delete {name}?", name=passkey.name),
                    consequence=_("You can no longer sign in with this passkey. Delete it on your device as well."),
                    action=_("Delete"),
                    back="/account/passkeys",
                )  # fmt: skip
                return
            delete_passkey(database, user.id, form.get("delete"))
            self.pages.redirect(response, "/account/passkeys?done=passkey-deleted")
            return
        try:
            finish_registration(
                database, settings, user.id, self.pages.step(request), form.raw("credential"), form.get("name")
            )
        except Invalid as error:
            faults = [message for messages in error.errors.values() for message in messages]
            passkeys = list_passkeys(database, user.id)
            show(self.pages, request, response, visitor, "passkeys", passkeys=passkeys, faults=faults, status=422)
            return
        self.pages.set_step(response, "", 0)
        self.pages.redirect(response, "/account/passkeys?done=passkey")


class NewPasskeyOptions:
    """`/account/passkeys/options`: the options for `navigator.credentials.create`, as JSON."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send the options with a new challenge, and set the cookie that `Passkeys.on_post` needs."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        self.pages.form(request, visitor)
        options, token = begin_registration(self.pages.database, self.pages.settings, user)
        self.pages.set_step(response, token, STEP_SECONDS)
        send_options(response, options)


def passkey_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of the passkey page and its options."""
    return [("/account/passkeys", Passkeys(pages)), ("/account/passkeys/options", NewPasskeyOptions(pages))]
