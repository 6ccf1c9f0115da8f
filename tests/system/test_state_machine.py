"""Model-based test: random sequences of requests are applied to the service and to an in-memory model.

Lists, totals, tags, history and responses must agree with the model. The environment variable `EXAMPLES` sets the
number of sequences of each kind (default 12).
"""

import os
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from itertools import count
from typing import Any

import pytest
from falcon.testing import Result
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from regulars.accounts.memberships import add_member
from regulars.customers.counts.maintenance import check_counts, merge_count_deltas
from regulars.customers.fields import PERSONAL_FIELDS, Record
from regulars.permissions import Role
from regulars.tenants.tenants import create_tenant
from tests.customers.test_write import CHANGES, MAKE_UNIQUE, TAGS
from tests.support.change_feed import Follower
from tests.support.statistics import counted, shown
from tests.support.world import LIST, NOON, World
from tests.system.test_both_databases import expected

EXAMPLES = int(os.environ.get("EXAMPLES", "12"))
STEPS = 30
UNIQUE = ("phone_number", "email", "identity_number")

# Values of requests, with the values that are stored for them.
KEPT: Mapping[str, Mapping[Any, Any]] = {
    "first_name": {"Ayşe": "Ayşe", " İbrahim ": "İbrahim", "ayse": "ayse"},
    "last_name": {None: None, "Yılmaz": "Yılmaz", "  ": None, "Öz": "Öz"},
    "phone_number": {None: None, "0532 111 22 33": "+905321112233", "+49 30 123456": "+4930123456"},
    "email": {None: None, "Ayse@Example.com": "Ayse@example.com", "ayse@example.com": "ayse@example.com"},
    "date_of_birth": {None: None, "1990-05-01": date(1990, 5, 1), "2000-02-29T10:00:00Z": date(2000, 2, 29)},
    "gender": {None: None, "female": "female", "other": "other"},
    "country_id": {None: None, 792: 792, 276: 276},
    "default_channel_id": {None: None, 1: 1, 2: 2},
    "identity_number": {None: None, "X1": "X1", "10000000146": "10000000146"},
    "job": {None: None, "Doktor": "Doktor", "Hakim": "Hakim", "Aşçı": "Aşçı"},
    "address": {None: None, "Cadde 1\r\nİzmir": "Cadde 1\nİzmir"},
}
INVALID = {"first_name": None, "email": "nobody", "phone_number": "1", "gender": "none", "user_id": 424242, "x": 1}

written_fields = st.fixed_dictionaries({}, optional={name: st.sampled_from(list(kept)) for name, kept in KEPT.items()})
numbers = st.integers(0, 10**6)
invalid = st.sampled_from(list(INVALID))
conditions = st.sampled_from((None, None, "current", "stale"))
listings = st.fixed_dictionaries(
    {},
    optional={
        "search": st.sampled_from(("ay", "AYŞE", "i", "yilmaz", "0532 111", "example", "x1", "zzz")),
        "gender": st.sampled_from(("female", "male", "other")),
        "trashed": st.sampled_from(("true", "false")),
        "min_age": st.sampled_from((20, 30)),
        "sort_by": st.sampled_from(("first_name", "last_name", "date_of_birth", "gender", "created_at", "updated_at")),
        "sort_order": st.sampled_from(("asc", "desc")),
        "per_page": st.sampled_from((1, 2, 15, 100)),
        "page": st.sampled_from((1, 2, 3)),
    },
)
tenant_names = count(1)


