"""The jobs that carry out a bulk change, and undo it, in short transactions."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from regulars.customers.bulk.chosen import choose_customers, chosen_customers
from regulars.customers.bulk.store import BulkChange, get_bulk_change, set_counts, set_undo_result
from regulars.customers.counts.maintenance import merge_tenant_deltas
from regulars.customers.fields import Record
from regulars.customers.issues import Issue, Remark, add_issues, delete_issues
from regulars.customers.undo.positions import add_positions
from regulars.customers.undo.revert import Source, check_references, revert_changes
from regulars.customers.write.change_set import ChangeSet, open_change_set
from regulars.customers.write.commands import restore_customer, trash_customer, update_customer
from regulars.customers.write.references import References
from regulars.errors import Conflict, Gone, NotFound, Unavailable
from regulars.i18n import _
from regulars.jobs.files import delete_file
from regulars.jobs.queue import JobData
from regulars.jobs.transactions import in_transactions
from regulars.jobs.worker import JobRun

CUSTOMERS_PER_STEP = 128
MAX_STEPS = 4
"""The number of steps that are written together while nobody waits, which is faster."""
MERGED_CUSTOMERS = 4_000
"""Count deltas are merged after so many changes, because merging more takes longer than other writers should wait."""


def change_customers(run: JobRun) -> JobData:
    """Carry out a bulk change, and return the counts of changed, unchanged and refused customers.

    A customer that cannot be changed is refused, and listed with the reason.
    """
    found = get_bulk_change(run.database, run.job.tenant_id, run.job.arguments["bulk_change_id"])
    if not run.checkpoint:
        choose_customers(run, found)
    changer = _Changer(run, found)
    merged = changer.counts.changed
    for _transaction in in_transactions(run, changer.steps(), changer.change, most=MAX_STEPS):
        if changer.counts.changed >= merged + MERGED_CUSTOMERS:
            merged = changer.counts.changed
            _merge_counts(run)
    # The job needs the file until it has ended. If the process is killed in between, the file expires.
    run.afterwards = partial(delete_file, run.database, found.tenant_id, run.checkpoint["file_id"])
    return msgspec.to_builtins(changer.counts)  # type: ignore[no-any-return]


def _merge_counts(run: JobRun) -> None:
    # Otherwise a server merges them later.
    with suppress(Unavailable):
        merge_tenant_deltas(run.database, run.job.tenant_id)


class _Changer:
    """Changes the customers that remain after the checkpoint of a run, and counts them."""

    def __init__(self, run: JobRun, found: BulkChange) -> None:
        self.run = run
        self.found = found
        self.ids = chosen_customers(run)
        self.done: int = run.checkpoint["done"]
        self.counts = found.counts

    def steps(self) -> Iterator[list[int]]:
        """Yield the ids of customers that remain."""
        for start in range(self.done, len(self.ids), CUSTOMERS_PER_STEP):
            yield self.ids[start : start + CUSTOMERS_PER_STEP]

    def change(self, steps: Sequence[list[int]]) -> None:
        """Change some customers in one transaction, together with the checkpoint."""
        run, found = self.run, self.found
        ids = [number for step in steps for number in step]
        with run.database.transaction():
            with open_change_set(run.database, found.tenant_id, run.job.actor, found.id) as changes:
                self._check_references()
                refused = self._change_each(changes, ids)
                self.done += len(ids)
                run.save({**run.checkpoint, "done": self.done}, self.done, len(self.ids))
            add_positions(run.database, found.tenant_id, found.id, changes.positions)
            add_issues(run.database, found.tenant_id, found.id, refused)
            set_counts(run.database, found, self.counts)

    def _check_references(self) -> None:
        """Raise `Conflict` if a member, a channel or a tag to add no longer exists."""
        references = References(self.run.database, self.found.tenant_id)
        check_references(self.found.edit.values, references)
        try:
            references.tags(self.found.edit.add_tags)
        except ValueError as error:
            raise Conflict(_("{field} {rule}.", field="add_tags", rule=error.args[0])) from None

    def _change_each(self, changes: ChangeSet, ids: Sequence[int]) -> list[Issue]:
        changes.preload(ids)
        if self.found.edit.action == "update":
            changes.preload_tags(ids)
        refused = []
        for number in ids:
            try:
                before = changes.get(number)
                if self._edit(changes, before) is before:
                    self.counts.unchanged += 1
                else:
                    self.counts.changed += 1
            except (NotFound, Gone, Conflict) as error:
                refused.append(Issue("refused", number, [Remark("", error.message)]))
        self.counts.refused += len(refused)
        return refused

    def _edit(self, changes: ChangeSet, record: Record) -> Record:
        edit = self.found.edit
        if edit.action == "trash":
            return trash_customer(changes, record.id)
        if edit.action == "restore":
            return restore_customer(changes, record.id)
        tags = {*changes.tags(record.id), *edit.add_tags}.difference(edit.remove_tags)
        return update_customer(changes, record.id, {**edit.values, "tags": tags})


def undo_bulk_change(run: JobRun) -> JobData:
    """Undo a bulk change, and return the counts of restored and kept customers.

    A customer that was changed since is kept, and listed with the reason.
    """
    found = get_bulk_change(run.database, run.job.tenant_id, run.job.arguments["bulk_change_id"])
    if not run.checkpoint:
        delete_issues(run.database, found.tenant_id, found.id, "kept")
    reason = _("The customer has been changed since the bulk change.")
    reverted = revert_changes(run, Source(found.tenant_id, found.id, found.counts.changed, reason))
    counts = {name: reverted[name] for name in ("restored", "kept")}
    with run.database.transaction():
        run.save(run.checkpoint, sum(counts.values()), None)
        set_undo_result(run.database, found, counts)
    return counts
