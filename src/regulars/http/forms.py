"""Form-encoded parameters, in a body or in a query string."""

from collections.abc import Sequence
from urllib.parse import parse_qsl

import falcon

from regulars.errors import Malformed
from regulars.i18n import _

FORM_TYPE = "application/x-www-form-urlencoded"
MAX_FORM_BYTES = 65_536
MAX_PARAMETERS = 200

Pairs = Sequence[tuple[str, str]]
"""Names and values in the order in which they were sent; a name may occur more than once."""


def read_form(request: falcon.Request) -> Pairs:
    """Return the parameters in the body of a request.

    Raise `Malformed` if the body is not a valid form, is longer than 64 KiB, or has more than 200 parameters.
    """
    if (request.content_type or "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise Malformed(_("Send the form as {form_type}.", form_type=FORM_TYPE))
    body = request.bounded_stream.read(MAX_FORM_BYTES + 1)
    if len(body) > MAX_FORM_BYTES:
        raise Malformed(
            _("The form is too large: it has more than {max_form_bytes} bytes.", max_form_bytes=MAX_FORM_BYTES)
        )
    try:
        return parse_pairs(body.decode("ascii"))
    except UnicodeDecodeError:
        raise Malformed(_("The form cannot be read.")) from None


def parse_pairs(encoded: str) -> Pairs:
    """Return the parameters of a form-encoded text.

    Raise `Malformed` if it is not valid UTF-8, contains a NUL character, or has more than 200 parameters.
    """
    try:
        pairs = parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise Malformed(_("The parameters cannot be read.")) from None
    if any("\0" in name + value for name, value in pairs):
        raise Malformed(_("The parameters cannot be read: they contain a NUL character."))
    return pairs
