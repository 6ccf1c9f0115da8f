"""Generated customers: plausible names in several languages, valid phone numbers, and reserved mail domains.

Names come from Faker's lists, which are read once: a call of Faker for each customer would take most of the time.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from regulars.customers.fields import Record
from regulars.errors import ConfigurationError

DOMAINS = ("example.com", "example.com", "example.org", "example.net", "mail.example.com", "mail.example.org")
"""Reserved for examples (RFC 2606): mail to these domains is not delivered."""

SECONDS_OF_FIVE_YEARS = 5 * 365 * 24 * 60 * 60
MIN_AGE_DAYS = 16 * 365
AGE_RANGE_DAYS = 70 * 365

TURKISH_STREETS = (
    "Atatürk Caddesi|Bağdat Caddesi|Cumhuriyet Caddesi|İstiklal Caddesi|İnönü Bulvarı|Gazi Mustafa Kemal Bulvarı|"
    "Fevzi Çakmak Sokak|Barış Sokak|Çınar Sokak|Gül Sokak|Işık Sokak|Karanfil Sokak|Lale Sokak|Menekşe Sokak|"
    "Okul Sokak|Papatya Sokak|Şehitler Caddesi|Ülkü Sokak|Yıldız Sokak|Zafer Caddesi|Mimar Sinan Caddesi|Kıbrıs Sokak"
).split("|")
TURKISH_CITIES = (
    "İstanbul|İstanbul|İstanbul|Ankara|İzmir|Bursa|Antalya|Adana|Konya|Gaziantep|Şanlıurfa|Kocaeli|Mersin|Diyarbakır|"
    "Eskişehir|Kayseri|Samsun|Trabzon|Muğla|Çanakkale|Iğdır|Ağrı|Kırşehir|Niğde|Uşak"
).split("|")
TURKISH_JOBS = (
    "Öğretmen|Hemşire|Doktor|Avukat|Mühendis|Muhasebeci|Mimar|Eczacı|Diş hekimi|Aşçı|Garson|Şoför|Elektrikçi|Berber|"
    "Kuaför|Terzi|Çiftçi|Satış temsilcisi|Yazılım geliştirici|Grafik tasarımcı|Gazeteci|Emlakçı|Bankacı|Çiçekçi|Emekli"
).split("|")
# The most common Turkish names. Faker's list is alphabetical and has many rare ones.
TURKISH_WOMEN = (
    "Ayşe|Fatma|Emine|Zeynep|Hatice|Elif|Meryem|Şerife|Sultan|Hanife|Merve|Büşra|Esra|Özlem|Gülşen|Çiğdem|İrem|Işıl|"
    "Yasemin|Sevgi|Derya|Tuğba|Ebru|Gamze|Şule|Ümmü Gülsüm"
).split("|")
TURKISH_MEN = (
    "Mehmet|Mustafa|Ahmet|Ali|Hüseyin|Hasan|İbrahim|İsmail|Osman|Yusuf|Murat|Ömer|Ramazan|Halil|Süleyman|Abdullah|"
    "Emre|Çağrı|Işık|Şükrü|Oğuz|Tuğrul|Gökhan|Ümit|Kâzım|Mehmet Ali"
).split("|")
ARABIC_STREETS = "شارع الملك فهد|شارع الأمير سلطان|شارع العليا|شارع التحلية|طريق الملك عبدالله|شارع الجامعة".split("|")
ARABIC_CITIES = "الرياض|جدة|مكة المكرمة|المدينة المنورة|الدمام|الطائف|تبوك|أبها".split("|")

Draw = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Nation:
    """A nationality of customers. `share` is in percent; `country_id` is the ISO 3166-1 numeric code.

    A number that starts with one of `prefixes`, followed by `digits` digits, is a valid mobile number. `common_names`
    are the first names of women and of men. Names, jobs and addresses that are not given come from Faker.
    """

    locale: str
    share: int
    country_id: int
    prefixes: Sequence[str]
    digits: int
    address: str
    streets: Sequence[str] = ()
    cities: Sequence[str] = ()
    jobs: Sequence[str] = ()
    common_names: tuple[Sequence[str], Sequence[str]] = ((), ())


def _prefixes(start: str, rest: str) -> list[str]:
    return [start + each for each in rest.split()]


NATIONS = (
    Nation(
        "tr_TR",
        50,
        792,
        _prefixes("+905", "30 31 32 33 35 36 41 42 43 44 51 52 54 55"),
        7,
        "{street} No: {number}, {city}",
        TURKISH_STREETS,
        TURKISH_CITIES,
        TURKISH_JOBS,
        (TURKISH_WOMEN, TURKISH_MEN),
    ),
    Nation("de_DE", 12, 276, _prefixes("+491", "51 52 60 70 71 72 75 76"), 8, "{street} {number}\n{city}"),
    Nation(
        "en_US", 10, 840, _prefixes("+1", "212555 305555 312555 415555 512555 617555"), 4, "{number} {street}, {city}"
    ),
    Nation("en_GB", 8, 826, _prefixes("+44", "74 75 78"), 8, "{number} {street}, {city}"),
    Nation("es_ES", 6, 724, _prefixes("+346", "1 2 3 5 6 7"), 7, "{street}, {number}, {city}"),
    Nation("fr_FR", 6, 250, _prefixes("+33", "61 62 66 67 68"), 7, "{number} {street}, {city}"),
    Nation(
        "ar_AA",
        3,
        682,
        _prefixes("+9665", "0 3 4 5 6"),
        7,
        "{street} {number}، {city}",
        ARABIC_STREETS,
        ARABIC_CITIES,
    ),
    Nation("ru_RU", 3, 643, _prefixes("+79", "03 05 16 21 26 85"), 7, "{city}, {street}, {number}"),
    Nation("el_GR", 2, 300, _prefixes("+3069", "0 3 4 7 8"), 7, "{street} {number}, {city}"),
)


@dataclass(frozen=True, slots=True)
class People:
    """The names, jobs and addresses of a nationality. Each name is paired with its form for e-mail addresses."""

    nation: Nation
    first_names: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]
    last_names: tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]
    """Like `first_names`, for women and for men."""
    jobs: Sequence[str]
    streets: Sequence[str]
    cities: Sequence[str]


def check_faker() -> None:
    """Raise `ConfigurationError` if Faker, which has the names, is not installed."""
    if find_spec("faker") is None:
        raise ConfigurationError(
            "Generating customers needs the package Faker. Install it with: pip install 'regulars[demo]'"
        )


@cache
def all_people() -> tuple[People, ...]:
    """Return the data of all nationalities, each repeated in proportion to its share."""
    return tuple(people for nation in NATIONS for people in [_people_of(nation)] * nation.share)


def _people_of(nation: Nation) -> People:
    """Return the names, jobs and addresses of a nationality: its own, and the rest from Faker."""
    from faker import Factory

    locale = nation.locale
    person: Any = import_module(f"faker.providers.person.{locale}").Provider
    faker: Any = Factory.create(locale, providers=[f"faker.providers.{kind}" for kind in ("address", "job", "person")])
    faker.seed_instance(1)
    women, men = nation.common_names
    return People(
        nation,
        (_names(person.first_names_female, locale, women), _names(person.first_names_male, locale, men)),
        (
            _names(getattr(person, "last_names_female", person.last_names), locale),
            _names(getattr(person, "last_names_male", person.last_names), locale),
        ),
        nation.jobs or _some(faker.job),
        nation.streets or _some(faker.street_name),
        nation.cities or _some(faker.city),
    )


def _some(make: Callable[[], str]) -> list[str]:
    """Return the distinct results of 400 calls of `make`, sorted."""
    return sorted({make() for _ in range(400)})


def _names(names: Iterable[str], locale: str, common: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Return each name with its form for e-mail addresses: `common` names first, the others in random order."""
    others = [name for name in dict.fromkeys(names) if name not in common]
    random.Random(locale).shuffle(others)  # noqa: S311 - not a secret
    return [(name, _ascii(name, locale)) for name in (*common, *others)]


