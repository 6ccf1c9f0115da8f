"""Files of other kinds that are named like a table."""

import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from regulars.customers.imports.recognition import recognise
from regulars.errors import Malformed

PICTURE = "The file is a picture, not a table."
WEB_PAGE = "The file is a web page (HTML). Open it in a spreadsheet program and save it as .xlsx."
ARCHIVE = "The file is a compressed archive. Unpack it and send the file that it contains."
TEXT_DOCUMENT = "The file is a text document, not a table. Copy its table into a spreadsheet and save it as .xlsx."
OTHER = "The file is not a table. Use a spreadsheet (.xlsx, .xls, .ods), CSV, vCard or JSON Lines."
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def zipped(**members: str) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return file.getvalue()


def write(folder: Path, content: bytes) -> Path:
    path = folder / "upload"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"\xef\xbb\xbf", "The file is empty."),
        (b"%PDF-1.7\n", "The file is a PDF. Export the data as a spreadsheet or as CSV instead."),
        (b"\x89PNG\r\n\x1a\n", PICTURE),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", PICTURE),
        (b"\0\0\0\x18ftypheic", PICTURE),
        (b"<!DOCTYPE html><html>", WEB_PAGE),
        (b"\xef\xbb\xbf\r\n<html><table>", WEB_PAGE),
        (b"<table><tr><td>", WEB_PAGE),
        (rb"{\rtf1\ansi", TEXT_DOCUMENT),
        (b'<?xml version="1.0"?><Workbook>', OTHER),
        (b"\x1f\x8b\x08", ARCHIVE),
        (b'[{"first_name": "Ali"}]', "The file is JSON, but not JSON Lines. Each of its lines must be one object."),
        (zipped(word__document_xml="x"), TEXT_DOCUMENT),
        (zipped(content_xml="x", mimetype="application/vnd.oasis.opendocument.text"), TEXT_DOCUMENT),
        (zipped(content_xml="x", mimetype="application/vnd.oasis.opendocument.graphics"), OTHER),
        (zipped(ppt__presentation_xml="x"), "The file is a presentation, not a table."),
        (zipped(xl__workbook_bin="x"), "The file is a binary Excel workbook (.xlsb). Save it as .xlsx."),
        (
            zipped(Index__Document_iwa="x"),
            "The file is a document of Numbers or Pages. Export it as Excel (.xlsx) or CSV.",
        ),
        (zipped(customers_csv="x"), ARCHIVE),
        (b"PK\x03\x04" + bytes(100), "The file is damaged. Open it in a spreadsheet program and save it again."),
        (OLE2 + "WordDocument\0".encode("utf-16-le"), TEXT_DOCUMENT),
        (OLE2 + "Other\0".encode("utf-16-le"), OTHER),
    ],
)
def test_files_of_other_kinds_are_named(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(Malformed) as raised:
        recognise(write(tmp_path, content), "customers.csv")
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"\xef\xbb\xbfBEGIN:VCARD\r\n", "contacts.csv", "vcard"),
        (b"\nbegin:vcard\n", "contacts", "vcard"),
        (b'{"first_name": "Ali"}\n', "customers.csv", "jsonl"),
        (zipped(xl__workbook_xml="x"), "customers.csv", "xlsx"),
        (OLE2 + "Workbook\0".encode("utf-16-le"), "customers.csv", "xls"),
        (b"ad\tsoyad\n", "customers.xls", "csv"),
        (b"ad;soyad\n", "customers.xlsx", "csv"),
        (b"VERSION:3.0\n", "contacts.VCF", "vcard"),
        (b"1\n", "customers.jsonl", "jsonl"),
        (b"1\n", "customers.ndjson", "jsonl"),
        (b"ad;soyad\n", "", "csv"),
    ],
)
def test_the_content_decides_before_the_name(tmp_path: Path, content: bytes, name: str, expected: str) -> None:
    assert recognise(write(tmp_path, content), name) == expected
