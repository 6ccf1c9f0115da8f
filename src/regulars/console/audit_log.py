"""`/settings/audit`: who changed the people, the applications and the settings of the business."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import falcon

from regulars.accounts.invitations import list_invitations
from regulars.accounts.memberships import list_members
from regulars.accounts.users import get_user
from regulars.console.business import LABELS
from regulars.console.pages import Pages
from regulars.console.screen import Screen, open_screen
from regulars.console.settings_page import show
from regulars.db.database import Database
from regulars.errors import NotFound
from regulars.i18n import Message, _, translate
from regulars.oauth.clients import find_client
from regulars.permissions import COMMAND_LINE, CONSOLE
from regulars.security.audit import NEWEST, AuditEvent, list_tenant_events

EVENTS = 50
WHAT = {
    "member.added": _("{object} became a member: {detail}"),
    "member.changed": _("changed the role of {object}: {detail}"),
    "member.removed": _("{object} is no longer a member"),
    "invitation.sent": _("invited {object}: {detail}"),
    "invitation.resent": _("sent the invitation of {object} again"),
    "invitation.revoked": _("revoked the invitation of {object}"),
    "invitation.accepted": _("accepted the invitation of {object}"),
    "invitation.declined": _("{object} declined the invitation"),
    "client.created": _("registered the application {object}"),
    "client.changed": _("changed the application {object}"),
    "client.secret_rotated": _("created a new secret for the application {object}"),
    "client.deleted": _("deleted the application {object}"),
    "tenant.changed": _("changed the business: {object}"),
}
"""What each kind of event means, as the rest of a sentence that starts with a name."""
KINDS = {
    "member.added": _("Person added"),
    "member.changed": _("Role changed"),
    "member.removed": _("Person removed"),
    "invitation.sent": _("Invitation sent"),
    "invitation.resent": _("Invitation sent again"),
    "invitation.revoked": _("Invitation revoked"),
    "invitation.accepted": _("Invitation accepted"),
    "invitation.declined": _("Invitation declined"),
    "client.created": _("Application registered"),
    "client.changed": _("Application changed"),
    "client.secret_rotated": _("New secret"),
    "client.deleted": _("Application deleted"),
    "tenant.changed": _("Business changed"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as people read it. `who` is empty for the operator and for people who are unknown."""

    who: str
    what: str
    where: str
    address: str
    at: datetime


class AuditLog:
    """`/settings/audit`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the events, newest first, from the one before `before`, of the kind `kind` if it is given."""
        screen = open_screen(self.pages, request, response, "users:write")
        before, kind = request.get_param("before") or NEWEST, request.get_param("kind") or ""
        found = list_tenant_events(
            self.pages.database, screen.tenant.id, limit=EVENTS + 1, before=before[:36], kind=kind or None
        )
        shown = found[:EVENTS]
        show(
            self.pages, request, response, screen.visitor, "audit",
            entries=_entries(self.pages.database, screen, shown),
            kinds=KINDS,
            kind=kind,
            is_first=before == NEWEST,
            next_before=shown[-1].id if len(found) > EVENTS else "",
        )  # fmt: skip


class _Names:
    """Finds the names of the people and applications in events."""

    def __init__(self, database: Database, tenant_id: int, language: str) -> None:
        self._database = database
        self._language = language
        self._people: dict[int, str] = {member.user_id: member.name for member in list_members(database, tenant_id)}
        self._clients = {CONSOLE: "", COMMAND_LINE.client_id: translate(_("command line"), language)}
        self.invitations: Mapping[str, str] = {each.id: each.email for each in list_invitations(database, tenant_id)}

    def person(self, user_id: int | None) -> str:
        """Return the name of a user, who may have left the business; empty without a user."""
        if user_id is None:
            return ""
        if user_id not in self._people:
            try:
                self._people[user_id] = get_user(self._database, user_id).name
            except NotFound:
                self._people[user_id] = translate(_("deleted user {id}", id=user_id), self._language)
        return self._people[user_id]

    def client(self, client_id: str | None) -> str:
        """Return the name of an application; empty for the console."""
        if client_id is None:
            return ""
        if client_id not in self._clients:
            client = find_client(self._database, client_id)
            self._clients[client_id] = client.name if client else client_id
        return self._clients[client_id]


def _entries(database: Database, screen: Screen, events: Sequence[AuditEvent]) -> list[Entry]:
    names = _Names(database, screen.tenant.id, screen.visitor.language) if events else None
    return [_entry(event, names) for event in events if names]


def _entry(event: AuditEvent, names: _Names) -> Entry:
    is_client = event.kind.startswith("client.")
    return Entry(
        who=names.person(event.user_id),
        what=_what(event, names),
        where="" if is_client else names.client(event.client_id),
        address=event.address or "",
        at=event.created_at,
    )


def _what(event: AuditEvent, names: _Names) -> str:
    subject, _colon, detail = (event.about or "").partition(": ")
    about: str
    match event.kind.partition(".")[0]:
        case "member":
            about = names.person(int(subject.removeprefix("user ")))
        case "invitation":
            about = names.invitations.get(subject.removeprefix("invitation "), subject)
        case "tenant":
            fields = {f"field_{number}": LABELS.get(name, name) for number, name in enumerate(subject.split())}
            about = Message(", ".join(f"{{{name}}}" for name in fields), fields)
        case _:
            about = subject
    sentence = WHAT.get(event.kind)
    return Message(sentence, {"object": about, "detail": Message(detail, {})}) if sentence else event.kind
