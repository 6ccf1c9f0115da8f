"""The statistics of a list of customers, counted one by one."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from regulars.customers.fields import Record

ID_FIELDS = {"channel": "default_channel_id", "country": "country_id", "user": "user_id"}


def counted(customers: Collection[Record], tags_of: Mapping[int, Iterable[int]]) -> dict[str, dict[Any, int]]:
    """Return the numbers of customers outside the trash by value, for each group except the age."""
    listed = [record for record in customers if record.deleted_at is None]
    found = {name: Counter(getattr(record, field) for record in listed) for name, field in ID_FIELDS.items()}
    found["gender"] = Counter(record.gender for record in listed)
    found["created_month"] = Counter(f"{record.created_at:%Y-%m}" for record in listed)
    found["tag"] = Counter(tag for record in listed for tag in tags_of[record.id])
    return {name: dict(counts) for name, counts in found.items()}


def shown(data: Mapping[str, Any]) -> dict[str, dict[Any, int]]:
    """Return the statistics of a response in the same form, without zeros."""
    keys = {"gender": "gender", "created_month": "month"}
    return {
        group: {entry[keys.get(group, "id")]: entry["count"] for entry in entries if entry["count"]}
        for group, entries in data.items()
        if group not in {"total", "age"}
    }
