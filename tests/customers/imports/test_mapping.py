"""Recognition of the columns of a file."""

import random
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.customers.fields import CSV_COLUMNS
from regulars.customers.imports.cells import Cell
from regulars.customers.imports.mapping import TARGETS, ColumnMapping, is_own_format, suggest_mapping
from regulars.customers.validation import ReadContext

CONTEXT = ReadContext("TR", date(2026, 11, 28))
GOOGLE = (
    "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,"
    "Name Suffix,Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,Photo,"
    "Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,Phone 1 - Value,"
    "Phone 2 - Label,Phone 2 - Value,Address 1 - Label,Address 1 - Formatted,Address 1 - Street,Address 1 - City,"
    "Address 1 - PO Box,Address 1 - Region,Address 1 - Postal Code,Address 1 - Country,Website 1 - Label,"
    "Website 1 - Value"
)
OLD_GOOGLE = (
    "Name,Given Name,Additional Name,Family Name,Yomi Name,Name Prefix,Initials,Nickname,Birthday,Gender,Location,"
    "Occupation,Hobby,Notes,Group Membership,E-mail 1 - Type,E-mail 1 - Value,Phone 1 - Type,Phone 1 - Value,"
    "Address 1 - Type,Address 1 - Formatted,Address 1 - Street,Address 1 - Country"
)
OUTLOOK = (
    "First Name,Middle Name,Last Name,Title,Suffix,Nickname,E-mail Address,E-mail 2 Address,Home Phone,Home Phone 2,"
    "Business Phone,Mobile Phone,Car Phone,Other Phone,Primary Phone,Pager,Business Fax,Home Fax,Company,Job Title,"
    "Department,Home Address,Home Street,Home City,Home State,Home Postal Code,Home Country/Region,Business Street,"
    "Business Country/Region,Birthday,Anniversary,Notes,Categories,Web Page,Spouse"
)
HUBSPOT = (
    "Record ID,First Name,Last Name,Email,Phone Number,Contact owner,Primary Company,Last Activity Date (GMT+3),"
    "Lead Status,Create Date (GMT+3),Job Title"
)


def targets(headings: str, *rows: Sequence[Cell], context: ReadContext = CONTEXT) -> dict[str, str | None]:
    """Return the targets of the columns that are imported, by heading."""
    found = suggest_mapping(headings.split(","), rows, context)
    return {column.heading: column.target for column in found if column.target}


def test_google_contacts() -> None:
    common = {
        "Birthday": "date_of_birth",
        "Address 1 - Street": "address_street",
        "E-mail 1 - Value": "email",
        "Phone 1 - Value": "phone_number",
        "Address 1 - Formatted": "address",
        "Address 1 - Country": "country_name",
    }
    assert targets(GOOGLE) == common | {
        "First Name": "first_name",
        "Middle Name": "middle_name",
        "Last Name": "last_name",
        "Address 1 - Postal Code": "address_postal_code",
        "Address 1 - City": "address_city",
        "Address 1 - Region": "address_region",
        "Organization Title": "job",
        "Labels": "tags",
    }
    assert targets(OLD_GOOGLE) == common | {
        "Name": "full_name",
        "Given Name": "first_name",
        "Additional Name": "middle_name",
        "Family Name": "last_name",
        "Gender": "gender",
        "Occupation": "job",
        "Group Membership": "tags",
    }


def test_outlook() -> None:
    assert targets(OUTLOOK) == {
        "First Name": "first_name",
        "Middle Name": "middle_name",
        "Last Name": "last_name",
        "E-mail Address": "email",
        "Mobile Phone": "phone_number",
        "Job Title": "job",
        "Home Address": "address",
        "Home Street": "address_street",
        "Home Postal Code": "address_postal_code",
        "Home City": "address_city",
        "Home State": "address_region",
        "Home Country/Region": "country_name",
        "Birthday": "date_of_birth",
        "Categories": "tags",
    }


def test_hubspot() -> None:
    assert targets(HUBSPOT) == {
        "First Name": "first_name",
        "Last Name": "last_name",
        "Email": "email",
        "Phone Number": "phone_number",
        "Job Title": "job",
    }


