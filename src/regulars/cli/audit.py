"""`regulars audit`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_list

AUDIT_COLUMNS = ("created_at", "kind", "user_id", "client_id", "about", "address")


def show_audit(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of events.")] = 100,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show sign-ins, and changes of tokens, second factors and memberships, newest first."""
    from regulars.security.audit import list_events

    with opened(database) as (db, _):
        print_list(list_events(db, limit), AUDIT_COLUMNS, as_json=as_json)
