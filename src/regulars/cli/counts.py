"""`regulars census`"""

from typing import Annotated

import typer

from regulars.cli.database import DatabaseOption, opened
from regulars.cli.output import print_line

WRONG = 1


def count(
    tenant: Annotated[
        int | None, typer.Option("--tenant", metavar="ID", help="One tenant's id. [default: all tenants]")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Compare only; change nothing.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Count all customers anew, or check that the counts that are kept are right.

    Exit status with --check: 0 all are right, 1 some are not.
    """
    from regulars.customers.counts.maintenance import check_census, rebuild_census
    from regulars.tenants.tenants import get_tenant, list_tenants

    wrong = False
    with opened(database) as (db, _):
        for each in list_tenants(db) if tenant is None else [get_tenant(db, tenant)]:
            if not check:
                rebuild_census(db, each.id)
                print_line(f"Counted the customers of tenant {each.id}.")
            elif differences := check_census(db, each.id):
                wrong = True
                print_line(f"The census of tenant {each.id} is wrong in {len(differences)} counts, like this one:")
                print_line(f"  {differences[0].describe()}")
            else:
                print_line(f"The census of tenant {each.id} is right.")
    if wrong:
        print_line("'regulars census' without --check counts anew.")
        raise typer.Exit(WRONG)
