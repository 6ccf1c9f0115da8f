"""The counts of an import: what happened with its rows, and how often each reason occurred."""

from collections.abc import Sequence
from typing import Any

from regulars.customers.imports.apply import Outcome
from regulars.customers.issues import Remark
from regulars.i18n import to_builtins

MAX_REASONS = 100
SHOWN_ROWS = 5

ACTIONS = ("created", "updated", "unchanged", "skipped", "refused")


class Tally:
    """Counts of rows, by what happened with them, and of reasons. It can be stored as JSON values."""

    def __init__(self, stored: dict[str, Any] | None = None) -> None:
        stored = stored or {}
        self.counts: dict[str, int] = {action: stored.get(action, 0) for action in ACTIONS}
        self.reasons: list[dict[str, Any]] = stored.get("reasons", [])
        self._by_key = {(reason["kind"], reason["heading"], _key(reason["example"])): reason for reason in self.reasons}

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(self.counts.values())

    def add(self, number: int, outcome: Outcome, warnings: Sequence[Remark]) -> None:
        """Count a row."""
        self.counts[outcome.action] += 1
        for remark in outcome.reasons:
            self._add_reason(outcome.action, number, remark)
        for remark in warnings:
            self._add_reason("warning", number, remark)

    def _add_reason(self, kind: str, number: int, remark: Remark) -> None:
        example = to_builtins(remark.reason)
        key = (kind, remark.heading, _key(example))
        reason = self._by_key.get(key)
        if reason is None:
            if len(self.reasons) >= MAX_REASONS:
                return
            reason = {"kind": kind, "heading": remark.heading, "example": example, "count": 0, "rows": []}
            self._by_key[key] = reason
            self.reasons.append(reason)
        reason["count"] += 1
        if len(reason["rows"]) < SHOWN_ROWS:
            reason["rows"].append(number)

    def to_builtins(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return {**self.counts, "reasons": self.reasons}


def _key(message: Any) -> str:
    """Return what messages have in common that differ only in the values of rows."""
    if isinstance(message, str):
        return message
    rule = message["values"].get("rule")
    return f"{message['template']}{_key(rule) if isinstance(rule, dict) else ''}"
