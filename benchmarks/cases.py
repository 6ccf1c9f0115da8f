"""Requests that are measured, and the checks of their responses."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks.measuring import fetch

PATH = "/api/v1/customers"
FAR_PAGE = 2_000
CURSOR_PARAMETER = re.compile(r"&cursor=[\w-]+")

Response = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """A request and the check of its response body."""

    name: str
    path: str
    is_correct: Callable[[Response], bool]


@dataclass(frozen=True, slots=True)
class Client:
    """A tenant and the request headers of one of its members."""

    tenant_id: int
    headers: Mapping[str, str]

    def get(self, address: str, path: str) -> Response:
        """Return the parsed body of the response."""
        response: Response = json.loads(fetch(address, path, self.headers)[0])
        return response


def first_page() -> Case:
    """Return the request that an app starts with: the first page in the default order."""
    return Case("first page", PATH, _has_15_rows)


def cases_for(client: Client, address: str) -> list[Case]:
    """Return the requests that are compared with FastAPI. Searches look for a customer from the middle of the list."""
    middle = _middle_rows(client, address)
    # The peer's search ignores case but not accents.
    names = [row["last_name"].lower() for row in middle if row["last_name"] and row["last_name"].isascii()]
    name = next(name for name in names if len(name) >= 5 and name.isalpha())
    far = min(FAR_PAGE, _last_page(client, address))
    counted = [
        Case("search by name", f"{PATH}?search={name}", _all_rows(lambda row: name in str(row).lower())),
        _phone_search(middle),
        _women_of_30_to_45(),
    ]
    return [
        first_page(),
        _page_of_100(),
        Case(f"page {far:,}", f"{PATH}?page={far}", lambda response: bool(response["data"])),
        *(_with_matches(case, client.get(address, case.path)) for case in counted),
    ]


def pages_for(client: Client, address: str) -> list[Case]:
    """Return requests for pages of the tenant's list."""
    last = _last_page(client, address)
    middle = f"{PATH}?page={last // 2}"
    following = urlsplit(client.get(address, middle)["links"]["next"])
    return [
        first_page(),
        _page_of_100(),
        Case("next page by link, middle of the list", f"{PATH}?{following.query}", _has_15_rows),
        Case("middle page, by number", middle, _has_15_rows),
        Case("page at 90% of the list, by number", f"{PATH}?page={last * 9 // 10}", _has_15_rows),
        Case("middle page, sorted by last name", f"{middle}&sort_by=last_name", _has_15_rows),
        _women_of_30_to_45(),
    ]


def searches_for(client: Client, address: str) -> list[Case]:
    """Return searches for a customer from the middle of the list, for frequent words and for a word without matches."""
    middle = _middle_rows(client, address)
    mail = next(row["email"] for row in middle if row["email"])
    return [
        _phone_search(middle),
        Case("search by e-mail", f"{PATH}?search={quote(mail)}", _all_rows(lambda row: row["email"] == mail)),
        *(
            Case(f"search “{words}”", f"{PATH}?search={quote(words)}", _is_full)
            for words in ("ayşe yılmaz", "ayse", "ay", "a", "qqxxqq")
        ),
    ]


def _middle_rows(client: Client, address: str) -> list[Any]:
    last = client.get(address, f"{PATH}?per_page=100")["meta"]["last_page"]
    rows: list[Any] = client.get(address, f"{PATH}?per_page=100&page={max(1, last // 2)}")["data"]
    return rows


def _last_page(client: Client, address: str) -> int:
    return int(client.get(address, PATH)["meta"]["last_page"])


def _page_of_100() -> Case:
    return Case("page of 100", f"{PATH}?per_page=100", lambda response: len(response["data"]) == 100)


def _women_of_30_to_45() -> Case:
    return Case(
        "women aged 30 to 45, by first name",
        f"{PATH}?gender=female&min_age=30&max_age=45&sort_by=first_name",
        _all_rows(lambda row: row["gender"] == "female" and row["date_of_birth"] > "1970"),
    )


def _phone_search(rows: Sequence[Any]) -> Case:
    number = next(row["phone_number"] for row in rows if row["phone_number"])[-9:]
    return Case("search by phone", f"{PATH}?search={number}", _all_rows(lambda row: number in str(row)))


def _has_15_rows(response: Response) -> bool:
    return len(response["data"]) == 15


def _is_full(response: Response) -> bool:
    return len(response["data"]) == min(15, int(response["meta"]["total"]))


def _all_rows(is_correct: Callable[[Any], bool]) -> Callable[[Response], bool]:
    return lambda response: bool(response["data"]) and all(map(is_correct, response["data"]))


def _with_matches(case: Case, response: Response) -> Case:
    """Return `case` with the number of matches in its name."""
    return replace(case, name=f"{case.name} ({matches_text(response['meta']['total'])})")


def matches_text(total: int) -> str:
    """Return "1 match", "1,234 matches" and so on."""
    return f"{total:,} match{'es' * (total != 1)}"


def checked_response(case: Case, client: Client, address: str) -> Response:
    """Return the response to `case` with the host replaced. Raise `RuntimeError` if it is not correct."""
    body, _ = fetch(address, case.path, client.headers)
    response: Response = json.loads(body.decode().replace(address, "HOST"))
    if not case.is_correct(response):
        raise RuntimeError(f"{case.path} returned an incorrect response: {str(response)[:1000]}")
    return response


def require_same_response(case: Case, client: Client, ours: str, peer: str) -> None:
    """Raise `RuntimeError` unless both servers return the same JSON, with its fields in the same order."""
    # The peer's links have page numbers only.
    ours_json, peer_json = (
        CURSOR_PARAMETER.sub("", json.dumps(checked_response(case, client, address))) for address in (ours, peer)
    )
    if ours_json != peer_json:
        raise RuntimeError(f"{case.path}: the peer returned a different response:\n{ours_json}\n{peer_json}")
