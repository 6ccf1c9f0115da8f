"""Files of some thousand rows for tests of interrupted imports, and what an import of them must do.

Customers are matched by e-mail. The rows are new customers, customers that exist, rows that repeat an earlier one with
or without something new, and rows that are refused.
"""

import random
from dataclasses import dataclass, field
from typing import Literal

OnMatch = Literal["fill", "overwrite", "skip"]

HEADINGS = "Ad;E-posta;Doğum Tarihi;Meslek;Adres;Etiketler"
NEW_TAGS = 5


def known_email(number: int) -> str:
    """Return the e-mail address of a customer that exists before all imports."""
    return f"known{number}@example.com"


def known_customers(count: int) -> bytes:
    """Return a file of customers for `ImportPlan.known`."""
    rows = [f"Known {number};{known_email(number)};;;;" for number in range(count)]
    return "\r\n".join([HEADINGS, *rows, ""]).encode()


@dataclass
class ImportPlan:
    """A file, and what its import must do. Its customers have names, addresses and tags with the name of the plan."""

    name: str
    on_match: OnMatch
    known: int = 200
    new: int = 4_000
    repeated: int = 150
    same: int = 100
    refused: int = 60
    content: bytes = field(init=False)
    jobs: dict[str, str] = field(init=False)
    """The job of each new customer, by e-mail address."""

    def __post_init__(self) -> None:
        """Write the file."""
        draw = random.Random(self.name)
        new = [self._new_row(number) for number in range(self.new)]
        self.jobs = {row[1]: row[3] for row in new}
        known = [["", known_email(number), "", f"Job {self.name}", "", self.tag(0)] for number in range(self.known)]
        refused = [[f"R{number}", f"r{number}-{self.name}@example.com", "31.02.1990"] for number in range(self.refused)]
        first, second = new[: self.new // 2], new[self.new // 2 :]
        # These rows repeat rows of the first half of the file, and are in the second one.
        repeated = [[row[0], row[1], "", "", f"Street {self.name}", ""] for row in first[: self.repeated]]
        same = [row[:2] for row in first[-self.same :]]
        halves = [*first, *known[::2], *refused[::2]], [*second, *known[1::2], *refused[1::2], *repeated, *same]
        for half in halves:
            draw.shuffle(half)
        lines = [";".join([*row, *[""] * (6 - len(row))]) for half in halves for row in half]
        self.content = "\r\n".join([HEADINGS, *lines, ""]).encode()

    def _new_row(self, number: int) -> list[str]:
        born = f"{1 + number % 28:02}.{1 + number % 12:02}.{1940 + number % 60}"
        tags = ", ".join({self.tag(number), self.tag(number // 2)}) if number % 3 else ""
        return [f"N{number} {self.name}", self.email(number), born, f"J{number % 7}", "", tags]

    def email(self, number: int) -> str:
        """Return the e-mail address of a new customer."""
        return f"n{number}-{self.name}@example.com"

    def tag(self, number: int) -> str:
        """Return the name of a tag that does not exist before the import."""
        return f"{self.name} {number % NEW_TAGS}"

    @property
    def repeats(self) -> set[str]:
        """The e-mail addresses of new customers whose address a later row adds."""
        return {self.email(number) for number in range(self.repeated)}

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of rows by what happens with them."""
        matched, is_skipped = self.known + self.repeated, self.on_match == "skip"
        return {
            "created": self.new,
            "updated": 0 if is_skipped else matched,
            "unchanged": 0 if is_skipped else self.same,
            "skipped": matched + self.same if is_skipped else 0,
            "refused": self.refused,
        }
