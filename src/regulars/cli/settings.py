"""`regulars settings`"""

from regulars.cli.options import DatabaseOption, JsonOption
from regulars.cli.output import print_json, print_table
from regulars.settings import load_settings, setting_names


def show_settings(as_json: JsonOption = False, database: DatabaseOption = None) -> None:
    """Show the value of every setting, and its source."""
    settings = load_settings({"database": database})
    rows = [(name, settings.display_value(name), settings.source(name)) for name in setting_names()]
    if as_json:
        print_json({name: {"value": value, "source": source} for name, value, source in rows})
    else:
        print_table(("setting", "value", "source"), rows)