def test_vcard() -> None:
    names = "first_name,last_name,full_name,phone_number,email,date_of_birth,job,address,categories"
    assert targets(names) == {name: name for name in names.split(",")} | {"categories": "tags"}


def test_our_own_export() -> None:
    found = suggest_mapping(CSV_COLUMNS, [], CONTEXT)
    assert found == tuple(ColumnMapping(name, name, "heading") for name in CSV_COLUMNS)


def test_our_own_export_with_another_column_and_in_capitals() -> None:
    headings = ["Puan", *(name.upper() for name in reversed(CSV_COLUMNS))]
    assert [column.target for column in suggest_mapping(headings, [], CONTEXT)] == [None, *reversed(CSV_COLUMNS)]


def test_some_columns_of_our_own_format() -> None:
    found = suggest_mapping(["id", "first_name", "created_at", "first_name"], [], CONTEXT)
    assert [column.target for column in found] == ["id", "first_name", "created_at", None]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({name: name for name in CSV_COLUMNS}, True),
        ({"ID ": "id", "First_Name": "first_name", "tags": None}, True),
        ({**{name: name for name in CSV_COLUMNS}, "Puan": None}, True),
        ({"id": "id", "first_name": "first_name", "Puan": None}, False),
        ({"id": "id", "first_name": "full_name"}, False),
        ({"Ad Soyad": "full_name"}, False),
    ],
)
def test_a_file_of_our_own_format_has_its_own_targets(columns: dict[str, str | None], expected: bool) -> None:
    assert is_own_format([ColumnMapping(heading, target) for heading, target in columns.items()]) is expected


def test_the_ids_and_times_of_another_program_are_not_ours() -> None:
    assert targets("id,Ad,Soyad,created_at") == {"Ad": "first_name", "Soyad": "last_name"}


@pytest.mark.parametrize(
    ("headings", "expected"),
    [
        ("Ad,Soyad", ["first_name", "last_name"]),
        ("Adı,Soyadı", ["first_name", "last_name"]),
        ("İsim,Soyisim", ["first_name", "last_name"]),
        ("Ad", ["full_name"]),
        ("İsim,Telefon", ["full_name", "phone_number"]),
        ("Name,Vorname", ["last_name", "first_name"]),
        ("Nom,Prénom", ["last_name", "first_name"]),
        ("Name,Surname", ["first_name", "last_name"]),
        ("Ad,Ad Soyad", [None, "full_name"]),
        ("Ad Soyad,Ad,Soyad", ["full_name", "first_name", "last_name"]),
        ("Name,Full Name,First Name,Last Name", [None, "full_name", "first_name", "last_name"]),
        ("Ad,İsim", ["full_name", None]),
        ("Soyadı Adı,Telefon", ["reversed_name", "phone_number"]),
        ("Nom Prénom,Nom", ["reversed_name", None]),
    ],
)
def test_the_meaning_of_a_name_depends_on_the_other_columns(headings: str, expected: list[str | None]) -> None:
    found = suggest_mapping(headings.split(","), [], CONTEXT)
    assert [column.target for column in found] == expected


def test_the_best_of_several_phone_numbers_wins() -> None:
    for headings in ("Home Phone,Mobile Phone", "Mobile Phone,Home Phone", "Ev Tel,Telefon,Mobile Phone"):
        assert targets(headings) == {"Mobile Phone": "phone_number"}
    assert targets("Telefon 2,Telefon 1") == {"Telefon 1": "phone_number"}


def test_a_column_with_values_wins() -> None:
    rows: list[list[Cell]] = [["", "0212 444 55 66"], [None, "0212 444 55 67"], ["-"]]
    assert targets("Mobile Phone,Home Phone", *rows) == {"Home Phone": "phone_number"}


@pytest.mark.parametrize(("code", "target"), [("+90", None), (90, None), ("TR", "country_code"), ("", "country_code")])
def test_a_country_code_may_be_that_of_a_telephone(code: Cell, target: str | None) -> None:
    assert targets("Ülke Kodu", [code]).get("Ülke Kodu") == target


def test_a_form_of_address_may_be_a_gender() -> None:
    assert targets("Anrede", ["Frau"], ["Herr"]) == {"Anrede": "gender"}
    assert targets("Anrede", ["Liebe Anna"], ["Hallo"]) == {}


