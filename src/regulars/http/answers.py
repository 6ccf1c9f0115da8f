"""How every address of the API answers what was asked well."""

import hashlib
import re

import falcon
import msgspec

STRICT = re.compile(r'(^|[,;\s])handling\s*=\s*"?strict"?\s*($|[,;])', re.IGNORECASE)

encode = msgspec.json.Encoder().encode


def answer(request: falcon.Request, response: falcon.Response, content: msgspec.Struct) -> None:
    """Answer with `content`, or with 304 where the client has it already (RFC 9110, section 13.1.2)."""
    body = encode(content)
    etag = '"' + hashlib.blake2b(body, digest_size=16).hexdigest() + '"'
    response.set_header("ETag", etag)
    known = request.env.get("HTTP_IF_NONE_MATCH")
    if known is not None and (known.strip() == "*" or etag in known):
        response.status = 304
        return
    response.data = body


def is_strict(request: falcon.Request, response: falcon.Response) -> bool:
    """Whether the client asks that unknown parameters be refused (RFC 7240); the answer then says that they were."""
    prefer = request.env.get("HTTP_PREFER")
    if prefer is None or not STRICT.search(prefer):
        return False
    response.set_header("Preference-Applied", "handling=strict")
    return True
