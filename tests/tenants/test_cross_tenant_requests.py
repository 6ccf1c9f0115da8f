"""Isolation of tenants: no request reads or changes data of another tenant."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, update

import regulars
from regulars.accounts.invitations import invite
from regulars.accounts.memberships import add_member, memberships_of, remove_member
from regulars.accounts.users import create_user
from regulars.app import routes
from regulars.customers.tags import name_key
from regulars.db.statement import Statement
from regulars.db.tables import channels, tags
from regulars.permissions import COMMAND_LINE, Role
from regulars.scopes import SCOPES
from regulars.tenants.tenants import DEFAULT_CHANNELS as CHANNELS_OF_ALL
from regulars.tenants.tenants import create_tenant
from tests.conftest import DATABASE_KINDS, FreshDatabase
from tests.support.imports import get, upload
from tests.support.world import LIST, PASSWORD, World, expect_error

ACCOUNT, OWN_TENANTS, OWN_ROLES = "/api/v1/account", "/api/v1/account/tenants", "/api/v1/account/roles"
USERS, DEFAULT_CHANNELS, TAGS = "/api/v1/users", "/api/v1/channels", "/api/v1/tags"
CHANGES, DUPLICATES, STATISTICS = f"{LIST}/changes", f"{LIST}/duplicates", f"{LIST}/statistics"
CHECK, DISMISSALS = f"{DUPLICATES}/check", f"{DUPLICATES}/dismissals"
ONE, HISTORY, PERSONAL_DATA = f"{LIST}/{{id}}", f"{LIST}/{{id}}/history", f"{LIST}/{{id}}/personal-data"
ONE_TAG = f"{TAGS}/{{id}}"
ONE_USER, ONE_CHANNEL, ONE_TENANT = f"{USERS}/{{id}}", f"{DEFAULT_CHANNELS}/{{id}}", "/api/v1/tenants/{id}"
INVITATIONS, AUDIT_EVENTS = "/api/v1/invitations", "/api/v1/audit-events"
ONE_INVITATION, RESEND = f"{INVITATIONS}/{{id}}", f"{INVITATIONS}/{{id}}/resend"
LEAVE = f"{OWN_TENANTS}/{{id}}"
BATCH = f"{LIST}/batch"
# Every write to a resource with an id, and its body.
WRITES_OF_CUSTOMERS: dict[tuple[str, str], dict[str, Any] | None] = {
    ("PUT", ONE): {"first_name": "Stolen"},
    ("PATCH", ONE): {"first_name": "Stolen"},
    ("DELETE", ONE): None,
    ("POST", f"{ONE}/restore"): None,
    ("POST", f"{ONE}/erase"): None,
    ("POST", f"{ONE}/merge"): {"customer_id": 888888},
    ("POST", f"{ONE}/unmerge"): {"customer_id": 888888},
}
WRITES_OF_TAGS: dict[tuple[str, str], dict[str, Any] | None] = {
    ("PUT", ONE_TAG): {"name": "Stolen"},
    ("PATCH", ONE_TAG): {"name": "Stolen"},
    ("DELETE", ONE_TAG): None,
}
WRITES_OF_USERS: dict[tuple[str, str], dict[str, Any] | None] = {
    ("PUT", ONE_USER): {"role": "viewer"},
    ("PATCH", ONE_USER): {"role": "viewer"},
    ("DELETE", ONE_USER): None,
}
WRITES_OF_CHANNELS: dict[tuple[str, str], dict[str, Any] | None] = {
    ("PUT", ONE_CHANNEL): {"name": "Stolen"},
    ("PATCH", ONE_CHANNEL): {"name": "Stolen"},
    ("DELETE", ONE_CHANNEL): None,
}
WRITES_OF_TENANTS: dict[tuple[str, str], dict[str, Any] | None] = {
    ("PUT", ONE_TENANT): {"name": "Stolen"},
    ("PATCH", ONE_TENANT): {"name": "Stolen"},
}
WRITES_OF_INVITATIONS: dict[tuple[str, str], dict[str, Any] | None] = {
    ("DELETE", ONE_INVITATION): None,
    ("POST", RESEND): None,
}
IMPORTS, EXPORTS, JOBS, EMPTY_TRASH = "/api/v1/imports", "/api/v1/exports", "/api/v1/jobs", f"{LIST}/empty-trash"
BULK_CHANGES, ONE_BULK_CHANGE = "/api/v1/bulk-changes", "/api/v1/bulk-changes/{id}"
ONE_IMPORT, ONE_EXPORT, ONE_JOB = f"{IMPORTS}/{{id}}", f"{EXPORTS}/{{id}}", f"{JOBS}/{{id}}"
READS_OF_JOBS = {
    ONE_IMPORT,
    f"{ONE_IMPORT}/issues",
    f"{ONE_IMPORT}/errors",
    ONE_EXPORT,
    f"{ONE_EXPORT}/download",
    ONE_JOB,
    ONE_BULK_CHANGE,
    f"{ONE_BULK_CHANGE}/issues",
}
WRITES_OF_JOBS: dict[tuple[str, str], dict[str, Any] | None] = {
    ("PATCH", ONE_IMPORT): {"strict": True},
    ("DELETE", ONE_IMPORT): None,
    ("POST", f"{ONE_IMPORT}/preview"): None,
    ("POST", f"{ONE_IMPORT}/start"): {"confirm": True},
    ("POST", f"{ONE_IMPORT}/undo"): None,
    ("POST", f"{ONE_JOB}/cancel"): None,
    ("POST", f"{ONE_JOB}/retry"): None,
    ("POST", f"{ONE_BULK_CHANGE}/undo"): None,
}
VIEWS, ONE_VIEW = "/api/v1/views", "/api/v1/views/{id}"
WRITES_OF_VIEWS: dict[tuple[str, str], dict[str, Any] | None] = {
    ("PUT", ONE_VIEW): {"name": "Stolen"},
    ("PATCH", ONE_VIEW): {"name": "Stolen"},
    ("DELETE", ONE_VIEW): None,
}
OF_NO_TENANT = {"/api/v1/countries"}
NAME_CHANNELS = Statement(
    update(channels)
    .where(channels.c.tenant_id == bindparam("of_tenant"))
    .values(name=channels.c.name + bindparam("suffix"))
)


class Crowd:
    """Many tenants, users who are members of some of them or of none, and customers of each tenant."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tenants = [world.clinic, world.salon]
        self.members: dict[int, set[int]] = {
            world.alice: {world.clinic},
            world.bob: {world.clinic},
            world.charlie: {world.salon},
            world.dora: {world.clinic, world.salon},
        }
        roles = list(Role)
        for number in range(6):
            tenant = create_tenant(
                world.database, name=f"Tenant {number}", time_zone="UTC", locale="en", country_code="US"
            )
            self.tenants.append(tenant.id)
        for number in range(5):
            email = f"user{number}@example.com"
            user = create_user(world.database, email=email, name=f"User {number}", password=PASSWORD)
            mine = {self.tenants[(number * 3 + step) % len(self.tenants)] for step in range(number)}
            for tenant_id in mine:
                add_member(world.database, tenant_id, email, roles[number % 4])
            self.members[user.id] = mine
        self.owner_of: dict[int, int] = {}
        for tenant_id in self.tenants:
            for number in range(4):
                customer_id = world.add(
                    tenant_id,
                    # Each tenant counts its own ids. Different ones show here whose customer a response has.
                    id=tenant_id * 1000 + number,
                    first_name=f"Person {number}",
                    last_name=f"of {tenant_id}",
                    gender="female",
                    phone_number=f"+9053211122{number % 2}0",
                )
                self.owner_of[customer_id] = tenant_id
        self.tags = {tenant_id: self.make_tag(tenant_id) for tenant_id in self.tenants}
        self.former = {tenant_id: self.add_former_member(tenant_id) for tenant_id in self.tenants}
        self.users_with_role_in_salon = {role: self.add_to_salon(role) for role in Role}
        self.invitations = {tenant_id: self.invite(tenant_id) for tenant_id in self.tenants}
        for user_id in self.members:
            world.tokens[user_id] = world.token(user_id, list(SCOPES))
        self.channels = {tenant_id: self.name_channels(tenant_id) for tenant_id in self.tenants}

    def make_tag(self, tenant_id: int) -> int:
        """Create a tag of the tenant, with an id that no other tenant has."""
        name, number = f"Tag of {tenant_id}", tenant_id * 1000
        row = (tenant_id, number, name, name_key(name), "#000000")
        self.world.database.load(tags, ["tenant_id", "id", "name", "name_key", "color"], [row])
        return number

    def add_to_salon(self, role: Role) -> int:
        """Create a user who is a member of the salon only."""
        email = f"salon-{role}@example.com"
        user = create_user(self.world.database, email=email, name="Member", password=PASSWORD)
        add_member(self.world.database, self.world.salon, email, role)
        self.members[user.id] = {self.world.salon}
        return user.id

    def add_former_member(self, tenant_id: int) -> int:
        """Create a former member of the tenant."""
        email = f"former{tenant_id}@example.com"
        user = create_user(self.world.database, email=email, name="Former", password=PASSWORD)
        add_member(self.world.database, tenant_id, email, Role.ADMIN)
        remove_member(self.world.database, tenant_id, email)
        self.members[user.id] = set()
        return user.id

    def invite(self, tenant_id: int) -> str:
        """Invite somebody to the tenant. Return the id of the invitation."""
        database, settings = self.world.database, self.world.settings
        email = f"guest{tenant_id}@example.com"
        return invite(database, settings, tenant_id, email=email, name=None, role=Role.AGENT, actor=COMMAND_LINE).id

    def owns(self, user_id: int, tenant_id: int) -> bool:
        """Tell whether the user is an owner of the tenant."""
        return memberships_of(self.world.database, user_id)[tenant_id].role == Role.OWNER

    def name_channels(self, tenant_id: int) -> set[str]:
        """Give the tenant's channels unique names."""
        self.world.database.execute(NAME_CHANNELS, {"of_tenant": tenant_id, "suffix": f" of {tenant_id}"})
        return {f"{name} of {tenant_id}" for _, name in CHANNELS_OF_ALL}

    def users_of(self, tenant_id: int) -> set[int]:
        """Return the current and former members of the tenant."""
        return {user_id for user_id, mine in self.members.items() if tenant_id in mine} | {self.former[tenant_id]}


