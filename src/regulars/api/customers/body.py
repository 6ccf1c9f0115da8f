"""The request body of a customer: its fields, and the functions that read them for a tenant."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from regulars.customers.fields import API_FIELDS, CustomerField
from regulars.customers.validation import ReadContext
from regulars.customers.write.references import References
from regulars.db.database import Database
from regulars.http.json_body import Field, choice_field, id_field, read_fields, read_id, text_field
from regulars.i18n import _
from regulars.tenants.tenants import Tenant

MAX_TAGS = 100
REQUIRED_FIELDS = {"first_name"}


class BodyContext(NamedTuple):
    """Data of the tenant that is needed to read a body: its country and date, and the objects that exist in it."""

    text: ReadContext
    references: References


def _read_text(text: str, context: BodyContext, *, read: Callable[[str, ReadContext], Any]) -> Any:
    return read(text, context.text)


def _read_reference(value: Any, context: BodyContext, *, field: CustomerField) -> int | None:
    return field.reference(context.references, read_id(value)) if field.reference else None


def _read_tags(value: Any, context: BodyContext) -> list[int]:
    if not isinstance(value, list):
        raise ValueError(_("must be a list of tag ids"))
    if len(value) > MAX_TAGS:
        raise ValueError(_("must have at most {limit} tags, not {count}", limit=MAX_TAGS, count=len(value)))
    return context.references.tags([read_id(tag) for tag in value])


def _body_field(name: str, field: CustomerField) -> Field:
    if field.reference:
        schema = id_field(name, field.description, field.example).schema
        return Field(name, schema, field.description, field.example, partial(_read_reference, field=field))
    if field.choices:
        return choice_field(name, field.description, field.example, options=field.choices)
    if field.read is None:
        raise TypeError(f"{name} has no reader")
    return text_field(
        name,
        field.description,
        field.example,
        partial(_read_text, read=field.read),
        at_most=field.limit,
        required=name in REQUIRED_FIELDS,
        schema=field.schema,
    )


CUSTOMER_BODY = (
    *(_body_field(name, field) for name, field in API_FIELDS.items()),
    Field(
        "tags",
        {
            "type": ["array", "null"],
            "items": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
            "maxItems": MAX_TAGS,
        },
        "The ids of all tags of the customer.",
        [1, 2],
        _read_tags,
    ),
)


@dataclass(frozen=True, slots=True)
class CustomerReader:
    """Reads the bodies of one tenant's customers."""

    context: BodyContext
    country_code: str

    def read(self, content: Any, *, partial: bool = False) -> dict[str, Any]:
        """Return the fields that the JSON object `content` has, in the form in which they are stored.

        `tags` are ids in ascending order. With a `phone_number`, the result also has `phone_number_as_typed`. With
        `partial`, the first name may be missing. Raise `Malformed` if `content` is not an object, and `Invalid` with
        every fault otherwise.
        """
        values = read_fields(content, CUSTOMER_BODY, partial=partial, context=self.context)
        if "phone_number" in values:
            typed = content["phone_number"]
            values["phone_number_as_typed"] = None if values["phone_number"] is None else typed.strip()
        return values


def customer_reader(tenant: Tenant, database: Database) -> CustomerReader:
    """Return a reader for the tenant's country and for today's date in its time zone."""
    today = datetime.now(UTC).astimezone(ZoneInfo(tenant.time_zone)).date()
    context = BodyContext(ReadContext(tenant.country_code, today), References(database, tenant.id))
    return CustomerReader(context, tenant.country_code)
