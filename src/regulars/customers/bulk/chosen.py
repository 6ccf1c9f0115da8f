"""The customers of a bulk change: found once, and kept until all have been changed.

A customer that leaves the filter, or the place in the list, because of the change itself or of somebody else's is thus
neither skipped nor changed twice.
"""

from io import BytesIO
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy.sql.elements import ColumnElement

from regulars.clock import utc_now
from regulars.customers.bulk.store import BulkChange, forget_query
from regulars.customers.read.list import stream_customers
from regulars.db.tables import customers
from regulars.errors import Conflict
from regulars.i18n import _
from regulars.jobs.files import get_file, read_file, set_expiry, store_file
from regulars.jobs.worker import JobRun
from regulars.security.tokens import new_id
from regulars.tenants.tenants import get_tenant

ID: ColumnElement[int] = customers.c.id
COUNTED_PER_REPORT = 10_000


def choose_customers(run: JobRun, found: BulkChange) -> None:
    """Find the customers of a bulk change, and store their ids as a file. The run's checkpoint gets the file's id."""
    if found.query is None or found.undo_until is None:
        raise Conflict(_("The file has been deleted."))
    database, tenant_id = run.database, found.tenant_id
    today = utc_now().astimezone(ZoneInfo(get_tenant(database, tenant_id).time_zone)).date()
    ids: list[int] = []
    for (number,) in stream_customers(database, tenant_id, found.query, today, [ID]):
        ids.append(number)
        if len(ids) % COUNTED_PER_REPORT == 0:
            run.report(0, None)
    # Neighbours in the database are changed together.
    content = BytesIO(msgspec.msgpack.encode(sorted(ids)))
    # A process that has lost its claim may still write. Its file is not the one of the checkpoint.
    file = store_file(database, tenant_id, new_id(), "customers", content)
    with database.transaction():
        run.save({"file_id": file.id, "done": 0}, 0, len(ids))
        set_expiry(database, tenant_id, file.id, found.undo_until)
        forget_query(database, found)


def chosen_customers(run: JobRun) -> list[int]:
    """Return the ids of the customers, in ascending order. Raise `NotFound` if their file has been deleted."""
    database, tenant_id = run.database, run.job.tenant_id
    file = get_file(database, tenant_id, run.checkpoint["file_id"])
    return msgspec.msgpack.decode(b"".join(read_file(database, tenant_id, file.id)), type=list[int])
