"""The request for an export: its format, columns and customers."""

from dataclasses import dataclass
from typing import Literal, get_args

from regulars.customers.fields import CSV_COLUMNS
from regulars.customers.read.list import CustomerQuery
from regulars.i18n import _
from regulars.validation import quote

ExportFormat = Literal["csv", "xlsx", "jsonl", "vcard"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """An export.

    `columns` are some of `CSV_COLUMNS`, in their order; if empty, all of them. vCard, which has its own fields, ignores
    them.

    `query` has the filters and the order of the customer list. If it is None, all customers are exported, including
    those in the trash, in the order of their ids. A vCard does not tell that a customer is in the trash, so without
    `query` vCard exports only the customers that are not.
    """

    format: ExportFormat = "csv"
    columns: tuple[str, ...] = ()
    query: CustomerQuery | None = None


def read_columns(text: str) -> tuple[str, ...]:
    """Return the columns in a text with commas between their names, in the order of `CSV_COLUMNS`.

    Raise ValueError with a rule to append to the field's name if one of them is unknown.
    """
    names = [name.strip() for name in text.split(",")]
    unknown = [quote(name) for name in names if name not in CSV_COLUMNS]
    if unknown:
        raise ValueError(
            _(
                "must be some of {columns}, separated by commas, not {values}",
                columns=", ".join(CSV_COLUMNS),
                values=", ".join(unknown[:5]),
            )
        )
    return tuple(name for name in CSV_COLUMNS if name in names)
