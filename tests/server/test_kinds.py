"""The kind of work of a request, and the group that it counts for."""

from typing import Any

import pytest

from regulars.server.admission import READ, SEARCH, SIGN_IN, WRITE, Kind
from regulars.server.kinds import Groups, kind_of

LIST = "/api/v1/customers"
ADDRESS = "address 192.0.2.7"
KINDS = [
    ("GET", LIST, "", READ),
    ("GET", LIST, "search=a", SEARCH),
    ("GET", LIST, "page=2&sort_by=last_name", SEARCH),
    ("GET", f"{LIST}/duplicates", "", SEARCH),
    ("GET", f"{LIST}/12", "", READ),
    ("OPTIONS", LIST, "search=a", READ),
    ("POST", LIST, "", WRITE),
    ("POST", "/oauth/token", "", WRITE),
    ("GET", "/oauth/authorize", "client_id=1", WRITE),
    ("POST", "/sign-in", "", SIGN_IN),
    ("GET", "/sign-in", "", READ),
]


def environ(method: str = "GET", path: str = LIST, query: str = "", **headers: str) -> dict[str, Any]:
    return {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "REMOTE_ADDR": "192.0.2.7"} | headers


@pytest.mark.parametrize(("method", "path", "query", "kind"), KINDS)
def test_the_kind_of_work_follows_from_method_path_and_query(method: str, path: str, query: str, kind: Kind) -> None:
    assert kind_of(environ(method, path, query)) == kind


@pytest.mark.parametrize("tenant", ["7", " 7", "007", "7 "])
def test_a_tenant_is_one_group_however_it_is_written(tenant: str) -> None:
    groups = Groups(())
    assert groups.group_of(environ(HTTP_X_TENANT=tenant, HTTP_AUTHORIZATION="Bearer a")) == "tenant 7"


@pytest.mark.parametrize("path", ["/sign-in", "/oauth/token", "/recovery", "/healthz"])
def test_outside_the_api_headers_make_no_group_of_their_own(path: str) -> None:
    groups = Groups(())
    assert groups.group_of(environ("POST", path, HTTP_X_TENANT="7", HTTP_AUTHORIZATION="Bearer a")) == ADDRESS


def test_without_a_token_the_address_counts() -> None:
    assert Groups(()).group_of(environ(HTTP_X_TENANT="7")) == ADDRESS


def test_a_page_with_a_session_belongs_to_the_tenant_that_it_names() -> None:
    for cookie in ("regulars_session=a", "other=b; __Host-regulars_session=a"):
        assert Groups(()).group_of(environ(HTTP_X_TENANT="7", HTTP_COOKIE=cookie)) == "tenant 7"
        assert Groups(()).group_of(environ(HTTP_COOKIE=cookie)) == ADDRESS
        assert Groups(()).group_of(environ("POST", "/sign-in", HTTP_X_TENANT="7", HTTP_COOKIE=cookie)) == ADDRESS
    assert Groups(()).group_of(environ(HTTP_X_TENANT="7", HTTP_COOKIE="regulars_browser=a")) == ADDRESS


def test_a_token_belongs_to_the_tenant_in_which_it_was_used() -> None:
    groups = Groups(())
    used = environ(HTTP_AUTHORIZATION="Bearer a")
    assert groups.group_of(used) == "token Bearer a"
    groups.learn(used | {"regulars.tenant": 7})
    assert groups.group_of(used) == "tenant 7"
