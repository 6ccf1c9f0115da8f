"""The entries of an import in the change log, as ranges of positions: what an undo must revert."""

from sqlalchemy import bindparam, delete, func, insert, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import import_batches

IS_OF_IMPORT = (
    import_batches.c.tenant_id == bindparam("of_tenant"),
    import_batches.c.import_id == bindparam("of_import"),
)
INSERT_BATCH = Statement(
    insert(import_batches).values(
        {name: bindparam(name) for name in ("tenant_id", "import_id", "first_position", "last_position")}
    )
)
GET_LAST_BATCH = Statement(
    select(import_batches.c.first_position, import_batches.c.last_position)
    .where(*IS_OF_IMPORT, import_batches.c.first_position < bindparam("before"))
    .order_by(import_batches.c.first_position.desc())
    .limit(bindparam("limit"))
)
GET_FIRST_POSITION = Statement(select(func.min(import_batches.c.first_position)).where(*IS_OF_IMPORT))
DELETE_BATCHES = Statement(delete(import_batches).where(*IS_OF_IMPORT))


def add_batch(database: Database, tenant_id: int, import_id: str, positions: range) -> None:
    """Store the positions of changes that an import has just made, in the same transaction."""
    if positions:
        values = {"first_position": positions[0], "last_position": positions[-1]}
        database.execute(INSERT_BATCH, {"tenant_id": tenant_id, "import_id": import_id, **values})


def last_batch(database: Database, tenant_id: int, import_id: str, before: int) -> range:
    """Return the positions of the last transaction of an import before a position, or an empty range."""
    values = {"of_tenant": tenant_id, "of_import": import_id, "before": before, "limit": 1}
    row = database.fetch_one(GET_LAST_BATCH, values)
    return range(row[0], min(row[1] + 1, before)) if row else range(0)


def first_position(database: Database, tenant_id: int, import_id: str) -> int:
    """Return the position of the first change of an import, or 0 if the import has changed nothing."""
    ((position,),) = database.fetch_all(GET_FIRST_POSITION, {"of_tenant": tenant_id, "of_import": import_id})
    return position or 0


def delete_batches(database: Database, tenant_id: int, import_id: str) -> None:
    """Forget the positions of the changes of an import, which have been reverted."""
    database.execute(DELETE_BATCHES, {"of_tenant": tenant_id, "of_import": import_id})
