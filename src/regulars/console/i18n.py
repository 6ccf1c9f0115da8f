"""The languages of the pages: English, which the code is written in, and Turkish."""

import re

from regulars.console.turkish import TURKISH, WITH_VALUES

PATTERNS = {
    re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(english))): turkish
    for english, turkish in WITH_VALUES.items()
}


def preferred_language(accept: str) -> str:
    """ "en" or "tr", whichever an Accept-Language header likes better (RFC 9110, section 12.5.4)."""
    best, best_weight = "en", 0.0
    for item in accept[:1000].split(","):
        name, _, parameter = item.strip().partition(";")
        language = name.strip().lower().partition("-")[0]
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if language in {"en", "tr"} and weight > best_weight:
            best, best_weight = language, weight
    return best


def translate(language: str, text: str, **values: object) -> str:
    """`text`, an English sentence of the pages, in `language`, with `values` put into its {braces}."""
    found = (TURKISH.get(text) or _with_values(text)) if language == "tr" else text
    return found.format(**values) if values else found


def _with_values(text: str) -> str:
    """An error in Turkish around the values that it names; as it is where there is no Turkish for it."""
    for pattern, turkish in PATTERNS.items():
        if match := pattern.fullmatch(text):
            return turkish.format(**match.groupdict())
    return text
