"""Contacts as phones export them."""

from pathlib import Path

import pytest

from regulars.customers.imports.formats import Choices
from regulars.customers.imports.vcards import MAX_PROPERTIES
from regulars.errors import Malformed
from tests.customers.imports.files import numbered_cells, open_bytes

IPHONE = """BEGIN:VCARD
VERSION:3.0
PRODID:-//Apple Inc.//iPhone OS 17.0//EN
N:Yılmaz;Ayşe;Nur;Dr.;
FN:Dr. Ayşe Nur Yılmaz
ORG:Çiçek Evi;Satış
TITLE:Müdür
item1.EMAIL;type=INTERNET:is@example.com
item1.X-ABLabel:_$!<Work>!$_
EMAIL;type=INTERNET;type=HOME;type=pref:ayse@example.com
TEL;type=WORK;type=VOICE;type=pref:0212 123 45 67
TEL;type=CELL;type=VOICE:+90 532 123 45 67
item2.ADR;type=HOME:;;Bağdat Cad. 5\\, Daire 3;İstanbul;Kadıköy;34710;Türkiye
NOTE:İlk satır\\nİkinci\\, satır\\; son
BDAY:1985-03-04
CATEGORIES:VIP,Toptan\\, Büyük
PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQ
 AAAQABAAD/2wBD:AAEBAQ
END:VCARD
"""
ANDROID = """BEGIN:VCARD\r
VERSION:2.1\r
N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=96z;=C5=9Eeyma=20G=\r
=C3=BCl;;;\r
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C5=9Eeyma=20G=C3=BCl=20=C3=96z\r
TEL;HOME:02121234567\r
TEL;CELL:05321234567\r
BDAY:19850304\r
PHOTO;ENCODING=BASE64;JPEG:/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAEBAQEBAQEBAQEBAQ\r
 EBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQH/2wBD\r
AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB==\r
\r
END:VCARD\r
"""
VERSION_4 = """BEGIN:VCARD
VERSION:4.0
FN:Can Öz
N:Öz;Can;;;
TEL;VALUE=uri;PREF=1;TYPE="voice,home":tel:+902121234567
TEL;VALUE=uri;TYPE="voice,cell":tel:+905321234567
EMAIL:eski@example.com
EMAIL;PREF=1:can@example.com
BDAY:--0304
NOTE:Uzun bir
  not
END:VCARD
"""


def contacts(folder: Path, content: bytes | str) -> list[dict[str, object]]:
    """Return the fields with a value of each contact."""
    table = open_bytes(folder, content, "contacts.vcf")
    assert table.format == "vcard"
    return [
        {name: cell for name, cell in zip(table.headings, cells, strict=True) if cell}
        for _number, cells in numbered_cells(table)
    ]


def card(*lines: str) -> str:
    return "\n".join(["BEGIN:VCARD", "VERSION:3.0", *lines, "END:VCARD", ""])


def test_a_contact_of_an_iphone(tmp_path: Path) -> None:
    assert contacts(tmp_path, IPHONE) == [
        {
            "first_name": "Ayşe Nur",
            "last_name": "Yılmaz",
            "full_name": "Dr. Ayşe Nur Yılmaz",
            "phone_number": "+90 532 123 45 67",
            "email": "ayse@example.com",
            "date_of_birth": "1985-03-04",
            "job": "Müdür",
            "address": "Bağdat Cad. 5, Daire 3, İstanbul, Kadıköy, 34710",
            "country_name": "Türkiye",
            "company": "Çiçek Evi, Satış",
            "note": "İlk satır\nİkinci, satır; son",
            "categories": "VIP|Toptan, Büyük|",
        }
    ]


def test_a_contact_of_an_android_phone(tmp_path: Path) -> None:
    assert contacts(tmp_path, ANDROID) == [
        {
            "first_name": "Şeyma Gül",
            "last_name": "Öz",
            "full_name": "Şeyma Gül Öz",
            "phone_number": "05321234567",
            "date_of_birth": "1985-03-04",
        }
    ]


def test_a_contact_in_version_4(tmp_path: Path) -> None:
    assert contacts(tmp_path, VERSION_4) == [
        {
            "first_name": "Can",
            "last_name": "Öz",
            "full_name": "Can Öz",
            "phone_number": "+905321234567",
            "email": "can@example.com",
            "note": "Uzun bir not",
        }
    ]