@pytest.fixture(scope="module", params=DATABASE_KINDS)
def crowd(request: pytest.FixtureRequest, fresh_database: FreshDatabase) -> Iterator[Crowd]:
    with World.on(fresh_database(request.param)) as world:
        yield Crowd(world)


PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "search": st.sampled_from(["person", "of", "2", "e", "%", "person of"]),
        "per_page": st.sampled_from(["1", "100"]),
        "page": st.sampled_from(["1", "2"]),
        "sort_by": st.sampled_from(["first_name", "last_name", "gender", "date_of_birth"]),
        "gender": st.just("female"),
        "user_id": st.integers(1, 12).map(str),
        "trashed": st.sampled_from(["true", "false"]),
        "updated_since": st.just("2000-01-01T00:00:00Z"),
        "created_until": st.just("9000-01-01T00:00:00Z"),
        "without": st.sampled_from(["country_id", "user_id,gender"]),
        "user_ids": st.just("1,2,3,4,5,6,7,8,9,10,11,12"),
        "tag_id": st.one_of(st.integers(1, 9).map(lambda tenant_id: str(tenant_id * 1000)), st.just("1000,2000,3000")),
        "ids": st.just(",".join(str(tenant_id * 1000 + n) for tenant_id in range(1, 9) for n in range(4))),
        "tenant_id": st.integers(1, 9).map(str),
    },
)
USER_PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "search": st.sampled_from(["user", "example", "e", "%", "former", "dora"]),
        "per_page": st.sampled_from(["1", "100"]),
        "page": st.sampled_from(["1", "2"]),
        "sort_by": st.sampled_from(["name", "email", "created_at"]),
        "trashed": st.sampled_from(["true", "false"]),
        "tenant_id": st.integers(1, 9).map(str),
    },
)


