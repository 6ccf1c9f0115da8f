"""`regulars token …`"""

import re
import sys
from typing import Annotated

import typer

from regulars.cli.database import DatabaseOption, opened
from regulars.cli.output import print_line
from regulars.errors import Forbidden, Invalid

app = typer.Typer(help="Access tokens.", no_args_is_help=True)

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = 365 * 86400


@app.command("create")
def create(
    user: Annotated[str, typer.Option(metavar="EMAIL", help="Whose token it is.")],
    scope: Annotated[str, typer.Option(help="What it allows, separated by spaces.")] = "customers:read",
    tenant: Annotated[int | None, typer.Option(metavar="ID", help="Good for this tenant alone.")] = None,
    expires: Annotated[str, typer.Option(help="How long it is good for: 30s, 15m, 1h, 7d.")] = "1h",
    database: DatabaseOption = None,
) -> None:
    """Print an access token and nothing else."""
    from regulars.accounts.memberships import memberships_of
    from regulars.accounts.users import get_user_by_email
    from regulars.oauth.tokens import issue_access_token

    scopes, lifetime = _checked(scope, expires)
    with opened(database) as (db, settings):
        owner = get_user_by_email(db, user)
        if tenant is not None and tenant not in memberships_of(db, owner.id):
            raise Forbidden(f"{owner.email} is no member of tenant {tenant}.")
        print_line(issue_access_token(db, settings, owner.id, scopes, tenant_id=tenant, lifetime=lifetime))


@app.command("revoke")
def revoke(
    token: Annotated[str | None, typer.Argument(help="The token; without it, it is read from standard input.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Make a token worthless, everywhere within a second."""
    from regulars.oauth.tokens import revoke_token

    with opened(database) as (db, settings):
        revoke_token(db, settings, (token or sys.stdin.readline()).strip())


def _checked(scope: str, expires: str) -> tuple[list[str], int]:
    from regulars.oauth.scopes import SCOPES

    scopes = scope.split()
    unknown = [name for name in scopes if name not in SCOPES]
    faults = {}
    if unknown or not scopes:
        faults["scope"] = [f"There is no scope {' '.join(unknown)!r}; there are {', '.join(SCOPES)}."]
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", expires.strip())
    lifetime = int(match[1]) * UNITS[match[2]] if match else 0
    if not 1 <= lifetime <= LONGEST:
        faults["expires"] = [f"--expires must be a time like 30s, 15m, 1h or 7d, at most 365d, not {expires!r}."]
    if faults:
        raise Invalid(faults)
    return scopes, lifetime
