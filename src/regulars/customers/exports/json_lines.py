"""Writing customers as JSON Lines: one object on each line."""

from collections.abc import Iterable, Sequence
from typing import BinaryIO

import msgspec

from regulars.customers.tags import TAG_SEPARATOR
from regulars.db.statement import Row


def write_json_lines(rows: Iterable[Row], columns: Sequence[str], target: BinaryIO) -> None:
    """Write an object for each row: ids are numbers, tags a list, dates and times text as in ISO 8601."""
    encoder = msgspec.json.Encoder()
    for row in rows:
        fields = dict(zip(columns, row, strict=True))
        if "tags" in fields:
            fields["tags"] = fields["tags"].split(TAG_SEPARATOR) if fields["tags"] else []
        target.write(encoder.encode(fields) + b"\n")
