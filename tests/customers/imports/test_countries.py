"""Countries by their names and codes."""

import pycountry
import pytest
from babel import Locale

from regulars.customers.imports.countries import read_country
from regulars.customers.imports.dates import LANGUAGES


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("TR", "TR, tr, TUR, Türkiye, TÜRKİYE, turkiye, Turkey, Türkei, Turquie, T.C., TC, Türkiye Cumhuriyeti"),
        ("DE", "DE, DEU, Almanya, Germany, Deutschland, Allemagne"),
        (
            "US",
            "US, USA, U.S.A., ABD, United States, United States of America, Amerika, Vereinigte Staaten, États-Unis",
        ),
        ("GB", "GB, UK, İngiltere, Birleşik Krallık, Great Britain, England, Großbritannien, Royaume-Uni"),
        ("NL", "Hollanda, Holland, Netherlands, Niederlande, Pays-Bas"),
        ("CH", "İsviçre, Schweiz, Suisse, Switzerland"),
        ("BA", "Bosna-Hersek, Bosnia & Herzegovina, Bosnia and Herzegovina"),
        ("RU", "Rusya, Russia, Russian Federation"),
        ("AZ", "Azerbaycan, Azerbaijan"),
    ],
)
def test_names_of_countries(code: str, names: str) -> None:
    assert {name: read_country(name.strip(), "TR") for name in names.split(",")} == dict.fromkeys(
        names.split(","), code
    )


def test_tc_is_turkiye_only_to_a_tenant_in_turkiye() -> None:
    assert read_country("TC", "TR") == "TR"
    assert read_country("TC", "GB") == "TC"


def test_every_country_is_found_by_its_name_in_every_language() -> None:
    for country in pycountry.countries:
        assert read_country(country.alpha_2, "GB") == country.alpha_2
        assert read_country(country.name, "GB") == country.alpha_2
        for language in LANGUAGES:
            assert read_country(Locale(language).territories[country.alpha_2], "GB") == country.alpha_2


@pytest.mark.parametrize("text", ["Atlantis", "+90", "90", "XX", "Avrupa", "KKTC"])
def test_an_unknown_country_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be a country such as Türkiye or TR, not "):
        read_country(text, "TR")
