"""The scopes that a token can have, each with what it allows in plain words."""

SCOPES = {
    "openid": "Know who you are.",
    "customers:read": "See the customers of your tenants.",
}
