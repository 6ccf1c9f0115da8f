"""What a row of a CSV file may name: a country, a member and a channel of the tenant."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from regulars.accounts.memberships import list_members
from regulars.accounts.users import normal_email
from regulars.customers.tags import BETWEEN_TAGS, list_tags, name_key
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import channels, countries
from regulars.text import fold
from regulars.validation import quote

COUNTRIES = Statement(select(countries.c.id, countries.c.code, countries.c.name))
CHANNELS = Statement(select(channels.c.id).where(channels.c.tenant_id == bindparam("tenant_id")))


@dataclass(frozen=True, slots=True)
class Names:
    """The ids of what a tenant's rows may name. Each method takes trimmed text and raises ValueError like a reader."""

    country_codes: Mapping[str, int]
    country_names: Mapping[str, int]
    member_emails: Mapping[str, int]
    member_names: Mapping[str, int]
    same_names: frozenset[str]
    channel_ids: frozenset[int]
    tag_ids: Mapping[str, int]

    def country_of_code(self, text: str) -> int:
        """The country of an ISO 3166-1 alpha-2 code."""
        found = self.country_codes.get(text.upper())
        if found is None:
            raise ValueError(f"must be a country's code of two letters, such as TR, not {quote(text)}")
        return found

    def country_of_name(self, text: str) -> int:
        """The country of that name, however its letters are written."""
        found = self.country_names.get(fold(text))
        if found is None:
            raise ValueError(f"must be the name of a country, such as Türkiye, not {quote(text)}")
        return found

    def member_of_email(self, text: str) -> int:
        """The member of the tenant with that e-mail address."""
        found = self.member_emails.get(text.lower()) or self.member_emails.get(normal_email(text) or "")
        if found is None:
            raise ValueError(f"must be the e-mail address of a member of this tenant, not {quote(text)}")
        return found

    def member_of_name(self, text: str) -> int:
        """The one member of the tenant with that name."""
        if text in self.same_names:
            raise ValueError(f"must be the name of one member: {quote(text)} has several; give user_email instead")
        found = self.member_names.get(text)
        if found is None:
            raise ValueError(f"must be the name of a member of this tenant, not {quote(text)}")
        return found

    def tags(self, text: str) -> list[int]:
        """The tags of these names, with | between them, whatever their letter case."""
        found = set()
        for name in text.split(BETWEEN_TAGS):
            tag_id = self.tag_ids.get(name_key(name))
            if tag_id is None:
                raise ValueError(f"must be names of tags of this tenant with | between them, not {quote(name)}")
            found.add(tag_id)
        return sorted(found)

    def channel(self, text: str) -> int:
        """The channel of that id."""
        found = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
        if found not in self.channel_ids:
            raise ValueError(f"must be the id of a channel of this tenant, not {quote(text)}")
        return found


def names_of(database: Database, tenant_id: int) -> Names:
    """What the rows of this tenant may name."""
    every_country = database.fetch_all(COUNTRIES)
    members = list_members(database, tenant_id)
    how_many = Counter(member.name for member in members)
    return Names(
        country_codes={code: number for number, code, _ in every_country},
        country_names={fold(name): number for number, _, name in every_country},
        member_emails={member.email: member.user_id for member in members},
        member_names={member.name: member.user_id for member in members},
        same_names=frozenset(name for name, count in how_many.items() if count > 1),
        tag_ids={name_key(tag.name): tag.id for tag in list_tags(database, tenant_id)},
        channel_ids=frozenset(number for (number,) in database.fetch_all(CHANNELS, {"tenant_id": tenant_id})),
    )
