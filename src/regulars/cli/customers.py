"""`regulars customer …`"""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from regulars.cli.customer_list import list_customers, search_customers
from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, TenantOption
from regulars.cli.output import print_json, print_line

app = typer.Typer(
    help="List and search customers; create, update, trash, restore, merge and erase a customer.", no_args_is_help=True
)
app.command("list")(list_customers)
app.command("search")(search_customers)

CustomerArgument = Annotated[int, typer.Argument(metavar="ID", min=1, max=2**40, help="The customer's id.")]
FieldsArgument = Annotated[str, typer.Argument(metavar="JSON", help="Fields as in the API; - reads standard input.")]


@app.command("show")
def show(customer: CustomerArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Show everything stored about a customer as JSON: fields, tags, history, and customers merged into it."""
    from regulars.customers.read.personal_data import personal_data_of

    with opened(database) as (db, _):
        print_json(personal_data_of(db, tenant, customer))


@app.command("create")
def create(fields: FieldsArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Create a customer and print its id."""
    from regulars.api.customers.body import customer_reader
    from regulars.customers.write.commands import create_customer

    content = _read(fields)

    def work(changes: Any) -> int:
        return create_customer(changes, customer_reader(changes.tenant, changes.database).read(content)).id

    print_line(_edit(database, tenant, work))


@app.command("update")
def update(
    customer: CustomerArgument, fields: FieldsArgument, tenant: TenantOption, database: DatabaseOption = None
) -> None:
    """Change the given fields. A field that is null becomes empty."""
    from regulars.api.customers.body import customer_reader
    from regulars.customers.write.commands import update_customer

    content = _read(fields)

    def work(changes: Any) -> None:
        reader = customer_reader(changes.tenant, changes.database)
        update_customer(changes, customer, reader.read(content, partial=True))

    _edit(database, tenant, work)


@app.command("trash")
def trash(customer: CustomerArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Move a customer to the trash."""
    from regulars.customers.write.commands import trash_customer

    _edit(database, tenant, lambda changes: trash_customer(changes, customer))


@app.command("restore")
def restore(customer: CustomerArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Restore a customer from the trash."""
    from regulars.customers.write.commands import restore_customer

    _edit(database, tenant, lambda changes: restore_customer(changes, customer))


@app.command("purge")
def purge(customer: CustomerArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Delete a customer from the trash permanently."""
    from regulars.customers.write.commands import purge_customer

    _edit(database, tenant, lambda changes: purge_customer(changes, customer))


@app.command("erase")
def erase(customer: CustomerArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Erase everything stored about a person, permanently. Print the names of the fields that had values."""
    from regulars.customers.write.commands import erase_customer

    for kind in _edit(database, tenant, lambda changes: erase_customer(changes, customer)):
        print_line(kind)


OtherArgument = Annotated[int, typer.Argument(metavar="OTHER", min=1, max=2**40, help="The other customer's id.")]


@app.command("merge")
def merge(
    customer: CustomerArgument, other: OtherArgument, tenant: TenantOption, database: DatabaseOption = None
) -> None:
    """Merge another customer into this one."""
    from regulars.customers.write.merge import merge_customers

    _edit(database, tenant, lambda changes: merge_customers(changes, customer, other))


@app.command("unmerge")
def unmerge(
    customer: CustomerArgument, other: OtherArgument, tenant: TenantOption, database: DatabaseOption = None
) -> None:
    """Undo a merge and restore the other customer."""
    from regulars.customers.write.merge import unmerge_customers

    _edit(database, tenant, lambda changes: unmerge_customers(changes, customer, other))


def _read(fields: str) -> Any:
    from regulars.http.json_body import MAX_BODY_BYTES, parse_json

    return parse_json(sys.stdin.buffer.read(MAX_BODY_BYTES + 1) if fields == "-" else fields.encode("utf-8", "replace"))


def _edit(database: str | None, tenant: int, work: Callable[[Any], Any]) -> Any:
    """Call `work` with a `ChangeSet` of the tenant, in one transaction, and return its result.

    Raise `NotFound` if the tenant does not exist.
    """
    from regulars.customers.write.change_set import open_change_set
    from regulars.permissions import COMMAND_LINE
    from regulars.tenants.tenants import get_tenant

    with opened(database) as (db, _):
        get_tenant(db, tenant)
        with open_change_set(db, tenant, COMMAND_LINE) as changes:
            return work(changes)
