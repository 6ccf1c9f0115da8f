"""Containers of several files, in which spreadsheets are stored: zip archives, and OLE2 for the old .xls."""

import mmap
import struct
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from regulars.customers.imports import refusals
from regulars.errors import Malformed

ZIP = b"PK\x03\x04"
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
END_OF_ZIP = b"PK\x05\x06"
MAX_DIRECTORY_SIZE = 2**22
MAX_UNPACKED_SIZE = 2**30
# A sheet with the same value in every cell is packed to a fortieth. Small members are harmless.
MAX_RATIO = 200
SMALL_MEMBER = 10 * 2**20

REFUSED_MEMBERS = {
    "word/document.xml": refusals.TEXT_DOCUMENT,
    "xl/workbook.bin": refusals.BINARY_WORKBOOK,
    "ppt/presentation.xml": refusals.PRESENTATION,
    "Index/Document.iwa": refusals.IWORK,
}
REFUSED_PARTS = {
    "EncryptedPackage": refusals.PASSWORD,
    "WordDocument": refusals.TEXT_DOCUMENT,
    "PowerPoint Document": refusals.PRESENTATION,
}


def recognise_zip(path: Path) -> str:
    """Return "xlsx" or "ods". Raise `Malformed` if the archive is something else, damaged or too large unpacked."""
    _check_directory_size(path)
    try:
        with ZipFile(path) as archive:
            _check_unpacked_size(archive)
            return _recognise_members(archive)
    except (BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError, KeyError):
        raise Malformed(refusals.DAMAGED) from None


def _check_directory_size(path: Path) -> None:
    """Check the size of the list of members before `ZipFile` reads it into memory."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2**16 - 22))
        end = file.read()
    position = end.rfind(END_OF_ZIP)
    if position == -1 or len(end) - position < 22:
        raise Malformed(refusals.DAMAGED)
    if struct.unpack_from("<I", end, position + 12)[0] > MAX_DIRECTORY_SIZE:
        raise Malformed(refusals.TOO_LARGE)


def _check_unpacked_size(archive: ZipFile) -> None:
    members = archive.infolist()
    is_bomb = any(member.file_size > max(SMALL_MEMBER, MAX_RATIO * member.compress_size) for member in members)
    if is_bomb or sum(member.file_size for member in members) > MAX_UNPACKED_SIZE:
        raise Malformed(refusals.TOO_LARGE)


def _recognise_members(archive: ZipFile) -> str:
    members = set(archive.namelist())
    for member, refusal in REFUSED_MEMBERS.items():
        if member in members:
            raise Malformed(refusal)
    if "xl/workbook.xml" in members:
        return "xlsx"
    if {"content.xml", "mimetype"} <= members:
        return _check_opendocument(archive.read("mimetype"))
    raise Malformed(refusals.ARCHIVE)


def _check_opendocument(kind: bytes) -> str:
    if b"opendocument.text" in kind:
        raise Malformed(refusals.TEXT_DOCUMENT)
    if b"opendocument.spreadsheet" not in kind:
        raise Malformed(refusals.NOT_A_TABLE)
    return "ods"


def recognise_ole2(path: Path) -> str:
    """Return "xls". Raise `Malformed` if the parts of the file are those of something else."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for part, refusal in REFUSED_PARTS.items():
            if content.find(_encode_name(part)) != -1:
                raise Malformed(refusal)
        if content.find(_encode_name("Workbook")) == -1 and content.find(_encode_name("Book")) == -1:
            raise Malformed(refusals.NOT_A_TABLE)
    return "xls"


def _encode_name(part: str) -> bytes:
    return (part + "\0").encode("utf-16-le")
