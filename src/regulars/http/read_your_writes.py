"""Read-your-writes consistency with read replicas. The response to a write has the position of the database's log. The
client sends it with its next reads, and only replicas that have reached it are used."""

import re
from collections.abc import Callable
from zlib import crc32

import falcon

from regulars.db.replicas import MAX_LAG_SECONDS, ReplicatedDatabase
from regulars.errors import RegularsError

HEADER = "X-Consistency-Token"
COOKIE = "regulars_consistency"
COOKIE_SECONDS = int(6 * MAX_LAG_SECONDS)
"""After this time, every usable replica has the write."""
TOKEN = re.compile(r"([0-9]{1,19})\.([0-9a-f]{64})")
SAFE_METHODS = {"GET", "HEAD"}


class ReadYourWrites:
    """Keeps track of the log position that a client has written. Browsers store it in a cookie."""

    def __init__(
        self,
        database: ReplicatedDatabase,
        sign: Callable[[str], str],
        verify: Callable[[str, str], bool],
        *,
        is_secure: bool,
    ) -> None:
        self.database = database
        self.sign = sign
        self.verify = verify
        self.is_secure = is_secure

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        """Allow replicas for a request that only reads, if they contain what the client has written."""
        since = self._position(request) if request.method in SAFE_METHODS else None
        self.database.start_request(since, crc32(request.env.get("HTTP_AUTHORIZATION", "").encode()))

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Send the log position after a write."""
        if not self.database.end_request():
            return
        try:
            position = str(self.database.written())
        except RegularsError:
            # The write is committed, so the client must get its response.
            return
        token = f"{position}.{self.sign(position)}"
        response.set_header(HEADER, token)
        if request.cookies:
            response.set_cookie(
                COOKIE, token, max_age=COOKIE_SECONDS, path="/", secure=self.is_secure, http_only=True, same_site="Lax"
            )

    def _position(self, request: falcon.Request) -> int:
        """Return the log position that the client has sent, or 0 without a valid signature."""
        given = (request.get_header(HEADER) or "", request.cookies.get(COOKIE, ""))
        found = [match for match in map(TOKEN.fullmatch, given) if match and self.verify(match[1], match[2])]
        return max((int(match[1]) for match in found), default=0)
