"""The order of day, month and year in a column of dates, decided once for the whole column."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from regulars.customers.imports.cells import Cell, filled_text
from regulars.customers.imports.dates import DateOrder, read_date

Orders = frozenset[DateOrder]


@dataclass(frozen=True, slots=True)
class ColumnDates:
    """The order of the dates in a column."""

    order: DateOrder
    is_ambiguous: bool = False
    """True if the values also give dates in another order, so that the order is a guess."""
    contradiction: tuple[str, str] | None = None
    """Two values that no order fits; one fits the order of the column."""


def usual_date_order(locale: str, country: str) -> DateOrder:
    """Return the order that people write in the country of a locale such as tr-TR, or else in `country`."""
    from babel import Locale, UnknownLocaleError

    region = locale.rpartition("-")[2]
    try:
        pattern = Locale.parse(f"und_{region if region.isupper() else country}").date_formats["short"].pattern
        return DateOrder("".join(sorted("dmy", key=pattern.lower().index)))
    except (UnknownLocaleError, ValueError):
        return DateOrder.DAY_MONTH_YEAR


def decide_date_order(cells: Iterable[Cell], usual: DateOrder, today: date) -> ColumnDates:
    """Return the order of the dates in a column. `usual` decides if the values do not.

    If values contradict each other, it is the order of most of them. Cells that are no dates are ignored.
    """
    votes = _Votes()
    for cell in cells:
        votes.add(filled_text(cell) if isinstance(cell, str) else cell, today)
    return votes.decide(usual)


class _Votes:
    """The orders in which the values of a column can be read."""

    def __init__(self) -> None:
        self.counts: Counter[Orders] = Counter()
        self.examples: dict[Orders, str] = {}
        self.is_ambiguous = False
        self.has_years_first = False

    def add(self, cell: Cell, today: date) -> None:
        """Count a value. Only text can be read in several orders."""
        if not isinstance(cell, str) or not cell:
            return
        readings = _readings(cell, today)
        if len(readings) == len(DateOrder) and len(set(readings.values())) == 1:
            self.has_years_first |= cell[:4].isdigit()
        elif readings:
            orders = frozenset(readings)
            self.counts[orders] += 1
            self.examples.setdefault(orders, cell)
            self.is_ambiguous |= len(set(readings.values())) > 1

    def decide(self, usual: DateOrder) -> ColumnDates:
        """Return the order."""
        if not self.counts:
            return ColumnDates(DateOrder.YEAR_MONTH_DAY if self.has_years_first else usual)
        common = frozenset(DateOrder).intersection(*self.counts)
        preferred = sorted(DateOrder, key=lambda order: order != usual)
        if not common:
            return self._decide_by_majority(preferred)
        order = next(order for order in preferred if order in common)
        return ColumnDates(order, is_ambiguous=self.is_ambiguous and len(common) > 1)

    def _decide_by_majority(self, preferred: list[DateOrder]) -> ColumnDates:
        order = max(preferred, key=lambda each: sum(count for orders, count in self.counts.items() if each in orders))
        by_size = sorted(self.counts, key=len)
        fitting = next(orders for orders in by_size if order in orders)
        other = next(orders for orders in by_size if order not in orders)
        return ColumnDates(order, contradiction=(self.examples[fitting], self.examples[other]))


def _readings(text: str, today: date) -> dict[DateOrder, date]:
    found: dict[DateOrder, date] = {}
    for order in DateOrder:
        try:
            found[order] = read_date(text, order, today)
        except ValueError:
            continue
    return found
