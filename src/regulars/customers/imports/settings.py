"""The settings of an import: how to read its file, and what to do with its rows."""

from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

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
SUGGESTED_NAMES = ("mapping", "date_order", "match_by", "on_match")
"""Detection suggests a value for these settings."""


class DetectedColumn(Struct, frozen=True):
    """A column of a file."""

    heading: Annotated[str, Meta(description="Empty if the column has none.", examples=["Cep"])]
    target: Annotated[
        str | None, Meta(description="The suggested target. Null: none was found.", examples=["phone_number"])
    ]
    recognised_by: Annotated[
        Literal["heading", "values", "earlier import"] | None,
        Meta(description="Why this target is suggested.", examples=["heading"]),
    ]
    samples: Annotated[list[str], Meta(description="Some of its values.", examples=[["0532 111 22 33"]])]


class DetectedFile(Struct, frozen=True):
    """What was found in a file."""

    format: Annotated[str, Meta(description="csv, xlsx, xls, ods, vcard or jsonl.", examples=["csv"])]
    encoding: Annotated[
        str | None, Meta(description="The encoding of a text file; otherwise null.", examples=["windows-1254"])
    ]
    delimiter: Annotated[
        str | None, Meta(description="The character between the cells of a CSV file; otherwise null.", examples=[";"])
    ]
    sheet: Annotated[str | None, Meta(description="The sheet that is imported; null without sheets.", examples=[None])]
    sheets: Annotated[list[str], Meta(description="The names of all sheets.", examples=[[]])]
    heading_row: Annotated[
        int | None, Meta(description="The number of the row that names the columns; null without one.", examples=[1])
    ]
    columns: Annotated[list[DetectedColumn], Meta(description="The columns, in order.")]
    rows: Annotated[int, Meta(description="The number of rows below the heading.", examples=[1000])]
    date_order: Annotated[
        Literal["dmy", "mdy", "ymd"],
        Meta(description="The order of day, month and year in dates of birth.", examples=["dmy"]),
    ]
    dates_are_ambiguous: Annotated[
        bool, Meta(description="Whether they can be read in another order as well.", examples=[False])
    ]
    contradicting_dates: Annotated[
        list[str], Meta(description="Two dates of birth that no order fits, or nothing.", examples=[[]])
    ]
    highest_id: Annotated[
        int, Meta(description="The highest customer id in the file; 0 if it has none.", examples=[0])
    ] = 0
