"""How many processor cores this process may use."""

import os
from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path, PurePosixPath

CONTROL_GROUPS = Path("/sys/fs/cgroup")
OWN_GROUP = Path("/proc/self/cgroup")


def usable_cores(groups: Path = CONTROL_GROUPS, own_group: Path = OWN_GROUP) -> int:
    """The cores that this process may run on, or fewer where a control group has a quota of their time (a container's
    limit, say: `docs.kernel.org/admin-guide/cgroup-v2`, and version 1's `cpu.cfs_quota_us`). At least 1."""
    # Not every system tells which cores a process may run on.
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *_quotas(groups, own_group)]))


def _quotas(groups: Path, own_group: Path) -> Iterator[int]:
    for folder in _folders(groups, own_group):
        with suppress(OSError, ValueError):
            quota, period = (folder / "cpu.max").read_text("ascii").split()
            yield ceil(int(quota) / int(period))
    with suppress(OSError, ValueError):
        quota, period = ((groups / "cpu" / f"cpu.cfs_{name}_us").read_text("ascii") for name in ("quota", "period"))
        if int(quota) > 0:
            yield ceil(int(quota) / int(period))


def _folders(groups: Path, own_group: Path) -> Iterator[Path]:
    """Those of the control groups (version 2) that this process is in, from its own up to the root."""
    with suppress(OSError):
        for line in own_group.read_text("utf-8").splitlines():
            if line.startswith("0::/"):
                own = PurePosixPath(line.removeprefix("0::/"))
                yield from (groups / group for group in (own, *own.parents))
