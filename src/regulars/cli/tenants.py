"""`regulars tenant …`"""

from typing import Annotated

import typer

from regulars.cli.database import DatabaseOption, JsonOption, opened
from regulars.cli.output import print_created, print_list

app = typer.Typer(help="Tenants: whose customers they are.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="What people call it.")],
    timezone: Annotated[str, typer.Option(help="IANA time zone; decides what “today” is.")] = "UTC",
    locale: Annotated[str, typer.Option(help="Language and country, like tr-TR.")] = "en",
    country: Annotated[str, typer.Option(help="ISO 3166 code; how phone numbers without a prefix are read.")] = "US",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Create a tenant and print its id."""
    from regulars.tenants.queries import create_tenant

    with opened(database) as (db, _):
        tenant = create_tenant(db, name=name, time_zone=timezone, locale=locale, country_code=country)
        print_created(tenant, as_json=as_json)


@app.command("list")
def list_all(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List the tenants."""
    from regulars.tenants.queries import list_tenants

    with opened(database) as (db, _):
        columns = ("id", "name", "time_zone", "locale", "country_code", "created_at")
        print_list(list_tenants(db), columns, as_json=as_json)
