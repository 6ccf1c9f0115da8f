"""Recognition of a file's format by its content, and by its name if the content does not tell."""

import re
from pathlib import Path

from regulars.customers.imports import refusals
from regulars.customers.imports.containers import OLE2, ZIP, recognise_ole2, recognise_zip
from regulars.errors import Malformed
from regulars.i18n import Message

HEAD_LENGTH = 4096
UTF_8_MARK = b"\xef\xbb\xbf"
FORMATS_BY_SUFFIX = {".vcf": "vcard", ".jsonl": "jsonl", ".ndjson": "jsonl"}
UNSUPPORTED: tuple[tuple[re.Pattern[bytes], Message], ...] = (
    (re.compile(rb"%PDF-"), refusals.PDF),
    (
        re.compile(rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP|....ftyp|II\*\0|MM\0\*", re.DOTALL),
        refusals.PICTURE,
    ),
    (re.compile(rb"\s*<(!doctype html|html|head|body|table|meta|!--)", re.IGNORECASE), refusals.WEB_PAGE),
    (re.compile(rb"\{\\rtf"), refusals.TEXT_DOCUMENT),
    (re.compile(rb"\x1f\x8b|7z\xbc\xaf|Rar!\x1a|BZh[1-9]|\xfd7zXZ|\x28\xb5\x2f\xfd"), refusals.ARCHIVE),
    (re.compile(rb"\s*\[\s*[\[{]"), refusals.JSON),
    (re.compile(rb"\s*<\?xml|SQLite format 3\0|\x7fELF|MZ\x90"), refusals.NOT_A_TABLE),
)


def recognise(path: Path, name: str) -> str:
    """Return the format of a file that its user calls `name`: "csv", "xlsx", "xls", "ods", "vcard" or "jsonl".

    Raise `Malformed` if it is empty or of another known kind.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_LENGTH).removeprefix(UTF_8_MARK)
    if not head:
        raise Malformed(refusals.EMPTY)
    if head.startswith(ZIP):
        return recognise_zip(path)
    if head.startswith(OLE2):
        return recognise_ole2(path)
    return _recognise_text(head, name)


def _recognise_text(head: bytes, name: str) -> str:
    for pattern, refusal in UNSUPPORTED:
        if pattern.match(head):
            raise Malformed(refusal)
    start = head.lstrip()
    if start[:11].upper() == b"BEGIN:VCARD":
        return "vcard"
    if start.startswith(b"{"):
        return "jsonl"
    return FORMATS_BY_SUFFIX.get(Path(name).suffix.lower(), "csv")
