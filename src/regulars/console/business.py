"""`/settings/business`: name, logo, time zone, language, country and unique fields of the business."""

from typing import Any
from zoneinfo import ZoneInfo

import falcon
from babel import Locale, UnknownLocaleError

from regulars.console.pages import Form, Pages
from regulars.console.screen import Screen, open_screen
from regulars.console.settings_page import check_business, show
from regulars.errors import Conflict, Invalid
from regulars.i18n import _
from regulars.tenants.countries import list_countries
from regulars.tenants.tenants import Tenant, country_reader, update_tenant
from regulars.tenants.validation import read_settings, readers, time_zones

PATH = "/settings/business"
LOCALES = ("tr-TR", "en-GB", "en-US")
UNIQUE_FIELDS = {
    "phone_number": _("Phone number"),
    "email": _("E-mail address"),
    "identity_number": _("Identity number"),
}
LABELS = {
    "name": _("Name"),
    "timezone": _("Time zone"),
    "locale": _("Language"),
    "country": _("Country"),
    "logo_url": _("Logo"),
    "unique_fields": _("Unique fields"),
}
"""The settings of a business as people read them."""
TEXTS = ("name", "timezone", "locale", "country", "logo_url")


class Business:
    """`/settings/business`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the form."""
        screen = open_screen(self.pages, request, response, "tenants:write")
        self._show(request, response, screen, _form_of(screen.tenant))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Change the settings."""
        screen = open_screen(self.pages, request, response, "tenants:write")
        form = self.pages.form(request, screen.visitor)
        check_business(form, screen)
        database = self.pages.database
        given: dict[str, Any] = {name: form.get(name) for name in TEXTS}
        given["unique_fields"] = form.all("unique_fields")
        try:
            settings = read_settings(given, readers(country_reader(database)))
            update_tenant(database, screen.tenant.id, settings, screen.actor)
        except (Invalid, Conflict) as error:
            self._show(request, response, screen, form, faults=error.errors, status=422)
            return
        self.pages.redirect(response, f"{PATH}?done=business")

    def _show(
        self, request: falcon.Request, response: falcon.Response, screen: Screen, form: Form, **values: Any
    ) -> None:
        language = screen.visitor.language
        locales = dict.fromkeys([screen.tenant.locale, *LOCALES])
        defaults: dict[str, Any] = {
            "form": form,
            "faults": {},
            "unique": form.all("unique_fields"),
            "unique_fields": UNIQUE_FIELDS,
            "zones": sorted(time_zones()),
            "locales": [(code, locale_name(code, language)) for code in locales],
            "local_time": f"{screen.now.astimezone(ZoneInfo(screen.tenant.time_zone)):%H:%M}",
            "countries": list_countries(self.pages.database),
        }
        show(self.pages, request, response, screen.visitor, "business", **(defaults | values))


def _form_of(tenant: Tenant) -> Form:
    texts = (tenant.name, tenant.time_zone, tenant.locale, tenant.country_code, tenant.logo_url or "")
    return Form([*zip(TEXTS, texts, strict=True), *(("unique_fields", name) for name in tenant.unique_fields)])


def locale_name(code: str, language: str) -> str:
    """Return the name of a language and country, such as "Turkish (Türkiye)"; the code if it is unknown."""
    try:
        return Locale.parse(code, sep="-").get_display_name(language) or code
    except (UnknownLocaleError, ValueError):
        return code
