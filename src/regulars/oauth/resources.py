"""Resource indicators: the audience of a token (RFC 8707)."""

from collections.abc import Sequence

from authlib.oauth2 import OAuth2Error

from regulars.oauth.access_tokens import audiences
from regulars.settings import Settings


class InvalidTarget(OAuth2Error):
    """The error for a requested resource for which no tokens are issued (RFC 8707, section 2)."""

    error = "invalid_target"


def check_resources(settings: Settings, requested: Sequence[str], granted: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the audience of a token: the requested resources or, if there are none, the granted ones or this service.

    An empty `granted` allows all resources of this service. Raise `InvalidTarget` if a requested resource is not
    allowed.
    """
    known = audiences(settings)
    if any(name not in (granted or known) for name in requested):
        raise InvalidTarget("No tokens are issued for this resource, or it was not granted.")
    return tuple(dict.fromkeys(requested)) or tuple(granted) or known[:1]
