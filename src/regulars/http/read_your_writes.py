"""Read-your-writes consistency with read replicas.

The response to a write contains the position of the database's write-ahead log. The client sends this position with its
next reads, which use only replicas that have reached it.
"""

import re
from collections.abc import Callable
from zlib import crc32

import falcon

from regulars.db.replicas import MAX_LAG_SECONDS, ReplicatedDatabase
from regulars.errors import RegularsError
from regulars.http.cookies import SESSION, Cookies
from regulars.http.same_origin import SAFE_METHODS

HEADER = "X-Consistency-Token"
COOKIE = "regulars_consistency"
COOKIE_SECONDS = int(6 * MAX_LAG_SECONDS)
"""The lifetime of the cookie. After this time, every replica that is used contains the write."""
TOKEN = re.compile(r"([0-9]{1,19})\.([0-9a-f]{64})")


class ReadYourWrites:
    """Sends clients the log position of their writes, and reads it from their next requests.

    The position is signed. It is sent in a header and, to clients that use cookies, also in a cookie.
    """

    def __init__(
        self,
        database: ReplicatedDatabase,
        sign: Callable[[str], str],
        verify: Callable[[str, str], bool],
        cookies: Cookies,
    ) -> None:
        self.database = database
        self.sign = sign
        self.verify = verify
        self.cookies = cookies

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        """Start the request in the database.

        Requests that only read can use replicas that have reached the client's log position. Others use the primary.
        """
        since = self._position(request) if request.method in SAFE_METHODS else None
        credential = request.env.get("HTTP_AUTHORIZATION") or self.cookies.get(request, SESSION)
        self.database.start_request(since, crc32(credential.encode()))

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """End the request in the database. If it has written, send the log position."""
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
                COOKIE,
                token,
                max_age=COOKIE_SECONDS,
                path="/",
                secure=self.cookies.is_secure,
                http_only=True,
                same_site="Lax",
            )

    def _position(self, request: falcon.Request) -> int:
        """Return the highest log position that the client has sent with a valid signature, or 0 without one."""
        given = (request.get_header(HEADER) or "", request.cookies.get(COOKIE, ""))
        found = [match for match in map(TOKEN.fullmatch, given) if match and self.verify(match[1], match[2])]
        return max((int(match[1]) for match in found), default=0)
