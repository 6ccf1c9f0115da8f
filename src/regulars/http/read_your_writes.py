"""Whoever has written something sees it: the answer to a write says how far the database had written, the client says
so again when it reads, and no read replica that is not yet there answers. (Only where there are read replicas.)"""

import re
from collections.abc import Callable
from hmac import compare_digest
from zlib import crc32

import falcon

from regulars.db.replicas import MOST_LAG_SECONDS, ReplicatedDatabase
from regulars.errors import RegularsError

HEADER = "X-Consistency-Token"
COOKIE = "regulars_consistency"
COOKIE_SECONDS = int(6 * MOST_LAG_SECONDS)
"""Afterwards every replica that is used has the write."""
TOKEN = re.compile(r"([0-9]{1,19})\.([0-9a-f]{64})")
READING = {"GET", "HEAD"}


class Consistency:
    """The middleware that keeps account of it. A browser, which is known by its cookies, gets another one."""

    def __init__(self, database: ReplicatedDatabase, sign: Callable[[str], str], *, is_secure: bool) -> None:
        self.database = database
        self.sign = sign
        self.is_secure = is_secure

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        """Let replicas answer a request that only reads, if they have what its client has written."""
        since = self._position(request) if request.method in READING else None
        self.database.start_request(since, crc32(request.env.get("HTTP_AUTHORIZATION", "").encode()))

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Tell who has written how far the database is with that."""
        if not self.database.end_request():
            return
        try:
            position = str(self.database.written())
        except RegularsError:
            # What was written stands, and is worth an answer all the same.
            return
        token = f"{position}.{self.sign(position)}"
        response.set_header(HEADER, token)
        if request.cookies:
            response.set_cookie(
                COOKIE, token, max_age=COOKIE_SECONDS, path="/", secure=self.is_secure, http_only=True, same_site="Lax"
            )

    def _position(self, request: falcon.Request) -> int:
        """How far the database had written when the client did; 0 where it says nothing that we have signed."""
        given = (request.get_header(HEADER) or "", request.cookies.get(COOKIE, ""))
        found = [
            match for match in map(TOKEN.fullmatch, given) if match and compare_digest(self.sign(match[1]), match[2])
        ]
        return max((int(match[1]) for match in found), default=0)
