"""Files of other programs, from their headings and cells to the values of customers."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from regulars.customers.imports.cells import Cell
from regulars.customers.imports.date_order import decide_date_order, usual_date_order
from regulars.customers.imports.mapping import suggest_mapping
from regulars.customers.imports.references import ReferenceNames
from regulars.customers.imports.rows import Row, RowReader
from regulars.customers.imports.values import ReadingContext
from regulars.customers.validation import ReadContext

CONTEXT = ReadContext("TR", date(2026, 11, 28))
NAMES = ReferenceNames(
    country_codes={"TR": 792, "DE": 276, "US": 840},
    country_names={},
    member_emails={},
    member_names={},
    ambiguous_names=frozenset(),
    channel_ids=frozenset(),
)


def read_all(headings: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[Row]:
    """Return the rows of a file, of which nothing is known but its cells."""
    mapping = suggest_mapping(headings, rows, CONTEXT)
    position = [column.target for column in mapping].index("date_of_birth")
    dates = decide_date_order([row[position] for row in rows], usual_date_order("tr-TR", "TR"), CONTEXT.today)
    reader = RowReader(mapping, ReadingContext(*CONTEXT, dates.order), NAMES)
    return [reader.read(cells) for cells in rows]


def read_one(cells: dict[str, Cell]) -> Row:
    """Return the row of a file with one row, whose cells are named by their headings."""
    (row,) = read_all(list(cells), [list(cells.values())])
    return row


def test_a_turkish_spreadsheet() -> None:
    headings = ["Adı Soyadı", "Cep Tel.", "E-posta", "D. Tarihi", "Cinsiyet", "TC Kimlik No", "Ülke", "Notlar"]
    rows: list[list[Cell]] = [
        ["Dr. Ayşe Nur YILMAZ", 5321112233.0, "ayse@example.com", "05.04.90", "K", 10000000146.0, "Türkiye", "VIP"],
        ["ÖZ, Mehmet", "+49 30 901820", "-", datetime(1953, 11, 25), "Erkek", None, "Almanya"],  # noqa: DTZ001
        ["Ursula von der Leyen", "='1'", None, "25 Kasım 1953", "Bayan", "", ""],
        ["=Ali", "0532 111 22 34", "yok", "31.12.85", "e", "n/a", "DE"],
    ]
    found = read_all(headings, rows)
    assert [[fault.heading for fault in row.faults] for row in found] == [[], [], ["Cep Tel."], []]
    assert found[0].values == {
        "first_name": "Ayşe Nur",
        "last_name": "YILMAZ",
        "phone_number": "+905321112233",
        "phone_number_as_typed": "5321112233",
        "email": "ayse@example.com",
        "date_of_birth": date(1990, 4, 5),
        "gender": "female",
        "country_id": 792,
        "identity_number": "10000000146",
    }
    assert found[1].values == {
        "first_name": "Mehmet",
        "last_name": "ÖZ",
        "phone_number": "+4930901820",
        "phone_number_as_typed": "+49 30 901820",
        "date_of_birth": date(1953, 11, 25),
        "gender": "male",
        "country_id": 276,
    }
    assert found[3].values == {
        "first_name": "=Ali",
        "phone_number": "+905321112234",
        "phone_number_as_typed": "0532 111 22 34",
        "date_of_birth": date(1985, 12, 31),
        "gender": "male",
        "country_id": 276,
    }


CONTACT: dict[str, Any] = {
    "first_name": "Ayşe Nur",
    "last_name": "Yılmaz",
    "phone_number": "+905321112233",
    "phone_number_as_typed": "+90 532 111 22 33",
    "email": "ayse@example.com",
    "date_of_birth": date(1990, 4, 5),
    "country_id": 792,
    "job": "Eczacı",
    "address": "Moda Cad. 1\n34710 Kadıköy, İstanbul",
}


def test_google_contacts() -> None:
    row = read_one(
        {
            "First Name": "Ayşe",
            "Middle Name": "Nur",
            "Last Name": "Yılmaz",
            "Organization Title": "Eczacı",
            "Birthday": "1990-04-05",
            "Labels": "VIP ::: * myContacts",
            "E-mail 1 - Label": "* Home",
            "E-mail 1 - Value": "ayse@example.com ::: a@example.org",
            "Phone 1 - Label": "Mobile",
            "Phone 1 - Value": "+90 532 111 22 33",
            "Address 1 - Formatted": "",
            "Address 1 - Street": "Moda Cad. 1",
            "Address 1 - City": "Kadıköy",
            "Address 1 - Region": "İstanbul",
            "Address 1 - Postal Code": "34710",
            "Address 1 - Country": "TR",
        }
    )
    assert (row.values, row.tags, row.faults) == (CONTACT, ["VIP"], [])
    assert [warning.heading for warning in row.warnings] == ["E-mail 1 - Value"]


def test_outlook() -> None:
    row = read_one(
        {
            "First Name": "Ayşe",
            "Middle Name": "Nur",
            "Last Name": "Yılmaz",
            "E-mail Address": "ayse@example.com",
            "Home Phone": "",
            "Mobile Phone": "+90 532 111 22 33",
            "Job Title": "Eczacı",
            "Home Street": "Moda Cad. 1",
            "Home City": "Kadıköy",
            "Home State": "İstanbul",
            "Home Postal Code": "34710",
            "Home Country/Region": "Türkiye",
            "Birthday": "5.4.1990",
            "Categories": "VIP;Yeni",
        }
    )
    assert row == Row(CONTACT, tags=["VIP", "Yeni"])


def test_a_german_list_with_an_address_in_columns() -> None:
    row = read_one(
        {
            "Name": "Müller",
            "Vorname": "Erika",
            "Straße": "Hauptstr. 5",
            "PLZ": 80331.0,
            "Ort": "München",
            "Geb.": "1.2.85",
        }
    )
    assert row.values == {
        "first_name": "Erika",
        "last_name": "Müller",
        "address": "Hauptstr. 5\n80331 München",
        "date_of_birth": date(1985, 2, 1),
    }


def test_a_turkish_list_with_an_address_in_columns() -> None:
    row = read_one({"Ad": "Ayşe", "Adres": "Moda Cad. 1", "İlçe": "Kadıköy", "İl": "İstanbul", "Doğum Tarihi": "-"})
    assert row.values == {"first_name": "Ayşe", "address": "Moda Cad. 1\nKadıköy, İstanbul"}
