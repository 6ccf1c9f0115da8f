"""The fields of a customer, each declared once, as an attribute of `Record`.

The declaration determines everything else about a field: its column in the database, its rule and description in the
API, its place and form in responses, its columns in a CSV file, its filter in the list, and whether it is personal
data.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any, get_args, get_type_hints

from msgspec import Meta, Struct
from sqlalchemy import ColumnElement

from regulars.customers.validation import (
    GENDERS,
    Gender,
    ReadContext,
    read_date_of_birth,
    read_email,
    read_gender,
    read_id,
    read_line,
    read_lines,
    read_phone,
    read_time,
    read_url,
)
from regulars.customers.write.references import References
from regulars.db.tables import countries, customers, users
from regulars.i18n import _

LINES_PATTERN = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
URL_SCHEMA = {"format": "uri", "pattern": "^https://[^\\s\\u0000-\\u001f\\u007f-\\u009f]+$"}
TIME = Meta(description="UTC, whole seconds.", examples=["2026-11-07T05:31:56Z"])


class RelatedUser(Struct, frozen=True):
    """The user that a customer is assigned to."""

    id: Annotated[int, Meta(examples=[7])]
    name: Annotated[str, Meta(examples=["Zeynep Arslan"])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """The form of a field in API responses, if its name, type or value differs there."""

    name: str | None = None
    type: Any = None
    meta: Meta | None = None
    column: ColumnElement[Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A parameter of the customer list that filters by a field.

    The field's column needs an index that is ordered by `created_at`.
    """

    parameter: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerField:
    """A field of a customer.

    Its value is read from text (by `read`, at most `limit` characters), or is the id of another object (checked by
    `reference`).
    """

    read: Callable[[str, ReadContext], Any] | None = None
    limit: int = 0
    reference: Callable[[References, int], int] | None = None
    choices: Sequence[str] = ()
    description: str = ""
    example: Any = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    """Further keywords of the JSON Schema of the value."""
    in_api: bool = True
    """True if clients of the API may write the field."""
    output: Output | None = field(default_factory=Output)
    """None if the API's responses do not have the field."""
    csv: Mapping[str, ColumnElement[Any]] | None = None
    """The expressions for the columns of a CSV file, by name. By default, one column with the name of the field."""
    filter: Filter | None = None
    personal: bool = True

    def read_text(self, text: str, context: ReadContext) -> Any:
        """Return the value for a trimmed text that is not empty. Raise ValueError if the text is invalid.

        The message completes a sentence that starts with the name of the field. Raise TypeError if the field is a
        reference.
        """
        if self.read is None:
            raise TypeError("this field is not read from text")
        self.check_length(text)
        return self.read(text, context)

    def check_length(self, text: str) -> None:
        """Raise ValueError, with such a message, if the text is longer than the field allows."""
        if self.limit and len(text) > self.limit:
            raise ValueError(_("must have at most {limit} characters, not {count}", limit=self.limit, count=len(text)))


