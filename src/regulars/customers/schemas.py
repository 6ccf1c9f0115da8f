"""A customer in responses of the API. Its fields are generated from the declarations in `fields`, in their order."""

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct

from regulars.customers.fields import CUSTOMER_FIELDS, FIELD_TYPES, RelatedUser
from regulars.customers.tags import Tag
from regulars.db.statement import Row
from regulars.db.tables import countries, customers, users

MIDNIGHT = time(tzinfo=UTC)
Tags = Annotated[list[Tag] | UnsetType, Meta(description="Only with `include=tags`.")]


def _output_fields() -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, field in CUSTOMER_FIELDS.items():
        if field.output is not None:
            type_ = field.output.type or FIELD_TYPES[name]
            meta = field.output.meta or Meta(examples=[field.example])
            is_object = type_ == RelatedUser | None
            found.append((field.output.name or name, type_ if is_object else Annotated[type_, meta]))
    return found


if TYPE_CHECKING:

    class Customer(Struct, frozen=True):
        """The attributes that the code reads by name."""

        id: int
        first_name: str
        last_name: str | None
        date_of_birth: str | datetime | None
        country_name: str | None
        identity_number: str | None
        default_channel_id: int | None
        related_user: RelatedUser | None
        tags: list[Tag] | UnsetType

else:
    Customer = defstruct(
        "Customer",
        [*_output_fields(), ("tags", Tags, UNSET)],
        frozen=True,
        module=__name__,
        namespace={"__doc__": "A customer. Unknown values are null."},
    )


class CustomerAnswer(Struct, frozen=True):
    """One customer."""

    success: Annotated[str, Meta(examples=["The customer was found."])]
    data: Customer
    warnings: Annotated[
        dict[str, list[str]] | UnsetType, Meta(description="What may be wrong with the written values, by field.")
    ] = UNSET


CUSTOMER_COLUMNS = (
    *(
        (customers.c[name] if field.output.column is None else field.output.column).label(field.output.name or name)
        for name, field in CUSTOMER_FIELDS.items()
        if field.output is not None
    ),
    users.c.name.label("user_name"),
)
"""The columns of a customer, in the order of the fields of `Customer`, then the name of the related user."""
CUSTOMER_TABLES = customers.outerjoin(countries, countries.c.id == customers.c.country_id).outerjoin(
    users, users.c.id == customers.c.user_id
)

_names = [column.name for column in CUSTOMER_COLUMNS]
DATE_OF_BIRTH = _names.index("date_of_birth")
RELATED_USER = _names.index("related_user")
USER_NAME = _names.index("user_name")


def customer_of(row: Row) -> Customer:
    """Return the customer in a row that starts with `CUSTOMER_COLUMNS`.

    SQLite stores times as text, which already has the form of the API's responses and stays text.
    """
    values: list[Any] = list(row[:USER_NAME])
    born = values[DATE_OF_BIRTH]
    if born is not None:
        values[DATE_OF_BIRTH] = f"{born}T00:00:00Z" if isinstance(born, str) else datetime.combine(born, MIDNIGHT)
    if values[RELATED_USER] is not None:
        values[RELATED_USER] = RelatedUser(values[RELATED_USER], row[USER_NAME])
    return Customer(*values)
