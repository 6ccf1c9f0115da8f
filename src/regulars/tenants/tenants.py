"""Tenants: create, change and list them."""

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
from regulars.i18n import _, preferred_language
from regulars.permissions import COMMAND_LINE, Actor, RoleName
from regulars.security import audit
from regulars.security.auth_version import bump_auth_version
from regulars.tenants.locks import lock_customers, lock_tenant
from regulars.tenants.unique_fields import find_pair
from regulars.tenants.validation import read_settings, readers
from regulars.validation import quote

COUNTRY_CODE = re.compile(r"[A-Z]{2}")
DEFAULT_CHANNELS = (
    ("whatsapp", "WhatsApp"),
    ("instagram", "Instagram"),
    ("website", "Website"),
    ("telegram", "Telegram"),
)


class Tenant(Struct, frozen=True, rename={"time_zone": "timezone", "country_code": "country"}):
    """A tenant."""

    id: Annotated[int, Meta(examples=[1])]
    name: Annotated[str, Meta(examples=["Güneş Diş Kliniği"])]
    time_zone: Annotated[str, Meta(description="IANA name. Determines today's date.", examples=["Europe/Istanbul"])]
    locale: Annotated[str, Meta(examples=["tr-TR"])]
    country_code: Annotated[
        str,
        Meta(
            description="ISO 3166-1 alpha-2. Phone numbers without an international prefix are of this country.",
            examples=["TR"],
        ),
    ]
    logo_url: Annotated[str | None, Meta(examples=["https://example.com/logo.png"])]
    unique_fields: Annotated[
        list[str],
        Meta(description="The fields in which no two customers may have the same value.", examples=[["phone_number"]]),
    ]
    created_at: Annotated[datetime, Meta(examples=["2026-11-07T05:31:56Z"])]

    @property
    def language(self) -> str:
        """The language ("en" or "tr") of messages to people who are invited to the tenant."""
        return preferred_language(self.locale)


class OwnTenant(Struct, frozen=True):
    """A tenant as one of its members sees it."""

    id: Annotated[int, Meta(description="The value of the X-Tenant header.", examples=[1])]
    name: Annotated[str, Meta(examples=["Güneş Diş Kliniği"])]
    logo_url: Annotated[str | None, Meta(examples=["https://example.com/logo.png"])]
    role: Annotated[RoleName, Meta(description="The role of the member in the tenant.", examples=["owner"])]


TENANT_COLUMNS = (
    tenants.c.id,
    tenants.c.name,
    tenants.c.time_zone,
    tenants.c.locale,
    countries.c.code,
    tenants.c.logo_url,
    tenants.c.unique_fields,
    tenants.c.created_at,
)
SETTING_COLUMNS = ("name", "time_zone", "locale", "country_id", "logo_url", "unique_fields")
LIST_TENANTS = Statement(select(*TENANT_COLUMNS).join_from(tenants, countries).order_by(tenants.c.id))
GET_TENANT = Statement(
    select(*TENANT_COLUMNS).join_from(tenants, countries).where(tenants.c.id == bindparam("tenant_id"))
)
LIST_TENANTS_OF_USER = Statement(
    select(tenants.c.id, tenants.c.name, tenants.c.logo_url, memberships.c.role)
    .join_from(memberships, tenants, memberships.c.tenant_id == tenants.c.id)
    .where(memberships.c.user_id == bindparam("user_id"), memberships.c.deleted_at.is_(None))
    .order_by(tenants.c.id)
)
FIND_COUNTRY = Statement(select(countries.c.id).where(countries.c.code == bindparam("code")))
INSERT_TENANT = Statement(
    insert(tenants).values({name: bindparam(name) for name in ("id", "created_at", *SETTING_COLUMNS)})
)
UPDATE_TENANT = Statement(
    update(tenants)
    .where(tenants.c.id == bindparam("of_tenant"))
    .values({name: bindparam(f"new_{name}") for name in SETTING_COLUMNS})
)
INSERT_CHANNEL = Statement(
    insert(channels).values({name: bindparam(name) for name in ("tenant_id", "id", "kind", "name")})
)


def country_reader(database: Database) -> Callable[[str], str]:
    """Return a reader of country codes (see `tenants.validation`). It raises ValueError for an unknown code."""

    def read(text: str) -> str:
        code = text.strip().upper()
        if not COUNTRY_CODE.fullmatch(code) or database.fetch_one(FIND_COUNTRY, {"code": code}) is None:
            raise ValueError(_("must be an ISO 3166 code of two letters, such as TR, not {value}", value=quote(code)))
        return code

    return read


