"""One at work in a folder; and a holder's death, however sudden, frees it."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sim2real_lib import locks
from sim2real_lib.errors import InputError
from sim2real_lib.files import MANIFEST, ROOT, Artifact

HOLD = """
import sys, time
from pathlib import Path
from sim2real_lib import locks
locks.hold(Path(sys.argv[1]), shared=len(sys.argv) > 2)
print("held", flush=True)
time.sleep(600)
"""


def holder(folder: Path, *shared: str) -> subprocess.Popen[str]:
    """Another process that holds a folder, until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), *shared],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    other = holder(tmp_path)
    try:
        with pytest.raises(InputError) as error:
            locks.hold(tmp_path, patience=0.2)
    finally:
        other.kill()
    assert str(error.value).startswith(f"{tmp_path}: process {other.pid} on ")
    assert "is at work here. Wait until it ends, or end it" in str(error.value)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_holder_that_was_killed_holds_nothing(tmp_path: Path, number: signal.Signals) -> None:
    other = holder(tmp_path)
    other.send_signal(number)
    assert locks.hold(tmp_path) is not None  # waits until it is dead, no longer
    other.wait()
    locks.release(tmp_path)


def test_a_process_may_begin_again_where_it_is_at_work(tmp_path: Path) -> None:
    assert locks.hold(tmp_path) == locks.hold(tmp_path / "." / "")
    locks.release(tmp_path)
    locks.release(tmp_path)  # of nothing


def test_readers_share_a_folder_and_nobody_writes_there_meanwhile(tmp_path: Path) -> None:
    other = holder(tmp_path, "shared")
    try:
        assert locks.hold(tmp_path, shared=True) is not None
        locks.release(tmp_path)
        with pytest.raises(InputError, match="is at work here"):
            locks.hold(tmp_path, patience=0)
    finally:
        other.kill()
        other.wait()


def test_a_file_system_without_locks_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unknown)
    assert locks.hold(tmp_path) is None


def test_an_artifact_that_is_being_made_is_not_begun_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks.hold, "__kwdefaults__", {"shared": False, "patience": 0.2})
    (tmp_path / MANIFEST).write_text("{}")
    other = holder(tmp_path)
    try:
        with pytest.raises(InputError, match="is at work here"):
            Artifact(tmp_path, {})
    finally:
        other.kill()
        other.wait()
    assert (tmp_path / MANIFEST).exists()  # it is the other's to remove
    Artifact(tmp_path, {}).seal()
    done = holder(tmp_path)  # sealed, it is free, though this process lives on
    done.kill()
    done.wait()
