"""Queries of the customer list as JSON values, for jobs that carry them out later."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec

from regulars.customers.read.filter_sql import TIME_FILTERS
from regulars.customers.read.list import CustomerQuery


def query_to_builtins(query: CustomerQuery) -> dict[str, Any]:
    """Return a query as a JSON object."""
    stored: dict[str, Any] = msgspec.to_builtins(asdict(query))
    return stored


def query_from_builtins(stored: Mapping[str, Any]) -> CustomerQuery:
    """Return the query that `query_to_builtins` has stored."""
    query = dict(stored)
    filters = dict(query.pop("uncounted_filters") or {})
    for name in TIME_FILTERS.keys() & filters.keys():
        filters[name] = datetime.fromisoformat(filters[name])
    return CustomerQuery(**query, uncounted_filters=filters or None)
