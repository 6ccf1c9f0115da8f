"""Files of jobs, in the database and on the disk."""

import os
import subprocess
import sys
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest

from regulars.clock import utc_now
from regulars.errors import NotFound
from regulars.jobs.files import (
    BYTES_PER_PART,
    delete_abandoned_folders,
    delete_expired_files,
    delete_file,
    local_copy,
    read_file,
    store_file,
)
from tests.support.world import World


def test_a_file_of_several_parts_is_read_as_it_was_stored(empty_world: World) -> None:
    content = bytes(range(256)) * (BYTES_PER_PART // 100)
    stored = store_file(empty_world.database, empty_world.clinic, "x", "a.csv", BytesIO(content))
    assert stored.size == len(content)
    assert b"".join(read_file(empty_world.database, empty_world.clinic, "x")) == content
    with local_copy(empty_world.database, empty_world.clinic, "x") as path:
        assert path.read_bytes() == content
    assert not path.parent.exists()
    assert list(read_file(empty_world.database, empty_world.salon, "x")) == []
    delete_file(empty_world.database, empty_world.clinic, "x")
    with pytest.raises(NotFound), local_copy(empty_world.database, empty_world.clinic, "x"):
        pass


def test_a_file_that_nobody_needs_is_deleted_after_a_day(empty_world: World) -> None:
    store_file(empty_world.database, empty_world.clinic, "x", "a.csv", BytesIO(b"a"))
    assert delete_expired_files(empty_world.database, utc_now() + timedelta(hours=23)) == 0
    assert delete_expired_files(empty_world.database, utc_now() + timedelta(hours=25)) == 1
    assert list(read_file(empty_world.database, empty_world.clinic, "x")) == []


def test_folders_of_processes_that_were_killed_are_deleted(
    empty_world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    # Another process may have the number of the one that was killed.
    abandoned = [tmp_path / f"regulars-{ended.pid}-abc", tmp_path / f"regulars-{os.getpid()}-abc"]
    for folder in abandoned:
        folder.mkdir()
        (folder / "file").write_bytes(b"first_name")
    os.utime(abandoned[1], (0, 0))
    store_file(empty_world.database, empty_world.clinic, "x", "a.csv", BytesIO(b"a"))
    with local_copy(empty_world.database, empty_world.clinic, "x") as path:
        delete_abandoned_folders()
        assert path.exists()
    assert list(tmp_path.iterdir()) == []
