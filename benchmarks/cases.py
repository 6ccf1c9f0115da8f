"""What is asked for, and how one sees that the answer is right."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

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
    return Case("first page", PATH, _has_15)


def cases_for(asker: Asker, address: str) -> list[Case]:
    """What is measured beside FastAPI, with searches for somebody from the middle of the tenant's list."""
    middle = _middle(asker, address)
    # The peer's search knows small letters and capital ones, but no accents.
    names = [row["last_name"].lower() for row in middle if row["last_name"] and row["last_name"].isascii()]
    name = next(name for name in names if len(name) >= 5 and name.isalpha())
    far = min(FAR_PAGE, _last_page(asker, address))
    found = [
        Case("search by name", f"{PATH}?search={name}", _each(lambda row: name in str(row).lower())),
        _phone_search(middle),
        _women_of_30_to_45(),
    ]
    return [
        first_page(),
        _page_of_100(),
        Case(f"page {far:,}", f"{PATH}?page={far}", lambda answer: bool(answer["data"])),
        *(_with_total(case, asker.ask(address, case.path)) for case in found),
    ]


def pages_for(asker: Asker, address: str) -> list[Case]:
    """Pages of the tenant's list, whatever its size."""
    last = _last_page(asker, address)
    middle = f"{PATH}?page={last // 2}"
    following = urlsplit(asker.ask(address, middle)["links"]["next"])
    return [
        first_page(),
        _page_of_100(),
        Case("next page by link, in the middle", f"{PATH}?{following.query}", _has_15),
        Case("page in the middle, by number", middle, _has_15),
        Case("page at nine tenths, by number", f"{PATH}?page={last * 9 // 10}", _has_15),
        Case("the middle, by last name", f"{middle}&sort_by=last_name", _has_15),
        _women_of_30_to_45(),
    ]


def searches_for(asker: Asker, address: str) -> list[Case]:
    """Searches for somebody from the middle of the tenant's list, and for words that find many and none."""
    middle = _middle(asker, address)
    mail = next(row["email"] for row in middle if row["email"])
    return [
        _phone_search(middle),
        Case("search by e-mail", f"{PATH}?search={quote(mail)}", _each(lambda row: row["email"] == mail)),
        *(
            Case(f"search “{words}”", f"{PATH}?search={quote(words)}", _is_full)
            for words in ("ayşe yılmaz", "ayse", "ay", "a", "qqxxqq")
        ),
    ]


def _middle(asker: Asker, address: str) -> list[Any]:
    last = asker.ask(address, f"{PATH}?per_page=100")["meta"]["last_page"]
    found: list[Any] = asker.ask(address, f"{PATH}?per_page=100&page={max(1, last // 2)}")["data"]
    return found


def _last_page(asker: Asker, address: str) -> int:
    return int(asker.ask(address, PATH)["meta"]["last_page"])


def _page_of_100() -> Case:
    return Case("page of 100", f"{PATH}?per_page=100", lambda answer: len(answer["data"]) == 100)


def _women_of_30_to_45() -> Case:
    return Case(
        "women of 30 to 45 by name",
        f"{PATH}?gender=female&min_age=30&max_age=45&sort_by=first_name",
        _each(lambda row: row["gender"] == "female" and row["date_of_birth"] > "1970"),
    )


def _phone_search(rows: Sequence[Any]) -> Case:
    number = next(row["phone_number"] for row in rows if row["phone_number"])[-9:]
    return Case("search by phone", f"{PATH}?search={number}", _each(lambda row: number in str(row)))


def _has_15(answer: Answer) -> bool:
    return len(answer["data"]) == 15


def _is_full(answer: Answer) -> bool:
    return len(answer["data"]) == min(15, int(answer["meta"]["total"]))


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
