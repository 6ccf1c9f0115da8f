"""Upper limit of HTTP: the server of Regulars, with the same settings, returning a fixed body from memory.

python -m benchmarks.static_server PORT WORKERS FILE
"""

import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from regulars.server import workers
from regulars.server.front import Front
from regulars.settings import Settings

StartResponse = Callable[[str, list[tuple[str, str]]], object]


def load_app(body: bytes, _settings: Settings) -> Front:
    """Return an application that responds to every request with `body`."""
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]

    def app(_environment: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", headers)
        return (body,)

    return Front(app, lambda _environment: True, threads=1)


def main(port: str, processes: str, file: str) -> None:
    """Serve until SIGTERM."""
    # Replace only the application, so that all settings of the server stay the same.
    workers.load_app = partial(load_app, Path(file).read_bytes())
    workers.run_server(Settings(port=int(port), workers=int(processes)))


if __name__ == "__main__":
    main(*sys.argv[1:])
