"""Pagination links and metadata in the format of Laravel."""

from collections.abc import Iterator

from fastapi import Request

from .schemas import Links, Meta, PageLink


def links_and_meta(request: Request, *, total: int, per_page: int, page: int, rows: int) -> tuple[Links, Meta]:
    """Return the links and the metadata of a page that has `rows` of `total` rows."""
    last = max(1, -(-total // per_page))
    url = request.url.remove_query_params("page")

    def link(number: int) -> str:
        return str(url.include_query_params(page=number))

    previous_url = link(page - 1) if page > 1 else None
    next_url = link(page + 1) if page < last else None
    navigation = [PageLink(url=previous_url, label="&laquo; Previous", active=False)]
    for number in shown_pages(page, last):
        address = None if number is None else link(number)
        navigation.append(PageLink(url=address, label=str(number or "..."), active=number == page))
    navigation.append(PageLink(url=next_url, label="Next &raquo;", active=False))
    start = (page - 1) * per_page + 1
    meta = Meta(
        current_page=page,
        from_=start if rows else None,
        last_page=last,
        links=navigation,
        path=str(request.url.replace(query="")),
        per_page=per_page,
        to=start + rows - 1 if rows else None,
        total=total,
    )
    return Links(first=link(1), last=link(last), prev=previous_url, next=next_url), meta


def shown_pages(page: int, last: int) -> Iterator[int | None]:
    """Yield the page numbers of the navigation, and None for each gap."""
    if last < 14:
        yield from range(1, last + 1)
    elif page <= 7:
        yield from (*range(1, 11), None, last - 1, last)
    elif page > last - 7:
        yield from (1, 2, None, *range(last - 9, last + 1))
    else:
        yield from (1, 2, None, *range(page - 3, page + 4), None, last - 1, last)
