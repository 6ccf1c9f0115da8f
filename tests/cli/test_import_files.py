"""`regulars import` with the files that other programs write."""

import io
import sys
from pathlib import Path

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from regulars.cli.main import run
from tests.support.shop import refused
from tests.support.world import World

CSV_1254 = "Ad Soyad;Telefon;Doğum Tarihi;Cinsiyet;Notlar\nAyşe YILMAZ;0532 111 22 33;25.11.1953;Kadın;VIP\n"
CSV_UTF_8 = "Ad Soyad,E-posta\nIşıl Öz,isil@example.com\n"
VCARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Öz;Şule;;;\r\nFN:Şule Öz\r\nTEL;type=CELL:0532 111 22 34\r\nEND:VCARD\r\n"
WORKBOOK: list[list[str | int]] = [
    ["Adı Soyadı", "Cep Tel.", "D. Tarihi", "Cinsiyet"],
    ["Mehmet KAYA", 5321112235, "05.04.1990", "Erkek"],
]


def workbook(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Müşteriler")
        for number, row in enumerate(WORKBOOK):
            sheet.write_row(number, 0, row)


def imported(world: World) -> list[dict[str, object]]:
    fields = ("first_name", "last_name", "phone_number", "email", "date_of_birth", "gender")
    found = world.get().json["data"]
    return [{name: customer[name] for name in fields if customer[name] is not None} for customer in found]


def test_a_turkish_workbook(empty_world: World) -> None:
    workbook(Path("müşteriler.xlsx"))
    assert run_import(empty_world, "müşteriler.xlsx", "--yes") == 0
    assert imported(empty_world) == [
        {
            "first_name": "Mehmet",
            "last_name": "KAYA",
            "phone_number": "+905321112235",
            "date_of_birth": "1990-04-05T00:00:00Z",
            "gender": "male",
        }
    ]


def test_a_windows_1254_file_with_semicolons(empty_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    Path("liste.csv").write_bytes(CSV_1254.encode("windows-1254"))
    assert run_import(empty_world, "liste.csv", "--yes") == 0
    said = capsys.readouterr().out
    assert "Notlar        not imported" in said
    assert "Imported 1 row." in said
    assert imported(empty_world) == [
        {
            "first_name": "Ayşe",
            "last_name": "YILMAZ",
            "phone_number": "+905321112233",
            "date_of_birth": "1953-11-25T00:00:00Z",
            "gender": "female",
        }
    ]


def test_full_names_and_contacts_of_a_phone(empty_world: World) -> None:
    Path("a.csv").write_text(CSV_UTF_8, "utf-8")
    Path("contacts.vcf").write_text(VCARD, "utf-8", newline="")
    assert run_import(empty_world, "a.csv", "--yes") == 0
    assert run_import(empty_world, "contacts.vcf", "--yes") == 0
    assert imported(empty_world) == [
        {"first_name": "Şule", "last_name": "Öz", "phone_number": "+905321112234"},
        {"first_name": "Işıl", "last_name": "Öz", "email": "isil@example.com"},
    ]


def test_nothing_is_imported_before_the_columns_are_confirmed(
    empty_world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("liste.csv").write_text(CSV_1254, "utf-8")
    assert run_import(empty_world, "liste.csv") == 1
    said = capsys.readouterr()
    assert "Ad Soyad      full_name" in said.out
    assert "add --yes" in said.err
    assert imported(empty_world) == []


UNREADABLE = [
    (("missing.csv", "--encoding", "utf-8"), "missing.csv cannot be read: No such file"),
    ((".", "--encoding", "utf-8"), "cannot be read: Is a directory"),
    (("a.csv", "--sheet", "Müşteriler"), "has no sheets"),
    (("b.xlsx", "--encoding", "utf-8", "--yes"), "is not a text file"),
    (("b.xlsx", "--sheet", "Randevular"), "Randevular"),
    (("a.csv", "--encoding", "latin5"), "latin5"),
]


@pytest.mark.parametrize(("arguments", "said"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_file_or_choice_that_does_not_fit_is_refused_in_a_sentence(
    empty_world: World, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    Path("a.csv").write_text(CSV_UTF_8, "utf-8")
    workbook(Path("b.xlsx"))
    assert run_import(empty_world, *arguments) == 1
    message = capsys.readouterr().err
    assert said in message
    assert "Please report it" not in message
    assert imported(empty_world) == []


def test_headings_cannot_control_the_terminal(empty_world: World, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.csv").write_text("Ad Soyad,Not\x1b[2J\x07\nAyşe Öz,\n", "utf-8")
    assert run_import(empty_world, "a.csv", "--yes") == 0
    assert "\x1b" not in capsys.readouterr().out


def test_bad_rows_are_reported_with_the_headings_of_the_file(empty_world: World) -> None:
    Path("liste.csv").write_text(CSV_1254 + "Ali Öz;12;31.02.1990;belirsiz;\n", "utf-8")
    assert run_import(empty_world, "liste.csv", "--yes") == 3
    (row,) = refused("liste.csv.errors.csv", ";")
    reason = row.pop("Reason")
    assert list(row.values()) == ["Ali Öz", "12", "31.02.1990", "belirsiz", ""]
    for heading in ("Telefon", "Doğum Tarihi", "Cinsiyet"):
        assert f"{heading} must " in reason
    assert len(imported(empty_world)) == 1


def test_bad_rows_of_a_workbook_are_in_a_workbook(empty_world: World) -> None:
    with xlsxwriter.Workbook("liste.xlsx") as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([*WORKBOOK, ["'=1+1", 12, "31.02.1990", ""]]):
            sheet.write_row(number, 0, row)
    assert run_import(empty_world, "liste.xlsx", "--yes") == 3
    heading, cells = CalamineWorkbook.from_path("liste.xlsx.errors.xlsx").get_sheet_by_index(0).to_python()
    assert heading == [*WORKBOOK[0], "Reason"]
    assert cells[:4] == ["'=1+1", 12, "31.02.1990", ""]
    assert "Cep Tel. must " in str(cells[4])


@pytest.mark.parametrize(
    "content",
    [CSV_1254.encode("windows-1254"), VCARD.encode(), b'{"ad soyad": "Ali Oz"}\n'],
    ids=["csv", "vcf", "jsonl"],
)
def test_every_format_is_read_from_standard_input(
    empty_world: World, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert run_import(empty_world, "-", "--yes") == 0
    assert len(imported(empty_world)) == 1


def test_a_workbook_is_read_from_standard_input(empty_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook(Path("b.xlsx"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path("b.xlsx").read_bytes())))
    assert run_import(empty_world, "-", "--yes") == 0
    assert len(imported(empty_world)) == 1


def run_import(world: World, file: str, *options: str) -> int:
    return run(["import", file, "--tenant", str(world.clinic), "--database", world.url, *options])
