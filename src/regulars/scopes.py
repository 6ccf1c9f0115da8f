"""The scopes that a token can have, each with the description that users see."""

SCOPES = {
    "openid": "Know who you are.",
    "profile": "See your name.",
    "email": "See your e-mail address.",
    "offline_access": "Stay signed in when you are away.",
    "account:read": "See your account, and which businesses you belong to.",
    "account:write": "Change your name.",
    "tenants:read": "See which businesses you belong to.",
    "tenants:write": "Change your businesses' settings and channels.",
    "users:read": "See the people who work in your businesses.",
    "users:write": "Add and remove people who work in your businesses, and change their roles.",
    "customers:read": "See the customers of your businesses.",
    "customers:write": "Add, change and remove customers of your businesses.",
}


def unknown_scopes(scopes: list[str]) -> list[str]:
    """Return those of `scopes` that do not exist."""
    return [scope for scope in scopes if scope not in SCOPES]
