"""`/applications`: owners and admins register and change the applications of their business."""

from typing import Any

import falcon

from regulars.console.flash import redirect_with_flash, take_flash
from regulars.console.pages import Form, Pages
from regulars.console.screen import Screen, open_screen
from regulars.console.settings_page import ask_first, check_business, is_confirmed, show
from regulars.errors import Invalid
from regulars.i18n import Message, _
from regulars.oauth.clients import (
    DEVICE_CODE,
    REDIRECTED_KINDS,
    Client,
    ClientKind,
    create_client,
    delete_client,
    get_client,
    list_clients,
    rotate_secret,
    update_client,
)
from regulars.oauth.metadata import server_metadata
from regulars.permissions import Role
from regulars.scopes import SCOPES

PERMISSION = "applications:manage"
KIND_DESCRIPTIONS = {
    ClientKind.WEB: _("A web application with a server that can keep a secret."),
    ClientKind.NATIVE: _("A mobile or desktop app."),
    ClientKind.BROWSER: _("An application that runs only in the browser."),
    ClientKind.DEVICE: _("A device without a browser, such as a television or a till."),
    ClientKind.SERVICE: _("A service that acts on its own behalf, such as a nightly export."),
}
DEFAULT_SCOPES = {"openid", "profile", "email", "offline_access", "account:read", "tenants:read", "customers:read"}


class Applications:
    """`/applications`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the applications of the business."""
        screen = open_screen(self.pages, request, response, PERMISSION)
        clients = list_clients(self.pages.database, screen.tenant.id)
        logos = [client.logo_url for client in clients]
        values: dict[str, Any] = {"clients": clients, "kinds": KIND_DESCRIPTIONS}
        show(self.pages, request, response, screen.visitor, "applications", logo_urls=logos, **values)