class Record(Struct, kw_only=True, omit_defaults=True):
    """A customer as it is stored, without derived columns. Times are UTC, in whole seconds."""

    id: Annotated[
        int, CustomerField(read=read_id, in_api=False, output=Output(meta=Meta(examples=[123])), personal=False)
    ]
    first_name: Annotated[str, CustomerField(read=read_line, limit=255, example="Ayşe")]
    last_name: Annotated[str | None, CustomerField(read=read_line, limit=255, example="Yılmaz")] = None
    phone_number: Annotated[
        str | None,
        CustomerField(
            read=read_phone,
            limit=20,
            description="In any format. A number without an international prefix is one of the tenant's country."
            " Stored in E.164.",
            example="0532 111 22 33",
            output=Output(meta=Meta(description="E.164.", examples=["+905321112233"])),
        ),
    ] = None
    phone_number_as_typed: Annotated[str | None, CustomerField(read=read_line, limit=20, in_api=False, output=None)] = (
        None
    )
    email: Annotated[
        str | None,
        CustomerField(read=read_email, limit=255, description="An e-mail address.", example="ayse.yilmaz@example.com"),
    ] = None
    date_of_birth: Annotated[
        date | None,
        CustomerField(
            read=read_date_of_birth,
            limit=40,
            description="A date from 1900 to today. Of a date with a time, the time is ignored.",
            example="1990-05-01",
            output=Output(
                type=datetime | None,
                meta=Meta(description="Midnight UTC of the day.", examples=["1990-05-01T00:00:00Z"]),
            ),
        ),
    ] = None
    gender: Annotated[Gender | None, CustomerField(read=read_gender, choices=GENDERS, example="female")] = None
    country_id: Annotated[
        int | None,
        CustomerField(
            reference=References.country,
            description="The id of a country.",
            example=792,
            output=Output(
                name="country_name", type=str | None, meta=Meta(examples=["Türkiye"]), column=countries.c.name
            ),
            csv={"country_name": countries.c.name, "country_code": countries.c.code},
            filter=Filter(parameter="country_id", description="Filter by country."),
        ),
    ] = None
    identity_number: Annotated[
        str | None,
        CustomerField(
            read=read_line,
            limit=64,
            description="If a Turkish identity number has wrong check digits, the answer has a warning.",
            example="10000000146",
        ),
    ] = None
    job: Annotated[str | None, CustomerField(read=read_line, limit=255, example="Teacher")] = None
    address: Annotated[
        str | None,
        CustomerField(
            read=read_lines,
            limit=1000,
            description="May have several lines.",
            example="Bağdat Caddesi 1, İstanbul",
            schema={"pattern": LINES_PATTERN},
        ),
    ] = None
    default_channel_id: Annotated[
        int | None,
        CustomerField(
            reference=References.channel,
            description="The id of a channel of the tenant.",
            example=1,
            filter=Filter(parameter="channel_id", description="Filter by default channel."),
        ),
    ] = None
    avatar_url: Annotated[
        str | None,
        CustomerField(
            read=read_url,
            limit=2048,
            description="Starts with https://.",
            example="https://example.com/a.png",
            schema=URL_SCHEMA,
        ),
    ] = None
    user_id: Annotated[
        int | None,
        CustomerField(
            reference=References.member,
            description="The member of the tenant that the customer is assigned to.",
            example=7,
            output=Output(name="related_user", type=RelatedUser | None, column=users.c.id),
            csv={"related_user": users.c.name, "user_email": users.c.email},
        ),
    ] = None
    created_at: Annotated[
        datetime, CustomerField(read=read_time, in_api=False, output=Output(meta=TIME), personal=False)
    ]
    updated_at: Annotated[
        datetime, CustomerField(read=read_time, in_api=False, output=Output(meta=TIME), personal=False)
    ]
    deleted_at: Annotated[
        datetime | None,
        CustomerField(
            read=read_time,
            in_api=False,
            output=Output(
                meta=Meta(description="When the customer was moved to the trash; null if it is not in the trash.")
            ),
            personal=False,
        ),
    ] = None
    version: int = 1
    merged_into_id: int | None = None


def _declared_fields() -> dict[str, tuple[Any, CustomerField]]:
    hints = get_type_hints(Record, include_extras=True)
    found = {name: get_args(hints[name]) for name in Record.__struct_fields__}
    return {
        name: (parts[0], parts[1])
        for name, parts in found.items()
        if len(parts) == 2 and isinstance(parts[1], CustomerField)
    }


_declared = _declared_fields()
CUSTOMER_FIELDS = {name: declared for name, (_type, declared) in _declared.items()}
FIELD_TYPES = {name: type_ for name, (type_, _field) in _declared.items()}
STORED_FIELDS = Record.__struct_fields__
PERSONAL_FIELDS = tuple(name for name, declared in CUSTOMER_FIELDS.items() if declared.personal)
API_FIELDS = {name: declared for name, declared in CUSTOMER_FIELDS.items() if declared.in_api}
FILTERED_COLUMNS = {declared.filter.parameter: name for name, declared in CUSTOMER_FIELDS.items() if declared.filter}
"""The filtered column, by parameter of the customer list."""
CSV_FIELDS: Mapping[str, ColumnElement[Any]] = {
    column: expression
    for name, declared in CUSTOMER_FIELDS.items()
    for column, expression in (declared.csv or {name: customers.c[name]}).items()
}
"""The expression for each column of a CSV file except tags, by name of the column."""

_names = list(CSV_FIELDS)
_first_time = _names.index("created_at")
CSV_COLUMNS = (*_names[:_first_time], "tags", *_names[_first_time:])
"""The columns of exported files, in order. `tags` comes before the times."""
