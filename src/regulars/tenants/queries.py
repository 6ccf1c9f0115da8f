"""Tenants and what each begins with."""

import re
from datetime import UTC, datetime
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from msgspec import Meta, Struct
from sqlalchemy import bindparam, insert, select

from regulars.db.engine import Database
from regulars.db.statements import Row, Statement
from regulars.db.tables import channels, countries, memberships, tenants
from regulars.errors import Invalid, NotFound
from regulars.principal import RoleName

LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")
CHANNELS = (("whatsapp", "WhatsApp"), ("instagram", "Instagram"), ("website", "Website"), ("telegram", "Telegram"))


class Tenant(Struct, frozen=True):
    """A tenant; `time_zone` decides what "today" is, `country_code` how phone numbers without a prefix are read."""

    id: int
    name: str
    time_zone: str
    locale: str
    country_code: str
    created_at: datetime


class OwnTenant(Struct, frozen=True):
    """A tenant as one of its members sees it."""

    id: Annotated[int, Meta(description="What the X-Tenant header takes.", examples=[1])]
    name: Annotated[str, Meta(examples=["Güneş Diş Kliniği"])]
    logo_url: Annotated[str | None, Meta(examples=["https://example.com/logo.png"])]
    role: Annotated[RoleName, Meta(description="What the member is there.", examples=["owner"])]


FIELDS = (tenants.c.id, tenants.c.name, tenants.c.time_zone, tenants.c.locale, countries.c.code, tenants.c.created_at)
ALL = Statement(select(*FIELDS).join_from(tenants, countries).order_by(tenants.c.id))
ONE = Statement(select(*FIELDS).join_from(tenants, countries).where(tenants.c.id == bindparam("tenant_id")))
OF_USER = Statement(
    select(tenants.c.id, tenants.c.name, tenants.c.logo_url, memberships.c.role)
    .join_from(memberships, tenants, memberships.c.tenant_id == tenants.c.id)
    .where(memberships.c.user_id == bindparam("user_id"), memberships.c.deleted_at.is_(None))
    .order_by(tenants.c.id)
)
COUNTRY = Statement(select(countries.c.id).where(countries.c.code == bindparam("code")))
INSERT = Statement(
    insert(tenants).values(
        {name: bindparam(name) for name in ("id", "name", "time_zone", "locale", "country_id", "created_at")}
    )
)
INSERT_CHANNEL = Statement(
    insert(channels).values({name: bindparam(name) for name in ("tenant_id", "id", "kind", "name")})
)


@cache
def _time_zones() -> set[str]:
    return available_timezones()


def create_tenant(
    database: Database, *, name: str, time_zone: str = "UTC", locale: str = "en", country_code: str = "US"
) -> Tenant:
    """A new tenant with its four channels. Raises `Invalid` that names every fault."""
    name = name.strip()
    country_code = country_code.strip().upper()
    country = database.fetch_one(COUNTRY, {"code": country_code})
    faults = {}
    if not 1 <= len(name) <= 255 or not name.isprintable():
        faults["name"] = ["The name must have 1 to 255 characters that can be printed."]
    if time_zone not in _time_zones():
        faults["timezone"] = [
            f"The timezone must be one of the IANA database, like Europe/Istanbul, not {time_zone!r}."
        ]
    if not LOCALE.fullmatch(locale):
        faults["locale"] = [f"The locale must look like tr or tr-TR, not {locale!r}."]
    if country is None:
        faults["country"] = [f"The country must be an ISO 3166 code of two letters, like TR, not {country_code!r}."]
    if faults or country is None:
        raise Invalid(faults)
    with database.transaction():
        (tenant_id,) = database.new_ids("tenant_ids", 1)
        tenant = Tenant(tenant_id, name, time_zone, locale, country_code, datetime.now(UTC).replace(microsecond=0))
        database.execute(
            INSERT,
            {
                "id": tenant_id,
                "name": name,
                "time_zone": time_zone,
                "locale": locale,
                "country_id": country[0],
                "created_at": tenant.created_at,
            },
        )
        database.execute_many(
            INSERT_CHANNEL,
            [
                {"tenant_id": tenant_id, "id": number, "kind": kind, "name": label}
                for number, (kind, label) in enumerate(CHANNELS, 1)
            ],
        )
    return tenant


def list_tenants(database: Database) -> list[Tenant]:
    """All tenants, in the order of their ids."""
    return [_tenant(row) for row in database.fetch_all(ALL)]


def list_tenants_of(database: Database, user_id: int) -> list[OwnTenant]:
    """The tenants that the user is a member of, in the order of their ids."""
    return [OwnTenant(*row) for row in database.fetch_all(OF_USER, {"user_id": user_id})]


def get_tenant(database: Database, tenant_id: int) -> Tenant:
    """The tenant. Raises `NotFound`."""
    row = database.fetch_one(ONE, {"tenant_id": tenant_id}) if 0 < tenant_id < 2**63 else None
    if row is None:
        raise NotFound(f"There is no tenant {tenant_id}; 'regulars tenant list' shows them.")
    return _tenant(row)


def _tenant(row: Row) -> Tenant:
    return Tenant(*row)
