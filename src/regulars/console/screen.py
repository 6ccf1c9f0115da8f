"""A screen of the console: who looks at it, for which business, and the frame around its content."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import falcon

from regulars.accounts.sessions import Session
from regulars.accounts.users import User
from regulars.clock import utc_now
from regulars.console.formats import moment_formatter, number
from regulars.console.pages import Pages, Visitor
from regulars.customers.read.list import CustomerQuery, count_customers
from regulars.customers.views import list_views
from regulars.errors import Forbidden
from regulars.i18n import _
from regulars.permissions import CONSOLE, PERMISSIONS, Actor, Identity, Principal, Role
from regulars.scopes import SCOPES
from regulars.tenants.tenants import OwnTenant, Tenant, get_tenant, list_tenants_of

BUSINESS_COOKIE = "business"
FRAGMENT_HEADER = "X-Fragment"


@dataclass(frozen=True, slots=True)
class Screen:
    """The user of a screen, the business that the user has chosen, and the user's role in it."""

    visitor: Visitor
    session: Session
    user: User
    tenant: Tenant
    role: Role
    businesses: Sequence[OwnTenant]
    now: datetime

    @property
    def local_now(self) -> datetime:
        """The time in the time zone of the business."""
        return self.now.astimezone(ZoneInfo(self.tenant.time_zone))

    @property
    def today(self) -> date:
        """The date in the time zone of the business."""
        return self.local_now.date()

    @property
    def principal(self) -> Principal:
        """The user in this business, as the API knows the sender of a request."""
        identity = Identity(self.user.id, CONSOLE, frozenset(SCOPES), {})
        return Principal(identity, self.tenant.id, self.role, self.tenant.time_zone)

    @property
    def actor(self) -> Actor:
        """The author of the changes that the user makes on the screen."""
        return Actor(self.user.id, CONSOLE, self.visitor.address)

    def can(self, permission: str) -> bool:
        """Tell whether the user's role has a permission."""
        return permission in PERMISSIONS[self.role]

    def sees(self, actor: Actor) -> bool:
        """Tell whether the user sees an import or job of `actor`: agents see their own, admins and owners all."""
        return self.can("jobs:manage") or actor.user_id == self.user.id


def find_screen(pages: Pages, request: falcon.Request, visitor: Visitor, session: Session, user: User) -> Screen | None:
    """Return the screen of a user who has signed in; None if the user is not a member of any business."""
    businesses = list_tenants_of(pages.database, user.id)
    if not businesses:
        return None
    wanted = pages.cookie(request, BUSINESS_COOKIE)
    chosen = next((mine for mine in businesses if str(mine.id) == wanted), businesses[0])
    tenant = get_tenant(pages.database, chosen.id)
    return Screen(visitor, session, user, tenant, Role(chosen.role), businesses, utc_now())


def open_screen(
    pages: Pages,
    request: falcon.Request,
    response: falcon.Response,
    permission: str = "customers:read",
    *,
    is_sensitive: bool = False,
) -> Screen:
    """Return the screen that a request asks for.

    Raise a redirect to the sign-in page, or to the account if the user is not a member of any business. If
    `is_sensitive` is true, the user must have signed in recently. Raise `Forbidden` if the user's role does not have
    `permission`.
    """
    signed_in = pages.recently_signed_in if is_sensitive else pages.signed_in
    screen = find_screen(pages, request, *signed_in(request, response))
    if screen is None:
        raise falcon.HTTPStatus(303, headers={"Location": pages.path("/account")})
    if not screen.can(permission):
        raise Forbidden(
            _(
                "Your role in {business} is {role}. It does not allow this. Ask an owner or admin.",
                business=screen.tenant.name,
                role=_(screen.role.value),
            ),
            "insufficient_role",
        )
    request.context.tenant_id = screen.tenant.id
    return screen


def frame_values(pages: Pages, request: falcon.Request, screen: Screen) -> dict[str, Any]:
    """Return what the templates of the frame need."""
    language = screen.visitor.language
    total = count_customers(pages.database, screen.tenant.id, CustomerQuery(), screen.today)
    return {
        "screen": screen,
        "here": request.path.removeprefix(pages.root) or "/",
        "customer_total": number(total, language),
        "views": list_views(pages.database, screen.principal),
        "view": None,
        "moment": moment_formatter(screen.tenant.time_zone, screen.now, language),
    }


def show_screen(
    pages: Pages, request: falcon.Request, response: falcon.Response, screen: Screen, template: str, **values: Any
) -> None:
    """Send the page `template`.html.jinja within the frame."""
    frame = frame_values(pages, request, screen)
    pages.show(response, screen.visitor, template, logo_urls=[screen.tenant.logo_url], **(frame | values))


def fragment_of(request: falcon.Request) -> str:
    """Return the name of the part of a page that a script asks for; an empty string for the whole page."""
    return request.get_header(FRAGMENT_HEADER) or ""


def show_fragment(pages: Pages, response: falcon.Response, screen: Screen, template: str, **values: Any) -> None:
    """Send a part of a page, for a script."""
    moment = moment_formatter(screen.tenant.time_zone, screen.now, screen.visitor.language)
    pages.show(response, screen.visitor, template, screen=screen, moment=moment, **values)
