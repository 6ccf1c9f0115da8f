"""Test data: Alice owns a clinic with Bob as a member, Charlie owns a salon, and Dora is a member of both."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from falcon.testing import Result, TestClient

from regulars.accounts.memberships import add_member
from regulars.accounts.users import create_user
from regulars.app import create_app
from regulars.customers.fields import Record
from regulars.customers.write.storage import insert_customers, reserve_customer_ids
from regulars.db.connect import open_database
from regulars.db.database import Database
from regulars.oauth.access_tokens import issue_access_token
from regulars.permissions import Role
from regulars.scopes import SCOPES
from regulars.settings import Settings
from regulars.tenants.tenants import create_tenant

LIST = "/api/v1/customers"
PASSWORD = "correct horse battery"
NOON = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)


@dataclass
class World:
    """An open database with tenants and users, and a test client of the service."""

    url: str
    database: Database
    settings: Settings
    client: TestClient
    clinic: int = 0
    salon: int = 0
    alice: int = 0
    bob: int = 0
    charlie: int = 0
    dora: int = 0
    """User id of Dora, a member of the clinic and of the salon."""
    tokens: dict[int, str] = field(default_factory=dict)
    writers: dict[int, str] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def on(cls, url: str, **settings: Any) -> Iterator[Self]:
        """Yield a world on the migrated, empty database at `url`."""
        chosen = Settings(database=url, secret_key="a secret for the tests alone, 32+", **settings)
        database = open_database(url, threads=4, replicas=chosen.replicas)
        try:
            made = cls(url, database, chosen, client_for(chosen, database))
            made.populate()
            yield made
        finally:
            database.close()

    def populate(self) -> None:
        """Add the tenants and users."""
        self.clinic = create_tenant(
            self.database, name="Klinik Güneş", time_zone="Europe/Istanbul", locale="tr-TR", country_code="TR"
        ).id
        self.salon = create_tenant(
            self.database, name="Salon Belle", time_zone="Europe/Paris", locale="fr-FR", country_code="FR"
        ).id
        for name in ("alice", "bob", "charlie", "dora"):
            user = create_user(self.database, email=f"{name}@example.com", name=name.title(), password=PASSWORD)
            setattr(self, name, user.id)
        add_member(self.database, self.clinic, "alice@example.com", Role.OWNER)
        add_member(self.database, self.clinic, "bob@example.com", Role.AGENT)
        add_member(self.database, self.salon, "charlie@example.com", Role.OWNER)
        add_member(self.database, self.clinic, "dora@example.com", Role.VIEWER)
        add_member(self.database, self.salon, "dora@example.com", Role.VIEWER)

    def token(self, user_id: int, scopes: Sequence[str] = ("customers:read",), **options: Any) -> str:
        """Return a new access token for the user."""
        return issue_access_token(self.database, self.settings, user_id, scopes, **options)

    def get(self, path: str = LIST, *, user: int | None = None, tenant: object = None, **options: Any) -> Result:
        """Send a GET request as a user (default: Alice) for a tenant."""
        user_id = user or self.alice
        if user_id not in self.tokens:
            self.tokens[user_id] = self.token(user_id)
        headers = {"Authorization": f"Bearer {self.tokens[user_id]}"} | options.pop("headers", {})
        if tenant is not None:
            headers["X-Tenant"] = str(tenant)
        return self.client.simulate_get(path, headers=headers, **options)

    def send(
        self,
        method: str,
        path: str = LIST,
        content: object = None,
        *,
        user: int | None = None,
        tenant: object = None,
        **options: Any,
    ) -> Result:
        """Send a request as a user (default: Alice) with all scopes. Its JSON body is omitted if `content` is None."""
        user_id = user or self.alice
        if user_id not in self.writers:
            self.writers[user_id] = self.token(user_id, list(SCOPES))
        headers = {"Authorization": f"Bearer {self.writers[user_id]}"} | options.pop("headers", {})
        if tenant is not None:
            headers["X-Tenant"] = str(tenant)
        if content is not None:
            options["body"] = json.dumps(content)
            headers = {"Content-Type": "application/json"} | headers
        return self.client.simulate_request(method, path, headers=headers, **options)

    def create(self, **fields: Any) -> int:
        """Create a customer with the API as Alice, and return its id."""
        answer = self.send("POST", LIST, {"first_name": "Ayşe"} | fields)
        assert answer.status_code == 201, answer.text
        return int(answer.json["data"]["id"])

    def add(self, tenant_id: int | None = None, **fields: Any) -> int:
        """Insert a customer into a tenant (default: the clinic), and return its id."""
        tenant_id = tenant_id or self.clinic
        if "id" not in fields:
            (fields["id"],) = reserve_customer_ids(self.database, tenant_id, 1)
        common: dict[str, Any] = {"first_name": "Ayşe", "created_at": NOON, "updated_at": NOON}
        made = Record(**(common | fields))
        insert_customers(self.database, tenant_id, [made])
        return made.id

    def add_customers(self) -> None:
        """Add 40 customers to the clinic, 3 of them in the trash, and 2 to the salon."""
        genders = ("female", "male", "other", None)
        for number in range(40):
            self.add(
                first_name=f"Müşteri {number:02}",
                last_name=f"Yılmaz {number % 7}" if number % 5 else None,
                gender=genders[number % 4],
                date_of_birth=date(1960 + number, 1 + number % 12, 1 + number % 28) if number % 6 else None,
                user_id=self.bob if number % 3 == 0 else None,
                country_id=792,
                email=f"musteri{number}@example.com",
                phone_number=f"+9053211122{number:02}",
                created_at=NOON - timedelta(days=number // 2),
                deleted_at=NOON if number in {5, 15, 25} else None,
            )
        self.add(self.salon, first_name="Geneviève")
        self.add(self.salon, first_name="Müşteri 01")


def client_for(settings: Settings, database: Database) -> TestClient:
    """Return a client of a new application, which sends an accepted `Host`."""
    return TestClient(create_app(settings, database), headers={"Host": "localhost"})


def names(result: Result) -> list[str]:
    """Return the first names on a page, in order."""
    assert result.status_code == 200, result.text
    return [customer["first_name"] for customer in result.json["data"]]


def expect_error(result: Result, status: int, code: str) -> dict[str, Any]:
    """Assert that the response is an error with this status and code, and return its body."""
    assert result.status_code == status, result.text
    assert result.json["error"] == code
    assert result.json["message"]
    assert "data" not in result.json
    assert result.headers["X-Request-Id"]
    return dict(result.json)
