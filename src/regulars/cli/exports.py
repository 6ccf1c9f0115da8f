"""`regulars export`"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regulars.cli.database import opened
from regulars.cli.filters import Filters, read_filters, with_filters
from regulars.cli.options import DatabaseOption, TenantOption
from regulars.cli.progress import progress_bar
from regulars.cli.writing import writing
from regulars.errors import RegularsError

if TYPE_CHECKING:
    from regulars.customers.exports.request import ExportRequest

FORMATS_BY_SUFFIX = {".xlsx": "xlsx", ".jsonl": "jsonl", ".ndjson": "jsonl", ".vcf": "vcard", ".vcard": "vcard"}


@with_filters
def export_customers(
    tenant: TenantOption,
    filters: Filters,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write. Default: standard output.")
    ] = None,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORMAT", help="csv, xlsx, jsonl or vcard. Default: by the name of FILE, else csv."
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Columns of the file. Default: all. vCard has its own fields.")
    ] = None,
    search: Annotated[str | None, typer.Option(metavar="WORDS", help="Words, as in the list of the API.")] = None,
    ids: Annotated[str | None, typer.Option(metavar="ID,ID…", help="Up to 100 ids of customers.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Export customers of a tenant as CSV, XLSX, JSON Lines or vCard.

    Without filters, all customers are exported, including those in the trash (but not in vCard). With filters or an
    order, the customers of the API's list are exported. A file in any format can be imported again.
    """
    from regulars.customers.exports.exporter import count_exported
    from regulars.customers.exports.exporter import export_customers as write_export

    own = {"format": file_format or _format_of(output), "columns": columns, "search": search, "ids": ids}
    request = _read_request({**filters, **{name: value for name, value in own.items() if value is not None}})
    if request.format == "xlsx" and output is None and sys.stdout.isatty():
        raise RegularsError("XLSX is not text, and cannot be shown on a terminal. Name a file with --output.")
    with opened(database) as (db, _):
        total = count_exported(db, tenant, request)
        with writing(output) as target, _progress(total) as advance:
            write_export(db, tenant, request, target, progress=advance)


def _format_of(output: Path | None) -> str:
    return FORMATS_BY_SUFFIX.get(output.suffix.lower(), "csv") if output else "csv"


def _read_request(values: Filters) -> "ExportRequest":
    """Return the request for the values of the options. Raise `Invalid` with every fault.

    The filters are read like the parameters of the API's list.
    """
    from regulars.api.customers.parameters import query_of
    from regulars.customers.exports.request import EXPORT_FORMATS, ExportRequest, read_columns
    from regulars.http.query_params import Parameter, choice_parameter

    read = read_filters(
        values,
        choice_parameter("format", "", "", options=EXPORT_FORMATS),
        Parameter("columns", {}, "", "", read_columns),
    )
    filters = {name: value for name, value in read.items() if name in values and name not in ("format", "columns")}
    query = query_of(filters, in_pages=True) if filters else None
    return ExportRequest(read["format"], read.get("columns", ()), query)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], object]]:
    """Show a progress bar. Yield a function to call with the number of customers written so far."""
    written = 0
    with progress_bar("Exporting", total) as advance:

        def show(count: int) -> None:
            nonlocal written
            advance(count - written)
            written = count

        yield show
