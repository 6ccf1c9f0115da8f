"""`regulars app …`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_json, print_line, print_table

app = typer.Typer(help="Applications: the OAuth clients that ask for tokens.", no_args_is_help=True)

DEFAULT_USER_SCOPES = "openid profile email offline_access account:read tenants:read customers:read"
DEFAULT_SERVICE_SCOPES = "customers:read"


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="The name that users see.")],
    kind: Annotated[
        str, typer.Option(help="web (has a server), native (mobile, desktop), browser, device (no browser), service.")
    ],
    redirect_uri: Annotated[list[str] | None, typer.Option(help="Redirect URI. Can be given several times.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Scope that the application can request, and gets by default. Can be given several times."),
    ] = None,
    tenant: Annotated[
        int | None, typer.Option(help="Limit the application to this tenant. Required for a service.")
    ] = None,
    role: Annotated[str | None, typer.Option(help="Role of a service in its tenant: admin, agent or viewer.")] = None,
    logo_url: Annotated[str | None, typer.Option(help="The https:// address of a picture.")] = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Register an application. Print its client id and, on a second line, its secret if it has one."""
    from regulars.oauth.clients import create_client

    default = DEFAULT_SERVICE_SCOPES if kind == "service" else DEFAULT_USER_SCOPES
    with opened(database) as (db, _):
        client, secret = create_client(
            db,
            name=name,
            kind=kind,
            redirect_uris=redirect_uri or (),
            scopes=(" ".join(scope) if scope is not None else default).split(),
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
    tenant: Annotated[int | None, typer.Option(help="List only the applications of this tenant.")] = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """List the applications, without secrets."""
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
    """Create a new secret and print only it. The old secret becomes invalid."""
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
