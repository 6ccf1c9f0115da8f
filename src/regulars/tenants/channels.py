"""A tenant's channels."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import channels, customers
from regulars.errors import Conflict, NotFound
from regulars.tenants.locks import lock_customers, lock_tenant

ChannelKind = Literal["whatsapp", "instagram", "website", "telegram"]


class Channel(Struct, frozen=True):
    """Where a tenant and its customers talk."""

    id: Annotated[int, Meta(description="Unique within the tenant.", examples=[1])]
    kind: Annotated[ChannelKind, Meta(examples=["whatsapp"])]
    name: Annotated[str, Meta(examples=["WhatsApp"])]


OF_TENANT = Statement(
    select(channels.c.id, channels.c.kind, channels.c.name)
    .where(channels.c.tenant_id == bindparam("tenant_id"))
    .order_by(channels.c.id),
    replica_ok=True,
)
ONE = Statement(
    select(channels.c.id, channels.c.kind, channels.c.name).where(
        channels.c.tenant_id == bindparam("tenant_id"), channels.c.id == bindparam("id")
    ),
    replica_ok=True,
)
HIGHEST = Statement(select(func.max(channels.c.id)).where(channels.c.tenant_id == bindparam("tenant_id")))
INSERT = Statement(insert(channels).values({name: bindparam(name) for name in ("tenant_id", "id", "kind", "name")}))
OF_CHANNEL = (channels.c.tenant_id == bindparam("of_tenant"), channels.c.id == bindparam("of_channel"))
RENAME = Statement(update(channels).where(*OF_CHANNEL).values(name=bindparam("new_name")))
REMOVE = Statement(delete(channels).where(*OF_CHANNEL))
SOMEBODYS_DEFAULT = Statement(
    select(customers.c.id)
    .where(customers.c.tenant_id == bindparam("of_tenant"), customers.c.default_channel_id == bindparam("of_channel"))
    .limit(literal_column("1"))
)


def list_channels(database: Database, tenant_id: int) -> list[Channel]:
    """The tenant's channels, in the order of their ids."""
    return [Channel(*row) for row in database.fetch_all(OF_TENANT, {"tenant_id": tenant_id})]


def get_channel(database: Database, tenant_id: int, channel_id: int) -> Channel:
    """One of the tenant's channels. Raises `NotFound`."""
    row = database.fetch_one(ONE, {"tenant_id": tenant_id, "id": channel_id}) if 0 < channel_id < 2**63 else None
    if row is None:
        raise NotFound(f"There is no channel {channel_id}.")
    return Channel(*row)


def create_channel(database: Database, tenant_id: int, kind: ChannelKind, name: str) -> Channel:
    """A new channel of the tenant; its id is one above the highest. Raises `NotFound` where there is no such tenant."""
    with database.transaction():
        lock_tenant(database, tenant_id)
        ((highest,),) = database.fetch_all(HIGHEST, {"tenant_id": tenant_id})
        channel = Channel((highest or 0) + 1, kind, name)
        database.execute(INSERT, {"tenant_id": tenant_id, "id": channel.id, "kind": kind, "name": name})
    return channel


def rename_channel(database: Database, tenant_id: int, channel_id: int, name: str) -> Channel:
    """Give a channel another name. Raises `NotFound`."""
    with database.transaction():
        lock_tenant(database, tenant_id)
        channel = get_channel(database, tenant_id, channel_id)
        database.execute(RENAME, {"of_tenant": tenant_id, "of_channel": channel_id, "new_name": name})
    return Channel(channel.id, channel.kind, name)


def delete_channel(database: Database, tenant_id: int, channel_id: int) -> None:
    """Remove a channel. Raises `NotFound`, and `Conflict` where customers have it as their default channel."""
    of_channel = {"of_tenant": tenant_id, "of_channel": channel_id}
    with database.transaction():
        lock_tenant(database, tenant_id)
        get_channel(database, tenant_id, channel_id)
        lock_customers(database, tenant_id)
        if database.fetch_one(SOMEBODYS_DEFAULT, of_channel) is not None:
            raise Conflict(
                f"Customers have channel {channel_id} as their default channel, some of them perhaps in the trash; give"
                " them another one first."
            )
        database.execute(REMOVE, of_channel)
