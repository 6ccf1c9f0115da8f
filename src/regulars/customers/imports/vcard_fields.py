"""The fields of a customer in the properties of a vCard."""

import re
from collections.abc import Callable, Iterator, Sequence

from regulars.customers.imports.cells import literal_cell
from regulars.customers.imports.countries import read_country
from regulars.customers.imports.vcard_properties import Property
from regulars.customers.tags import TAG_SEPARATOR

TOKEN = re.compile(r"\\?.", re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
DATE = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:[T ].*)?", re.DOTALL)
DATE_WITHOUT_YEAR = re.compile(r"--.*|1604.*", re.DOTALL)
PHONE_SCHEME = re.compile(r"tel:", re.IGNORECASE)
MOBILE = {"cell", "mobile", "iphone"}
NOT_FOR_CALLS = {"fax", "pager"}
GENDERS = {"m": "male", "male": "male", "f": "female", "female": "female", "o": "other", "other": "other"}
COUNTRY = 6
"""The position of the country in an address (RFC 2426, section 3.2.1)."""

Card = Sequence[Property]


def read_fields(card: Card) -> list[str]:
    """Return the values of `FIELDS`, each empty if the card does not have it."""
    return [literal_cell(read(card)) for read in READERS.values()]


def _first_name(card: Card) -> str:
    _family, given, additional = _name(card)
    return " ".join(filter(None, (given, additional)))


def _last_name(card: Card) -> str:
    return _name(card)[0]


def _name(card: Card) -> Sequence[str]:
    """Return the family name, the given name and additional names."""
    names = [*_components(_first_value(card, "N")), "", "", ""]
    return names[:3]


def _full_name(card: Card) -> str:
    return _unescape(_first_value(card, "FN"))


def _phone_number(card: Card) -> str:
    phones = sorted(_named(card, "TEL"), key=_phone_rank)
    return _unescape(PHONE_SCHEME.sub("", phones[0].value)) if phones else ""


def _phone_rank(phone: Property) -> tuple[bool, bool]:
    return not phone.types & MOBILE, bool(phone.types & NOT_FOR_CALLS)


def _email(card: Card) -> str:
    emails = sorted(_named(card, "EMAIL"), key=lambda email: "pref" not in email.types)
    return _unescape(emails[0].value) if emails else ""


def _date_of_birth(card: Card) -> str:
    """Return the date in ISO format, or nothing if its year is unknown. Apple writes 1604 for an unknown year."""
    text = _unescape(_first_value(card, "BDAY")).strip()
    if DATE_WITHOUT_YEAR.fullmatch(text):
        return ""
    found = DATE.fullmatch(text)
    return "-".join(found.groups()) if found else text


def _job(card: Card) -> str:
    return _unescape(_first_value(card, "TITLE") or _first_value(card, "ROLE"))


def _gender(card: Card) -> str:
    """Return the gender of version 4.0 (RFC 6350, section 6.2.7), or the one that our export writes."""
    text = _first_value(card, "GENDER").partition(";")[0] or _first_value(card, "X-GENDER")
    return GENDERS.get(text.strip().lower(), "")


def _address(card: Card) -> str:
    """Return the address without its country, if that is known (`_country`)."""
    parts = _components(_first_value(card, "ADR"))
    if _country(card):
        del parts[COUNTRY]
    return ", ".join(filter(None, parts))


def _country(card: Card) -> str:
    """Return the country of the address, or nothing if no country has this name."""
    name = "".join(_components(_first_value(card, "ADR"))[COUNTRY : COUNTRY + 1])
    try:
        return name if read_country(name, "") else ""
    except ValueError:
        return ""


def _company(card: Card) -> str:
    return ", ".join(filter(None, _components(_first_value(card, "ORG"))))


def _note(card: Card) -> str:
    return "\n".join(_unescape(note.value) for note in _named(card, "NOTE"))


def _categories(card: Card) -> str:
    """Return the names, each with the separator of tags after it, because a name may contain other separators."""
    names = (_unescape(name).strip() for line in _named(card, "CATEGORIES") for name in _split(line.value, ","))
    return "".join(name + TAG_SEPARATOR for name in names if name)


READERS: dict[str, Callable[[Card], str]] = {
    "first_name": _first_name,
    "last_name": _last_name,
    "full_name": _full_name,
    "phone_number": _phone_number,
    "email": _email,
    "date_of_birth": _date_of_birth,
    "gender": _gender,
    "job": _job,
    "address": _address,
    "country_name": _country,
    "company": _company,
    "note": _note,
    "categories": _categories,
}
FIELDS = tuple(READERS)
PROPERTIES = frozenset("N FN TEL EMAIL BDAY GENDER X-GENDER TITLE ROLE ADR ORG NOTE CATEGORIES".split())


def _named(card: Card, name: str) -> Iterator[Property]:
    return (each for each in card if each.name == name and each.value.strip())


def _first_value(card: Card, name: str) -> str:
    return next((each.value for each in _named(card, name)), "")


def _components(value: str) -> list[str]:
    """Return the parts of a structured value. A part can have several values, which are joined by spaces."""
    return [
        " ".join(_unescape(part).strip() for part in _split(component, ",")).strip() for component in _split(value, ";")
    ]


def _split(value: str, separator: str) -> list[str]:
    """Split a value at separators that are not escaped; the parts stay escaped."""
    parts = [""]
    for token in TOKEN.findall(value):
        if token == separator:
            parts.append("")
        else:
            parts[-1] += token
    return parts


def _unescape(value: str) -> str:
    return ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)
