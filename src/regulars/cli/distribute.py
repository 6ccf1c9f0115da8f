"""`regulars distribute`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption
from regulars.cli.output import print_line


def distribute_schema(
    database: DatabaseOption = None,
    shards: Annotated[
        int, typer.Option(min=1, max=4096, help="Into how many shards the customers are divided, if they are not yet.")
    ] = 256,
) -> None:
    """Distribute the database by tenant over the machines of a Citus cluster; safe to run again.

    Run it on the coordinator's database, after 'regulars migrate', as the role that the servers use.
    """
    with opened(database) as (db, _):
        from regulars.db.citus import distribute

        done = 0
        for done, line in enumerate(distribute(db, shards), 1):  # noqa: B007
            print_line(line)
    if not done:
        print_line("The database is distributed already.")
