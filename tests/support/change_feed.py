"""A follower of the customers: somebody who knows of them by the feed of changes alone, from its beginning."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

READ_AT_ONCE = 7
LAST_ACTIONS = {"purged", "erased"}

Read = Callable[[Mapping[str, int]], Any]
"""Takes the parameters of a request for changes, and gives the content of its answer."""


class Follower:
    """Takes in the changes one by one, and sees to it that each follows from those before."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self.position = 0
        self.known: dict[int, dict[str, Any]] = {}
        """The fields of each customer that there is, without those that are empty."""
        self.changes: Counter[int] = Counter()
        """How many changes each customer had, also those that are gone."""
        self.forgotten: set[int] = set()
        """Customers of whom the feed does not say any more what they were."""

    def go_on(self) -> None:
        """Take in what is new."""
        has_more = True
        while has_more:
            answer = self.read({"since": self.position, "limit": READ_AT_ONCE})
            for change in answer["data"]:
                self.position += 1
                assert change["position"] == self.position
                self._take(change)
            assert answer["meta"]["cursor"] == self.position
            has_more = answer["meta"]["has_more"]

    def _take(self, change: Mapping[str, Any]) -> None:
        number, action, changed = change["customer_id"], change["action"], change["fields"]
        self.changes[number] += 1
        assert (action == "created") == (self.changes[number] == 1)
        # Of who is gone by now it does not say any more what it was; it comes to that end later.
        if action in LAST_ACTIONS or changed is None:
            self.known.pop(number, None)
            self.forgotten.add(number)
        else:
            has = self.known.setdefault(number, {})
            for name, pair in changed.items():
                assert has.get(name, EMPTY.get(name)) == pair["from"], change
                assert pair["from"] != pair["to"], change
                has[name] = pair["to"]
            has["updated_at"] = change["created_at"]
            self.known[number] = {name: value for name, value in has.items() if value != EMPTY.get(name)}


EMPTY: Mapping[str, Any] = {"tags": []}
"""What a field has that is empty, where that is not None."""
