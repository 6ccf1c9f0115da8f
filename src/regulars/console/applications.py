"""`/applications`: owners and admins register the applications of their tenants."""

from typing import Any

import falcon

from regulars.accounts.memberships import memberships_of
from regulars.accounts.users import User
from regulars.console.account import show
from regulars.console.flash import show_once, take_shown_once
from regulars.console.pages import Form, Pages, Visitor
from regulars.errors import Invalid, NotFound
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

KINDS = {
    ClientKind.WEB: "A web application with a server that can keep a secret.",
    ClientKind.NATIVE: "A mobile or desktop app.",
    ClientKind.BROWSER: "An application that runs in the browser alone.",
    ClientKind.DEVICE: "A device without a browser, like a television or a till.",
    ClientKind.SERVICE: "A service that acts for nobody, like a nightly export.",
}
USUAL = {"openid", "profile", "email", "offline_access", "account:read", "tenants:read", "customers:read"}


class Applications:
    """`/applications`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """The applications of the tenants that one manages."""
        visitor, _, user = self.pages.signed_in(request, response)
        managed = [(tenant, list_clients(self.pages.database, tenant.id)) for tenant in managed_by(self.pages, user)]
        if not managed:
            raise NotFound("There is nothing at this address.")
        show(self.pages, request, response, visitor, "applications", managed=managed, kinds=KINDS)


class NewApplication:
    """`/applications/new`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """A form for a new one."""
        visitor, _, user = self.pages.just_signed_in(request, response)
        form = self.pages.begun_form(request)
        if not form.all("scope"):
            form = Form([*form.pairs, *(("scope", name) for name in USUAL)])
        self._show(request, response, visitor, managed_by(self.pages, user), form)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Register it; its secret is shown on its page, once."""
        visitor, _, user = self.pages.just_signed_in(request, response)
        form = self.pages.form(request, visitor)
        tenants = managed_by(self.pages, user)
        tenant = next((each for each in tenants if str(each.id) == form.get("tenant")), None)
        if tenant is None:
            raise NotFound("There is nothing at this address.")
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
            self.pages.go(response, path)
        else:
            show_once(self.pages, response, user, path, secret)

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
            raise NotFound("There is nothing at this address.")
        chosen = set(form.all("scope"))
        usual: dict[str, Any] = {"faults": {}, "tenants": tenants, "form": form, "chosen": chosen}
        constant = {"kinds": KINDS, "scopes": SCOPES, "roles": (Role.VIEWER, Role.AGENT, Role.ADMIN)}
        show(self.pages, request, response, visitor, "new_application", **(usual | constant | values))


class OneApplication:
    """`/applications/{client_id}`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response, client_id: str) -> None:
        """What it is; and its secret, if it was just made."""
        visitor, _, user = self.pages.signed_in(request, response)
        client = managed_client(self.pages, user, client_id)
        secret = take_shown_once(self.pages, request, response, user)
        show(
            self.pages, request, response, visitor, "application",
            client=client, secret=secret, kind=KINDS[client.kind], words=SCOPES,
        )  # fmt: skip

    def on_post(self, request: falcon.Request, response: falcon.Response, client_id: str) -> None:
        """Make a new secret, or delete it."""
        visitor, _, user = self.pages.just_signed_in(request, response)
        form = self.pages.form(request, visitor)
        client = managed_client(self.pages, user, client_id)
        if form.get("do") == "rotate":
            secret = rotate_secret(self.pages.database, client, user.id)
            show_once(self.pages, response, user, f"/applications/{client.id}", secret)
        elif form.get("do") == "delete" and form.get("sure") == "yes":
            delete_client(self.pages.database, client, user.id)
            self.pages.go(response, "/applications")
        else:
            self.pages.go(response, f"/applications/{client.id}")


def application_routes(pages: Pages) -> list[tuple[str, object]]:
    """The addresses of applications."""
    return [
        ("/applications", Applications(pages)),
        ("/applications/new", NewApplication(pages)),
        ("/applications/{client_id}", OneApplication(pages)),
    ]


def managed_by(pages: Pages, user: User) -> list[OwnTenant]:
    """The tenants whose applications the user may manage."""
    memberships = memberships_of(pages.database, user.id)
    managed = {tenant_id for tenant_id, each in memberships.items() if each.role in {Role.OWNER, Role.ADMIN}}
    return [tenant for tenant in list_tenants_of(pages.database, user.id) if tenant.id in managed]


def managed_client(pages: Pages, user: User, client_id: str) -> Client:
    """An application of a tenant that the user manages. Raises `NotFound`."""
    client = get_client(pages.database, client_id)
    if client.tenant_id not in {tenant.id for tenant in managed_by(pages, user)}:
        raise NotFound(f"There is no application {client_id!r}.")
    return client
