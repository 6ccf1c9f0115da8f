"""The places that have no tab at the bottom of a phone, and the first page of the settings."""

import falcon

from regulars.console.pages import Pages
from regulars.console.screen import find_screen, open_screen, show_screen

PLACES = (("tenants:write", "/settings/business"), ("customers:write", "/settings/tags"))
"""The first page of the settings for each permission, most important first."""


class More:
    """`/more`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the places."""
        screen = open_screen(self.pages, request, response)
        show_screen(self.pages, request, response, screen, "more")


class Settings:
    """`/settings`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Redirect to the first page of the settings that the role of the user may see."""
        screen = find_screen(self.pages, request, *self.pages.signed_in(request, response))
        places = [path for permission, path in PLACES if screen and screen.can(permission)]
        self.pages.redirect(response, places[0] if places else "/account/profile")
