"""What a user would pick instead, each written as its own documentation would."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Peer:
    """A running peer: how its first page is asked for, and how its answer is read.

    `first_page` and `headers` take a tenant's id; `rows` takes the answer, parsed, and gives how many rows the page has
    and how many there are in all.
    """

    address: str
    first_page: Callable[[int], str]
    headers: Callable[[int], Mapping[str, str]]
    rows: Callable[[Any], tuple[int, int]]
