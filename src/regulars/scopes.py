"""The scopes that a token can have, each with the description that users see."""

from regulars.i18n import _

SCOPES = {
    "openid": _("Know who you are."),
    "profile": _("See your name."),
    "email": _("See your e-mail address."),
    "offline_access": _("Stay signed in when you are away."),
    "account:read": _("See your account, and which businesses you belong to."),
    "account:write": _("Change your name."),
    "tenants:read": _("See which businesses you belong to."),
    "tenants:write": _("Change your businesses' settings and channels."),
    "users:read": _("See the people who work in your businesses."),
    "users:write": _("Add and remove people who work in your businesses, and change their roles."),
    "customers:read": _("See the customers of your businesses."),
    "customers:write": _("Add, change and remove customers of your businesses."),
}


def unknown_scopes(scopes: list[str]) -> list[str]:
    """Return the names in `scopes` that are not in `SCOPES`."""
    return [scope for scope in scopes if scope not in SCOPES]
