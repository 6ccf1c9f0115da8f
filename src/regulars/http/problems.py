"""Error responses: JSON for programs, pages for browsers."""

import traceback
from collections.abc import Callable
from typing import Any

import falcon
import msgspec
import structlog

from regulars.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    PreconditionFailed,
    RegularsError,
    RequestTimeout,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    WrongMediaType,
)
from regulars.i18n import _, preferred_language, translate

STATUS: dict[type[RegularsError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    RequestTimeout: 408,
    Conflict: 409,
    Gone: 410,
    PreconditionFailed: 412,
    TooLarge: 413,
    WrongMediaType: 415,
    Invalid: 422,
    TooManyRequests: 429,
    Unavailable: 503,
}
REALM = 'Bearer realm="regulars"'

log = structlog.get_logger("regulars")


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error: a code for programs, a message for people, and messages for each invalid field."""

    error: str
    message: str
    errors: dict[str, list[str]] | None = None


Answer = Callable[[falcon.Request, falcon.Response, int, Problem], None]


def install(app: falcon.App[Any, Any], answer_page: Answer, origin: str) -> None:
    """Make `app` answer every error with a `Problem`: as JSON, or for browsers with `answer_page`.

    `origin` is the URL of this service. Responses with 401 and 403 contain the URL of its OAuth metadata.
    """
    handler = _Handler(answer_page, f"{origin}/.well-known/oauth-protected-resource")
    app.add_error_handler(Exception, handler.handle_unknown)
    app.add_error_handler(falcon.HTTPError, handler.handle_falcon)
    app.add_error_handler(RegularsError, handler.handle_known)


class _Handler:
    def __init__(self, answer_page: Answer, metadata: str) -> None:
        self.answer_page = answer_page
        self.metadata = metadata

    def handle_known(
        self, request: falcon.Request, response: falcon.Response, error: RegularsError, params: dict[str, Any]
    ) -> None:
        status = STATUS.get(type(error))
        if status is None:
            self.handle_unknown(request, response, error, params)
            return
        if isinstance(error, Unavailable | TooManyRequests):
            response.set_header("Retry-After", str(error.retry_after))
        if isinstance(error, Unavailable):
            log.warning("unavailable", request_id=request.context.request_id, reason=error.message_for_operator)
        if isinstance(error, Conflict) and error.retry_after is not None:
            response.set_header("Retry-After", str(error.retry_after))
        if isinstance(error, MethodNotAllowed):
            response.set_header("Allow", ", ".join(error.allowed))
        if isinstance(error, Unauthenticated | Forbidden):
            response.set_header("WWW-Authenticate", _challenge(error, self.metadata))
        self._answer(request, response, status, _problem(error))

    def handle_falcon(
        self, request: falcon.Request, response: falcon.Response, error: falcon.HTTPError, params: dict[str, Any]
    ) -> None:
        if isinstance(error, falcon.HTTPNotFound):
            self.handle_known(request, response, NotFound(_("There is nothing at this address.")), params)
        elif isinstance(error, falcon.HTTPMethodNotAllowed):
            allowed = (error.headers or {}).get("Allow", "") if isinstance(error.headers, dict) else ""
            message = _("{method} cannot be used here; {methods} can.", method=request.method, methods=allowed)
            self.handle_known(request, response, MethodNotAllowed(message, allowed.split(", ")), params)
        elif error.status_code < 500:
            malformed = Malformed(error.description or error.title or _("The request is not valid."))
            self.handle_known(request, response, malformed, params)
        else:
            self.handle_unknown(request, response, error, params)

    def handle_unknown(
        self, request: falcon.Request, response: falcon.Response, error: Exception, params: dict[str, Any]
    ) -> None:
        # Log the type and the traceback. Messages of other libraries' errors may contain personal data.
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        message = error.message if isinstance(error, RegularsError) else ""
        log.error(
            "server_error",
            request_id=request.context.request_id,
            type=type(error).__name__,
            message=message,
            traceback=frames,
        )
        message = _(
            "Something went wrong here. Give this number when you ask about it: {number}.",
            number=request.context.request_id,
        )
        self._answer(request, response, 500, Problem("server_error", message))

    def _answer(self, request: falcon.Request, response: falcon.Response, status: int, problem: Problem) -> None:
        language = language_of(request)
        problem = _translate(problem, language)
        response.status = status
        response.set_header("Content-Language", language)
        response.append_header("Vary", "Accept-Language")
        if "text/html" in request.accept and not request.path.startswith("/api/"):
            self.answer_page(request, response, status, problem)
            return
        response.content_type = "application/json"
        response.data = msgspec.json.encode(problem)


def language_of(request: falcon.Request) -> str:
    """Return the language ("en" or "tr") that the client prefers."""
    return preferred_language(request.get_header("Accept-Language") or "")


def problem_of(error: RegularsError, language: str) -> Problem:
    """Return an error in the form in which clients receive it, with messages in `language` ("en" or "tr")."""
    return _translate(_problem(error), language)


def _problem(error: RegularsError) -> Problem:
    return Problem(error.code, error.message, error.errors if isinstance(error, Invalid | Conflict) else None)


def _translate(problem: Problem, language: str) -> Problem:
    errors = problem.errors and {
        field: [translate(message, language) for message in messages] for field, messages in problem.errors.items()
    }
    return Problem(problem.error, translate(problem.message, language), errors)


def _challenge(error: Unauthenticated | Forbidden, metadata: str) -> str:
    """Return the value of the `WWW-Authenticate` header (RFC 6750, section 3; RFC 9728, section 5.1)."""
    challenge = f'{REALM}, resource_metadata="{metadata}"'
    if error.code not in {"invalid_token", "insufficient_scope"}:
        return challenge
    challenge += f', error="{error.code}", error_description="{error.message}"'
    if isinstance(error, Forbidden) and error.scope:
        challenge += f', scope="{error.scope}"'
    return challenge
