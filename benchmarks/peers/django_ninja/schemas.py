"""Response schemas."""

from datetime import UTC, datetime, time
from typing import Literal

from ninja import Schema

from .models import Customer


class RelatedUserOut(Schema):
    """The user that a customer is assigned to."""

    id: int
    name: str


class CustomerOut(Schema):
    """A customer."""

    id: int
    first_name: str
    last_name: str | None
    phone_number: str | None
    email: str | None
    date_of_birth: datetime | None
    gender: Literal["male", "female", "other"] | None
    country_name: str | None
    identity_number: str | None
    job: str | None
    address: str | None
    default_channel_id: int | None
    avatar_url: str | None
    related_user: RelatedUserOut | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None

    @staticmethod
    def resolve_country_name(customer: Customer) -> str | None:
        """Return the name of the customer's country."""
        return customer.country.name if customer.country else None

    @staticmethod
    def resolve_date_of_birth(customer: Customer) -> datetime | None:
        """Return the date as a time: midnight UTC."""
        day = customer.date_of_birth
        return None if day is None else datetime.combine(day, time(tzinfo=UTC))
