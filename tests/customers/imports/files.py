"""Files that the tests of imports open."""

from pathlib import Path

from regulars.customers.imports.formats import Cell, Choices, Table, open_table


def open_bytes(
    folder: Path, content: bytes | str, name: str = "customers.csv", choices: Choices | None = None
) -> Table:
    """Write a file and open it; text is written as UTF-8."""
    path = folder / "upload"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_table(path, name, choices or Choices())


def numbered_cells(table: Table) -> list[tuple[int, list[Cell]]]:
    """Return the numbers and cells of all rows, none of which has an error."""
    rows = list(table.rows())
    assert [row.error for row in rows if row.error] == []
    return [(row.number, list(row.cells)) for row in rows]


def cells(table: Table) -> list[list[Cell]]:
    """Return the cells of all rows, none of which has an error."""
    return [row_cells for _number, row_cells in numbered_cells(table)]


def errors(table: Table) -> list[tuple[int, str]]:
    """Return the numbers and errors of the rows that have one."""
    return [(row.number, str(row.error)) for row in table.rows() if row.error]
