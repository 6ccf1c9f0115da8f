"""`/applications`: owners and admins register the applications of their tenants."""

from typing import Any

import falcon

from regulars.accounts.challenges import peek_challenge, start_challenge, take_challenge
from regulars.accounts.memberships import memberships_of
from regulars.accounts.users import User
from regulars.console.account import show
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
from regulars.oauth.scopes import SCOPES
from regulars.principal import Role
from regulars.tenants.queries import OwnTenant, list_tenants_of

NEW_SECRET = "new secret"  # noqa: S105 - a purpose
SECRET_SECONDS = 300
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
        form = Form([("tenant", request.get_param("tenant") or ""), *(("scope", name) for name in USUAL)])
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
        keep_secret(self.pages, response, user, client, secret)
        self.pages.go(response, f"/applications/{client.id}")

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
        secret = ""
        if self._is_just_made(request, user, client):
            found = take_challenge(self.pages.database, self.pages.settings, NEW_SECRET, self.pages.step(request))
            secret = found[1].decode().partition(" ")[2] if found else ""
            self.pages.set_step(response, "", 0)
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
            keep_secret(self.pages, response, user, client, secret)
            self.pages.go(response, f"/applications/{client.id}")
        elif form.get("do") == "delete" and form.get("sure") == "yes":
            delete_client(self.pages.database, client, user.id)
            self.pages.go(response, "/applications")
        else:
            self.pages.go(response, f"/applications/{client.id}")

    def _is_just_made(self, request: falcon.Request, user: User, client: Client) -> bool:
        """Whether the secret that waits to be shown is of this application: another's page must not use it up."""
        found = peek_challenge(self.pages.database, self.pages.settings, NEW_SECRET, self.pages.step(request))
        return found is not None and (found[0], found[1].decode().partition(" ")[0]) == (user.id, client.id)


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


def keep_secret(pages: Pages, response: falcon.Response, user: User, client: Client, secret: str | None) -> None:
    """Let the next page show the secret, once: it is kept, encrypted, until then and no longer than five minutes."""
    if secret is not None:
        content = f"{client.id} {secret}".encode()
        token = start_challenge(
            pages.database, pages.settings, NEW_SECRET, content, user_id=user.id, seconds=SECRET_SECONDS
        )
        pages.set_step(response, token, SECRET_SECONDS)
