"""Reads the rows of a file; also as a process of its own, which gets a pickled `Reading` on its standard input.

It writes messages to its standard output: the length of each as four bytes, and a block of rows in MessagePack, which
is faster to read than pickle. An empty block is the end, and a text is the error that prevents further reading.
"""

import pickle
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct

from regulars.customers.imports.apply import ReadRow
from regulars.customers.imports.formats import open_table
from regulars.customers.imports.mapping import ColumnMapping
from regulars.customers.imports.references import ReferenceNames
from regulars.customers.imports.rows import Row, RowReader
from regulars.customers.imports.table import Choices
from regulars.customers.imports.table import Row as TableRow
from regulars.customers.imports.values import ReadingContext
from regulars.customers.issues import Remark
from regulars.customers.write.storage import SEARCHED_FIELDS, derived_columns
from regulars.errors import Malformed, Unavailable
from regulars.garbage import collect_garbage_less_often
from regulars.i18n import _, from_builtins, to_builtins

ROWS_PER_BLOCK = 128
"""The number of rows that are written while others wait: a power of two, as SQLite's `load` prefers."""
LENGTH = struct.Struct("=I")
DATE_FIELDS = ("date_of_birth",)
"""Fields that are texts in a message."""

Block = list[ReadRow]


@dataclass(frozen=True, slots=True)
class Reading:
    """A file, how its rows are read, and the number of rows to skip."""

    path: str
    name: str
    choices: Choices
    mapping: tuple[ColumnMapping, ...]
    context: ReadingContext
    names: ReferenceNames
    needs_name: bool
    skip: int


def read_blocks(reading: Reading) -> Iterator[Block]:
    """Yield the rows of a file in blocks. Raise `Malformed` if it cannot be read."""
    reader = RowReader(reading.mapping, reading.context, reading.names, needs_name=reading.needs_name)
    table = open_table(Path(reading.path), reading.name, reading.choices)
    rows = islice(table.rows(), reading.skip, None)
    while block := [_read(reader, row) for row in islice(rows, ROWS_PER_BLOCK)]:
        yield block


def _read(reader: RowReader, row: TableRow) -> ReadRow:
    if row.error is not None:
        return ReadRow(row.number, row.cells, Row(faults=[Remark("", row.error)]))
    read = reader.read(row.cells)
    values = read.values
    if read.faults or "first_name" not in values:
        return ReadRow(row.number, row.cells, read)
    derived = derived_columns(values["first_name"], *(values.get(name) for name in SEARCHED_FIELDS[1:]))
    return ReadRow(row.number, row.cells, read, derived)


class _Message(Struct, array_like=True):
    """A row in a message. Remarks are headings and messages as JSON values."""

    number: int
    cells: list[Any]
    values: dict[str, Any]
    tags: list[str]
    faults: list[tuple[str, Any]]
    warnings: list[tuple[str, Any]]
    derived: tuple[Any, ...] | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Message] | str).decode


def receive(source: IO[bytes]) -> Iterator[bytes]:
    """Yield the messages of a process."""
    while len(header := source.read(LENGTH.size)) == LENGTH.size:
        yield source.read(LENGTH.unpack(header)[0])


def read_messages(messages: Iterator[bytes]) -> Iterator[Block]:
    """Yield the blocks of rows in messages.

    Raise `Malformed` if the file cannot be read, and `Unavailable` if the process was killed.
    """
    for message in messages:
        content = _decode(message)
        if isinstance(content, str):
            raise Malformed(from_builtins(msgspec.json.decode(content)))
        if not content:
            return
        yield [_row(each) for each in content]
    raise Unavailable(_("The process that reads the file has ended."))


def _row(message: _Message) -> ReadRow:
    values = message.values
    for name in DATE_FIELDS:
        if name in values:
            values[name] = date.fromisoformat(values[name])
    read = Row(values, message.tags)
    if message.faults or message.warnings:
        read.faults += (Remark(heading, from_builtins(reason)) for heading, reason in message.faults)
        read.warnings += (Remark(heading, from_builtins(reason)) for heading, reason in message.warnings)
    return ReadRow(message.number, message.cells, read, message.derived)


def main() -> None:
    """Read the file that standard input names, and write messages to standard output."""
    collect_garbage_less_often()
    reading: Reading = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - the parent process has written it
    try:
        for block in read_blocks(reading):
            _send([_message(row) for row in block])
        _send([])
    except Malformed as error:
        _send(msgspec.json.encode(to_builtins(error.message)).decode())


def _message(row: ReadRow) -> _Message:
    read = row.read
    faults = [(heading, to_builtins(reason)) for heading, reason in read.faults]
    warnings = [(heading, to_builtins(reason)) for heading, reason in read.warnings]
    return _Message(row.number, [*row.cells], read.values, read.tags, faults, warnings, row.derived)


def _send(message: list[_Message] | str) -> None:
    content = _encode(message)
    sys.stdout.buffer.write(LENGTH.pack(len(content)) + content)


if __name__ == "__main__":
    main()
