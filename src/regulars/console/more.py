"""The places that have no tab at the bottom of a phone, and the first page of the settings."""

import falcon

from regulars.console.pages import Pages
from regulars.console.screen import open_screen, show_screen


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
        """Redirect to the first page of the settings."""
        self.pages.redirect(response, "/account/profile")
