"""`regulars export`"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

from regulars.cli.database import opened
from regulars.cli.options import DatabaseOption, TenantOption
from regulars.cli.progress import progress_bar
from regulars.cli.writing import writing
from regulars.errors import RegularsError

if TYPE_CHECKING:
    from regulars.customers.exports.request import ExportRequest

FORMATS_BY_SUFFIX = {".xlsx": "xlsx", ".jsonl": "jsonl", ".ndjson": "jsonl", ".vcf": "vcard", ".vcard": "vcard"}


def export_customers(
    tenant: TenantOption,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write. [default: standard output]")
    ] = None,
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORMAT", help="csv, xlsx, jsonl or vcard. [default: by the name of FILE, else csv]"
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Columns of the file. [default: all; vCard has its own fields]")
    ] = None,
    search: Annotated[str | None, typer.Option(metavar="WORDS", help="Words, as in the list of the API.")] = None,
    gender: Annotated[str | None, typer.Option(help="male, female or other.")] = None,
    min_age: Annotated[str | None, typer.Option(metavar="YEARS", help="Minimum age.")] = None,
    max_age: Annotated[str | None, typer.Option(metavar="YEARS", help="Maximum age.")] = None,
    user_id: Annotated[str | None, typer.Option(metavar="ID", help="Assigned user.")] = None,
    tag_id: Annotated[str | None, typer.Option(metavar="ID", help="Tag.")] = None,
    country_id: Annotated[str | None, typer.Option(metavar="ID", help="Country.")] = None,
    channel_id: Annotated[str | None, typer.Option(metavar="ID", help="Default channel.")] = None,
    updated_since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Last change at this time or later: 2026-11-07T05:31:56Z.")
    ] = None,
    ids: Annotated[str | None, typer.Option(metavar="ID,ID…", help="Up to 100 ids of customers.")] = None,
    trashed: Annotated[bool, typer.Option("--trashed", help="Customers in the trash.")] = False,
    sort_by: Annotated[str | None, typer.Option(metavar="FIELD", help="Sort by a field, as in the API.")] = None,
    sort_order: Annotated[str | None, typer.Option(metavar="ORDER", help="asc or desc.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Export customers of a tenant as CSV, XLSX, JSON Lines or vCard.

    Without filters, all customers are exported, including those in the trash (but not in vCard). With filters or an
    order, the customers of the API's list are exported. A file in any format can be imported again.
    """
    from regulars.customers.exports.exporter import count_exported
    from regulars.customers.exports.exporter import export_customers as write_export

    chosen = {
        "format": file_format or _format_of(output),
        "columns": columns,
        "search": search,
        "gender": gender,
        "min_age": min_age,
        "max_age": max_age,
        "user_id": user_id,
        "tag_id": tag_id,
        "country_id": country_id,
        "channel_id": channel_id,
        "updated_since": updated_since,
        "ids": ids,
        "trashed": "true" if trashed else None,
        "sort_by": sort_by,
        "sort_order": sort_order,
    }
    request = _read_request({name: value for name, value in chosen.items() if value is not None})
    if request.format == "xlsx" and output is None and sys.stdout.isatty():
        raise RegularsError("XLSX is not text, and cannot be shown on a terminal. Name a file with --output.")
    with opened(database) as (db, _):
        total = count_exported(db, tenant, request)
        with writing(output) as target, _progress(total) as advance:
            write_export(db, tenant, request, target, progress=advance)


def _format_of(output: Path | None) -> str:
    return FORMATS_BY_SUFFIX.get(output.suffix.lower(), "csv") if output else "csv"


def _read_request(values: Mapping[str, str]) -> "ExportRequest":
    """Return the request for the values of the options. Raise `Invalid` with every fault.

    The filters are read like the parameters of the API's list.
    """
    from regulars.api.customers.parameters import PARAMETERS, check_ages, query_of
    from regulars.customers.exports.request import EXPORT_FORMATS, ExportRequest, read_columns
    from regulars.http.query_params import Parameter, Query, choice_parameter

    own = (
        choice_parameter("format", "", "", options=EXPORT_FORMATS),
        Parameter("columns", {}, "", "", read_columns),
    )
    filters = [parameter for parameter in PARAMETERS if parameter.name in values]
    read: dict[str, Any] = Query(urlencode(values)).read([*own, *filters], check=check_ages)
    file_format, columns = read.pop("format"), read.pop("columns", ())
    return ExportRequest(file_format, columns, query_of(read, in_pages=True) if read else None)


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
