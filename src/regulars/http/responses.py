"""How every address of the API answers what was asked well."""

import hashlib
import re

import falcon
import msgspec

from regulars.http.compression import negotiate, send_coded

STRICT = re.compile(r'(^|[,;\s])handling\s*=\s*"?strict"?\s*($|[,;])', re.IGNORECASE)

READING = ("GET", "HEAD")

encode = msgspec.json.Encoder().encode


def answer(
    request: falcon.Request, response: falcon.Response, content: msgspec.Struct, etag: str | None = None
) -> None:
    """Answer with `content`, or with 304 where the client has it already (RFC 9110, section 13.1.2).

    Its `etag` is one that others give it too; without, it is made from the content. Only what is read has one: the
    answer to a change has other words than what is read afterwards.
    """
    body = encode(content)
    coding = negotiate(request, response, len(body))
    if request.method not in READING:
        send_coded(response, body, coding)
        return
    digest = etag or hashlib.sha256(body).hexdigest()[:32]
    # The same content in another coding is another representation (RFC 9110, section 8.8.3).
    response.set_header("ETag", f'"{digest}-{coding}"' if coding else f'"{digest}"')
    known = request.env.get("HTTP_IF_NONE_MATCH")
    if known is not None and (known.strip() == "*" or digest in known):
        response.status = 304
        return
    send_coded(response, body, coding)


def is_strict(request: falcon.Request, response: falcon.Response) -> bool:
    """Whether the client asks that unknown parameters be refused (RFC 7240); the answer then says that they were."""
    prefer = request.env.get("HTTP_PREFER")
    if prefer is None or not STRICT.search(prefer):
        return False
    response.set_header("Preference-Applied", "handling=strict")
    return True
