"""Query parameters. A parameter's declaration is used to read it and to describe it in the OpenAPI document."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from urllib.parse import quote as percent_encode

import falcon

from regulars.errors import Invalid, NotFound
from regulars.http.responses import is_strict
from regulars.i18n import _
from regulars.validation import in_range, quote

Check = Callable[[Mapping[str, Any]], Mapping[str, str]]
"""Takes the values of all parameters. Returns a message for each parameter whose value contradicts another one."""

ID = re.compile(r"[1-9][0-9]{0,17}")
# The offset may start with a space: a plus sign that the client did not percent-encode is decoded as one.
TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8})(?:\.([0-9]+))?(Z|[-+ ][0-9]{2}:[0-9]{2})")
INTEGER = re.compile(r"-?[0-9]{1,100}")
PATH_ID = re.compile(r"[1-9][0-9]{0,17}")
DAY_PATTERN = "(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9])"
DAY = re.compile(DAY_PATTERN)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter: its JSON Schema, and the function that reads its text.

    `read` raises ValueError with a rule to append to the parameter's name, such as "must not be empty".
    """

    name: str
    schema: Mapping[str, Any]
    description: str
    example: Any
    read: Callable[[str], Any]


def text_parameter(name: str, description: str, example: str, *, at_most: int) -> Parameter:
    """Return a parameter for text of at most `at_most` characters."""

    def read(value: str) -> str:
        if len(value) > at_most:
            raise ValueError(_("must have at most {limit} characters, not {count}", limit=at_most, count=len(value)))
        if "\0" in value:
            raise ValueError(_("must not contain a NUL character"))
        return value

    schema = {"type": "string", "maxLength": at_most, "pattern": "^[^\\u0000]*$"}
    return Parameter(name, schema, description, example, read)


def integer_parameter(
    name: str, description: str, example: int, *, low: int, high: int | None = None, default: int | None = None
) -> Parameter:
    """Return a parameter for an integer from `low` to `high`."""

    def read(value: str) -> int:
        return in_range(int(value) if INTEGER.fullmatch(value) else None, low, high, given=value)

    schema: dict[str, Any] = {"type": "integer", "minimum": low}
    if high is not None:
        schema["maximum"] = high
    if default is not None:
        schema["default"] = default
    return Parameter(name, schema, description, example, read)


def choice_parameter(name: str, description: str, example: str, *, options: Sequence[str]) -> Parameter:
    """Return a parameter whose value is one of `options`."""

    def read(value: str) -> str:
        if value not in options:
            raise ValueError(_("must be one of {options}, not {value}", options=", ".join(options), value=quote(value)))
        return value

    return Parameter(name, {"type": "string", "enum": list(options)}, description, example, read)


def time_parameter(name: str, description: str, example: str) -> Parameter:
    """Return a parameter for a time with a time zone (RFC 3339).

    The value is in UTC and rounded up to whole seconds, because times are stored in whole seconds.
    """

    def read(value: str) -> datetime:
        try:
            parts = TIME.fullmatch(value.upper())
            if parts is None:
                raise ValueError
            moment = datetime.fromisoformat(parts[1] + parts[3].replace(" ", "+")).astimezone(UTC)
            return moment + timedelta(seconds=1) if (parts[2] or "").strip("0") else moment
        except (ValueError, OverflowError):
            raise ValueError(
                _(
                    "must be a time with a time zone, such as {example}, not {value}",
                    example=example,
                    value=quote(value),
                )
            ) from None

    return Parameter(name, {"type": "string", "format": "date-time"}, description, example, read)


def day_parameter(name: str, description: str, example: str) -> Parameter:
    """Return a parameter for a day of the year: month and day, such as `12-24`."""

    def read(value: str) -> str:
        if not DAY.fullmatch(value):
            raise ValueError(
                _("must be a month and a day, such as {example}, not {value}", example=example, value=quote(value))
            )
        return value

    return Parameter(name, {"type": "string", "pattern": f"^({DAY_PATTERN})$"}, description, example, read)


def ids_parameter(name: str, description: str, example: str, *, at_most: int) -> Parameter:
    """Return a parameter for at most `at_most` ids, separated by commas.

    The value has each id once, in ascending order.
    """

    def read(value: str) -> tuple[int, ...]:
        parts = value.split(",")
        if len(parts) > at_most or not all(map(ID.fullmatch, parts)):
            raise ValueError(
                _("must be up to {limit} ids separated by commas, not {value}", limit=at_most, value=quote(value))
            )
        return tuple(sorted(set(map(int, parts))))

    pattern = f"^[1-9][0-9]{{0,17}}(,[1-9][0-9]{{0,17}}){{0,{at_most - 1}}}$"
    return Parameter(name, {"type": "string", "pattern": pattern}, description, example, read)


