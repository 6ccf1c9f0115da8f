"""`regulars trash …`"""

from datetime import timedelta
from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import AllTenantsOption, DatabaseOption
from regulars.cli.output import print_line
from regulars.clock import utc_now
from regulars.errors import RegularsError
from regulars.settings import parse_duration

MAX_SECONDS = 36_500 * 86_400

app = typer.Typer(help="Customers in the trash, which can be restored.", no_args_is_help=True)


@app.callback()
def trash() -> None:
    """Customers in the trash, which can be restored."""


@app.command("empty")
def empty(
    older_than: Annotated[str, typer.Option("--older-than", metavar="TIME", help="Such as 30d, 12h or 0s.")],
    tenant: AllTenantsOption = None,
    database: DatabaseOption = None,
) -> None:
    """Purge customers that have been in the trash for longer than a time. They cannot be restored."""
    from regulars.customers.write.empty_trash import empty_trash
    from regulars.permissions import COMMAND_LINE
    from regulars.tenants.tenants import get_tenant, list_tenants

    seconds = parse_duration(older_than)
    if seconds is None or seconds > MAX_SECONDS:
        raise RegularsError(
            f"--older-than must be a time such as 30d, 12h or 0s, at most 36500d, not {older_than[:50]!r}."
        )
    with opened(database) as (db, _):
        before = utc_now() - timedelta(seconds=seconds)
        for each in list_tenants(db) if tenant is None else [get_tenant(db, tenant)]:
            count = empty_trash(db, each.id, before, COMMAND_LINE)
            print_line(f"Purged {count:,} {'customer' if count == 1 else 'customers'} of tenant {each.id}.")
