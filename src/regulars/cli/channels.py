"""`regulars channel …`"""

from enum import StrEnum
from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption, TenantOption
from regulars.cli.output import print_created, print_list

app = typer.Typer(help="Channels: where a tenant and its customers talk.", no_args_is_help=True)

NameOption = Annotated[str, typer.Option(help="What people call it.")]
ChannelArgument = Annotated[int, typer.Argument(metavar="ID", help="The channel's id.")]


class Kind(StrEnum):
    """What a channel is."""

    WHATSAPP = "whatsapp"
    INSTAGRAM = "instagram"
    WEBSITE = "website"
    TELEGRAM = "telegram"


@app.command("create")
def create(
    tenant: TenantOption,
    kind: Annotated[Kind, typer.Option(help="What it is.")],
    name: NameOption,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Create a channel of a tenant and print its id."""
    from regulars.tenants.channels import create_channel

    with opened(database) as (db, _):
        print_created(create_channel(db, tenant, kind.value, _checked_name(name)), as_json=as_json)


@app.command("list")
def list_all(tenant: TenantOption, as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List the channels of a tenant."""
    from regulars.tenants.channels import list_channels
    from regulars.tenants.tenants import get_tenant

    with opened(database) as (db, _):
        get_tenant(db, tenant)
        print_list(list_channels(db, tenant), ("id", "kind", "name"), as_json=as_json)


@app.command("rename")
def rename(tenant: TenantOption, channel: ChannelArgument, name: NameOption, database: DatabaseOption = None) -> None:
    """Give a channel another name."""
    from regulars.tenants.channels import rename_channel

    with opened(database) as (db, _):
        rename_channel(db, tenant, channel, _checked_name(name))


@app.command("delete")
def delete(tenant: TenantOption, channel: ChannelArgument, database: DatabaseOption = None) -> None:
    """Delete a channel that no customer has as the default channel."""
    from regulars.tenants.channels import delete_channel

    with opened(database) as (db, _):
        delete_channel(db, tenant, channel)


def _checked_name(text: str) -> str:
    """The name, trimmed. Raises `Invalid`."""
    from regulars.errors import Invalid
    from regulars.validation import read_name

    try:
        return read_name(text)
    except ValueError as error:
        raise Invalid({"name": [f"The name {error}."]}) from None