@settings(max_examples=300)
@given(data=st.data())
def test_no_request_gives_a_row_of_another_tenant(crowd: Crowd, data: st.DataObject) -> None:
    user_id = data.draw(st.sampled_from(sorted(crowd.members)))
    tenant = data.draw(st.sampled_from([None, *crowd.tenants, 9999]))
    customer_id = data.draw(st.sampled_from([*crowd.owner_of, 888888]))
    tag_id = data.draw(st.sampled_from([*crowd.tags.values(), 888888]))
    one, history, one_tag = f"{LIST}/{customer_id}", f"{LIST}/{customer_id}/history", f"{TAGS}/{tag_id}"
    somebody = data.draw(st.sampled_from([*crowd.members, 888888]))
    some_tenant = data.draw(st.sampled_from([*crowd.tenants, 888888]))
    one_user, one_tenant = ONE_USER.format(id=somebody), ONE_TENANT.format(id=some_tenant)
    # All tenants have the channels 1 to 4.
    one_channel = ONE_CHANNEL.format(id=data.draw(st.sampled_from([1, 4])))
    personal_data = f"{LIST}/{customer_id}/personal-data"
    everywhere = [
        LIST,
        one,
        history,
        personal_data,
        CHANGES,
        DUPLICATES,
        STATISTICS,
        USERS,
        DEFAULT_CHANNELS,
        OWN_ROLES,
        TAGS,
        one_tag,
    ]
    some_invitation = data.draw(st.sampled_from([*crowd.invitations.values(), "none"]))
    invitation = ONE_INVITATION.format(id=some_invitation)
    for_owners = [INVITATIONS, invitation, AUDIT_EVENTS]
    everywhere += [one_user, one_channel, one_tenant, *for_owners]
    path = data.draw(st.sampled_from(everywhere))
    parameters = data.draw(USER_PARAMETERS if path == USERS else PARAMETERS)
    answer = crowd.world.get(path, user=user_id, tenant=tenant, params=parameters)
    owner, owner_of_tag = crowd.owner_of.get(customer_id), {tag: one for one, tag in crowd.tags.items()}.get(tag_id)
    asked_about = {one: owner, history: owner, personal_data: owner, one_tag: owner_of_tag, one_tenant: some_tenant}
    asked_about[invitation] = {value: key for key, value in crowd.invitations.items()}.get(some_invitation)
    mine = crowd.members[user_id]
    meant = tenant if tenant is not None else next(iter(mine)) if len(mine) == 1 else None
    if not mine:
        expect_error(answer, 401, "invalid_token")
    elif meant is None:
        expect_error(answer, 400, "tenant_required")
    elif meant not in mine:
        expect_error(answer, 403, "tenant_forbidden")
    elif path in for_owners and not crowd.owns(user_id, meant):
        expect_error(answer, 403, "insufficient_scope")
    elif asked_about.get(path, meant) != meant or (path == one_user and somebody not in crowd.users_of(meant)):
        expect_error(answer, 404, "not_found")
    else:
        assert answer.status_code == 200, answer.text
        expect_only(crowd, meant, path, answer.json)


