"""What every request goes through: its id, its line in the log, the headers of every answer."""

import re
import secrets
import time
from typing import Any

import falcon
import structlog

from regulars.errors import Malformed

SANE_ID = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")
LONGEST_QUERY = 8192
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
API_HEADERS = {
    **HEADERS,
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, X-Tenant",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
# What bearer tokens or nothing open may be called by an application in a browser, from whatever site it is.
FOR_BROWSERS = ("/api/v", "/.well-known/", "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/oauth/jwks")
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Idempotent-Replayed, Link, Location, Preference-Applied, Retry-After,"
    " WWW-Authenticate, X-Consistency-Token, X-Request-Id",
}
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer,"
    " X-Consistency-Token, X-Request-Id, X-Tenant",
    "Access-Control-Max-Age": "7200",
}

log = structlog.get_logger("regulars.access")


class Requests:
    """The middleware of all requests."""

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        """Give the request its id; refuse what is too long to be meant."""
        request.context.started = time.perf_counter()
        given = request.env.get("HTTP_X_REQUEST_ID", "")
        request_id = given if SANE_ID.fullmatch(given) else secrets.token_hex(16)
        request.context.request_id = request_id
        request.context.tenant_id = None
        request.context.client_id = None
        response.set_header("X-Request-Id", request_id)
        response.set_headers(API_HEADERS if request.path.startswith("/api/v") else HEADERS)
        if request.path.startswith(FOR_BROWSERS):
            response.set_headers(CORS_HEADERS)
            if request.method == "OPTIONS":
                response.set_headers(PREFLIGHT_HEADERS)
        if len(request.query_string) > LONGEST_QUERY:
            raise Malformed(
                f"The query string has {len(request.query_string)} characters; at most {LONGEST_QUERY} are read."
            )

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Write the request's line: never its query, its token or a person's data."""
        context: Any = request.context
        log.info(
            "request",
            request_id=context.request_id,
            method=request.method,
            route=request.uri_template or "(none)",
            status=response.status_code,
            ms=round((time.perf_counter() - context.started) * 1000, 2),
            tenant=context.tenant_id,
            client=context.client_id,
        )
