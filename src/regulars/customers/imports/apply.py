"""Apply the rows of an import: create or change a customer, or skip or refuse the row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from regulars.customers.fields import PERSONAL_FIELDS, Record
from regulars.customers.imports.cells import Cell
from regulars.customers.imports.rows import NAMES, Row
from regulars.customers.imports.settings import ImportSettings
from regulars.customers.issues import Remark
from regulars.customers.tags import create_tag, delete_tags, list_tags, name_key
from regulars.customers.write.change_set import ChangeSet
from regulars.customers.write.references import References
from regulars.db.database import Database
from regulars.errors import Conflict, Gone
from regulars.i18n import Message, _
from regulars.tenants.validation import UNIQUE

NEW_TAG_COLOR = "#6B7280"

Derived = tuple[Any, ...]
Action = Literal["created", "updated", "unchanged", "skipped", "refused"]


class ReadRow(NamedTuple):
    """A row of a file: its number, its cells, and what was read from them.

    `derived` are the columns of a new customer that are derived from its values.
    """

    number: int
    cells: Sequence[Cell]
    read: Row
    derived: Derived | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a row: the action, the customer, and the reasons if the row was refused or skipped."""

    action: Action
    customer_id: int | None = None
    reasons: Sequence[Remark] = field(default_factory=list)


