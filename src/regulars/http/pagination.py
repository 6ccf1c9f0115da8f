"""Pagination as in Laravel's `LengthAwarePaginator`: `data`, `links` and `meta`."""

from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

ON_EACH_SIDE = 3
WINDOW = ON_EACH_SIDE + 4
EXAMPLE = "https://customers.example.com/api/v1/customers"


class Links(Struct, frozen=True):
    """The URLs of the first, last, previous and next page."""

    first: Annotated[str, Meta(examples=[f"{EXAMPLE}?page=1"])]
    last: Annotated[str, Meta(examples=[f"{EXAMPLE}?page=64"])]
    prev: str | None
    next: Annotated[str | None, Meta(examples=[f"{EXAMPLE}?page=2"])]


class PageLink(Struct, frozen=True):
    """A link of the page navigation. `url` is None for a gap, and if there is no previous or next page."""

    url: str | None
    label: Annotated[str, Meta(examples=["&laquo; Previous", "1", "...", "Next &raquo;"])]
    active: bool


class PageMeta(Struct, frozen=True, rename={"from_": "from"}):
    """The position of the page. `from` and `to` are row numbers within all pages, and null on an empty page."""

    current_page: int
    from_: Annotated[int | None, Meta(examples=[1])]
    last_page: Annotated[int, Meta(examples=[64])]
    links: list[PageLink]
    path: Annotated[str, Meta(examples=[EXAMPLE])]
    per_page: Annotated[int, Meta(examples=[15])]
    to: Annotated[int | None, Meta(examples=[15])]
    total: Annotated[int, Meta(examples=[950])]


Cursors = tuple[str | None, str | None]
"""The cursors of the previous and of the next page; each is None if there is no such page."""


def links_and_meta(
    path: str, query: str, *, total: int, per_page: int, page: int, rows: int, cursors: Cursors | None = None
) -> tuple[Links, PageMeta]:
    """Return the `links` and `meta` of page number `page`, which has `rows` of `total` rows.

    `path` is the absolute URL without its query. `query` has the other parameters, encoded. With `cursors`, the links
    to the previous and next page also contain a cursor, and there is no link without one.
    """
    prefix = f"{path}?{query}&page=" if query else f"{path}?page="
    last_page = max(1, -(-total // per_page))
    if cursors is None:
        before = f"{prefix}{page - 1}" if page > 1 else None
        after = f"{prefix}{page + 1}" if page < last_page else None
    else:
        before = None if cursors[0] is None else f"{prefix}{max(1, page - 1)}&cursor={cursors[0]}"
        after = None if cursors[1] is None else f"{prefix}{page + 1}&cursor={cursors[1]}"
    navigation = [PageLink(before, "&laquo; Previous", False)]
    navigation += [
        PageLink(None, "...", False) if number is None else PageLink(f"{prefix}{number}", str(number), number == page)
        for number in page_window(page, last_page)
    ]
    navigation.append(PageLink(after, "Next &raquo;", False))
    start = (page - 1) * per_page + 1
    meta = PageMeta(
        page, start if rows else None, last_page, navigation, path, per_page, start + rows - 1 if rows else None, total
    )
    return Links(f"{prefix}1", f"{prefix}{last_page}", before, after), meta


@lru_cache(maxsize=1_000)
def page_window(page: int, last_page: int) -> tuple[int | None, ...]:
    """Return the page numbers of the navigation, with None for each gap.

    The same as Laravel's `UrlWindow` with three pages on each side.
    """
    if last_page < ON_EACH_SIDE * 2 + 8:
        return tuple(range(1, last_page + 1))
    start, end = (1, 2, None), (None, last_page - 1, last_page)
    if page <= WINDOW:
        return (*range(1, WINDOW + ON_EACH_SIDE + 1), *end)
    if page > last_page - WINDOW:
        return (*start, *range(last_page - WINDOW - ON_EACH_SIDE + 1, last_page + 1))
    return (*start, *range(page - ON_EACH_SIDE, page + ON_EACH_SIDE + 1), *end)
