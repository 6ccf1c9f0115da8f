"""What the OpenAPI document cannot say, for Schemathesis: a rule between two parameters, that a cursor is ours, what
there is to refer to, what a phone number looks like, and that a key stands for one request."""

import re
from typing import Any

import schemathesis

NOT_OURS = ("country_id", "default_channel_id", "user_id")
LINE = re.compile(r"[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*")
URL = re.compile(r"https://[^\s\x00-\x1f\x7f-\x9f]+")
COUNTRY = re.compile(r"\s*[A-Za-z]{2}\s*")
# What the schema allows, at most so long, and what is sent instead.
WELL_FORMED = {
    "phone_number": (LINE, 20, "0532 111 22 33"),
    "email": (LINE, 255, "ayse@example.com"),
    "date_of_birth": (LINE, 40, "1990-05-01"),
    "avatar_url": (URL, 2048, "https://example.com/a.png"),
    "logo_url": (URL, 2048, "https://example.com/a.png"),
    "timezone": (LINE, 64, "Europe/Istanbul"),
    "country": (COUNTRY, 20, "TR"),
}
keys_seen: set[Any] = set()


@schemathesis.hook
def map_query(context: schemathesis.HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """The same without its cursor, so that little is left out."""
    return {name: value for name, value in query.items() if name != "cursor"} if query else query


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """Let its body be well-formed, and refer to nothing; what breaks the schema stays as it is."""
    if isinstance(case.body, dict):
        case.body = {name: _meant(name, value) for name, value in case.body.items() if not _refers(name, value)}
        if case.body.get("atomic") is True:
            # Then what is wrong with a customer, whose fields this schema leaves open, is wrong with the whole.
            case.body["atomic"] = False


def _refers(name: str, value: Any) -> bool:
    if name == "tags":
        return isinstance(value, list) and len(value) <= 100 and all(map(_is_id, value))
    return name in NOT_OURS and _is_id(value)


def _is_id(value: Any) -> bool:
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return is_whole and not isinstance(value, bool) and 1 <= value < 2**63


def _meant(name: str, value: Any) -> Any:
    if name == "role" and value == "owner":
        # Or whoever asks would not be the last one, and might go.
        return "admin"
    if name == "name" and isinstance(value, str) and not value.isprintable() and LINE.fullmatch(value):
        return "Ayşe"
    allowed, longest, well_formed = WELL_FORMED.get(name, (LINE, 0, ""))
    is_meant = isinstance(value, str) and len(value) <= longest and allowed.fullmatch(value)
    return well_formed if is_meant else value


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Leave out requests whose `min_age` is above their `max_age`, with a cursor, for one state of a customer, or with
    a key that there was before: our own tests see to these."""
    headers: dict[str, Any] = dict(case.headers or {})
    key = headers.get("Idempotency-Key")
    if "If-Match" in headers or key in keys_seen:
        return False
    if key is not None:
        keys_seen.add(key)
    query: dict[str, Any] = dict(case.query or {})
    low, high = query.get("min_age"), query.get("max_age")
    if query.get("cursor"):
        return False
    return not (isinstance(low, int) and isinstance(high, int) and low > high)
