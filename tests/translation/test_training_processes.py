"""Trainings that are really killed, and trainings that several processes share."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
from nbclient import NotebookClient
from pandas.testing import assert_frame_equal

from sim2real_lib.images import write_rgb
from sim2real_lib.translation.cyclegan import LOSSES

HERE = Path(__file__).parent
KILLED = {"constant": 8, "decay": 8, "pool": 3, "identity": 0.5}
# Without a pool: which old images a process sees depends on how many share the batch.
SHARED = {"constant": 3, "decay": 3, "batch": 2, "pool": 0, "precision": "32-true"}
# A Slurm job of one task. Its two processes are ours, though Slurm knows of one.
SLURM = {"SLURM_JOB_ID": "1", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home, random = tmp_path_factory.mktemp("trainings"), np.random.default_rng(0)
    for name, count, tint in (("source", 3, 128), ("target", 4, 60)):
        for index in range(count):
            noise = random.normal(tint, 30, (40, 48, 3)).clip(0, 255).astype(np.uint8)
            write_rgb(home / name / f"{index}.png", noise)
    return home


@pytest.fixture(scope="module")
def alone(folder: Path) -> pd.DataFrame:
    """The losses of one process that has the whole batch."""
    assert started(folder / "alone", SHARED).wait() == 0
    return losses(folder / "alone")


def started(
    folder: Path, settings: dict, *, launcher: tuple = (), **options: object
) -> subprocess.Popen:
    command = [sys.executable, *launcher, str(HERE / "trains.py"), str(folder)]
    command.append(json.dumps({"settings": settings, **options}))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def killed_after(step: int, process: subprocess.Popen) -> None:
    """SIGKILL, as soon as the process says that it has finished a step."""
    assert process.stdout is not None
    assert any(line.strip() == str(step) for line in process.stdout), "it ended before"
    process.kill()
    assert process.wait() == -9


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return {
        f"{path.stem}.{key}": value
        for path in sorted(folder.glob("latest_net_*.pth"))
        for key, value in torch.load(path, weights_only=True).items()
    }


def losses(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "losses.csv")


def test_a_training_killed_three_times_ends_with_the_same_bits(folder: Path) -> None:
    whole = started(folder / "whole", KILLED, checkpoint_every=3)
    for step in (2, 7, 13):  # before the first checkpoint, between two, and after the fourth
        killed_after(step, started(folder / "killed", KILLED, checkpoint_every=3))
    last = started(folder / "killed", KILLED, checkpoint_every=3)
    assert (whole.communicate()[0].split(), last.communicate()[0].split()) == (
        [str(step) for step in range(1, 17)],
        [str(step) for step in range(13, 17)],
    )
    assert whole.returncode == last.returncode == 0
    expected, found = weights(folder / "whole"), weights(folder / "killed")
    assert expected.keys() == found.keys() and len(expected) > 40
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    for name in ("losses.csv", "settings.json", "samples/step_000016.png"):
        assert (folder / "whole" / name).read_bytes() == (folder / "killed" / name).read_bytes()
    left = {path.name for path in (folder / "killed").rglob(".*.tmp*")}
    assert len(left) <= 3, "more than a kill each has left half-written"


def assert_same_curve(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    assert list(found.columns) == ["step", *LOSSES] and len(found) == 6
    assert_frame_equal(found, expected, rtol=1e-3)  # sums in another order


def test_two_processes_learn_what_one_does_with_the_doubled_batch(
    folder: Path, alone: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SLURM.items():
        monkeypatch.setenv(name, value)
    process = started(folder / "two", SHARED, devices=2)
    assert process.communicate()[0].split() == ["1", "2", "3", "4", "5", "6"]  # said once
    assert process.returncode == 0
    assert_same_curve(losses(folder / "two"), alone)


def test_two_processes_of_torchrun_learn_the_same(folder: Path, alone: pd.DataFrame) -> None:
    torchrun = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone")
    process = started(folder / "torchrun", SHARED, launcher=torchrun)
    assert process.communicate()[0].split() == ["1", "2", "3", "4", "5", "6"]
    assert process.returncode == 0
    assert_same_curve(losses(folder / "torchrun"), alone)


def test_a_notebook_can_start_two_processes(folder: Path, alone: pd.DataFrame) -> None:
    cell = f"""
import sys, pathlib
sys.path.insert(0, {str(HERE)!r})
import trains
result = trains.go(pathlib.Path({str(folder / "notebook")!r}), {SHARED!r}, devices=2)
print(result.steps, len(result.losses))
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    printed = "".join(output.get("text", "") for output in notebook.cells[0].outputs)
    assert printed.splitlines()[-1] == "6 6"
    assert_same_curve(losses(folder / "notebook"), alone)


def test_a_killed_shared_training_goes_on_with_its_pools(folder: Path) -> None:
    settings = {**SHARED, "pool": 2}
    whole = started(folder / "pools", settings, devices=2, checkpoint_every=2)
    assert whole.communicate() and whole.returncode == 0
    first = started(folder / "killed pools", settings, devices=2, checkpoint_every=2)
    killed_after(5, first)
    last = started(folder / "killed pools", settings, devices=2, checkpoint_every=2)
    assert last.communicate()[0].split() == ["5", "6"] and last.returncode == 0
    expected, found = weights(folder / "pools"), weights(folder / "killed pools")
    assert all(torch.equal(expected[key], found[key]) for key in expected)
