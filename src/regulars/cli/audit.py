"""`regulars audit`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import AllTenantsOption, DatabaseOption, JsonOption
from regulars.cli.output import print_list

AUDIT_COLUMNS = ("created_at", "kind", "user_id", "client_id", "about", "address", "tenant_id")


def show_audit(
    tenant: AllTenantsOption = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Maximum number of events.")] = 100,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """Show sign-ins, and changes of users, members, invitations, tokens and keys, newest first."""
    from regulars.security.audit import list_events, list_tenant_events

    with opened(database) as (db, _):
        events = list_events(db, limit) if tenant is None else list_tenant_events(db, tenant, limit=limit)
        print_list(events, AUDIT_COLUMNS, as_json=as_json)
