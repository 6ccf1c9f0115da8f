"""Delete the file of an import, and everything that has values of its rows.

This happens when the period for an undo is over, or when a person is erased whose row is in the file.
"""

from collections.abc import Collection
from datetime import datetime

import msgspec
from msgspec import structs
from sqlalchemy import bindparam, literal_column, null, select, update

from regulars.customers.imports.store import Import, discard_import, get_import, set_column, set_result
from regulars.customers.issues import delete_issues
from regulars.customers.undo.positions import delete_positions
from regulars.db.database import Database
from regulars.db.dialects import one_of
from regulars.db.statement import Statement
from regulars.db.tables import customer_changes, imports, jobs
from regulars.jobs.files import delete_file

FIND_IMPORTS_OF_CUSTOMERS = Statement(
    select(imports.c.id)
    .join_from(
        customer_changes,
        imports,
        (imports.c.tenant_id == customer_changes.c.tenant_id) & (imports.c.id == customer_changes.c.source_id),
    )
    .where(customer_changes.c.tenant_id == bindparam("tenant_id"), one_of(customer_changes.c.customer_id, "ids"))
    .distinct()
)
FIND_EXPIRED_IMPORTS = Statement(
    select(imports.c.tenant_id, imports.c.id)
    .where(imports.c.undo_until < bindparam("before", type_=imports.c.undo_until.type))
    .order_by(imports.c.undo_until)
    .limit(literal_column("10"))
)
FORGET_CHECKPOINTS = Statement(
    update(jobs)
    .where(
        jobs.c.tenant_id == bindparam("of_tenant"),
        jobs.c.arguments == bindparam("of_arguments"),
        jobs.c.finished_at.is_not(None),
        # That of an undo has only numbers, from which another one continues.
        jobs.c.kind != "undo",
    )
    .values(checkpoint=null())
)


def forget_files_of(database: Database, tenant_id: int, customer_ids: Collection[int]) -> None:
    """Delete the files of all imports that created or changed these customers, in the current transaction."""
    rows = database.fetch_all(FIND_IMPORTS_OF_CUSTOMERS, {"tenant_id": tenant_id, "ids": list(customer_ids)})
    for (import_id,) in rows:
        forget_file(database, get_import(database, tenant_id, import_id))


def forget_file(database: Database, found: Import) -> None:
    """Delete the file of an import, its issues, and the values of rows in its results. The counts stay."""
    delete_file(database, found.tenant_id, found.id)
    delete_issues(database, found.tenant_id, found.id, "refused", "skipped")
    set_result(database, found, "preview", None)
    if found.result is not None:
        set_result(database, found, "result", {**found.result, "reasons": []})
    if found.detected is not None:
        columns = [structs.replace(column, samples=[]) for column in found.detected.columns]
        detected = structs.replace(found.detected, columns=columns, contradicting_dates=[])
        set_result(database, found, "detected", msgspec.to_builtins(detected))
    arguments = msgspec.json.encode({"import_id": found.id}).decode()
    database.execute(FORGET_CHECKPOINTS, {"of_tenant": found.tenant_id, "of_arguments": arguments})


def delete_expired_imports(database: Database, before: datetime) -> int:
    """Delete the files of some imports whose period for an undo ended before a time, and return their number.

    Imports that were never started are deleted completely.
    """
    expired = database.fetch_all(FIND_EXPIRED_IMPORTS, {"before": before})
    for tenant_id, import_id in expired:
        found = get_import(database, tenant_id, import_id)
        if found.started_at is None:
            discard_import(database, found)
            continue
        with database.transaction():
            forget_file(database, found)
            delete_issues(database, tenant_id, import_id, "kept")
            delete_positions(database, tenant_id, import_id)
            set_column(database, found, "undo_until", None)
    return len(expired)
