"""The routes of the console."""

from regulars.console.account import account_routes
from regulars.console.api_reference import api_reference_routes
from regulars.console.app_redirect import app_redirect_routes
from regulars.console.applications import application_routes
from regulars.console.assets import asset_routes
from regulars.console.audit_log import AuditLog
from regulars.console.authorize import authorize_routes
from regulars.console.business import Business
from regulars.console.channels import Channels
from regulars.console.customer import customer_routes
from regulars.console.customers import Customers, Trash
from regulars.console.device import device_routes
from regulars.console.duplicates import Duplicates
from regulars.console.email import email_routes
from regulars.console.exports import export_routes
from regulars.console.imports import import_routes
from regulars.console.invitation import invitation_routes
from regulars.console.logout import logout_routes
from regulars.console.members import member_routes
from regulars.console.more import More, Settings
from regulars.console.pages import Pages
from regulars.console.passkeys import passkey_routes
from regulars.console.personal_data import personal_data_routes
from regulars.console.preferences import Preferences
from regulars.console.recovery import recovery_routes
from regulars.console.second_factor import SecondFactorSettings
from regulars.console.sign_in import sign_in_routes
from regulars.console.tags import Tags
from regulars.console.today import Today
from regulars.http.openapi import OpenApi
from regulars.oauth.server import Server


def routes(pages: Pages, server: Server, api: OpenApi) -> list[tuple[str, object]]:
    """Return all routes of the console, with their resources. `api` is the description of the API."""
    return [
        *asset_routes(pages.assets),
        *sign_in_routes(pages),
        ("/", Customers(pages)),
        *customer_routes(pages),
        ("/trash", Trash(pages)),
        *personal_data_routes(pages),
        ("/duplicates", Duplicates(pages)),
        ("/today", Today(pages)),
        *import_routes(pages),
        *export_routes(pages),
        ("/more", More(pages)),
        ("/settings", Settings(pages)),
        ("/settings/business", Business(pages)),
        ("/settings/channels", Channels(pages)),
        ("/settings/tags", Tags(pages)),
        ("/settings/audit", AuditLog(pages)),
        ("/preferences", Preferences(pages)),
        *account_routes(pages),
        ("/account/second-factor", SecondFactorSettings(pages)),
        *passkey_routes(pages),
        *email_routes(pages),
        *recovery_routes(pages),
        *invitation_routes(pages),
        *member_routes(pages),
        *application_routes(pages),
        *authorize_routes(pages, server),
        *device_routes(pages, server),
        *logout_routes(pages, server),
        *app_redirect_routes(pages, server),
        *api_reference_routes(pages, api),
    ]
