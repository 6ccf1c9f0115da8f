"""Errors as answers: the one place where they become JSON."""

import traceback
from typing import Any

import falcon
import msgspec
import structlog

from regulars.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    MethodNotAllowed,
    NotFound,
    RegularsError,
    Unauthenticated,
    Unavailable,
)

STATUS: dict[type[RegularsError], int] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    Invalid: 422,
    Unavailable: 503,
}
REALM = 'Bearer realm="regulars"'

log = structlog.get_logger("regulars")


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error: a code for programs, a sentence for people, and the sentences for each field at fault."""

    error: str
    message: str
    errors: dict[str, list[str]] | None = None


def install(app: falcon.App[Any, Any]) -> None:
    """Let `app` answer every error as a `Problem`. (Falcon asks the handler that was added last first.)"""
    app.add_error_handler(Exception, _unforeseen)
    app.add_error_handler(falcon.HTTPError, _from_falcon)
    app.add_error_handler(RegularsError, _foreseen)


def _foreseen(request: falcon.Request, response: falcon.Response, error: RegularsError, params: dict[str, Any]) -> None:
    status = STATUS.get(type(error))
    if status is None:
        _unforeseen(request, response, error, params)
        return
    if isinstance(error, Unavailable):
        response.set_header("Retry-After", str(error.retry_after))
        log.warning("unavailable", request_id=request.context.request_id, reason=error.message)
    if isinstance(error, MethodNotAllowed):
        response.set_header("Allow", ", ".join(error.allowed))
    if isinstance(error, Unauthenticated | Forbidden):
        response.set_header("WWW-Authenticate", _challenge(error))
    _answer(response, status, Problem(error.code, error.message, error.errors if isinstance(error, Invalid) else None))


def _challenge(error: Unauthenticated | Forbidden) -> str:
    """The `WWW-Authenticate` header of RFC 6750, section 3."""
    if error.code not in {"invalid_token", "insufficient_scope"}:
        return REALM
    challenge = f'{REALM}, error="{error.code}", error_description="{error.message}"'
    if isinstance(error, Forbidden) and error.scope:
        challenge += f', scope="{error.scope}"'
    return challenge


def _from_falcon(
    request: falcon.Request, response: falcon.Response, error: falcon.HTTPError, params: dict[str, Any]
) -> None:
    if isinstance(error, falcon.HTTPNotFound):
        _foreseen(request, response, NotFound("There is nothing at this address."), params)
    elif isinstance(error, falcon.HTTPMethodNotAllowed):
        allowed = (error.headers or {}).get("Allow", "") if isinstance(error.headers, dict) else ""
        message = f"{request.method} cannot be used here; {allowed} can."
        _foreseen(request, response, MethodNotAllowed(message, allowed.split(", ")), params)
    elif error.status_code < 500:
        _foreseen(request, response, Malformed(error.description or error.title or "The request is not valid."), params)
    else:
        _unforeseen(request, response, error, params)


def _unforeseen(request: falcon.Request, response: falcon.Response, error: Exception, params: dict[str, Any]) -> None:
    # Where it happened and of what type, but never the error's own words: they may repeat a person's data.
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    said = error.message if isinstance(error, RegularsError) else ""
    log.error(
        "server_error", request_id=request.context.request_id, type=type(error).__name__, said=said, traceback=frames
    )
    message = f"Something went wrong here. Give this number when you ask about it: {request.context.request_id}."
    _answer(response, 500, Problem("server_error", message))


def _answer(response: falcon.Response, status: int, problem: Problem) -> None:
    response.status = status
    response.content_type = "application/json"
    response.data = msgspec.json.encode(problem)
