"""The rows of an import, read while the rows before them are written.

The rows of a large file are read in a process of its own, so that reading and writing occupy a core each. Those of a
small file are read in a thread, because the start of a process takes longer than reading them.
"""

import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import islice
from queue import Full, Queue
from typing import TypeVar

from regulars.customers.imports import row_process
from regulars.customers.imports.dates import DateOrder
from regulars.customers.imports.detect import mapping_of
from regulars.customers.imports.references import load_reference_names
from regulars.customers.imports.row_process import Block, Reading, read_blocks
from regulars.customers.imports.store import Import
from regulars.customers.imports.values import ReadingContext
from regulars.db.database import Database
from regulars.jobs.files import local_copy
from regulars.tenants.tenants import get_tenant

PROCESS_ROWS = 20_000
"""Files with more rows are read in a process."""
BLOCKS_AHEAD = 100
WAIT_SECONDS = 0.2

T = TypeVar("T")


@contextmanager
def read_rows(database: Database, found: Import, today: date, skip: int = 0) -> Iterator[Iterator[Block]]:
    """Yield an iterator over the rows of the import's file after the first `skip` rows, in small blocks.

    `today` is the latest date of birth. Raise `Malformed` if the file cannot be read.
    """
    tenant = get_tenant(database, found.tenant_id)
    context = ReadingContext(tenant.country_code, today, found.settings.date_order or DateOrder.DAY_MONTH_YEAR)
    names = load_reference_names(database, found.tenant_id)
    rows = found.detected.rows if found.detected else 0
    with local_copy(database, found.tenant_id, found.id) as path:
        reading = Reading(
            str(path),
            found.file_name,
            found.settings.choices,
            tuple(mapping_of(found)),
            context,
            names,
            needs_name=found.settings.match_by == "none",
            skip=skip,
        )
        in_background = _in_process if rows - skip > PROCESS_ROWS else _in_thread
        with in_background(reading) as blocks:
            yield blocks


@contextmanager
def _in_thread(reading: Reading) -> Iterator[Iterator[Block]]:
    with _ahead(read_blocks(reading)) as blocks:
        yield blocks


@contextmanager
def _in_process(reading: Reading) -> Iterator[Iterator[Block]]:
    command = [sys.executable, "-P", "-m", row_process.__name__]
    with subprocess.Popen(  # noqa: S603 - no shell reads the arguments
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdin is not None  # noqa: S101 - for the type checker
            assert process.stdout is not None  # noqa: S101 - for the type checker
            process.stdin.write(pickle.dumps(reading))
            process.stdin.close()
            with _ahead(row_process.read_messages(row_process.receive(process.stdout))) as blocks:
                yield blocks
        finally:
            process.kill()


@contextmanager
def _ahead(items: Iterator[T]) -> Iterator[Iterator[T]]:
    """Yield an iterator over items that a thread takes ahead. The thread stops after the block."""
    queue: Queue[tuple[T] | BaseException | None] = Queue(BLOCKS_AHEAD)
    is_over = threading.Event()
    thread = threading.Thread(target=_fill, args=(items, queue, is_over), name="import-reader", daemon=True)
    thread.start()
    try:
        yield _drain(queue)
    finally:
        is_over.set()
        thread.join()


def _fill(items: Iterator[T], queue: "Queue[tuple[T] | BaseException | None]", is_over: threading.Event) -> None:
    try:
        for item in items:
            if not _put(queue, (item,), is_over):
                return
        _put(queue, None, is_over)
    except BaseException as error:
        _put(queue, error, is_over)


def _put(
    queue: "Queue[tuple[T] | BaseException | None]", item: tuple[T] | BaseException | None, is_over: threading.Event
) -> bool:
    """Put an item into the queue. Return False if nobody takes it any more."""
    while not is_over.is_set():
        try:
            queue.put(item, timeout=WAIT_SECONDS)
        except Full:
            continue
        return True
    return False


def _drain(queue: "Queue[tuple[T] | BaseException | None]") -> Iterator[T]:
    while (item := queue.get()) is not None:
        if isinstance(item, BaseException):
            raise item
        yield item[0]


def take(blocks: Iterator[Block], count: int) -> Block:
    """Return the rows of the next `count` blocks; fewer at the end."""
    return [row for block in islice(blocks, count) for row in block]