def _ascii(name: str, locale: str) -> str:
    from faker.decode import unidecode
    from faker.providers.internet.el_GR import latinize

    spelt = unidecode(latinize(name) if locale == "el_GR" else name).lower()
    return "".join(letter for letter in spelt if letter.isascii() and letter.isalnum()) or "customer"


def generate_customers(
    ids: Iterable[int], *, seed: int | str, now: datetime, user_ids: Sequence[int] = ()
) -> Iterator[Record]:
    """Yield a customer for each of `ids`. The same arguments give the same customers.

    Some customers are assigned to the users `user_ids`. Raise `ModuleNotFoundError` if Faker is not installed.
    """
    draw = random.Random(seed).random  # noqa: S311 - not a secret
    lot = all_people()
    for number in ids:
        yield _customer(number, lot[int(draw() * len(lot))], draw, now, user_ids)


def _customer(number: int, people: People, draw: Draw, now: datetime, user_ids: Sequence[int]) -> Record:
    nation = people.nation
    sex = draw() < 0.48
    # The exponent makes the names at the start of each list more common.
    first_names = people.first_names[sex]
    first_name, first_ascii = first_names[int(draw() ** 3 * len(first_names))]
    last_names = people.last_names[sex]
    last_name, last_ascii = last_names[int(draw() ** 2 * len(last_names))]
    if draw() < 0.1:
        last_name = f"{last_name} {last_names[int(draw() * len(last_names))][0]}"
    created_at, updated_at, deleted_at = _times(draw, now)
    known = draw()
    return Record(
        id=number,
        first_name=first_name,
        last_name=None if known < 0.02 else last_name,
        phone_number=_phone_number(nation, draw) if draw() < 0.88 else None,
        email=_email(first_ascii, last_ascii, draw) if draw() < 0.75 else None,
        date_of_birth=date.fromordinal(now.toordinal() - MIN_AGE_DAYS - int(draw() * AGE_RANGE_DAYS))
        if draw() < 0.9
        else None,
        gender=None if known > 0.94 else "other" if known > 0.925 else "male" if sex else "female",
        country_id=nation.country_id if draw() < 0.96 else None,
        identity_number=_identity_number(nation, draw) if draw() < 0.4 else None,
        job=people.jobs[int(draw() * len(people.jobs))] if draw() < 0.6 else None,
        address=_address(people, draw) if draw() < 0.65 else None,
        default_channel_id=1 + int(draw() * 4) if draw() < 0.8 else None,
        avatar_url=f"https://example.com/avatars/{number}.png" if draw() < 0.1 else None,
        user_id=user_ids[int(draw() * len(user_ids))] if user_ids and draw() < 0.3 else None,
        created_at=created_at,
        updated_at=updated_at,
        deleted_at=deleted_at,
    )


