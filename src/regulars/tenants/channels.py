"""Channels: the ways in which a tenant communicates with its customers."""

from typing import Annotated, Literal

from msgspec import Meta, Struct
from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import channels, customers
from regulars.errors import Conflict, NotFound
from regulars.i18n import _
from regulars.tenants.locks import lock_customers, lock_tenant

ChannelKind = Literal["whatsapp", "instagram", "website", "telegram"]


class Channel(Struct, frozen=True):
    """A channel in which a tenant communicates with its customers."""

    id: Annotated[int, Meta(description="Unique within the tenant.", examples=[1])]
    kind: Annotated[ChannelKind, Meta(examples=["whatsapp"])]
    name: Annotated[str, Meta(examples=["WhatsApp"])]


LIST_CHANNELS = Statement(
    select(channels.c.id, channels.c.kind, channels.c.name)
    .where(channels.c.tenant_id == bindparam("tenant_id"))
    .order_by(channels.c.id),
    replica_ok=True,
)
GET_CHANNEL = Statement(
    select(channels.c.id, channels.c.kind, channels.c.name).where(
        channels.c.tenant_id == bindparam("tenant_id"), channels.c.id == bindparam("id")
    ),
    replica_ok=True,
)
GET_HIGHEST_ID = Statement(select(func.max(channels.c.id)).where(channels.c.tenant_id == bindparam("tenant_id")))
INSERT_CHANNEL = Statement(
    insert(channels).values({name: bindparam(name) for name in ("tenant_id", "id", "kind", "name")})
)
IS_CHANNEL = (channels.c.tenant_id == bindparam("of_tenant"), channels.c.id == bindparam("of_channel"))
RENAME_CHANNEL = Statement(update(channels).where(*IS_CHANNEL).values(name=bindparam("new_name")))
DELETE_CHANNEL = Statement(delete(channels).where(*IS_CHANNEL))
FIND_CUSTOMER_OF_CHANNEL = Statement(
    select(customers.c.id)
    .where(customers.c.tenant_id == bindparam("of_tenant"), customers.c.default_channel_id == bindparam("of_channel"))
    .limit(literal_column("1"))
)


def list_channels(database: Database, tenant_id: int) -> list[Channel]:
    """Return the channels of a tenant, by id."""
    return [Channel(*row) for row in database.fetch_all(LIST_CHANNELS, {"tenant_id": tenant_id})]


def get_channel(database: Database, tenant_id: int, channel_id: int) -> Channel:
    """Return a channel of the tenant. Raise `NotFound` if the tenant has no such channel."""
    row = (
        database.fetch_one(GET_CHANNEL, {"tenant_id": tenant_id, "id": channel_id}) if 0 < channel_id < 2**63 else None
    )
    if row is None:
        raise NotFound(_("There is no channel {id}.", id=channel_id))
    return Channel(*row)


def create_channel(database: Database, tenant_id: int, kind: ChannelKind, name: str) -> Channel:
    """Create a channel. Its id follows the highest one of the tenant. Raise `NotFound` if the tenant does not exist."""
    with database.transaction():
        lock_tenant(database, tenant_id)
        ((highest,),) = database.fetch_all(GET_HIGHEST_ID, {"tenant_id": tenant_id})
        channel = Channel((highest or 0) + 1, kind, name)
        database.execute(INSERT_CHANNEL, {"tenant_id": tenant_id, "id": channel.id, "kind": kind, "name": name})
    return channel


def rename_channel(database: Database, tenant_id: int, channel_id: int, name: str) -> Channel:
    """Rename a channel, and return it. Raise `NotFound` if the tenant or the channel does not exist."""
    with database.transaction():
        lock_tenant(database, tenant_id)
        channel = get_channel(database, tenant_id, channel_id)
        database.execute(RENAME_CHANNEL, {"of_tenant": tenant_id, "of_channel": channel_id, "new_name": name})
    return Channel(channel.id, channel.kind, name)


def delete_channel(database: Database, tenant_id: int, channel_id: int) -> None:
    """Delete a channel.

    Raise `NotFound` if the tenant or the channel does not exist, and `Conflict` if it is the default channel of any
    customer.
    """
    of_channel = {"of_tenant": tenant_id, "of_channel": channel_id}
    with database.transaction():
        lock_tenant(database, tenant_id)
        get_channel(database, tenant_id, channel_id)
        lock_customers(database, tenant_id)
        if database.fetch_one(FIND_CUSTOMER_OF_CHANNEL, of_channel) is not None:
            raise Conflict(
                _(
                    "Channel {id} is the default channel of customers, possibly in the trash. Give them another channel"
                    " first.",
                    id=channel_id,
                )
            )
        database.execute(DELETE_CHANNEL, of_channel)
