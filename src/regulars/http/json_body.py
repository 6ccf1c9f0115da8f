"""JSON bodies. The declaration of a field is used to read it and to describe it in the OpenAPI document."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import falcon

from regulars.errors import Invalid, Malformed, TooLarge, WrongMediaType
from regulars.i18n import _
from regulars.validation import INVISIBLE, in_range, quote, trim

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
PATCH_TYPES = (JSON, MERGE_PATCH)
MAX_BODY_BYTES = 256 * 1024
MAX_DEPTH = 32
# Patterns in the JSON Schema of text: no control characters and, for required text, at least one visible character.
PRINTABLE = "[^\\u0000-\\u001f\\u007f-\\u009f]"
TEXT_PATTERN = f"^{PRINTABLE}*$"
FILLED_PATTERN = f"^{PRINTABLE}*[^\\s\\u0000-\\u001f\\u007f-\\u009f{INVISIBLE}]{PRINTABLE}*$"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body: its JSON Schema, and the function that reads its value.

    `read` takes the value and, if `read_fields` is called with one, a context. It raises ValueError with a rule to
    append to the field's name, such as "must not be empty", or for an object `Invalid` with the faults of its fields. A
    field that is not `required` may be null; `read` is not called then.
    """

    name: str
    schema: Mapping[str, Any]
    description: str
    example: Any
    read: Callable[..., Any]
    required: bool = False


def text_field(
    name: str,
    description: str,
    example: str,
    read: Callable[..., Any],
    *,
    at_most: int,
    required: bool = False,
    schema: Mapping[str, Any] | None = None,
) -> Field:
    """Return a field for text of at most `at_most` characters.

    `read` takes the trimmed text. Text without a visible character is an error if the field is `required`, and is read
    as None otherwise.
    """

    def read_value(value: Any, *context: Any) -> Any:
        text = read_text(value, at_most)
        if not text and required:
            raise ValueError(_("must not be empty"))
        return read(text, *context) if text else None

    rule = {
        "type": "string" if required else ["string", "null"],
        "maxLength": at_most,
        "pattern": FILLED_PATTERN if required else TEXT_PATTERN,
        **(schema or {}),
    }
    return Field(name, rule, description, example, read_value, required)


def read_text(value: Any, at_most: int) -> str:
    """Return the trimmed text of a JSON string; empty text if it has no visible character.

    Raise ValueError if `value` is not a string or is longer than `at_most`.
    """
    if not isinstance(value, str):
        raise ValueError(_("must be a string, not {value}", value=quote(value)))
    if len(value) > at_most:
        raise ValueError(_("must have at most {limit} characters, not {count}", limit=at_most, count=len(value)))
    return trim(value)


def id_field(name: str, description: str, example: int, *, required: bool = False) -> Field:
    """Return a field for an id, a positive integer."""
    rule = {"type": "integer" if required else ["integer", "null"], "minimum": 1, "maximum": 2**63 - 1}
    return Field(name, rule, description, example, read_id, required)


def integer_field(name: str, description: str, example: int, *, low: int, high: int, required: bool = False) -> Field:
    """Return a field for an integer from `low` to `high`."""

    rule = {"type": "integer" if required else ["integer", "null"], "minimum": low, "maximum": high}
    return Field(name, rule, description, example, lambda value: read_integer(value, low=low, high=high), required)


def choice_field(name: str, description: str, example: str, *, options: Sequence[str], required: bool = False) -> Field:
    """Return a field whose value is one of `options`."""

    def read(value: Any, *_context: Any) -> str:
        if value not in options:
            raise ValueError(_("must be one of {options}, not {value}", options=", ".join(options), value=quote(value)))
        return str(value)

    values = list(options) if required else [*options, None]
    return Field(name, {"enum": values}, description, example, read, required)


