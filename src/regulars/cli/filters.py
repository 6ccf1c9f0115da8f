"""The options of commands that filter and sort customers like the API's list."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

import typer

if TYPE_CHECKING:
    from regulars.http.query_params import Parameter

Command = Callable[..., None]
Filters = Mapping[str, str]
"""The options that were given, as text, by the names of the API's parameters."""


def _time(help_text: str) -> Any:
    return Annotated[str | None, typer.Option(metavar="TIME", help=help_text)]


FILTER_OPTIONS: Mapping[str, Any] = {
    "gender": Annotated[str | None, typer.Option(metavar="GENDER", help="female, male or other.")],
    "min_age": Annotated[str | None, typer.Option(metavar="YEARS", help="Minimum age.")],
    "max_age": Annotated[str | None, typer.Option(metavar="YEARS", help="Maximum age.")],
    "user_id": Annotated[str | None, typer.Option(metavar="ID", help="Assigned user.")],
    "user_ids": Annotated[str | None, typer.Option(metavar="IDS", help="Any of these assigned users, such as 1,2.")],
    "tag_id": Annotated[str | None, typer.Option(metavar="IDS", help="Any of these tags, such as 1,2.")],
    "country_id": Annotated[str | None, typer.Option(metavar="IDS", help="Any of these countries.")],
    "channel_id": Annotated[str | None, typer.Option(metavar="IDS", help="Any of these default channels.")],
    "without": Annotated[
        str | None,
        typer.Option(
            metavar="FIELDS",
            help="Customers without any of these fields: gender, date_of_birth, user_id, country_id, channel_id.",
        ),
    ],
    "birthday_from": Annotated[
        str | None, typer.Option(metavar="MM-DD", help="Birthday on this day or later; with --birthday-to.")
    ],
    "birthday_to": Annotated[
        str | None, typer.Option(metavar="MM-DD", help="Birthday on this day or earlier; with --birthday-from.")
    ],
    "created_since": _time("Creation at this time or later, such as 2026-11-07T05:31:56Z."),
    "created_until": _time("Creation before this time."),
    "updated_since": _time("Last change at this time or later, such as 2026-11-07T05:31:56Z."),
    "updated_until": _time("Last change before this time."),
    "trashed": Annotated[bool | None, typer.Option("--trashed", help="Customers in the trash.")],
    "sort_by": Annotated[
        str | None,
        typer.Option(
            metavar="FIELD",
            help="first_name, last_name, date_of_birth, gender, created_at or updated_at."
            " Default: created_at, newest first.",
        ),
    ],
    "sort_order": Annotated[str | None, typer.Option(metavar="ORDER", help="asc or desc.")],
}
"""The types of the options, by the names of the API's parameters."""


def with_filters(command: Command) -> Command:
    """Return the command with `FILTER_OPTIONS` in the place of its parameter `filters`, which gets their values."""
    signature = inspect.signature(command)

    @wraps(command)
    def with_options(**values: Any) -> None:
        given = {name: values.pop(name) for name in FILTER_OPTIONS}
        filters = {name: "true" if value is True else value for name, value in given.items() if value is not None}
        command(**values, filters=filters)

    parameters = []
    for parameter in signature.parameters.values():
        own = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        parameters += _option_parameters() if parameter.name == "filters" else [own]
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return with_options


def _option_parameters() -> list[inspect.Parameter]:
    kind = inspect.Parameter.KEYWORD_ONLY
    return [inspect.Parameter(name, kind, default=None, annotation=type_) for name, type_ in FILTER_OPTIONS.items()]


def read_filters(filters: Filters, *own: "Parameter") -> dict[str, Any]:
    """Return the values of options, read like the parameters of the API's list.

    `own` are further parameters of the command, or replace those with the same name. Raise `Invalid` with every fault.
    """
    from regulars.api.customers.parameters import PARAMETERS, check_filters
    from regulars.http.query_params import Query

    names = {parameter.name for parameter in own}
    parameters = [*own, *(parameter for parameter in PARAMETERS if parameter.name not in names)]
    return Query(urlencode(filters, errors="surrogateescape")).read(parameters, check=check_filters)
