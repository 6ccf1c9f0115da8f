"""`/account/passkeys`: signing in with a telephone, a computer or a security key in the place of a password."""

import json

import falcon

from regulars.accounts.passkeys import begin_registration, delete_passkey, finish_registration, list_passkeys
from regulars.console.account import done
from regulars.console.languages import translate
from regulars.console.pages import Pages
from regulars.console.sign_in import answer
from regulars.errors import Invalid


class Passkeys:
    """`/account/passkeys`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Those that they have."""
        visitor, _, user = self.pages.signed_in(request, response)
        found = list_passkeys(self.pages.database, user.id)
        self.pages.show(response, visitor, "passkeys", passkeys=found, done=done(request))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Remove one."""
        visitor, _, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        delete_passkey(self.pages.database, user.id, form.get("passkey"))
        self.pages.go(response, "/account/passkeys?done=passkey-removed")


class NewPasskey:
    """`/account/passkeys/new`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask for its name; the page's script does the rest."""
        visitor, _, _ = self.pages.signed_in_lately(request, response)
        self.pages.show(response, visitor, "passkey_new")

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Begin: what the browser needs. Finish: what it has made of that."""
        visitor, _, user = self.pages.signed_in_lately(request, response)
        form = self.pages.form(request, visitor)
        database, settings = self.pages.database, self.pages.settings
        if form.get("step") == "begin":
            options, token = begin_registration(database, settings, user)
            answer(response, {"options": json.loads(options), "challenge": token})
            return
        try:
            finish_registration(
                database, settings, user.id, form.get("challenge"), form.raw("credential"), form.get("name")
            )
        except Invalid as error:
            sentences = [sentence for group in error.errors.values() for sentence in group]
            shown = " ".join(translate(visitor.language, sentence) for sentence in sentences)
            answer(response, {"message": shown}, status=422)
            return
        answer(response, {"next": self.pages.path("/account/passkeys?done=passkey")})


def passkey_routes(pages: Pages) -> list[tuple[str, object]]:
    """The addresses of the passkeys' pages."""
    return [("/account/passkeys", Passkeys(pages)), ("/account/passkeys/new", NewPasskey(pages))]
