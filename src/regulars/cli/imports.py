"""`regulars import FILE`, `regulars import list`, `show` and `undo`"""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer._click.core import Context
from typer.core import TyperGroup

from regulars.cli.database import opened
from regulars.cli.import_file import import_file
from regulars.cli.options import DatabaseOption, JsonOption, TenantOption
from regulars.cli.output import print_json, print_line, print_table
from regulars.errors import RegularsError

IMPORT_FILE = "file"


class _ImportGroup(TyperGroup):
    """A group whose command `file` needs no name."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = [IMPORT_FILE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ImportGroup,
    help="Import customers from a file: 'regulars import FILE'. List and undo imports.",
    no_args_is_help=True,
)
app.command(IMPORT_FILE, help="Import a file. The name of this command can be left out.")(import_file)

ImportArgument = Annotated[str, typer.Argument(metavar="ID", help="The import's id; see 'regulars import list'.")]
COUNTS = ("created", "updated", "refused")


@app.command("list")
def list_all(
    tenant: TenantOption,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of imports.")] = 20,
    as_json: JsonOption = False,
    database: DatabaseOption = None,
) -> None:
    """List the imports of a tenant, newest first."""
    from regulars.api.imports.schemas import import_info
    from regulars.customers.imports.store import list_imports

    with opened(database) as (db, _):
        found = list_imports(db, tenant, limit=limit)
    if as_json:
        print_json([import_info(each, "en") for each in found])
        return
    rows = [
        [each.id, each.state, *_counts(each.result), f"{each.created_at:%Y-%m-%d %H:%M}", each.file_name]
        for each in found
    ]
    print_table(("id", "state", *COUNTS, "uploaded", "file"), rows)


def _counts(result: dict[str, Any] | None) -> list[str]:
    return [f"{result[name]:,}" if result else "" for name in COUNTS]


@app.command("show")
def show(import_id: ImportArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Show an import as JSON: its file, settings, preview and result."""
    from regulars.api.imports.schemas import import_info
    from regulars.customers.imports.store import get_import

    with opened(database) as (db, _):
        print_json(import_info(get_import(db, tenant, import_id), "en"))


@app.command("errors")
def errors(
    import_id: ImportArgument,
    tenant: TenantOption,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write. [default: standard output]")
    ] = None,
    kind: Annotated[str, typer.Option(help="refused or skipped.")] = "refused",
    database: DatabaseOption = None,
) -> None:
    """Write the refused rows of an import with the reasons: as CSV, or as a workbook if the file was a spreadsheet."""
    from regulars.cli.writing import writing
    from regulars.customers.imports.error_file import write_error_file
    from regulars.customers.imports.store import get_import

    if kind not in ("refused", "skipped"):
        raise RegularsError(f"--kind must be refused or skipped, not {kind!r}.")
    with opened(database) as (db, _):
        found = get_import(db, tenant, import_id)
        with writing(output) as target:
            write_error_file(db, found, "skipped" if kind == "skipped" else "refused", "en", target)


@app.command("undo")
def undo(import_id: ImportArgument, tenant: TenantOption, database: DatabaseOption = None) -> None:
    """Undo an import: remove the customers that it created, and restore those that it changed.

    A customer that has been changed since is kept, and printed with the reason.
    """
    from regulars.cli.running import run_here
    from regulars.customers.imports.store import get_import, start_undo
    from regulars.customers.issues import all_issues
    from regulars.permissions import COMMAND_LINE
    from regulars.security.tokens import new_id

    with opened(database) as (db, _):
        started = start_undo(db, get_import(db, tenant, import_id), COMMAND_LINE, claim=new_id())
        run_here(db, started.job, "Undoing")
        found = get_import(db, tenant, import_id)
        if found.undo_result is None or found.state != "undone":
            raise RegularsError(found.job.error or f"The undo is {found.job.state}.")
        for issue in all_issues(db, tenant, import_id, "kept"):
            print_line(f"customer {issue.number}: {' '.join(remark.reason for remark in issue.reasons)}")
    counts = found.undo_result
    print_line(f"Removed {counts['removed']:,}, restored {counts['restored']:,}, kept {counts['kept']:,} customers.")
