"""The rows that were not imported: as JSON in pages, and as a file to correct and import again."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tests.support.imports import (
    IMPORTS,
    TURKISH,
    Rows,
    act,
    change,
    counts,
    csv_file,
    import_file,
    issues,
    upload,
    xlsx_file,
)
from tests.support.imports import values as customer_values
from tests.support.world import World, expect_error

HEADINGS = ["Ad Soyad", "Doğum Tarihi", "E-posta", "Boy"]
ROWS: list[Sequence[Any]] = [
    ["Ayşe Yılmaz", "25.11.1953", "ayse@example.com", "170"],
    ["=cmd|'/c calc'!A1", "31.02.1990", "", "160"],
    ["+90 532 111 22 33", "-1", "nobody", "@x"],
]
ENGLISH = [
    'Doğum Tarihi must be a date such as 31.12.1990, not "31.02.1990".',
    'Doğum Tarihi must be a date such as 31.12.1990, not "-1". E-posta must be an e-mail address, not "nobody".',
]


def started(world: World, name: str, content: bytes, **settings: Any) -> dict[str, Any]:
    return import_file(world, name, content, **settings)


def download(world: World, import_id: str, **options: Any) -> tuple[str, bytes]:
    """Return the name and the content of an error file."""
    answer = world.send("GET", f"{IMPORTS}/{import_id}/errors", **options)
    assert answer.status_code == 200, answer.text
    return answer.headers["Content-Disposition"], answer.content


def cells_of(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_an_error_file_has_the_original_columns_and_the_reason(empty_world: World, delimiter: str) -> None:
    found = started(empty_world, "liste.csv", csv_file(HEADINGS, *ROWS, delimiter=delimiter))
    assert counts(found["result"]) == {"created": 1, "refused": 2}
    name, content = download(empty_world, found["id"])
    assert name == 'attachment; filename="liste.errors.csv"'
    first, second = cells_of(content, delimiter)[1:]
    assert cells_of(content, delimiter)[0] == [*HEADINGS, "Reason"]
    assert first == ["'" + ROWS[1][0], *ROWS[1][1:], ENGLISH[0]]
    assert second[:4] == ["+90 532 111 22 33", "-1", "nobody", "'@x"]
    assert second[4].startswith('Doğum Tarihi must be a date such as 31.12.1990, not "-1". E-posta must be ')


def test_the_reasons_are_in_the_language_of_the_reader(empty_world: World) -> None:
    found = started(empty_world, "liste.csv", csv_file(HEADINGS, *ROWS))
    rows = cells_of(download(empty_world, found["id"], headers=TURKISH)[1])
    assert rows[0][-1] == "Neden"
    assert rows[1][-1] == 'Doğum Tarihi 31.12.1990 gibi bir tarih olmalıdır; "31.02.1990" olamaz.'
    assert issues(empty_world, found["id"], headers=TURKISH)[0] == (3, rows[1][-1])


def test_the_error_file_of_a_spreadsheet_is_a_workbook(empty_world: World) -> None:
    sheets: dict[str, Rows] = {"Liste": [HEADINGS, ["Can Öz", 33000, "x@", 1.5], ["=1+1", "yok", "y@", True]]}
    found = started(empty_world, "liste.xlsx", xlsx_file(sheets))
    name, content = download(empty_world, found["id"])
    assert name == 'attachment; filename="liste.errors.xlsx"'
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert rows[0] == [*HEADINGS, "Reason"]
    assert rows[1][:4] == ["Can Öz", 33000, "x@", 1.5]
    assert str(rows[1][4]).startswith("E-posta must be ")


def test_a_formula_of_a_workbook_stays_text(empty_world: World) -> None:
    content = csv_file(["Ad", "E-posta"], ["=1+1", "x"])
    found = started(empty_world, "liste.csv", content)
    assert cells_of(download(empty_world, found["id"])[1])[1][0] == "'=1+1"
    sheets: dict[str, Rows] = {"Liste": [["Ad", "E-posta"], ["'=1+1", "x"]]}
    found = started(empty_world, "liste.xlsx", xlsx_file(sheets))
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(download(empty_world, found["id"])[1]))
    assert workbook.get_sheet_by_index(0).to_python()[1][0] == "'=1+1"


def test_a_corrected_error_file_can_be_imported(empty_world: World) -> None:
    found = started(empty_world, "liste.csv", csv_file(HEADINGS, *ROWS, delimiter=";", encoding="windows-1254"))
    content = download(empty_world, found["id"])[1].decode("utf-8-sig")
    corrected = content.replace("31.02.1990", "28.02.1990").replace("-1", "01.01.1980").replace("nobody", "b@c.com")
    again = upload(empty_world, "liste.errors.csv", corrected.encode("utf-8-sig"))
    assert again["mapping"] == ["full_name", "date_of_birth", "email", None, None]
    again = act(empty_world, again["id"], "start")
    assert counts(again["result"]) == {"created": 2}
    assert [birth[:10] for (birth,) in customer_values(empty_world, "date_of_birth")] == [
        "1953-11-25",
        "1990-02-28",
        "1980-01-01",
    ]
    assert customer_values(empty_world, "first_name", "last_name")[1] == ("=cmd|'/c", "calc'!A1")


def test_skipped_rows_have_a_file_too(empty_world: World) -> None:
    empty_world.create(first_name="Ayşe", email="ayse@example.com")
    found = started(empty_world, "liste.csv", csv_file(HEADINGS, ROWS[0]), on_match="skip")
    assert issues(empty_world, found["id"]) == []
    rows = cells_of(download(empty_world, found["id"], params={"kind": "skipped"})[1])
    assert rows[1] == [*ROWS[0], "E-posta is that of customer 1."]
    assert len(cells_of(download(empty_world, found["id"])[1])) == 1


def test_issues_come_in_pages(empty_world: World) -> None:
    rows = [[f"P {number}", "", "nobody" if number % 2 else "", ""] for number in range(300)]
    found = started(empty_world, "liste.csv", csv_file(HEADINGS, *rows), match_by="none")
    wrong = [number + 2 for number in range(300) if number % 2]
    assert [row for row, _reason in issues(empty_world, found["id"])] == wrong[:100]
    page = issues(empty_world, found["id"], params={"after": wrong[99], "limit": 10})
    assert [row for row, _reason in page] == wrong[100:110]
    assert issues(empty_world, found["id"], params={"after": wrong[-1]}) == []
    assert len(issues(empty_world, found["id"], params={"limit": 1000})) == 150
    assert len(cells_of(download(empty_world, found["id"])[1])) == 151


@pytest.mark.parametrize("query", ["kind=kept", "kind=x", "after=1"])
def test_wrong_parameters_of_an_error_file_are_refused(empty_world: World, query: str) -> None:
    found = upload(empty_world, "liste.csv", csv_file(HEADINGS, *ROWS))
    path = f"{IMPORTS}/{found['id']}/errors?{query}"
    expect_error(empty_world.send("GET", path, headers={"Prefer": "handling=strict"}), 422, "validation_error")


def test_wrong_parameters_of_issues_are_refused(empty_world: World) -> None:
    path = f"{IMPORTS}/{upload(empty_world, 'liste.csv', csv_file(HEADINGS, *ROWS))['id']}/issues"
    problem = expect_error(
        empty_world.send("GET", f"{path}?kind=x&after=-1&limit=1001", headers={"Prefer": "handling=strict"}),
        422,
        "validation_error",
    )
    assert problem["errors"].keys() == {"kind", "after", "limit"}


def test_the_issues_of_a_preview_are_replaced_by_those_of_the_import(empty_world: World) -> None:
    found = act(empty_world, upload(empty_world, "liste.csv", csv_file(HEADINGS, *ROWS))["id"], "preview")
    assert [row for row, _reason in issues(empty_world, found["id"])] == [3, 4]
    change(empty_world, found["id"], mapping=["full_name", None, "email", None])
    act(empty_world, found["id"], "preview")
    assert [row for row, _reason in issues(empty_world, found["id"])] == [4]
    act(empty_world, found["id"], "start")
    assert [row for row, _reason in issues(empty_world, found["id"])] == [4]


def test_the_contacts_of_a_phone_have_an_error_file(empty_world: World) -> None:
    card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ayşe Öz\r\nEMAIL:nobody\r\nEND:VCARD\r\n"
    found = started(empty_world, "Kişiler.vcf", card.encode(), match_by="none")
    assert counts(found["result"]) == {"refused": 1}
    name, content = download(empty_world, found["id"])
    assert "errors.csv" in name
    assert cells_of(content)[1][:5] == ["", "", "Ayşe Öz", "", "nobody"]