def expect_only(crowd: Crowd, tenant_id: int, path: str, body: dict[str, Any]) -> None:
    """Assert that the response contains data of this tenant only."""
    data = body["data"]
    if path == LIST:
        assert {crowd.owner_of[customer["id"]] for customer in data} <= {tenant_id}
        assert body["meta"]["total"] <= 4
    elif path.startswith((USERS, INVITATIONS, AUDIT_EVENTS)):
        expect_only_people_of(crowd, tenant_id, path, body)
    elif path.startswith(LIST) and (path == CHANGES or path.endswith("/history")):
        assert {crowd.owner_of[change["customer_id"]] for change in data} == {tenant_id}
    elif path == DUPLICATES:
        shown = [crowd.owner_of[customer["id"]] for pair in data for customer in pair["customers"]]
        assert set(shown) == {tenant_id}
    elif path == STATISTICS:
        assert data["total"] <= 4
        assert {tag["id"] for tag in data["tag"]} <= {crowd.tags[tenant_id]}
        assert {user["id"] for user in data["user"]} <= {None, *crowd.users_of(tenant_id)}
    elif path == TAGS:
        assert {tag["id"] for tag in data} == {crowd.tags[tenant_id]}
    elif path.startswith(TAGS):
        assert data["id"] == crowd.tags[tenant_id]
    elif path == DEFAULT_CHANNELS:
        assert {channel["name"] for channel in data} == crowd.channels[tenant_id]
    elif path.startswith(DEFAULT_CHANNELS):
        assert data["name"] in crowd.channels[tenant_id]
    elif path == ONE_TENANT.format(id=tenant_id):
        assert data["id"] == tenant_id
    elif path == OWN_ROLES:
        assert len(data["roles"]) == 1
    else:
        customer = data["customer"]["customer"] if path.endswith("/personal-data") else data
        assert crowd.owner_of[customer["id"]] == tenant_id


