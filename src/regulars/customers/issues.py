"""Rows of an import that were not imported, customers that a bulk change refused, and those that an undo has kept."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import bindparam, delete, literal_column, select, tuple_

from regulars.customers.imports.cells import Cell
from regulars.db.database import Database
from regulars.db.dialects import one_of, upsert
from regulars.db.statement import Row, Statement
from regulars.db.tables import issues
from regulars.i18n import from_builtins, to_builtins

IssueKind = Literal["refused", "skipped", "kept"]
ROWS_PER_DELETION = 1_000


class Remark(NamedTuple):
    """A sentence about a row or a customer, and the heading (or number) of its column; empty if it is about all."""

    heading: str
    reason: str


class Issue(NamedTuple):
    """A row or a customer, with the reasons. `number` is that of the row, or the id of the customer."""

    kind: IssueKind
    number: int
    reasons: Sequence[Remark]
    cells: Sequence[Cell] | None = None


ISSUE_COLUMNS = ("tenant_id", "source_id", "kind", "number", "reasons", "cells")
IS_OF_SOURCE = (
    issues.c.tenant_id == bindparam("of_tenant"),
    issues.c.source_id == bindparam("of_source"),
)
LIST_ISSUES = Statement(
    select(issues.c.number, issues.c.reasons, issues.c.cells)
    .where(*IS_OF_SOURCE, issues.c.kind == bindparam("kind"), issues.c.number > bindparam("after"))
    .order_by(issues.c.number)
    .limit(bindparam("limit"))
)
FIND_ISSUES = Statement(
    select(issues.c.number).where(*IS_OF_SOURCE, issues.c.kind == bindparam("kind"), one_of(issues.c.number, "numbers"))
)
_key = tuple(issues.primary_key.columns)
_some = select(*_key).where(*IS_OF_SOURCE, issues.c.kind == bindparam("kind"))
DELETE_ISSUES = Statement(
    delete(issues).where(*IS_OF_SOURCE, tuple_(*_key).in_(_some.limit(literal_column(str(ROWS_PER_DELETION)))))
)
INSERT_ISSUE = Statement(
    upsert(issues).values({name: bindparam(name) for name in ISSUE_COLUMNS}).on_conflict_do_nothing()
)


def add_issues(database: Database, tenant_id: int, source_id: str, found: Sequence[Issue]) -> None:
    """Store new issues, in the current transaction."""
    if found:
        database.load(issues, ISSUE_COLUMNS, [_row(tenant_id, source_id, issue) for issue in found])


def add_issue(database: Database, tenant_id: int, source_id: str, issue: Issue) -> bool:
    """Store an issue. Return False if there is one with this kind and number."""
    values = dict(zip(ISSUE_COLUMNS, _row(tenant_id, source_id, issue), strict=True))
    return bool(database.execute(INSERT_ISSUE, values))


def _row(tenant_id: int, source_id: str, issue: Issue) -> Row:
    reasons = [[remark.heading, to_builtins(remark.reason)] for remark in issue.reasons]
    cells = None if issue.cells is None else _encode([_cell(cell) for cell in issue.cells])
    return tenant_id, source_id, issue.kind, issue.number, _encode(reasons), cells


def list_issues(
    database: Database, tenant_id: int, source_id: str, kind: IssueKind, *, after: int = 0, limit: int = 100
) -> list[Issue]:
    """Return the first issues of a kind with a number above `after`, by number."""
    values = {"of_tenant": tenant_id, "of_source": source_id, "kind": kind, "after": after, "limit": limit}
    found = []
    for number, reasons, cells in database.fetch_all(LIST_ISSUES, values):
        remarks = [Remark(heading, from_builtins(reason)) for heading, reason in msgspec.json.decode(reasons)]
        found.append(Issue(kind, number, remarks, cells and msgspec.json.decode(cells)))
    return found


def find_issues(
    database: Database, tenant_id: int, source_id: str, kind: IssueKind, numbers: Collection[int]
) -> set[int]:
    """Return those of `numbers` that have an issue of a kind."""
    values = {"of_tenant": tenant_id, "of_source": source_id, "kind": kind, "numbers": list(numbers)}
    return {number for (number,) in database.fetch_all(FIND_ISSUES, values)}


def all_issues(database: Database, tenant_id: int, source_id: str, kind: IssueKind) -> Iterator[Issue]:
    """Yield all issues of a kind, by number."""
    after = 0
    while page := list_issues(database, tenant_id, source_id, kind, after=after, limit=1_000):
        yield from page
        after = page[-1].number


def delete_issues(database: Database, tenant_id: int, source_id: str, *kinds: IssueKind) -> None:
    """Delete the issues of some kinds, in short transactions."""
    for kind in kinds:
        while database.execute(DELETE_ISSUES, {"of_tenant": tenant_id, "of_source": source_id, "kind": kind}):
            continue


def _cell(cell: Cell) -> Any:
    """Return a cell as a JSON value that means the same in a CSV file."""
    return cell.isoformat() if isinstance(cell, datetime | date | time) else cell


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
