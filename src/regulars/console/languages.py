"""The languages of the pages: English, which the code is written in, and Turkish."""

from regulars.console.turkish import TURKISH


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
    found = TURKISH.get(text, text) if language == "tr" else text
    return found.format(**values) if values else found
