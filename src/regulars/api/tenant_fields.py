"""The body that says what a tenant's settings are to be."""

from collections.abc import Callable, Sequence
from typing import Any

from regulars.http.json_body import Field, text_field
from regulars.tenants.validation import LOCALE_PATTERN, MAX_URL_LENGTH, UNIQUE, Readers, readers
from regulars.validation import LONGEST_NAME


def tenant_fields(how: Readers) -> Sequence[Field]:
    """The fields of a tenant, as `readers` read them."""
    return (
        text_field(
            "name", "What people call it.", "Güneş Diş Kliniği", how["name"], at_most=LONGEST_NAME, required=True
        ),
        text_field(
            "timezone",
            "Of the IANA database; decides what “today” is.",
            "Europe/Istanbul",
            how["timezone"],
            at_most=64,
            required=True,
        ),
        text_field(
            "locale",
            "Language and country.",
            "tr-TR",
            how["locale"],
            at_most=20,
            required=True,
            schema={"pattern": f"^\\s*{LOCALE_PATTERN}\\s*$"},
        ),
        text_field(
            "country",
            "ISO 3166-1 alpha-2; phone numbers without a prefix are read as this country's.",
            "TR",
            how["country"],
            at_most=20,
            required=True,
            schema={"pattern": "^\\s*[A-Za-z]{2}\\s*$"},
        ),
        text_field(
            "logo_url",
            "Starts with https://; an empty text is the same as null.",
            "https://example.com/logo.png",
            how["logo_url"],
            at_most=MAX_URL_LENGTH,
            schema={"pattern": "^(https://[^\\s\\u0000-\\u001f\\u007f-\\u009f]+)?$"},
        ),
        Field(
            "unique_fields",
            {"type": ["array", "null"], "items": {"enum": [*UNIQUE]}},
            "In which fields no two customers may be the same, but those in the trash.",
            ["phone_number"],
            _listed(how["unique_fields"]),
        ),
    )


def _listed(read: Callable[[Any], list[str]]) -> Callable[[Any], list[str]]:
    def read_list(value: Any) -> list[str]:
        if not isinstance(value, list):
            raise ValueError(f"must be a list out of {', '.join(UNIQUE)}")
        return read(value)

    return read_list


FIELDS = tenant_fields(readers(str))
