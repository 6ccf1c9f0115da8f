"""Uploads of files, and files that cannot be read."""

import io
import zipfile
from typing import Any

import httpx
import pytest
from falcon.testing import Result
from sqlalchemy import func, select

from regulars.db.statement import Statement
from regulars.db.tables import stored_files
from tests.support.imports import (
    IMPORTS,
    TURKISH,
    Rows,
    act,
    change,
    counts,
    csv_file,
    get,
    issues,
    post_file,
    upload,
    work,
    written,
    xlsx_file,
)
from tests.support.world import World, expect_error

PEOPLE = csv_file(["Ad Soyad", "Telefon"], ["Ayşe Yılmaz", "0532 111 22 33"])
WORKBOOK = xlsx_file({"Liste": [["Ad Soyad", "Telefon"], ["Ayşe Yılmaz", "0532 111 22 33"]]})
PROTECTED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "EncryptedPackage\0".encode("utf-16-le")
COUNT_FILES = Statement(select(func.count()).select_from(stored_files))
ENDLESS_QUOTE = 'Ad,Telefon\r\nAyşe,"0532\r\n'.encode()


def zip_file() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("people.csv", PEOPLE)
    return file.getvalue()


NAMES = [
    ("müşteriler.csv", "müşteriler.csv"),
    ("C:\\Users\\Ayşe\\Desktop\\liste.csv", "liste.csv"),
    ("../../etc/passwd", "passwd"),
    ("顧客.csv", "顧客.csv"),
    ("a" * 300 + ".csv", "a" * 251 + ".csv"),
    ("klasör/", "file"),
]


@pytest.mark.parametrize(("name", "kept"), NAMES, ids=[kept[-20:] for _name, kept in NAMES])
def test_the_name_of_a_file_is_kept_without_folders(empty_world: World, name: str, kept: str) -> None:
    found = upload(empty_world, name, PEOPLE)
    assert (found["file_name"], found["file_size"], found["state"]) == (kept, len(PEOPLE), "ready")


def test_an_upload_returns_the_import_and_its_address(empty_world: World) -> None:
    answer = post_file(empty_world, "liste.csv", PEOPLE)
    found = answer.json["data"]
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"{IMPORTS}/{found['id']}")
    assert (found["state"], found["file"], found["mapping"]) == ("detecting", None, None)
    assert (found["job"]["kind"], found["job"]["state"]) == ("detect", "queued")
    assert found["user_id"] == empty_world.alice


def send_form(world: World, **parts: Any) -> Result:
    form = httpx.Request("POST", "http://localhost", **parts)
    return world.send("POST", IMPORTS, body=form.read(), headers={"Content-Type": form.headers["Content-Type"]})


def test_a_form_must_have_a_file(empty_world: World) -> None:
    answer = expect_error(send_form(empty_world, files={"other": ("x.csv", PEOPLE)}), 422, "validation_error")
    assert answer["errors"] == {"file": ["file is required."]}


@pytest.mark.parametrize("media_type", ["text/csv", "application/json", "application/x-www-form-urlencoded", ""])
def test_only_forms_are_accepted(empty_world: World, media_type: str) -> None:
    answer = empty_world.send("POST", IMPORTS, body=PEOPLE, headers={"Content-Type": media_type})
    problem = expect_error(answer, 415, "validation_error")
    assert problem["message"].startswith("Send multipart/form-data, not ")


CUT_OFF = b"--b\r\nContent-Disposition: form-data; name=file\r\n\r\nAd,Soyad"


@pytest.mark.parametrize("boundary", ["; boundary=b", "", f"; boundary={'b' * 71}"], ids=["right", "none", "too long"])
@pytest.mark.parametrize("body", [b"", b"x", CUT_OFF], ids=["empty", "text", "cut off"])
def test_a_damaged_form_is_refused(empty_world: World, body: bytes, boundary: str) -> None:
    headers = {"Content-Type": f"multipart/form-data{boundary}"}
    answer = empty_world.send("POST", IMPORTS, body=body, headers=headers)
    problem = expect_error(answer, 400, "validation_error")
    message = "The body is not valid multipart/form-data." if body else "The body is empty."
    assert problem["message"] == message
    assert empty_world.send("GET", IMPORTS).json["data"] == []
    assert empty_world.database.fetch_all(COUNT_FILES) == [(0,)]


