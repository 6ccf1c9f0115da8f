"""Uploads: bodies that are too large for the memory, and are received into a temporary file.

The application is asked before an upload is received. Otherwise clients without permission could fill the disk.
"""

import asyncio
import tempfile
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from io import BytesIO
from typing import Any, BinaryIO, ClassVar

from regulars.errors import RegularsError, TooLarge, TooManyRequests, Unavailable
from regulars.http.middleware import UPLOAD_CHECK
from regulars.i18n import _
from regulars.server.body import Body
from regulars.server.environ import Environ

MEGABYTE = 1024 * 1024
UPLOADS = {("POST", "/api/v1/imports"): 500 * MEGABYTE}
"""The requests whose bodies are uploads, with the maximum size of the file."""
FRAMING_BYTES = MEGABYTE
"""What a multipart/form-data body may contain besides the file."""
MAX_UPLOADS = 4
"""The limit for the uploads that a worker receives and processes at the same time. It limits the used disk space."""
MAX_UPLOADS_OF_GROUP = 2
RETRY_SECONDS = 10


class Upload(Body):
    """The body of an upload, kept in an unnamed temporary file from `take_place` to `release`."""

    groups: ClassVar[Counter[str]] = Counter()
    """The number of uploads of each group in this process. Only the event loop changes it."""

    def __init__(self, scope: Any) -> None:
        super().__init__(scope)
        self.max_file_bytes = UPLOADS[scope.method, scope.path]
        self.limit = self.max_file_bytes + FRAMING_BYTES
        self._group: str | None = None
        self._file: BinaryIO | None = None

    def take_place(self, group: str) -> None:
        """Open the file, on behalf of a group of clients.

        Raise `TooManyRequests` if the group has too many uploads, and `Unavailable` if all groups together have too
        many or no file can be opened.
        """
        if Upload.groups[group] >= MAX_UPLOADS_OF_GROUP:
            message = _("Send at most {limit} uploads at the same time. Try again later.", limit=MAX_UPLOADS_OF_GROUP)
            raise TooManyRequests(message, retry_after=RETRY_SECONDS)
        if Upload.groups.total() >= MAX_UPLOADS:
            raise Unavailable(_("The server receives too many uploads. Try again later."), retry_after=RETRY_SECONDS)
        Upload.groups[group] += 1
        self._group = group
        try:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - `release` closes it
        except OSError as error:
            raise _no_space(error) from None

    def open(self) -> BinaryIO:
        """Return the file, at its start."""
        assert self._file is not None  # noqa: S101 - for the type checker
        try:
            self._file.seek(0)
        except OSError as error:
            raise _no_space(error) from None
        return self._file

    def release(self) -> None:
        """Close the file, which deletes it, and free the place of the upload."""
        if self._file is not None:
            # Closing writes what could not be written before.
            with suppress(OSError):
                self._file.close()
        if self._group is not None:
            # The difference lacks groups without uploads.
            Upload.groups -= Counter([self._group])
            self._group = None

    async def _keep(self, chunk: bytes) -> None:
        """Store a part of the body, in a thread: the system makes writers wait if they are faster than the disk."""
        assert self._file is not None  # noqa: S101 - for the type checker
        self.size += len(chunk)
        try:
            await asyncio.get_running_loop().run_in_executor(None, self._file.write, chunk)
        except OSError as error:
            raise _no_space(error) from None

    def _too_large(self) -> RegularsError:
        return TooLarge(_("The upload must have at most {limit} MB.", limit=self.max_file_bytes // MEGABYTE))


class NotAllowed(Exception):
    """The application does not allow the upload, and its response has been sent."""


class Question:
    """Asks the application whether it allows an upload. Stands in for Granian's protocol, and keeps the answer."""

    def __init__(self, protocol: Any) -> None:
        self.client_disconnect = protocol.client_disconnect
        self.answer: tuple[int, list[tuple[str, str]], bytes] | None = None
        """The response of the application; None if the client has disconnected before."""

    @property
    def is_allowed(self) -> bool:
        """True if the upload is allowed."""
        return self.answer is not None and self.answer[0] == HTTPStatus.NO_CONTENT

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Keep the response of the application."""
        self.answer = status, headers, body


def body_of(scope: Any) -> Body:
    """Return the body of a request, which has not been received yet."""
    return Upload(scope) if (scope.method, scope.path) in UPLOADS else Body(scope)


def question_environ(environ: Environ) -> Environ:
    """Return the environment in which the application is asked whether it allows an upload."""
    return environ | {"wsgi.input": BytesIO(), "CONTENT_LENGTH": "0", UPLOAD_CHECK: True}


def _no_space(error: OSError) -> Unavailable:
    return Unavailable(
        _("The server cannot store the upload. Try again later."),
        retry_after=60,
        advice=f"Writing to {tempfile.gettempdir()} failed: {error.strerror}.",
    )