def expect_only_people_of(crowd: Crowd, tenant_id: int, path: str, body: dict[str, Any]) -> None:
    """Assert that the response contains members, invitations and events of this tenant only."""
    data, own = body["data"], crowd.users_of(tenant_id)
    if path == USERS:
        assert {user["id"] for user in data} <= own
        assert body["meta"]["total"] < len(own)
    elif path.startswith(USERS):
        assert data["id"] in own
    elif path == INVITATIONS:
        assert {invitation["id"] for invitation in data} == {crowd.invitations[tenant_id]}
    elif path.startswith(INVITATIONS):
        assert data["id"] == crowd.invitations[tenant_id]
    else:
        told = {int(part) for event in data for part in re.findall(r"\buser (\d+)", event["about"])}
        assert told
        assert told <= own


def test_no_request_changes_a_row_of_another_tenant(crowd: Crowd) -> None:
    """Charlie owns the salon. His requests for resources of the clinic must neither change nor reveal anything."""
    world = crowd.world
    customer_id = next(number for number, tenant in crowd.owner_of.items() if tenant == world.clinic)
    tries: list[tuple[tuple[str, str], int | str, Any]] = []
    tries += [(write, customer_id, body) for write, body in WRITES_OF_CUSTOMERS.items()]
    tries += [(write, crowd.tags[world.clinic], body) for write, body in WRITES_OF_TAGS.items()]
    tries += [(write, world.bob, body) for write, body in WRITES_OF_USERS.items()]
    # Only the clinic has this channel; all tenants have the channels 1 to 4.
    channel = world.send("POST", DEFAULT_CHANNELS, {"kind": "website", "name": "Shop"}).json["data"]["id"]
    tries += [(write, channel, body) for write, body in WRITES_OF_CHANNELS.items()]
    tries += [(write, world.clinic, body) for write, body in WRITES_OF_TENANTS.items()]
    tries += [(write, crowd.invitations[world.clinic], body) for write, body in WRITES_OF_INVITATIONS.items()]
    victims = {world.clinic: visible_data(crowd, world.clinic)}
    for (method, path), number, body in tries:
        where = path.format(id=number)
        theirs = world.send(method, where, body, user=world.charlie, tenant=world.clinic)
        expect_error(theirs, 403, "tenant_forbidden")
        error = expect_error(world.send(method, where, body, user=world.charlie, tenant=world.salon), 404, "not_found")
        missing = world.send(method, path.format(id=888888), body, user=world.charlie, tenant=world.salon)
        assert missing.json["message"].replace("888888", str(number)) == error["message"]
    for path, body in (
        (USERS, {"email": "x@example.com", "name": "X", "role": "owner"}),
        (DEFAULT_CHANNELS, {"kind": "website", "name": "X"}),
    ):
        theirs = world.send("POST", path, body, user=world.charlie, tenant=world.clinic)
        expect_error(theirs, 403, "tenant_forbidden")
    stolen = {"first_name": "Person", "tags": [crowd.tags[world.clinic]], "user_id": world.alice}
    answer = world.send("POST", LIST, stolen, user=world.charlie, tenant=world.salon)
    assert set(expect_error(answer, 422, "validation_error")["errors"]) == {"tags", "user_id"}
    operations: list[dict[str, Any]] = [{"action": action, "id": customer_id} for action in ("trash", "restore")]
    operations.append({"action": "update", "id": customer_id, "customer": {"first_name": "Stolen"}})
    answer = world.send("POST", BATCH, {"operations": operations}, user=world.charlie, tenant=world.salon)
    assert {outcome["status"] for outcome in answer.json["data"]} == {404}
    assert {world.clinic: visible_data(crowd, world.clinic)} == victims
    assert world.send("DELETE", ONE_CHANNEL.format(id=channel)).status_code == 204


