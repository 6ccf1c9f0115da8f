"""Generated tenants, users and customers for trials and benchmarks."""

import multiprocessing
import os
import random
import secrets
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import cycle, islice

from regulars.accounts.memberships import add_member
from regulars.accounts.users import User, create_user, find_holder
from regulars.clock import utc_now
from regulars.customers.counts.maintenance import count_customers
from regulars.customers.write.storage import load_uncounted, reserve_customer_ids, row_of
from regulars.db.bulk_load import analyze_after_load, deferred_indexes, has_customers
from regulars.db.database import Database
from regulars.db.statement import Row
from regulars.permissions import Role
from regulars.sample_data.people import all_people, check_faker, generate_customers
from regulars.tenants.tenants import Tenant, create_tenant

CUSTOMERS_PER_BATCH = 5_000
MIN_DEFERRED_ROWS = 20_000

TENANTS = (
    ("Boğaziçi Diş Kliniği", "Europe/Istanbul", "tr-TR", "TR"),
    ("Optik Müller", "Europe/Berlin", "de-DE", "DE"),
    ("Harbour Physiotherapy", "Europe/London", "en-GB", "GB"),
    ("Çınar Güzellik Salonu", "Europe/Istanbul", "tr-TR", "TR"),
    ("Lakeside Dental", "America/Chicago", "en-US", "US"),
    ("Clínica del Sol", "Europe/Madrid", "es-ES", "ES"),
    ("Librairie du Marais", "Europe/Paris", "fr-FR", "FR"),
)
STAFF = (("agent", Role.AGENT), ("colleague", Role.AGENT), ("viewer", Role.VIEWER))


@dataclass(frozen=True, slots=True)
class Seeded:
    """The result of a seed run. The first user owns the first tenant."""

    tenants: Sequence[Tenant]
    users: Sequence[User]
    customers: int


def seed_database(
    database: Database,
    sizes: Sequence[int],
    *,
    seed: int = 1,
    password: str | None = None,
    progress: Callable[[int], object] = lambda amount: None,
) -> Seeded:
    """Create users, and a tenant for each of `sizes` with that number of customers, in one transaction.

    All users get the same password, by default a random one. `progress` is called with the size of each batch. Raise
    `ConfigurationError` if Faker is not installed.
    """
    check_faker()
    now = utc_now()
    customers = sum(sizes)
    with _transaction(database, customers):
        made_tenants = [_make_tenant(database, number) for number in range(len(sizes))]
        members, users = _make_users(database, made_tenants, seed, password or secrets.token_urlsafe(16))
        with _processes(customers) as made_of:
            for tenant, size in zip(made_tenants, sizes, strict=True):
                ids = reserve_customer_ids(database, tenant.id, size)
                jobs = (_Job(tenant.id, batch, seed, now, members[tenant.id]) for batch in _batches(ids))
                for rows in made_of(_make_rows, jobs):
                    load_uncounted(database, tenant.id, rows)
                    progress(len(rows))
        for tenant in made_tenants:
            count_customers(database, tenant.id)
    if customers >= MIN_DEFERRED_ROWS:
        analyze_after_load(database)
    return Seeded(made_tenants, users, customers)


@dataclass(frozen=True, slots=True)
class _Job:
    """A batch of customers to generate."""

    tenant_id: int
    ids: Sequence[int]
    seed: int
    now: datetime
    user_ids: Sequence[int]


def _make_rows(job: _Job) -> list[Row]:
    seed = f"{job.seed} {job.tenant_id} {job.ids[0]}"
    made = generate_customers(job.ids, seed=seed, now=job.now, user_ids=job.user_ids)
    return [row_of(record) for record in made]


Making = Callable[[Callable[[_Job], list[Row]], Iterable[_Job]], Iterable[list[Row]]]


@contextmanager
def _processes(customers: int) -> Iterator[Making]:
    """Yield a function like `map`. It runs in several processes if `customers` is large, because generating rows takes
    longer than loading them."""
    if customers < MIN_DEFERRED_ROWS:
        yield map
        return
    workers = max(2, os.cpu_count() or 1)
    # Ctrl-C interrupts all processes of a terminal. The others ignore it, and this one ends them.
    quietly = (signal.signal, (signal.SIGINT, signal.SIG_IGN))
    with multiprocessing.get_context("spawn").Pool(workers, *quietly) as pool:

        def made_ahead(make: Callable[[_Job], list[Row]], jobs: Iterable[_Job]) -> Iterator[list[Row]]:
            # Limit the number of generated batches in memory.
            waiting = deque(pool.apply_async(make, (job,)) for job in islice(jobs, 2 * workers))
            for job in jobs:
                yield waiting.popleft().get()
                waiting.append(pool.apply_async(make, (job,)))
            for each in waiting:
                yield each.get()

        yield made_ahead


def shares(customers: int, tenants: int, *, skewed: bool) -> list[int]:
    """Return the number of customers of each tenant: equal shares or, if `skewed`, half of them in the first tenant."""
    if skewed and tenants > 1:
        rest = customers // 2
        return [customers - rest, *shares(rest, tenants - 1, skewed=False)]
    return [customers // tenants + (number < customers % tenants) for number in range(tenants)]


def _transaction(database: Database, customers: int) -> AbstractContextManager[None]:
    if customers >= MIN_DEFERRED_ROWS and not has_customers(database):
        return deferred_indexes(database)
    return database.transaction()


def _make_tenant(database: Database, number: int) -> Tenant:
    name, time_zone, locale, country = TENANTS[number % len(TENANTS)]
    if number >= len(TENANTS):
        name = f"{name} {number // len(TENANTS) + 1}"
    return create_tenant(database, name=name, time_zone=time_zone, locale=locale, country_code=country)


def _make_users(
    database: Database, tenants: Sequence[Tenant], seed: int, password: str
) -> tuple[dict[int, list[int]], list[User]]:
    """Create an owner for each business, and staff who work for all tenants. Reuse users that exist.

    Return the ids of the members by tenant, and all users.
    """
    draw = random.Random(seed)  # noqa: S311 - not a secret

    def make(word: str) -> User:
        email = f"{word}{tenants[0].id if word in dict(STAFF) else ''}@example.com"
        people = draw.choice(all_people())
        woman = draw.randrange(2)
        first, last = (draw.choice(names[woman])[0] for names in (people.first_names, people.last_names))
        known = find_holder(database, email)
        return known or create_user(database, email=email, name=f"{first} {last}", password=password)

    # All branches of a business have the same owner, because hashing a password takes 0.1 seconds.
    owners = [make(f"owner{tenant.id}") for tenant in tenants[: len(TENANTS)]]
    staff = [(make(word), role) for word, role in STAFF]
    members = {}
    for tenant, owner in zip(tenants, cycle(owners)):
        people = [(owner, Role.OWNER), *staff]
        for user, role in people:
            add_member(database, tenant.id, user.email, role)
        members[tenant.id] = [user.id for user, _ in people]
    return members, [*owners, *(user for user, _ in staff)]


def _batches(ids: range) -> Iterator[range]:
    for start in range(0, len(ids), CUSTOMERS_PER_BATCH):
        yield ids[start : start + CUSTOMERS_PER_BATCH]
