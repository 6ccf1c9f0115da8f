"""The history of a customer as a timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from regulars.accounts.memberships import list_members
from regulars.console.formats import day, phone
from regulars.console.screen import Screen
from regulars.customers.change_log import CustomerChange, list_history
from regulars.customers.tags import list_tags
from regulars.db.database import Database
from regulars.i18n import _, translate
from regulars.tenants.channels import list_channels
from regulars.tenants.countries import list_countries

ENTRIES = 50
MAX_CHANGES = 1_000
HIDDEN = {"deleted_at"}


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A field that a change has changed: both values as people read them, and the earlier one for the API."""

    name: str
    before: str
    after: str
    earlier: Any


@dataclass(frozen=True, slots=True)
class Entry:
    """A change of a customer. `who` is empty if an application or the operator made it."""

    who: str
    action: str
    fields: list[ChangedField]
    at: datetime
    file_name: str
    other_id: int | None
    client: str


def history_of(database: Database, screen: Screen, customer_id: int) -> list[Entry]:
    """Return the last changes of a customer, newest first."""
    found = list_history(database, screen.tenant.id, customer_id, 0, MAX_CHANGES)
    names = ValueTexts(database, screen) if found else None
    return [_entry(change, names) for change in reversed(found[-ENTRIES:]) if names]


class ValueTexts:
    """Turns stored values of customers into what people read. It knows the names of the objects that they refer to."""

    def __init__(self, database: Database, screen: Screen) -> None:
        tenant_id = screen.tenant.id
        self.language = screen.visitor.language
        self.country_code = screen.tenant.country_code
        self.by_field: Mapping[str, Mapping[int, str]] = {
            "user_id": {member.user_id: member.name for member in list_members(database, tenant_id)},
            "default_channel_id": {each.id: each.name for each in list_channels(database, tenant_id)},
            "country_id": {each.id: each.name for each in list_countries(database)},
            "tags": {tag.id: tag.name for tag in list_tags(database, tenant_id)},
        }

    def text(self, field: str, value: Any) -> str:
        """Return a stored value of a field as people read it."""
        if value is None or value == []:
            return ""
        if field in self.by_field:
            ids = value if isinstance(value, list) else [value]
            return ", ".join(self.by_field[field].get(each, str(each)) for each in ids)
        if field == "phone_number":
            return phone(value, self.country_code)
        if field == "date_of_birth":
            return day(datetime.fromisoformat(value).date(), self.language)
        return translate(value, self.language) if field == "gender" else str(value)


def _entry(change: CustomerChange, names: ValueTexts) -> Entry:
    fields = [
        ChangedField(name, names.text(name, each.before), names.text(name, each.after), each.before)
        for name, each in (change.fields or {}).items()
        if name not in HIDDEN
    ]
    return Entry(
        who=change.user.name if change.user else "",
        action=change.action,
        fields=fields if change.action == "updated" else [],
        at=change.created_at,
        file_name=change.imported_from.file_name if change.imported_from else "",
        other_id=change.other_customer_id,
        client=change.client_id or "",
    )


ACTIONS = {
    "created": _("added the customer"),
    "updated": _("changed {fields}"),
    "trashed": _("moved the customer to the trash"),
    "restored": _("restored the customer"),
    "merged": _("merged the customer with another"),
    "unmerged": _("undid a merge"),
    "purged": _("deleted the customer"),
    "erased": _("erased the personal data"),
}
"""What a change did, as the rest of a sentence that starts with a name."""
