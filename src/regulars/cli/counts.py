"""`regulars counts`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import AllTenantsOption, DatabaseOption
from regulars.cli.output import print_line

COUNTS_ARE_WRONG = 1


def count(
    tenant: AllTenantsOption = None,
    check: Annotated[bool, typer.Option("--check", help="Check the counts without changing them.")] = False,
    database: DatabaseOption = None,
) -> None:
    """Rebuild the customer counts, or check them.

    Exit status with --check: 0 all counts are right, 1 some are wrong.
    """
    from regulars.customers.counts.maintenance import check_counts, rebuild_counts
    from regulars.tenants.tenants import get_tenant, list_tenants

    wrong = False
    with opened(database) as (db, _):
        for each in list_tenants(db) if tenant is None else [get_tenant(db, tenant)]:
            if not check:
                rebuild_counts(db, each.id)
                print_line(f"Counted the customers of tenant {each.id}.")
            elif differences := check_counts(db, each.id):
                wrong = True
                print_line(f"The counts of tenant {each.id} are wrong in {len(differences)} places. The first:")
                print_line(f"  {differences[0].describe()}")
            else:
                print_line(f"The counts of tenant {each.id} are right.")
    if wrong:
        print_line("Run 'regulars counts' without --check to rebuild them.")
        raise typer.Exit(COUNTS_ARE_WRONG)
