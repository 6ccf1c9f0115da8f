"""Query parameters: one declaration of each serves to read it and to describe it in the OpenAPI document."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote

from regulars.errors import Invalid, NotFound

Check = Callable[[Mapping[str, Any]], Mapping[str, str]]
"""From the values that were read to a sentence for each parameter that contradicts another."""

ID = re.compile(r"[1-9][0-9]{0,17}")
# A plus that was not encoded comes as a space.
TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8})(?:\.([0-9]+))?(Z|[-+ ][0-9]{2}:[0-9]{2})")
INTEGER = re.compile(r"-?[0-9]{1,100}")
PATH_ID = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter: its JSON Schema, and how its text is read (`read` raises ValueError with a sentence)."""

    name: str
    schema: Mapping[str, Any]
    description: str
    example: Any
    read: Callable[[str], Any]


def text_parameter(name: str, description: str, example: str, *, at_most: int) -> Parameter:
    """A text of at most so many characters."""

    def read(value: str) -> str:
        if len(value) > at_most:
            raise ValueError(f"must be at most {at_most} characters, not {len(value)}")
        if "\0" in value:
            raise ValueError("must not contain a NUL character")
        return value

    schema = {"type": "string", "maxLength": at_most, "pattern": "^[^\\u0000]*$"}
    return Parameter(name, schema, description, example, read)


def integer_parameter(
    name: str, description: str, example: int, *, low: int, high: int | None = None, default: int | None = None
) -> Parameter:
    """A whole number from `low` to `high`."""
    rule = f"must be a whole number, {low} or more" if high is None else f"must be a whole number from {low} to {high}"

    def read(value: str) -> int:
        number = int(value) if INTEGER.fullmatch(value) else None
        if number is None or number < low or (high is not None and number > high):
            raise ValueError(f"{rule}, not {quote(value)}")
        return number

    schema: dict[str, Any] = {"type": "integer", "minimum": low}
    if high is not None:
        schema["maximum"] = high
    if default is not None:
        schema["default"] = default
    return Parameter(name, schema, description, example, read)


def choice_parameter(name: str, description: str, example: str, *, options: Sequence[str]) -> Parameter:
    """One of `options`."""

    def read(value: str) -> str:
        if value not in options:
            raise ValueError(f"must be one of {', '.join(options)}, not {quote(value)}")
        return value

    return Parameter(name, {"type": "string", "enum": list(options)}, description, example, read)


def time_parameter(name: str, description: str, example: str) -> Parameter:
    """A moment with its zone (RFC 3339), in UTC. Between two seconds it is the later one: times are stored in whole
    seconds, and those from then on are the same."""

    def read(value: str) -> datetime:
        try:
            parts = TIME.fullmatch(value.upper())
            if parts is None:
                raise ValueError
            moment = datetime.fromisoformat(parts[1] + parts[3].replace(" ", "+")).astimezone(UTC)
            return moment + timedelta(seconds=1) if (parts[2] or "").strip("0") else moment
        except (ValueError, OverflowError):
            raise ValueError(f"must be a time with its zone, such as {example}, not {quote(value)}") from None

    return Parameter(name, {"type": "string", "format": "date-time"}, description, example, read)


def ids_parameter(name: str, description: str, example: str, *, at_most: int) -> Parameter:
    """Up to so many ids, with commas between them: each once, in order."""

    def read(value: str) -> tuple[int, ...]:
        parts = value.split(",")
        if len(parts) > at_most or not all(map(ID.fullmatch, parts)):
            raise ValueError(f"must be up to {at_most} ids with commas between them, not {quote(value)}")
        return tuple(sorted(set(map(int, parts))))

    pattern = f"^[1-9][0-9]{{0,17}}(,[1-9][0-9]{{0,17}}){{0,{at_most - 1}}}$"
    return Parameter(name, {"type": "string", "pattern": pattern}, description, example, read)


def flag_parameter(name: str, description: str) -> Parameter:
    """`true` or `1`, `false` or `0`."""
    options = {"true": True, "1": True, "false": False, "0": False}

    def read(value: str) -> bool:
        if value not in options:
            raise ValueError(f"must be true, false, 1 or 0, not {quote(value)}")
        return options[value]

    schema = {"type": "string", "enum": list(options), "default": "false"}
    return Parameter(name, schema, description, "false", read)


def read_path_id(text: str, what: str) -> int:
    """The id in an address; `what` it is one of. Raises `NotFound` where it is none."""
    if not PATH_ID.fullmatch(text):
        raise NotFound(f"There is no {what} {quote(text)}.")
    return int(text)


class Query:
    """The query string of a request; of a parameter given twice the last counts.

    `given` has every parameter that is not empty, as it was given; `values` the same, trimmed; `names` those of all.
    """

    __slots__ = ("given", "names", "values")

    def __init__(self, query_string: str) -> None:
        pairs = parse_qsl(query_string, keep_blank_values=True, errors="surrogateescape") if query_string else ()
        every = dict(pairs)
        self.names = every.keys()
        self.given = {name: value for name, value in every.items() if value.strip()}
        self.values = {name: value.strip() for name, value in self.given.items()}

    def without(self, *names: str) -> str:
        """The query string again, without the parameters `names`."""
        return "&".join(
            f"{quote(key, safe='', errors='surrogateescape')}={quote(value, safe='', errors='surrogateescape')}"
            for key, value in self.given.items()
            if key not in names
        )

    def read(
        self, parameters: Sequence[Parameter], *, check: Check = lambda values: {}, strict: bool = False
    ) -> dict[str, Any]:
        """The values of `parameters`, read; those left out or empty are not in it.

        `check` gives the faults of values that contradict each other. With `strict`, a parameter that is not among
        `parameters` is a fault too. Raises `Invalid` with every fault.
        """
        found: dict[str, Any] = {}
        faults: dict[str, list[str]] = {}
        for parameter in parameters if self.values else ():
            value = self.values.get(parameter.name)
            if value is None:
                continue
            try:
                if not value.isascii():
                    _check_characters(value)
                found[parameter.name] = parameter.read(value)
            except ValueError as error:
                faults[parameter.name] = [f"The {parameter.name} {error}."]
        faults |= {name: [sentence] for name, sentence in check(found).items()}
        if strict:
            known = {parameter.name for parameter in parameters}
            for name in self.given.keys() - known:
                clean = name.encode("utf-8", "replace").decode()
                faults[clean] = [f"There is no parameter {quote(clean)}."]
        if faults:
            raise Invalid(faults)
        return found


def _check_characters(value: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("must be text in UTF-8")
