"""Today: birthdays, new and changed customers, and figures from the kept counts."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

import falcon
from babel.dates import format_date

from regulars.api.customers.parameters import query_of
from regulars.console.filters import Filters
from regulars.console.formats import age, date_of
from regulars.console.pages import Pages
from regulars.console.screen import Screen, open_screen, show_screen
from regulars.customers.read.list import Page, fetch_page
from regulars.customers.read.statistics import AgeCount, MonthCount, NamedCount, Statistics, fetch_statistics
from regulars.customers.read.statistics_sql import GROUPS
from regulars.customers.schemas import Customer
from regulars.i18n import _

SHOWN = 8
MONTHS = 24
LARGEST = 8
"""The number of channels, countries, users and tags that are shown."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure: its words, the number, its part of the largest figure in percent, and the list that it leads to."""

    words: str
    count: int
    percent: float
    address: str


class AgeBars(NamedTuple):
    """The bars of one range of ages, by gender."""

    words: str
    bars: Mapping[str, Bar]


class Today:
    """`/today`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the day."""
        screen = open_screen(self.pages, request, response)
        database, today = self.pages.database, screen.today
        statistics = fetch_statistics(database, screen.tenant.id, GROUPS, screen.local_now)
        week = today + timedelta(days=1), today + timedelta(days=7)
        show_screen(
            self.pages,
            request,
            response,
            screen,
            "today",
            birthdays=self._birthdays(screen, today, today),
            this_week=by_next_birthday(self._birthdays(screen, *week).customers, today),
            week_address=_birthday_address(*week),
            new=self._page(screen, {}),
            changed=self._page(screen, {"sort_by": "updated_at", "sort_order": "desc"}),
            total=statistics.total,
            ages=age_bars(statistics.age),
            months=month_bars(statistics.created_month, screen.visitor.language),
            groups=named_bars(statistics),
        )

    def _birthdays(self, screen: Screen, first: date, last: date) -> Page:
        return self._page(screen, {"birthday_from": f"{first:%m-%d}", "birthday_to": f"{last:%m-%d}"}, rows=50)

    def _page(self, screen: Screen, parameters: Mapping[str, str], rows: int = SHOWN) -> Page:
        typed = Filters(urlencode(parameters), screen.tenant.time_zone).typed
        query = query_of(typed | {"per_page": rows}, in_pages=True)
        return fetch_page(self.pages.database, screen.tenant.id, query, screen.today)


def by_next_birthday(customers: Sequence[Customer], today: date) -> list[tuple[date, Customer, int]]:
    """Return the next birthday of each customer, and the age that the customer reaches, in the order of the days."""
    found = []
    for customer in customers:
        born = date_of(customer.date_of_birth)
        if born is not None:
            this_year = _birthday_in(born, today.year)
            day = this_year if this_year >= today else _birthday_in(born, today.year + 1)
            found.append((day, customer, age(born, day)))
    return sorted(found, key=lambda each: (each[0], each[1].id))


def _birthday_in(born: date, year: int) -> date:
    return born.replace(year=year, day=min(born.day, monthrange(year, born.month)[1]))


def _birthday_address(first: date, last: date) -> str:
    return _address(birthday_from=f"{first:%m-%d}", birthday_to=f"{last:%m-%d}")


def _address(**filters: Any) -> str:
    """Return the address of the list with filters, whatever the user's default view is."""
    return "/?" + urlencode({"view": "all"} | {name: value for name, value in filters.items() if value is not None})


def age_bars(counts: Any) -> list[AgeBars]:
    """Return the age pyramid, the oldest first, without empty ranges above the oldest customer."""
    known: list[AgeCount] = [each for each in counts if each.min_age is not None and each.gender is not None]
    largest = max((each.count for each in known), default=0)
    oldest = max((each.min_age or 0 for each in known if each.count), default=0)
    bands: dict[int, dict[str, Bar]] = {}
    for each in known:
        if each.min_age is not None and each.min_age <= oldest:
            words = f"{each.min_age}+" if each.max_age is None else f"{each.min_age}–{each.max_age}"
            address = _address(gender=each.gender, min_age=each.min_age, max_age=each.max_age)
            bands.setdefault(each.min_age, {})[str(each.gender)] = _bar(words, each.count, largest, address)
    return [AgeBars(next(iter(bars.values())).words, bars) for _age, bars in sorted(bands.items(), reverse=True)]


def month_bars(counts: Any, language: str) -> list[Bar]:
    """Return the last months, the oldest first. Months are those of UTC, as in the counts."""
    shown: list[MonthCount] = list(counts)[-MONTHS:]
    largest = max((each.count for each in shown), default=0)
    return [_month_bar(each, largest, language) for each in shown]


def _month_bar(each: MonthCount, largest: int, language: str) -> Bar:
    first = date.fromisoformat(f"{each.month}-01")
    after = first + timedelta(days=monthrange(first.year, first.month)[1])
    address = _address(created_since=f"{first}T00:00:00Z", created_until=f"{after}T00:00:00Z")
    return _bar(format_date(first, "MMM yyyy", locale=language), each.count, largest, address)


def named_bars(statistics: Statistics) -> list[tuple[str, list[Bar]]]:
    """Return the largest channels, countries, users and tags, each group with its heading."""
    groups: tuple[tuple[str, Any, str, str], ...] = (
        (_("By channel"), statistics.channel, "channel_id", _("No channel")),
        (_("By country"), statistics.country, "country_id", _("No country")),
        (_("By assigned user"), statistics.user, "user_id", _("Not assigned")),
        (_("By tag"), statistics.tag, "tag_id", ""),
    )
    return [(heading, _named(counts, parameter, nothing)) for heading, counts, parameter, nothing in groups]


def _named(counts: Sequence[NamedCount], parameter: str, nothing: str) -> list[Bar]:
    shown = sorted((each for each in counts if each.count), key=lambda each: -each.count)[:LARGEST]
    largest = max((each.count for each in shown), default=0)
    bars = []
    for each in shown:
        address = _address(**{parameter: each.id}) if each.id is not None else _address(without=parameter)
        bars.append(_bar(each.name or nothing, each.count, largest, address))
    return bars


def _bar(words: str, count: int, largest: int, address: str) -> Bar:
    return Bar(words, count, round(100 * count / largest, 1) if largest else 0.0, address)
