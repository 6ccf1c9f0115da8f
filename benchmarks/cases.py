"""What is asked for, and how one sees that the answer is right."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.measuring import fetch

PATH = "/api/v1/customers"
FAR_PAGE = 2_000
CURSOR = re.compile(r"&cursor=[\w-]+")

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and what must hold for its answer."""

    name: str
    path: str
    is_right: Callable[[Answer], bool]
    on_sizes: bool = False
    """Whether it is measured on a small tenant as well: there it should take as long."""


@dataclass(frozen=True, slots=True)
class Asker:
    """A tenant, and the headers of a request of one of its members."""

    tenant_id: int
    headers: Mapping[str, str]

    def ask(self, address: str, path: str) -> Answer:
        """The answer, read."""
        answer: Answer = json.loads(fetch(address, path, self.headers)[0])
        return answer


def first_page() -> Case:
    """The list as an app opens with it."""
    return Case("first page", PATH, lambda answer: len(answer["data"]) == 15, on_sizes=True)


def cases_for(asker: Asker, address: str) -> list[Case]:
    """What is measured, with searches for somebody from the middle of the tenant's list."""
    last_page = asker.ask(address, f"{PATH}?per_page=100")["meta"]["last_page"]
    middle = asker.ask(address, f"{PATH}?per_page=100&page={last_page // 2}")["data"]
    # The peer's search knows small letters and capital ones, but no accents.
    names = [row["last_name"].lower() for row in middle if row["last_name"] and row["last_name"].isascii()]
    name = next(name for name in names if len(name) >= 5 and name.isalpha())
    phone = next(row["phone_number"] for row in middle if row["phone_number"])
    far = min(FAR_PAGE, asker.ask(address, PATH)["meta"]["last_page"])
    found = [
        Case("search by name", f"{PATH}?search={name}", _each(lambda row: name in str(row).lower())),
        Case(
            "search by phone", f"{PATH}?search={phone[-9:]}", _each(lambda row: phone[-9:] in str(row)), on_sizes=True
        ),
        Case(
            "women of 30 to 45 by name",
            f"{PATH}?gender=female&min_age=30&max_age=45&sort_by=first_name",
            _each(lambda row: row["gender"] == "female" and row["date_of_birth"] > "1970"),
        ),
    ]
    return [
        first_page(),
        Case("page of 100", f"{PATH}?per_page=100", lambda answer: len(answer["data"]) == 100, on_sizes=True),
        Case(f"page {far:,}", f"{PATH}?page={far}", lambda answer: bool(answer["data"])),
        *(_with_total(case, asker.ask(address, case.path)) for case in found),
    ]


def _each(is_right: Callable[[Any], bool]) -> Callable[[Answer], bool]:
    return lambda answer: bool(answer["data"]) and all(map(is_right, answer["data"]))


def _with_total(case: Case, answer: Answer) -> Case:
    """The case, with how many customers it finds in its name."""
    return replace(case, name=f"{case.name} ({answer['meta']['total']:,} found)")


def check(case: Case, asker: Asker, address: str) -> Answer:
    """The answer to `case`, without the host. Raises `RuntimeError` if it is not right."""
    body, _ = fetch(address, case.path, asker.headers)
    answer: Answer = json.loads(body.decode().replace(address, "HOST"))
    if not case.is_right(answer):
        raise RuntimeError(f"{case.path} gave a wrong answer: {str(answer)[:1000]}")
    return answer


def same_answers(case: Case, asker: Asker, ours: str, peer: str) -> None:
    """Raises `RuntimeError` unless both servers give the same answer, with its fields in the same order."""
    # The peer's links lead by page numbers alone.
    answers = [CURSOR.sub("", json.dumps(check(case, asker, address))) for address in (ours, peer)]
    if answers[0] != answers[1]:
        raise RuntimeError(f"{case.path}: the peer gives another answer:\n{answers[0]}\n{answers[1]}")
