"""`/applications`: owners and admins register the applications of their tenants."""

from typing import Any

import falcon

from regulars.accounts.memberships import memberships_of
from regulars.accounts.users import User
from regulars.console.account import show
from regulars.console.flash import redirect_with_flash, take_flash
from regulars.console.pages import Form, Pages, Visitor
from regulars.errors import Invalid, NotFound
from regulars.i18n import _
from regulars.oauth.clients import (
    Client,
    ClientKind,
    create_client,
    delete_client,
    get_client,
    list_clients,
    rotate_secret,
)
from regulars.permissions import Role
from regulars.scopes import SCOPES
from regulars.tenants.tenants import OwnTenant, list_tenants_of

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
        """List the applications of the tenants that the user manages."""
        visitor, _session, user = self.pages.signed_in(request, response)
        managed = [(tenant, list_clients(self.pages.database, tenant.id)) for tenant in managed_by(self.pages, user)]
        if not managed:
            raise NotFound(_("There is nothing at this address."))
        show(self.pages, request, response, visitor, "applications", managed=managed, kinds=KIND_DESCRIPTIONS)


class NewApplication:
    """`/applications/new`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show the form for a new application."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        form = self.pages.draft_form(request)
        if not form.all("scope"):
            form = Form([*form.pairs, *(("scope", name) for name in DEFAULT_SCOPES)])
        self._show(request, response, visitor, managed_by(self.pages, user), form)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Register the application, and redirect to its page, which shows the secret once."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        form = self.pages.form(request, visitor)
        tenants = managed_by(self.pages, user)
        tenant = next((managed for managed in tenants if str(managed.id) == form.get("tenant")), None)
        if tenant is None:
            raise NotFound(_("There is nothing at this address."))
        kind = form.get("kind")
        try:
            client, secret = create_client(
                self.pages.database,
                name=form.get("name"),
                kind=kind,
                redirect_uris=form.get("redirect_uris").split(),
                scopes=form.all("scope"),
                tenant_id=tenant.id,
                role=(form.get("role") or None) if kind == ClientKind.SERVICE else None,
                logo_url=form.get("logo_url") or None,
                user_id=user.id,
            )
        except Invalid as error:
            self._show(request, response, visitor, tenants, form, faults=error.errors, status=422)
            return
        path = f"/applications/{client.id}"
        if secret is None:
            self.pages.redirect(response, path)
        else:
            redirect_with_flash(self.pages, response, user, path, secret)

    def _show(
        self,
        request: falcon.Request,
        response: falcon.Response,
        visitor: Visitor,
        tenants: list[OwnTenant],
        form: Form,
        **values: Any,
    ) -> None:
        if not tenants:
            raise NotFound(_("There is nothing at this address."))
        chosen = set(form.all("scope"))
        defaults: dict[str, Any] = {"faults": {}, "tenants": tenants, "form": form, "chosen": chosen}
        constant = {"kinds": KIND_DESCRIPTIONS, "scopes": SCOPES, "roles": (Role.VIEWER, Role.AGENT, Role.ADMIN)}
        show(self.pages, request, response, visitor, "new_application", **(defaults | constant | values))


class OneApplication:
    """`/applications/{client_id}`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response, client_id: str) -> None:
        """Show the application, and a secret that was just created."""
        visitor, _session, user = self.pages.signed_in(request, response)
        client = managed_client(self.pages, user, client_id)
        secret = take_flash(self.pages, request, response, user)
        show(
            self.pages, request, response, visitor, "application",
            client=client, secret=secret, kind=KIND_DESCRIPTIONS[client.kind], words=SCOPES,
        )  # fmt: skip

    def on_post(self, request: falcon.Request, response: falcon.Response, client_id: str) -> None:
        """Replace the secret, or delete the application."""
        visitor, _session, user = self.pages.recently_signed_in(request, response)
        form = self.pages.form(request, visitor)
        client = managed_client(self.pages, user, client_id)
        if form.get("do") == "rotate":
            secret = rotate_secret(self.pages.database, client, user.id)
            redirect_with_flash(self.pages, response, user, f"/applications/{client.id}", secret)
        elif form.get("do") == "delete" and form.get("sure") == "yes":
            delete_client(self.pages.database, client, user.id)
            self.pages.redirect(response, "/applications")
        else:
            self.pages.redirect(response, f"/applications/{client.id}")


def application_routes(pages: Pages) -> list[tuple[str, object]]:
    """Return the routes of the application pages."""
    return [
        ("/applications", Applications(pages)),
        ("/applications/new", NewApplication(pages)),
        ("/applications/{client_id}", OneApplication(pages)),
    ]


def managed_by(pages: Pages, user: User) -> list[OwnTenant]:
    """Return the tenants whose applications the user may manage."""
    memberships = memberships_of(pages.database, user.id)
    managed = {
        tenant_id for tenant_id, membership in memberships.items() if membership.role in {Role.OWNER, Role.ADMIN}
    }
    return [tenant for tenant in list_tenants_of(pages.database, user.id) if tenant.id in managed]


def managed_client(pages: Pages, user: User, client_id: str) -> Client:
    """Return the application. Raise `NotFound` if it does not exist, or if the user does not manage its tenant."""
    client = get_client(pages.database, client_id)
    if client.tenant_id not in {tenant.id for tenant in managed_by(pages, user)}:
        raise NotFound(_("There is no application {name}.", name=repr(client_id[:50])))
    return client
