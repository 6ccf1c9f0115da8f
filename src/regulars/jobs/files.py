"""Files that jobs read and write, stored in the database, where all servers find them."""

import hashlib
import math
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, gettempdir
from typing import BinaryIO

from sqlalchemy import bindparam, delete, insert, literal_column, select, update

from regulars.clock import utc_now
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import stored_file_parts, stored_files
from regulars.errors import NotFound
from regulars.i18n import _

BYTES_PER_PART = 512 * 1024
"""Small enough that other writers hardly wait for a part."""
FOLDER_PREFIX = "regulars-"
"""Start of the names of temporary folders. The number of the process follows."""
FOLDER_LIFETIME = timedelta(days=1)
"""No process needs a temporary folder longer."""
UNUSED_LIFETIME = timedelta(days=1)
"""A file is deleted after this time, unless the import or export that needs it sets another one."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a tenant: its name, size in bytes and SHA-256 digest in hexadecimal."""

    id: str
    name: str
    size: int
    digest: str


IS_FILE = (stored_files.c.tenant_id == bindparam("of_tenant"), stored_files.c.id == bindparam("of_file"))
IS_PART = (stored_file_parts.c.tenant_id == bindparam("of_tenant"), stored_file_parts.c.file_id == bindparam("of_file"))
FILE_COLUMNS = ("tenant_id", "id", "name", "size", "digest", "created_at", "expires_at")
INSERT_FILE = Statement(insert(stored_files).values({name: bindparam(name) for name in FILE_COLUMNS}))
INSERT_PART = Statement(
    insert(stored_file_parts).values(
        tenant_id=bindparam("of_tenant"),
        file_id=bindparam("of_file"),
        number=bindparam("number"),
        content=bindparam("content"),
    )
)
COMPLETE_FILE = Statement(
    update(stored_files).where(*IS_FILE).values(size=bindparam("new_size"), digest=bindparam("new_digest"))
)
SET_EXPIRY = Statement(update(stored_files).where(*IS_FILE).values(expires_at=bindparam("new_expiry")))
GET_FILE = Statement(
    select(stored_files.c.id, stored_files.c.name, stored_files.c.size, stored_files.c.digest).where(*IS_FILE)
)
GET_PART = Statement(
    select(stored_file_parts.c.content).where(*IS_PART, stored_file_parts.c.number == bindparam("number"))
)
DELETE_PARTS = Statement(delete(stored_file_parts).where(*IS_PART))
DELETE_FILE = Statement(delete(stored_files).where(*IS_FILE))
FIND_EXPIRED = Statement(
    select(stored_files.c.tenant_id, stored_files.c.id)
    .where(stored_files.c.expires_at < bindparam("now", type_=stored_files.c.expires_at.type))
    .order_by(stored_files.c.expires_at)
    .limit(literal_column("10"))
)


def store_file(database: Database, tenant_id: int, file_id: str, name: str, source: BinaryIO) -> StoredFile:
    """Store a file. Each part is written in a transaction of its own.

    The file is deleted after a day, in case that the process ends before somebody needs it (`set_expiry`).
    """
    now = utc_now()
    file = {"of_tenant": tenant_id, "of_file": file_id}
    stored = {"tenant_id": tenant_id, "id": file_id, "name": name, "size": 0, "digest": "", "created_at": now}
    database.execute(INSERT_FILE, stored | {"expires_at": now + UNUSED_LIFETIME})
    digest, size, number = hashlib.sha256(), 0, 0
    while content := source.read(BYTES_PER_PART):
        digest.update(content)
        database.execute(INSERT_PART, file | {"number": number, "content": zlib.compress(content, 1)})
        size, number = size + len(content), number + 1
    completed = {"new_size": size, "new_digest": digest.hexdigest()}
    database.execute(COMPLETE_FILE, file | completed)
    return StoredFile(file_id, name, size, digest.hexdigest())


def get_file(database: Database, tenant_id: int, file_id: str) -> StoredFile:
    """Return a file. Raise `NotFound` if it does not exist or has been deleted."""
    row = database.fetch_one(GET_FILE, {"of_tenant": tenant_id, "of_file": file_id})
    if row is None:
        raise NotFound(_("The file has been deleted."))
    return StoredFile(*row)


def read_file(database: Database, tenant_id: int, file_id: str) -> Iterator[bytes]:
    """Yield the content of a file in parts."""
    number = 0
    values = {"of_tenant": tenant_id, "of_file": file_id}
    while row := database.fetch_one(GET_PART, values | {"number": number}):
        yield zlib.decompress(row[0])
        number += 1


@contextmanager
def local_copy(database: Database, tenant_id: int, file_id: str) -> Iterator[Path]:
    """Yield the path of a copy of a file on the local disk, which is deleted after the block.

    Raise `NotFound` if the file does not exist, and OSError if the disk is full.
    """
    file = get_file(database, tenant_id, file_id)
    with temporary_folder() as folder:
        path = folder / "file"
        with path.open("wb") as target:
            for content in read_file(database, tenant_id, file_id):
                target.write(content)
        if path.stat().st_size != file.size:
            raise NotFound(_("The file has been deleted."))
        yield path


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield an empty folder, which is deleted after the block or, if the process is killed, by the next one."""
    with TemporaryDirectory(prefix=f"{FOLDER_PREFIX}{os.getpid()}-") as folder:
        yield Path(folder)


def delete_abandoned_folders() -> None:
    """Delete the temporary folders of processes that were killed."""
    # Another process may have the number of a killed one by now.
    oldest = (utc_now() - FOLDER_LIFETIME).timestamp()
    for folder in Path(gettempdir()).glob(f"{FOLDER_PREFIX}*-*"):
        process = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if process.isdigit() and (not _is_running(int(process)) or _changed_at(folder) < oldest):
            rmtree(folder, ignore_errors=True)


def _changed_at(folder: Path) -> float:
    """Return the time of the last change in a folder, or infinity if it has been deleted meanwhile."""
    try:
        return folder.stat().st_mtime
    except OSError:
        return math.inf


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def set_expiry(database: Database, tenant_id: int, file_id: str, expires_at: datetime) -> None:
    """Set the time when a file is deleted."""
    database.execute(SET_EXPIRY, {"of_tenant": tenant_id, "of_file": file_id, "new_expiry": expires_at})


def delete_file(database: Database, tenant_id: int, file_id: str) -> None:
    """Delete a file, if it exists."""
    values = {"of_tenant": tenant_id, "of_file": file_id}
    with database.transaction():
        database.execute(DELETE_PARTS, values)
        database.execute(DELETE_FILE, values)


def delete_expired_files(database: Database, now: datetime) -> int:
    """Delete some files that have expired, and return their number."""
    expired = database.fetch_all(FIND_EXPIRED, {"now": now})
    for tenant_id, file_id in expired:
        delete_file(database, tenant_id, file_id)
    return len(expired)
