"""The operations and objects of the OpenAPI document, arranged for the page that shows them to people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from regulars.console.curl import curl_command
from regulars.console.schema_words import Schema, as_json, example_of, name_of
from regulars.http.json_body import JSON

MAX_EXAMPLE_FIELDS = 6
"""Examples of larger bodies have only the required fields and the first others."""

Described = Mapping[str, Any]
Objects = Mapping[str, Schema]


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A parameter of a request, or a field of a body or of an object."""

    name: str
    schema: Schema
    description: str
    example: Any
    is_required: bool


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """An error: its status, what it means, and an example of its body."""

    status: str
    meaning: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ReferenceOperation:
    """An operation. `errors` has only those that not every operation has; `headers` are names."""

    id: str
    method: str
    path: str
    summary: str
    description: Sequence[str]
    parameters: Sequence[FieldRow]
    headers: Sequence[str]
    body: Sequence[FieldRow]
    body_example: str
    """JSON; an empty string if the body is a file, or if there is none."""
    curl: str
    status: str
    returned: Sequence[FieldRow]
    files: Sequence[str]
    """The media types of the response if it is a file."""
    example: str
    errors: Sequence[ErrorRow]


@dataclass(frozen=True, slots=True)
class ReferenceGroup:
    """The operations with the same tag."""

    name: str
    description: str
    operations: Sequence[ReferenceOperation]


@dataclass(frozen=True, slots=True)
class ReferenceObject:
    """An object that several responses contain."""

    name: str
    description: str
    fields: Sequence[FieldRow]
    example: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The content of the page. `common_statuses` are the statuses of errors that every operation has."""

    version: str
    groups: Sequence[ReferenceGroup]
    headers: Sequence[FieldRow]
    errors: Sequence[ErrorRow]
    common_statuses: Sequence[str]
    objects: Sequence[ReferenceObject]


def read_reference(document: Described, origin: str) -> Reference:
    """Return the content of the page for an OpenAPI document. `origin` is the URL of this service, for the examples."""
    objects: Objects = document["components"]["schemas"]
    described = [
        (path, method.upper(), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    all_errors = [_errors(operation) for _path, _method, operation in described]
    common = set.intersection(*({error.status for error in errors} for errors in all_errors))
    tagged = [
        (operation["tags"][0], _operation(f"{origin}{path}", path, method, operation, objects, common))
        for path, method, operation in described
    ]
    return Reference(
        document["info"]["version"],
        [
            ReferenceGroup(tag["name"], tag["description"], [shown for name, shown in tagged if name == tag["name"]])
            for tag in document["tags"]
        ],
        _headers(operation for _path, _method, operation in described),
        # Operations without a tenant explain some errors in another way. The first operation has one.
        sorted(
            {error.status: error for errors in reversed(all_errors) for error in errors}.values(),
            key=lambda error: error.status,
        ),
        sorted(common),
        _objects(objects, {name for _path, _method, operation in described for name in _answers(operation)}),
    )


def _operation(
    url: str, path: str, method: str, operation: Described, objects: Objects, common: set[str]
) -> ReferenceOperation:
    parameters = [_parameter(each) for each in operation["parameters"] if each["in"] != "header"]
    media_type, schema = _body(operation)
    body = as_json(example_of(_for_example(schema), objects), 2) if media_type == JSON else ""
    status, response = _success(operation)
    content = response.get("content", {})
    answers = _answers(operation)
    answer = objects[answers[0]] if answers else {}
    return ReferenceOperation(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation["description"].split("\n\n"),
        parameters=parameters,
        headers=[each["name"] for each in operation["parameters"] if each["in"] == "header"],
        body=list(_fields(schema)),
        body_example=body,
        curl=curl_command(method, url, operation["parameters"], media_type, body, saves_file=_is_file(content)),
        status=f"{status} {HTTPStatus(int(status)).phrase}",
        returned=list(_fields(answer)),
        files=list(content) if _is_file(content) else (),
        example=as_json(example_of(answer, objects), 2) if answer else "",
        errors=[error for error in _errors(operation) if error.status not in common],
    )


def _parameter(parameter: Described) -> FieldRow:
    return FieldRow(
        parameter["name"],
        parameter["schema"],
        parameter["description"],
        parameter.get("example"),
        parameter.get("required", False),
    )


def _headers(operations: Iterable[Described]) -> list[FieldRow]:
    """Return the headers of all operations, each once."""
    headers = [each for operation in operations for each in operation["parameters"] if each["in"] == "header"]
    return list({header["name"]: _parameter(header) for header in headers}.values())


def _body(operation: Described) -> tuple[str, Schema]:
    """Return the first media type of the request and its schema; an empty schema if it has no body."""
    content = operation.get("requestBody", {}).get("content", {})
    return next(((media_type, each["schema"]) for media_type, each in content.items()), ("", {}))


def _for_example(schema: Schema) -> Schema:
    """Return the schema of a body with the fields that an example has."""
    fields, required = schema.get("properties", {}), schema.get("required", ())
    if len(fields) <= MAX_EXAMPLE_FIELDS:
        return schema
    chosen = [*required, *(name for name in fields if name not in required)][:MAX_EXAMPLE_FIELDS]
    return {**schema, "properties": {name: each for name, each in fields.items() if name in chosen}}


def _fields(schema: Schema, prefix: str = "") -> Iterator[FieldRow]:
    """Yield the fields of an object, each followed by those of the objects that it contains."""
    for name, field in schema.get("properties", {}).items():
        items = field.get("items", {})
        example = None if name_of(field) or name_of(items) else next(iter(field.get("examples", ())), None)
        is_required = name in schema.get("required", ())
        yield FieldRow(prefix + name, field, field.get("description", ""), example, is_required)
        yield from _fields(field, f"{prefix}{name}.")
        yield from _fields(_joined(items.get("oneOf", [items])), f"{prefix}{name}[].")


def _joined(options: Sequence[Schema]) -> Schema:
    """Return an object with the fields of all options. Required are those that all options require."""
    fields: dict[str, Any] = {}
    for option in options:
        for name, field in option.get("properties", {}).items():
            known = fields.setdefault(name, field)
            if "enum" in known and known is not field:
                fields[name] = {**known, "enum": [*known["enum"], *field["enum"]]}
    required = [name for name in fields if all(name in option.get("required", ()) for option in options)]
    return {"properties": fields, "required": required}


def _success(operation: Described) -> tuple[str, Described]:
    return next((status, response) for status, response in operation["responses"].items() if status.startswith("2"))


def _is_file(content: Described) -> bool:
    return bool(content) and JSON not in content


def _answers(operation: Described) -> list[str]:
    """Return the names of the objects that are the body of the response. The parameters select one of several."""
    schema = _success(operation)[1].get("content", {}).get(JSON, {}).get("schema", {})
    return [name for each in (schema, *schema.get("anyOf", ())) if (name := name_of(each))]


def _errors(operation: Described) -> list[ErrorRow]:
    return [
        ErrorRow(status, response["description"], example["error"], example["message"])
        for status, response in operation["responses"].items()
        if status >= "400"
        for example in [response["content"][JSON]["example"]]
    ]


def _objects(objects: Objects, answers: set[str]) -> list[ReferenceObject]:
    """Return the objects, without those that are the whole body of a response: the operations show these."""
    return [
        ReferenceObject(
            name,
            schema.get("description", ""),
            list(_fields(schema)),
            as_json(example_of(schema, objects), 2),
        )
        for name, schema in sorted(objects.items())
        if name not in answers
    ]
