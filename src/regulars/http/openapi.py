"""The OpenAPI 3.1 document.

The document is generated from the `operations` of each resource class, a mapping from method to `Operation`. The fields
and parameters in it are those that the resource uses to read requests.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import falcon
import msgspec

from regulars import __version__
from regulars.http.compression import send
from regulars.http.json_body import JSON, PATCH_TYPES, Field, body_schema
from regulars.http.problems import Problem
from regulars.http.query_params import Parameter

REFERENCE = "#/components/schemas/{name}"
ERRORS: Mapping[int, tuple[str, str, str]] = {
    400: (
        "tenant_required",
        "Send the X-Tenant header: you are a member of 2 tenants.",
        "The request cannot be read, or names no tenant and the user is a member of several.",
    ),
    401: (
        "invalid_token",
        "The access token has expired.",
        "The access token is missing (`unauthorized`) or not valid (`invalid_token`).",
    ),
    403: (
        "tenant_forbidden",
        "You have no access to tenant 42.",
        "The token lacks the scope (`insufficient_scope`), or its user is not a member of the tenant"
        " (`tenant_forbidden`).",
    ),
    404: ("not_found", "There is no customer 42.", "The object does not exist in this tenant."),
    405: (
        "method_not_allowed",
        "POST is not allowed here. Use one of: GET, HEAD, OPTIONS.",
        "The method is not allowed at this path.",
    ),
    408: (
        "request_timeout",
        "The body of the request did not arrive in time.",
        "The body was sent too slowly.",
    ),
    409: ("conflict", "phone_number is already used by customer 42.", "The request conflicts with stored data."),
    410: (
        "gone",
        "Customer 42 was merged into customer 7.",
        "The `Link` header has the address of the customer into which it was merged.",
    ),
    412: (
        "precondition_failed",
        "The customer has been changed since you read it. Read it again.",
        "The customer has another version than the one in If-Match.",
    ),
    413: ("validation_error", "The body must have at most 262144 bytes.", "The body is too large."),
    415: (
        "validation_error",
        'Send application/json, not "text/plain".',
        "The media type of the body is not supported.",
    ),
    422: (
        "validation_error",
        'per_page must be an integer from 1 to 100, not "101".',
        "Values are invalid. `errors` lists all of them.",
    ),
    500: (
        "server_error",
        "Something went wrong here.",
        "An error of the server. The message has the id of the request.",
    ),
    429: (
        "too_many_requests",
        "Too many of your requests are waiting. Send fewer at the same time.",
        "Try again after the number of seconds in Retry-After.",
    ),
    503: ("unavailable", "The database does not answer.", "Try again after the number of seconds in Retry-After."),
}


WITHOUT_TENANT: Mapping[int, tuple[str, str, str]] = {
    400: ("validation_error", 'The Host header is not a valid host: "a b".', "The request cannot be read."),
    403: (
        "insufficient_scope",
        "The access token lacks the scope account:read.",
        "The token lacks the scope, or belongs to an application.",
    ),
}
"""Errors of operations that need no tenant. They replace those in `ERRORS`."""

TAGS: Mapping[str, str] = {
    "Customers": "The customers of a tenant.",
    "Views": "Saved views of the customer list.",
    "Users": "The users of a tenant.",
    "Tenants": "The settings of a tenant.",
    "Reference": "Tags, channels and countries.",
    "Imports": "Imports of customers from files.",
    "Exports": "Exports of customers to files.",
    "Bulk changes": "Changes of many customers at once.",
    "Jobs": "Work in the background.",
    "Account": "The user of the access token.",
}


MULTIPART = "multipart/form-data"
FILE_BODY = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary", "description": "The file, with its name."}},
    "required": ["file"],
    "additionalProperties": False,
}
FILE_SCHEMA = {"type": "string", "format": "binary"}


@dataclass(frozen=True)
class Operation:
    """A method of a path: its parameters, body, responses and errors.

    The access token must have one of `scopes`. Without scopes, every valid token is accepted.
    """

    id: str
    summary: str
    description: str
    response: type | None
    tag: str
    scopes: Sequence[str] = ()
    needs_tenant: bool = True
    parameters: Sequence[Parameter] = ()
    path_parameters: Mapping[str, Mapping[str, Any]] | None = None
    errors: Sequence[int] = ()
    """Error statuses beyond those that follow from the other fields (`_error_statuses`)."""
    or_else: Sequence[type] = ()
    """Further response types, which the request's parameters select."""
    status: int = 200
    body: Sequence[Field] | None = None
    """The fields of the JSON object in the body."""
    body_is_partial: bool = False
    """True if required fields may be missing."""
    media_types: Sequence[str] = (JSON,)
    uploads_file: bool = False
    """True if the body is a form with a file (`MULTIPART`)."""
    file_types: Sequence[str] = ()
    """The media types of the response if it is a file."""
    headers: Sequence[Mapping[str, Any]] = ()
    """Headers that only this operation reads."""


