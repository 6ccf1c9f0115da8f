"""A shortcut past the event loop, for requests without a body.

Granian calls the application in a coroutine on the event loop, which takes as long as a quick request. It has no
interface to be called directly. If the internal function that is replaced here changes, requests are slower, but still
answered.
"""

from collections.abc import Callable
from typing import Any

from granian import _futures

from regulars.server.front import Front

Schedule = Callable[[Any], None]


def begin_directly(front: Front) -> None:
    """Let Granian's own thread hand requests without a body to `front`."""
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
