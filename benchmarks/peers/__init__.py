"""Peers: the customer list built with other frameworks and products, each written as its documentation recommends."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Running:
    """A running peer.

    `first_page` and `headers` take a tenant's id and return the path and the headers of the request. `page` takes the
    parsed response and returns the rows of the page and the total.
    """

    address: str
    first_page: Callable[[int], str]
    headers: Callable[[int], Mapping[str, str]]
    page: Callable[[Any], tuple[list[Any], int]]


class Peer(Protocol):
    """Interface of the module that runs a peer."""

    NAME: str
    DATABASES: tuple[str, ...]
    """Databases that the peer supports."""
    OWN_COPY: bool
    """True if the peer needs its own copy of the tables, which takes a long time to make."""

    def install(self) -> None:
        """Install the peer if it is missing. Raise `RuntimeError` if that fails."""

    def versions(self) -> str:
        """Return the versions and the configuration of the peer, for the report."""

    def running(self, url: str, workers: int, folder: Path) -> AbstractContextManager[Running]:
        """Run the peer with the customers of the database at `url`. It writes its files to `folder`."""
