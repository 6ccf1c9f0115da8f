"""Output of commands: tables for people, tab-separated lines for scripts, or JSON."""

import sys
from collections.abc import Sequence

import msgspec


def print_line(text: object) -> None:
    """Print a line to standard output."""
    sys.stdout.write(f"{text}\n")


def print_json(value: object) -> None:
    """Print a value as JSON to standard output."""
    print_line(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_created(thing: msgspec.Struct, *, as_json: bool) -> None:
    """Print the id of a new object, or the whole object as JSON."""
    if as_json:
        print_json(thing)
    else:
        print_line(getattr(thing, "id"))  # noqa: B009 - every such thing has one


def print_list(things: Sequence[msgspec.Struct], columns: Sequence[str], *, as_json: bool) -> None:
    """Print `columns` of the objects like `print_table`, or the whole objects as a JSON list."""
    if as_json:
        print_json(list(things))
    else:
        print_table(columns, [[_text(getattr(thing, column)) for column in columns] for thing in things])


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with a header on a terminal; otherwise print tab-separated lines without a header."""
    if not sys.stdout.isatty():
        for row in rows:
            print_line("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(*(Column(name, overflow="fold") for name in columns), box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode().strip('"')
