"""Render messages as text and as HTML, from the templates in `templates/`.

Each template has a sentence or two in each of these blocks, which the layouts arrange: `subject`, `opening` (the reason
for the message), `action` (the label of the link), `validity` (of the link) and `unexpected` (advice for readers who
did not ask for the message). Only `subject` and `opening` are required.
"""

from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

import jinja2
from msgspec import Struct

from regulars.i18n import translate_in_template
from regulars.settings import Settings


class Mail(Struct, frozen=True):
    """A message to one address."""

    recipient: str
    subject: str
    text: str
    html: str


def render(settings: Settings, template: str, recipient: str, language: str, **values: Any) -> Mail:
    """Return the message of `templates/<template>.jinja` in a language ("en" or "tr"), filled with `values`.

    The values of each template:

    - `invitation`: `link`, `tenant_name`, `role`, `expires_at` (a date as text), and `inviter_name`, which is empty if
      the operator invites
    - `recovery` and `verify_address`: `link`
    - `confirm_new_address`: `link`, `old_address`, `new_address`
    - `confirm_old_address`: `link`, `new_address`
    - `address_changed`: `new_address`
    - `password_changed` and `test`: none
    """
    context = {
        "_": partial(translate_in_template, language),
        "language": language,
        "recipient": recipient,
        "host": urlsplit(settings.origin).netloc,
        **values,
    }
    name = f"{template}.jinja"
    subject, _newline, text = (
        _text_templates().get_template(name).render(context, layout="layout.txt.jinja").partition("\n")
    )
    html = _html_templates().get_template(name).render(context, layout="layout.html.jinja", subject=subject)
    return Mail(recipient, " ".join(subject.split()), text.strip() + "\n", html)


@cache
def _text_templates() -> jinja2.Environment:
    return _templates(autoescape=False)


@cache
def _html_templates() -> jinja2.Environment:
    return _templates(autoescape=True)


def _templates(*, autoescape: bool) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("regulars.mail"),
        autoescape=autoescape,  # noqa: S701 - off for text only
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
