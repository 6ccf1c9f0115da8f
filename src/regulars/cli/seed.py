"""`regulars seed`"""

import time
from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption
from regulars.cli.output import print_line
from regulars.cli.progress import progress_bar
from regulars.errors import RegularsError


def seed(
    customers: Annotated[int, typer.Option(min=0, max=100_000_000, help="Total number of customers.")] = 10_000,
    tenants: Annotated[int, typer.Option(min=1, max=10_000, help="Number of tenants.")] = 3,
    skewed: Annotated[bool, typer.Option("--skewed", help="Give the first tenant half of the customers.")] = False,
    sizes: Annotated[
        str | None,
        typer.Option(metavar="N,N…", help="Number of customers of each tenant, instead of the options above."),
    ] = None,
    draw: Annotated[int, typer.Option("--seed", min=0, help="The same seed generates the same people.")] = 1,
    database: DatabaseOption = None,
) -> None:
    """Generate tenants, users and customers for trials. Existing data stays."""
    from regulars.sample_data.seed import seed_database, shares

    began = time.monotonic()
    wanted = _sizes(sizes) if sizes else shares(customers, tenants, skewed=skewed)
    with opened(database) as (db, _), progress_bar("Generating customers", sum(wanted)) as advance:
        made = seed_database(db, wanted, seed=draw, progress=advance)
    first, last = made.tenants[0].id, made.tenants[-1].id
    print_line(
        f"Generated {made.customers:,} customers in {len(made.tenants):,} tenants (ids {first} to {last}) with"
        f" {len(made.users):,} users ({made.users[0].email} owns tenant {first})"
        f" in {time.monotonic() - began:.1f} seconds."
    )


def _sizes(text: str) -> list[int]:
    sizes = text.split(",")
    if len(sizes) > 10_000 or not all(size.isascii() and size.isdigit() and len(size) < 10 for size in sizes):
        raise RegularsError(f"--sizes must be up to 10,000 integers separated by commas, not {text[:50]!r}.")
    return [int(size) for size in sizes]