UNREADABLE = {
    "empty": ("liste.csv", b"", "The file is empty.", "Dosya boş."),
    "spaces": ("liste.csv", b" \r\n \r\n", "The file has no rows. Its first row must name the columns.", None),
    "PDF": ("liste.csv", b"%PDF-1.7\n", "The file is a PDF. Export the data as a spreadsheet or as CSV instead.", None),
    "password": (
        "liste.xlsx",
        PROTECTED,
        "The spreadsheet is protected by a password. Save it without a password.",
        None,
    ),
    "damaged": (
        "liste.xlsx",
        WORKBOOK[:-100],
        "The file is damaged. Open it in a spreadsheet program and save it again.",
        None,
    ),
    "archive": (
        "liste.zip",
        zip_file(),
        "The file is a compressed archive. Unpack it and send the file that it contains.",
        None,
    ),
    "quote": (
        "liste.csv",
        ENDLESS_QUOTE,
        "The row that starts at line 2 contains a quote that is never closed.",
        None,
    ),
    "NUL": (
        "liste.csv",
        b"Ad,Telefon\r\nAy\0se,0532\r\n",
        "Line 2 of the file contains a NUL character, so it is not a text file.",
        None,
    ),
    "columns": (
        "liste.csv",
        csv_file([f"c{number}" for number in range(301)], ["x"]),
        "The file has more than 300 columns.",
        None,
    ),
    "long cell": (
        "liste.csv",
        csv_file(["Ad", "Not"], ["Ayşe", "x" * 10 * 2**20]),
        "The row that starts at line 2 is too long.",
        None,
    ),
    "no headings": (
        "liste.csv",
        csv_file(["Ayşe Yılmaz", "0532 111 22 33"]),
        'Row 1 of the file must name the columns, but contains "0532 111 22 33". Insert a row above it.',
        None,
    ),
    "no contacts": ("kişiler.vcf", b"X:Y\r\n", "The file has no contacts.", None),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_an_unreadable_file_says_why(empty_world: World, case: str) -> None:
    name, content, english, turkish = UNREADABLE[case]
    found = upload(empty_world, name, content)
    assert (found["state"], found["job"]["state"], found["job"]["error"]) == ("unreadable", "failed", english)
    translated = get(empty_world, found["id"], headers=TURKISH)["job"]["error"]
    assert translated != english
    assert turkish in (None, translated)
    for action in ("preview", "start", "undo"):
        expect_error(empty_world.send("POST", f"{IMPORTS}/{found['id']}/{action}"), 409, "conflict")
    assert written(empty_world) == (0, 0, 0)


def test_a_quote_inside_a_cell_refuses_only_its_row(empty_world: World) -> None:
    content = 'Ad,Telefon\r\nAyşe,"0532"x\r\nCan,0532 111 22 33\r\n'.encode()
    found = act(empty_world, upload(empty_world, "liste.csv", content)["id"], "start")
    assert counts(found["result"]) == {"created": 1, "refused": 1}
    assert issues(empty_world, found["id"]) == [(2, 'A quote (") inside a cell must be doubled ("").')]


def test_another_encoding_makes_a_file_readable(empty_world: World) -> None:
    content = csv_file(["Ad", "Soyad"], ["Łucja", "Żak"], encoding="windows-1250")
    found = upload(empty_world, "liste.csv", content)
    found = change(empty_world, found["id"], encoding="utf-16")
    assert (found["state"], found["job"]["error"]) == (
        "unreadable",
        "The file is not UTF-16 text, because it has no byte order mark.",
    )
    found = change(empty_world, found["id"], encoding="windows-1250")
    assert (found["state"], found["job"]["error"], found["encoding"]) == ("ready", None, "windows-1250")
    assert found["file"]["columns"][0]["samples"] == ["Łucja"]
    found = change(empty_world, found["id"], encoding=None)
    assert (found["encoding"], found["file"]["encoding"]) == (None, "windows-1250")


def test_another_delimiter_makes_columns(empty_world: World) -> None:
    content = "Ad|Not;a;b\r\nAyşe|x;y;z\r\n".encode()
    found = change(empty_world, upload(empty_world, "liste.csv", content)["id"], delimiter="|")
    assert [column["heading"] for column in found["file"]["columns"]] == ["Ad", "Not;a;b"]
    assert (found["delimiter"], found["file"]["delimiter"]) == ("|", "|")


def test_another_row_names_the_columns(empty_world: World) -> None:
    content = csv_file(["Ayşe Yılmaz", "0532 111 22 33"], ["Ad Soyad", "Telefon"], ["Can Öz", "0532 111 22 34"])
    found = upload(empty_world, "liste.csv", content)
    assert found["state"] == "unreadable"
    found = change(empty_world, found["id"], heading_row=9)
    assert found["job"]["error"] == "Row 9 of the file is empty, so it cannot name the columns."
    found = change(empty_world, found["id"], heading_row=2)
    assert (found["state"], found["file"]["heading_row"], found["file"]["rows"]) == ("ready", 2, 1)
    assert found["mapping"] == ["full_name", "phone_number"]


def test_another_sheet_of_a_workbook(empty_world: World) -> None:
    sheets: dict[str, Rows] = {"Eski": [["Ad", "Boy"], ["Can", 170]], "Yeni": [["Ad", "Soyad"], ["Ayşe", "Öz"]]}
    found = upload(empty_world, "liste.xlsx", xlsx_file(sheets))
    assert (found["file"]["sheet"], found["file"]["sheets"]) == ("Eski", ["Eski", "Yeni"])
    found = change(empty_world, found["id"], sheet="Yok")
    assert (found["state"], found["job"]["error"]) == (
        "unreadable",
        'The file has no sheet "Yok". Its sheets: "Eski", "Yeni".',
    )
    found = change(empty_world, found["id"], sheet="Yeni")
    assert (found["state"], found["mapping"]) == ("ready", ["first_name", "last_name"])


FAULTS = {
    "encoding": (5, "x" * 41, "latin-9000"),
    "delimiter": (";;", 1, "x", "\n"),
    "sheet": (1, "x" * 256),
    "heading_row": (0, -1, "1", True, 1_000_001),
}


def test_every_invalid_choice_is_named(empty_world: World) -> None:
    path = f"{IMPORTS}/{upload(empty_world, 'liste.csv', PEOPLE)['id']}"
    for name, wrong in FAULTS.items():
        for value in wrong:
            problem = expect_error(empty_world.send("PATCH", path, {name: value}), 422, "validation_error")
            assert problem["errors"].keys() == {name}
    several = {name: wrong[0] for name, wrong in FAULTS.items()} | {"color": "red"}
    problem = expect_error(empty_world.send("PATCH", path, several), 422, "validation_error")
    assert problem["errors"].keys() == several.keys()


def test_an_import_can_be_deleted_until_it_starts(empty_world: World) -> None:
    found = upload(empty_world, "liste.csv", PEOPLE)
    path = f"{IMPORTS}/{found['id']}"
    assert empty_world.send("DELETE", path).status_code == 204
    expect_error(empty_world.send("GET", path), 404, "not_found")
    assert empty_world.send("GET", "/api/v1/jobs").json["data"] == []
    started = act(empty_world, upload(empty_world, "liste.csv", PEOPLE)["id"], "start")
    problem = expect_error(empty_world.send("DELETE", f"{IMPORTS}/{started['id']}"), 409, "conflict")
    assert problem["message"].endswith("has been started, so it cannot be deleted. Undo it instead.")


def test_an_import_can_be_deleted_while_it_is_examined(empty_world: World) -> None:
    found = post_file(empty_world, "liste.csv", PEOPLE).json["data"]
    assert empty_world.send("DELETE", f"{IMPORTS}/{found['id']}").status_code == 204
    work(empty_world)
    assert empty_world.send("GET", IMPORTS).json["data"] == []
