"""What a server does from time to time, with no one asking for it."""

import random
import threading
import time
from collections.abc import Callable

import structlog

from regulars.errors import RegularsError

FIRST_SECONDS = 2.0

log = structlog.get_logger("regulars")


def repeat(name: str, action: Callable[[], object], *, seconds: float) -> None:
    """Do it soon, and about every so many seconds from then on, for as long as the process lives.

    What fails is logged as `name` and left for the next time.
    """

    def run() -> None:
        draw = random.Random()  # noqa: S311 - no secret
        wait = min(seconds, FIRST_SECONDS)
        while True:
            # Servers that were started together do not all come at once.
            time.sleep(wait * draw.uniform(0.8, 1.2))
            try:
                action()
            except RegularsError as error:
                log.warning(f"{name}_failed", reason=error.message)
            except Exception as error:
                # What it says may hold a person's data.
                log.error(f"{name}_failed", type=type(error).__name__)
            wait = seconds

    threading.Thread(target=run, name=name, daemon=True).start()
