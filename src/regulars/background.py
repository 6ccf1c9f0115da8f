"""Repeat actions in background threads of a server."""

import random
import threading
import time
from collections.abc import Callable

import structlog

from regulars.errors import RegularsError

FIRST_DELAY_SECONDS = 2.0

log = structlog.get_logger("regulars")


def repeat(name: str, action: Callable[[], object], *, seconds: float) -> None:
    """Start a thread that calls `action` within seconds, and then about every `seconds`, until the process ends.

    An error does not stop the thread. It is logged as the event `<name>_failed`, but not again as long as each call
    fails for the same reason. The next success is logged as `<name>_recovered`.
    """

    def run() -> None:
        random_numbers = random.Random()  # noqa: S311 - not a secret
        delay = min(seconds, FIRST_DELAY_SECONDS)
        reported: dict[str, str] | None = None
        while True:
            # The delay is random, so that servers that start together do not call the action at the same time.
            time.sleep(delay * random_numbers.uniform(0.8, 1.2))
            failure = _failure_of(action)
            if failure != reported:
                _report(name, failure)
            reported = failure
            delay = seconds

    threading.Thread(target=run, name=name, daemon=True).start()


def _failure_of(action: Callable[[], object]) -> dict[str, str] | None:
    """Call `action`. Return None if it succeeds, otherwise the values to log about the error."""
    try:
        action()
    except RegularsError as error:
        return {"reason": error.message_for_operator}
    except Exception as error:
        # Log only the type of the error: its message may contain personal data.
        return {"type": type(error).__name__}
    return None


def _report(name: str, failure: dict[str, str] | None) -> None:
    if failure is None:
        log.info(f"{name}_recovered")
    elif "reason" in failure:
        log.warning(f"{name}_failed", **failure)
    else:
        log.error(f"{name}_failed", **failure)
