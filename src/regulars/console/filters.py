"""The filters of the customer table, as they stand in its address."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from regulars.api.customers.parameters import check_filters, parameters_for
from regulars.http.query_params import Query

POSITION = ("page", "cursor", "per_page", "limit", "include")
ORDER = ("sort_by", "sort_order")
LOOK = (*ORDER, "columns", "view")


class Filters:
    """The parameters in the address of the table.

    `typed` has their values as the customer list reads them. Times can be given as days: `created_since=2026-11-01` is
    the start of that day in the time zone of the business, and `created_until` its end. Raise `Invalid` if a value is
    not valid.
    """

    def __init__(self, query_string: str, zone: str) -> None:
        query = Query(query_string)
        self.values = dict(query.values)
        self._sent = self.values | _days_as_times(self.values, ZoneInfo(zone))
        query.values = self._sent
        self.typed = query.read(parameters_for(in_pages=True), check=check_filters)

    def get(self, name: str) -> str:
        """Return the value of a parameter; an empty string if it is not given."""
        return self.values.get(name, "")

    def list(self, name: str) -> list[str]:
        """Return the values of a parameter that are separated by commas."""
        return [value for value in self.get(name).split(",") if value]

    def changed(self, **changes: Any) -> dict[str, str]:
        """Return the parameters after `changes`, from the first page on. None removes a parameter."""
        kept = {name: value for name, value in self.values.items() if name not in POSITION}
        kept |= {name: str(value) for name, value in changes.items()}
        return {name: value for name, value in kept.items() if value not in {"", "None"}}

    def others(self, *names: str) -> dict[str, str]:
        """Return the parameters except `names`, from the first page on, for the hidden fields of a form."""
        return {name: value for name, value in self.values.items() if name not in (*POSITION, *names)}

    @property
    def cleared(self) -> dict[str, str]:
        """The parameters without all filters; the search stays."""
        return {name: value for name, value in self.values.items() if name in (*LOOK, "search")}

    @property
    def names(self) -> set[str]:
        """The names of the filters that are given, without the search."""
        return self.typed.keys() - {*POSITION, *ORDER, "search"}

    @property
    def as_json(self) -> dict[str, Any]:
        """The filters and the search as the API's bodies have them."""
        found = {name: value for name, value in self.typed.items() if name not in (*POSITION, *ORDER)}
        return {name: _json_value(value, self._sent[name]) for name, value in found.items()}


def address_of_view(filters: Mapping[str, Any], order: Mapping[str, str | None], columns: str) -> dict[str, str]:
    """Return the parameters for a saved view: its filters as the API has them, its order and its columns."""
    found = {name: _text(value) for name, value in filters.items() if value is not None}
    found |= {name: value for name, value in order.items() if value}
    return found | ({"columns": columns} if columns else {})


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _json_value(value: Any, sent: str) -> Any:
    if isinstance(value, bool | int):
        return value
    return list(value) if isinstance(value, tuple) else sent


def _days_as_times(values: Mapping[str, str], zone: ZoneInfo) -> dict[str, str]:
    found = {}
    for name, value in values.items():
        if name.endswith(("_since", "_until")):
            try:
                day = date.fromisoformat(value)
            except ValueError:
                continue
            day += timedelta(days=1 if name.endswith("_until") else 0)
            found[name] = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).strftime("%Y-%m-%dT%XZ")
    return found
