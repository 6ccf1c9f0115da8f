"""The number of processor cores that this process can use."""

import os
from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path, PurePosixPath

CGROUP_ROOT = Path("/sys/fs/cgroup")
PROCESS_CGROUPS = Path("/proc/self/cgroup")


def usable_cores(cgroup_root: Path = CGROUP_ROOT, process_cgroups: Path = PROCESS_CGROUPS) -> int:
    """Return the number of cores that this process can use, at least 1.

    This is the number of cores that it can run on, or the CPU quota of its control groups (a container's limit) if
    that is smaller: `cpu.max` of version 2 (docs.kernel.org/admin-guide/cgroup-v2), `cpu.cfs_quota_us` of version 1.
    """
    # Not all operating systems have CPU affinity.
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *_quotas(cgroup_root, process_cgroups)]))


def _quotas(cgroup_root: Path, process_cgroups: Path) -> Iterator[int]:
    for folder in _folders(cgroup_root, process_cgroups):
        with suppress(OSError, ValueError):
            quota, period = (folder / "cpu.max").read_text("ascii").split()
            yield ceil(int(quota) / int(period))
    with suppress(OSError, ValueError):
        quota, period = (
            (cgroup_root / "cpu" / f"cpu.cfs_{name}_us").read_text("ascii") for name in ("quota", "period")
        )
        if int(quota) > 0:
            yield ceil(int(quota) / int(period))


def _folders(cgroup_root: Path, process_cgroups: Path) -> Iterator[Path]:
    """Return the folders of the control group (version 2) of this process and of its ancestors."""
    with suppress(OSError):
        for line in process_cgroups.read_text("utf-8").splitlines():
            if line.startswith("0::/"):
                own = PurePosixPath(line.removeprefix("0::/"))
                yield from (cgroup_root / group for group in (own, *own.parents))
