"""Genders by their names."""

import pytest

from regulars.customers.imports.genders import read_gender_name


@pytest.mark.parametrize(
    ("gender", "names"),
    [
        ("male", "Erkek ERKEK E e Bay Bey male Male M m Mr. männlich Mann Herr homme Monsieur masculin"),
        ("female", "Kadın KADIN kadin K Bayan Hanım Kız female F f Mrs Ms. w weiblich Frau femme féminin Mme Mme."),
        ("other", "other Diğer divers D X autre non-binary"),
        ("", "unknown Belirtilmemiş unbekannt"),
    ],
)
def test_names_of_genders(gender: str, names: str) -> None:
    assert {name: read_gender_name(name, "TR") for name in names.split()} == dict.fromkeys(names.split(), gender)


def test_h_is_homme_but_not_in_turkiye() -> None:
    assert read_gender_name("H", "FR") == "male"
    with pytest.raises(ValueError, match='must be a gender such as female, male or other, not "H"'):
        read_gender_name("H", "TR")


@pytest.mark.parametrize("text", ["B", "0", "1", "2", "Evet", "M/F", "erkekk", "?"])
def test_what_is_ambiguous_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a gender"):
        read_gender_name(text, "DE")
