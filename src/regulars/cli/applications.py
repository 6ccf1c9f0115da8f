"""`regulars app …`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_json, print_line, print_table

app = typer.Typer(help="Applications: the OAuth clients that ask for tokens.", no_args_is_help=True)

FOR_PEOPLE = "openid profile email offline_access account:read tenants:read customers:read"
FOR_SERVICES = "customers:read"


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="What people are shown.")],
    kind: Annotated[
        str, typer.Option(help="web (has a server), native (mobile, desktop), browser, device (no browser), service.")
    ],
    redirect_uri: Annotated[
        list[str] | None, typer.Option(help="Where people are sent back to; may be given several times.")
    ] = None,
    scope: Annotated[str | None, typer.Option(help="What it may ask for, and gets unasked.")] = None,
    tenant: Annotated[int | None, typer.Option(help="The tenant that it acts in alone; a service needs one.")] = None,
    role: Annotated[str | None, typer.Option(help="A service's in its tenant: admin, agent, viewer.")] = None,
    logo_url: Annotated[str | None, typer.Option(help="An https address of a picture.")] = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Register an application: print its client id and, on a second line where it has one, its secret, this once."""
    from regulars.oauth.clients import create_client

    scopes = scope if scope is not None else FOR_SERVICES if kind == "service" else FOR_PEOPLE
    with opened(database) as (db, _):
        client, secret = create_client(
            db,
            name=name,
            kind=kind,
            redirect_uris=redirect_uri or (),
            scopes=scopes.split(),
            tenant_id=tenant,
            role=role,
            logo_url=logo_url,
        )
    if as_json:
        print_json({"client_id": client.id, "client_secret": secret, "scope": " ".join(client.scopes)})
        return
    print_line(client.id)
    if secret:
        print_line(secret)


@app.command("list")
def list_all(
    tenant: Annotated[int | None, typer.Option(help="Only those that this tenant registered.")] = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """List the applications; never a secret."""
    from regulars.oauth.clients import list_clients

    columns = ("client_id", "name", "kind", "tenant_id", "redirect_uris", "scope")
    with opened(database) as (db, _):
        clients = list_clients(db, tenant)
    rows = [
        (client.id, client.name, client.kind.value, client.tenant_id, client.redirect_uris, " ".join(client.scopes))
        for client in clients
    ]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        shown = [(id_, name, kind, str(of or ""), " ".join(uris), scope) for id_, name, kind, of, uris, scope in rows]
        print_table(columns, shown)


@app.command("rotate-secret")
def rotate(
    client_id: Annotated[str, typer.Argument(help="The application's client id.")], database: DatabaseOption = None
) -> None:
    """Print a new secret and nothing else; the old one is worth nothing from now on."""
    from regulars.oauth.clients import get_client, rotate_secret

    with opened(database) as (db, _):
        print_line(rotate_secret(db, get_client(db, client_id)))


@app.command("delete")
def delete(
    client_id: Annotated[str, typer.Argument(help="The application's client id.")], database: DatabaseOption = None
) -> None:
    """Delete an application and end all its tokens."""
    from regulars.oauth.clients import delete_client, get_client

    with opened(database) as (db, _):
        delete_client(db, get_client(db, client_id))