def path_id(what: str, example: int) -> Mapping[str, Mapping[str, Any]]:
    """Return the `path_parameters` of a path with one `{id}`. `what` names the object, such as "tenant"."""
    schema = {"type": "integer", "minimum": 1}
    return {"id": {"schema": schema, "description": f"The {what}'s id.", "example": example}}


def put_and_patch(thing: str, description: str, **common: Any) -> Mapping[str, Operation]:
    """Return the operations PUT and PATCH of a `thing`. Both change only the fields that the body has.

    `common` are further fields of `Operation`.
    """
    common = {"body_is_partial": True, "description": description, **common}
    merging = f"The same as PUT. Also accepts JSON Merge Patch (RFC 7396). {description}"
    return {
        "put": Operation(id=f"update{thing}", **common),
        "patch": Operation(id=f"patch{thing}", **common | {"description": merging, "media_types": PATCH_TYPES}),
    }


class OpenApi:
    """`/api/openapi.json`"""

    def __init__(self, routes: Iterable[tuple[str, object]]) -> None:
        self.routes = list(routes)

    @cached_property
    def document(self) -> dict[str, Any]:
        """The document as Python values."""
        operations = [
            (path, method, operation)
            for path, resource in self.routes
            for method, operation in getattr(resource, "operations", {}).items()
        ]
        answers = [
            answer for _, _, operation in operations for answer in (operation.response, *operation.or_else) if answer
        ]
        _, components = msgspec.json.schema_components([*answers, Problem], ref_template=REFERENCE)
        paths: dict[str, Any] = {}
        for path, method, operation in operations:
            paths.setdefault(path, {})[method] = _describe(method, operation)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Regulars",
                "version": __version__,
                "description": "A multi-tenant customer directory.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {
                    "bearer": {
                        "type": "http",
                        "scheme": "bearer",
                        "bearerFormat": "JWT",
                        "description": "The access token received from the authorization server in the OAuth 2.0 flow.",
                    }
                },
            },
        }

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Get the document as JSON."""
        response.set_header("Cache-Control", "public, max-age=300")
        send(request, response, self.encoded)

    @cached_property
    def encoded(self) -> bytes:
        """The document as JSON."""
        return msgspec.json.encode(self.document)


def _describe(method: str, operation: Operation) -> dict[str, Any]:
    parameters = [_path_parameter(name, schema) for name, schema in (operation.path_parameters or {}).items()]
    parameters += [_query_parameter(parameter) for parameter in operation.parameters]
    parameters += [TENANT_PARAMETER] if operation.needs_tenant else []
    parameters += [PREFER]
    if method == "get" and not operation.file_types:
        parameters += [IF_NONE_MATCH]
    if method == "post":
        parameters += [IDEMPOTENCY_KEY]
    responses = {str(operation.status): _success(method, operation)}
    if method == "get" and not operation.file_types:
        responses["304"] = {"description": "The content has not changed (If-None-Match)."}
    responses |= {str(status): _error(status, operation) for status in _error_statuses(method, operation)}
    scopes = " or ".join(f"`{scope}`" for scope in operation.scopes)
    described = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.description}\n\n{f'Scope: {scopes}.' if scopes else 'Any valid access token.'}",
        "security": [{"bearer": []}],
        "parameters": [*parameters, *operation.headers],
        "responses": responses,
    }
    if operation.body is not None:
        content = {"schema": body_schema(operation.body, is_partial=operation.body_is_partial)}
        described["requestBody"] = {"required": True, "content": dict.fromkeys(operation.media_types, content)}
    if operation.uploads_file:
        described["requestBody"] = {"required": True, "content": {MULTIPART: {"schema": FILE_BODY}}}
    return described


TENANT_PARAMETER = {
    "name": "X-Tenant",
    "in": "header",
    "description": "The tenant's id. Optional if the user belongs to exactly one tenant, "
    "or the token is limited to one.",
    "schema": {"type": "integer", "minimum": 1},
    "example": 1,
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "description": "`handling=strict`: an unknown parameter is an error instead of being ignored (RFC 7240).",
    "schema": {"type": "string"},
    "example": "handling=strict",
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of an earlier response. The response is 304 if nothing has changed.",
    "schema": {"type": "string"},
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of the customer when you read it. The response is 412 if it has changed since.",
    "schema": {"type": "string"},
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A unique text for each request. A request that is sent again with the same key within 24 hours is"
    " carried out once, and gets the same response.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    # An empty parameter counts as omitted.
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        "allowEmptyValue": True,
        "schema": parameter.schema,
        "example": parameter.example,
    }


def _path_parameter(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, **schema}


def _success(method: str, operation: Operation) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-Id": REQUEST_ID}
    if operation.file_types:
        content = {media_type: {"schema": FILE_SCHEMA} for media_type in operation.file_types}
        return {"description": "The file.", "headers": headers, "content": content}
    if operation.response is None:
        return {"description": "Done.", "headers": headers}
    schemas = [{"$ref": REFERENCE.format(name=each.__name__)} for each in (operation.response, *operation.or_else)]
    schema = {"anyOf": schemas} if operation.or_else else schemas[0]
    if operation.status == CREATED:
        headers["Location"] = {"description": "The address of the new object.", "schema": {"type": "string"}}
    elif method == "get" or IF_MATCH in operation.headers:
        headers["ETag"] = {"description": "Changes when the response changes.", "schema": {"type": "string"}}
    return {"description": "OK", "headers": headers, "content": {JSON: {"schema": schema}}}


CREATED = 201
REQUEST_ID = {"description": "The id of this request, also in the log.", "schema": {"type": "string"}}


def _error_statuses(method: str, operation: Operation) -> list[int]:
    statuses = {400, 401, 405, 422, 429, 500, 503, *operation.errors}
    if operation.scopes or operation.needs_tenant:
        statuses |= {403}
    if operation.path_parameters:
        statuses |= {404}
    if operation.body is not None or operation.uploads_file:
        statuses |= {408, 413, 415}
    if method == "post":
        statuses |= {409}  # a request with the same Idempotency-Key may still be running
    if IF_MATCH in operation.headers:
        statuses |= {412}
    return sorted(statuses)


def _error(status: int, operation: Operation) -> dict[str, Any]:
    errors = ERRORS if operation.needs_tenant else {**ERRORS, **WITHOUT_TENANT}
    code, message, description = errors[status]
    headers: dict[str, Any] = {"X-Request-Id": REQUEST_ID}
    if status in {401, 403}:
        headers["WWW-Authenticate"] = {"description": "RFC 6750.", "schema": {"type": "string"}}
    if status in {429, 503}:
        headers["Retry-After"] = {"description": "Seconds.", "schema": {"type": "integer"}}
    schema = {"$ref": REFERENCE.format(name="Problem")}
    example: dict[str, Any] = {"error": code, "message": message}
    if status == 422:
        example["errors"] = {"per_page": [message]}
    return {
        "description": description,
        "headers": headers,
        "content": {"application/json": {"schema": schema, "example": example}},
    }
