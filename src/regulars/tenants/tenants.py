"""Tenants and what each begins with."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, structs
from sqlalchemy import bindparam, insert, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Row, Statement
from regulars.db.tables import channels, countries, memberships, tenants
from regulars.errors import Conflict, NotFound
from regulars.permissions import RoleName
from regulars.security.auth_version import bump_auth_version
from regulars.tenants.locks import lock_customers, lock_tenant
from regulars.tenants.unique_fields import find_pair
from regulars.tenants.validation import read_settings, readers

COUNTRY_CODE = re.compile(r"[A-Z]{2}")
CHANNELS = (("whatsapp", "WhatsApp"), ("instagram", "Instagram"), ("website", "Website"), ("telegram", "Telegram"))


class Tenant(Struct, frozen=True, rename={"time_zone": "timezone", "country_code": "country"}):
    """A tenant."""

    id: Annotated[int, Meta(examples=[1])]
    name: Annotated[str, Meta(examples=["Güneş Diş Kliniği"])]
    time_zone: Annotated[str, Meta(description="IANA; decides what “today” is.", examples=["Europe/Istanbul"])]
    locale: Annotated[str, Meta(examples=["tr-TR"])]
    country_code: Annotated[
        str,
        Meta(
            description="ISO 3166-1 alpha-2; phone numbers without a prefix are read as this country's.",
            examples=["TR"],
        ),
    ]
    logo_url: Annotated[str | None, Meta(examples=["https://example.com/logo.png"])]
    unique_fields: Annotated[
        list[str],
        Meta(description="In which fields no two customers may be the same.", examples=[["phone_number"]]),
    ]
    created_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]


class OwnTenant(Struct, frozen=True):
    """A tenant as one of its members sees it."""

    id: Annotated[int, Meta(description="What the X-Tenant header takes.", examples=[1])]
    name: Annotated[str, Meta(examples=["Güneş Diş Kliniği"])]
    logo_url: Annotated[str | None, Meta(examples=["https://example.com/logo.png"])]
    role: Annotated[RoleName, Meta(description="What the member is there.", examples=["owner"])]


FIELDS = (
    tenants.c.id,
    tenants.c.name,
    tenants.c.time_zone,
    tenants.c.locale,
    countries.c.code,
    tenants.c.logo_url,
    tenants.c.unique_fields,
    tenants.c.created_at,
)
SETTINGS = ("name", "time_zone", "locale", "country_id", "logo_url", "unique_fields")
ALL = Statement(select(*FIELDS).join_from(tenants, countries).order_by(tenants.c.id))
ONE = Statement(select(*FIELDS).join_from(tenants, countries).where(tenants.c.id == bindparam("tenant_id")))
OF_USER = Statement(
    select(tenants.c.id, tenants.c.name, tenants.c.logo_url, memberships.c.role)
    .join_from(memberships, tenants, memberships.c.tenant_id == tenants.c.id)
    .where(memberships.c.user_id == bindparam("user_id"), memberships.c.deleted_at.is_(None))
    .order_by(tenants.c.id)
)
COUNTRY = Statement(select(countries.c.id).where(countries.c.code == bindparam("code")))
INSERT = Statement(insert(tenants).values({name: bindparam(name) for name in ("id", "created_at", *SETTINGS)}))
UPDATE = Statement(
    update(tenants)
    .where(tenants.c.id == bindparam("of_tenant"))
    .values({name: bindparam(f"new_{name}") for name in SETTINGS})
)
INSERT_CHANNEL = Statement(
    insert(channels).values({name: bindparam(name) for name in ("tenant_id", "id", "kind", "name")})
)


def country_reader(database: Database) -> Callable[[str], str]:
    """Reads the code of a country that there is. It raises ValueError with the rest of a sentence."""

    def read(text: str) -> str:
        code = text.strip().upper()
        if not COUNTRY_CODE.fullmatch(code) or database.fetch_one(COUNTRY, {"code": code}) is None:
            raise ValueError(f"must be an ISO 3166 code of two letters, like TR, not {code[:20]!r}")
        return code

    return read


def create_tenant(
    database: Database, *, name: str, time_zone: str = "UTC", locale: str = "en", country_code: str = "US"
) -> Tenant:
    """A new tenant with its four channels. Raises `Invalid` that names every fault."""
    given = {"name": name, "timezone": time_zone, "locale": locale, "country": country_code}
    settings = read_settings(given, readers(country_reader(database)))
    with database.transaction():
        (tenant_id,) = database.new_ids("tenant_ids", 1)
        now = utc_now()
        tenant = Tenant(tenant_id, settings["name"], time_zone, locale, settings["country"], None, [], now)
        database.execute(INSERT, {"id": tenant_id, "created_at": now, **_stored(database, tenant)})
        database.execute_many(
            INSERT_CHANNEL,
            [
                {"tenant_id": tenant_id, "id": number, "kind": kind, "name": label}
                for number, (kind, label) in enumerate(CHANNELS, 1)
            ],
        )
    return tenant


def update_tenant(database: Database, tenant_id: int, settings: Mapping[str, Any]) -> Tenant:
    """Change the settings that are named, which are as `tenants.fields` reads them.

    Raises `NotFound`, and `Conflict` where a field is to be unique in which two customers are the same.
    """
    renamed = {"timezone": "time_zone", "country": "country_code"}
    changes = {renamed.get(name, name): value for name, value in settings.items()}
    with database.transaction():
        lock_tenant(database, tenant_id)
        before = get_tenant(database, tenant_id)
        after = structs.replace(before, **changes)
        if added := [field for field in after.unique_fields if field not in before.unique_fields]:
            _check_unique(database, tenant_id, added)
        new = {f"new_{name}": value for name, value in _stored(database, after).items()}
        database.execute(UPDATE, {"of_tenant": tenant_id, **new})
        if after.time_zone != before.time_zone:
            # Servers remember it with a token's memberships.
            bump_auth_version(database)
    return after


def _check_unique(database: Database, tenant_id: int, fields: Sequence[str]) -> None:
    # Until the transaction ends, nobody adds a customer who is the same without knowing the new rule.
    lock_customers(database, tenant_id)
    found = {field: find_pair(database, tenant_id, field) for field in fields}
    sentences = [
        f"The {field} cannot be unique: customers {pair[0]} and {pair[1]} have the same."
        for field, pair in found.items()
        if pair
    ]
    if sentences:
        raise Conflict(" ".join(sentences), {"unique_fields": sentences})


def _stored(database: Database, tenant: Tenant) -> dict[str, Any]:
    """The columns of a tenant's settings."""
    country = database.fetch_one(COUNTRY, {"code": tenant.country_code})
    return {
        "name": tenant.name,
        "time_zone": tenant.time_zone,
        "locale": tenant.locale,
        "country_id": country[0] if country else None,
        "logo_url": tenant.logo_url,
        "unique_fields": ",".join(tenant.unique_fields),
    }


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
        raise NotFound(f"There is no tenant {tenant_id}.")
    return _tenant(row)


def _tenant(row: Row) -> Tenant:
    tenant_id, name, time_zone, locale, country_code, logo_url, unique_fields, created_at = row
    unique = [field for field in unique_fields.split(",") if field]
    return Tenant(tenant_id, name, time_zone, locale, country_code, logo_url, unique, created_at)
