"""What a visitor chooses for this browser: language, theme and, with several, the business."""

import falcon

from regulars.console.pages import Pages
from regulars.console.screen import BUSINESS_COOKIE
from regulars.i18n import LANGUAGES

THEMES = ("light", "dark", "system")


class Preferences:
    """`/preferences`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Store the choices, and go back to the page."""
        visitor = self.pages.visitor(request, response)
        form = self.pages.form(request, visitor)
        if form.get("language") in LANGUAGES:
            self.pages.set_preference(response, "language", form.get("language"))
        if form.get("theme") in THEMES:
            self.pages.set_preference(response, "theme", form.get("theme"))
        if form.get("business").isdigit():
            self.pages.set_preference(response, BUSINESS_COOKIE, form.get("business"))
        self.pages.redirect(response, self.pages.local_path(form.get("page")))
