"""Child processes that end with their parent."""

import multiprocessing
import os
import signal
import time

STOP_SECONDS = 8


def end_with_parent() -> None:
    """Wait until the parent process ends, and then stop this process.

    Otherwise it would keep running, and a worker would hold the port, if the parent is killed.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)
