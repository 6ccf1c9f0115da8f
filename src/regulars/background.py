"""Actions that a server repeats in the background."""

import random
import threading
import time
from collections.abc import Callable

import structlog

from regulars.errors import RegularsError

FIRST_DELAY_SECONDS = 2.0

log = structlog.get_logger("regulars")


def repeat(name: str, action: Callable[[], object], *, seconds: float) -> None:
    """Start a thread that calls `action` soon, and then about every `seconds`, until the process ends.

    An error is logged as the event `<name>_failed`; the action is called again after the usual time.
    """

    def run() -> None:
        random_numbers = random.Random()  # noqa: S311 - not a secret
        delay = min(seconds, FIRST_DELAY_SECONDS)
        while True:
            # A random delay, so that servers that start together do not run it at the same time.
            time.sleep(delay * random_numbers.uniform(0.8, 1.2))
            try:
                action()
            except RegularsError as error:
                log.warning(f"{name}_failed", reason=error.message)
            except Exception as error:
                # The message may contain personal data.
                log.error(f"{name}_failed", type=type(error).__name__)
            delay = seconds

    threading.Thread(target=run, name=name, daemon=True).start()
