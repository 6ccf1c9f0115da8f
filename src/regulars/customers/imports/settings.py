"""The settings of an import: how to read its file, and what to do with its rows."""

from typing import Literal, get_args

from msgspec import Struct

from regulars.customers.imports.dates import DateOrder
from regulars.customers.imports.table import Choices

MatchBy = Literal["none", "id", "email", "phone_number", "identity_number"]
OnMatch = Literal["fill", "overwrite", "skip", "create"]
MATCH_BY: tuple[str, ...] = get_args(MatchBy)
ON_MATCH: tuple[str, ...] = get_args(OnMatch)


class ImportSettings(Struct, frozen=True):
    """The settings of an import. Detection fills in those that are None."""

    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    heading_row: int | None = None
    mapping: tuple[str | None, ...] | None = None
    """The target of each column, or None if the column is not imported."""
    date_order: DateOrder | None = None
    match_by: MatchBy | None = None
    on_match: OnMatch | None = None
    strict: bool = False
    """Whether nothing is imported if any row is refused."""

    @property
    def choices(self) -> Choices:
        """The settings for opening the file."""
        return Choices(self.encoding, self.delimiter, self.sheet, self.heading_row)


CHOICE_NAMES = ("encoding", "delimiter", "sheet", "heading_row")
"""If one of these settings changes, the columns of the file may be others."""


class DetectedColumn(Struct, frozen=True):
    """A column of a file: its heading, its suggested target with the reason, and some of its values."""

    heading: str
    target: str | None
    recognised_by: Literal["heading", "values", "earlier import"] | None
    samples: list[str]


class DetectedFile(Struct, frozen=True):
    """What was found in a file."""

    format: str
    encoding: str | None
    delimiter: str | None
    sheet: str | None
    sheets: list[str]
    heading_row: int | None
    columns: list[DetectedColumn]
    rows: int
    """The number of rows below the heading."""
    date_order: Literal["dmy", "mdy", "ymd"]
    dates_are_ambiguous: bool
    """Whether the dates of birth can be read in another order as well."""
    contradicting_dates: list[str]
    """Two dates of birth that no order fits, or nothing."""
    highest_id: int = 0
    """The highest id of a customer in the file, up to `MAX_ADVANCING_ID`; 0 if it has none."""
