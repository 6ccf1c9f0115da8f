"""`regulars migrate`"""

from regulars.cli.options import DatabaseOption
from regulars.cli.output import print_line
from regulars.settings import load_settings


def migrate_database(database: DatabaseOption = None) -> None:
    """Bring the database to this program's schema; safe to run at any time, and by several machines at once."""
    from regulars.db.migrate import migrate

    before, after = migrate(load_settings({"database": database}).database)
    if before == after:
        print_line(f"The database is up to date ({after}).")
    else:
        print_line(f"The database went from {before or 'empty'} to {after}.")
