"""The bodies that say who is to be a user's, and what they may do."""

from typing import Any

from regulars.accounts.users import (
    MAX_EMAIL_LENGTH,
    MAX_PASSWORD_LENGTH,
    MIN_PASSWORD_LENGTH,
    normal_email,
    password_faults,
)
from regulars.http.json_body import Field, choice_field, text_field
from regulars.permissions import Role
from regulars.validation import LONGEST_NAME, quote, read_name


def _read_email(text: str) -> str:
    normal = normal_email(text)
    if normal is None:
        raise ValueError(f"must be an e-mail address, not {quote(text)}")
    return normal


def _read_password(value: Any) -> str:
    if not isinstance(value, str) or password_faults(value):
        raise ValueError(f"must have {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters")
    return value


NAME = text_field("name", "What people call them.", "Zeynep Arslan", read_name, at_most=LONGEST_NAME, required=True)
ROLE = choice_field("role", "What they may do in the tenant.", "agent", options=[*Role], required=True)
EMAIL = text_field(
    "email",
    "The address that they sign in with.",
    "zeynep@example.com",
    _read_email,
    at_most=MAX_EMAIL_LENGTH,
    required=True,
    schema={"format": "email"},
)
PASSWORD = Field(
    "password",
    {"type": ["string", "null"], "minLength": MIN_PASSWORD_LENGTH, "maxLength": MAX_PASSWORD_LENGTH},
    "What they sign in with first. Without one they can sign in only after the operator has given them one, or at an"
    " outside authorization server.",
    "correct horse battery staple",
    _read_password,
)
NEW_MEMBER = (EMAIL, NAME, PASSWORD, ROLE)