@pytest.mark.parametrize("role", [*Role])
def test_what_another_tenant_has_looks_like_what_does_not_exist(crowd: Crowd, role: Role) -> None:
    """Each request about something of the clinic, sent in the salon, has the response of one with an unknown id."""
    world = crowd.world
    user_id = crowd.users_with_role_in_salon[role]
    customer_id = next(number for number, tenant in crowd.owner_of.items() if tenant == world.clinic)
    channel = world.send("POST", DEFAULT_CHANNELS, {"kind": "website", "name": "Shop"}).json["data"]["id"]
    known: dict[str, int | str] = {
        LIST: customer_id,
        TAGS: crowd.tags[world.clinic],
        USERS: world.bob,
        DEFAULT_CHANNELS: channel,
        INVITATIONS: crowd.invitations[world.clinic],
        "/api/v1/tenants": world.clinic,
    }
    writes = WRITES_OF_CUSTOMERS | WRITES_OF_TAGS | WRITES_OF_USERS | WRITES_OF_CHANNELS | WRITES_OF_TENANTS
    writes |= WRITES_OF_INVITATIONS
    reads = {("GET", path): None for _, path in writes if path.endswith("{id}")}
    reads |= {("GET", path): None for path in (HISTORY, PERSONAL_DATA)}
    for (method, path), body in (writes | reads).items():
        foreign = known[path.partition("/{id}")[0]]
        absent = "0" * 36 if isinstance(foreign, str) else 888888
        answers = [
            world.send(
                method, path.format(id=each), body, user=user_id, tenant=world.salon, headers={"If-Match": '"1.x"'}
            )
            for each in (foreign, absent)
        ]
        assert answers[0].status_code in {403, 404}, (method, path, answers[0].text)
        assert answers[0].status_code == answers[1].status_code
        assert answers[0].text.replace(str(foreign), "N") == answers[1].text.replace(str(absent), "N")
    assert world.send("DELETE", ONE_CHANNEL.format(id=channel)).status_code == 204


