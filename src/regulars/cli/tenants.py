"""`regulars tenant …`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_created, print_json, print_list

app = typer.Typer(help="Tenants: the businesses that have customers.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="The name that people see.")],
    timezone: Annotated[str, typer.Option(help="IANA time zone. Determines today's date.")] = "UTC",
    locale: Annotated[str, typer.Option(help="Language and country, like tr-TR.")] = "en",
    country: Annotated[
        str, typer.Option(help="ISO 3166 code. Phone numbers without an international prefix are of this country.")
    ] = "US",
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Create a tenant and print its id."""
    from regulars.tenants.tenants import create_tenant

    with opened(database) as (db, _):
        tenant = create_tenant(db, name=name, time_zone=timezone, locale=locale, country_code=country)
        print_created(tenant, as_json=as_json)


@app.command("update")
def update(
    tenant: Annotated[int, typer.Argument(metavar="ID", help="The tenant's id.")],
    name: Annotated[str | None, typer.Option(help="The name that people see.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA time zone. Determines today's date.")] = None,
    locale: Annotated[str | None, typer.Option(help="Language and country, like tr-TR.")] = None,
    country: Annotated[
        str | None,
        typer.Option(help="ISO 3166 code. Phone numbers without an international prefix are of this country."),
    ] = None,
    logo_url: Annotated[str | None, typer.Option(help="Starts with https://. Empty for none.")] = None,
    unique_fields: Annotated[
        str | None,
        typer.Option(
            metavar="FIELDS",
            help="Fields in which no two customers may have the same value: phone_number, email, identity_number,"
            " separated by commas. Empty for none.",
        ),
    ] = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Change the given settings of a tenant."""
    from regulars.tenants.tenants import country_reader, update_tenant
    from regulars.tenants.validation import read_settings, readers

    fields = None if unique_fields is None else [field.strip() for field in unique_fields.split(",") if field.strip()]
    given = {
        "name": name,
        "timezone": timezone,
        "locale": locale,
        "country": country,
        "logo_url": logo_url,
        "unique_fields": fields,
    }
    with opened(database) as (db, _):
        how = readers(country_reader(db))
        settings = read_settings({key: value for key, value in given.items() if value is not None}, how)
        changed = update_tenant(db, tenant, settings)
        if as_json:
            print_json(changed)


@app.command("list")
def list_all(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List the tenants."""
    from regulars.tenants.tenants import list_tenants

    with opened(database) as (db, _):
        columns = ("id", "name", "time_zone", "locale", "country_code", "created_at")
        print_list(list_tenants(db), columns, as_json=as_json)
