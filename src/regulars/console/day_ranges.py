"""Ranges of days that people often look for, in links of the filters."""

from datetime import date, timedelta
from typing import NamedTuple

from regulars.i18n import _


class DayRange(NamedTuple):
    """A range of days, both included."""

    words: str
    first: date
    last: date


def day_ranges(today: date) -> list[DayRange]:
    """Return today, this week from Monday on, and this month."""
    monday = today - timedelta(days=today.weekday())
    first = today.replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return [
        DayRange(_("Today"), today, today),
        DayRange(_("This week"), monday, monday + timedelta(days=6)),
        DayRange(_("This month"), first, last),
    ]
