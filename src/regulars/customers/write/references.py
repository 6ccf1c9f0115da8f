"""References of a customer: a country, and a channel, member and tags of its tenant."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from regulars.db.database import Database
from regulars.db.dialects import one_of
from regulars.db.statement import Statement
from regulars.db.tables import channels, countries, memberships, tags
from regulars.i18n import _

FIND_COUNTRY = Statement(select(countries.c.id).where(countries.c.id == bindparam("id")))
FIND_CHANNEL = Statement(
    select(channels.c.id).where(channels.c.tenant_id == bindparam("tenant_id"), channels.c.id == bindparam("id"))
)
FIND_MEMBER = Statement(
    select(memberships.c.user_id).where(
        memberships.c.tenant_id == bindparam("tenant_id"),
        memberships.c.user_id == bindparam("id"),
        memberships.c.deleted_at.is_(None),
    )
)
FIND_TAG_IDS = Statement(select(tags.c.id).where(tags.c.tenant_id == bindparam("tenant_id"), one_of(tags.c.id, "ids")))


class References:
    """Check the references of customers of one tenant.

    Each method returns the id (`tags`: the ids), or raises ValueError if it does not exist. The message completes a
    sentence that starts with the name of the field.
    """

    def __init__(self, database: Database, tenant_id: int) -> None:
        self.database = database
        self.tenant_id = tenant_id
        self._checked: set[tuple[Statement, int]] = set()

    def country(self, number: int) -> int:
        """Check the id of a country."""
        return self._check(
            FIND_COUNTRY, number, _("must be the id of a country (see /api/v1/countries), not {id}", id=number)
        )

    def channel(self, number: int) -> int:
        """Check the id of a channel of the tenant."""
        rule = _("must be the id of a channel of this tenant (see /api/v1/channels), not {id}", id=number)
        return self._check(FIND_CHANNEL, number, rule)

    def member(self, number: int) -> int:
        """Check the id of a user who is a member of the tenant."""
        rule = _("must be the id of a member of this tenant (see /api/v1/users), not {id}", id=number)
        return self._check(FIND_MEMBER, number, rule)

    def tags(self, numbers: Sequence[int]) -> list[int]:
        """Check the ids of tags of the tenant. Return each once, in ascending order."""
        wanted = sorted(set(numbers))
        if wanted:
            rows = self.database.fetch_all(FIND_TAG_IDS, {"tenant_id": self.tenant_id, "ids": wanted})
            missing = sorted(set(wanted) - {number for (number,) in rows})
            if missing:
                raise ValueError(_("must be ids of tags of this tenant (see /api/v1/tags), not {id}", id=missing[0]))
        return wanted

    def existing_tags(self, numbers: Sequence[int]) -> list[int]:
        """Return those of the ids that are tags of the tenant, in ascending order."""
        rows = self.database.fetch_all(FIND_TAG_IDS, {"tenant_id": self.tenant_id, "ids": sorted(set(numbers))})
        return sorted(number for (number,) in rows)

    def _check(self, statement: Statement, number: int, rule: str) -> int:
        if (statement, number) not in self._checked:
            if self.database.fetch_one(statement, {"tenant_id": self.tenant_id, "id": number}) is None:
                raise ValueError(rule)
            self._checked.add((statement, number))
        return number