class Customers(RuleBasedStateMachine):
    """A tenant with a few customers, its model, and the requests that can be sent."""

    def __init__(self, world: World, unique: tuple[str, ...]) -> None:
        super().__init__()
        self.world = world
        self.unique = unique
        self.customers: dict[int, Record] = {}
        self.tags_of: dict[int, list[int]] = {}
        self.tags: list[int] = []
        self.etags: dict[int, list[str]] = {}
        self.gone: set[int] = set()
        self.came: dict[int, dict[str, Any]] = {}
        """For each merged customer, the fields that the survivor of its last merge received from it."""
        self.unmerged: set[int] = set()
        self.keyed: list[tuple[str, dict[str, Any], int, bytes]] = []
        self.follower = Follower(self.changes)

    @initialize()
    def found_tenant(self) -> None:
        name = f"Klinik {next(tenant_names)}"
        self.tenant = create_tenant(
            self.world.database, name=name, time_zone="Europe/Istanbul", locale="tr-TR", country_code="TR"
        ).id
        for user, role in (("alice", Role.OWNER), ("bob", Role.AGENT)):
            add_member(self.world.database, self.tenant, f"{user}@example.com", role)
        self.world.database.execute(MAKE_UNIQUE, {"of_tenant": self.tenant, "names": ",".join(self.unique)})
        # The service caches tokens for up to half a second, so use new tokens after the change of members.
        self.world.tokens.clear()
        self.world.writers.clear()
        self.make_tag()
        for content in ({"first_name": "Ayşe", "tags": self.tags}, {"first_name": "ayse", "gender": "female"}):
            self._create(content, {})

    def send(self, method: str, path: str, content: object = None, **options: Any) -> Result:
        return self.world.send(method, path, content, tenant=self.tenant, **options)

    def get(self, path: str = LIST, **options: Any) -> Result:
        answer = self.world.get(path, tenant=self.tenant, **options)
        assert answer.status_code == 200, answer.text
        return answer

    # The model.

    def any_customer(self, number: int) -> int:
        """Return a customer that is not merged into another one."""
        found = sorted(record.id for record in self.customers.values() if record.merged_into_id is None)
        return found[number % len(found)]

    def merged(self) -> dict[int, int]:
        """Return the merged customers, each with the customer that it was merged into."""
        return {
            record.id: record.merged_into_id for record in self.customers.values() if record.merged_into_id is not None
        }

    def merged_into(self, customer_id: int) -> set[int]:
        """Return all customers that were merged into this customer, directly or indirectly."""
        direct = {other for other, survivor in self.merged().items() if survivor == customer_id}
        return direct.union(*map(self.merged_into, direct))

    def whole(self, written: dict[str, Any], assigned: int | None, tagged: int | None) -> dict[str, Any]:
        """Return the content of a request with an existing user and existing tags, chosen by number."""
        if assigned is not None:
            written = written | {"user_id": (None, self.world.alice, self.world.bob)[assigned % 3]}
        if tagged is not None:
            written = written | {"tags": [tag for place, tag in enumerate(self.tags) if tagged >> place & 1] or None}
        return written

    def kept(self, written: Mapping[str, Any]) -> dict[str, Any]:
        """Return the stored values for the content of a request."""
        values = {name: KEPT[name][value] if name in KEPT else value for name, value in written.items()}
        values.pop("tags", None)
        if "phone_number" in written:
            values["phone_number_as_typed"] = written["phone_number"]
        return values

    def taken(self, before: Record | None, after: Record, others: Mapping[int, Record] = {}) -> set[str]:
        """Return the unique fields that another customer already has. `others` replace customers of the model."""
        held = {} if before is None else keys_of(before)
        wanted = {field: key for field, key in keys_of(after).items() if held.get(field) != key}
        return {
            field
            for field, key in wanted.items()
            for other in {**self.customers, **others}.values()
            if field in self.unique and other.id != after.id and keys_of(other).get(field) == key
        }

    def condition(self, customer_id: int, kind: str | None) -> dict[str, str]:
        """Return an If-Match header with the current ETag, with a stale one, or none."""
        current = self.get(f"{LIST}/{customer_id}").headers["ETag"]
        stale = [etag for etag in self.etags[customer_id] if etag.split(".")[0] != current.split(".")[0]]
        if kind is None or (kind == "stale" and not stale):
            return {}
        return {"If-Match": current if kind == "current" else stale[-1]}

    def is_stale(self, customer_id: int, headers: Mapping[str, str]) -> bool:
        current = self.get(f"{LIST}/{customer_id}").headers["ETag"]
        return headers.get("If-Match", current) != current

    def keep(self, record: Record, tags: list[int] | None = None) -> None:
        """Store the record in the model, with the times that the service returns."""
        if record.merged_into_id is None:
            answer = self.get(f"{LIST}/{record.id}")
            shown = answer.json["data"]
            self.etags.setdefault(record.id, []).append(answer.headers["ETag"])
        else:
            (shown,) = self.get(params={"ids": record.id, "trashed": "true"}).json["data"]
        times: dict[str, Any] = {name: shown[name] and datetime.fromisoformat(shown[name]) for name in TIMES}
        assert (times["deleted_at"] is None) == (record.deleted_at is None)
        self.customers[record.id] = replace(record, **times)
        self.tags_of[record.id] = self.tags_of.get(record.id, []) if tags is None else sorted(tags)

    def forget(self, customer_id: int) -> None:
        del self.customers[customer_id], self.tags_of[customer_id]
        self.gone.add(customer_id)

    # Rules: requests.

    @rule(written=written_fields, first_name=st.sampled_from(list(KEPT["first_name"])), user=numbers, tags=numbers)
    def create(self, written: dict[str, Any], first_name: str, user: int, tags: int) -> None:
        self._create(self.whole({"first_name": first_name} | written, user, tags), {})

    @rule(
        written=written_fields,
        first_name=st.sampled_from(list(KEPT["first_name"])),
        bad=invalid,
        is_first_bad=st.booleans(),
    )
    def create_with_key(self, written: dict[str, Any], first_name: str, bad: str, is_first_bad: bool) -> None:
        content = {"first_name": first_name} | written
        key = {"Idempotency-Key": f"key-{len(self.keyed)}"}
        if is_first_bad:
            answer = self.send("POST", LIST, content | {bad: INVALID[bad]}, headers=key)
            assert answer.status_code == 422, answer.text
            assert set(answer.json["errors"]) == {bad}
        self._create(content, key)

    def _create(self, content: dict[str, Any], headers: dict[str, str]) -> None:
        answer = self.send("POST", LIST, content, headers=headers)
        record = Record(id=0, created_at=NOON, updated_at=NOON, **self.kept(content))
        if taken := self.taken(None, record):
            assert answer.status_code == 409, answer.text
            assert set(answer.json["errors"]) == taken
            return
        assert answer.status_code == 201, answer.text
        new_id = answer.json["data"]["id"]
        assert new_id not in self.customers.keys() | self.gone
        self.keep(replace(record, id=new_id), content.get("tags") or [])
        if key := headers.get("Idempotency-Key"):
            self.keyed.append((key, content, new_id, answer.content))

    @precondition(lambda self: self.keyed)
    @rule(number=numbers, is_same=st.booleans())
    def create_again(self, number: int, is_same: bool) -> None:
        key, content, made, body = self.keyed[number % len(self.keyed)]
        again = content if is_same else content | {"job": "Another"}
        answer = self.send("POST", LIST, again, headers={"Idempotency-Key": key})
        if made in self.gone:
            assert answer.status_code == 409, answer.text
        elif is_same:
            assert (answer.status_code, answer.content) == (201, body)
            assert answer.headers["Idempotent-Replayed"] == "true"
        else:
            assert answer.status_code == 422, answer.text

    @precondition(lambda self: self.customers)
    @rule(
        number=numbers,
        method=st.sampled_from(("PUT", "PATCH")),
        written=written_fields,
        user=st.none() | numbers,
        tags=st.none() | numbers,
        condition=conditions,
    )
    def update(
        self,
        number: int,
        method: str,
        written: dict[str, Any],
        user: int | None,
        tags: int | None,
        condition: str | None,
    ) -> None:
        customer_id = self.any_customer(number)
        written = self.whole(written, user, tags)
        headers = self.condition(customer_id, condition)
        is_stale = self.is_stale(customer_id, headers)
        answer = self.send(method, f"{LIST}/{customer_id}", written, headers=headers)
        before = self.customers[customer_id]
        after = replace(before, **self.kept(written))
        if is_stale:
            assert answer.status_code == 412, answer.text
        elif before.deleted_at is not None or self.taken(before, after):
            assert answer.status_code == 409, answer.text
        else:
            assert answer.status_code == 200, answer.text
            self.keep(after, (written["tags"] or []) if "tags" in written else None)

    @precondition(lambda self: self.customers)
    @rule(number=numbers, written=written_fields, bad=st.lists(invalid, min_size=1, unique=True))
    def update_badly(self, number: int, written: dict[str, Any], bad: list[str]) -> None:
        content = written | {name: INVALID[name] for name in bad}
        answer = self.send("PUT", f"{LIST}/{self.any_customer(number)}", content)
        assert answer.status_code == 422, answer.text
        assert set(answer.json["errors"]) == set(bad)

    @precondition(lambda self: self.customers)
    @rule(number=numbers, condition=conditions)
    def trash(self, number: int, condition: str | None) -> None:
        customer_id = self.any_customer(number)
        headers = self.condition(customer_id, condition)
        record = self.customers[customer_id]
        refused = record.deleted_at is None and self.is_stale(customer_id, headers)
        answer = self.send("DELETE", f"{LIST}/{customer_id}", headers=headers)
        assert answer.status_code == (412 if refused else 204), answer.text
        if not refused:
            self.keep(replace(record, deleted_at=record.deleted_at or NOON))

    @precondition(lambda self: self.customers)
    @rule(number=numbers, condition=conditions)
    def restore(self, number: int, condition: str | None) -> None:
        customer_id = self.any_customer(number)
        headers = self.condition(customer_id, condition)
        is_stale = self.is_stale(customer_id, headers)
        answer = self.send("POST", f"{LIST}/{customer_id}/restore", headers=headers)
        before = self.customers[customer_id]
        after = replace(before, deleted_at=None)
        if is_stale:
            assert answer.status_code == 412, answer.text
        elif taken := self.taken(before, after):
            assert answer.status_code == 409, answer.text
            assert set(answer.json["errors"]) == taken
        else:
            assert answer.status_code == 200, answer.text
            self.keep(after)

    @precondition(lambda self: self.customers)
    @rule(number=numbers, condition=conditions)
    def purge(self, number: int, condition: str | None) -> None:
        customer_id = self.any_customer(number)
        headers = self.condition(customer_id, condition)
        is_stale = self.is_stale(customer_id, headers)
        answer = self.send("DELETE", f"{LIST}/{customer_id}", headers=headers, params={"permanently": "true"})
        if is_stale:
            assert answer.status_code == 412, answer.text
        elif self.customers[customer_id].deleted_at is None:
            assert answer.status_code == 409, answer.text
        else:
            assert answer.status_code == 204, answer.text
            self.purged(customer_id)

    @precondition(lambda self: self.merged())
    @rule(number=numbers)
    def purge_merged(self, number: int) -> None:
        merged = sorted(self.merged())
        other_id = merged[number % len(merged)]
        answer = self.send("DELETE", f"{LIST}/{other_id}", params={"permanently": "true"})
        assert answer.status_code == 204, answer.text
        self.purged(other_id)

    def purged(self, customer_id: int) -> None:
        self.forget(customer_id)
        for other_id, survivor_id in self.merged().items():
            if survivor_id == customer_id:
                self.keep(replace(self.customers[other_id], merged_into_id=None))

    @precondition(lambda self: self.customers)
    @rule(number=numbers)
    def erase(self, number: int) -> None:
        customer_id = self.any_customer(number)
        persons = {customer_id} | self.merged_into(customer_id)
        if persons & self.unmerged:
            return  # The feed then omits customers that had received some of this data.
        held = {name for each in persons for name in PERSONAL_FIELDS if getattr(self.customers[each], name) is not None}
        if any(self.tags_of[each] for each in persons):
            held.add("tags")
        answer = self.send("POST", f"{LIST}/{customer_id}/erase")
        assert answer.status_code == 200, answer.text
        assert set(answer.json["data"]["kinds"]) == held
        for each in persons:
            self.forget(each)

    @precondition(lambda self: len(self.customers) > len(self.merged()) + 1)
    @rule(number=numbers, other=numbers, condition=conditions)
    def merge(self, number: int, other: int, condition: str | None) -> None:
        survivor_id, other_id = self.any_customer(number), self.any_customer(other)
        headers = self.condition(survivor_id, condition)
        is_stale = self.is_stale(survivor_id, headers)
        answer = self.send("POST", f"{LIST}/{survivor_id}/merge", {"customer_id": other_id}, headers=headers)
        survivor, merged = self.customers[survivor_id], self.customers[other_id]
        if is_stale:
            assert answer.status_code == 412, answer.text
        elif survivor_id == other_id or survivor.deleted_at or merged.deleted_at:
            assert answer.status_code == 409, answer.text
        else:
            assert answer.status_code == 200, answer.text
            came: dict[str, Any] = {
                name: getattr(merged, name)
                for name in PERSONAL_FIELDS
                if getattr(survivor, name) is None and getattr(merged, name) is not None
            }
            if survivor.phone_number is not None:
                came.pop("phone_number_as_typed", None)
            tags = sorted({*self.tags_of[survivor_id], *self.tags_of[other_id]})
            new_tags = set(tags) - set(self.tags_of[survivor_id])
            self.keep(replace(survivor, **came), tags)
            self.keep(replace(merged, deleted_at=NOON, merged_into_id=survivor_id))
            self.came[other_id] = came | {"tags": new_tags}

    @precondition(lambda self: self.merged())
    @rule(number=numbers)
    def unmerge(self, number: int) -> None:
        other_id, survivor_id = sorted(self.merged().items())[number % len(self.merged())]
        survivor, other = self.customers[survivor_id], self.customers[other_id]
        came = dict(self.came[other_id])
        new_tags = came.pop("tags")
        emptied = {name: None for name, value in came.items() if getattr(survivor, name) == value}
        emptied.pop("phone_number_as_typed", None)
        if "phone_number" in emptied:
            emptied["phone_number_as_typed"] = None
        survivor_after = replace(survivor, **emptied)
        other_after = replace(other, deleted_at=None, merged_into_id=None)
        answer = self.send("POST", f"{LIST}/{survivor_id}/unmerge", {"customer_id": other_id})
        if survivor.merged_into_id is not None:
            assert answer.status_code == 410, answer.text
        elif self.taken(other, other_after, {survivor_id: survivor_after}):
            assert answer.status_code == 409, answer.text
        else:
            assert answer.status_code == 200, answer.text
            self.keep(survivor_after, [tag for tag in self.tags_of[survivor_id] if tag not in new_tags])
            self.keep(other_after)
            self.unmerged.add(other_id)

    @precondition(lambda self: self.merged())
    @rule(number=numbers, what=st.sampled_from(("GET", "PUT", "DELETE", "restore", "erase", "merge")))
    def ask_for_what_was_merged(self, number: int, what: str) -> None:
        other_id, survivor_id = sorted(self.merged().items())[number % len(self.merged())]
        path = f"{LIST}/{other_id}"
        method, where = (what, path) if what.isupper() else ("POST", f"{path}/{what}")
        contents = {"PUT": {"job": "Doktor"}, "merge": {"customer_id": survivor_id}}
        answer = self.send(method, where, contents.get(what))
        assert answer.status_code == 410, answer.text
        address = answer.headers["Link"].removesuffix('>; rel="canonical"')
        assert address.endswith(f"{LIST}/{survivor_id}")

    @precondition(lambda self: self.gone)
    @rule(number=numbers, what=st.sampled_from(("GET", "PUT", "DELETE", "restore", "erase")))
    def ask_for_what_is_gone(self, number: int, what: str) -> None:
        path = f"{LIST}/{sorted(self.gone)[number % len(self.gone)]}"
        method, where = (what, path) if what.isupper() else ("POST", f"{path}/{what}")
        answer = self.send(method, where, {"job": "Doktor"} if what == "PUT" else None)
        assert answer.status_code == 404, answer.text

    @precondition(lambda self: len(self.tags) < 4)
    @rule()
    def make_tag(self) -> None:
        answer = self.send("POST", TAGS, {"name": f"Tag {next(tenant_names)}", "color": "#000000"})
        assert answer.status_code == 201, answer.text
        self.tags.append(answer.json["data"]["id"])

    @precondition(lambda self: self.tags)
    @rule(number=numbers)
    def remove_tag(self, number: int) -> None:
        tag = self.tags.pop(number % len(self.tags))
        assert self.send("DELETE", f"{TAGS}/{tag}").status_code == 204
        for customer_id, tags in list(self.tags_of.items()):
            if tag in tags:
                self.keep(self.customers[customer_id], [each for each in tags if each != tag])

    @rule()
    def fold(self) -> None:
        merge_count_deltas(self.world.database)

    # Invariants.

    @rule(asked=listings, user=st.none() | numbers)
    def list_some(self, asked: dict[str, Any], user: int | None) -> None:
        if user is not None:
            asked = asked | {"user_id": (self.world.alice, self.world.bob)[user % 2]}
        page = self.get(params=asked).json
        found = ([customer["id"] for customer in page["data"]], page["meta"]["total"])
        assert found == expected(self.world, list(self.customers.values()), asked), asked

    @invariant()
    def every_customer_is_as_the_model_says(self) -> None:
        shown: dict[int, Any] = {}
        for trashed in ("false", "true"):
            page = self.get(params={"per_page": 100, "trashed": trashed, "include": "tags"}).json
            assert page["meta"]["total"] == len(page["data"])
            shown |= {customer["id"]: customer for customer in page["data"]}
        assert shown.keys() == self.customers.keys()
        for number, customer in shown.items():
            record = self.customers[number]
            as_kept = {name: customer[name] for name in SHOWN} | {
                "user_id": customer["related_user"] and customer["related_user"]["id"],
                "date_of_birth": customer["date_of_birth"] and date.fromisoformat(customer["date_of_birth"][:10]),
            }
            assert as_kept == {name: getattr(record, name) for name in as_kept}
            assert {name: customer[name] and datetime.fromisoformat(customer[name]) for name in TIMES} == {
                name: getattr(record, name) for name in TIMES
            }
            assert sorted(tag["id"] for tag in customer["tags"]) == self.tags_of[number]

    @invariant()
    def the_feed_tells_of_everything(self) -> None:
        self.check(self.follower)

    def changes(self, asked: Mapping[str, int]) -> Any:
        return self.get(CHANGES, params=asked).json

    def check(self, follower: Follower) -> None:
        follower.read_new()
        assert follower.customers == {
            number: as_in_the_feed(record, self.tags_of[number]) for number, record in self.customers.items()
        }
        assert follower.deleted == self.gone

    @invariant()
    def the_counts_are_right(self) -> None:
        assert check_counts(self.world.database, self.tenant) == []

    @invariant()
    def the_statistics_count_every_customer(self) -> None:
        data = self.get(f"{LIST}/statistics").json["data"]
        assert shown(data) == counted(self.customers.values(), self.tags_of)
        assert data["total"] == sum(entry["count"] for entry in data["age"])

    def teardown(self) -> None:
        if hasattr(self, "tenant"):
            late = Follower(self.changes)
            self.check(late)
            assert late.changes == self.follower.changes