def flag_field(name: str, description: str) -> Field:
    """Return a field for true or false."""

    def read(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(_("must be true or false, not {value}", value=quote(value)))
        return value

    return Field(name, {"type": ["boolean", "null"]}, description, False, read)


def read_id(value: Any) -> int:
    """Return an id from a JSON value. Raise ValueError if it is not an integer from 1 to 2**63 - 1."""
    number = _as_integer(value)
    if number is None or not 1 <= number < 2**63:
        raise ValueError(_("must be a positive integer, not {value}", value=quote(value)))
    return number


def read_integer(value: Any, *, low: int, high: int | None = None) -> int:
    """Return an integer from a JSON value. Raise ValueError if it is not one from `low` to `high`."""
    return in_range(_as_integer(value), low, high, given=value)


def _as_integer(value: Any) -> int | None:
    """Return the integer that a JSON value stands for, if any. 1.0 counts as an integer (JSON Schema)."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def body_schema(fields: Sequence[Field], *, is_partial: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of an object with these fields. With `is_partial`, required fields may be missing."""
    return {
        "type": "object",
        "properties": {
            field.name: {**field.schema, "description": field.description, "examples": [field.example]}
            for field in fields
        },
        "required": [field.name for field in fields if field.required and not is_partial],
        "additionalProperties": False,
    }


def read_fields(content: Any, fields: Sequence[Field], *, partial: bool = False, context: Any = None) -> dict[str, Any]:
    """Return the values of those `fields` that the JSON object `content` has, by name.

    With `partial`, required fields may be missing. `context` is passed to the readers. Raise `Malformed` if `content`
    is not an object, and `Invalid` with every fault, including unknown fields.
    """
    if not isinstance(content, dict):
        raise Malformed(_("The body must be a JSON object, not {value}.", value=quote(content)))
    given = () if context is None else (context,)
    found: dict[str, Any] = {}
    faults: dict[str, list[str]] = {}
    for field in fields:
        if field.name not in content:
            if field.required and not partial:
                faults[field.name] = [_("{field} is required.", field=field.name)]
            continue
        value = content[field.name]
        try:
            if value is None and field.required:
                raise ValueError(_("must not be empty"))
            found[field.name] = None if value is None else field.read(value, *given)
        except Invalid as error:
            faults |= {f"{field.name}.{name}": messages for name, messages in error.errors.items()}
        except ValueError as error:
            faults[field.name] = [_("{field} {rule}.", field=field.name, rule=error.args[0])]
    known = {field.name for field in fields}
    for name in content.keys() - known:
        clean = name.encode("utf-8", "replace").decode()
        faults[clean] = [_("Unknown field {field}.", field=quote(clean))]
    if faults:
        raise Invalid(faults)
    return found


def read_json(request: falcon.Request, *, at_most: int = MAX_BODY_BYTES) -> Any:
    """Parse the body of a request: at most `at_most` bytes of JSON in UTF-8. PATCH also accepts JSON Merge Patch.

    Also store the bytes in the request's context as `body`. Raise `WrongMediaType` (415), `TooLarge` (413), and
    `Malformed` (400) for JSON that is invalid, nested too deeply or has duplicate keys.
    """
    media_types = PATCH_TYPES if request.method == "PATCH" else (JSON,)
    given, _semicolon, _parameters = (request.content_type or "").partition(";")
    if given.strip().lower() not in media_types:
        raise WrongMediaType(
            _("Send {options}, not {value}.", options=" or ".join(media_types), value=quote(given))
            if given
            else _("Send a Content-Type header: {options}.", options=" or ".join(media_types))
        )
    body = _read(request, at_most)
    request.context.body = body
    return parse_json(body)


def parse_json(body: bytes) -> Any:
    """Parse JSON in UTF-8. Raise `Malformed` if it is invalid, nested too deeply or has duplicate keys."""
    try:
        content = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise Malformed(_("The body must be JSON in UTF-8.")) from None
    except json.JSONDecodeError as error:
        raise _invalid_json(error) if body else Malformed(_("The body is empty.")) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise Malformed(_("The body is not valid JSON: {reason}.", reason=error)) from None
    _check_depth(content)
    return content


def _invalid_json(error: json.JSONDecodeError) -> Malformed:
    return Malformed(
        _(
            "The body is not valid JSON: {reason} in line {line}, column {column}.",
            reason=error.msg,
            line=error.lineno,
            column=error.colno,
        )
    )


def _too_deep() -> Malformed:
    return Malformed(_("The body is nested too deeply. At most {limit} levels are allowed.", limit=MAX_DEPTH))


def is_merge_patch(request: falcon.Request) -> bool:
    """Tell whether the body of a request is a JSON Merge Patch (RFC 7396), which is merged into objects."""
    return (request.content_type or "").partition(";")[0].strip().lower() == MERGE_PATCH


def _read(request: falcon.Request, at_most: int) -> bytes:
    too_large = TooLarge(_("The body must have at most {limit} bytes.", limit=at_most))
    if (request.content_length or 0) > at_most:
        raise too_large
    body: bytes = request.bounded_stream.read(at_most + 1) if request.content_length else b""
    if request.content_length is None and "chunked" in (request.get_header("Transfer-Encoding") or ""):
        body = request.stream.read(at_most + 1)
    if len(body) > at_most:
        raise too_large
    return body


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _value in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(_("duplicate key {value}", value=quote(twice)))
    return found


def _refuse_constant(text: str) -> Any:
    raise ValueError(_("{text} is not allowed in JSON", text=text))


def _check_depth(content: Any) -> None:
    level = [content]
    for _level in range(MAX_DEPTH + 1):
        level = [part for each in level if isinstance(each, dict | list) for part in _parts(each)]
        if not level:
            return
    raise _too_deep()


def _parts(value: dict[str, Any] | list[Any]) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value
