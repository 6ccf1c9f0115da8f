"""What commands print: for people, for scripts (tab-separated), or as JSON."""

import sys
from collections.abc import Sequence

import msgspec


def print_line(text: object) -> None:
    """A line on stdout."""
    sys.stdout.write(f"{text}\n")


def print_json(value: object) -> None:
    """A value as JSON on stdout."""
    print_line(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_created(thing: msgspec.Struct, *, as_json: bool) -> None:
    """The id of what was made, and nothing else; or the whole of it as JSON."""
    if as_json:
        print_json(thing)
    else:
        print_line(getattr(thing, "id"))  # noqa: B009 - every such thing has one


def print_list(things: Sequence[msgspec.Struct], columns: Sequence[str], *, as_json: bool) -> None:
    """A table on a terminal, tab-separated lines for a script, or a JSON list."""
    if as_json:
        print_json(list(things))
    else:
        print_table(columns, [[_text(getattr(thing, column)) for column in columns] for thing in things])


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The same for rows of texts."""
    if not sys.stdout.isatty():
        for row in rows:
            print_line("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
