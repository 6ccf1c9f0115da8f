"""Batches of operations on customers."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import falcon
from msgspec import UNSET, Meta, Struct, UnsetType

from regulars.api.customers.body import CustomerReader, customer_reader
from regulars.api.customers.common import CustomerApi
from regulars.customers.write.batch import ACTIONS, Operation, OperationResult, check_all_done, run_operations
from regulars.customers.write.change_set import ChangeSet
from regulars.db.idempotency_keys import SEVERAL_CUSTOMERS
from regulars.errors import Invalid, RegularsError
from regulars.http import openapi
from regulars.http.idempotency import Result
from regulars.http.json_body import Field, body_schema, choice_field, flag_field, id_field, read_fields, read_json
from regulars.http.problems import STATUS, problem_of
from regulars.i18n import _, preferred_language
from regulars.tenants.validation import UNIQUE

MAX_OPERATIONS = 1_000
MAX_BODY_BYTES = 4 * 1024 * 1024


class Outcome(Struct, frozen=True):
    """The result of an operation, with the status that a separate request would have."""

    status: Annotated[int, Meta(examples=[201])]
    id: Annotated[int | None, Meta(description="The customer's id. Null if the operation failed.", examples=[123])]
    error: Annotated[str | UnsetType, Meta(examples=["validation_error"])] = UNSET
    message: str | UnsetType = UNSET
    errors: dict[str, list[str]] | UnsetType = UNSET


class BatchMeta(Struct, frozen=True):
    """The numbers of successful and failed operations."""

    succeeded: int
    failed: int


class BatchAnswer(Struct, frozen=True):
    """The results of the operations, in the order of the request."""

    success: Annotated[str, Meta(examples=["The batch was processed."])]
    data: list[Outcome]
    meta: BatchMeta


def _read_object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError(_("must be an object with the customer's fields"))
    return value


def _read_operations(value: Any) -> Any:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_OPERATIONS:
        raise ValueError(_("must be a list of 1 to {limit} operations", limit=MAX_OPERATIONS))
    return value


ID = id_field("id", "The customer's id.", 123, required=True)
BY = choice_field("by", "The field by which the customer is found.", "email", options=UNIQUE, required=True)
CUSTOMER = Field(
    "customer",
    {"type": "object"},
    "The customer's fields, as in a separate request.",
    {"first_name": "Ayşe"},
    _read_object,
    required=True,
)
FIELDS_OF_ACTION: dict[str, tuple[Field, ...]] = {
    "create": (CUSTOMER,),
    "update": (ID, CUSTOMER),
    "upsert": (BY, CUSTOMER),
    "trash": (ID,),
    "restore": (ID,),
}
OPERATION_FIELDS = {
    action: (choice_field("action", "The kind of the operation.", action, options=(action,), required=True), *fields)
    for action, fields in FIELDS_OF_ACTION.items()
}
BATCH_BODY = (
    Field(
        "operations",
        {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_OPERATIONS,
            "items": {"oneOf": [body_schema(fields) for fields in OPERATION_FIELDS.values()]},
        },
        "`create`, `update`, `upsert`, `trash` and `restore`, carried out in this order.",
        [{"action": "create", "customer": {"first_name": "Ayşe"}}],
        _read_operations,
        required=True,
    ),
    flag_field(
        "atomic", "If one operation fails, none is carried out, and the response is 422 or 409 with all errors."
    ),
)


def read_batch(content: Any) -> tuple[list[dict[str, Any]], bool]:
    """Return the operations of a body, each with the fields of its action, and True if the batch is atomic.

    The customers' fields are not checked yet. Raise `Malformed` if the body is not an object, and `Invalid` with every
    fault otherwise.
    """
    read = read_fields(content, BATCH_BODY)
    faults: dict[str, list[str]] = {}
    shapes = []
    for place, each in enumerate(read["operations"]):
        action = each.get("action") if isinstance(each, dict) else None
        where = f"operations.{place}"
        if not isinstance(action, str) or action not in OPERATION_FIELDS:
            faults[where] = [
                _(
                    "{field} must be an object whose action is one of {options}.",
                    field=where,
                    options=", ".join(ACTIONS),
                )
            ]
            continue
        try:
            shapes.append(read_fields(each, OPERATION_FIELDS[action]))
        except Invalid as error:
            faults |= {f"{where}.{name}": sentences for name, sentences in error.errors.items()}
    if faults:
        raise Invalid(faults)
    return shapes, bool(read.get("atomic"))


def _operation(shape: dict[str, Any], reader: CustomerReader) -> Operation | RegularsError:
    action = shape["action"]
    try:
        is_partial = action != "create"
        written = reader.read(shape["customer"], partial=is_partial) if "customer" in shape else {}
    except Invalid as error:
        return error
    by = shape.get("by", "")
    if by and written.get(by) is None:
        return Invalid({by: [_("{field} must not be empty, because the customer is found by it.", field=by)]})
    return Operation(action, written, shape.get("id", 0), by)


class CustomerBatch:
    """`/api/v1/customers/batch`"""

    operations: ClassVar = {
        "post": openapi.Operation(
            id="writeCustomers",
            summary="Write many customers",
            description="Carries out up to 1,000 operations. Each has its own result, in the order of the request. An"
            " operation with an invalid customer fails alone; an operation that cannot be read is an error of the"
            " whole request.",
            response=BatchAnswer,
            tag="Customers",
            scopes=("customers:write",),
            body=BATCH_BODY,
        )
    }

    def __init__(self, api: CustomerApi) -> None:
        self.api = api

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Carry out the operations."""
        principal = self.api.principal(request, response, "customers:write")
        content = read_batch(read_json(request, at_most=MAX_BODY_BYTES))
        language = preferred_language(request.get_header("Accept-Language") or "")
        self.api.change(request, response, principal, self._write, content, language)

    def _write(self, changes: ChangeSet, content: tuple[list[dict[str, Any]], bool], language: str) -> Result:
        operations, atomic = content
        reader = customer_reader(changes.tenant, self.api.database)
        outcomes = run_operations(changes, [_operation(operation, reader) for operation in operations])
        if atomic:
            check_all_done(outcomes)
        return Result(_answer(outcomes, language), customer_id=SEVERAL_CUSTOMERS)


def _answer(results: Sequence[OperationResult | RegularsError], language: str) -> BatchAnswer:
    failed = sum(isinstance(result, RegularsError) for result in results)
    meta = BatchMeta(len(results) - failed, failed)
    return BatchAnswer("The batch was processed.", [_outcome(result, language) for result in results], meta)


def _outcome(result: OperationResult | RegularsError, language: str) -> Outcome:
    if isinstance(result, OperationResult):
        return Outcome(201 if result.is_new else 200, result.customer_id)
    problem = problem_of(result, language)
    return Outcome(STATUS[type(result)], None, problem.error, problem.message, problem.errors or UNSET)
