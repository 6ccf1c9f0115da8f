"""Writing customers as contacts (vCard 3.0, RFC 2426).

Version 3.0 is the one that iOS, Android, Google Contacts and Outlook all read and, except for Android, write; Outlook
does not read 4.0 (RFC 6350). Its text is always UTF-8, without the encodings of 2.1. It has no gender, which is
therefore X-GENDER: other programs ignore it, and our import reads it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

from regulars.customers.tags import TAG_SEPARATOR
from regulars.db.statement import Row

VCARD_COLUMNS = tuple(
    "first_name last_name phone_number email date_of_birth gender country_name job address tags".split()
)
"""The columns of an export that a contact has."""
SPECIAL = re.compile(r"[\\,;]")
LINE_BREAK = re.compile(r"\r\n|[\r\n]")
MAX_LINE_LENGTH = 75


def write_vcards(rows: Iterable[Row], columns: Sequence[str], target: BinaryIO) -> None:
    """Write a contact for each row. `columns` are `VCARD_COLUMNS`."""
    for row in rows:
        target.write(b"".join(fold(line) for line in _card(dict(zip(columns, row, strict=True)))))


def _card(customer: dict[str, Any]) -> list[str]:
    """Return the lines of a card. FN, N and VERSION are required (RFC 2426, sections 3.1.1, 3.1.2 and 3.6.9)."""
    first, last = customer["first_name"], customer["last_name"] or ""
    properties = [f"FN:{escape(f'{first} {last}'.strip())}", f"N:{escape(last)};{escape(first)};;;"]
    return ["BEGIN:VCARD", "VERSION:3.0", *properties, *_optional_properties(customer), "END:VCARD"]


def _optional_properties(customer: dict[str, Any]) -> Iterable[str]:
    """Yield the properties that have a value (RFC 2426, sections 3.1.5, 3.2.1, 3.3.1, 3.3.2, 3.5.1 and 3.7.1).

    The address is free text, and may contain any part of an address. It is the street, which phones show in several
    lines; a LABEL is not shown.
    """
    for prefix, name in (("TEL;TYPE=VOICE", "phone_number"), ("EMAIL;TYPE=INTERNET", "email"), ("TITLE", "job")):
        if customer[name]:
            yield f"{prefix}:{escape(customer[name])}"
    if customer["date_of_birth"]:
        yield f"BDAY:{customer['date_of_birth'].isoformat()}"
    if customer["address"] or customer["country_name"]:
        yield f"ADR:;;{escape(customer['address'] or '')};;;;{escape(customer['country_name'] or '')}"
    if customer["tags"]:
        yield "CATEGORIES:" + ",".join(map(escape, customer["tags"].split(TAG_SEPARATOR)))
    if customer["gender"]:
        yield f"X-GENDER:{customer['gender'].capitalize()}"


def escape(text: str) -> str:
    r"""Return the text as a value: \, comma and semicolon with a \ before them, and line breaks as \n.

    RFC 2426, sections 2.4.2 and 4 (text-value); RFC 6350, section 3.4.
    """
    return LINE_BREAK.sub(r"\\n", SPECIAL.sub(r"\\\g<0>", text))


def fold(line: str) -> bytes:
    """Return the line in UTF-8 with its end, folded into lines of at most 75 octets without their ends.

    A continuation starts with a space. No character is split, because some programs decode lines before they join them
    (RFC 2426, section 2.6; RFC 6350, section 3.2).
    """
    rest = line.encode()
    parts = []
    limit = MAX_LINE_LENGTH
    while len(rest) > limit:
        end = limit
        while rest[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(rest[:end])
        rest = rest[end:]
        limit = MAX_LINE_LENGTH - 1
    return b"\r\n ".join([*parts, rest]) + b"\r\n"