VALUES: dict[str, tuple[list[Cell], str | None]] = {
    "addresses": (["a@example.com", "b@example.org", None, "-"], "email"),
    "mostly addresses": ([*["a@example.com"] * 4, "b@"], "email"),
    "few addresses": (["a@example.com", "x", "y"], None),
    "numbers": (["0532 111 22 33", "+90 212 444 55 66", "+49 30 901820"], "phone_number"),
    "numbers of a spreadsheet": ([5321112233.0, 5321112234], "phone_number"),
    "small numbers": ([1, 2, 3], None),
    "years": (["1990", "1991"], None),
    "identity numbers": (["10000000146", 10000000146.0], "identity_number"),
    "identity numbers with wrong check digits": (["12345678901"], None),
    "genders": (["Kadın", "Erkek", "Kadın"], "gender"),
    "letters of genders": (["K", "E"], "gender"),
    "yes and no": (["E", "H", "E"], None),
    "only yes": (["E", "E"], None),
    "sizes": (["S", "M", "L"], None),
    "old dates": (["25.11.1953", "05.04.1990"], "date_of_birth"),
    "old dates of a spreadsheet": ([date(1953, 11, 25), date(2015, 1, 1), date(1980, 1, 1)], "date_of_birth"),
    "appointments": ([date(2026, 11, 25), "01.12.2025", "02.12.2025"], None),
    "days since 1900": ([19688, 32000], None),
    "words": (["sarı", "kırmızı"], None),
    "nothing": ([None, "", "yok"], None),
}


@pytest.mark.parametrize(("cells", "target"), VALUES.values(), ids=VALUES)
def test_values_tell_what_an_unknown_heading_does_not(cells: list[Cell], target: str | None) -> None:
    (found,) = suggest_mapping(["Spalte 7"], [[cell] for cell in cells], CONTEXT)
    assert found == ColumnMapping("Spalte 7", target, "values" if target else None)


def test_phone_numbers_are_those_of_the_tenants_country() -> None:
    rows: list[list[Cell]] = [["0664 1234567"], ["0664 7654321"]]
    assert targets("x", *rows, context=ReadContext("AT", CONTEXT.today)) == {"x": "phone_number"}
    assert targets("x", *rows, context=ReadContext("US", CONTEXT.today)) == {}


def test_values_do_not_overrule_a_heading() -> None:
    row = ["a@example.com", "b@example.com", "01.01.1990", "0532 111 22 33"]
    assert targets("E-posta,x,Kayıt Tarihi,Acil Durum Telefonu", row) == {"E-posta": "email"}


def test_the_first_of_several_columns_with_the_same_kind_of_values_wins() -> None:
    assert targets("x,y", ["a@example.com", "b@example.com"]) == {"x": "email"}
    assert targets("x,y", ["a@example.com", "b@example.com"], *[["c@example.com"]] * 3, ["?!", "d@example.com"]) == {
        "y": "email"
    }


def test_rows_may_be_shorter_or_longer_than_the_header() -> None:
    assert targets("Ad,Spalte 7", ["Ayşe"], ["Ali", "a@example.com", "x"]) == {"Ad": "full_name", "Spalte 7": "email"}


@given(
    st.lists(st.sampled_from([*GOOGLE.split(","), *OUTLOOK.split(","), *CSV_COLUMNS, "Ad", "Soyad", "?"])), st.randoms()
)
def test_each_target_is_used_once_whatever_the_order(headings: list[str], shuffler: random.Random) -> None:
    found = [column.target for column in suggest_mapping(headings, [], CONTEXT) if column.target]
    assert len(found) == len(set(found))
    assert set(found) <= set(TARGETS)
    shuffler.shuffle(headings)
    assert {column.target for column in suggest_mapping(headings, [], CONTEXT) if column.target} == set(found)


CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.dates(), st.datetimes(), st.times()
)


@given(st.lists(st.text(), max_size=4), st.lists(st.lists(CELLS, max_size=5), max_size=5))
def test_any_file_has_a_mapping_for_each_column(headings: list[str], rows: list[list[Cell]]) -> None:
    assert [column.heading for column in suggest_mapping(headings, rows, CONTEXT)] == headings
