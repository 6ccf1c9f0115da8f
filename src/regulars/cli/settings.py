"""`regulars settings`"""

from regulars.cli.database import DatabaseOption, JsonOption
from regulars.cli.output import print_json, print_table
from regulars.settings import load_settings, names


def show_settings(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """Show every setting: what holds here, and where it came from."""
    settings = load_settings({"database": database})
    rows = [(name, settings.shown(name), settings.source(name)) for name in names()]
    if as_json:
        print_json({name: {"value": value, "source": source} for name, value, source in rows})
    else:
        print_table(("setting", "value", "source"), rows)
