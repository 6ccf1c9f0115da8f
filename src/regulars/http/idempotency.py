"""Requests that may be sent again: with an `Idempotency-Key`, what was done once is not done twice.

The key and what was done are written in one transaction, so that a crash leaves both or neither. For 24 hours the same
request under the same key gets the same answer; another one is refused.
(Internet-Draft draft-ietf-httpapi-idempotency-key-header.)
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import falcon
import msgspec

from regulars.db.database import Database
from regulars.db.idempotency_keys import KeptAnswer, claim_key, get_answer, keep_answer
from regulars.errors import Conflict, Invalid, Malformed
from regulars.http.responses import encode
from regulars.permissions import Identity

KEY = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = "Idempotent-Replayed"


@dataclass(frozen=True, slots=True)
class Done:
    """What a request has brought about: the status and content of its answer, and headers beside.

    `customer_id` is the customer that the content is about; 0: several.
    """

    content: msgspec.Struct | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    customer_id: int | None = None


class Once:
    """Does what a request asks for, in one transaction, and no second time under the same key.

    `sign` makes the digest of a request that is kept: nobody can try passwords on it without the service's own key.
    """

    def __init__(self, database: Database, sign: Callable[[str], str]) -> None:
        self.database = database
        self.sign = sign
        self._running: set[tuple[int, str]] = set()

    def run(
        self,
        request: falcon.Request,
        response: falcon.Response,
        identity: Identity,
        tenant_id: int | None,
        work: Callable[[], Done],
    ) -> None:
        """Answer with what `work` has done.

        Raises what `work` does, and then nothing is kept; `Malformed` for a key that is none, `Invalid` where the key
        was another request's, and `Conflict` while that request is still under way.
        """
        given = request.get_header("Idempotency-Key")
        if given is None:
            with self.database.transaction():
                done = work()
            send_done(response, done.status, done.headers, None if done.content is None else encode(done.content))
            return
        if not KEY.fullmatch(given):
            raise Malformed("The Idempotency-Key must have 1 to 255 characters, of those that can be printed in ASCII.")
        whose = (identity.client_id, str(identity.user_id), given)
        with self._alone((tenant_id or 0, _digest(*whose))) as key:
            self._once(response, key, self.sign(_told_by(request)), work)

    @contextmanager
    def _alone(self, key: tuple[int, str]) -> Iterator[tuple[int, str]]:
        # Other processes wait for each other at the row of the key.
        if key in self._running:
            raise Conflict("A request with this Idempotency-Key is still under way.", retry_after=1)
        self._running.add(key)
        try:
            yield key
        finally:
            self._running.discard(key)

    def _once(
        self, response: falcon.Response, key: tuple[int, str], request_digest: str, work: Callable[[], Done]
    ) -> None:
        with self.database.transaction():
            is_first = claim_key(self.database, *key, request_digest)
            if is_first:
                done = work()
                body = None if done.content is None else encode(done.content)
                kept = KeptAnswer(request_digest, done.status, encode(dict(done.headers)).decode(), body)
                keep_answer(self.database, *key, kept, done.customer_id)
            else:
                kept = get_answer(self.database, *key)
        if not is_first:
            _check_same(kept, request_digest)
            response.set_header(REPLAYED, "true")
        send_done(response, kept.status, msgspec.json.decode(kept.headers), kept.body)


def _check_same(kept: KeptAnswer, request_digest: str) -> None:
    if not kept.request_digest:
        raise Conflict("What this Idempotency-Key stands for was done; its answer was erased with a person's data.")
    if kept.request_digest != request_digest:
        sentence = "The Idempotency-Key was used for another request within the last 24 hours."
        raise Invalid({"Idempotency-Key": [sentence]})


def send_done(response: falcon.Response, status: int, headers: Mapping[str, str], body: bytes | None) -> None:
    """Answer that it was done."""
    response.status = status
    response.set_headers(dict(headers))
    if body is not None:
        response.data = body


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _told_by(request: falcon.Request) -> str:
    """What two requests are the same by."""
    body: bytes = getattr(request.context, "body", b"")
    told = (request.method, request.path, request.query_string, request.get_header("If-Match") or "")
    return "\n".join((*told, hashlib.sha256(body).hexdigest()))
