"""`regulars import`, `regulars seed`"""

import csv
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TextIO

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, TenantOption
from regulars.cli.output import print_line
from regulars.cli.progress import progress_bar
from regulars.db.database import Database
from regulars.errors import Malformed, RegularsError
from regulars.validation import without_control_characters

if TYPE_CHECKING:
    from regulars.customers.csv.importer import ImportResult
    from regulars.customers.imports.importer import ForeignFile
    from regulars.customers.imports.table import Choices

SOME_REFUSED = 3
NOTHING_CHANGED = 1
DATE_ORDERS = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}


def import_customers(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - reads a CSV file from standard input.")],
    tenant: TenantOption,
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing if any row is bad.")] = False,
    errors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File for bad rows and their errors. [default: FILE.errors.csv]"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Import without asking whether the columns are right.")] = False,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a text file, such as windows-1254.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook. [default: the first one with data]")] = None,
    database: DatabaseOption = None,
) -> None:
    """Import customers from a file: CSV, XLSX, XLS, ODS, vCard or JSON Lines.

    The columns of other programs are recognised by their names and values, shown, and imported after a confirmation.
    Bad rows are skipped and written to an error file. A broken file changes nothing. Exit status: 0 all rows imported,
    3 some rows refused, 1 nothing changed.
    """
    from regulars.customers.imports.table import Choices

    faults = _ErrorFile(errors or Path("stdin.errors.csv" if file == "-" else f"{file}.errors.csv"), file)
    with opened(database) as (db, _), faults:
        if encoding is None and sheet is None and _is_our_format(file):
            result = _import_ours(db, tenant, file, faults, strict=strict)
        else:
            choices = Choices(encoding=encoding, sheet=sheet)
            result = _import_foreign(db, tenant, Path(file), choices, faults, strict=strict, yes=yes)
    refused = f"{_rows(result.refused)} {'was' if result.refused == 1 else 'were'} refused, see {faults.path}"
    if not result.refused:
        print_line(f"Imported {_rows(result.imported)}.")
        return
    if not result.imported:
        print_line(f"Imported nothing: {refused}.")
        raise typer.Exit(NOTHING_CHANGED)
    print_line(f"Imported {_rows(result.imported)}; {refused}.")
    raise typer.Exit(SOME_REFUSED)


def _is_our_format(file: str) -> bool:
    """Tell whether a file is CSV with the columns of an export. Other programs' files can only be read from a path."""
    from regulars.customers.csv.format import open_csv

    if file == "-" or not Path(file).is_file():
        return True
    with _reading(file) as source:
        try:
            open_csv(source)
        except Malformed:
            return False
    return True


def _import_ours(db: Database, tenant: int, file: str, faults: "_ErrorFile", *, strict: bool) -> "ImportResult":
    from regulars.customers.csv.importer import import_csv

    with _reading(file) as source:
        size = None if file == "-" or not Path(file).is_file() else Path(file).stat().st_size
        with _progress("Importing", size) as advance:
            return import_csv(
                db, tenant, source, faults.add, strict=strict, progress=lambda _: size and advance(source.tell())
            )


def _import_foreign(
    db: Database, tenant: int, path: Path, choices: "Choices", faults: "_ErrorFile", *, strict: bool, yes: bool
) -> "ImportResult":
    from regulars.customers.imports.importer import import_foreign_file, open_foreign_file

    # Several passes over the file need a path. Report now if it cannot be read.
    if path == Path("-"):
        raise RegularsError("Only CSV in UTF-8 can be read from standard input. Name a file instead.")
    with _reading(str(path)):
        opened_file = open_foreign_file(db, tenant, path, choices)
    _check_choices(opened_file, choices)
    _explain(opened_file)
    if not yes:
        _ask()
    with _progress("Importing", None) as advance:
        return import_foreign_file(db, tenant, opened_file, faults.add, strict=strict, progress=advance)


def _check_choices(file: "ForeignFile", choices: "Choices") -> None:
    """Raise `RegularsError` if a choice does not fit the format, and would be ignored."""
    if choices.sheet is not None and not file.table.sheets:
        raise RegularsError(f"A {file.table.format} file has no sheets. Leave out --sheet.")
    if choices.encoding is not None and file.table.encoding is None:
        raise RegularsError(f"The {file.table.format} file is not a text file. Leave out --encoding.")


def _explain(file: "ForeignFile") -> None:
    """Print what was recognised: the format, what each column is imported as, and doubts about the dates."""
    table, dates = file.table, file.dates
    details = ", ".join(each for each in (table.format, table.encoding, table.sheet) if each)
    print_line(f"The file ({without_control_characters(details)}) has these columns:")
    headings = [without_control_characters(column.heading) for column in file.mapping]
    width = max(map(len, headings))
    for heading, column in zip(headings, file.mapping, strict=True):
        print_line(f"  {heading:{width}}  {column.target or 'not imported'}")
    if dates.contradiction:
        examples = without_control_characters(" and ".join(dates.contradiction))
        print_line(f"The dates of birth contradict each other: {examples}.")
    if dates.is_ambiguous:
        order = DATE_ORDERS[dates.order.value]
        print_line(f"The dates of birth are read as {order}; the file does not show whether this is right.")


def _ask() -> None:
    """Ask whether the columns are right. Raise `RegularsError` if nobody can answer, and stop if they are not."""
    if not sys.stdin.isatty():
        raise RegularsError("Nothing was imported. If the columns above are right, add --yes.")
    if not typer.confirm("Import the file like this?"):
        print_line("Nothing was imported.")
        raise typer.Exit(NOTHING_CHANGED)


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


class _ErrorFile:
    """A CSV file of errors, created when the first error is added."""

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self._source = Path(source)
        self._file: TextIO | None = None
        self._stack = ExitStack()

    def __enter__(self) -> None:
        self._stack.__enter__()

    def __exit__(self, *raised: object) -> None:
        # If the file could not be written, `add` has already raised an error.
        with suppress(OSError):
            self._stack.close()

    def add(self, line: int, column: str, reason: str) -> None:
        try:
            if self._file is None:
                self._file = self._opened()
                csv.writer(self._file, lineterminator="\n").writerow(("line", "column", "reason"))
            csv.writer(self._file, lineterminator="\n").writerow((line, column, reason))
        except OSError as error:
            raise RegularsError(f"The error file {self.path} cannot be written: {error.strerror}.") from None

    def _opened(self) -> TextIO:
        if self.path.exists() and self._source.exists() and self.path.samefile(self._source):
            raise RegularsError(f"The error file {self.path} would overwrite the imported file.")
        # Write each line immediately, so that a full disk is noticed before the import is committed.
        return self._stack.enter_context(self.path.open("w", encoding="utf-8", newline="", buffering=1))


@contextmanager
def _reading(file: str) -> Iterator[BinaryIO]:
    try:
        if file == "-":
            yield sys.stdin.buffer
        else:
            with Path(file).open("rb") as source:
                yield source
    except OSError as error:
        raise RegularsError(f"The file {file} cannot be read: {error.strerror}.") from None


@contextmanager
def _progress(what: str, total: int | None) -> Iterator[Callable[[int], object]]:
    """Show a progress bar on standard error, if that is a terminal. Yield a function to call with the position."""
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)

        def advance(done: int) -> None:
            bar.update(task, completed=done, description="Finishing" if done == total else what)

        yield advance


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
