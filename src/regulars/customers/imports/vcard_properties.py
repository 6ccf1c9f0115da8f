"""The properties of a vCard file: lines such as `TEL;TYPE=CELL:+90 532 123 45 67`, unfolded and decoded."""

import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from regulars.customers.imports.text_encoding import open_text

MAX_LENGTH = 2**16
# Pictures, sounds and keys can have megabytes.
BINARY = re.compile(r"(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)[;:]", re.IGNORECASE)
CARD_BOUNDARY = re.compile(r"\s*(?:BEGIN|END)\s*:\s*VCARD", re.IGNORECASE)
QUOTED_PRINTABLE = re.compile(r"[^:]*QUOTED-PRINTABLE[^:]*:", re.IGNORECASE)
PROPERTY = re.compile(
    r"\s*(?:[\w-]+\.)?(?P<name>[\w-]+)(?P<parameters>(?:;(?:[^\":;]|\"[^\"]*\")*)*):(?P<value>.*)", re.DOTALL
)
PARAMETER = re.compile(r";(?:([\w-]+)=)?((?:[^\";]|\"[^\"]*\")*)")


@dataclass(frozen=True, slots=True)
class Property:
    """A property with the number of its line, its name in capitals, its types in small letters, and its raw value."""

    line: int
    name: str
    types: frozenset[str]
    value: str


def read_properties(path: Path, encoding: str) -> Iterator[Property]:
    """Yield the properties of a file without the binary ones. Values end after 64 KiB."""
    with open_text(path, encoding) as text:
        for line in _unfold(_physical_lines(text)):
            found = _parse(line)
            if found is not None:
                yield found


def _physical_lines(text: TextIO) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, without their ends and without what exceeds the limit."""
    number = 0
    while line := text.readline(MAX_LENGTH):
        number += 1
        rest = line
        while rest and not rest.endswith(("\n", "\r")):
            rest = text.readline(MAX_LENGTH)
        yield number, line.rstrip("\r\n")


@dataclass(slots=True)
class _Line:
    """A line of a property, to which lines that continue it are added."""

    number: int
    text: str
    is_binary: bool
    is_quoted_printable: bool

    def continues_with(self, line: str) -> bool:
        # A long text is folded anywhere, even before the words BEGIN:VCARD in it.
        if line.startswith((" ", "\t")):
            return not CARD_BOUNDARY.match(self.text)
        return self._has_soft_break() and not CARD_BOUNDARY.match(line)

    def _has_soft_break(self) -> bool:
        return self.is_quoted_printable and self.text.endswith("=")

    def add(self, line: str) -> None:
        if self.is_binary or len(self.text) > MAX_LENGTH:
            return
        self.text = self.text[:-1] + line if self._has_soft_break() else self.text + line[1:]


def _unfold(lines: Iterable[tuple[int, str]]) -> Iterator[_Line]:
    current = None
    for number, line in lines:
        if current is not None and current.continues_with(line):
            current.add(line)
            continue
        if current is not None:
            yield current
        current = _Line(number, line, bool(BINARY.match(line)), bool(QUOTED_PRINTABLE.match(line)))
    if current is not None:
        yield current


def _parse(line: _Line) -> Property | None:
    found = None if line.is_binary else PROPERTY.match(line.text)
    if found is None:
        return None
    parameters = _parameters(found["parameters"])
    value = _decode(found["value"], parameters) if line.is_quoted_printable else found["value"]
    return Property(line.number, found["name"].upper(), _types(parameters), value)


def _types(parameters: dict[str, list[str]]) -> frozenset[str]:
    types = [*parameters.get("TYPE", ()), *parameters.get("", ()), *(["pref"] if "PREF" in parameters else [])]
    return frozenset(each.strip().lower() for each in types)


def _parameters(text: str) -> dict[str, list[str]]:
    """Return the values of the parameters by name; vCard 2.1 has values without a name, which are under ""."""
    parameters: dict[str, list[str]] = {}
    for name, value in PARAMETER.findall(text):
        parameters.setdefault(name.upper(), []).extend(value.replace('"', "").split(","))
    return parameters


def _decode(value: str, parameters: dict[str, list[str]]) -> str:
    content = quopri.decodestring(value.encode())
    try:
        return content.decode(parameters.get("CHARSET", ["utf-8"])[0])
    except (LookupError, UnicodeDecodeError):
        return content.decode("utf-8", "replace")