def test_contacts_are_numbered_by_their_first_lines(tmp_path: Path) -> None:
    table = open_bytes(tmp_path, ("\n" + IPHONE + ANDROID + VERSION_4).encode())
    assert [number for number, _cells in numbered_cells(table)] == [2, 21, 34]
    assert numbered_cells(table) == numbered_cells(table)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["FN:Ali", "BDAY;X-APPLE-OMIT-YEAR=1604:1604-03-04"], {"full_name": "Ali"}),
        (
            ["FN:Ali", "BDAY;VALUE=date-and-or-time:1985-03-04T00:00:00Z"],
            {"full_name": "Ali", "date_of_birth": "1985-03-04"},
        ),
        (["FN:Ali", "BDAY:4 Mart 1985"], {"full_name": "Ali", "date_of_birth": "4 Mart 1985"}),
        (["TEL;TYPE=FAX:1", "TEL;TYPE=HOME:2", "TEL;TYPE=WORK:3"], {"phone_number": "2"}),
        (["TEL:", "TEL:2"], {"phone_number": "2"}),
        (["ROLE:Usta", "FN:Ali"], {"full_name": "Ali", "job": "Usta"}),
        (["n:Öz;Ali", "fn:Ali Öz"], {"first_name": "Ali", "last_name": "Öz", "full_name": "Ali Öz"}),
        (["N:Öz;Ali,Can;;;", "NOTE:a", "NOTE:b"], {"first_name": "Ali Can", "last_name": "Öz", "note": "a\nb"}),
        ([r"N:a\\;b\;c;;;"], {"first_name": "b;c", "last_name": "a\\"}),
        (['TEL;TYPE="cell:x";X=";:":5'], {"phone_number": "5"}),
        (["not a property", ":", ";;:", "FN:Ali", "=41", 'TEL;TYPE="cell:5'], {"full_name": "Ali"}),
        (["FN;ENCODING=QUOTED-PRINTABLE;CHARSET=windows-1254:=DEule"], {"full_name": "Şule"}),
        (["FN;ENCODING=QUOTED-PRINTABLE;CHARSET=none:=C5=9Eule"], {"full_name": "Şule"}),
        (["NOTE;ENCODING=QUOTED-PRINTABLE:a="], {"note": "a"}),
        (["CATEGORIES:a, b", "CATEGORIES:c"], {"categories": "a|b|c|"}),
        (["ADR:;;A;B;;;Utopia"], {"address": "A, B, Utopia"}),
        (["ADR:;;;;;;TR"], {"country_name": "TR"}),
        (["ADR:A;;B"], {"address": "A, B"}),
        (["GENDER:F;ikisi de"], {"gender": "female"}),
        (["FN:Ali", "GENDER:U"], {"full_name": "Ali"}),
        (["X-GENDER:Other"], {"gender": "other"}),
    ],
)
def test_properties_as_programs_write_them(tmp_path: Path, lines: list[str], expected: dict[str, str]) -> None:
    assert contacts(tmp_path, card(*lines)) == [expected]


def test_cards_that_are_not_ended_are_read(tmp_path: Path) -> None:
    text = "BEGIN:VCARD\nFN:Ali\nBEGIN:VCARD\nFN:Can\nEND:VCARD\nFN:Kimse\nBEGIN:VCARD\nFN:Ece"
    assert contacts(tmp_path, text) == [{"full_name": name} for name in ("Ali", "Can", "Ece")]


def test_a_text_folded_before_the_name_of_a_boundary_is_one_text(tmp_path: Path) -> None:
    assert contacts(tmp_path, card("NOTE:a", " END:VCARD", "\tBEGIN:VCARD")) == [{"note": "aEND:VCARDBEGIN:VCARD"}]
    assert contacts(tmp_path, " BEGIN:VCARD\nFN:Ali\nEND:VCARD\n BEGIN:VCARD\nFN:Can") == [
        {"full_name": "Ali"},
        {"full_name": "Can"},
    ]


def test_contacts_of_outlook_are_in_the_encoding_of_windows(tmp_path: Path) -> None:
    content = card("N;LANGUAGE=tr;CHARSET=windows-1254:Yıldız;İpek").encode("windows-1254")
    assert contacts(tmp_path, content) == [{"first_name": "İpek", "last_name": "Yıldız"}]
    assert open_bytes(tmp_path, content).encoding == "windows-1254"


def test_a_large_picture_is_skipped(tmp_path: Path) -> None:
    on_one_line = "PHOTO;ENCODING=b:" + "A" * 300_000
    assert contacts(tmp_path, card(on_one_line, "FN:Ali")) == [{"full_name": "Ali"}]


def test_a_card_has_a_limited_number_of_properties(tmp_path: Path) -> None:
    lines = ["NOTE:x"] * (MAX_PROPERTIES + 1)
    [contact] = contacts(tmp_path, card(*lines))
    assert contact["note"] == "\n".join("x" * MAX_PROPERTIES)


def test_a_card_without_fields_is_skipped(tmp_path: Path) -> None:
    assert contacts(tmp_path, card("X-A:1") + card("FN:Ali")) == [{"full_name": "Ali"}]


def test_a_file_without_contacts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed) as raised:
        open_bytes(tmp_path, "VERSION:3.0\nX:1", "contacts.vcf", Choices())
    assert str(raised.value) == "The file has no contacts."
