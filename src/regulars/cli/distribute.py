"""`regulars distribute`"""

from typing import Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption
from regulars.cli.output import print_line


def distribute_schema(
    database: DatabaseOption = None,
    shards: Annotated[
        int, typer.Option(min=1, max=4096, help="Number of shards, if the tables are not distributed yet.")
    ] = 256,
) -> None:
    """Distribute the database by tenant over the nodes of a Citus cluster. Can be repeated.

    Run it on the coordinator's database, after 'regulars migrate', with the role that the servers use.
    """
    with opened(database) as (db, _):
        from regulars.db.citus import distribute

        done = 0
        for done, line in enumerate(distribute(db, shards), 1):  # noqa: B007
            print_line(line)
    if not done:
        print_line("The database is already distributed.")
