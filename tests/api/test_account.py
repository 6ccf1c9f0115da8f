"""Endpoints for the account, its tenants and roles, and the resources that customers refer to."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import falcon
import pytest
from falcon.testing import Result, create_environ
from sqlalchemy import bindparam, update

from regulars.accounts.memberships import add_member, remove_member
from regulars.accounts.users import create_user
from regulars.api.authentication import Authenticator, in_tenant
from regulars.db.statement import Statement
from regulars.db.tables import memberships, tenants
from regulars.errors import Forbidden
from regulars.permissions import PERMISSIONS, Identity, Membership, Role
from regulars.scopes import SCOPES
from tests.support.world import LIST, PASSWORD, World, expect_error

ACCOUNT = "/api/v1/account"
OWN_TENANTS = "/api/v1/account/tenants"
OWN_ROLES = "/api/v1/account/roles"
USERS = "/api/v1/users"
CHANNELS = "/api/v1/channels"
COUNTRIES = "/api/v1/countries"

SET_SINCE = Statement(
    update(memberships)
    .where(memberships.c.tenant_id == bindparam("of_tenant"), memberships.c.user_id == bindparam("of_user"))
    .values(created_at=bindparam("since"))
)
SET_LOGO = Statement(update(tenants).where(tenants.c.id == bindparam("of_tenant")).values(logo_url=bindparam("logo")))
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def get(world: World, path: str, user_id: int, scopes: str = "", tenant: int | None = None, **options: Any) -> Result:
    """Send a GET request as a user with these scopes (default: all)."""
    token = world.token(user_id, scopes.split() or list(SCOPES), tenant_id=options.pop("bound_to", None))
    headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
    if tenant is not None:
        headers["X-Tenant"] = str(tenant)
    return world.client.simulate_get(path, headers=headers, **options)


def test_the_account_is_the_user_whom_the_token_belongs_to(world: World) -> None:
    answer = get(world, ACCOUNT, world.dora, "account:read")
    assert answer.status_code == 200
    assert answer.json["success"]
    data = answer.json["data"]
    assert list(data) == ["id", "name", "email", "email_verified", "created_at"]
    assert (data["id"], data["name"], data["email"]) == (world.dora, "Dora", "dora@example.com")
    assert data["email_verified"] is True
    assert datetime.strptime(data["created_at"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - only the format matters


def test_the_tenants_are_those_of_the_user(empty_world: World) -> None:
    world = empty_world
    world.database.execute(SET_LOGO, {"of_tenant": world.salon, "logo": "https://example.com/belle.png"})
    clinic = {"id": world.clinic, "name": "Klinik Güneş", "logo_url": None, "role": "viewer"}
    logo = "https://example.com/belle.png"
    salon = {"id": world.salon, "name": "Salon Belle", "logo_url": logo, "role": "viewer"}
    for scope in ("account:read", "tenants:read"):
        answer = get(world, OWN_TENANTS, world.dora, scope)
        assert answer.json["success"]
        assert answer.json["data"] == [clinic, salon]
    assert get(world, OWN_TENANTS, world.dora, bound_to=world.salon).json["data"] == [salon]
    assert get(world, OWN_TENANTS, world.alice).json["data"] == [clinic | {"role": "owner"}]
    remove_member(world.database, world.clinic, "dora@example.com")
    assert get(world, OWN_TENANTS, world.dora).json["data"] == [salon]


def test_a_scope_with_an_alternative_is_named_with_it(world: World) -> None:
    body = expect_error(get(world, OWN_TENANTS, world.dora, "customers:read"), 403, "insufficient_scope")
    assert "scope account:read or tenants:read" in body["message"]


def test_the_permissions_are_those_of_the_role_and_of_the_token(world: World) -> None:
    viewer = {"account:read", "account:write", "customers:read", "tenants:read", "users:read"}
    for user_id, role, permissions in (
        (world.alice, "owner", viewer | {"customers:write", "tenants:write", "users:write"}),
        (world.bob, "agent", viewer | {"customers:write"}),
        (world.dora, "viewer", viewer),
    ):
        answer = get(world, OWN_ROLES, user_id, tenant=world.clinic)
        assert answer.json["success"]
        assert answer.json["data"] == {"roles": [role], "permissions": sorted(permissions)}
    narrow = get(world, OWN_ROLES, world.alice, "account:read customers:write openid", world.clinic)
    assert narrow.json["data"]["permissions"] == ["account:read", "customers:write"]


def test_the_roles_are_those_in_a_tenant(world: World) -> None:
    expect_error(get(world, OWN_ROLES, world.dora), 400, "tenant_required")
    expect_error(get(world, OWN_ROLES, world.alice, tenant=world.salon), 403, "tenant_forbidden")
    expect_error(get(world, OWN_ROLES, world.alice, "customers:read"), 403, "insufficient_scope")


def test_each_role_may_do_what_the_next_may() -> None:
    roles = list(Role)
    for higher, lower in pairwise(roles):
        assert PERMISSIONS[higher] >= PERMISSIONS[lower]
    assert set.union(*map(set, PERMISSIONS.values())) - set(SCOPES) == {
        "applications:manage",
        "customers:erase",
        "jobs:manage",
        "views:manage",
    }


def test_a_token_cannot_do_more_than_the_role_allows(world: World) -> None:
    authenticator = Authenticator(world.database, world.settings)

    def act(user_id: int, scope: str) -> Role:
        headers = {"Authorization": f"Bearer {world.token(user_id, [scope])}", "X-Tenant": str(world.clinic)}
        return authenticator.principal(falcon.Request(create_environ(headers=headers)), scope).role

    assert act(world.bob, "customers:write") is Role.AGENT
    with pytest.raises(Forbidden, match=r"role viewer .* scope customers:write") as refused:
        act(world.dora, "customers:write")
    assert (refused.value.code, refused.value.scope) == ("insufficient_scope", "customers:write")


def test_an_application_has_no_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    member = {world.clinic: Membership(Role.AGENT, "UTC")}
    application = Identity(None, "robot", frozenset(SCOPES), member, world.clinic)
    assert in_tenant(application, None).tenant_id == world.clinic
    monkeypatch.setattr(Authenticator, "_identity", lambda self, request: application)
    for path in (ACCOUNT, OWN_TENANTS, OWN_ROLES):
        body = expect_error(world.client.simulate_get(path), 403, "insufficient_scope")
        assert "belongs to an application" in body["message"]
    for path in (LIST, USERS, CHANNELS, COUNTRIES):
        assert world.client.simulate_get(path).status_code == 200


def test_a_deleted_user_has_no_account(world: World) -> None:
    expect_error(get(world, ACCOUNT, 987654), 401, "invalid_token")


@pytest.fixture
def team(empty_world: World) -> World:
    """Add members to the clinic at different times, and remove two of them."""
    people = {
        "ozge@example.com": "Özge Işık",
        "ilker@other.example": "İlker Şahin",
        "zoe@example.com": "zoe",
        "gone@example.com": "Gülşen Gone",
        "left@example.com": "Left",
    }
    for email, name in people.items():
        create_user(empty_world.database, email=email, name=name, password=PASSWORD)
        add_member(empty_world.database, empty_world.clinic, email, Role.ADMIN)
    listed = get(empty_world, USERS, empty_world.alice, params={"sort_by": "email"}).json["data"]
    order = ["alice", "bob", "dora", "ozge", "ilker", "zoe", "gone", "left"]
    for member in listed:
        since = NOON + timedelta(days=order.index(member["email"].partition("@")[0]) // 2)
        values = {"of_tenant": empty_world.clinic, "of_user": member["id"], "since": since}
        empty_world.database.execute(SET_SINCE, values)
    for email in ("gone@example.com", "left@example.com"):
        remove_member(empty_world.database, empty_world.clinic, email)
    return empty_world


def listed(world: World, **parameters: object) -> list[str]:
    answer = get(world, USERS, world.alice, "users:read", params=parameters)
    assert answer.status_code == 200, answer.text
    return [user["name"] for user in answer.json["data"]]


def test_the_users_of_a_tenant_newest_first(team: World) -> None:
    assert listed(team) == ["zoe", "İlker Şahin", "Özge Işık", "Dora", "Bob", "Alice"]
    bob = get(team, USERS, team.alice, params={"search": "bob"}).json["data"]
    expected = {"id": team.bob, "name": "Bob", "email": "bob@example.com", "role": "agent"}
    assert bob == [expected | {"created_at": "2026-05-04T12:00:00Z", "deleted_at": None}]


def test_users_are_sorted_as_people_expect(team: World) -> None:
    by_name = ["Alice", "Bob", "Dora", "İlker Şahin", "Özge Işık", "zoe"]
    assert listed(team, sort_by="name") == by_name
    assert listed(team, sort_by="name", sort_order="desc") == by_name[::-1]
    assert listed(team, sort_by="email") == by_name
    assert listed(team, sort_by="created_at") == ["Alice", "Bob", "Dora", "Özge Işık", "İlker Şahin", "zoe"]
    assert listed(team, sort_order="asc") == ["Alice", "Bob", "Dora", "Özge Işık", "İlker Şahin", "zoe"]


def test_users_are_searched_as_people_expect(team: World) -> None:
    assert listed(team, search="ILKER sahin") == ["İlker Şahin"]
    assert listed(team, search="ozge ISIK") == ["Özge Işık"]
    assert listed(team, search="other.example sahin") == ["İlker Şahin"]
    assert listed(team, search="%") == []
    assert listed(team, search="charlie") == []
    assert listed(team, search=" ") == listed(team)


def test_former_members_are_listed_with_trashed(team: World) -> None:
    assert listed(team, trashed="true", sort_by="name") == ["Gülşen Gone", "Left"]
    answer = get(team, USERS, team.alice, params={"trashed": "1", "search": "gulsen"})
    assert answer.json["data"][0]["deleted_at"].endswith("Z")
    assert listed(team, trashed="false", search="gone") == []


def test_users_are_paginated_like_customers(team: World) -> None:
    answer = get(team, USERS, team.alice, params={"per_page": 4, "page": 2, "search": "", "sort_by": "name"})
    assert [user["name"] for user in answer.json["data"]] == ["Özge Işık", "zoe"]
    meta, links = answer.json["meta"], answer.json["links"]
    assert (meta["total"], meta["from"], meta["to"], meta["last_page"]) == (6, 5, 6, 2)
    assert links["prev"] == "http://localhost/api/v1/users?per_page=4&sort_by=name&page=1"
    assert links["next"] is None
    past = get(team, USERS, team.alice, params={"page": 10**20})
    assert (past.json["data"], past.json["meta"]["total"], past.json["meta"]["from"]) == ([], 6, None)


def test_every_broken_parameter_of_users_is_named(world: World) -> None:
    broken = {"per_page": "101", "page": "0", "sort_by": "role", "sort_order": "up", "trashed": "yes"}
    body = expect_error(get(world, USERS, world.alice, params=broken), 422, "validation_error")
    assert set(body["errors"]) == set(broken)


def test_users_need_their_scope_and_tenant(world: World) -> None:
    expect_error(get(world, USERS, world.alice, "customers:read"), 403, "insufficient_scope")
    expect_error(get(world, USERS, world.alice, tenant=world.salon), 403, "tenant_forbidden")
    expect_error(get(world, USERS, world.dora), 400, "tenant_required")


def test_the_channels_of_a_tenant(world: World) -> None:
    answer = get(world, CHANNELS, world.alice, "customers:read")
    assert answer.json["success"]
    assert [(channel["id"], channel["kind"], channel["name"]) for channel in answer.json["data"]] == [
        (1, "whatsapp", "WhatsApp"),
        (2, "instagram", "Instagram"),
        (3, "website", "Website"),
        (4, "telegram", "Telegram"),
    ]
    expect_error(get(world, CHANNELS, world.alice, "users:read"), 403, "insufficient_scope")
    expect_error(get(world, CHANNELS, world.alice, tenant=world.salon), 403, "tenant_forbidden")


def test_the_countries_by_their_names_for_any_token(world: World) -> None:
    answer = get(world, COUNTRIES, world.dora, "openid")
    assert answer.json["success"]
    found = answer.json["data"]
    assert {"id": 792, "code": "TR", "name": "Türkiye"} in found
    assert len(found) == 249
    names = [country["name"] for country in found]
    assert names.index("Afghanistan") < names.index("Åland Islands") < names.index("Albania")
    expect_error(world.client.simulate_get(COUNTRIES), 401, "unauthorized")


@pytest.mark.parametrize("path", [ACCOUNT, OWN_TENANTS, OWN_ROLES, USERS, CHANNELS, COUNTRIES])
def test_each_behaves_as_the_customers_do(world: World, path: str) -> None:
    expect_error(world.client.simulate_get(path), 401, "unauthorized")
    first = get(world, path, world.alice, params={"unheard": "of"})
    assert first.status_code == 200
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = get(world, path, world.alice, headers={"If-None-Match": first.headers["ETag"]})
    # The links of the users' list repeat the parameters of the request.
    assert (again.status_code, again.content) == (304, b"") or path == USERS
    strict = get(world, path, world.alice, params={"unheard": "of"}, headers={"Prefer": "handling=strict"})
    assert set(expect_error(strict, 422, "validation_error")["errors"]) == {"unheard"}
    status, code = (401, "unauthorized") if path in {USERS, CHANNELS} else (405, "method_not_allowed")
    expect_error(world.client.simulate_post(path), status, code)
    token = world.token(world.alice, list(SCOPES))
    head = world.client.simulate_head(path, headers={"Authorization": f"Bearer {token}"})
    assert (head.status_code, head.content) == (200, b"")
