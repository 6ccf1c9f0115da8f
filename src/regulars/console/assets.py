"""The console's style sheet and its one script."""

from importlib.resources import files

import falcon


class Asset:
    """A file that comes with the pages."""

    def __init__(self, name: str, content_type: str) -> None:
        self.content = (files("regulars.console") / "assets" / name).read_bytes()
        self.content_type = content_type

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send it; browsers may keep it for an hour."""
        response.content_type = self.content_type
        response.set_header("Cache-Control", "public, max-age=3600")
        response.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
        response.data = self.content


def asset_routes() -> list[tuple[str, object]]:
    """The addresses of the files."""
    return [
        ("/console/console.css", Asset("console.css", "text/css; charset=utf-8")),
        ("/console/passkeys.js", Asset("passkeys.js", "text/javascript; charset=utf-8")),
    ]
