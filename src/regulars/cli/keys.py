"""`regulars key …`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_json, print_line, print_table

app = typer.Typer(help="Keys that sign access tokens.", no_args_is_help=True)


@app.command("rotate")
def rotate(
    algorithm: Annotated[str, typer.Option(help="RS256, which all clients support, or EdDSA.")] = "RS256",
    database: DatabaseOption = None,
) -> None:
    """Create a key, which signs from now on, and print its id. Old keys still verify the tokens that they signed."""
    from regulars.oauth.signing_keys import rotate_key

    with opened(database) as (db, settings):
        print_line(rotate_key(db, settings, algorithm).kid)


@app.command("list")
def list_all(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """List the keys, the signing one first."""
    from regulars.oauth.signing_keys import public_keys

    with opened(database) as (db, _):
        keys = [(key.kid, key.algorithm, f"{key.created_at:%Y-%m-%dT%H:%M:%SZ}") for key in public_keys(db).values()]
    if as_json:
        print_json([dict(zip(("kid", "algorithm", "created_at"), key, strict=True)) for key in keys])
    else:
        print_table(("kid", "algorithm", "created_at"), keys)
