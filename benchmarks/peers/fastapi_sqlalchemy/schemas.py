"""Schemas of the request and the response."""

from datetime import UTC, date, datetime, time
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Gender = Literal["male", "female", "other"]
SortBy = Literal["first_name", "last_name", "date_of_birth", "gender", "created_at", "updated_at"]


def midnight(value: date | None) -> datetime | None:
    """Return the date as a time: midnight UTC."""
    return None if value is None else datetime.combine(value, time(tzinfo=UTC))


class RelatedUser(BaseModel):
    """The user that a customer is assigned to."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str


class CustomerOut(BaseModel):
    """A customer."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    first_name: str
    last_name: str | None
    phone_number: str | None
    email: str | None
    date_of_birth: Annotated[datetime | None, BeforeValidator(midnight)]
    gender: Gender | None
    country_name: str | None
    identity_number: str | None
    job: str | None
    address: str | None
    default_channel_id: int | None
    avatar_url: str | None
    related_user: RelatedUser | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class Links(BaseModel):
    """URLs of the first, last, previous and next page."""

    first: str
    last: str
    prev: str | None
    next: str | None


class PageLink(BaseModel):
    """A link of the page navigation."""

    url: str | None
    label: str
    active: bool


class Meta(BaseModel):
    """Metadata of the page."""

    current_page: int
    from_: int | None = Field(serialization_alias="from")
    last_page: int
    links: list[PageLink]
    path: str
    per_page: int
    to: int | None
    total: int


class CustomerPage(BaseModel):
    """A page of customers."""

    data: list[CustomerOut]
    links: Links
    meta: Meta


class CustomerQuery(BaseModel):
    """Query parameters of the list."""

    search: str = Field("", max_length=255)
    per_page: int = Field(15, ge=1, le=100)
    page: int = Field(1, ge=1)
    sort_by: SortBy = "created_at"
    sort_order: Literal["asc", "desc"] | None = None
    gender: Gender | None = None
    min_age: int | None = Field(None, ge=0, le=150)
    max_age: int | None = Field(None, ge=0, le=150)
    user_id: int | None = Field(None, ge=1)
