"""Middleware for all requests: the request id, the log line, response headers, and checks of the host and query."""

import re
import secrets
import time
from http import HTTPStatus
from typing import Any

import falcon
import structlog

from regulars.errors import Malformed
from regulars.http.public_url import AcceptedHosts
from regulars.http.untrusted_proxies import UntrustedProxies
from regulars.i18n import _
from regulars.settings import Settings

REQUEST_ID = re.compile(r"[A-Za-z0-9._:+/=@-]{1,128}")
MAX_QUERY_LENGTH = 8192
ARRIVED = "regulars.arrived"
"""Key of the WSGI environment: the `time.perf_counter()` at which the request arrived."""
TENANT = "regulars.tenant"
"""Key of the WSGI environment: the id of the verified tenant, or None. Set after the request was processed."""
REFUSAL = "regulars.refusal"
"""Key of the WSGI environment: an error that `server.front` has found, to send as the response."""
UPLOAD_CHECK = "regulars.upload_check"
"""Key of the WSGI environment: True if `server.front` asks whether the upload of this request is allowed.

The body is empty then. A resource that accepts uploads answers 204 if the upload is allowed, before it parses the body.
Any other response is sent to the client, and the body is not received.
"""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
API_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Cookie, X-Tenant",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
HTTPS_HEADERS = {"Strict-Transport-Security": "max-age=31536000"}
HEALTH_PATHS = {"/healthz", "/readyz"}
"""The host is not checked for these, because load balancers request them by IP address."""
# Scripts of any site may call these paths with an access token. They cannot use cookies: the wildcard excludes
# credentials, and the API accepts the session of a browser only from pages of this service.
CORS_PATHS = ("/api/v", "/.well-known/", "/oauth/token", "/oauth/revoke", "/oauth/userinfo", "/oauth/jwks")
CORS_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Content-Disposition, ETag, Idempotent-Replayed, Link, Location,"
    " Preference-Applied, Retry-After, WWW-Authenticate, X-Consistency-Token, X-Request-Id",
}
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer,"
    " X-Consistency-Token, X-Request-Id, X-Tenant",
    "Access-Control-Max-Age": "7200",
}

log = structlog.get_logger("regulars.access")


class RequestMiddleware:
    """Sets the request id and common headers, checks the host and the query string's length, and logs each request."""

    def __init__(self, settings: Settings) -> None:
        self._hosts = AcceptedHosts(settings)
        self._headers = HEADERS | (HTTPS_HEADERS if settings.public_url.startswith("https:") else {})
        self._api_headers = self._headers | API_HEADERS
        self._untrusted_proxies = UntrustedProxies(settings.trusted_proxies)

    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        """Set the request id and common headers. Log a warning about a proxy that is not trusted.

        Raise the error that `server.front` has stored in the environment, if any. Raise `Malformed` if the host is not
        accepted or the query string is too long.
        """
        request.context.started = request.env.get(ARRIVED) or time.perf_counter()
        given = request.env.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        request.context.request_id = request_id
        request.context.tenant_id = None
        request.context.client_id = None
        response.set_header("X-Request-Id", request_id)
        response.set_headers(self._api_headers if request.path.startswith("/api/v") else self._headers)
        if request.path.startswith(CORS_PATHS):
            response.set_headers(CORS_HEADERS)
            if request.method == "OPTIONS":
                response.set_headers(PREFLIGHT_HEADERS)
        if REFUSAL in request.env:
            raise request.env[REFUSAL]
        self._untrusted_proxies.check(request.env)
        if request.path not in HEALTH_PATHS:
            self._hosts.check(request.env)
        if len(request.query_string) > MAX_QUERY_LENGTH:
            raise Malformed(
                _(
                    "The query string must have at most {limit} characters, not {count}.",
                    limit=MAX_QUERY_LENGTH,
                    count=len(request.query_string),
                )
            )

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        """Log the request without its query, token and personal data, and tell the server its tenant (`TENANT`).

        An upload that is allowed is not logged, because the request is logged after it has been received.
        """
        context: Any = request.context
        request.env[TENANT] = context.tenant_id
        if UPLOAD_CHECK in request.env and response.status_code == HTTPStatus.NO_CONTENT:
            return
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
