"""Statistics of the customers outside the trash, from the stored counts: the cost does not depend on their number.

One statement reads the counts and the deltas that are not merged yet, so the figures are exact and fit together. Each
one is the total of the customer list with the filter that it names.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import bindparam, select

from regulars.customers.read.statistics_sql import (
    AGE_BAND,
    BIRTH_YEAR,
    NEAR_BIRTHDAY,
    Group,
    statistics_statement,
)
from regulars.customers.tags import list_tags
from regulars.customers.validation import GENDERS, Gender
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import memberships, users
from regulars.tenants.channels import list_channels
from regulars.tenants.countries import list_countries
from regulars.text import sort_key

LAST_AGE = 100
"""The lowest age of the last band, which has no upper limit."""
JULY = 7
FIRST_DAY, LAST_DAY = 101, 1231
"""The first and last day of a year, as month and day."""

LIST_USER_NAMES = Statement(
    select(users.c.id, users.c.name)
    .join_from(memberships, users)
    .where(memberships.c.tenant_id == bindparam("tenant_id")),
    replica_ok=True,
)

Count = Annotated[int, Meta(description="The number of customers.", ge=0, examples=[42])]


class GenderCount(Struct, frozen=True):
    """The number of customers of a gender."""

    gender: Annotated[Gender | None, Meta(description="Null: unknown.")]
    count: Count


class AgeCount(Struct, frozen=True):
    """The number of customers of a gender and a range of ages."""

    gender: Annotated[Gender | None, Meta(description="Null: unknown.")]
    min_age: Annotated[int | None, Meta(description="Null: the date of birth is unknown.", examples=[30])]
    max_age: Annotated[int | None, Meta(description="Null: no limit, or the date of birth is unknown.", examples=[34])]
    count: Count


class MonthCount(Struct, frozen=True):
    """The number of customers that were created in a month."""

    month: Annotated[str, Meta(description="Year and month, in UTC.", examples=["2026-11"])]
    count: Count


class NamedCount(Struct, frozen=True):
    """The number of customers of a channel, country, user or tag."""

    id: Annotated[int | None, Meta(description="Null: the customers without a value.", examples=[1])]
    name: Annotated[str | None, Meta(examples=["WhatsApp"])]
    count: Count


class Statistics(Struct, frozen=True):
    """Numbers of customers that are not in the trash. It has only the groups that were requested."""

    total: Annotated[int, Meta(description="The number of all customers.", examples=[4200])]
    gender: Annotated[list[GenderCount] | UnsetType, Meta(description="By gender.")] = UNSET
    age: Annotated[
        list[AgeCount] | UnsetType, Meta(description="By gender and age in completed years, five years in each range.")
    ] = UNSET
    created_month: Annotated[
        list[MonthCount] | UnsetType,
        Meta(description="By month of creation, from the first month with customers to the current one."),
    ] = UNSET
    channel: Annotated[list[NamedCount] | UnsetType, Meta(description="By default channel.")] = UNSET
    country: Annotated[list[NamedCount] | UnsetType, Meta(description="By country.")] = UNSET
    user: Annotated[list[NamedCount] | UnsetType, Meta(description="By assigned user.")] = UNSET
    tag: Annotated[
        list[NamedCount] | UnsetType,
        Meta(description="By tag. A customer with several tags counts for each of them."),
    ] = UNSET


Counts = Mapping[tuple[int, str], int]
"""Counts by value and gender."""
ALL_GENDERS: tuple[tuple[str, Any], ...] = (*((gender, gender) for gender in GENDERS), ("", None))
"""Each gender as it is stored in the counts, and as it is returned."""


def fetch_statistics(database: Database, tenant_id: int, groups: Collection[Group], now: datetime) -> Statistics:
    """Return the total and the statistics of these groups. `now` is the time in the tenant's time zone."""
    counts = _StoredCounts(database, tenant_id, groups, now)
    return Statistics(counts.total, **{group: FIGURES[group](counts) for group in groups})


