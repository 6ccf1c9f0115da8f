"""What the customer endpoints give: the reference page's objects, with its fields in its order."""

from datetime import UTC, datetime, time
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from regulars.customers.tags import Tag
from regulars.db.statement import Row

Gender = Literal["male", "female", "other"]
MIDNIGHT = time(tzinfo=UTC)


class RelatedUser(Struct, frozen=True):
    """The user that a customer is assigned to."""

    id: Annotated[int, Meta(examples=[7])]
    name: Annotated[str, Meta(examples=["Zeynep Arslan"])]


class Customer(Struct, frozen=True):
    """A customer. What is not known is null."""

    id: Annotated[int, Meta(examples=[123])]
    first_name: Annotated[str, Meta(examples=["Ayşe"])]
    last_name: Annotated[str | None, Meta(examples=["Yılmaz"])]
    phone_number: Annotated[str | None, Meta(description="E.164.", examples=["+905321112233"])]
    email: Annotated[str | None, Meta(examples=["ayse.yilmaz@example.com"])]
    date_of_birth: Annotated[
        datetime | None, Meta(description="Midnight UTC of the day.", examples=["1990-05-01T00:00:00Z"])
    ]
    gender: Annotated[Gender | None, Meta(examples=["female"])]
    country_name: Annotated[str | None, Meta(examples=["Türkiye"])]
    identity_number: Annotated[str | None, Meta(examples=["10000000146"])]
    job: Annotated[str | None, Meta(examples=["Teacher"])]
    address: Annotated[str | None, Meta(examples=["Bağdat Caddesi 1, İstanbul"])]
    default_channel_id: Annotated[int | None, Meta(examples=[1])]
    avatar_url: Annotated[str | None, Meta(examples=["https://example.com/a.png"])]
    related_user: RelatedUser | None
    created_at: Annotated[datetime, Meta(description="UTC, whole seconds.", examples=["2026-11-07T05:31:56Z"])]
    updated_at: Annotated[datetime, Meta(description="UTC, whole seconds.", examples=["2026-11-07T05:31:56Z"])]
    deleted_at: Annotated[datetime | None, Meta(description="When it was put into the trash; null if it is not there.")]
    tags: Annotated[list[Tag] | UnsetType, Meta(description="Only with `include=tags`.")] = UNSET


class CustomerAnswer(Struct, frozen=True):
    """One customer."""

    success: Annotated[str, Meta(examples=["The customer was found."])]
    data: Customer
    warnings: Annotated[
        dict[str, list[str]] | UnsetType, Meta(description="What may be wrong with what was written, by field.")
    ] = UNSET


def customer_of(row: Row) -> Customer:
    """The customer in a row of `statements.FIELDS`.

    Times that the database keeps as text (SQLite) have the very form that they are shown in, and are passed on.
    """
    born: Any = row[5]
    if born is not None:
        born = f"{born}T00:00:00Z" if isinstance(born, str) else datetime.combine(born, MIDNIGHT)
    return Customer(
        row[0],
        row[1],
        row[2],
        row[3],
        row[4],
        born,
        row[6],
        row[7],
        row[8],
        row[9],
        row[10],
        row[11],
        row[12],
        None if row[13] is None else RelatedUser(row[13], row[14]),
        row[15],
        row[16],
        row[17],
    )
