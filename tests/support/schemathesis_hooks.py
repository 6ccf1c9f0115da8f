"""Hooks that tell Schemathesis the rules that the OpenAPI document cannot express.

They concern dependent parameters, white space, cursors, references to other resources, the columns of a file, phone
numbers and idempotency keys.
"""

import json
import os
import re
from collections.abc import Callable
from typing import Any

import schemathesis

from regulars.customers.imports.mapping import TARGETS
from regulars.http.json_body import FILLED_PATTERN, PATCH_TYPES
from regulars.http.query_params import time_parameter

NOT_OURS = ("country_id", "default_channel_id", "user_id")
LINE = re.compile(FILLED_PATTERN)
URL = re.compile(r"https://[^\s\x00-\x1f\x7f-\x9f]+")
COUNTRY = re.compile(r"\s*[A-Za-z]{2}\s*")
# Pattern and maximum length that the schema allows, and the valid value to send instead.
WELL_FORMED = {
    "phone_number": (LINE, 20, "0532 111 22 33"),
    "email": (LINE, 255, "ayse@example.com"),
    "date_of_birth": (LINE, 40, "1990-05-01"),
    "avatar_url": (URL, 2048, "https://example.com/a.png"),
    "logo_url": (URL, 2048, "https://example.com/a.png"),
    "timezone": (LINE, 64, "Europe/Istanbul"),
    "country": (COUNTRY, 20, "TR"),
}
read_time = time_parameter("time", "", "").read
RANGES: tuple[tuple[str, str, Callable[[Any], Any] | None], ...] = (
    ("min_age", "max_age", float),
    ("birthday_from", "birthday_to", None),
    ("created_since", "created_until", read_time),
    ("updated_since", "updated_until", read_time),
)
LIMITS = tuple(name for low, high, _read in RANGES for name in (low, high))
IDS: dict[str, Any] = json.loads(os.environ["FUZZING_IDS"])
"""By path, the id of an object whose state the operation needs; and ids for fields that refer to customers."""
BULK_CHANGES = "/api/v1/bulk-changes"
keys_seen: set[Any] = set()


@schemathesis.hook
def map_query(context: schemathesis.HookContext, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """Remove the cursor from the query, so that few generated requests are skipped."""
    return {name: value for name, value in query.items() if name != "cursor"} if query else query


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: dict[str, Any]) -> None:
    """Replace generated values in a valid request by well-formed ones without references; keep invalid values."""
    if case.path in IDS and case.meta is not None and case.meta.generation.mode.is_positive:
        case.path_parameters = {"id": IDS[case.path]}
    if isinstance(case.body, dict) and case.media_type in PATCH_TYPES:
        case.body = {name: _meant(name, value) for name, value in case.body.items() if not _refers(name, value)}
        if case.path == BULK_CHANGES and case.meta is not None and case.meta.generation.mode.is_positive:
            _give_what_the_action_needs(case.body)


def _give_what_the_action_needs(body: dict[str, Any]) -> None:
    """Let a valid bulk change have something to update, without references, or nothing if it only moves customers."""
    body.pop("values", None)
    if body["action"] == "update":
        body["values"] = {"user_id": None}


def _refers(name: str, value: Any) -> bool:
    if name == "mapping":
        return isinstance(value, list) and all(
            each is None or (isinstance(each, str) and each in TARGETS) for each in value
        )
    if name in ("tags", "add_tags", "remove_tags"):
        return isinstance(value, list) and len(value) <= 100 and all(map(_is_id, value))
    return name in NOT_OURS and _is_id(value)


def _is_id(value: Any) -> bool:
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return is_whole and not isinstance(value, bool) and 1 <= value < 2**63


def _meant(name: str, value: Any) -> Any:
    if name == "customer_id" and _is_id(value):
        return IDS["customer_id"]
    if name == "columns" and isinstance(value, list):
        return _without_repeated_columns(value)
    if name == "filters" and isinstance(value, dict):
        # A merge patch keeps the values that the view already has, unless they are null.
        return dict.fromkeys(LIMITS) | _without_contradictions(value)
    if name == "customer_ids" and isinstance(value, list) and len(value) == 2 and all(map(_is_id, value)):
        return IDS[name] if value[0] != value[1] else value
    if name == "atomic" and value is True:
        # In this mode, one invalid customer fails the whole batch, and the schema does not describe customers.
        return False
    if name == "role" and value == "owner":
        # With a second owner, the user of the test could leave the tenant and lose access to it.
        return "admin"
    if name == "name" and isinstance(value, str) and not value.isprintable() and LINE.fullmatch(value):
        return "Ayşe"
    allowed, longest, well_formed = WELL_FORMED.get(name, (LINE, 0, ""))
    is_meant = isinstance(value, str) and len(value) <= longest and allowed.fullmatch(value)
    return well_formed if is_meant else value


def _without_repeated_columns(columns: list[Any]) -> list[Any]:
    seen: list[Any] = []
    kept = []
    for column in columns:
        named = column.get("name") if isinstance(column, dict) else None
        if not isinstance(named, str) or named not in seen:
            kept.append(column)
        seen.append(named)
    return kept


def _without_contradictions(filters: dict[str, Any]) -> dict[str, Any]:
    """Return filters with both limits of each range, in their order. A value that is invalid is kept."""
    kept = dict(filters)
    for low, high, read in RANGES:
        given = [filters[name] for name in (low, high) if filters.get(name) is not None]
        if low == "birthday_from" and len(given) == 1:
            kept[low] = kept[high] = given[0]
        elif low in filters and high in filters and _is_reversed(filters[low], filters[high], read):
            kept[low], kept[high] = filters[high], filters[low]
    return kept


def _is_reversed(low: Any, high: Any, read: Callable[[Any], Any] | None) -> bool:
    try:
        return bool(read(low) > read(high)) if read else False
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return False


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """Skip requests that other tests cover.

    These have filters that contradict each other, a cursor, a `limit` that is ignored, white space around a value of
    the query, which is removed, a precondition on a customer's version, or a repeated key.
    """
    headers: dict[str, Any] = dict(case.headers or {})
    key = headers.get("Idempotency-Key")
    if "If-Match" in headers or key in keys_seen:
        return False
    if key is not None:
        keys_seen.add(key)
    query: dict[str, Any] = dict(case.query or {})
    if any(isinstance(value, str) and value != value.strip() for value in query.values()):
        return False
    if query.get("cursor") or ("limit" in query and query.keys() & {"page", "per_page"}):
        return False
    is_negative = case.meta is not None and not case.meta.generation.mode.is_positive
    # Empty values count as omitted.
    given = {name: value for name, value in query.items() if value != ""}
    return is_negative or given == _without_contradictions(given)
