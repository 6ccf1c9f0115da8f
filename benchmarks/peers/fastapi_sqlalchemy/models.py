"""Models of the tables of Regulars."""

from datetime import date, datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """Base of all models."""

    type_annotation_map = {int: BigInteger, str: Text, datetime: DateTime(timezone=True)}  # noqa: RUF012


class Country(Base):
    """A country."""

    __tablename__ = "countries"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Tenant(Base):
    """A tenant."""

    __tablename__ = "tenants"

    id: Mapped[int] = mapped_column(primary_key=True)
    time_zone: Mapped[str]


class User(Base):
    """A user who works for tenants."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Membership(Base):
    """A user's membership of a tenant."""

    __tablename__ = "memberships"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    role: Mapped[str]
    tenant: Mapped[Tenant] = relationship()


class Customer(Base):
    """A customer of a tenant."""

    __tablename__ = "customers"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True)
    first_name: Mapped[str]
    last_name: Mapped[str | None]
    phone_number: Mapped[str | None]
    email: Mapped[str | None]
    date_of_birth: Mapped[date | None]
    gender: Mapped[str | None]
    country_id: Mapped[int | None] = mapped_column(ForeignKey("countries.id"))
    identity_number: Mapped[str | None]
    job: Mapped[str | None]
    address: Mapped[str | None]
    default_channel_id: Mapped[int | None]
    avatar_url: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    first_name_key: Mapped[str] = mapped_column(deferred=True)
    last_name_key: Mapped[str | None] = mapped_column(deferred=True)
    search_text: Mapped[str] = mapped_column(deferred=True)
    country: Mapped[Country | None] = relationship()
    related_user: Mapped[User | None] = relationship()

    @property
    def country_name(self) -> str | None:
        """Return the name of the customer's country."""
        return self.country.name if self.country else None


class CustomerCount(Base):
    """The number of a tenant's customers outside the trash."""

    __tablename__ = "kept_totals"

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    total: Mapped[int]
