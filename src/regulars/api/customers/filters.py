"""The filters and the order of the customer list, as an object in a JSON body."""

from collections.abc import Sequence
from typing import Any

from regulars.api.customers.parameters import ID_LISTS, MAX_LISTED_IDS, PARAMETERS, check_filters, query_of
from regulars.customers.read.filter_sql import WITHOUT_OPTIONS
from regulars.customers.read.list import CustomerQuery
from regulars.errors import Invalid
from regulars.http.json_body import Field, body_schema, flag_field, read_fields, read_id, read_integer
from regulars.http.query_params import Parameter, check_characters
from regulars.i18n import _
from regulars.validation import quote

NOT_FILTERS = {"page", "per_page", "cursor", "limit", "include"}
MAX_IDS = 10_000
ID = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}


def _read_ids(value: Any, limit: int = MAX_IDS) -> tuple[int, ...]:
    # An empty list must not mean all customers.
    if not isinstance(value, list) or not 1 <= len(value) <= limit:
        raise ValueError(_("must be a list of 1 to {limit} ids, not {value}", limit=limit, value=quote(value)))
    return tuple(sorted(set(map(read_id, value))))


def _ids_field(parameter: Parameter) -> Field:
    """Return the field for an id, or for a list of ids of which any one matches."""

    def read(value: Any) -> tuple[int, ...]:
        return _read_ids(value if isinstance(value, list) else [value], MAX_LISTED_IDS)

    lists = {"type": ["integer", "array", "null"], "items": ID, "minItems": 1, "maxItems": MAX_LISTED_IDS}
    return Field(parameter.name, ID | lists, parameter.description, [int(parameter.example)], read)


def _choices_field(parameter: Parameter, options: Sequence[str]) -> Field:
    """Return the field for a list of some of `options`."""

    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or any(each not in options for each in value):
            names = ", ".join(options)
            raise ValueError(_("must be a list of some of {options}, not {value}", options=names, value=quote(value)))
        return tuple(value)

    schema = {"type": ["array", "null"], "items": {"enum": list(options)}, "minItems": 1}
    return Field(parameter.name, schema, parameter.description, parameter.example.split(","), read)


def _integer_field(parameter: Parameter) -> Field:
    low = parameter.schema["minimum"]
    schema = {"type": ["integer", "null"], "minimum": low}
    return Field(
        parameter.name,
        schema,
        parameter.description,
        parameter.example,
        lambda value: read_integer(value, low=low),
    )


def _text_field(parameter: Parameter) -> Field:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(_("must be a string, not {value}", value=quote(value)))
        check_characters(value)
        return parameter.read(value)

    schema = {"anyOf": [parameter.schema, {"type": "null"}]}
    return Field(parameter.name, schema, parameter.description, parameter.example, read)


def _field(parameter: Parameter) -> Field:
    """Return the field with the values of a parameter."""
    if parameter.name in ID_LISTS:
        return _ids_field(parameter)
    if parameter.name == "without":
        return _choices_field(parameter, tuple(WITHOUT_OPTIONS))
    return (_integer_field if parameter.schema["type"] == "integer" else _text_field)(parameter)


OWN_FIELDS = (
    flag_field("trashed", "True: customers in the trash; otherwise those that are not in the trash."),
    Field(
        "ids",
        {
            "type": ["array", "null"],
            "items": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
            "minItems": 1,
            "maxItems": MAX_IDS,
        },
        "Filter by id.",
        [1, 2],
        _read_ids,
    ),
)
OTHER_NAMES = NOT_FILTERS | {field.name for field in OWN_FIELDS}
ORDER_NAMES = ("sort_by", "sort_order")
FIELDS = (*(_field(each) for each in PARAMETERS if each.name not in OTHER_NAMES), *OWN_FIELDS)
FILTERS_SCHEMA = body_schema(FIELDS) | {"type": ["object", "null"]}


def read_filters(value: Any) -> CustomerQuery:
    """Return the query of an object with filters and an order. Raise the errors of `read_values`."""
    return query_of(read_values(value, FIELDS), in_pages=True)


def read_values(value: Any, fields: Sequence[Field]) -> dict[str, Any]:
    """Return the values of the fields of an object, by name, without those that are null or empty.

    Raise ValueError if `value` is not an object, and `Invalid` with every fault.
    """
    if not isinstance(value, dict):
        raise ValueError(_("must be an object, not {value}", value=quote(value)))
    read = read_fields(value, fields)
    given = {name: each for name, each in read.items() if each not in (None, "")}
    if faults := check_filters(given):
        raise Invalid({name: [message] for name, message in faults.items()})
    return given
