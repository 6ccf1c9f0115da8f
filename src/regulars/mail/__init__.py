"""E-mail."""

from regulars.settings import Settings


def is_configured(settings: Settings) -> bool:
    return False