SHOWN = ("first_name", "last_name", "phone_number", "email", "gender", "identity_number", "job", "address")
TIMES = ("created_at", "updated_at", "deleted_at")


def keys_of(record: Record) -> dict[str, str]:
    """Return the values of the record that must be unique among customers."""
    if record.deleted_at is not None:
        return {}
    values = {field: getattr(record, field) for field in UNIQUE}
    return {field: value.lower() if field == "email" else value for field, value in values.items() if value is not None}


def as_in_the_feed(record: Record, tags: list[int]) -> dict[str, Any]:
    """Return the fields that the change feed contains for this record."""
    told: dict[str, Any] = {name: getattr(record, name) for name in Record.__struct_fields__}
    for name in ("id", "version", "merged_into_id"):
        del told[name]
    told = {name: as_json(value) for name, value in told.items() if value is not None}
    return told | ({"tags": tags} if tags else {})


def as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("unique", [(), UNIQUE], ids=["shared", "unique"])
def test_lists_totals_and_feed_agree_after_any_operations(empty_world: World, unique: tuple[str, ...]) -> None:
    machine: Any = partial(Customers, empty_world, unique)
    run_state_machine_as_test(machine, settings=hypothesis_settings(max_examples=EXAMPLES, stateful_step_count=STEPS))
