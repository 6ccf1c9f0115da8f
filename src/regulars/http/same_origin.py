"""Protection of cookies against requests from other sites."""

from urllib.parse import urlsplit

import falcon

from regulars.errors import Forbidden
from regulars.http.public_url import base_url
from regulars.i18n import _
from regulars.settings import Settings

SAFE_METHODS = {"GET", "HEAD"}
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def check_same_origin(request: falcon.Request, settings: Settings) -> None:
    """Raise `Forbidden` if the browser says that another origin has sent the request.

    The header `Sec-Fetch-Site`, if present, must be `same-origin`. For GET and HEAD it can also be `none`: the user has
    opened the address. The header `Origin`, if present, must be the origin of this service.
    """
    site, origin = request.env.get("HTTP_SEC_FETCH_SITE"), request.env.get("HTTP_ORIGIN")
    is_opened_by_user = site == "none" and request.method in SAFE_METHODS
    is_foreign_site = site not in {None, "same-origin"} and not is_opened_by_user
    if is_foreign_site or (origin is not None and origin != _origin_of(base_url(request.env, settings))):
        raise Forbidden(
            _(
                "Another site has sent this request. Only pages of this service can use the API with the session of"
                " the browser. Other programs must send an access token."
            ),
            "cross_site_request",
        )


def _origin_of(url: str) -> str:
    """Return the origin of a URL as browsers write it (RFC 6454, section 6.2)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(DEFAULT_PORTS.get(parts.scheme, ''))}"
