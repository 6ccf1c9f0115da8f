"""Text folding: letters that a search treats as equal."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from regulars.text import fold, search_text, search_words, sort_key

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
NAMES = st.text(st.sampled_from("iIıİşŞğĞçÇöÖüÜâÂîÎßẞéøłŁæÆñ ao'ΣσςЖж"), max_size=40)
TURKISH_UPPER = str.maketrans({"i": "İ", "ı": "I"})
TURKISH_LOWER = str.maketrans({"İ": "i", "I": "ı"})


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("İ", "i"),
        ("I", "i"),
        ("ı", "i"),
        ("i", "i"),
        ("IŞIL ıtır İnci", "isil itir inci"),
        ("ß", "ss"),
        ("ẞ", "ss"),
        ("Ş", "s"),
        ("ŞÇĞÖÜ şçğöü", "scgou scgou"),
        ("Kâzım Âdem Lûtfi", "kazim adem lutfi"),
        ("Łódź Ørsted Þór Đức", "lodz orsted thor duc"),
        ("Æsir œuvre", "aesir oeuvre"),
        ("Əliyev", "eliyev"),
        ("ﬁ Ⅷ ℡", "fi viii tel"),
        ("ＡＢＣ１２３", "abc123"),
        ("٠٥٣٢ ५", "0532 5"),
        ("Σίσυφος ΣΊΣΥΦΟΣ", "σισυφοσ σισυφοσ"),
        ("Жанна Ёлка", "жанна елка"),
        ("محمّد", "محمد"),
        ("王小明", "王小明"),
        ("한국", "한국"),
        ("e\u0301\u0323", "e"),
        ("Z\u0351\u036b\u0343algo", "zalgo"),
        ("O'Neil-100% a_b", "o'neil-100% a_b"),
        ("", ""),
    ],
)
def test_letters_are_the_same_to_a_searcher(written: str, folded: str) -> None:
    assert fold(written) == folded


@given(ANY_TEXT)
@example("\ud800")
@example("\x00")
def test_any_text_at_all_can_be_folded_sorted_and_searched(text: str) -> None:
    assert isinstance(fold(text), str)
    sort_key(text)
    search_words(text)
    search_text(text, text, "+905321112233", text, text)


@given(ANY_TEXT)
@example("İ")
@example("ŉ")
@example("\u0345")
def test_folding_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(NAMES)
def test_the_same_name_in_capitals_or_not_in_turkish_or_in_english_is_one(name: str) -> None:
    written = {
        name.upper(),
        name.lower(),
        name.title(),
        name.casefold(),
        name.translate(TURKISH_UPPER).upper(),
        name.translate(TURKISH_LOWER).lower(),
    }
    assert {fold(each) for each in written} == {fold(name)}


@given(ANY_TEXT)
def test_letter_case_makes_no_difference_in_any_script(text: str) -> None:
    assert fold(text.casefold()) == fold(text)
    assert fold(text.lower()) == fold(text)
    assert fold(text.upper()) == fold(text)


@given(ANY_TEXT)
@example("\u1fb4")
@example("e\u0323\u0301")
def test_letters_with_their_marks_apart_are_the_same(text: str) -> None:
    forms = {fold(unicodedata.normalize(form, text)) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    assert forms == {fold(text)}


@given(NAMES, NAMES)
def test_every_word_of_a_name_is_found_in_the_customers_text(first_name: str, last_name: str) -> None:
    text = search_text(first_name, last_name, None, None, None)
    for word, _ in search_words(f"{last_name.upper()} {first_name.lower()}"):
        assert word in text


def test_an_empty_name_sorts_as_none() -> None:
    assert sort_key(None) is sort_key("") is sort_key(" \u00a0") is None


def test_names_that_fold_alike_have_a_stable_order() -> None:
    assert sorted(["ayşe", "Ayşe", "AYSE", "Ayse b"], key=lambda name: sort_key(name) or "") == [
        "AYSE",
        "Ayşe",
        "ayşe",
        "Ayse b",
    ]