def create_tenant(
    database: Database, *, name: str, time_zone: str = "UTC", locale: str = "en", country_code: str = "US"
) -> Tenant:
    """Create a tenant with `DEFAULT_CHANNELS`, and return it. Raise `Invalid` with every fault."""
    given = {"name": name, "timezone": time_zone, "locale": locale, "country": country_code}
    settings = read_settings(given, readers(country_reader(database)))
    with database.transaction():
        (tenant_id,) = database.new_ids("tenant_ids", 1)
        now = utc_now()
        tenant = Tenant(tenant_id, settings["name"], time_zone, locale, settings["country"], None, [], now)
        database.execute(INSERT_TENANT, {"id": tenant_id, "created_at": now, **_stored(database, tenant)})
        database.execute_many(
            INSERT_CHANNEL,
            [
                {"tenant_id": tenant_id, "id": number, "kind": kind, "name": label}
                for number, (kind, label) in enumerate(DEFAULT_CHANNELS, 1)
            ],
        )
    return tenant


def update_tenant(
    database: Database, tenant_id: int, settings: Mapping[str, Any], actor: Actor = COMMAND_LINE
) -> Tenant:
    """Change settings that the readers of `tenants.validation` have returned. Return the changed tenant.

    Raise `NotFound` if the tenant does not exist, and `Conflict` if customers have equal values in a field that is to
    become unique.
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
        database.execute(UPDATE_TENANT, {"of_tenant": tenant_id, **new})
        if after.time_zone != before.time_zone:
            # Servers cache the time zone with the memberships of a token.
            bump_auth_version(database)
        if after != before:
            _record(database, before, after, actor)
    return after


def _record(database: Database, before: Tenant, after: Tenant, actor: Actor) -> None:
    fields = [field for field in structs.fields(Tenant) if getattr(before, field.name) != getattr(after, field.name)]
    audit.record(
        database,
        "tenant.changed",
        user_id=actor.user_id,
        client_id=actor.client_id,
        about=" ".join(field.encode_name for field in fields),
        address=actor.address,
        tenant_id=after.id,
    )


def _check_unique(database: Database, tenant_id: int, fields: Sequence[str]) -> None:
    # Until the transaction ends, no other transaction can add a customer that violates the new rule.
    lock_customers(database, tenant_id)
    found = {field: find_pair(database, tenant_id, field) for field in fields}
    sentences = [
        _(
            "The {field} cannot be unique: customers {first} and {second} have the same.",
            field=field,
            first=pair[0],
            second=pair[1],
        )
        for field, pair in found.items()
        if pair
    ]
    if sentences:
        raise Conflict(" ".join(sentences), {"unique_fields": sentences})


def _stored(database: Database, tenant: Tenant) -> dict[str, Any]:
    """Return the values of `SETTING_COLUMNS` for a tenant, by column name."""
    country = database.fetch_one(FIND_COUNTRY, {"code": tenant.country_code})
    return {
        "name": tenant.name,
        "time_zone": tenant.time_zone,
        "locale": tenant.locale,
        "country_id": country[0] if country else None,
        "logo_url": tenant.logo_url,
        "unique_fields": ",".join(tenant.unique_fields),
    }


def list_tenants(database: Database) -> list[Tenant]:
    """Return all tenants, by id."""
    return [_tenant(row) for row in database.fetch_all(LIST_TENANTS)]


def list_tenants_of(database: Database, user_id: int) -> list[OwnTenant]:
    """Return the tenants that a user is a member of, by id."""
    return [OwnTenant(*row) for row in database.fetch_all(LIST_TENANTS_OF_USER, {"user_id": user_id})]


def get_tenant(database: Database, tenant_id: int) -> Tenant:
    """Return the tenant with this id. Raise `NotFound` if there is none."""
    row = database.fetch_one(GET_TENANT, {"tenant_id": tenant_id}) if 0 < tenant_id < 2**63 else None
    if row is None:
        raise NotFound(_("There is no tenant {id}.", id=tenant_id))
    return _tenant(row)


def _tenant(row: Row) -> Tenant:
    tenant_id, name, time_zone, locale, country_code, logo_url, unique_fields, created_at = row
    unique = [field for field in unique_fields.split(",") if field]
    return Tenant(tenant_id, name, time_zone, locale, country_code, logo_url, unique, created_at)
