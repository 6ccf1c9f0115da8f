"""`regulars channel …`"""

from enum import StrEnum
from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption, TenantOption
from regulars.cli.output import print_created, print_list
from regulars.i18n import _

app = typer.Typer(help="Channels of a tenant, such as WhatsApp.", no_args_is_help=True)

NameOption = Annotated[str, typer.Option(help="The name that people see.")]
ChannelArgument = Annotated[int, typer.Argument(metavar="ID", help="The channel's id.")]


class Kind(StrEnum):
    """The kind of a channel."""

    WHATSAPP = "whatsapp"
    INSTAGRAM = "instagram"
    WEBSITE = "website"
    TELEGRAM = "telegram"


@app.command("create")
def create(
    tenant: TenantOption,
    kind: Annotated[Kind, typer.Option(help="The kind of the channel.")],
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
    """Rename a channel."""
    from regulars.tenants.channels import rename_channel

    with opened(database) as (db, _):
        rename_channel(db, tenant, channel, _checked_name(name))


@app.command("delete")
def delete(tenant: TenantOption, channel: ChannelArgument, database: DatabaseOption = None) -> None:
    """Delete a channel that is not the default channel of a customer."""
    from regulars.tenants.channels import delete_channel

    with opened(database) as (db, _):
        delete_channel(db, tenant, channel)


def _checked_name(text: str) -> str:
    """Return the trimmed name. Raise `Invalid` if it is empty, too long or has control characters."""
    from regulars.errors import Invalid
    from regulars.validation import read_name

    try:
        return read_name(text)
    except ValueError as error:
        raise Invalid({"name": [_("{field} {rule}.", field="name", rule=error.args[0])]}) from None
