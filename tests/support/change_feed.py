"""Follower of the change feed, which rebuilds the customers from the changes only."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

PAGE_SIZE = 7
FINAL_ACTIONS = {"purged", "erased"}

Read = Callable[[Mapping[str, int]], Any]
"""Function that takes the parameters of a request for changes and returns the parsed response."""


class Follower:
    """Reads all changes from the start, and asserts that each one is consistent with those before it."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self.position = 0
        self.customers: dict[int, dict[str, Any]] = {}
        """Nonempty fields of each existing customer, by id."""
        self.changes: Counter[int] = Counter()
        """Number of changes of each customer, including deleted ones, by id."""
        self.deleted: set[int] = set()
        """Ids of customers whose data the feed no longer contains."""

    def read_new(self) -> None:
        """Read all new changes."""
        has_more = True
        while has_more:
            answer = self.read({"since": self.position, "limit": PAGE_SIZE})
            for change in answer["data"]:
                self.position += 1
                assert change["position"] == self.position
                self._apply(change)
            assert answer["meta"]["cursor"] == self.position
            has_more = answer["meta"]["has_more"]

    def _apply(self, change: Mapping[str, Any]) -> None:
        number, action, changed = change["customer_id"], change["action"], change["fields"]
        self.changes[number] += 1
        assert (action == "created") == (self.changes[number] == 1)
        # The feed no longer contains the data of a deleted customer. The change that deleted it follows later.
        if action in FINAL_ACTIONS or changed is None:
            self.customers.pop(number, None)
            self.deleted.add(number)
        else:
            has = self.customers.setdefault(number, {})
            for name, pair in changed.items():
                assert has.get(name, EMPTY_VALUES.get(name)) == pair["from"], change
                assert pair["from"] != pair["to"], change
                has[name] = pair["to"]
            has["updated_at"] = change["created_at"]
            self.customers[number] = {name: value for name, value in has.items() if value != EMPTY_VALUES.get(name)}


EMPTY_VALUES: Mapping[str, Any] = {"tags": []}
"""Empty values of fields, if they differ from None."""
