"""What a customer refers to: a country, and a channel, members and tags of its tenant."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from regulars.db.database import Database
from regulars.db.dialects import one_of
from regulars.db.statement import Statement
from regulars.db.tables import channels, countries, memberships, tags

COUNTRY = Statement(select(countries.c.id).where(countries.c.id == bindparam("id")))
CHANNEL = Statement(
    select(channels.c.id).where(channels.c.tenant_id == bindparam("tenant_id"), channels.c.id == bindparam("id"))
)
MEMBER = Statement(
    select(memberships.c.user_id).where(
        memberships.c.tenant_id == bindparam("tenant_id"),
        memberships.c.user_id == bindparam("id"),
        memberships.c.deleted_at.is_(None),
    )
)
FIND_TAGS = Statement(select(tags.c.id).where(tags.c.tenant_id == bindparam("tenant_id"), one_of(tags.c.id, "ids")))


class References:
    """Finds what customers of one tenant refer to. Each method raises ValueError with the rest of a sentence."""

    def __init__(self, database: Database, tenant_id: int) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self._known: set[tuple[Statement, int]] = set()

    def country(self, number: int) -> int:
        """A country's id."""
        return self._found(COUNTRY, number, "a country, as /api/v1/countries lists them")

    def channel(self, number: int) -> int:
        """The id of a channel of the tenant."""
        return self._found(CHANNEL, number, "a channel of this tenant, as /api/v1/channels lists them")

    def member(self, number: int) -> int:
        """The id of a user who is a member of the tenant."""
        return self._found(MEMBER, number, "a member of this tenant, as /api/v1/users lists them")

    def tags(self, numbers: Sequence[int]) -> list[int]:
        """The ids of tags of the tenant, each once, in their order."""
        wanted = sorted(set(numbers))
        if wanted:
            rows = self.database.fetch_all(FIND_TAGS, {"tenant_id": self.tenant_id, "ids": wanted})
            missing = sorted(set(wanted) - {number for (number,) in rows})
            if missing:
                raise ValueError(f"must be ids of tags of this tenant, as /api/v1/tags lists them, not {missing[0]}")
        return wanted

    def _found(self, statement: Statement, number: int, what: str) -> int:
        if (statement, number) not in self._known:
            if self.database.fetch_one(statement, {"tenant_id": self.tenant_id, "id": number}) is None:
                raise ValueError(f"must be the id of {what}, not {number}")
            self._known.add((statement, number))
        return number
