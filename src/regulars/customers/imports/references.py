"""Find the countries, members and channels to which a row of a file refers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from regulars.accounts.memberships import list_members
from regulars.accounts.users import normal_email
from regulars.db.database import Database
from regulars.db.statement import Statement
from regulars.db.tables import channels, countries
from regulars.i18n import _
from regulars.text import fold, fold_uncached
from regulars.validation import quote

LIST_COUNTRIES = Statement(select(countries.c.id, countries.c.code, countries.c.name))
LIST_CHANNEL_IDS = Statement(select(channels.c.id).where(channels.c.tenant_id == bindparam("tenant_id")))


@dataclass(frozen=True, slots=True)
class ReferenceNames:
    """The ids of all objects to which rows of a tenant may refer.

    Each method takes trimmed text and returns an id. It raises ValueError if nothing is found, with a message that
    completes a sentence that starts with the name of the column.
    """

    country_codes: Mapping[str, int]
    country_names: Mapping[str, int]
    member_emails: Mapping[str, int]
    member_names: Mapping[str, int]
    ambiguous_names: frozenset[str]
    channel_ids: frozenset[int]

    def country_of_code(self, text: str) -> int:
        """Find a country by its ISO 3166-1 alpha-2 code."""
        found = self.country_codes.get(text.upper())
        if found is None:
            raise ValueError(_("must be a country code of two letters, such as TR, not {value}", value=quote(text)))
        return found

    def country_of_name(self, text: str) -> int:
        """Find a country by name, regardless of letter case and accents."""
        found = self.country_names.get(fold_uncached(text))
        if found is None:
            raise ValueError(_("must be the name of a country, such as Türkiye, not {value}", value=quote(text)))
        return found

    def member_of_email(self, text: str) -> int:
        """Find a member of the tenant by e-mail address."""
        found = self.member_emails.get(text.lower()) or self.member_emails.get(normal_email(text) or "")
        if found is None:
            raise ValueError(_("must be the e-mail address of a member of this tenant, not {value}", value=quote(text)))
        return found

    def member_of_name(self, text: str) -> int:
        """Find a member of the tenant by name. Raise ValueError also if several members have the name."""
        if text in self.ambiguous_names:
            raise ValueError(
                _("is ambiguous: several members have the name {value}. Use user_email instead", value=quote(text))
            )
        found = self.member_names.get(text)
        if found is None:
            raise ValueError(_("must be the name of a member of this tenant, not {value}", value=quote(text)))
        return found

    def channel(self, text: str) -> int:
        """Find a channel by its id."""
        found = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
        if found not in self.channel_ids:
            raise ValueError(_("must be the id of a channel of this tenant, not {value}", value=quote(text)))
        return found


def load_reference_names(database: Database, tenant_id: int) -> ReferenceNames:
    """Load and return the ids of all objects to which the tenant's customers may refer."""
    countries_in_database = database.fetch_all(LIST_COUNTRIES)
    members = list_members(database, tenant_id)
    name_counts = Counter(member.name for member in members)
    return ReferenceNames(
        country_codes={code: number for number, code, _name in countries_in_database},
        country_names={fold(name): number for number, _code, name in countries_in_database},
        member_emails={member.email: member.user_id for member in members},
        member_names={member.name: member.user_id for member in members},
        ambiguous_names=frozenset(name for name, count in name_counts.items() if count > 1),
        channel_ids=frozenset(number for (number,) in database.fetch_all(LIST_CHANNEL_IDS, {"tenant_id": tenant_id})),
    )
