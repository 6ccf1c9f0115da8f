"""The filters of the customer table, as they stand in its address."""

from collections.abc import Mapping
from typing import Any

POSITION = ("page", "cursor", "per_page", "limit", "include")


class Filters:
    """The parameters in the address of the table, by name."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = dict(values)

    def get(self, name: str) -> str:
        """Return the value of a parameter; an empty string if it is not given."""
        return self.values.get(name, "")

    def has(self, *names: str) -> bool:
        """Tell whether one of the parameters is given."""
        return any(name in self.values for name in names)

    def changed(self, **changes: Any) -> dict[str, str]:
        """Return the parameters after `changes`, from the first page on. None removes a parameter."""
        kept = {name: value for name, value in self.values.items() if name not in POSITION}
        kept |= {name: str(value) for name, value in changes.items()}
        return {name: value for name, value in kept.items() if value not in {"", "None"}}

    def others(self, *names: str) -> dict[str, str]:
        """Return the parameters except `names`, from the first page on, for the hidden fields of a form."""
        return {name: value for name, value in self.values.items() if name not in (*POSITION, *names)}
