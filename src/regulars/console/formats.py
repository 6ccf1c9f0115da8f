"""Values as people read them on the pages: names, phone numbers, dates and colours."""

from collections.abc import Callable
from datetime import date, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import phonenumbers
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal
from phonenumbers import PhoneNumberFormat

from regulars.customers.schemas import Customer
from regulars.i18n import TURKISH

TINTS = 6
HUES = (270, 165, 40, 208, 235, 357)
"""The hue of each tint, in degrees."""


def full_name(customer: Customer) -> str:
    """Return the first and last name."""
    return f"{customer.first_name} {customer.last_name}" if customer.last_name else customer.first_name


def initials(name: str, language: str) -> str:
    """Return the first letters of the first and the last word, in upper case."""
    words = name.split()
    letters = "".join(dict.fromkeys((words[0][0], words[-1][0]))) if len(words) > 1 else name[:1]
    return (letters.replace("i", "İ") if language == TURKISH else letters).upper()


def tint(text: str) -> int:
    """Return the number of a tint, always the same for the same text."""
    return sum(map(ord, text)) % TINTS


@lru_cache(maxsize=1_000)
def tint_of_color(color: str) -> int:
    """Return the number of the tint that is most like a colour, such as "#E4572E"."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    most, least = max(red, green, blue), min(red, green, blue)
    if most == least:
        return HUES.index(235)
    if most == red:
        hue = 60 * (green - blue) / (most - least)
    elif most == green:
        hue = 120 + 60 * (blue - red) / (most - least)
    else:
        hue = 240 + 60 * (red - green) / (most - least)
    return min(range(TINTS), key=lambda number: min(abs(hue - HUES[number]) % 360, -abs(hue - HUES[number]) % 360))


@lru_cache(maxsize=20_000)
def phone(number: str, country_code: str) -> str:
    """Return an E.164 number in the national form if it belongs to the country, otherwise in the international one."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    is_national = parsed.country_code == phonenumbers.country_code_for_region(country_code)
    return phonenumbers.format_number(
        parsed, PhoneNumberFormat.NATIONAL if is_national else PhoneNumberFormat.INTERNATIONAL
    ).strip("()")


def number(value: int, language: str) -> str:
    """Return a number with separators between thousands."""
    return format_decimal(value, locale=language)


def file_size(size: int, language: str) -> str:
    """Return the size of a file, such as 48 KB."""
    if size < 1_000_000:
        return f"{number(-(-size // 1_000), language)} KB"
    return f"{format_decimal(size / 1_000_000, '#,##0.#', locale=language)} MB"


@lru_cache(maxsize=40_000)
def day(value: date, language: str) -> str:
    """Return a date in digits, such as 12.03.1985."""
    return value.strftime("%d.%m.%Y") if language == TURKISH else format_date(value, "d MMM yyyy", locale=language)


def long_day(value: date, language: str) -> str:
    """Return a date with the name of the month, such as 12 March 1985."""
    return format_date(value, "d MMMM yyyy", locale=language)


def short_day(value: date, language: str) -> str:
    """Return a day near today, such as Tue 1 Dec."""
    return format_date(value, "EEE d MMM", locale=language)


def age(born: date, today: date) -> int:
    """Return the completed years."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def moment_formatter(zone: str, now: datetime, language: str) -> Callable[[datetime], tuple[str, str]]:
    """Return a function for times: it returns the time relative to `now` within a week, otherwise the date; and the
    exact time in `zone`."""
    time_zone = ZoneInfo(zone)

    # A page shows the same times in several places.
    @cache
    def moment(value: datetime) -> tuple[str, str]:
        local = value.astimezone(time_zone)
        exact = format_datetime(local, "d MMMM yyyy HH:mm", locale=language)
        if abs((now - value).days) < 7:
            return format_timedelta(value - now, add_direction=True, locale=language, format="short"), exact
        is_this_year = local.year == now.astimezone(time_zone).year
        return format_date(local, "d MMM" if is_this_year else "d MMM yyyy", locale=language), exact

    return moment


def date_of(value: str | datetime | None) -> date | None:
    """Return the date in a customer's date of birth, which SQLite has as text."""
    if value is None:
        return None
    return date.fromisoformat(value[:10]) if isinstance(value, str) else value.date()


def time_of(value: str | datetime) -> datetime:
    """Return a time of a customer, which SQLite has as text."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def for_templates(language: str) -> dict[str, Callable[..., object]]:
    """Return the functions of this module that templates use, for one language."""
    return {
        "age": age,
        "date_of": date_of,
        "day": lambda value: day(value, language),
        "file_size": lambda size: file_size(size, language),
        "full_name": full_name,
        "initials": lambda name: initials(name, language),
        "long_day": lambda value: long_day(value, language),
        "number": lambda value: number(value, language),
        "phone": phone,
        "short_day": lambda value: short_day(value, language),
        "time_of": time_of,
        "tint": tint,
        "tint_of_color": tint_of_color,
    }
