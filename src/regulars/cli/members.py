"""`regulars member …`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption, TenantOption
from regulars.cli.output import print_json, print_line, print_list
from regulars.permissions import Role

app = typer.Typer(help="Members of tenants, and their roles.", no_args_is_help=True)


@app.command("add")
def add(
    tenant: TenantOption,
    user: Annotated[str, typer.Option(metavar="EMAIL", help="The user's e-mail address.")],
    role: Annotated[Role, typer.Option(help="Role in the tenant.")],
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Make a user a member of a tenant, or change the role of a member. Print the user's id. An owner must remain."""
    from regulars.accounts.memberships import add_member

    with opened(database) as (db, _):
        member = add_member(db, tenant, user, role)
        if as_json:
            print_json(member)
        else:
            print_line(member.user_id)


@app.command("remove")
def remove(
    tenant: TenantOption,
    user: Annotated[str, typer.Option(metavar="EMAIL", help="The user's e-mail address.")],
    database: DatabaseOption = None,
) -> None:
    """End a user's membership of a tenant. An owner must remain."""
    from regulars.accounts.memberships import remove_member

    with opened(database) as (db, _):
        remove_member(db, tenant, user)


@app.command("list")
def list_all(tenant: TenantOption, as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List the members of a tenant."""
    from regulars.accounts.memberships import list_members

    with opened(database) as (db, _):
        columns = ("user_id", "email", "name", "role", "created_at")
        print_list(list_members(db, tenant), columns, as_json=as_json)
