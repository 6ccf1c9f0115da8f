"""Many operations on customers in one request."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import falcon
from msgspec import UNSET, Meta, Struct, UnsetType

from regulars.api.customers.body import CustomerReader, customer_reader
from regulars.api.customers.common import CustomerDoor, Ending, Told
from regulars.customers.write.batch import ACTIONS, Operation, Result, check_all_done, run_operations
from regulars.customers.write.change_set import ChangeSet
from regulars.db.idempotency_keys import SEVERAL
from regulars.errors import Invalid, RegularsError
from regulars.http import openapi
from regulars.http.json_body import Field, body_schema, choice_field, flag_field, id_field, read_fields, read_json
from regulars.http.problems import STATUS, problem_of
from regulars.i18n import preferred_language
from regulars.tenants.validation import UNIQUE

MOST_OPERATIONS = 1_000
MOST_BYTES = 4 * 1024 * 1024


class Outcome(Struct, frozen=True):
    """What came of an operation, as if it had been a request of its own."""

    status: Annotated[int, Meta(examples=[201])]
    id: Annotated[int | None, Meta(description="The customer's id; null where it failed.", examples=[123])]
    error: Annotated[str | UnsetType, Meta(examples=["validation_error"])] = UNSET
    message: str | UnsetType = UNSET
    errors: dict[str, list[str]] | UnsetType = UNSET


class BatchMeta(Struct, frozen=True):
    """How many operations were done, and how many were not."""

    succeeded: int
    failed: int


class BatchAnswer(Struct, frozen=True):
    """What came of each operation, in the order of the request."""

    success: Annotated[str, Meta(examples=["The batch was processed."])]
    data: list[Outcome]
    meta: BatchMeta


def _read_object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("must be an object with the customer's fields")
    return value


def _read_operations(value: Any) -> Any:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_OPERATIONS:
        raise ValueError(f"must be a list of 1 to {MOST_OPERATIONS} operations")
    return value


ID = id_field("id", "The customer's id.", 123, required=True)
BY = choice_field("by", "The field by which the customer is looked for.", "email", options=UNIQUE, required=True)
CUSTOMER = Field(
    "customer",
    {"type": "object"},
    "The customer's fields, as a request of its own takes them.",
    {"first_name": "Ayşe"},
    _read_object,
    required=True,
)
BESIDE_ACTION: dict[str, tuple[Field, ...]] = {
    "create": (CUSTOMER,),
    "update": (ID, CUSTOMER),
    "upsert": (BY, CUSTOMER),
    "trash": (ID,),
    "restore": (ID,),
}
FIELDS_OF = {
    action: (choice_field("action", "What to do.", action, options=(action,), required=True), *fields)
    for action, fields in BESIDE_ACTION.items()
}
FIELDS = (
    Field(
        "operations",
        {
            "type": "array",
            "minItems": 1,
            "maxItems": MOST_OPERATIONS,
            "items": {"oneOf": [body_schema(fields) for fields in FIELDS_OF.values()]},
        },
        "`create`, `update`, `upsert`, `trash` and `restore`, done in their order.",
        [{"action": "create", "customer": {"first_name": "Ayşe"}}],
        _read_operations,
        required=True,
    ),
    flag_field("atomic", "All or nothing: if one fails, none is done, and the answer is 422 or 409 with all faults."),
)


def read_shapes(content: Any) -> tuple[list[dict[str, Any]], bool]:
    """The operations of a body, each with the fields that its action takes, and whether they are all or nothing.

    Raises `Malformed`, and `Invalid` with every fault.
    """
    read = read_fields(content, FIELDS)
    faults: dict[str, list[str]] = {}
    shapes = []
    for place, each in enumerate(read["operations"]):
        action = each.get("action") if isinstance(each, dict) else None
        where = f"operations.{place}"
        if not isinstance(action, str) or action not in FIELDS_OF:
            faults[where] = [f"The operation {place} must be an object whose action is one of {', '.join(ACTIONS)}."]
            continue
        try:
            shapes.append(read_fields(each, FIELDS_OF[action]))
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
        return Invalid({by: [f"The {by} must not be empty: the customer is looked for by it."]})
    return Operation(action, written, shape.get("id", 0), by)


class CustomerBatch:
    """`/api/v1/customers/batch`"""

    operations: ClassVar = {
        "post": openapi.Operation(
            id="writeCustomers",
            summary="Write many customers",
            description="Up to 1,000 operations at once, each with its own outcome, in the order of the request. An"
            " operation whose customer breaks a rule is an outcome; one that is none at all is an error of the whole"
            " request.",
            answer=BatchAnswer,
            tag="Customers",
            scopes=("customers:write",),
            body=FIELDS,
            errors=(400, 401, 403, 405, 409, 413, 415, 422, 500, 503),
        )
    }

    def __init__(self, door: CustomerDoor) -> None:
        self.door = door

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Do them all."""
        principal = self.door.writer(request, response)
        shapes, atomic = read_shapes(read_json(request, at_most=MOST_BYTES))

        def work(changes: ChangeSet) -> Ending:
            reader = customer_reader(changes.tenant, self.door.database)
            results = run_operations(changes, [_operation(shape, reader) for shape in shapes])
            if atomic:
                check_all_done(results)
            language = preferred_language(request.get_header("Accept-Language") or "")
            return Told(_answer(results, language), SEVERAL)

        self.door.change(request, response, principal, work)


def _answer(results: Sequence[Result | RegularsError], language: str) -> BatchAnswer:
    failed = sum(isinstance(result, RegularsError) for result in results)
    meta = BatchMeta(len(results) - failed, failed)
    return BatchAnswer("The batch was processed.", [_outcome(result, language) for result in results], meta)


def _outcome(result: Result | RegularsError, language: str) -> Outcome:
    if isinstance(result, Result):
        return Outcome(201 if result.is_new else 200, result.customer_id)
    problem = problem_of(result, language)
    return Outcome(STATUS[type(result)], None, problem.error, problem.message, problem.errors or UNSET)
