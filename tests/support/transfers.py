"""A small application behind the server's front, with an upload and downloads: `python -m tests.support.transfers`."""

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import falcon
import httpx

from regulars.background import repeat
from regulars.errors import Unauthenticated
from regulars.http import problems
from regulars.http.middleware import UPLOAD_CHECK, RequestMiddleware
from regulars.log import configure_log
from regulars.server import uploads
from regulars.server.connections import Connections
from regulars.server.direct import begin_directly
from regulars.server.front import Front
from regulars.server.workers import THREADS, create_server
from regulars.settings import Settings
from tests.support.postgres import free_port
from tests.support.processes import children_of

MEGABYTE = 1024 * 1024
UPLOAD = "/api/v1/test-uploads"
SMALL_UPLOAD = "/api/v1/test-uploads/small"
DOWNLOAD = "/api/v1/test-downloads"
LOOK_SECONDS = 1.0
WAIT_SECONDS = 20
BLOCK = bytes(range(256)) * 4096


class Uploads:
    """Accepts uploads with the header `Authorization: Bearer ...`."""

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Answer with the size and the digest of the body."""
        if not request.auth:
            raise Unauthenticated("The access token is missing.")
        if UPLOAD_CHECK in request.env:
            response.status = falcon.HTTP_204
            return
        digest, size = hashlib.sha256(), 0
        while block := request.env["wsgi.input"].read(MEGABYTE):
            digest.update(block)
            size += len(block)
        response.media = {"size": size, "digest": digest.hexdigest(), "length": request.env["CONTENT_LENGTH"]}


class Failing(io.RawIOBase):
    """A file of a megabyte, of which the second half cannot be read."""

    def __init__(self) -> None:
        self.rest = MEGABYTE // 2

    def read(self, size: int = -1, /) -> bytes:
        """Return bytes, or raise `OSError`."""
        if not self.rest:
            raise OSError
        count = min(size, self.rest)
        self.rest -= count
        return bytes(count)


class Downloads:
    """Sends a file of the given number of megabytes, from a file on the disk."""

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Send the file. `kind=failing`: send one that cannot be read."""
        if request.get_param("kind") == "failing":
            response.stream = Failing()
            return
        size = request.get_param_as_int("bytes", required=True)
        path = Path(os.environ["TMPDIR"], f"download-{size}")
        response.stream = path.open("rb")
        response.content_type = "application/octet-stream"
        response.content_length = size

    on_head = on_post = on_get


def load(settings: Settings) -> Front:
    """Return the application of a worker."""
    configure_log("json")
    app: Any = falcon.App(middleware=[RequestMiddleware(settings)])
    problems.install(app, None, settings.origin)  # type: ignore[arg-type]
    app.add_route(UPLOAD, Uploads())
    app.add_route(SMALL_UPLOAD, Uploads())
    app.add_route(DOWNLOAD, Downloads())
    uploads.UPLOADS[("POST", UPLOAD)] = 500 * MEGABYTE
    uploads.UPLOADS[("POST", SMALL_UPLOAD)] = MEGABYTE
    connections = Connections(settings.port)
    repeat("connections", connections.look, seconds=LOOK_SECONDS)
    front = Front(app, lambda environ: False, threads=THREADS, end_connection=connections.end)
    begin_directly(front)
    return front


@dataclass
class Transfers:
    """The running server. Its temporary files and the files to be downloaded are in `folder`."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def url(self) -> str:
        """Base URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """The output of the server."""
        return (self.folder / "log").read_text()

    @property
    def worker(self) -> Path:
        """The folder of the worker in /proc."""
        (worker,) = children_of(self.process.pid)
        return Path("/proc", str(worker))

    def peak_memory(self) -> int:
        """Return the largest number of bytes that the worker has held in memory."""
        (line,) = [line for line in (self.worker / "status").read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024

    def open_files(self) -> list[str]:
        """Return the open files of the worker in `folder`, and its open pipes."""
        found = []
        for file in (self.worker / "fd").iterdir():
            try:
                found.append(str(file.readlink()))
            except FileNotFoundError:
                continue
        return sorted(name for name in found if name.startswith((str(self.folder), "pipe:")) and "log" not in name)

    def wait_until_closed(self, before: list[str]) -> None:
        """Wait until no more files are open than `before`."""
        deadline = time.monotonic() + WAIT_SECONDS
        while len(self.open_files()) > len(before):
            assert time.monotonic() < deadline, self.open_files()
            time.sleep(0.05)

    def make_file(self, size: int) -> str:
        """Store a file to be downloaded, and return its digest."""
        digest, rest = hashlib.sha256(), size
        with (self.folder / f"download-{size}").open("wb") as file:
            while rest:
                block = BLOCK[:rest]
                digest.update(block)
                rest -= file.write(block)
        return digest.hexdigest()


@contextmanager
def serving(folder: Path) -> Iterator[Transfers]:
    """Run the server with one worker; yield it when it is ready, and stop it at the end."""
    port = free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.transfers", str(port)],
            env=os.environ | {"TMPDIR": str(folder)},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/", process)
        yield Transfers(port, process, folder)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(WAIT_SECONDS)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("The server was not ready in time.")


if __name__ == "__main__":
    chosen = Settings(port=int(sys.argv[1]), workers=1)
    loader: Any = partial(load, chosen)
    create_server(chosen).serve(target_loader=loader, wrap_loader=False)