def _times(draw: Draw, now: datetime) -> tuple[datetime, datetime, datetime | None]:
    """Return the times of creation and of the last update and, for one customer in fifty, of the move to the trash."""
    age = int(draw() * SECONDS_OF_FIVE_YEARS)
    created_at = now - timedelta(seconds=age)
    updated_at = created_at if draw() < 0.4 else now - timedelta(seconds=int(age * draw()))
    return created_at, updated_at, updated_at if draw() < 0.02 else None


def _phone_number(nation: Nation, draw: Draw) -> str:
    prefix = nation.prefixes[int(draw() * len(nation.prefixes))]
    return f"{prefix}{int(draw() * 10**nation.digits):0{nation.digits}d}"


def _email(first: str, last: str, draw: Draw) -> str:
    domain = DOMAINS[int(draw() * len(DOMAINS))]
    return f"{first}.{last}{int(draw() * 1000)}@{domain}"


def _address(people: People, draw: Draw) -> str:
    street = people.streets[int(draw() * len(people.streets))]
    city = people.cities[int(draw() * len(people.cities))]
    return people.nation.address.format(street=street, city=city, number=1 + int(draw() * 180))


def _identity_number(nation: Nation, draw: Draw) -> str:
    """Return an identity number: nine digits or, in Türkiye, eleven, of which the last two are check digits."""
    digits = str(100_000_000 + int(draw() * 900_000_000))
    if nation.country_id != 792:
        return digits
    odd = sum(map(int, digits[::2]))
    even = sum(map(int, digits[1::2]))
    tenth = (odd * 7 - even) % 10
    return f"{digits}{tenth}{(odd + even + tenth) % 10}"