class NewApplication:
    """`/applications/new`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the form for a new application."""
        screen = open_screen(self.pages, request, response, PERMISSION, is_sensitive=True)
        form = self.pages.draft_form(request)
        if not form.all("scope"):
            form = Form([*form.pairs, *(("scope", name) for name in DEFAULT_SCOPES)])
        self._show(request, response, screen, form)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Register the application, and redirect to its page, which shows the secret once."""
        screen = open_screen(self.pages, request, response, PERMISSION, is_sensitive=True)
        form = self.pages.form(request, screen.visitor)
        check_business(form, screen)
        kind = form.get("kind")
        try:
            client, secret = create_client(
                self.pages.database,
                name=form.get("name"),
                kind=kind,
                redirect_uris=form.get("redirect_uris").split(),
                scopes=form.all("scope"),
                tenant_id=screen.tenant.id,
                role=(form.get("role") or None) if kind == ClientKind.SERVICE else None,
                logo_url=form.get("logo_url") or None,
                actor=screen.actor,
            )
        except Invalid as error:
            self._show(request, response, screen, form, faults=error.errors, status=422)
            return
        path = path_of(client)
        if secret is None:
            self.pages.redirect(response, path)
        else:
            redirect_with_flash(self.pages, response, screen.user, path, secret)

    def _show(
        self, request: falcon.Request, response: falcon.Response, screen: Screen, form: Form, **values: Any
    ) -> None:
        defaults: dict[str, Any] = {"faults": {}, "tenant": screen.tenant, "form": form, "chosen": form.all("scope")}
        constant = {"kinds": KIND_DESCRIPTIONS, "scopes": SCOPES, "roles": (Role.VIEWER, Role.AGENT, Role.ADMIN)}
        show(self.pages, request, response, screen.visitor, "new_application", **(defaults | constant | values))


class OneApplication:
    """`/applications/{client_id}`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response, client_id: str) -> None:
        """Show the application with a form to change it, and a secret that was just created."""
        screen = open_screen(self.pages, request, response, PERMISSION)
        client = get_client(self.pages.database, client_id, screen.tenant.id)
        draft = self.pages.draft_form(request)
        secret = take_flash(self.pages, request, response, screen.user)
        self._show(request, response, screen, client, draft if draft.pairs else form_of(client), secret=secret)

    def on_post(self, request: falcon.Request, response: falcon.Response, client_id: str) -> None:
        """Change the application, replace its secret, or delete it."""
        screen = open_screen(self.pages, request, response, PERMISSION, is_sensitive=True)
        form = self.pages.form(request, screen.visitor)
        client = get_client(self.pages.database, client_id, screen.tenant.id)
        match form.get("do"):
            case "save":
                self._save(request, response, screen, client, form)
            case "rotate":
                self._rotate(request, response, screen, client, form)
            case "delete":
                self._delete(request, response, screen, client, form)
            case _:
                self.pages.redirect(response, path_of(client))

    def _save(
        self, request: falcon.Request, response: falcon.Response, screen: Screen, client: Client, form: Form
    ) -> None:
        try:
            update_client(
                self.pages.database,
                client,
                name=form.get("name"),
                redirect_uris=form.get("redirect_uris").split(),
                scopes=form.all("scope"),
                logo_url=form.get("logo_url") or None,
                actor=screen.actor,
            )
        except Invalid as error:
            self._show(request, response, screen, client, form, faults=error.errors, status=422)
            return
        self.pages.redirect(response, f"{path_of(client)}?done=application")

    def _rotate(
        self, request: falcon.Request, response: falcon.Response, screen: Screen, client: Client, form: Form
    ) -> None:
        if client.is_confidential and not is_confirmed(form):
            ask_first(
                self.pages, request, response, screen.visitor, form,
                question=_("Create a new secret for {name}?", name=client.name),
                consequence=_("The current secret stops working immediately. Put the new one into the application."),
                action=_("Create a new secret"),
                back=path_of(client),
            )  # fmt: skip
            return
        secret = rotate_secret(self.pages.database, client, screen.actor)
        redirect_with_flash(self.pages, response, screen.user, path_of(client), secret)

    def _delete(
        self, request: falcon.Request, response: falcon.Response, screen: Screen, client: Client, form: Form
    ) -> None:
        if not is_confirmed(form):
            ask_first(
                self.pages, request, response, screen.visitor, form,
                question=_("Delete {name}?", name=client.name),
                consequence=_("All access of the application ends immediately. This cannot be undone."),
                action=_("Delete the application"),
                back=path_of(client),
            )  # fmt: skip
            return
        delete_client(self.pages.database, client, screen.actor)
        self.pages.redirect(response, "/applications?done=application-deleted")

    def _show(
        self,
        request: falcon.Request,
        response: falcon.Response,
        screen: Screen,
        client: Client,
        form: Form,
        **values: Any,
    ) -> None:
        defaults: dict[str, Any] = {
            "client": client,
            "form": form,
            "chosen": form.all("scope"),
            "scopes": SCOPES,
            "kind": KIND_DESCRIPTIONS[client.kind],
            "has_redirects": client.kind in REDIRECTED_KINDS,
            "developer_values": self._developer_values(client),
            "secret": "",
            "faults": {},
            "logo_urls": [client.logo_url],
        }
        show(self.pages, request, response, screen.visitor, "application", **(defaults | values))

    def _developer_values(self, client: Client) -> list[tuple[str, Message, str]]:
        """Return what the developer of the application needs: the id of an element, the description and the value."""
        metadata = server_metadata(self.pages.settings)
        issuer = metadata["issuer"]
        values = [("client_id", _("Client id"), client.id), ("", _("Issuer"), issuer)]
        if client.kind in REDIRECTED_KINDS:
            values.append(("", _("Authorization endpoint"), metadata["authorization_endpoint"]))
        if client.check_grant_type(DEVICE_CODE):
            values.append(("", _("Device authorization endpoint"), metadata["device_authorization_endpoint"]))
        return [*values, ("", _("Token endpoint"), metadata["token_endpoint"]), ("", _("API"), issuer + "/api/v1")]


def form_of(client: Client) -> Form:
    """Return a form with the present values of an application."""
    texts = [("name", client.name), ("redirect_uris", "\n".join(client.redirect_uris))]
    return Form([*texts, ("logo_url", client.logo_url or ""), *(("scope", name) for name in client.scopes)])


def path_of(client: Client) -> str:
    """Return the path of the page of an application."""
    return f"/applications/{client.id}"


def application_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of the application pages."""
    return [
        ("/applications", Applications(pages)),
        ("/applications/new", NewApplication(pages)),
        ("/applications/{client_id}", OneApplication(pages)),
    ]
