"""`/settings/channels`: the channels in which the business communicates with its customers."""

from typing import Any, get_args
from zoneinfo import ZoneInfo

import falcon

from regulars.console.pages import Form, Pages
from regulars.console.screen import Screen, open_screen
from regulars.console.settings_page import ask_first, check_business, is_confirmed, show
from regulars.customers.read.statistics import fetch_statistics
from regulars.errors import Conflict, Invalid, NotFound
from regulars.i18n import _
from regulars.tenants.channels import (
    ChannelKind,
    create_channel,
    delete_channel,
    get_channel,
    list_channels,
    rename_channel,
)
from regulars.tenants.validation import read_settings
from regulars.validation import read_name

PATH = "/settings/channels"
KINDS = {"whatsapp": "WhatsApp", "instagram": "Instagram", "website": _("Website"), "telegram": "Telegram"}


class Channels:
    """`/settings/channels`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the channels."""
        self._show(request, response, open_screen(self.pages, request, response, "tenants:write"))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Add, rename or delete a channel."""
        screen = open_screen(self.pages, request, response, "tenants:write")
        form = self.pages.form(request, screen.visitor)
        check_business(form, screen)
        if form.get("do") == "delete" and not is_confirmed(form):
            self._ask(request, response, screen, form)
            return
        try:
            done = self._act(screen, form)
        except (Invalid, Conflict) as error:
            faults = error.errors or {"form": [error.message]}
            self._show(request, response, screen, form=form, at=form.number("channel"), faults=faults, status=422)
            return
        self.pages.redirect(response, f"{PATH}?done={done}")

    def _act(self, screen: Screen, form: Form) -> str:
        """Carry out the action in the form. Return a key of `DONE_MESSAGES`."""
        database, tenant_id, channel_id = self.pages.database, screen.tenant.id, form.number("channel")
        match form.get("do"):
            case "add":
                create_channel(database, tenant_id, **_read(form, "kind", "name"))
                return "channel"
            case "rename":
                rename_channel(database, tenant_id, channel_id, **_read(form, "name"))
                return "channel-renamed"
            case "delete":
                delete_channel(database, tenant_id, channel_id)
                return "channel-deleted"
            case _:
                raise NotFound(_("There is nothing at this address."))

    def _ask(self, request: falcon.Request, response: falcon.Response, screen: Screen, form: Form) -> None:
        channel = get_channel(self.pages.database, screen.tenant.id, form.number("channel"))
        ask_first(
            self.pages, request, response, screen.visitor, form,
            question=_("Delete the channel {name}?", name=channel.name),
            consequence=_("This cannot be undone. A channel that customers use cannot be deleted."),
            action=_("Delete"),
            back=PATH,
        )  # fmt: skip

    def _show(self, request: falcon.Request, response: falcon.Response, screen: Screen, **values: Any) -> None:
        channels = list_channels(self.pages.database, screen.tenant.id)
        now = screen.now.astimezone(ZoneInfo(screen.tenant.time_zone))
        statistics = fetch_statistics(self.pages.database, screen.tenant.id, ["channel"], now)
        defaults: dict[str, Any] = {
            "channels": channels,
            "counts": {each.id: each.count for each in statistics.channel or ()},
            "kinds": KINDS,
            "form": Form([]),
            "at": 0,
            "faults": {},
        }
        show(self.pages, request, response, screen.visitor, "channels", **(defaults | values))


def _read(form: Form, *names: str) -> dict[str, Any]:
    return read_settings({name: form.get(name) for name in names}, {"name": read_name, "kind": _read_kind})


def _read_kind(text: str) -> str:
    if text not in get_args(ChannelKind):
        raise ValueError(_("must be one of {options}", options=", ".join(get_args(ChannelKind))))
    return text
