"""Messages that people read, in English and Turkish.

The code contains English messages: `_("Customer {id} is in the trash.", id=42)`. The result is a `str` that keeps its
template and its values. The template is the msgid of the Turkish translation in `locale/tr.po` (GNU gettext). Front
ends call `translate` with the language that `preferred_language` returns for the request.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

ENGLISH = "en"
TURKISH = "tr"
LANGUAGES = (ENGLISH, TURKISH)
MAX_HEADER_LENGTH = 1000


class Message(str):
    """An English message. `values` are the values of the {placeholders} in `template`."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, values: Mapping[str, Any]) -> "Message":
        message = super().__new__(cls, _fill(template, values))
        message.template = template
        message.values = values
        return message

    def __reduce__(self) -> tuple[type, tuple[str, Mapping[str, Any]]]:
        return Message, (self.template, self.values)


def _(template: str, /, **values: Any) -> Message:
    """Return a message that can be translated. `template` must be a literal, so that tools can extract its text."""
    return Message(template, values)


def translate(text: str, language: str) -> str:
    """Return a message in `language`, or in English if it has no translation.

    Values that are messages are translated too.
    """
    if language == ENGLISH:
        return str(text)
    if not isinstance(text, Message):
        return _catalog(language).get(text, text)
    template = _catalog(language).get(text.template, text.template)
    return _fill(template, {name: _translate_value(value, language) for name, value in text.values.items()})


def to_builtins(message: str) -> Any:
    """Return a message as JSON values, so that it can be stored and translated later. Other text stays as it is."""
    if not isinstance(message, Message):
        return str(message)
    values = {
        name: to_builtins(value if isinstance(value, str) else str(value)) for name, value in message.values.items()
    }
    return {"template": message.template, "values": values}


def from_builtins(stored: Any) -> str:
    """Return the message or text that `to_builtins` converted."""
    if isinstance(stored, str):
        return stored
    return Message(stored["template"], {name: from_builtins(value) for name, value in stored["values"].items()})


def translate_in_template(language: str, text: str, **values: Any) -> str:
    """Translate a message, or an English text of an HTML template and its values.

    HTML templates call this function as `_`, with `language` bound to that of the page.
    """
    return translate(text if isinstance(text, Message) or not values else Message(text, values), language)


def preferred_language(accept: str) -> str:
    """Return the supported language ("en" or "tr") that an Accept-Language header prefers (RFC 9110, section 12.5.4).

    Return "en" if the header accepts neither.
    """
    weights: dict[str, float] = {}
    for name, weight in parse_accept(accept):
        language = name.partition("-")[0]
        if language in LANGUAGES:
            weights[language] = max(weight, weights.get(language, 0.0))
    best = max(weights, key=lambda language: weights[language], default=ENGLISH)
    return best if weights.get(best) else ENGLISH


def first_supported(locales: str) -> str | None:
    """Return the first supported language ("en" or "tr") in language tags separated by spaces, or None."""
    languages = (tag.partition("-")[0].lower() for tag in locales[:MAX_HEADER_LENGTH].split())
    return next((language for language in languages if language in LANGUAGES), None)


def parse_accept(header: str) -> list[tuple[str, float]]:
    """Return the names, in lower case, and weights, from 0 to 1, in an Accept-… header (RFC 9110, section 12.4.2).

    Items that are not valid are left out.
    """
    found: list[tuple[str, float]] = []
    for item in header[:MAX_HEADER_LENGTH].split(","):
        name, _semicolon, parameter = item.strip().partition(";")
        try:
            weight = float(parameter.strip().lower().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if name.strip() and 0 <= weight <= 1:
            found.append((name.strip().lower(), weight))
    return found


def load_translations() -> None:
    """Read and cache all translations, so that the first request in another language is not slower."""
    for language in LANGUAGES[1:]:
        _catalog(language)


@cache
def _catalog(language: str) -> Mapping[str, str]:
    # Babel takes 25 ms to import; the command line does not need it.
    from babel.messages.pofile import read_po

    with (files("regulars") / "locale" / f"{language}.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    return {str(message.id): str(message.string) for message in catalog if message.id and message.string}


def _fill(template: str, values: Mapping[str, Any]) -> str:
    return template.format_map(values) if values else template


def _translate_value(value: Any, language: str) -> Any:
    return translate(value, language) if isinstance(value, Message) else value
