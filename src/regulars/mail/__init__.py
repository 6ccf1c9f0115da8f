"""E-mail: messages in two languages, their queue in the database, and the connection to a mail server."""

from regulars.settings import Settings


def is_configured(settings: Settings) -> bool:
    """Tell whether a mail server is set, so that this service can send e-mail."""
    return bool(settings.smtp_host)
