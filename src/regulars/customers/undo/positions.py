"""The entries of an import or a bulk change in the change log, as ranges of positions: what an undo must revert."""

from sqlalchemy import bindparam, delete, func, insert, select

from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import undo_positions

IS_OF_SOURCE = (
    undo_positions.c.tenant_id == bindparam("of_tenant"),
    undo_positions.c.source_id == bindparam("of_source"),
)
INSERT_RANGE = Statement(
    insert(undo_positions).values(
        {name: bindparam(name) for name in ("tenant_id", "source_id", "first_position", "last_position")}
    )
)
GET_LAST_RANGE = Statement(
    select(undo_positions.c.first_position, undo_positions.c.last_position)
    .where(*IS_OF_SOURCE, undo_positions.c.first_position < bindparam("before"))
    .order_by(undo_positions.c.first_position.desc())
    .limit(bindparam("limit"))
)
GET_FIRST_POSITION = Statement(select(func.min(undo_positions.c.first_position)).where(*IS_OF_SOURCE))
DELETE_POSITIONS = Statement(delete(undo_positions).where(*IS_OF_SOURCE))


def add_positions(database: Database, tenant_id: int, source_id: str, positions: range) -> None:
    """Store the positions of changes that an import or a bulk change has just made, in the same transaction."""
    if positions:
        values = {"first_position": positions[0], "last_position": positions[-1]}
        database.execute(INSERT_RANGE, {"tenant_id": tenant_id, "source_id": source_id, **values})


def last_positions(database: Database, tenant_id: int, source_id: str, before: int) -> range:
    """Return the positions of the last transaction of a source before a position, or an empty range."""
    values = {"of_tenant": tenant_id, "of_source": source_id, "before": before, "limit": 1}
    row = database.fetch_one(GET_LAST_RANGE, values)
    return range(row[0], min(row[1] + 1, before)) if row else range(0)


def first_position(database: Database, tenant_id: int, source_id: str) -> int:
    """Return the position of the first change of a source, or 0 if it has changed nothing."""
    ((position,),) = database.fetch_all(GET_FIRST_POSITION, {"of_tenant": tenant_id, "of_source": source_id})
    return position or 0


def delete_positions(database: Database, tenant_id: int, source_id: str) -> None:
    """Forget the positions of the changes of a source: they have been reverted, or can no longer be."""
    database.execute(DELETE_POSITIONS, {"of_tenant": tenant_id, "of_source": source_id})