def choices_parameter(name: str, description: str, example: str, *, options: Sequence[str]) -> Parameter:
    """Return a parameter for one or several of `options`, separated by commas. The value is a tuple."""

    def read(value: str) -> tuple[str, ...]:
        parts = value.split(",")
        for part in parts:
            if part not in options:
                names = ", ".join(options)
                raise ValueError(
                    _(
                        "must be one or more of {options}, separated by commas, not {value}",
                        options=names,
                        value=quote(part),
                    )
                )
        return tuple(parts)

    one = f"({'|'.join(options)})"
    return Parameter(name, {"type": "string", "pattern": f"^{one}(,{one})*$"}, description, example, read)


def flag_parameter(name: str, description: str) -> Parameter:
    """Return a parameter for `true`, `1`, `false` or `0`."""
    options = {"true": True, "1": True, "false": False, "0": False}

    def read(value: str) -> bool:
        if value not in options:
            raise ValueError(_("must be true, false, 1 or 0, not {value}", value=quote(value)))
        return options[value]

    schema = {"type": "string", "enum": list(options), "default": "false"}
    return Parameter(name, schema, description, "false", read)


def read_path_id(text: str, what: str) -> int:
    """Return the id that a path contains as `text`. Raise `NotFound` if it is not an id.

    `what` names the object in the message, such as "customer".
    """
    if not PATH_ID.fullmatch(text):
        raise NotFound(_("There is no {what} {id}.", what=what, id=quote(text)))
    return int(text)


def read_parameters(request: falcon.Request, response: falcon.Response, *parameters: Parameter) -> dict[str, Any]:
    """Return the values of those `parameters` that the request has, by name.

    Raise `Invalid` if a value is not valid or, in strict mode (`is_strict`), if a parameter is unknown.
    """
    return Query(request.query_string).read(parameters, strict=is_strict(request, response))


class Query:
    """The query string of a request. The last value of a repeated parameter counts.

    `given` maps the names of parameters that are not empty to their values as sent, and `values` to their trimmed
    values. `names` also has the names of empty parameters.
    """

    __slots__ = ("given", "names", "values")

    def __init__(self, query_string: str) -> None:
        pairs = parse_qsl(query_string, keep_blank_values=True, errors="surrogateescape") if query_string else ()
        every = dict(pairs)
        self.names = every.keys()
        self.given = {name: value for name, value in every.items() if value.strip()}
        self.values = {name: value.strip() for name, value in self.given.items()}

    def without(self, *names: str) -> str:
        """Return the query string, encoded again, without the parameters `names` and without empty parameters."""
        return "&".join(f"{_encode(key)}={_encode(value)}" for key, value in self.given.items() if key not in names)

    def read(
        self, parameters: Sequence[Parameter], *, check: Check = lambda values: {}, strict: bool = False
    ) -> dict[str, Any]:
        """Return the values of `parameters` by name, without those that are omitted or empty.

        Raise `Invalid` with every fault: values that are not valid, those for which `check` returns a message and, with
        `strict`, unknown parameters.
        """
        found: dict[str, Any] = {}
        faults: dict[str, list[str]] = {}
        for parameter in parameters if self.values else ():
            value = self.values.get(parameter.name)
            if value is None:
                continue
            try:
                if not value.isascii():
                    check_characters(value)
                found[parameter.name] = parameter.read(value)
            except ValueError as error:
                faults[parameter.name] = [_("{field} {rule}.", field=parameter.name, rule=error.args[0])]
        for name, sentence in check(found).items():
            faults.setdefault(name, [sentence])
        if strict:
            known = {parameter.name for parameter in parameters}
            for name in self.given.keys() - known:
                clean = name.encode("utf-8", "replace").decode()
                faults[clean] = [_("Unknown parameter {parameter}.", parameter=quote(clean))]
        if faults:
            raise Invalid(faults)
        return found


def _encode(text: str) -> str:
    return percent_encode(text, safe="", errors="surrogateescape")


def check_characters(value: str) -> None:
    """Raise ValueError if the text cannot be encoded in UTF-8."""
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError(_("must be text in UTF-8"))
