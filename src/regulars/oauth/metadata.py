"""Metadata for clients: RFC 8414, OpenID Connect Discovery 1.0, RFC 9728, and the key set (RFC 7517)."""

from collections.abc import Mapping
from typing import Any

from regulars.db.database import Database
from regulars.oauth.clients import GRANT_TYPES
from regulars.oauth.signing_keys import ALGORITHMS, public_keys
from regulars.scopes import SCOPES
from regulars.settings import Settings

SECRET_METHODS = ["client_secret_basic", "client_secret_post"]


def server_metadata(settings: Settings) -> dict[str, Any]:
    """Return the metadata of the authorization server, for the well-known URLs of OpenID Connect and RFC 8414."""
    origin = settings.origin
    grant_types = dict.fromkeys(grant for grants in GRANT_TYPES.values() for grant in grants)
    return {
        "issuer": origin,
        "authorization_endpoint": origin + "/oauth/authorize",
        "token_endpoint": origin + "/oauth/token",
        "userinfo_endpoint": origin + "/oauth/userinfo",
        "jwks_uri": origin + "/oauth/jwks",
        "revocation_endpoint": origin + "/oauth/revoke",
        "introspection_endpoint": origin + "/oauth/introspect",
        "device_authorization_endpoint": origin + "/oauth/device_authorization",
        "end_session_endpoint": origin + "/oauth/logout",
        "service_documentation": origin + "/api/docs",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(grant_types),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": [*SECRET_METHODS, "none"],
        "revocation_endpoint_auth_methods_supported": [*SECRET_METHODS, "none"],
        "introspection_endpoint_auth_methods_supported": SECRET_METHODS,
        "authorization_response_iss_parameter_supported": True,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "claims_supported": [
            "sub",
            "iss",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "amr",
            "nonce",
            "at_hash",
            "name",
            "email",
        ],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "ui_locales_supported": ["en", "tr"],
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
    }


def resource_metadata(settings: Settings) -> dict[str, Any]:
    """Return the metadata of the API as a protected resource (RFC 9728).

    The authorization server is the external issuer, if one is set, and otherwise this service.
    """
    return {
        "resource": settings.origin,
        "authorization_servers": [settings.issuer or settings.origin],
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_name": "Regulars",
        "resource_documentation": settings.origin + "/api/docs",
    }


def key_set(database: Database, settings: Settings) -> Mapping[str, Any]:
    """Return the public keys that can still verify tokens, as a JSON Web Key Set (RFC 7517, section 5)."""
    return {
        "keys": [
            key.key.as_dict(private=False) | {"kid": key.kid, "alg": key.algorithm, "use": "sig"}
            for key in public_keys(database, settings).values()
        ]
    }
