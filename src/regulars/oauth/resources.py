"""What a token is for: its audience (RFC 8707)."""

from collections.abc import Sequence

from authlib.oauth2 import OAuth2Error

from regulars.oauth.access_tokens import audiences
from regulars.settings import Settings


class InvalidTarget(OAuth2Error):
    """The resource is none that tokens are issued for (RFC 8707, section 2)."""

    error = "invalid_target"


def check_resources(settings: Settings, asked: Sequence[str], granted: Sequence[str] = ()) -> tuple[str, ...]:
    """The audience of a token for which `asked` was named, under a grant for `granted` (empty: for all).

    Raises `InvalidTarget`.
    """
    known = audiences(settings)
    if any(name not in (granted or known) for name in asked):
        raise InvalidTarget("A resource is not one that tokens are issued for, or not one that was granted.")
    return tuple(dict.fromkeys(asked)) or tuple(granted) or known[:1]
