"""Upper limit of HTTP: the server of Regulars, with the same settings, returning a fixed body from memory.

python -m benchmarks.static_server PORT WORKERS FILE
"""

import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from regulars import server
from regulars.settings import Settings

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def load_app(body: bytes, _settings: Settings) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """Return a WSGI application that responds to every request with `body`."""
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]

    def app(_environment: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", headers)
        return (body,)

    return app


def main(port: str, workers: str, file: str) -> None:
    """Serve until SIGTERM."""
    # Replace only the application, so that all settings of the server stay the same.
    server.load_app = partial(load_app, Path(file).read_bytes())
    server.run_server(Settings(port=int(port), workers=int(workers)))


if __name__ == "__main__":
    main(*sys.argv[1:])
