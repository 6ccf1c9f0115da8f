"""Four files as people have them, each imported with one confirmation: they are uploaded and started."""

from datetime import date, datetime
from typing import Any

import pytest

from tests.support.imports import counts, csv_file, customers, import_file, xlsx_file
from tests.support.world import World

FIELDS = ("first_name", "last_name", "phone_number", "email", "date_of_birth", "gender", "country_name")
WORKBOOK = xlsx_file(
    {
        "Müşteriler": [
            ["Adı", "Soyadı", "Cep Telefonu", "E-posta Adresi", "Doğum Tarihi", "Cinsiyeti", "Ülkesi", "Notlar"],
            ["Ayşe Nur", "Yılmaz", 5321112233, "ayse@example.com", date(1953, 11, 25), "Kadın", "Türkiye", "Saç"],
            ["Mehmet", "Öz", "+49 30 901820", "", datetime(1985, 12, 3), "ERKEK", "Almanya", ""],  # noqa: DTZ001
        ]
    }
)
SALON = csv_file(
    ["Ad Soyad", "Telefon", "Doğum Tarihi", "Cinsiyet", "E-posta", "Etiketler", "Boy"],
    ["Ayşe Yılmaz", "0532 111 22 33", "25.11.1953", "Kadın", "ayse@example.com", "VIP, Boya", 170],
    ["Mehmet Can Demir", "0533 222 33 44", "03.12.1985", "Erkek", "mehmet@example.com", "", 180],
    delimiter=";",
    encoding="windows-1254",
)
CLINIC = csv_file(
    ["Ad Soyad", "Cep", "D. Tarihi", "Ülke"],
    ["ŞERİFE İNCİ ÇELİK", "(0532) 111-22-33", "01/02/1990", "TR"],
    ["Öz, Can", "0049 30 901820", "31/12/1985", "Deutschland"],
)
IPHONE = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:-//Apple Inc.//iPhone OS 17.0//EN\r\n"
    "N:Yılmaz;Ayşe;Nur;Dr.;\r\nFN:Dr. Ayşe Nur Yılmaz\r\nORG:Çiçek Evi;\r\nTITLE:Müdür\r\n"
    "item1.EMAIL;type=INTERNET:is@example.com\r\nitem1.X-ABLabel:_$!<Work>!$_\r\n"
    "EMAIL;type=INTERNET;type=HOME;type=pref:ayse@example.com\r\n"
    "TEL;type=WORK;type=VOICE;type=pref:0212 123 45 67\r\nTEL;type=CELL;type=VOICE:+90 532 123 45 67\r\n"
    "item2.ADR;type=HOME:;;Bağdat Cad. 5;İstanbul;Kadıköy;34710;Türkiye\r\nBDAY:1985-03-04\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:3.0\r\nN:;Anne;;;\r\nFN:Anne\r\nTEL;type=HOME:0212 765 43 21\r\nBDAY:1604-03-04\r\n"
    "END:VCARD\r\n"
).encode()


def imported(world: World, name: str, content: bytes, rows: int) -> list[tuple[Any, ...]]:
    found = import_file(world, name, content)
    assert counts(found["result"]) == {"created": rows}
    assert found["result"]["reasons"] == []
    return [tuple(customer[field] for field in FIELDS) for customer in customers(world)]


def test_a_workbook_with_turkish_headings(empty_world: World) -> None:
    assert imported(empty_world, "Müşteri Listesi.xlsx", WORKBOOK, rows=2) == [
        (
            "Ayşe Nur",
            "Yılmaz",
            "+905321112233",
            "ayse@example.com",
            "1953-11-25T00:00:00Z",
            "female",
            "Türkiye",
        ),
        ("Mehmet", "Öz", "+4930901820", None, "1985-12-03T00:00:00Z", "male", "Germany"),
    ]


def test_a_file_of_turkish_windows_with_semicolons(empty_world: World) -> None:
    assert imported(empty_world, "salon.csv", SALON, rows=2) == [
        ("Ayşe", "Yılmaz", "+905321112233", "ayse@example.com", "1953-11-25T00:00:00Z", "female", None),
        ("Mehmet Can", "Demir", "+905332223344", "mehmet@example.com", "1985-12-03T00:00:00Z", "male", None),
    ]
    assert sorted(tag["name"] for tag in customers(empty_world)[0]["tags"]) == ["Boya", "VIP"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
def test_a_utf_8_file_with_names_in_one_column(empty_world: World, mark: bytes) -> None:
    assert imported(empty_world, "klinik.csv", mark + CLINIC, rows=2) == [
        ("ŞERİFE İNCİ", "ÇELİK", "+905321112233", None, "1990-02-01T00:00:00Z", None, "Türkiye"),
        ("Can", "Öz", "+4930901820", None, "1985-12-31T00:00:00Z", None, "Germany"),
    ]


def test_the_contacts_of_an_iphone(empty_world: World) -> None:
    assert imported(empty_world, "Kişiler.vcf", IPHONE, rows=2) == [
        ("Ayşe Nur", "Yılmaz", "+905321234567", "ayse@example.com", "1985-03-04T00:00:00Z", None, "Türkiye"),
        ("Anne", None, "+902127654321", None, None, None, None),
    ]
    ayse = customers(empty_world)[0]
    assert (ayse["job"], ayse["address"]) == ("Müdür", "Bağdat Cad. 5, İstanbul, Kadıköy, 34710")
