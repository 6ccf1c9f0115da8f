"""`regulars token …`"""

import sys
from datetime import datetime
from typing import Annotated

import typer
from msgspec import Struct

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_line, print_list
from regulars.db.database import Database
from regulars.errors import Invalid, NotFound
from regulars.i18n import _
from regulars.settings import Settings, parse_duration

app = typer.Typer(help="Personal access tokens.", no_args_is_help=True)


class Listed(Struct, frozen=True):
    """A row of `regulars token list`: a token without its secret."""

    id: str
    user: str
    name: str
    scopes: str
    tenant_id: int | None
    expires_at: datetime
    used_at: datetime | None


@app.command("create")
def create(
    user: Annotated[str, typer.Option(metavar="EMAIL", help="E-mail address of the token's user.")],
    scope: Annotated[
        list[str] | None, typer.Option(help="Scope. Can be given several times. [default: customers:read]")
    ] = None,
    tenant: Annotated[int | None, typer.Option(metavar="ID", help="Limit the token to this tenant.")] = None,
    expires: Annotated[str, typer.Option(help="Lifetime, such as 30s, 15m, 1h or 7d; at most 365d.")] = "1h",
    name: Annotated[str, typer.Option(help="Name of the token.")] = "command line",
    database: DatabaseOption = None,
) -> None:
    """Create a personal access token and print only it. It is not shown again."""
    from regulars.accounts.personal_tokens import create_personal_token
    from regulars.accounts.users import get_named_user

    lifetime = parse_duration(expires)
    if lifetime is None:
        raise Invalid({"expires": [f"--expires must be a time such as 30s, 15m, 1h or 7d, not {expires!r}."]})
    scopes = " ".join(scope if scope is not None else ["customers:read"]).split()
    with opened(database) as (db, _):
        owner = get_named_user(db, user)
        _, token = create_personal_token(
            db,
            owner.id,
            name=name,
            scopes=scopes,
            tenant_id=tenant,
            lifetime=lifetime,
        )
        print_line(token)


@app.command("list")
def list_all(
    user: Annotated[str | None, typer.Option(metavar="EMAIL", help="List only the tokens of this user.")] = None,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """List the personal access tokens, including expired ones, without their secrets."""
    from regulars.accounts.personal_tokens import list_all_personal_tokens, list_personal_tokens
    from regulars.accounts.users import get_named_user, list_users

    with opened(database) as (db, _):
        if user is None:
            emails = {each.id: each.email for each in list_users(db)}
            tokens = list_all_personal_tokens(db)
        else:
            owner = get_named_user(db, user)
            emails = {owner.id: owner.email}
            tokens = list_personal_tokens(db, owner.id)
    listed = [
        Listed(
            token.id,
            emails[token.user_id],
            token.name,
            " ".join(token.scopes),
            token.tenant_id,
            token.expires_at,
            token.used_at,
        )
        for token in tokens
    ]
    print_list(listed, Listed.__struct_fields__, as_json=as_json)


@app.command("revoke")
def revoke(
    token: Annotated[
        str | None,
        typer.Argument(metavar="TOKEN_OR_ID", help="The token or its id. Read from standard input if omitted."),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Revoke a personal or an access token, on all servers within a second."""
    with opened(database) as (db, settings):
        _revoke(db, settings, (token or sys.stdin.readline()).strip())


def _revoke(database: Database, settings: Settings, text: str) -> None:
    from regulars.accounts.personal_tokens import find_personal_token, revoke_personal_token
    from regulars.oauth.access_tokens import revoke_token
    from regulars.security.tokens import Kind, is_token

    if text.count(".") == 2:  # a JSON Web Token
        revoke_token(database, settings, text)
        return
    if not is_token(text, Kind.PERSONAL_TOKEN):
        revoke_personal_token(database, text)
        return
    known = find_personal_token(database, text)
    if known is None:
        raise NotFound(_("This token does not exist. It may have expired or been revoked already."))
    revoke_personal_token(database, known.id)
