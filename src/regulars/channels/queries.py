"""A tenant's channels."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from sqlalchemy import bindparam, select

from regulars.db.engine import Database
from regulars.db.statements import Statement
from regulars.db.tables import channels


class Channel(Struct, frozen=True):
    """Where a tenant and its customers talk."""

    id: Annotated[int, Meta(description="Unique within the tenant.", examples=[1])]
    kind: Annotated[Literal["whatsapp", "instagram", "website", "telegram"], Meta(examples=["whatsapp"])]
    name: Annotated[str, Meta(examples=["WhatsApp"])]


OF_TENANT = Statement(
    select(channels.c.id, channels.c.kind, channels.c.name)
    .where(channels.c.tenant_id == bindparam("tenant_id"))
    .order_by(channels.c.id),
    may_lag=True,
)


def list_channels(database: Database, tenant_id: int) -> list[Channel]:
    """The tenant's channels, in the order of their ids."""
    return [Channel(*row) for row in database.fetch_all(OF_TENANT, {"tenant_id": tenant_id})]
