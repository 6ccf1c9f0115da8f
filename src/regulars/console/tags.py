"""`/settings/tags`: the tags of the business."""

from typing import Any
from zoneinfo import ZoneInfo

import falcon

from regulars.console.formats import tint_of_color
from regulars.console.pages import Form, Pages
from regulars.console.screen import Screen, open_screen
from regulars.console.settings_page import ask_first, check_business, is_confirmed, show
from regulars.customers.read.statistics import fetch_statistics
from regulars.customers.tags import create_tag, delete_tag, get_tag, list_tags, read_color, read_tag_name, update_tag
from regulars.errors import Conflict, Invalid, NotFound
from regulars.i18n import _
from regulars.tenants.validation import read_settings

PATH = "/settings/tags"
COLORS = (
    ("#8B5CF6", _("Violet")),
    ("#14B8A6", _("Teal")),
    ("#F59E0B", _("Amber")),
    ("#0EA5E9", _("Blue")),
    ("#3B5BDB", _("Indigo")),
    ("#E5484D", _("Rose")),
)
"""The colours to choose from, one for each tint."""


class Tags:
    """`/settings/tags`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the tags."""
        self._show(request, response, open_screen(self.pages, request, response, "customers:write"))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Add, change or delete a tag."""
        screen = open_screen(self.pages, request, response, "customers:write")
        form = self.pages.form(request, screen.visitor)
        check_business(form, screen)
        if form.get("do") == "delete" and not is_confirmed(form):
            self._ask(request, response, screen, form)
            return
        try:
            done = self._act(screen, form)
        except (Invalid, Conflict) as error:
            self._show(request, response, screen, form=form, at=form.number("tag"), faults=error.errors, status=422)
            return
        self.pages.redirect(response, f"{PATH}?done={done}")

    def _act(self, screen: Screen, form: Form) -> str:
        """Carry out the action in the form. Return a key of `DONE_MESSAGES`."""
        database, tenant_id, tag_id = self.pages.database, screen.tenant.id, form.number("tag")
        match form.get("do"):
            case "add":
                create_tag(database, tenant_id, **_read(form))
                return "tag"
            case "change":
                update_tag(database, tenant_id, tag_id, **_read(form))
                return "tag-changed"
            case "delete":
                delete_tag(database, tenant_id, tag_id, screen.actor)
                return "tag-deleted"
            case _:
                raise NotFound(_("There is nothing at this address."))

    def _ask(self, request: falcon.Request, response: falcon.Response, screen: Screen, form: Form) -> None:
        tag = get_tag(self.pages.database, screen.tenant.id, form.number("tag"))
        ask_first(
            self.pages, request, response, screen.visitor, form,
            question=_("Delete the tag {name}?", name=tag.name),
            consequence=_("It is removed from all customers that have it. This cannot be undone."),
            action=_("Delete"),
            back=PATH,
        )  # fmt: skip

    def _show(self, request: falcon.Request, response: falcon.Response, screen: Screen, **values: Any) -> None:
        now = screen.now.astimezone(ZoneInfo(screen.tenant.time_zone))
        statistics = fetch_statistics(self.pages.database, screen.tenant.id, ["tag"], now)
        defaults: dict[str, Any] = {
            "counts": {each.id: each.count for each in statistics.tag or ()},
            "tags": list_tags(self.pages.database, screen.tenant.id),
            "colors_for": colors_for,
            "form": Form([]),
            "at": 0,
            "faults": {},
        }
        show(self.pages, request, response, screen.visitor, "tags", **(defaults | values))


def colors_for(chosen: str) -> list[tuple[str, str]]:
    """Return the colours to choose from, with their names. `chosen` takes the place of the one that is most like it."""
    place = tint_of_color(chosen)
    return [(chosen if number == place else color, name) for number, (color, name) in enumerate(COLORS)]


def _read(form: Form) -> dict[str, Any]:
    given = {"name": form.get("name"), "color": form.get("color")}
    return read_settings(given, {"name": read_tag_name, "color": read_color})
