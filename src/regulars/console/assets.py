"""Static files: the style sheet, the script and the icon."""

from importlib.resources import files

import falcon

from regulars.http.compression import send

CONTENT_TYPES = {
    "console.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "passkeys.js": "text/javascript; charset=utf-8",
}


class Asset:
    """`/console/{name}`"""

    def __init__(self, name: str) -> None:
        self.content = files("regulars.console").joinpath("assets", name).read_bytes()
        self.content_type = CONTENT_TYPES[name]

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send the file."""
        response.content_type = self.content_type
        response.set_header("Cache-Control", "public, max-age=3600")
        send(request, response, self.content)


def asset_routes() -> list[tuple[str, object]]:
    """Return a route for each file."""
    return [(f"/console/{name}", Asset(name)) for name in CONTENT_TYPES]
