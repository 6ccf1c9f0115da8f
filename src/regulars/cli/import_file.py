"""`regulars import FILE`"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, TenantOption
from regulars.cli.output import print_line
from regulars.db.database import Database
from regulars.errors import Invalid, RegularsError, Unavailable
from regulars.validation import without_control_characters

if TYPE_CHECKING:
    from regulars.customers.imports.settings import DetectedFile, ImportSettings
    from regulars.customers.imports.store import Import

SOME_REFUSED = 3
NOTHING_CHANGED = 1
SHOWN_REASONS = 10
DATE_ORDERS = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}


def import_file(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - reads standard input.")],
    tenant: TenantOption,
    yes: Annotated[bool, typer.Option("--yes", help="Import without a preview and without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be imported.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Import the file although it was imported before.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing if any row is refused.")] = False,
    errors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File for refused rows and the reasons. [default: FILE.errors.csv or .xlsx]"),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="HEADING=FIELD", help="Import a column as a field; HEADING= leaves it out."),
    ] = None,
    match_by: Annotated[
        str | None,
        typer.Option(help="How existing customers are found: id, email, phone_number, identity_number or none."),
    ] = None,
    on_match: Annotated[
        str | None, typer.Option(help="What happens with an existing customer: fill, overwrite, skip or create.")
    ] = None,
    date_order: Annotated[str | None, typer.Option(help="Order of day, month and year: dmy, mdy or ymd.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of a text file, such as windows-1254.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Character between the cells of a text file.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook. [default: the first one with data]")] = None,
    heading_row: Annotated[int | None, typer.Option(help="Number of the row that names the columns.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Import customers from a file: CSV, XLSX, XLS, ODS, vCard or JSON Lines.

    The columns are recognised by their names and values. They and a preview are shown, and the file is imported after a
    confirmation. Refused rows are written to an error file, which can be corrected and imported. Exit status: 0 all
    rows imported, 3 some rows refused, 1 nothing imported.
    """
    given = {
        "match_by": match_by,
        "on_match": on_match,
        "date_order": date_order,
        "encoding": encoding,
        "delimiter": "\t" if delimiter == "\\t" else delimiter,
        "sheet": sheet,
        "heading_row": heading_row,
        "strict": strict or None,
    }
    with opened(database) as (db, _), _reading(file) as source:
        session = _Import(db, tenant, Path("stdin.csv" if file == "-" else file), errors)
        session.upload(source)
        is_over = False
        try:
            session.choose({name: value for name, value in given.items() if value is not None}, mapping or [])
            session.confirm(is_certain=yes, is_trial=dry_run)
            session.run(again=again)
            is_over = True
        finally:
            if not is_over:
                session.discard()
        status = session.report()
    if status:
        raise typer.Exit(status)


