"""Work is shared between processes and threads as a person or a batch run asks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import psutil
import pytest

from sim2real_lib import workers
from sim2real_lib.files import ROOT

ENDLESS = """
import time
from sim2real_lib.workers import mapper
if __name__ == "__main__":
    with mapper(2) as each:
        print(*each(abs, [1, 2]), flush=True)
        list(each(time.sleep, [0.1] * 10_000))
"""


@pytest.fixture
def own_threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


@pytest.mark.parametrize(
    ("asked", "batch", "threads"), [(3, "1", 3), (0, "4", 4), (0, "", 0), (0, None, 0)]
)
def test_a_batch_runs_threads_hold_unless_others_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: int, batch: str | None, threads: int
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if batch is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", batch)
    assert workers.cpu_threads(asked) == threads


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order_and_opencv_has_its_threads_back(
    own_threads: None, processes: int
) -> None:
    cv2.setNumThreads(2)
    with workers.mapper(processes) as each:
        assert list(each(abs, [-3, 2, -1])) == [3, 2, 1]
    assert cv2.getNumThreads() == 2


def test_processes_do_not_outlive_the_one_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "endless.py"
    script.write_text(ENDLESS)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "1 2\n"
    children = psutil.Process(process.pid).children()
    assert len(children) >= 2
    process.kill()
    process.wait()
    assert psutil.wait_procs(children, timeout=30)[1] == []
