"""Requests with an `Idempotency-Key`, which clients can safely send again.

The key and the response are stored in the transaction of the change, so that a crash leaves both or neither. For 24
hours, the same request with the same key gets the stored response; another request with that key is refused.
(Internet-Draft draft-ietf-httpapi-idempotency-key-header.)
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import falcon
import msgspec
from msgspec import structs

from regulars.db.database import Database
from regulars.db.idempotency_keys import StoredResponse, claim_key, get_response, store_response
from regulars.errors import Conflict, Invalid, Malformed
from regulars.http.responses import encode
from regulars.i18n import _
from regulars.permissions import Identity
from regulars.security.encryption import Cipher

KEY = re.compile(r"[\x21-\x7e]{1,255}")
REPLAYED = "Idempotent-Replayed"

Key = tuple[int, str]
"""The tenant's id (0: no tenant), and the digest of client, user and Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class Result:
    """The response to a change.

    `customer_id` is the customer whose data the response contains, `SEVERAL_CUSTOMERS`, or None.
    """

    content: msgspec.Struct | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    customer_id: int | None = None


@dataclass
class Attempt:
    """An attempt to carry out a request: the first one, or a repetition whose response is stored."""

    request_digest: str = ""
    stored: StoredResponse | None = None
    result: Result | None = None

    @property
    def is_first(self) -> bool:
        """Tell whether the request must be carried out."""
        return self.stored is None

    @cached_property
    def response(self) -> StoredResponse:
        """The stored response; for the first attempt, the response that `result` describes."""
        if self.stored is not None:
            return self.stored
        if self.result is None:
            raise TypeError("the request was not carried out")
        content = self.result.content
        headers = encode(dict(self.result.headers)).decode()
        return StoredResponse(
            self.request_digest, self.result.status, headers, None if content is None else encode(content)
        )

    def send(self, response: falcon.Response) -> None:
        """Send the response."""
        if not self.is_first:
            response.set_header(REPLAYED, "true")
        response.status = self.response.status
        response.set_headers(msgspec.json.decode(self.response.headers))
        if self.response.body is not None:
            response.data = self.response.body


class Idempotency:
    """Makes sure that each request with an Idempotency-Key is carried out once.

    The digest of the request is stored as an HMAC, so that secrets in the request cannot be guessed without the secret
    key. Bodies of stored responses are encrypted, because they may contain secrets such as the link of an invitation.
    """

    def __init__(self, database: Database, cipher: Cipher) -> None:
        self.database = database
        self.cipher = cipher
        self._running: set[Key] = set()

    @contextmanager
    def attempt(self, request: falcon.Request, identity: Identity, tenant_id: int | None) -> Iterator[Attempt]:
        """Open a transaction for a request and yield its attempt.

        If the attempt `is_first`, the caller carries out the request and sets `result` on the attempt. The response is
        stored before the transaction is committed.

        Raise `Malformed` if the Idempotency-Key is not valid, `Invalid` if it was used for another request, and
        `Conflict` if a request with the key is still running or its response cannot be sent again.
        """
        key = _read_key(request, identity, tenant_id)
        if key is None:
            with self.database.transaction():
                yield Attempt()
            return
        with self._reserve(key), self.database.transaction():
            attempt = self._start(key, _request_text(request))
            yield attempt
            if attempt.is_first and attempt.result is not None:
                store_response(self.database, *key, self._encrypted(key, attempt.response), attempt.result.customer_id)

    @contextmanager
    def _reserve(self, key: Key) -> Iterator[None]:
        # This refuses only repetitions in the same process. In other processes, `claim_key` blocks on the key's row.
        if key in self._running:
            raise Conflict(_("A request with this Idempotency-Key is still running."), retry_after=1)
        self._running.add(key)
        try:
            yield
        finally:
            self._running.discard(key)

    def _start(self, key: Key, request_text: str) -> Attempt:
        request_digest = self.cipher.sign(request_text)
        if claim_key(self.database, *key, request_digest):
            return Attempt(request_digest)
        stored = get_response(self.database, *key)
        if not stored.request_digest:
            raise Conflict(
                _("The request with this Idempotency-Key was carried out. Its response was erased with personal data.")
            )
        if not self.cipher.verify(request_text, stored.request_digest):
            sentence = _("The Idempotency-Key was used for another request within the last 24 hours.")
            raise Invalid({"Idempotency-Key": [sentence]})
        return Attempt(request_digest, self._decrypted(key, stored))

    def _encrypted(self, key: Key, response: StoredResponse) -> StoredResponse:
        return (
            response
            if response.body is None
            else structs.replace(response, body=self.cipher.encrypt(response.body, key[1]))
        )

    def _decrypted(self, key: Key, stored: StoredResponse) -> StoredResponse:
        if stored.body is None:
            return stored
        body = self.cipher.decrypt(stored.body, key[1])
        if body is None:
            raise Conflict(
                _("The request with this Idempotency-Key was carried out. Its response cannot be repeated any more.")
            )
        return structs.replace(stored, body=body)


def _read_key(request: falcon.Request, identity: Identity, tenant_id: int | None) -> Key | None:
    key = request.get_header("Idempotency-Key")
    if key is None:
        return None
    if not KEY.fullmatch(key):
        raise Malformed(_("The Idempotency-Key must have 1 to 255 printable ASCII characters."))
    owner = "\n".join((identity.client_id, str(identity.user_id), key))
    return tenant_id or 0, hashlib.sha256(owner.encode()).hexdigest()


def _request_text(request: falcon.Request) -> str:
    """Return a text that is equal for two requests if the second one counts as a repetition of the first."""
    body: bytes = getattr(request.context, "body", b"")
    parts = (request.method, request.path, request.query_string, request.get_header("If-Match") or "")
    return "\n".join((*parts, hashlib.sha256(body).hexdigest()))
