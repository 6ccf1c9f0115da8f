"""Spreadsheets of Excel and OpenDocument."""

import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
import xlsxwriter
import xlwt

from regulars.customers.imports.formats import Cell, Choices, Table, open_table
from regulars.errors import Malformed
from tests.customers.imports.files import errors, numbered_cells

HEADINGS = ("Ad", "Soyad", "Telefon")
PEOPLE: list[list[Cell]] = [["Ayşe", "Yılmaz", 5321234567], ["Can", "Öz", 5329876543]]
TOO_LARGE = "The spreadsheet takes too much memory or time to read. Save its sheet as CSV."
DAMAGED = "The file is damaged. Open it in a spreadsheet program and save it again."
ODS = "application/vnd.oasis.opendocument.spreadsheet"
MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="content.xml"/></manifest:manifest>'
)

Sheets = dict[str, dict[int, Sequence[Cell]]]


def write_xlsx(path: Path, sheets: Sheets) -> None:
    """Write sheets whose rows are given with their numbers."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as workbook:
        formats = {
            time: workbook.add_format({"num_format": "hh:mm"}),
            datetime: workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
        }
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for number, cells in rows.items():
                for column, cell in enumerate(cells):
                    sheet.write(number - 1, column, cell, formats.get(type(cell)))


def write_xls(path: Path, sheets: Sheets) -> None:
    workbook = xlwt.Workbook()
    for name, rows in sheets.items():
        sheet = workbook.add_sheet(name)
        for number, cells in rows.items():
            for column, cell in enumerate(cells):
                sheet.write(number - 1, column, cell)
    workbook.save(str(path))


def write_ods(path: Path, sheets: Sheets) -> None:
    tables = "".join(ods_table(name, rows) for name, rows in sheets.items())
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f"<office:document-content{names}><office:body><office:spreadsheet>{tables}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    write_zip(path, {"mimetype": ODS, "META-INF/manifest.xml": MANIFEST, "content.xml": content})


def ods_table(name: str, rows: dict[int, Sequence[Cell]]) -> str:
    height = max(rows, default=0)
    written = "".join(
        f"<table:table-row>{''.join(map(ods_cell, rows.get(row, ())))}</table:table-row>"
        for row in range(1, height + 1)
    )
    return f'<table:table table:name="{name}">{written}</table:table>'


def ods_cell(cell: Cell) -> str:
    if isinstance(cell, int):
        return f'<table:table-cell office:value-type="float" office:value="{cell}"/>'
    if cell is None:
        return "<table:table-cell/>"
    return f'<table:table-cell office:value-type="string"><text:p>{escape(str(cell))}</text:p></table:table-cell>'


def write_zip(path: Path, members: dict[str, str | bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


WRITERS = {"xlsx": write_xlsx, "xls": write_xls, "ods": write_ods}


@pytest.fixture(params=WRITERS)
def file_format(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def open_sheets(folder: Path, file_format: str, sheets: Sheets, choices: Choices | None = None) -> Table:
    path = folder / "upload"
    WRITERS[file_format](path, sheets)
    return open_table(path, "customers.csv", choices or Choices())


def test_the_first_sheet_with_data_is_read(tmp_path: Path, file_format: str) -> None:
    sheets: Sheets = {"Boş": {}, "Müşteriler": {1: HEADINGS, 2: PEOPLE[0], 4: PEOPLE[1]}, "Eski": {1: ["a", "b"]}}
    table = open_sheets(tmp_path, file_format, sheets)
    assert (table.format, table.headings, table.heading_row) == (file_format, HEADINGS, 1)
    assert (table.sheet, table.sheets) == ("Müşteriler", ("Boş", "Müşteriler", "Eski"))
    assert numbered_cells(table) == numbered_cells(table) == [(2, PEOPLE[0]), (4, PEOPLE[1])]


def test_the_user_can_choose(tmp_path: Path, file_format: str) -> None:
    sheets: Sheets = {"Yeni": {1: ["a", "b"]}, "Eski": {1: ["x", "y"], 3: HEADINGS, 4: PEOPLE[0]}}
    table = open_sheets(tmp_path, file_format, sheets, Choices(sheet="Eski", heading_row=3))
    assert (table.sheet, table.headings, numbered_cells(table)) == ("Eski", HEADINGS, [(4, PEOPLE[0])])


def test_a_title_above_the_headings_is_skipped(tmp_path: Path, file_format: str) -> None:
    table = open_sheets(tmp_path, file_format, {"Liste": {2: ["Müşteri listesi"], 4: HEADINGS, 5: PEOPLE[0]}})
    assert (table.heading_row, table.headings, numbered_cells(table)) == (4, HEADINGS, [(5, PEOPLE[0])])


def test_rows_are_as_wide_as_the_headings(tmp_path: Path, file_format: str) -> None:
    table = open_sheets(tmp_path, file_format, {"Liste": {1: HEADINGS, 2: ["Can"], 3: [*PEOPLE[0], "x"]}})
    assert [list(row.cells) for row in table.rows()] == [["Can", None, None], PEOPLE[0]]
    assert errors(table) == [(3, "The row has more cells than the file has headings.")]


def test_cells_keep_their_types(tmp_path: Path) -> None:
    values: list[Cell] = [date(1980, 2, 1), time(10, 30), datetime(2020, 1, 2, 3, 4), True, 1.5, 2, "x", None, "05"]  # noqa: DTZ001
    headings = [f"column {index}" for index in range(len(values))]
    table = open_sheets(tmp_path, "xlsx", {"Liste": {1: headings, 2: values}})
    [(_number, cells)] = numbered_cells(table)
    assert [(type(cell), cell) for cell in cells] == [(type(value), value) for value in values]


def test_a_hidden_sheet_comes_last(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    with xlsxwriter.Workbook(path) as workbook:
        for name in ("Gizli", "Açık"):
            workbook.add_worksheet(name).write_row(0, 0, HEADINGS)
        workbook.worksheets()[1].activate()
        workbook.worksheets()[1].set_first_sheet()
        workbook.worksheets()[0].hide()
    assert open_table(path, "x.xlsx", Choices()).sheet == "Açık"


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (Choices(sheet="Yok"), 'The file has no sheet "Yok". Its sheets: "Boş".'),
        (Choices(sheet="Boş"), "The file has no rows. Its first row must name the columns."),
        (None, "The file has no rows. Its first row must name the columns."),
    ],
)
def test_a_sheet_without_rows_is_refused(
    tmp_path: Path, file_format: str, choices: Choices | None, message: str
) -> None:
    with pytest.raises(Malformed) as raised:
        open_sheets(tmp_path, file_format, {"Boş": {}}, choices)
    assert str(raised.value) == message


def refusal(path: Path) -> str:
    with pytest.raises(Malformed) as raised:
        list(open_table(path, "customers.xlsx", Choices()).rows())
    return str(raised.value)


def test_a_sheet_of_two_cells_that_spans_everything_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write(0, 0, "Ad")
        sheet.write(1_048_575, 16_383, "x")
    assert refusal(path) == TOO_LARGE


@pytest.mark.parametrize("size", [11 * 2**20, 2**30 + 1])
def test_a_zip_bomb_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "upload"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/workbook.xml", "w") as member:
        for _block in range(min(size, 11 * 2**20) // 2**20):
            member.write(bytes(2**20))
    assert refusal(path) == TOO_LARGE


@pytest.mark.parametrize("file_format", ["xlsx", "ods"])
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / "upload"
    WRITERS[file_format](path, {"Liste": {1: HEADINGS}})
    path.write_bytes(path.read_bytes()[:-100])
    assert refusal(path) == DAMAGED


@pytest.mark.parametrize("member", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
def test_a_workbook_with_broken_xml_is_refused(tmp_path: Path, member: str) -> None:
    path = tmp_path / "upload"
    write_xlsx(path, {"Liste": {1: HEADINGS}})
    with zipfile.ZipFile(path) as archive:
        members: dict[str, str | bytes] = {name: archive.read(name) for name in archive.namelist()}
    write_zip(path, members | {member: "<a><b"})
    assert refusal(path) in {DAMAGED, "The file has no rows. Its first row must name the columns."}


def test_an_encrypted_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage\0".encode("utf-16-le"))
    assert refusal(path) == "The spreadsheet is protected by a password. Save it without a password."


def test_an_encrypted_opendocument_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    manifest = MANIFEST.replace(
        "/>", "><manifest:encryption-data><x/></manifest:encryption-data></manifest:file-entry>"
    )
    write_zip(path, {"mimetype": ODS, "META-INF/manifest.xml": manifest, "content.xml": b"\1\2\3"})
    assert refusal(path) == "The spreadsheet is protected by a password. Save it without a password."


def test_an_old_workbook_that_makes_calamine_panic_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    write_xls(path, {"Liste": {1: HEADINGS}})
    path.write_bytes(path.read_bytes()[: 4096 + 80])
    assert refusal(path)
