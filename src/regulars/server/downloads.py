"""Downloads: responses from files, which are sent in parts, without holding a thread.

Granian's interface for streams queues all data in memory if the client reads slowly. Its interface for files does not.
It reads a file with a path, so each file is sent through a pipe, which has a path and may come from any file object.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from fcntl import fcntl
from typing import Any
from wsgiref.util import FileWrapper

import structlog

from regulars.server.connections import LOOK_SECONDS

BLOCK_BYTES = 256 * 1024
"""The number of bytes to read in one step. A smaller file is sent from memory."""
PIPE_BYTES = 64 * 1024
"""The capacity of a pipe on most systems. A pipe of `BLOCK_BYTES` or more would take a whole download at the start."""
START_SECONDS = 10.0
"""The time in which Granian must start to read. It does so in milliseconds, unless the client has disconnected."""
END_SECONDS = 2 * LOOK_SECONDS
"""The time after which a connection that was given to `Connections.end` has been ended."""

log = structlog.get_logger("regulars")


class Download:
    """A response from a file. `send` runs on the event loop; everything else in any thread."""

    def __init__(self, wrapper: FileWrapper) -> None:
        self._file: Any = wrapper.filelike
        self.start = _read(self._file, BLOCK_BYTES)
        """The first block of the file."""
        self._reader: int | None = None
        self._writer = -1

    @property
    def is_whole(self) -> bool:
        """True if the first block is the whole file."""
        return len(self.start) < BLOCK_BYTES

    def close(self) -> None:
        """Close the file."""
        with suppress(AttributeError):
            self._file.close()

    def open_pipe(self) -> str:
        """Return the path from which Granian can read the file when `send` runs."""
        self._reader, self._writer = os.pipe()
        if sys.platform == "linux":
            from fcntl import F_SETPIPE_SZ

            fcntl(self._writer, F_SETPIPE_SZ, PIPE_BYTES)
        os.set_blocking(self._writer, False)
        return f"/dev/fd/{self._reader}"

    async def send(self, end_connection: Callable[[], object]) -> None:
        """Send the file, and close it at the end or when the client has disconnected.

        Call `end_connection` if the file cannot be read. Otherwise the part that was sent would seem to be complete.
        """
        try:
            with suppress(BrokenPipeError, TimeoutError):
                await self._send_blocks()
        except Exception as error:
            # The message may contain personal data, so it is not logged.
            log.error("download_failed", type=type(error).__name__)
            end_connection()
            # Closing the pipe earlier would end the response regularly, unless it has a Content-Length.
            await asyncio.sleep(END_SECONDS)
        finally:
            self._close_reader()
            os.close(self._writer)
            self.close()

    async def _send_blocks(self) -> None:
        loop = asyncio.get_running_loop()
        block = self.start
        self.start = b""
        while block:
            await self._write(block)
            # Reading from a disk may take long.
            block = await loop.run_in_executor(None, self._file.read, BLOCK_BYTES)

    async def _write(self, block: bytes) -> None:
        """Write a block to the pipe. Raise `BrokenPipeError` if the client has disconnected."""
        rest = memoryview(block)
        while rest:
            try:
                rest = rest[os.write(self._writer, rest) :]
            except BlockingIOError:
                await self._wait_for_space()

    async def _wait_for_space(self) -> None:
        """Wait until Granian has read from the pipe. Raise `TimeoutError` if it does not start to read in time."""
        loop = asyncio.get_running_loop()
        has_space = asyncio.Event()
        loop.add_writer(self._writer, has_space.set)
        try:
            async with asyncio.timeout(None if self._reader is None else START_SECONDS):
                await has_space.wait()
        finally:
            loop.remove_writer(self._writer)
        # Granian has opened the path. Only if no other reader remains, writing fails when the client has disconnected.
        self._close_reader()

    def _close_reader(self) -> None:
        if self._reader is not None:
            os.close(self._reader)
            self._reader = None


def _read(file: Any, size: int) -> bytes:
    """Read `size` bytes, or fewer at the end of the file."""
    content = b""
    while len(content) < size and (block := file.read(size - len(content))):
        content += block
    return content