class Applier:
    """Applies the rows of an import to customers.

    `headings` are the headings of the columns by target. With `is_trial`, tags are not created.
    """

    def __init__(
        self,
        database: Database,
        tenant_id: int,
        settings: ImportSettings,
        headings: Mapping[str, str],
        *,
        is_trial: bool = False,
    ) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self.match_by = settings.match_by or "none"
        self.on_match = settings.on_match or "fill"
        self.headings = headings
        self.is_trial = is_trial
        self.created_tags: list[str] = []
        self._tag_ids: dict[str, int] = {}

    def preload(self, changes: ChangeSet, rows: Sequence[ReadRow]) -> None:
        """Load everything that the rows need, in few queries."""
        values = [row.read.values for row in rows]
        if "id" in self.headings:
            changes.preload([one["id"] for one in values if "id" in one])
        for name in {*changes.tenant.unique_fields, self.match_by} & {*UNIQUE}:
            changes.preload_holders(name, {one[name] for one in values if name in one})
        self.references = References(self.database, self.tenant_id)
        self._load_tags()

    def _load_tags(self) -> None:
        """Load the tags again, because others may have created, renamed or deleted some since."""
        new = {name_key(name): -number for number, name in enumerate(self.created_tags, 1)} if self.is_trial else {}
        self._tag_ids = new | {name_key(tag.name): tag.id for tag in list_tags(self.database, self.tenant_id)}

    def apply(self, changes: ChangeSet, row: ReadRow) -> Outcome:
        """Apply a row that was preloaded, and return what happened with it."""
        read = row.read
        if read.faults:
            return Outcome("refused", reasons=read.faults)
        tag_count = len(self.created_tags)
        try:
            self._check_references(read)
            record = self._match(changes, read.values)
            if record is None:
                return self._create(changes, read, row.derived)
            return self._change(changes, record, read)
        except (Conflict, Gone) as error:
            self._delete_tags_after(tag_count)
            return Outcome("refused", reasons=self._reasons(error))

    def _match(self, changes: ChangeSet, values: Mapping[str, Any]) -> Record | None:
        """Return the customer that a row is about, or None if it is a new one."""
        value = values.get(self.match_by)
        if value is None or self.on_match == "create":
            return None
        if self.match_by == "id":
            return changes.find(value)
        holders = changes.holders(self.match_by, value)
        if len(holders) > 1:
            many = ", ".join(map(str, holders[:5]))
            sentence = _("{field} is used by several customers: {many}.", field=self.match_by, many=many)
            raise Conflict(sentence, {self.match_by: [sentence]})
        return changes.find(holders[0]) if holders else None

    def _check_references(self, row: Row) -> None:
        """Check the member and the channel again, because they may have been removed since the row was read."""
        for name, check in (("user_id", self.references.member), ("default_channel_id", self.references.channel)):
            if name in row.values:
                try:
                    check(row.values[name])
                except ValueError as error:
                    sentence = _("{field} {rule}.", field=name, rule=error.args[0])
                    raise Conflict(sentence, {name: [sentence]}) from None

    def _create(self, changes: ChangeSet, row: Row, derived: Derived | None) -> Outcome:
        values = row.values
        if "first_name" not in values:
            values = self._with_first_name(values)
        return Outcome("created", changes.create(values, self._tags(changes, row), derived).id)

    def _with_first_name(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values with the last name as the first name. Raise `Conflict` if there is no last name."""
        if "last_name" in values:
            named = {**values, "first_name": values["last_name"]}
            del named["last_name"]
            return named
        field = next((target for target in NAMES if target in self.headings), "first_name")
        sentence = _("{field} is required.", field=field)
        raise Conflict(sentence, {field: [sentence]})

    def _change(self, changes: ChangeSet, record: Record, row: Row) -> Outcome:
        if record.merged_into_id is not None or record.deleted_at is not None:
            return self._in_trash(changes, record, row)
        if self.on_match == "skip":
            return Outcome("skipped", record.id, [self._remark(_same_value(self.match_by, record.id), self.match_by)])
        values = self._new_values(record, row.values)
        tags = self._new_tags(changes, record, row)
        changed = changes.change(record, "updated", values, tags)
        return Outcome("unchanged" if changed is record else "updated", record.id)

    def _in_trash(self, changes: ChangeSet, record: Record, row: Row) -> Outcome:
        if "deleted_at" in row.values:
            return Outcome("unchanged", record.id)
        changes.get(record.id)
        raise Conflict(_("Customer {id} is in the trash. Restore it first.", id=record.id))

    def _new_values(self, record: Record, values: Mapping[str, Any]) -> dict[str, Any]:
        is_filling = self.on_match == "fill"
        new = {
            name: value
            for name, value in values.items()
            if name in PERSONAL_FIELDS and not (is_filling and getattr(record, name) is not None)
        }
        # The way in which a number was typed counts only together with another number.
        if "phone_number" not in new or new["phone_number"] == record.phone_number:
            new.pop("phone_number_as_typed", None)
        return new

    def _new_tags(self, changes: ChangeSet, record: Record, row: Row) -> list[int] | None:
        if not row.tags:
            return None
        tags = self._tags(changes, row)
        return tags if self.on_match == "overwrite" else [*changes.tags(record.id), *tags]

    def _tags(self, changes: ChangeSet, row: Row) -> list[int]:
        """Return the ids of the tags of a row. Tags that do not exist are created."""
        return [self._tag_ids.get(name_key(name)) or self._create_tag(name, changes.source_id) for name in row.tags]

    def _create_tag(self, name: str, import_id: str | None) -> int:
        self.created_tags.append(name)
        number = -len(self.created_tags)
        if not self.is_trial:
            number = create_tag(self.database, self.tenant_id, name, NEW_TAG_COLOR, import_id=import_id).id
        self._tag_ids[name_key(name)] = number
        return number

    def _delete_tags_after(self, count: int) -> None:
        """Delete the created tags except the first `count`: those of a row that was refused."""
        ids = [self._tag_ids.pop(name_key(name)) for name in self.created_tags[count:]]
        del self.created_tags[count:]
        if ids and not self.is_trial:
            delete_tags(self.database, self.tenant_id, ids)

    def _reasons(self, error: Conflict | Gone) -> list[Remark]:
        errors: Mapping[str, Sequence[str]] | None = getattr(error, "errors", None)
        if not errors:
            return [Remark("", error.message)]
        return [self._remark(message, name) for name, messages in errors.items() for message in messages]

    def _remark(self, message: str, name: str) -> Remark:
        """Return a remark about a column, which names the column like the file."""
        heading = self.headings.get(name, name)
        if isinstance(message, Message):
            message = Message(message.template, {**message.values, "field": heading})
        return Remark(heading, message)


def _same_value(name: str, customer_id: int) -> Message:
    return _("{field} is that of customer {id}.", field=name, id=customer_id)
