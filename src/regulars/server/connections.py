"""Disconnects clients that read or send too slowly, because Granian has no limits for them.

The open files of this process are checked at intervals. This works only on Linux.
"""

import os
import socket
import struct
import sys
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from stat import S_ISSOCK
from termios import TIOCOUTQ

LOOK_SECONDS = 5.0
MIN_BYTES_PER_LOOK = 5_000
MAX_SLOW_LOOKS = 4
"""A client with unread data is disconnected if it reads fewer than `MIN_BYTES_PER_LOOK` bytes at so many checks in a
row."""
UNREAD_MILLISECONDS = 20_000
FILES = Path("/proc/self/fd")
DISCARD = struct.pack("ii", 1, 0)
"""`struct linger`: discard unsent data when the connection is closed."""
BYTES_ACKED = struct.Struct("=Q")
BYTES_ACKED_OFFSET = 120
"""Offset of `tcpi_bytes_acked` in Linux's `struct tcp_info` (include/uapi/linux/tcp.h)."""


class Connections:
    """The connections of this process with the clients of the server at `port`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._ending: set[str] = set()
        self._slow: dict[str, tuple[int, int]] = {}
        """For each client with unread data: the bytes that it has read, and the number of slow checks."""

    def end(self, client: str) -> None:
        """Disconnect the client with this address and port at the next check. It can read a response until then."""
        self._ending.add(client)

    def look(self) -> None:
        """Disconnect the clients given to `end`, and those that were slow at several checks in a row."""
        ending, self._ending = self._ending, set()
        slow: dict[str, tuple[int, int]] = {}
        if sys.platform == "linux":
            for file in list(FILES.iterdir()):
                # The server may close the file at any time.
                with suppress(OSError):
                    self._look(int(file.name), ending, slow)
        self._slow = slow

    def _look(self, file: int, ending: set[str], slow: dict[str, tuple[int, int]]) -> None:
        # Use a duplicate: the server may close the file and open another connection with the same number.
        duplicate = os.dup(file)
        if not S_ISSOCK(os.fstat(duplicate).st_mode):
            os.close(duplicate)
            return
        with _socket_of(duplicate) as connection:
            client = self._client(connection)
            if client is None:
                return
            if self._is_slow(client, connection, slow):
                # Otherwise the system would keep trying to send the data that the client does not read.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, DISCARD)
                connection.shutdown(socket.SHUT_RDWR)
            elif client in ending:
                connection.shutdown(socket.SHUT_RDWR)

    def _client(self, connection: socket.socket) -> str | None:
        """Return the address and port of the client as Granian writes them, or None for another socket."""
        if connection.family not in {socket.AF_INET, socket.AF_INET6} or connection.getsockname()[1] != self.port:
            return None
        host, port, *_ = connection.getpeername()
        return f"[{host}]:{port}" if connection.family == socket.AF_INET6 else f"{host}:{port}"

    def _is_slow(self, client: str, connection: socket.socket, slow: dict[str, tuple[int, int]]) -> bool:
        if not _unread_bytes(connection):
            return False
        # If the HTTP library closes the connection with unread data, the system disconnects the client after this time.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MILLISECONDS)
        read = _read_bytes(connection)
        before, slow_looks = self._slow.get(client, (read, 0))
        slow_looks = slow_looks + 1 if read - before < MIN_BYTES_PER_LOOK else 0
        slow[client] = (read, slow_looks)
        return slow_looks >= MAX_SLOW_LOOKS


def _socket_of(file: int) -> socket.socket:
    try:
        return socket.socket(fileno=file)
    except OSError:
        # A file that stays open at each check would soon leave none for new connections.
        os.close(file)
        raise


def _unread_bytes(connection: socket.socket) -> int:
    """Return the number of bytes that the client has not acknowledged."""
    return int.from_bytes(ioctl(connection, TIOCOUTQ, bytes(4)), sys.byteorder)


def _read_bytes(connection: socket.socket) -> int:
    """Return the number of bytes that the client has acknowledged."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return int(BYTES_ACKED.unpack_from(info, BYTES_ACKED_OFFSET)[0])
