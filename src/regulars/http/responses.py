"""Successful responses of the API."""

import hashlib
import os
import re
from typing import BinaryIO

import falcon
import msgspec

from regulars.http.compression import negotiate, send_coded

STRICT = re.compile(r'(^|[,;\s])handling\s*=\s*"?strict"?\s*($|[,;])', re.IGNORECASE)

SAFE_METHODS = ("GET", "HEAD")

encode = msgspec.json.Encoder().encode


def send_content(
    request: falcon.Request, response: falcon.Response, content: msgspec.Struct, etag: str | None = None
) -> None:
    """Send `content`, or 304 if If-None-Match contains its ETag (RFC 9110, section 13.1.2).

    Without `etag`, the ETag is a digest of the content. Responses to methods other than GET and HEAD have no ETag and
    are never 304.
    """
    body = encode(content)
    coding = negotiate(request, response, len(body))
    if request.method not in SAFE_METHODS:
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


def send_file(request: falcon.Request, response: falcon.Response, file: BinaryIO, name: str, media_type: str) -> None:
    """Send a file from its start. The server closes it after it has been sent. `name` is suggested to the user."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    response.content_type = media_type
    response.downloadable_as = name
    response.content_length = size
    if request.method == "HEAD":
        file.close()
    else:
        response.stream = file


def is_strict(request: falcon.Request, response: falcon.Response) -> bool:
    """Tell whether the request has `Prefer: handling=strict` (RFC 7240): unknown parameters are errors.

    If so, confirm it in the response with `Preference-Applied`.
    """
    prefer = request.env.get("HTTP_PREFER")
    if prefer is None or not STRICT.search(prefer):
        return False
    response.set_header("Preference-Applied", "handling=strict")
    return True
