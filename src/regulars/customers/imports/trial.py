"""The customers as the earlier rows of a dry run would have changed them.

They are kept outside the database, and only those that a batch of rows needs are in memory.
"""

import hashlib
from collections.abc import Collection, Iterator

import msgspec
from msgspec import Struct

from regulars.customers.fields import Record
from regulars.customers.write.change_set import ChangeSet, unique_keys
from regulars.customers.write.uniqueness import key_of
from regulars.db.database import Database
from regulars.db.scratch import Scratch
from regulars.permissions import Actor


class _Kept(Struct, array_like=True):
    """A customer, its tags if they are known, and the row that would create it."""

    record: Record
    tags: list[int] | None
    row: int | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


class TrialChanges(ChangeSet):
    """Changes of a batch of rows that are never written, after those of earlier batches."""

    def __init__(
        self, database: Database, tenant_id: int, actor: Actor, scratch: Scratch, new_ids: Iterator[int]
    ) -> None:
        """`scratch` has the changes of earlier batches. New customers get `new_ids`, which no customer has."""
        super().__init__(database, tenant_id, actor, 0)
        self.scratch = scratch
        self.rows: dict[int, int] = {}
        """The numbers of the rows that would create customers, by the id of the customer."""
        self._new_ids = new_ids
        self._kept: dict[int, Record] = {}

    def preload(self, ids: Collection[int]) -> None:
        """Load the customers with these ids, as far as they exist."""
        missing = {number for number in ids if 0 < number < 2**63} - self._current.keys()
        super().preload(missing)
        for number, content in self.scratch.get(missing).items():
            kept = _decode(content)
            self._stored.setdefault(number, None)
            self._current[number] = self._kept[number] = kept.record
            if kept.tags is not None:
                self._tags[number] = kept.tags
            if kept.row is not None:
                self.rows[number] = kept.row

    def preload_holders(self, field: str, values: Collection[str]) -> None:
        """Find and load the customers that have these values of a unique field."""
        keys = {key_of(field, value) for value in values}
        self.preload(self.scratch.find(digest(field, key) for key in keys if (field, key) not in self._holders))
        super().preload_holders(field, values)

    def keep(self, fields: Collection[str]) -> None:
        """Keep the changes for the batches after this one, which can find the customers by the values of `fields`."""
        for number, record in self._current.items():
            if record is None or record is self._stored[number] or record is self._kept.get(number):
                continue
            keys = [digest(field, key) for field, key in unique_keys(record) if field in fields]
            self.scratch.put(number, _encode(_Kept(record, self._tags.get(number), self.rows.get(number))), keys)


def digest(field: str, key: str) -> bytes:
    """Return a short key for the value of a field."""
    return hashlib.blake2b(f"{field}\n{key}".encode("utf-8", "surrogatepass"), digest_size=12).digest()
