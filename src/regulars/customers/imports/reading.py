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
from queue import Full, Queue
from typing import Self, TypeVar

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
BLOCKS_AHEAD = 64
WAIT_SECONDS = 0.2

T = TypeVar("T")


@contextmanager
def read_rows(database: Database, found: Import, today: date, skip: int = 0) -> Iterator["Ahead[Block]"]:
    """Yield an iterator over the rows of the import's file after the first `skip` rows, in blocks.

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
def _in_thread(reading: Reading) -> Iterator["Ahead[Block]"]:
    with Ahead(read_blocks(reading)).running() as blocks:
        yield blocks


@contextmanager
def _in_process(reading: Reading) -> Iterator["Ahead[Block]"]:
    command = [sys.executable, "-P", "-m", row_process.__name__]
    with subprocess.Popen(  # noqa: S603 - no shell reads the arguments
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdin is not None  # noqa: S101 - for the type checker
            assert process.stdout is not None  # noqa: S101 - for the type checker
            process.stdin.write(pickle.dumps(reading))
            process.stdin.close()
            with Ahead(row_process.read_messages(row_process.receive(process.stdout))).running() as blocks:
                yield blocks
        finally:
            process.kill()


class Ahead(Iterator[T]):
    """An iterator over items that a thread takes ahead. The thread stops after the `running` block."""

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self._queue: Queue[tuple[T] | BaseException | None] = Queue(BLOCKS_AHEAD)
        self._is_over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Run the thread, and yield this iterator."""
        thread = threading.Thread(target=self._fill, name="import-reader", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            thread.join()

    def is_ready(self) -> bool:
        """Tell whether the next item, or the end, is there already."""
        return not self._queue.empty()

    def __next__(self) -> T:
        item = self._queue.get()
        if isinstance(item, tuple):
            return item[0]
        self._queue.put(item)  # for the next call
        raise item or StopIteration

    def _fill(self) -> None:
        try:
            for item in self._items:
                if not self._put((item,)):
                    return
            self._put(None)
        except BaseException as error:
            self._put(error)

    def _put(self, item: tuple[T] | BaseException | None) -> bool:
        """Put an item into the queue. Return False if nobody takes it any more."""
        while not self._is_over.is_set():
            try:
                self._queue.put(item, timeout=WAIT_SECONDS)
            except Full:
                continue
            return True
        return False
