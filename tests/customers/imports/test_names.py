"""Full names, split into a first and a last name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.customers.imports.names import _is_plain, _words, split_name, split_reversed_name


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Ayşe Yılmaz", "Ayşe", "Yılmaz"),
        ("Ayşe Nur YILMAZ", "Ayşe Nur", "YILMAZ"),
        ("  Ayşe   Nur\tYılmaz ", "Ayşe Nur", "Yılmaz"),
        ("AYŞE NUR YILMAZ", "AYŞE NUR", "YILMAZ"),
        ("Ayşe", "Ayşe", ""),
        ("YILMAZ, Ayşe", "Ayşe", "YILMAZ"),
        ("van der Berg, Jan Willem", "Jan Willem", "van der Berg"),
        ("YILMAZ, Dr. Ayşe", "Ayşe", "YILMAZ"),
        ("Ayşe Yılmaz, PhD", "Ayşe", "Yılmaz"),
        ("Yılmaz,", "Yılmaz", ""),
        ("AYŞE Yılmaz", "AYŞE", "Yılmaz"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Oscar de la Hoya", "Oscar", "de la Hoya"),
        ("Ursula von der Leyen", "Ursula", "von der Leyen"),
        ("Leonardo da Vinci", "Leonardo", "da Vinci"),
        ("Robert De Niro", "Robert", "De Niro"),
        ("Alessandro Del Piero", "Alessandro", "Del Piero"),
        ("Guido di Pietro", "Guido", "di Pietro"),
        ("Charles Le Brun", "Charles", "Le Brun"),
        ("Muhammed bin Selman", "Muhammed", "bin Selman"),
        ("Halid ibn Velid", "Halid", "ibn Velid"),
        ("Maria del Carmen Garcia", "Maria del Carmen", "Garcia"),
        ("La Toya Jackson", "La Toya", "Jackson"),
        ("Van Morrison", "Van", "Morrison"),
        ("Martin Luther King Jr.", "Martin Luther", "King Jr."),
        ("Dr. Ayşe Yılmaz", "Ayşe", "Yılmaz"),
        ("Prof. Dr. Ayşe Yılmaz", "Ayşe", "Yılmaz"),
        ("Prof.Dr.Ayşe Yılmaz", "Ayşe", "Yılmaz"),
        ("Doç. Dr. Ayşe Yılmaz", "Ayşe", "Yılmaz"),
        ("Uzm. Dr. Ayşe Yılmaz", "Ayşe", "Yılmaz"),
        ("Av. Mehmet Öz", "Mehmet", "Öz"),
        ("Bay Mehmet Öz", "Mehmet", "Öz"),
        ("BAYAN Ayşe Yılmaz", "Ayşe", "Yılmaz"),
        ("Sn. Ayşe Yılmaz", "Ayşe", "Yılmaz"),
        ("SAYIN Ayşe Yılmaz", "Ayşe", "Yılmaz"),
        ("Hr. Max Müller", "Max", "Müller"),
        ("Fr. Erika Müller", "Erika", "Müller"),
        ("Frau Dr. med. Erika Müller", "Erika", "Müller"),
        ("Mme Anne Martin", "Anne", "Martin"),
        ("Mr John Smith", "John", "Smith"),
        ("Ayşe Hanım", "Ayşe", ""),
        ("Mehmet Bey", "Mehmet", ""),
        ("Ali Bay", "Ali", "Bay"),
        ("Avni Drama", "Avni", "Drama"),
        ("M. Ali Yılmaz", "M. Ali", "Yılmaz"),
        ("A. B. Yılmaz", "A. B.", "Yılmaz"),
        ("Ayşe Nur Yılmaz (eski komşu)", "Ayşe Nur", "Yılmaz (eski komşu)"),
        ("Ayşe Yılmaz - komşu", "Ayşe", "Yılmaz - komşu"),
        ("Ayşe (komşu)", "Ayşe", "(komşu)"),
        ("Dr.", "Dr.", ""),
        ("Bayan", "Bayan", ""),
        ("Hanım", "Hanım", ""),
    ],
)
def test_split(text: str, first: str, last: str) -> None:
    assert split_name(text, "TR") == (first, last)


@pytest.mark.parametrize(("country", "first"), [("FR", "Jean"), ("CH", "Jean"), ("TR", "M. Jean"), ("US", "M. Jean")])
def test_m_is_monsieur_only_where_french_is_spoken(country: str, first: str) -> None:
    assert split_name("M. Jean Dupont", country) == (first, "Dupont")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("DUPONT Jean", "Jean", "DUPONT"),
        ("DE LA TOUR Marie Anne", "Marie Anne", "DE LA TOUR"),
        ("M. DUPONT Jean", "Jean", "DUPONT"),
        ("Jean DUPONT", "Jean", "DUPONT"),
        ("JEAN DUPONT", "JEAN", "DUPONT"),
        ("JR Ewing", "JR", "Ewing"),
    ],
)
def test_capitals_are_the_last_name_where_french_is_spoken(text: str, first: str, last: str) -> None:
    assert split_name(text, "FR") == (first, last)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Yılmaz Ayşe Nur", "Ayşe Nur", "Yılmaz"),
        ("YILMAZ AYŞE", "AYŞE", "YILMAZ"),
        ("KARA YILMAZ Ayşe", "Ayşe", "KARA YILMAZ"),
        ("Yılmaz, Ayşe", "Ayşe", "Yılmaz"),
        ("Kara Yılmaz, Ayşe", "Ayşe", "Kara Yılmaz"),
        ("van der Berg Jan", "Jan", "van der Berg"),
        ("Müller Dr. Erika", "Dr. Erika", "Müller"),
        ("Frau Müller Erika", "Erika", "Müller"),
        ("Ayşe", "Ayşe", ""),
        ("van Jan", "Jan", "van"),
    ],
)
def test_a_name_that_starts_with_the_last_name(text: str, first: str, last: str) -> None:
    assert split_reversed_name(text, "TR") == (first, last)


WORDS = st.text(st.characters(categories=["Lu", "Ll"]), min_size=1, max_size=10).map(lambda word: word + "q")


@given(st.lists(st.one_of(WORDS, st.sampled_from("van de la bin Jr. Öz".split())), min_size=1, max_size=6))
def test_no_word_of_a_name_is_lost(words: list[str]) -> None:
    for split in (split_name, split_reversed_name):
        first, last = split(" ".join(words), "TR")
        assert first
        assert sorted(f"{first} {last}".split()) == sorted(words)


@given(st.text(min_size=1))
def test_any_text_with_a_word_has_a_first_name(text: str) -> None:
    for split in (split_name, split_reversed_name):
        assert split(text, "FR").first or not any(map(str.isalnum, text))


TITLES = "Dr. dr DR Prof. SAYIN Sayın sayİn Hanım HANIM bey Bay Frau Mag. med. Dr.med. MD Dipl.-Ing."


@given(st.lists(st.one_of(WORDS, st.sampled_from(TITLES.split())), min_size=1, max_size=4))
def test_a_plain_name_is_read_like_any_other(words: list[str]) -> None:
    text = " ".join(words)
    if _is_plain(text):
        assert _words(text, "TR") == (text.split(), 0)