class _StoredCounts:
    """The counts of a tenant for the requested groups, and the figures that follow from them."""

    def __init__(self, database: Database, tenant_id: int, groups: Collection[Group], now: datetime) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self.now = now
        self._counts: dict[str, dict[tuple[int, str], int]] = defaultdict(dict)
        first_day, last_day = _days_to_read(now.date())
        values = {"tenant_id": tenant_id, "year": now.year, "first_day": first_day, "last_day": last_day}
        # The genders are always read, because their sum is the total.
        statement = statistics_statement(frozenset({"gender", *groups}))
        for kind, value, gender, count in database.fetch_all(statement, values):
            self._counts[kind][value, gender] = count
        self.by_gender = {gender: count for (_, gender), count in self._counts["gender"].items()}
        self.total = sum(self.by_gender.values())

    def genders(self) -> list[GenderCount]:
        return [GenderCount(shown, self.by_gender.get(gender, 0)) for gender, shown in ALL_GENDERS]

    def ages(self) -> list[AgeCount]:
        births, today = self._counts[BIRTH_YEAR], self.now.date()
        bands = _count_ages(births, self._counts[NEAR_BIRTHDAY], today)
        known: Counter[str] = Counter()
        for (_, gender), count in births.items():
            known[gender] += count
        return [
            *(
                AgeCount(shown, age, None if age == LAST_AGE else age + AGE_BAND - 1, bands[age, gender])
                for age in range(0, LAST_AGE + 1, AGE_BAND)
                for gender, shown in ALL_GENDERS
            ),
            *(
                AgeCount(shown, None, None, self.by_gender.get(gender, 0) - known[gender])
                for gender, shown in ALL_GENDERS
            ),
        ]

    def created_months(self) -> list[MonthCount]:
        counts = {month: count for (month, _), count in self._counts["created_month"].items()}
        current = self.now.astimezone(UTC)
        months = {*counts, *_months(min(counts), current.year * 100 + current.month)} if counts else ()
        return [MonthCount(f"{month // 100:04}-{month % 100:02}", counts.get(month, 0)) for month in sorted(months)]

    def channels(self) -> list[NamedCount]:
        names = {channel.id: channel.name for channel in list_channels(self.database, self.tenant_id)}
        return [*self._named("channel", names), *self._without_value("channel")]

    def countries(self) -> list[NamedCount]:
        names = {country.id: country.name for country in list_countries(self.database)}
        return [*self._named("country", names), *self._without_value("country")]

    def users(self) -> list[NamedCount]:
        names: dict[int, str] = dict(self.database.fetch_all(LIST_USER_NAMES, {"tenant_id": self.tenant_id}))
        return [*self._named("user", names), *self._without_value("user")]

    def tags(self) -> list[NamedCount]:
        return self._named("tag", {tag.id: tag.name for tag in list_tags(self.database, self.tenant_id)})

    def _named(self, kind: str, names: Mapping[int, str]) -> list[NamedCount]:
        # An object may have been deleted since the counts were read.
        counts = {number: count for (number, _), count in self._counts[kind].items() if number in names}
        order = sorted(counts, key=lambda number: (-counts[number], sort_key(names[number]) or "", number))
        return [NamedCount(number, names[number], counts[number]) for number in order]

    def _without_value(self, kind: str) -> list[NamedCount]:
        rest = self.total - sum(self._counts[kind].values())
        return [NamedCount(None, None, rest)] if rest else []


FIGURES: Mapping[Group, Callable[[_StoredCounts], list[Any]]] = {
    "gender": _StoredCounts.genders,
    "age": _StoredCounts.ages,
    "created_month": _StoredCounts.created_months,
    "channel": _StoredCounts.channels,
    "country": _StoredCounts.countries,
    "user": _StoredCounts.users,
    "tag": _StoredCounts.tags,
}


def _days_to_read(today: date) -> tuple[int, int]:
    """Return the first and last day of the shorter part of a year: up to today, or after it."""
    day = today.month * 100 + today.day
    return (FIRST_DAY, day) if today.month < JULY else (day + 1, LAST_DAY)


def _count_ages(births: Counts, near_birthdays: Counts, today: date) -> Counter[tuple[int, str]]:
    """Return the numbers of people by the lowest age of their band and by gender.

    All people born in a year are in the same band, except in a year in which a band ends today: those who have had
    their birthday are in the next one. `near_birthdays` has births of these years, on the days of `_days_to_read`.
    """
    bands: Counter[tuple[int, str]] = Counter()
    for (year, gender), count in births.items():
        age, younger = today.year - year, 0
        if age % AGE_BAND == 0:
            near = near_birthdays.get((year, gender), 0)
            younger = count - near if today.month < JULY else near
        bands[_band_of(age), gender] += count - younger
        bands[_band_of(age - 1), gender] += younger
    return bands


def _band_of(age: int) -> int:
    """Return the lowest age of the band, or a negative number for an age below 0: a date of birth in the future."""
    return min(age // AGE_BAND * AGE_BAND, LAST_AGE)


def _months(first: int, last: int) -> Iterator[int]:
    """Yield the numbers of all months from `first` to `last`, such as 202611."""
    for year in range(first // 100, last // 100 + 1):
        for month in range(1, 13):
            if first <= (number := year * 100 + month) <= last:
                yield number