def test_cursors_keys_and_values_of_another_tenant_are_of_no_use(empty_world: World) -> None:
    """Erin is an owner of both tenants; only `X-Tenant` says which one she means."""
    world = empty_world
    erin = create_user(world.database, email="erin@example.com", name="Erin", password=PASSWORD).id
    for tenant_id in (world.clinic, world.salon):
        add_member(world.database, tenant_id, "erin@example.com", Role.OWNER)
    for tenant_id in (world.clinic, world.salon):
        world.send("PUT", ONE_TENANT.format(id=tenant_id), {"unique_fields": ["email"]}, user=erin, tenant=tenant_id)
    person = {"first_name": "Ayşe", "email": "ayse@example.com"}
    key = {"Idempotency-Key": "one"}
    made = [
        world.send("POST", LIST, person, user=erin, tenant=tenant_id, headers=key)
        for tenant_id in (world.clinic, world.salon)
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    assert "Idempotent-Replayed" not in made[1].headers
    world.add(world.clinic, first_name="Second")
    page = world.send("GET", LIST, user=erin, tenant=world.clinic, params={"per_page": "1"})
    cursor = dict(parse_qsl(urlsplit(page.json["links"]["next"]).query))["cursor"]
    answer = world.send("GET", LIST, user=erin, tenant=world.salon, params={"cursor": cursor, "limit": "1"})
    assert set(expect_error(answer, 422, "validation_error")["errors"]) == {"cursor"}
    etag = {"If-None-Match": world.send("GET", LIST, user=erin, tenant=world.clinic).headers["ETag"]}
    assert world.send("GET", LIST, user=erin, tenant=world.salon, headers=etag).status_code == 200


def visible_data(crowd: Crowd, tenant_id: int) -> list[Any]:
    """Return all data of a tenant."""
    user = next(user for user, mine in crowd.members.items() if tenant_id in mine and crowd.owns(user, tenant_id))
    ask = [(LIST, {"include": "tags"}), (LIST, {"trashed": "true"}), (CHANGES, {}), (TAGS, {})]
    ask += [(INVITATIONS, {}), (AUDIT_EVENTS, {})]
    ask += [(USERS, {}), (USERS, {"trashed": "true"}), (DEFAULT_CHANNELS, {}), (ONE_TENANT.format(id=tenant_id), {})]
    return [crowd.world.get(path, user=user, tenant=tenant_id, params=params).json for path, params in ask]


def test_a_user_sees_only_the_own_account_and_tenants(crowd: Crowd) -> None:
    for user_id, mine in crowd.members.items():
        if not mine:
            expect_error(crowd.world.get(ACCOUNT, user=user_id), 401, "invalid_token")
            continue
        for tenant in (None, *crowd.tenants):
            assert crowd.world.get(ACCOUNT, user=user_id, tenant=tenant).json["data"]["id"] == user_id
            tenants = crowd.world.get(OWN_TENANTS, user=user_id, tenant=tenant).json["data"]
            assert [one["id"] for one in tenants] == sorted(mine)
        for bound in crowd.tenants:
            token = crowd.world.token(user_id, ["tenants:read"], tenant_id=bound)
            headers = {"Authorization": f"Bearer {token}"}
            tenants = crowd.world.client.simulate_get(OWN_TENANTS, headers=headers).json["data"]
            assert {one["id"] for one in tenants} == mine & {bound}
        for other in {*crowd.tenants, 888888} - mine:
            crowd.world.writers[user_id] = crowd.world.tokens[user_id]
            answer = crowd.world.send("DELETE", LEAVE.format(id=other), user=user_id)
            expect_error(answer, 404, "not_found")


def test_a_missing_tenant_looks_like_one_without_access(world: World) -> None:
    theirs = expect_error(world.get(tenant=world.salon), 403, "tenant_forbidden")
    missing = expect_error(world.get(tenant=9999), 403, "tenant_forbidden")
    assert theirs["message"].replace(str(world.salon), "N") == missing["message"].replace("9999", "N")
    assert "tenant" in theirs["message"]


def test_imports_exports_and_jobs_are_only_for_members_of_their_tenant(world: World) -> None:
    """Charlie owns the salon. For him, those of the clinic do not exist."""
    found = upload(world, "a.csv", b"first_name,email\nAyse,ayse@example.com\n", tenant=world.clinic)
    exported = world.send("POST", EXPORTS, {}, tenant=world.clinic).json["data"]["id"]
    everything = {"filters": {}, "action": "trash"}
    changed = world.send("POST", BULK_CHANGES, everything, tenant=world.clinic).json["data"]["id"]
    ids = {IMPORTS: found["id"], EXPORTS: exported, JOBS: found["job"]["id"], BULK_CHANGES: changed}
    for method, path, body in [("GET", path, None) for path in READS_OF_JOBS] + [
        (method, path, body) for (method, path), body in WRITES_OF_JOBS.items()
    ]:
        where = path.format(id=ids["/".join(path.split("/")[:4])])
        theirs = world.send(method, where, body, user=world.charlie, tenant=world.clinic)
        expect_error(theirs, 403, "tenant_forbidden")
        expect_error(world.send(method, where, body, user=world.charlie, tenant=world.salon), 404, "not_found")
    for path in (IMPORTS, EXPORTS, JOBS):
        assert world.send("GET", path, user=world.charlie, tenant=world.salon).json["data"] == []
    assert get(world, found["id"], tenant=world.clinic) == found
    for path, content in ((EMPTY_TRASH, {"older_than_days": 0}), (BULK_CHANGES, everything)):
        expect_error(
            world.send("POST", path, content, user=world.charlie, tenant=world.clinic), 403, "tenant_forbidden"
        )


def test_dismissed_duplicates_are_those_of_the_tenant(empty_world: World) -> None:
    world = empty_world
    pair = [world.add(first_name=name, email="a@example.com", id=900 + number) for number, name in enumerate("AB")]
    dismissed = world.send("POST", DISMISSALS, {"customer_ids": pair}, tenant=world.clinic).json["data"]["id"]
    options: dict[str, Any] = {"user": world.charlie, "tenant": world.salon}
    assert world.send("GET", DISMISSALS, **options).json["data"] == []
    assert world.send("POST", CHECK, {"email": "a@example.com"}, **options).json["data"] == []
    assert world.send("GET", DUPLICATES, params={"customer_id": pair[0]}, **options).json["data"] == []
    expect_error(world.send("POST", DISMISSALS, {"customer_ids": pair}, **options), 409, "conflict")
    expect_error(world.send("DELETE", f"{DISMISSALS}/{dismissed}", **options), 404, "not_found")
    for method, path in (("GET", DISMISSALS), ("POST", CHECK), ("DELETE", f"{DISMISSALS}/{dismissed}")):
        expect_error(world.send(method, path, {}, user=world.charlie, tenant=world.clinic), 403, "tenant_forbidden")
    assert len(world.send("GET", DISMISSALS, tenant=world.clinic).json["data"]) == 1


def test_saved_views_are_only_for_members_of_their_tenant(world: World) -> None:
    """Charlie owns the salon. For him, a shared view of the clinic does not exist."""
    view = world.send("POST", VIEWS, {"name": "Ours", "shared": True}, tenant=world.clinic).json["data"]
    where = f"{VIEWS}/{view['id']}"
    for (method, _path), body in [(("GET", ONE_VIEW), None), *WRITES_OF_VIEWS.items()]:
        theirs = world.send(method, where, body, user=world.charlie, tenant=world.clinic)
        expect_error(theirs, 403, "tenant_forbidden")
        foreign, absent = (
            expect_error(world.send(method, path, body, user=world.charlie, tenant=world.salon), 404, "not_found")
            for path in (where, f"{VIEWS}/{'0' * 36}")
        )
        assert foreign["message"].replace(view["id"], "0" * 36) == absent["message"]
    assert world.send("GET", VIEWS, user=world.charlie, tenant=world.salon).json["data"] == []
    assert world.send("GET", where, tenant=world.clinic).json["data"] == view
    assert world.send("DELETE", where, tenant=world.clinic).status_code == 204


def test_every_address_of_the_api_was_tried_above(world: World) -> None:
    api = {path for path, _ in routes(world.settings, world.database) if path.startswith("/api/v")}
    of_customers = {LIST, ONE, HISTORY, PERSONAL_DATA, CHANGES, DUPLICATES, STATISTICS, TAGS, ONE_TAG}
    read = of_customers | {USERS, DEFAULT_CHANNELS, ACCOUNT, OWN_TENANTS, OWN_ROLES, ONE_USER, ONE_CHANNEL, ONE_TENANT}
    writes = WRITES_OF_CUSTOMERS | WRITES_OF_TAGS | WRITES_OF_USERS | WRITES_OF_CHANNELS | WRITES_OF_TENANTS
    writes |= WRITES_OF_INVITATIONS | WRITES_OF_JOBS | WRITES_OF_VIEWS
    read |= READS_OF_JOBS | {IMPORTS, EXPORTS, JOBS, EMPTY_TRASH, VIEWS, BULK_CHANGES}
    read |= {CHECK, DISMISSALS, f"{DISMISSALS}/{{id}}"}
    tried = read | {BATCH, INVITATIONS, AUDIT_EVENTS, LEAVE} | {path for _, path in writes}
    assert api - OF_NO_TENANT == tried, "add new endpoints to the tests above"


def test_a_public_function_on_customers_takes_the_tenant_first_after_the_database() -> None:
    wrong = []
    for path in (Path(regulars.__file__).parent / "customers").rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            names: list[Any] = [argument.arg for argument in node.args.args]
            # rare_trigrams reads trigrams without their customers.
            is_for_all = node.name in {
                "seed_database",
                "merge_count_deltas",
                "rare_trigrams",
                "delete_expired_imports",
                "delete_expired_bulk_changes",
            }
            # `found` is an import or a bulk change, and `principal` a member. They have their tenant.
            has_tenant = names[1:2] in (["tenant_id"], ["found"], ["principal"])
            if names[:1] == ["database"] and not has_tenant and not is_for_all:
                wrong.append(f"{path.name}: {node.name}")
    assert wrong == []
