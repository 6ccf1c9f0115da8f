"""Pagination links and metadata in Laravel's format."""

import json
from math import ceil

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.http.pagination import links_and_meta, page_window


@pytest.mark.parametrize(
    ("page", "last_page", "shown"),
    [
        (1, 1, "1"),
        (12, 1, "1"),
        (5, 10, "1 2 3 4 5 6 7 8 9 10"),
        (1, 13, "1 2 3 4 5 6 7 8 9 10 11 12 13"),
        (1, 14, "1 2 3 4 5 6 7 8 9 10 ... 13 14"),
        (7, 14, "1 2 3 4 5 6 7 8 9 10 ... 13 14"),
        (8, 14, "1 2 ... 5 6 7 8 9 10 11 12 13 14"),
        (10, 20, "1 2 ... 7 8 9 10 11 12 13 ... 19 20"),
        (71, 143, "1 2 ... 68 69 70 71 72 73 74 ... 142 143"),
        (14, 14, "1 2 ... 5 6 7 8 9 10 11 12 13 14"),
        (99, 14, "1 2 ... 5 6 7 8 9 10 11 12 13 14"),
    ],
)
def test_the_navigation_shows_three_pages_on_each_side(page: int, last_page: int, shown: str) -> None:
    assert " ".join("..." if number is None else str(number) for number in page_window(page, last_page)) == shown


def test_the_envelope_of_a_page_in_the_middle() -> None:
    links, meta = links_and_meta("http://h/c", "gender=male", total=16, per_page=15, page=2, rows=1)
    assert json.loads(msgspec.json.encode(links)) == {
        "first": "http://h/c?gender=male&page=1",
        "last": "http://h/c?gender=male&page=2",
        "prev": "http://h/c?gender=male&page=1",
        "next": None,
    }
    assert json.loads(msgspec.json.encode(meta)) == {
        "current_page": 2,
        "from": 16,
        "last_page": 2,
        "links": [
            {"url": "http://h/c?gender=male&page=1", "label": "&laquo; Previous", "active": False},
            {"url": "http://h/c?gender=male&page=1", "label": "1", "active": False},
            {"url": "http://h/c?gender=male&page=2", "label": "2", "active": True},
            {"url": None, "label": "Next &raquo;", "active": False},
        ],
        "path": "http://h/c",
        "per_page": 15,
        "to": 16,
        "total": 16,
    }


@given(total=st.integers(0, 3000), per_page=st.integers(1, 100), page=st.integers(1, 400))
def test_every_envelope_holds_together(total: int, per_page: int, page: int) -> None:
    rows = max(0, min(per_page, total - (page - 1) * per_page))
    links, meta = links_and_meta("p", "", total=total, per_page=per_page, page=page, rows=rows)
    assert meta.last_page == max(1, ceil(total / per_page))
    assert (links.next is None) == (page >= meta.last_page)
    assert (links.prev is None) == (page == 1)
    numbers = [int(link.label) for link in meta.links if link.label.isdigit()]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1
    assert numbers[-1] == meta.last_page
    assert [link.label for link in meta.links if link.active] == ([str(page)] if page <= meta.last_page else [])
    if rows:
        assert (meta.from_, meta.to) == ((page - 1) * per_page + 1, (page - 1) * per_page + rows)
