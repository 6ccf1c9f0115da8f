"""E-mail: messages in two languages, a queue of them in the database, and the connection to a mail server."""

from regulars.settings import Settings


def is_configured(settings: Settings) -> bool:
    """Return whether this service can send e-mail. Without it, pages say whom to ask instead."""
    return bool(settings.smtp_host)
