"""The settings of an import in the body of a request."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from regulars.customers.imports.dates import DateOrder
from regulars.customers.imports.delimited import DELIMITERS
from regulars.customers.imports.mapping import TARGETS
from regulars.customers.imports.settings import MATCH_BY, ON_MATCH, ImportSettings
from regulars.customers.imports.store import Import
from regulars.customers.imports.table import MAX_COLUMNS
from regulars.customers.imports.text_encoding import ENCODINGS
from regulars.errors import Invalid
from regulars.http.json_body import Field, choice_field, flag_field, integer_field, read_fields, text_field
from regulars.i18n import _
from regulars.validation import quote

DATE_ORDERS = tuple(order.value for order in DateOrder)
CHOICES = ("encoding", "delimiter", "sheet", "heading_row")
"""Settings for opening the file."""
NAME_TARGETS = {"first_name", "last_name", "full_name", "reversed_name"}


def _read_line(text: str) -> str:
    return text


def _read_delimiter(value: Any) -> str:
    if value not in DELIMITERS:
        raise ValueError(_("must be a comma, a semicolon, a tab or |, not {value}", value=quote(value)))
    return str(value)


def _read_mapping(value: Any) -> tuple[str | None, ...]:
    if not isinstance(value, list) or len(value) > MAX_COLUMNS:
        raise ValueError(_("must be a list with a target for each column, not {value}", value=quote(value)))
    unknown = [target for target in value if target is not None and target not in TARGETS]
    if unknown:
        raise ValueError(
            _("must only have {options} or null, not {value}", options=", ".join(TARGETS), value=quote(unknown[0]))
        )
    repeated = [target for target in value if target is not None and value.count(target) > 1]
    if repeated:
        raise ValueError(_("must have each target only once, but {value} is there twice", value=quote(repeated[0])))
    return tuple(value)


IMPORT_BODY: Sequence[Field] = (
    choice_field("encoding", "The encoding of a text file.", "windows-1254", options=ENCODINGS),
    Field(
        "delimiter",
        {"enum": [*DELIMITERS, None]},
        "The character between the cells of a text file.",
        ";",
        _read_delimiter,
    ),
    text_field("sheet", "The sheet of a workbook.", "Sheet1", _read_line, at_most=255),
    integer_field("heading_row", "The number of the row that names the columns.", 1, low=1, high=1_000_000),
    Field(
        "mapping",
        {"type": ["array", "null"], "items": {"enum": [*TARGETS, None]}, "maxItems": MAX_COLUMNS},
        "The target of each column, in order. Null: not imported.",
        ["full_name", "phone_number", None],
        _read_mapping,
    ),
    choice_field("date_order", "The order of day, month and year in dates.", "dmy", options=DATE_ORDERS),
    choice_field("match_by", "The field by which existing customers are found.", "email", options=MATCH_BY),
    choice_field(
        "on_match",
        "What happens with an existing customer: `fill` its empty fields, `overwrite` its fields, `skip` the row, or"
        " `create` another customer.",
        "fill",
        options=ON_MATCH,
    ),
    flag_field("strict", "Import nothing if any row is refused."),
)
START_BODY: Sequence[Field] = (flag_field("confirm", "Import the file although the same file was imported before."),)


def read_settings(content: Any, found: Import) -> ImportSettings:
    """Return the settings of an import with the changes in a body. Null stands for detection.

    Raise `Invalid` with every fault.
    """
    given = read_fields(content, IMPORT_BODY, partial=True)
    if given.get("strict", False) is None:
        given["strict"] = False
    if given.get("date_order"):
        given["date_order"] = DateOrder(given["date_order"])
    if given.get("mapping") is not None:
        _check_columns(given, found)
    return structs.replace(found.settings, **given)


def _check_columns(given: Mapping[str, Any], found: Import) -> None:
    """Raise `Invalid` if the columns to which the mapping in a body belongs are others, or not known yet."""
    if found.detected is None or any(given[name] != getattr(found.settings, name) for name in CHOICES if name in given):
        sentence = _("mapping cannot be changed together with how the file is read. Change it when the state is ready.")
        raise Invalid({"mapping": [sentence]})
    count = len(found.detected.columns)
    if len(given["mapping"]) != count:
        sentence = _(
            "mapping must have {count} items, one for each column, not {given}.",
            count=count,
            given=len(given["mapping"]),
        )
        raise Invalid({"mapping": [sentence]})


def check_settings(found: Import) -> None:
    """Raise `Invalid` with every fault that prevents the start of an import."""
    targets = found.settings.mapping
    if targets is None:
        return
    faults: dict[str, list[str]] = {}
    match_by = found.settings.match_by
    if match_by != "none" and match_by not in targets:
        faults["match_by"] = [_("match_by is {field}, but no column is imported as {field}.", field=match_by)]
    if match_by == "none" and NAME_TARGETS.isdisjoint(targets):
        faults["mapping"] = [_("No column is imported as the name of the customer. Choose one in mapping.")]
    if faults:
        raise Invalid(faults)
