"""`/account/tokens`: personal access tokens, for a user's own scripts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import falcon

from regulars.accounts.personal_tokens import (
    NOT_PERSONAL,
    create_personal_token,
    list_personal_tokens,
    revoke_personal_token,
)
from regulars.accounts.users import User
from regulars.console.account import done
from regulars.console.pages import Form, Pages, Visitor
from regulars.errors import Invalid
from regulars.oauth.scopes import SCOPES
from regulars.tenants.queries import list_tenants_of

PERSONAL_SCOPES = {name: sentence for name, sentence in SCOPES.items() if name not in NOT_PERSONAL}
DAYS = (7, 30, 90, 365)
USUAL_DAYS = 90
NO_SCOPE = "Choose at least one thing that the token may do."
NO_SUCH_CHOICE = "Choose one of the list."


class PersonalTokens:
    """`/account/tokens`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Those that they have; a new one, this once."""
        visitor, _, user = self.pages.signed_in(request, response)
        made = self.pages.shown_once(request, response, user.id)
        self.pages.show(
            response,
            visitor,
            "tokens",
            made=made,
            tokens=list_personal_tokens(self.pages.database, user.id),
            tenants={tenant.id: tenant.name for tenant in list_tenants_of(self.pages.database, user.id)},
            words=SCOPES,
            now=datetime.now(UTC),
            done=done(request),
        )

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Revoke one."""
        visitor, _, user = self.pages.signed_in(request, response)
        form = self.pages.form(request, visitor)
        revoke_personal_token(self.pages.database, form.get("token"), user.id)
        self.pages.go(response, "/account/tokens?done=revoked")


class NewPersonalToken:
    """`/account/tokens/new`"""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Ask what it is to be good for."""
        visitor, _, user = self.pages.signed_in_lately(request, response)
        self._show(response, visitor, user, Form([("days", str(USUAL_DAYS))]))

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Make it."""
        visitor, _, user = self.pages.signed_in_lately(request, response)
        form = self.pages.form(request, visitor)
        tenants = {str(tenant.id): tenant.id for tenant in list_tenants_of(self.pages.database, user.id)}
        scopes = [name for name in form.all("scope") if name in PERSONAL_SCOPES]
        days = {str(days): days for days in DAYS}
        faults: dict[str, list[str]] = {}
        if not scopes:
            faults["scope"] = [NO_SCOPE]
        if form.get("tenant") not in {"", *tenants}:
            faults["tenant"] = [NO_SUCH_CHOICE]
        if form.get("days") not in days:
            faults["days"] = [NO_SUCH_CHOICE]
        try:
            _, token = create_personal_token(
                self.pages.database,
                user.id,
                name=form.get("name"),
                # What is at fault otherwise is said below, along with the name.
                scopes=scopes if not faults else (),
                tenant_id=tenants.get(form.get("tenant")),
                lifetime=days.get(form.get("days"), USUAL_DAYS) * 86400,
            )
        except Invalid as error:
            names = {"name": error.errors["name"]} if "name" in error.errors else {}
            self._show(response, visitor, user, form, names | faults, status=422)
            return
        self.pages.show_once(response, user.id, token)
        self.pages.go(response, "/account/tokens")

    def _show(
        self,
        response: falcon.Response,
        visitor: Visitor,
        user: User,
        form: Form,
        faults: Mapping[str, Sequence[str]] | None = None,
        status: int = 200,
    ) -> None:
        self.pages.show(
            response,
            visitor,
            "token_new",
            status=status,
            form=form,
            scopes=PERSONAL_SCOPES,
            tenants=list_tenants_of(self.pages.database, user.id),
            days=DAYS,
            faults=faults or {},
        )


def personal_token_routes(pages: Pages) -> list[tuple[str, object]]:
    """The addresses of the personal access tokens' pages."""
    return [("/account/tokens", PersonalTokens(pages)), ("/account/tokens/new", NewPersonalToken(pages))]
