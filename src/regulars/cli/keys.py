"""`regulars key …`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_line, print_list

app = typer.Typer(help="Keys that sign access tokens.", no_args_is_help=True)
COLUMNS = ("kid", "algorithm", "status", "created_at", "replaced_at", "revoked_at")


@app.command("rotate")
def rotate(
    algorithm: Annotated[str, typer.Option(help="RS256, which all clients support, or EdDSA.")] = "RS256",
    database: DatabaseOption = None,
) -> None:
    """Create a key, which signs from now on, and print its id. Old keys still verify the tokens that they signed."""
    from regulars.oauth.signing_keys import rotate_key

    with opened(database) as (db, settings):
        print_line(rotate_key(db, settings, algorithm).kid)


@app.command("revoke")
def revoke(
    kid: Annotated[str, typer.Argument(help="Id of the key; see 'regulars key list'.")], database: DatabaseOption = None
) -> None:
    """Revoke a key that may be known to somebody else: servers refuse all tokens that it signed, within a second.

    If it is the key that signs, a new key is created first.
    """
    from regulars.oauth.signing_keys import revoke_key

    with opened(database) as (db, settings):
        new = revoke_key(db, settings, kid)
    print_line(f"The key {kid} is revoked.")
    if new is not None:
        print_line(f"The new key {new.kid} signs from now on.")


@app.command("list")
def list_all(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List the keys, the newest first, with their status: signing, replaced, expired or revoked.

    A replaced key still verifies the tokens that it signed; when all of them have expired, its status is "expired".
    """
    from regulars.oauth.signing_keys import list_keys

    with opened(database) as (db, settings):
        print_list(list_keys(db, settings), COLUMNS, as_json=as_json)
