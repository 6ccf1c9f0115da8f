"""The bodies that say what a customer is to be: their fields, and how each is read in a tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from regulars.customers.validation import (
    GENDERS,
    read_avatar_url,
    read_date_of_birth,
    read_email,
    read_lines,
    read_phone_number,
    read_text,
)
from regulars.customers.write.references import References
from regulars.db.database import Database
from regulars.http.json_body import Field, choice_field, id_field, read_fields, read_id, text_field
from regulars.tenants.tenants import Tenant

MOST_TAGS = 100
URL = {"format": "uri", "pattern": "^https://[^\\s\\u0000-\\u001f\\u007f-\\u009f]+$"}


def customer_fields(references: References, region: str, today: date) -> Sequence[Field]:
    """The fields of a customer as they are read in a tenant of `region` (ISO 3166-1 alpha-2) where it is `today`."""
    return (
        text_field("first_name", "", "Ayşe", partial(read_text, at_most=255), at_most=255, required=True),
        text_field("last_name", "", "Yılmaz", partial(read_text, at_most=255), at_most=255),
        text_field(
            "phone_number",
            "However it is written; without an international prefix it is one of the tenant's country. Kept in E.164.",
            "0532 111 22 33",
            partial(read_phone_number, region=region),
            at_most=20,
        ),
        text_field("email", "An e-mail address.", "ayse.yilmaz@example.com", read_email, at_most=255),
        text_field(
            "date_of_birth",
            "A day, or a time whose day is taken, from 1900 until today.",
            "1990-05-01",
            partial(read_date_of_birth, today=today),
            at_most=40,
        ),
        choice_field("gender", "", "female", options=GENDERS),
        _reference("country_id", "A country's id.", 792, references.country),
        text_field(
            "identity_number",
            "A Turkish one is checked by its digits: what does not fit is a warning in the answer.",
            "10000000146",
            partial(read_text, at_most=64),
            at_most=64,
        ),
        text_field("job", "", "Teacher", partial(read_text, at_most=255), at_most=255),
        text_field(
            "address",
            "May have several lines.",
            "Bağdat Caddesi 1, İstanbul",
            partial(read_lines, at_most=1000),
            at_most=1000,
            schema={"pattern": "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"},
        ),
        _reference("default_channel_id", "A channel of the tenant.", 1, references.channel),
        _reference("user_id", "The member of the tenant that the customer is assigned to.", 7, references.member),
        text_field(
            "avatar_url",
            "Starts with https://.",
            "https://example.com/a.png",
            read_avatar_url,
            at_most=2048,
            schema=URL,
        ),
        Field(
            "tags",
            {
                "type": ["array", "null"],
                "items": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
                "maxItems": MOST_TAGS,
            },
            "The ids of all its tags.",
            [1, 2],
            partial(_read_tags, references=references),
        ),
    )


def _reference(name: str, description: str, example: int, find: Any) -> Field:
    field = id_field(name, description, example)
    return Field(name, field.schema, description, example, lambda value: find(read_id(value)))


def _read_tags(value: Any, references: References) -> list[int]:
    if not isinstance(value, list):
        raise ValueError("must be a list of the ids of tags")
    if len(value) > MOST_TAGS:
        raise ValueError(f"must have at most {MOST_TAGS} tags, not {len(value)}")
    return references.tags([read_id(each) for each in value])


@dataclass(frozen=True, slots=True)
class CustomerReader:
    """Reads what is written of customers of one tenant."""

    fields: Sequence[Field]
    country_code: str

    def read(self, content: Any, *, partial: bool = False) -> dict[str, Any]:
        """The fields of the JSON object `content`, as they are stored, and `tags`, their ids.

        With `partial` the first name may be missing. Raises `Malformed`, and `Invalid` with every fault.
        """
        written = read_fields(content, self.fields, partial=partial)
        if "phone_number" in written:
            typed = content["phone_number"]
            kept = written["phone_number"] is not None
            written["phone_number_as_typed"] = typed.strip() if kept else None
        return written


def customer_reader(tenant: Tenant, database: Database) -> CustomerReader:
    """What reads the tenant's customers, by its country and its date of today."""
    today = datetime.now(UTC).astimezone(ZoneInfo(tenant.time_zone)).date()
    fields = customer_fields(References(database, tenant.id), tenant.country_code, today)
    return CustomerReader(fields, tenant.country_code)


class _NoReferences(References):
    """For the description of the fields alone."""

    def __init__(self) -> None:
        pass


FIELDS = customer_fields(_NoReferences(), "TR", date.max)