class _Import:
    """The steps of an import on the command line."""

    def __init__(self, database: Database, tenant_id: int, path: Path, error_path: Path | None) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self.path = path
        self.error_path = error_path
        self.found: Import

    def upload(self, source: BinaryIO) -> None:
        """Store the file."""
        from regulars.customers.imports.settings import ImportSettings
        from regulars.customers.imports.store import create_import
        from regulars.jobs.files import store_file
        from regulars.permissions import COMMAND_LINE
        from regulars.security.tokens import new_id
        from regulars.tenants.tenants import get_tenant

        get_tenant(self.database, self.tenant_id)
        self._check_error_path()
        stored = store_file(self.database, self.tenant_id, new_id(), self.path.name, source)
        self.found = create_import(
            self.database, self.tenant_id, COMMAND_LINE, stored, ImportSettings(), claim=new_id()
        )

    def _check_error_path(self) -> None:
        """Raise `RegularsError` if the chosen error file is the imported file, or certainly cannot be written."""
        path = self.error_path
        if path is None:
            return
        if path.exists() and self.path.exists() and path.samefile(self.path):
            raise RegularsError(f"The error file {path} would overwrite the imported file.")
        if path.is_dir():
            raise RegularsError(f"The error file {path} is a directory.")
        if not path.parent.is_dir():
            raise RegularsError(f"The error file {path} cannot be written: its directory does not exist.")

    def choose(self, given: dict[str, Any], mapping: Sequence[str]) -> None:
        """Examine the file with the given settings."""
        from regulars.api.imports.body import CHOICES, read_settings
        from regulars.customers.imports.store import change_settings
        from regulars.permissions import COMMAND_LINE
        from regulars.security.tokens import new_id

        choices = {name: value for name, value in given.items() if name in CHOICES}
        if choices:
            self._end_detection()
            settings = read_settings(choices, self.found)
            self.found = change_settings(self.database, self.found, settings, COMMAND_LINE, claim=new_id())
        self._work("Reading the file")
        if self.found.detected is None or self.found.state != "ready":
            raise RegularsError(self.found.job.error or "The file was not read.")
        self._check_choices(choices, self.found.detected)
        others = {name: value for name, value in given.items() if name not in CHOICES}
        if mapping:
            others["mapping"] = _mapping(self.found, mapping)
        if others:
            settings = read_settings(others, self.found)
            self.found = change_settings(self.database, self.found, settings, COMMAND_LINE, claim=new_id())
            self._work("Reading the file")

    def _end_detection(self) -> None:
        """End the job that would read the file without the given choices."""
        from regulars.customers.imports.store import get_import
        from regulars.jobs.queue import JobEnd, end_job

        end_job(self.database, self.found.job, JobEnd("failed"))
        self.found = get_import(self.database, self.tenant_id, self.found.id)

    def _check_choices(self, choices: dict[str, Any], detected: "DetectedFile") -> None:
        """Raise `RegularsError` if a choice does not fit the format, and would be ignored."""
        if "sheet" in choices and not detected.sheets:
            raise RegularsError(f"A {detected.format} file has no sheets. Leave out --sheet.")
        if "encoding" in choices and detected.encoding is None:
            raise RegularsError(f"The {detected.format} file is not a text file. Leave out --encoding.")

    def confirm(self, *, is_certain: bool, is_trial: bool) -> None:
        """Show what was found and a preview, and ask whether it is right. Exit if it is not."""
        from regulars.api.imports.body import check_settings
        from regulars.customers.imports.detect import mapping_of
        from regulars.customers.imports.mapping import is_own_format

        detected = self.found.detected
        assert detected is not None  # noqa: S101 - for the type checker
        _explain(detected, self.found.settings)
        check_settings(self.found)
        # A file in our own format needs no interpretation, so scripts may import it without a question.
        needs_answer = not is_own_format(mapping_of(self.found)) or sys.stdin.isatty()
        if is_trial or not (is_certain or not needs_answer):
            self._preview()
        if is_trial:
            print_line("Nothing was imported, because of --dry-run.")
            raise typer.Exit
        if not is_certain and needs_answer:
            _ask()

    def _preview(self) -> None:
        from regulars.customers.imports.store import start_preview
        from regulars.permissions import COMMAND_LINE
        from regulars.security.tokens import new_id

        self.found = start_preview(self.database, self.found, COMMAND_LINE, claim=new_id())
        self._work("Checking the rows")
        if self.found.preview is None:
            raise RegularsError(self.found.job.error or "The preview was cancelled.")
        counts = self.found.preview
        print_line(
            f"Of {_rows(_sum(counts))}: {counts['created']:,} new customers, {counts['updated']:,} updated,"
            f" {counts['unchanged']:,} unchanged, {counts['skipped']:,} skipped, {counts['refused']:,} refused."
        )
        if counts["new_tags"]:
            print_line(f"New tags: {without_control_characters(', '.join(counts['new_tags']))}.")
        for field, count in counts["duplicates_in_file"].items():
            print_line(f"{_rows(count)} have the same {field} as an earlier row.")
        _print_reasons(counts)

    def run(self, *, again: bool) -> None:
        """Import the file."""
        from regulars.customers.imports.store import start_import
        from regulars.errors import Conflict
        from regulars.permissions import COMMAND_LINE
        from regulars.security.tokens import new_id

        try:
            self.found = start_import(self.database, self.found, COMMAND_LINE, is_confirmed=again, claim=new_id())
        except Conflict as error:
            if error.errors and "confirm" in error.errors:
                raise RegularsError(f"{error.message} To confirm, add --again.") from None
            raise
        try:
            self._work("Importing")
        except KeyboardInterrupt:
            print_line(f"Cancelled. To remove what was imported: {self._undo_command()}")
            raise
        except Unavailable:
            print_line("The import is not complete. It continues as soon as 'regulars serve' or 'regulars work' runs.")
            raise

    def report(self) -> int:
        """Print the result, and write the error file. Return the exit status."""
        result = self.found.result
        if self.found.job.is_active:
            command = f"regulars import show {self.found.id} --tenant {self.tenant_id}"
            raise RegularsError(f"Another process continues the import. To see its state: {command}")
        if self.found.state != "imported" or result is None:
            reason = self.found.job.error or f"The import is {self.found.state}."
            raise RegularsError(f"{reason}{self._write_errors()}")
        imported = result["created"] + result["updated"] + result["unchanged"]
        updated = (
            f" ({result['updated']:,} updated, {result['unchanged']:,} unchanged)"
            if imported != result["created"]
            else ""
        )
        skipped = f" {_rows(result['skipped'])} skipped." if result["skipped"] else ""
        refused = self._write_errors()
        print_line(
            f"Imported {_rows(imported)}{updated}.{skipped}{refused}" if imported else f"Imported nothing.{refused}"
        )
        if imported > result["unchanged"]:
            print_line(f"To undo: {self._undo_command()}")
        if not result["refused"]:
            return 0
        return SOME_REFUSED if imported else NOTHING_CHANGED

    def discard(self) -> None:
        """Delete an import that was not started, and its file."""
        from regulars.customers.imports.store import discard_import, get_import

        found = get_import(self.database, self.tenant_id, self.found.id)
        if found.started_at is None:
            discard_import(self.database, found)

    def _undo_command(self) -> str:
        return f"regulars import undo {self.found.id} --tenant {self.tenant_id}"

    def _write_errors(self) -> str:
        """Write the error file if rows were refused. Return a sentence about it, after a space."""
        from regulars.customers.imports.error_file import error_file_name, write_error_file
        from regulars.customers.issues import list_issues

        if not list_issues(self.database, self.tenant_id, self.found.id, "refused", limit=1):
            return ""
        suffix = Path(error_file_name(self.found)).suffix
        path = self.error_path or self.path.with_name(f"{self.path.name}.errors{suffix}")
        count = (self.found.result or {}).get("refused", 0)
        refused = f" {_rows(count)} {'was' if count == 1 else 'were'} refused" if count else ""
        try:
            with path.open("wb") as target:
                write_error_file(self.database, self.found, "refused", "en", target)
        except OSError as error:
            self._say_without_file(path, error)
            return f"{refused}." if refused else ""
        return f"{refused}, see {path}." if refused else f" See {path}."

    def _say_without_file(self, path: Path, error: OSError) -> None:
        """Say that the error file was not written. The rows have been imported, so this is no failure of the import."""
        kept = "The import itself is complete. " if self.found.state == "imported" else ""
        command = f"regulars import errors {self.found.id} --tenant {self.tenant_id}"
        sys.stderr.write(
            f"regulars: The error file {path} cannot be written: {error.strerror}."
            f" {kept}To get the refused rows: {command}\n"
        )

    def _work(self, label: str) -> None:
        """Run the job of the import, if it has one to run, and read the import again."""
        from regulars.cli.running import run_here
        from regulars.customers.imports.store import get_import

        if self.found.job.is_active:
            run_here(self.database, self.found.job, label)
        self.found = get_import(self.database, self.tenant_id, self.found.id)


