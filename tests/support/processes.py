"""Processes of this machine, from Linux's /proc."""

from pathlib import Path


def children_of(parent: int) -> list[int]:
    """Return the process ids of the children of a process, in ascending order."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                # The name of the program, in parentheses, may contain spaces.
                fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                found.append(int(folder.name))
    return sorted(found)
