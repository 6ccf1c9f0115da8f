"""What a user would pick instead, each written as its own documentation would."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Running:
    """A running peer: how its first page is asked for, and how its answer is read.

    `first_page` and `headers` take a tenant's id; `page` takes the answer, parsed, and gives the page's rows and how
    many there are in all.
    """

    address: str
    first_page: Callable[[int], str]
    headers: Callable[[int], Mapping[str, str]]
    page: Callable[[Any], tuple[list[Any], int]]


class Peer(Protocol):
    """A peer, as its module describes it."""

    NAME: str
    DATABASES: tuple[str, ...]
    """Which of our databases it can have its customers from."""
    OWN_COPY: bool
    """Whether it reads a copy of its own, which takes long to make."""

    def install(self) -> None:
        """Install it where it is missing. Raises `RuntimeError` if that fails."""

    def versions(self) -> str:
        """What is measured, and how it is set up."""

    def running(self, url: str, workers: int, folder: Path) -> AbstractContextManager[Running]:
        """The peer with the customers of the database at `url`; what it writes is in `folder`."""