def _mapping(found: "Import", given: Sequence[str]) -> list[str | None]:
    """Return the targets of all columns, with those that were given as HEADING=FIELD."""
    columns = found.detected.columns if found.detected else []
    targets = list(found.settings.mapping or ())
    faults = []
    for text in given:
        heading, equals, target = text.rpartition("=")
        positions = [place for place, column in enumerate(columns) if column.heading == heading]
        if not equals or not positions:
            headings = ", ".join(column.heading for column in columns)
            faults.append(f"--map must be HEADING=FIELD with one of these headings: {headings}. {text!r} is not.")
            continue
        # Another column that has this target gives it up.
        targets = [None if each == target else each for each in targets]
        targets[positions[0]] = target or None
    if faults:
        raise Invalid({"map": faults})
    return targets


def _explain(detected: "DetectedFile", settings: "ImportSettings") -> None:
    """Print what was recognised: the format, what each column is imported as, and doubts about the dates."""
    details = ", ".join(each for each in (detected.format, detected.encoding, detected.sheet) if each)
    print_line(f"The file ({without_control_characters(details)}, {_rows(detected.rows)}) has these columns:")
    headings = [without_control_characters(column.heading) for column in detected.columns]
    width = max(map(len, headings), default=0)
    for heading, target in zip(headings, settings.mapping or (), strict=True):
        print_line(f"  {heading:{width}}  {target or 'not imported'}")
    if detected.contradicting_dates:
        examples = without_control_characters(" and ".join(detected.contradicting_dates))
        print_line(f"The dates of birth contradict each other: {examples}.")
    if detected.dates_are_ambiguous:
        order = DATE_ORDERS[detected.date_order]
        print_line(f"The dates of birth are read as {order}; the file does not show whether this is right.")
    if settings.match_by != "none":
        print_line(f"Customers with the same {settings.match_by}: {settings.on_match}.")


def _print_reasons(counts: dict[str, Any]) -> None:
    from regulars.i18n import from_builtins

    for reason in counts["reasons"][:SHOWN_REASONS]:
        rows = ", ".join(map(str, reason["rows"])) + ("…" if reason["count"] > len(reason["rows"]) else "")
        example = without_control_characters(from_builtins(reason["example"]))
        print_line(f"  {reason['count']:,} {reason['kind']} (rows {rows}): {example}")


def _ask() -> None:
    """Ask whether the columns are right. Raise `RegularsError` if nobody can answer, and exit if they are not."""
    if not sys.stdin.isatty():
        raise RegularsError("Nothing was imported. If the columns above are right, add --yes.")
    if not typer.confirm("Import the file like this?"):
        print_line("Nothing was imported.")
        raise typer.Exit(NOTHING_CHANGED)


@contextmanager
def _reading(file: str) -> Iterator[BinaryIO]:
    try:
        if file == "-":
            with TemporaryFile() as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
                copy.seek(0)
                yield copy
        else:
            with Path(file).open("rb") as source:
                yield source
    except OSError as error:
        raise RegularsError(f"The file {file} cannot be read: {error.strerror}.") from None


def _sum(counts: dict[str, Any]) -> int:
    return sum(counts[name] for name in ("created", "updated", "unchanged", "skipped", "refused"))


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"
