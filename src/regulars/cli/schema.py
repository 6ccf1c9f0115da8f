"""`regulars migrate`"""

from regulars.cli.options import DatabaseOption
from regulars.cli.output import print_line
from regulars.settings import load_settings


def migrate_database(database: DatabaseOption = None) -> None:
    """Migrate the database to this program's schema. Can be repeated, and run on several machines at the same time."""
    from regulars.db.migrate import migrate

    before, after = migrate(load_settings({"database": database}).database)
    if before == after:
        print_line(f"The database is up to date ({after}).")
    else:
        print_line(f"The database was migrated from {before or 'empty'} to {after}.")
