"""A shortcut past the event loop, for requests without a body.

Granian calls an application in a coroutine on the event loop, which takes as long as a quick request, and has no
interface for calling the application directly. This module therefore replaces an internal function of Granian. If a
later version has no such function, requests are slower, but still answered.
"""

from collections.abc import Callable
from typing import Any

from granian import _futures

from regulars.server.front import Front

Schedule = Callable[[Any], None]


def begin_directly(front: Front) -> None:
    """Let Granian's own thread call `front.begin` first. Do nothing if Granian lacks the function to be replaced."""
    on_loop = getattr(_futures, "_cbsched_aioschedule", None)
    if on_loop is None:
        return

    def schedule_with(loop: Any, context: Any, callback: Any) -> Schedule:
        schedule: Schedule = on_loop(loop, context, callback)

        def begin(watcher: Any) -> None:
            if not front.begin(watcher.scope, watcher.proto, watcher.done):
                schedule(watcher)

        return begin

    _futures._cbsched_aioschedule = schedule_with
