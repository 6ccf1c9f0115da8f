"""Batches of operations on customers. Each operation has its own result."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from regulars.customers.write.change_set import ChangeSet
from regulars.customers.write.commands import (
    WrittenValues,
    create_customer,
    restore_customer,
    trash_customer,
    update_customer,
)
from regulars.errors import Conflict, Invalid, RegularsError
from regulars.i18n import _
from regulars.tenants.validation import UNIQUE

Action = Literal["create", "update", "upsert", "trash", "restore"]
ACTIONS: Sequence[Action] = get_args(Action)


class Operation(NamedTuple):
    """An operation on the customer with the given `id` or, for "upsert", with the same value of the field `by`."""

    action: Action
    written: WrittenValues
    id: int = 0
    by: str = ""


class OperationResult(NamedTuple):
    """A customer after an operation, and whether the operation created it."""

    customer_id: int
    is_new: bool


def run_operations(
    changes: ChangeSet, operations: Sequence[Operation | RegularsError]
) -> list[OperationResult | RegularsError]:
    """Run operations one after the other. Return a result or error for each, in order.

    Failed operations change nothing. An error among `operations` stands for one that could not be read, and is returned
    unchanged.
    """
    _look_up(changes, [one for one in operations if isinstance(one, Operation)])
    return [one if isinstance(one, RegularsError) else _outcome(changes, one) for one in operations]


def _look_up(changes: ChangeSet, operations: Sequence[Operation]) -> None:
    """Load everything that the operations will need, in few queries."""
    changes.preload([one.id for one in operations])
    for field in UNIQUE:
        asked = (
            one.written.get(field) for one in operations if field in changes.tenant.unique_fields or one.by == field
        )
        changes.preload_holders(field, [value for value in asked if value is not None])


def _holders(changes: ChangeSet, operation: Operation) -> list[int]:
    value = operation.written.get(operation.by)
    return changes.holders(operation.by, value) if value is not None else []


def _outcome(changes: ChangeSet, operation: Operation) -> OperationResult | RegularsError:
    try:
        return _run(changes, operation)
    except RegularsError as error:
        return error


def _run(changes: ChangeSet, operation: Operation) -> OperationResult:
    match operation.action:
        case "create":
            return OperationResult(create_customer(changes, operation.written).id, is_new=True)
        case "update":
            return OperationResult(update_customer(changes, operation.id, operation.written).id, is_new=False)
        case "upsert":
            return _upsert(changes, operation)
        case "trash":
            return OperationResult(trash_customer(changes, operation.id).id, is_new=False)
        case "restore":
            return OperationResult(restore_customer(changes, operation.id).id, is_new=False)


def _upsert(changes: ChangeSet, operation: Operation) -> OperationResult:
    holders = _holders(changes, operation)
    if len(holders) > 1:
        many = ", ".join(map(str, holders[:5]))
        sentence = _(
            "{field} is used by several customers: {many}. Update one of them by its id.", field=operation.by, many=many
        )
        raise Conflict(sentence, {operation.by: [sentence]})
    if holders:
        return OperationResult(update_customer(changes, holders[0], operation.written).id, is_new=False)
    if "first_name" not in operation.written:
        raise Invalid({"first_name": [_("first_name is required.")]})
    return OperationResult(create_customer(changes, operation.written).id, is_new=True)


def check_all_done(results: Iterable[OperationResult | RegularsError]) -> None:
    """Raise `Invalid` if any operation was invalid, or `Conflict` if any failed for another reason.

    The error names faults by position and field, such as `operations.3.email`.
    """
    found: dict[str, list[str]] = {}
    failed = [(place, result) for place, result in enumerate(results) if isinstance(result, RegularsError)]
    for place, error in failed:
        errors: Mapping[str, list[str]] = getattr(error, "errors", None) or {"": [error.message]}
        for field, sentences in errors.items():
            found[f"operations.{place}.{field}".removesuffix(".")] = sentences
    if any(isinstance(error, Invalid) for _, error in failed):
        raise Invalid(found)
    if failed:
        raise Conflict(_("No operation was carried out. {message}", message=failed[0][1].message), found)
