"""The customers that one transaction reads and changes. All changes are written at its end.

Transactions that write customers of the same tenant run one after the other, so customers that were read here cannot be
changed by others until the end.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any

from msgspec import to_builtins
from msgspec.structs import replace
from sqlalchemy import bindparam, delete, select, update

from regulars.clock import utc_now
from regulars.customers.change_log import CREATED, Change, Fields, record_changes
from regulars.customers.counts.group_counts import GroupDeltas, add_group_deltas
from regulars.customers.counts.totals import CountDelta, add_count_deltas
from regulars.customers.dismissals import forget_dismissals
from regulars.customers.fields import PERSONAL_FIELDS, STORED_FIELDS, Record
from regulars.customers.write.storage import (
    COLUMNS,
    TAG_COLUMNS,
    change_groups,
    delta_of,
    load_uncounted,
    row_of,
)
from regulars.customers.write.uniqueness import holders_of, key_of
from regulars.db.database import Database
from regulars.db.dialects import one_of
from regulars.db.statement import Row, Statement, Values
from regulars.db.tables import customer_tags, customers
from regulars.errors import Conflict, Gone, NotFound
from regulars.i18n import _
from regulars.permissions import Actor
from regulars.tenants.locks import lock_customers
from regulars.tenants.tenants import get_tenant
from regulars.tenants.validation import UNIQUE

RECORD_COLUMNS = [customers.c[name] for name in STORED_FIELDS]
IS_OF_TENANT = customers.c.tenant_id == bindparam("tenant_id")
FIND_CUSTOMERS = Statement(select(*RECORD_COLUMNS).where(IS_OF_TENANT, one_of(customers.c.id, "ids")))
IS_CUSTOMER = (customers.c.tenant_id == bindparam("of_tenant"), customers.c.id == bindparam("of_customer"))
UPDATED_COLUMNS = tuple(name for name in COLUMNS if name not in {"tenant_id", "id", "created_at"})
UPDATE_CUSTOMER = Statement(
    update(customers).where(*IS_CUSTOMER).values({name: bindparam(f"new_{name}") for name in UPDATED_COLUMNS})
)
DELETE_CUSTOMERS = Statement(
    delete(customers).where(customers.c.tenant_id == bindparam("of_tenant"), one_of(customers.c.id, "ids"))
)
LIST_TAG_IDS = Statement(
    select(customer_tags.c.customer_id, customer_tags.c.tag_id)
    .where(customer_tags.c.tenant_id == bindparam("tenant_id"), one_of(customer_tags.c.customer_id, "ids"))
    .order_by(customer_tags.c.customer_id, customer_tags.c.tag_id)
)
DELETE_CUSTOMER_TAGS = Statement(
    delete(customer_tags).where(
        customer_tags.c.tenant_id == bindparam("of_tenant"), customer_tags.c.customer_id == bindparam("of_customer")
    )
)
DELETE_TAGS_OF_CUSTOMERS = Statement(
    delete(customer_tags).where(
        customer_tags.c.tenant_id == bindparam("of_tenant"), one_of(customer_tags.c.customer_id, "ids")
    )
)

REMOVALS = ("purged", "erased")


@contextmanager
def open_change_set(
    database: Database, tenant_id: int, actor: Actor, source_id: str | None = None
) -> Iterator["ChangeSet"]:
    """Open a transaction for changes of customers, and yield their `ChangeSet`.

    The changes are written at the end of the block, unless it raises an exception. `source_id` is the import or
    bulk change that makes them.
    """
    with database.transaction():
        last_ids = lock_customers(database, tenant_id)
        changes = ChangeSet(database, tenant_id, actor, last_ids.customer, source_id)
        yield changes
        changes.write()


class ChangeSet:
    """Customers that a transaction has read, with the transaction's changes to them.

    The changes are kept in memory until `write`, and all methods see them. A method that raises an exception has
    changed nothing. Records are replaced, never modified. New customers get the ids after `last_id`.
    """

    def __init__(
        self, database: Database, tenant_id: int, actor: Actor, last_id: int, source_id: str | None = None
    ) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self.actor = actor
        self.source_id = source_id
        self.positions = range(0)
        """The positions of the changes in the log, after `write`."""
        self.now = utc_now()
        self.tenant = get_tenant(database, tenant_id)
        self._stored: dict[int, Record | None] = {}
        self._current: dict[int, Record | None] = {}
        self._stored_tags: dict[int, list[int]] = {}
        self._tags: dict[int, list[int]] = {}
        self._tagged: set[int] = set()
        self._derived: dict[int, Row] = {}
        self._changes: list[Change] = []
        self._holders: dict[tuple[str, str], list[int]] = {}
        self._new_ids: Iterator[int] = count(last_id + 1)

    def preload(self, ids: Collection[int]) -> None:
        """Load the customers with these ids, as far as they exist, in one query."""
        missing = [number for number in set(ids) - self._current.keys() if 0 < number < 2**63]
        if not missing:
            return
        rows = self.database.fetch_all(FIND_CUSTOMERS, {"tenant_id": self.tenant_id, "ids": missing})
        for row in rows:
            record = Record(**dict(zip(STORED_FIELDS, row, strict=True)))
            self._stored[record.id] = self._current[record.id] = record

    def preload_holders(self, field: str, values: Collection[str]) -> None:
        """Find and load the customers that have these values of a unique field, in few queries."""
        keys = {key_of(field, value) for value in values}
        missing = {key for key in keys if (field, key) not in self._holders}
        if missing:
            found = holders_of(self.database, self.tenant_id, field, missing)
            self.preload({number for ids in found.values() for number in ids})
            self._holders |= self._current_holders(field, found)

    def _current_holders(self, field: str, found: Mapping[str, list[int]]) -> dict[tuple[str, str], list[int]]:
        """Return the ids of customers that have unique values after all changes. `found` are those in the database."""
        changed = {number for number, record in self._current.items() if record is not self._stored[number]}
        held = {(field, key): [number for number in ids if number not in changed] for key, ids in found.items()}
        for number in changed:
            record = self._current[number]
            for each in unique_keys(record) if record is not None else ():
                if each in held:
                    held[each].append(number)
        return held

    def find(self, customer_id: int) -> Record | None:
        """Return the customer, merged or not, or None if it does not exist."""
        self.preload([customer_id])
        return self._current.get(customer_id)

    def get(self, customer_id: int) -> Record:
        """Return the customer. Raise `NotFound` if it does not exist, or `Gone` if it was merged into another."""
        record = self.find(customer_id)
        if record is None:
            raise NotFound(_("There is no customer {id}.", id=customer_id))
        if record.merged_into_id is not None:
            raise merged(record.id, record.merged_into_id)
        return record

    def holders(self, field: str, value: str) -> list[int]:
        """Return the ids of customers with this value of a field, outside the trash, in ascending order."""
        held = field, key_of(field, value)
        if held not in self._holders:
            self.preload_holders(field, [value])
        # `_keep` appends ids in any order.
        return sorted(self._holders[held])

    def tags(self, customer_id: int) -> list[int]:
        """Return the ids of the customer's tags, in ascending order."""
        self.preload_tags([customer_id])
        return self._tags[customer_id]

    def preload_tags(self, ids: Collection[int]) -> None:
        """Load the tags of the customers with these ids in one query."""
        missing = [number for number in ids if number not in self._tags]
        if not missing:
            return
        found: dict[int, list[int]] = {number: [] for number in missing}
        for number, tag_id in self.database.fetch_all(LIST_TAG_IDS, {"tenant_id": self.tenant_id, "ids": missing}):
            found[number].append(tag_id)
        self._stored_tags |= found
        self._tags |= found

    def create(self, values: Values, tags: Collection[int] = (), derived: Row | None = None) -> Record:
        """Create a customer, and return it. Raise `Conflict` if a unique value, or a given id, is taken.

        `derived` are the columns derived from the values, if they have been computed already.
        """
        record = Record(**{"id": 0, "created_at": self.now, "updated_at": self.now, **values})
        self._check_unique(None, record)
        if record.id == 0:
            record.id = self._new_id()
        elif self.find(record.id) is not None:
            raise Conflict(*_taken_id(record.id))
        self._stored[record.id] = None
        self._keep(record)
        if derived is not None:
            self._derived[record.id] = derived
        self._tags[record.id] = []
        # A record can be encoded faster than a mapping.
        fields: Mapping[str, Any] | Record = record
        if tags:
            fields = {**to_builtins(record), "tags": self._retag(record.id, tags)}
        self._changes.append(Change(record.id, CREATED, fields, self.now))
        return record

    def _new_id(self) -> int:
        return next(number for number in self._new_ids if self._current.get(number) is None)

    def change(
        self,
        record: Record,
        action: str,
        values: Values,
        tags: Collection[int] | None = None,
        other_id: int | None = None,
    ) -> Record:
        """Change values and tags of a customer, and return the new record. The change is logged as `action`.

        If nothing differs, return `record` and log nothing. Raise `Conflict` if a unique value is taken.
        """
        changed = replace(record, **values)
        names = (*PERSONAL_FIELDS, "deleted_at")
        fields: dict[str, tuple[Any, Any]] = {
            name: (getattr(record, name), getattr(changed, name))
            for name in names
            if getattr(record, name) != getattr(changed, name)
        }
        before = self.tags(record.id) if tags is not None else []
        retagged = tags is not None and sorted(set(tags)) != before
        if not fields and not retagged and record.merged_into_id == changed.merged_into_id and other_id is None:
            return record
        self._check_unique(record, changed)
        if retagged and tags is not None:
            fields["tags"] = (before, self._retag(record.id, tags))
        changed.updated_at = max(self.now, record.updated_at)
        changed.version = record.version + 1
        self._keep(changed)
        self._changes.append(Change(record.id, action, fields, changed.updated_at, other_id))
        return changed

    def remove(self, record: Record, action: str, fields: Fields) -> None:
        """Delete the customer permanently. This is logged as `action`, with `fields`."""
        self._forget_holder(record)
        self._current[record.id] = None
        self._changes.append(Change(record.id, action, fields, self.now))

    def write(self) -> None:
        """Write all changes to the database, including the customer counts and the change log."""
        database, tenant_id = self.database, self.tenant_id
        group_deltas = self._group_deltas()
        created = [record for number, record in self._current.items() if record and self._stored[number] is None]
        if created:
            rows = (row_of(record, self._derived.get(record.id)) for record in created)
            load_uncounted(database, tenant_id, rows)
        changed = [
            record
            for number, record in self._current.items()
            if record and (stored := self._stored[number]) is not None and stored is not record
        ]
        if changed:
            database.execute_many(UPDATE_CUSTOMER, [self._new_values(record) for record in changed])
        self._write_tags()
        removed = [number for number, record in self._current.items() if record is None and self._stored[number]]
        if removed:
            database.execute(DELETE_TAGS_OF_CUSTOMERS, {"of_tenant": tenant_id, "ids": removed})
            database.execute(DELETE_CUSTOMERS, {"of_tenant": tenant_id, "ids": removed})
            forget_dismissals(database, tenant_id, removed)
        if deltas := self._deltas():
            add_count_deltas(database, tenant_id, deltas)
        add_group_deltas(database, tenant_id, group_deltas)
        self.positions = record_changes(database, tenant_id, self.actor, self._logged_changes(), self.source_id)

    def _logged_changes(self) -> list[Change]:
        """Return the changes for the log. Those of a customer that was removed have no values, except the removal."""
        removed = {number for number, record in self._current.items() if record is None}
        return [
            change._replace(fields=None) if change.customer_id in removed and change.action not in REMOVALS else change
            for change in self._changes
        ]

    def _write_tags(self) -> None:
        kept = [number for number in self._tagged if self._current[number] is not None]
        for number in kept:
            if self._stored[number] is not None:
                self.database.execute(DELETE_CUSTOMER_TAGS, {"of_tenant": self.tenant_id, "of_customer": number})
        rows = [(self.tenant_id, number, tag_id) for number in kept for tag_id in self._tags[number]]
        if rows:
            self.database.load(customer_tags, TAG_COLUMNS, rows)

    def _deltas(self) -> list[CountDelta]:
        deltas: list[CountDelta] = []
        for number, record in self._current.items():
            stored = self._stored[number]
            removed = [delta_of(stored, -1)] if stored else []
            added = [delta_of(record, 1)] if record else []
            if [delta[:-1] for delta in removed] != [delta[:-1] for delta in added]:
                deltas += removed + added
        return deltas

    def _group_deltas(self) -> GroupDeltas:
        """Return the changes of the group counts. Call it before the tags are written."""
        deltas = GroupDeltas()
        changed = {number: record for number, record in self._current.items() if record is not self._stored[number]}
        # Other customers keep their tags, or the tags are loaded because they change.
        self.preload_tags(
            [number for number, record in changed.items() if _is_listed(self._stored[number]) != _is_listed(record)]
        )
        for number, record in changed.items():
            if stored := self._stored[number]:
                change_groups(deltas, stored, self._stored_tags.get(number, ()), -1)
            if record:
                change_groups(deltas, record, self._tags.get(number, ()), 1)
        return deltas

    def _new_values(self, record: Record) -> dict[str, Any]:
        row = dict(zip(COLUMNS[1:], row_of(record), strict=True))
        values = {f"new_{name}": row[name] for name in UPDATED_COLUMNS}
        return {"of_tenant": self.tenant_id, "of_customer": record.id, **values}

    def _retag(self, customer_id: int, tags: Collection[int]) -> list[int]:
        self._tags[customer_id] = sorted(set(tags))
        self._tagged.add(customer_id)
        return self._tags[customer_id]

    def _keep(self, record: Record) -> None:
        before = self._current.get(record.id)
        if before is not None:
            self._forget_holder(before)
            self._derived.pop(record.id, None)
        self._current[record.id] = record
        for held in unique_keys(record) if self._holders else ():
            if held in self._holders:
                self._holders[held].append(record.id)

    def _forget_holder(self, record: Record) -> None:
        for held in unique_keys(record) if self._holders else ():
            if held in self._holders:
                self._holders[held].remove(record.id)

    def _check_unique(self, before: Record | None, record: Record) -> None:
        faults: dict[str, list[str]] = defaultdict(list)
        if not self.tenant.unique_fields:
            return
        was = set(unique_keys(before)) if before is not None else set()
        for field, key in set(unique_keys(record)) - was:
            if field in self.tenant.unique_fields:
                for other in self.holders(field, key):
                    if before is None or other != before.id:
                        faults[field].append(
                            _("{field} is already used by customer {other}.", field=field, other=other)
                        )
        if faults:
            first = next(iter(faults.values()))[0]
            raise Conflict(first, {field: faults[field] for field in sorted(faults)})


def _is_listed(record: Record | None) -> bool:
    return record is not None and record.deleted_at is None


def merged(customer_id: int, merged_into_id: int) -> Gone:
    """Return the error for a customer that was merged into another."""
    return Gone(
        _("Customer {id} was merged into customer {other_id}.", id=customer_id, other_id=merged_into_id), merged_into_id
    )


def _taken_id(customer_id: int) -> tuple[str, dict[str, list[str]]]:
    sentence = _("id {id} is already used by another customer.", id=customer_id)
    return sentence, {"id": [sentence]}


def unique_keys(record: Record) -> list[tuple[str, str]]:
    """Return the name and the key of each unique field that has a value. A record in the trash has none."""
    if record.deleted_at is not None:
        return []
    values = [(field, getattr(record, field)) for field in UNIQUE]
    return [(field, key_of(field, value)) for field, value in values if value is not None]
