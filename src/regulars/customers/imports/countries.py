"""Countries by their names and codes."""

from functools import cache

from regulars.customers.imports.dates import LANGUAGES
from regulars.i18n import _
from regulars.text import fold_uncached
from regulars.validation import quote

# Names that neither the Unicode CLDR nor ISO 3166-1 has.
COMMON_NAMES = {
    "TR": "Turkey, Türkiye Cumhuriyeti, T.C.",
    "US": "Amerika, America, Amerika Birleşik Devletleri, ABD, United States of America, U.S.A., U.S., États-Unis"
    " d'Amérique, Vereinigte Staaten von Amerika, Etats Unis",
    "GB": "UK, U.K., Great Britain, Britain, England, Scotland, Wales, İngiltere, Büyük Britanya, İskoçya, Galler,"
    " Großbritannien, Angleterre, Grande-Bretagne",
    "NL": "Holland, The Netherlands, Hollande",
    "DE": "BRD, Bundesrepublik Deutschland, Almanya Federal Cumhuriyeti",
    "CZ": "Czech Republic, Çek Cumhuriyeti, Tschechische Republik, République tchèque",
    "KR": "Korea, Kore, Corée",
    "CY": "Güney Kıbrıs, Güney Kıbrıs Rum Yönetimi",
    "AE": "UAE, BAE, VAE, EAU",
    "MK": "Macedonia, Makedonya, Mazedonien, Macédoine",
    "SA": "Suudi Arabistan, KSA",
    "BA": "Bosna, Bosna Hersek, Bosnia",
}


def read_country(text: str, country: str) -> str:
    """Return the code of a country (ISO 3166-1 alpha-2) by a code or a name in English, Turkish, German or French.

    A tenant in Türkiye (`country`) writes TC for Türkiye Cumhuriyeti, not for Turks and Caicos. Raise ValueError with a
    rule to follow the column's name.
    """
    code = text.upper() if text.isascii() else ""
    if (code, country) == ("TC", "TR"):
        return country
    found = code if code in _country_codes() else _codes_by_name().get(_key(text))
    if found is None:
        raise ValueError(_("must be a country such as Türkiye or TR, not {value}", value=quote(text)))
    return found


def _key(text: str) -> str:
    return "".join(letter for letter in fold_uncached(text.replace("&", "and")) if letter.isalnum())


@cache
def _country_codes() -> frozenset[str]:
    import pycountry

    return frozenset(country.alpha_2 for country in pycountry.countries)


@cache
def _codes_by_name() -> dict[str, str]:
    import pycountry
    from babel import Locale

    codes = _country_codes()
    found = {_key(name): country.alpha_2 for country in pycountry.countries for name in _names_in_iso(country)}
    for language in LANGUAGES:
        found |= {_key(name): code for code, name in Locale(language).territories.items() if code in codes}
    return found | {_key(name): code for code, names in COMMON_NAMES.items() for name in names.split(",")}


def _names_in_iso(country: object) -> list[str]:
    attributes = ("alpha_3", "name", "official_name", "common_name")
    return [getattr(country, name) for name in attributes if hasattr(country, name)]
