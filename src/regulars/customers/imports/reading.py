"""The rows of an import, read in a thread of its own while the rows before them are written."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import islice
from queue import Full, Queue

from regulars.customers.imports.apply import ReadRow
from regulars.customers.imports.dates import DateOrder
from regulars.customers.imports.detect import mapping_of
from regulars.customers.imports.formats import open_table
from regulars.customers.imports.pace import ROWS_PER_BLOCK
from regulars.customers.imports.references import load_reference_names
from regulars.customers.imports.rows import Remark, Row, RowReader
from regulars.customers.imports.store import Import
from regulars.customers.imports.table import Table
from regulars.customers.imports.values import ReadingContext
from regulars.db.database import Database
from regulars.jobs.files import local_copy
from regulars.tenants.tenants import get_tenant

BLOCKS_AHEAD = 40
WAIT_SECONDS = 0.2

Block = list[ReadRow]


@contextmanager
def read_rows(database: Database, found: Import, today: date, skip: int = 0) -> Iterator[Iterator[Block]]:
    """Yield an iterator over the rows of the import's file after the first `skip` rows, in small blocks.

    `today` is the latest date of birth. Raise `Malformed` if the file cannot be read.
    """
    tenant = get_tenant(database, found.tenant_id)
    context = ReadingContext(tenant.country_code, today, found.settings.date_order or DateOrder.DAY_MONTH_YEAR)
    names = load_reference_names(database, found.tenant_id)
    reader = RowReader(mapping_of(found), context, names, needs_name=found.settings.match_by == "none")
    with local_copy(database, found.tenant_id, found.id) as path:
        table = open_table(path, found.file_name, found.settings.choices)
        with _in_thread(_blocks(table, reader, skip)) as blocks:
            yield blocks


def _blocks(table: Table, reader: RowReader, skip: int) -> Iterator[Block]:
    rows = islice(table.rows(), skip, None)
    while block := [
        ReadRow(row.number, row.cells, reader.read(row.cells) if row.error is None else _unreadable(row.error))
        for row in islice(rows, ROWS_PER_BLOCK)
    ]:
        yield block


def _unreadable(error: str) -> Row:
    row = Row()
    row.faults.append(Remark("", error))
    return row


@contextmanager
def _in_thread(blocks: Iterator[Block]) -> Iterator[Iterator[Block]]:
    """Yield an iterator over blocks that a thread reads ahead. The thread stops after the block."""
    queue: Queue[Block | BaseException | None] = Queue(BLOCKS_AHEAD)
    is_over = threading.Event()
    thread = threading.Thread(target=_fill, args=(blocks, queue, is_over), name="import-reader", daemon=True)
    thread.start()
    try:
        yield _drain(queue)
    finally:
        is_over.set()
        thread.join()


def _fill(blocks: Iterator[Block], queue: "Queue[Block | BaseException | None]", is_over: threading.Event) -> None:
    try:
        for block in blocks:
            if not _put(queue, block, is_over):
                return
        _put(queue, None, is_over)
    except BaseException as error:
        _put(queue, error, is_over)


def _put(
    queue: "Queue[Block | BaseException | None]", item: Block | BaseException | None, is_over: threading.Event
) -> bool:
    while not is_over.is_set():
        try:
            queue.put(item, timeout=WAIT_SECONDS)
        except Full:
            continue
        return True
    return False


def _drain(queue: "Queue[Block | BaseException | None]") -> Iterator[Block]:
    while (item := queue.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item


def take(blocks: Iterator[Block], count: int) -> Block:
    """Return the rows of the next `count` blocks; fewer at the end."""
    return [row for block in islice(blocks, count) for row in block]
