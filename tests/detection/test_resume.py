"""After a kill -9, at whatever moment: the same number of steps, and nothing damaged believed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from sim2real_lib.detection import resume
from sim2real_lib.detection.compose import compose
from sim2real_lib.detection.train import seconds, train
from sim2real_lib.detection.tree import write_tree
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT

SETTINGS = {"image_size": 64, "batch": 7, "iterations": 7, "device": "cpu", "threads": 1}

# A process that kills itself by SIGKILL at one moment; every epoch leaves a checkpoint.
KILLED = """
import os, signal, sys
from pathlib import Path
from sim2real_lib.detection import offline
data, folder, moment, settings = sys.argv[1:]
offline.prepare(Path(folder) / "ultralytics")
from sim2real_lib.detection import trainer
from sim2real_lib.detection.train import train
import ultralytics.utils.torch_utils as tools
trainer.CHECKPOINT_SECONDS = 0
Trainer = trainer.ArmTrainer
die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
if moment == "in the second epoch's second step":
    count = Trainer._count
    Trainer._count = lambda self: die() if self.done == 3 else count(self)
if moment == "while the third epoch's checkpoint is written":
    write = Path.write_bytes
    def half(path, content):
        write(path, content[: len(content) // 2])
        die()
    save = Trainer.save_model
    def halfway(self):
        if self.epoch == 2:
            Path.write_bytes = half
        return save(self)
    Trainer.save_model = halfway
if moment == "before the weights are written":
    tools.strip_optimizer = die
train(Path(data), Path(folder), **eval(settings))
"""
MOMENTS = {  # -> epochs that have been reached
    "in the second epoch's second step": 1,
    "while the third epoch's checkpoint is written": 2,
    "before the weights are written": 4,
}


@pytest.fixture(scope="module")
def data(streets, tmp_path_factory):
    return write_tree(
        compose(streets), tmp_path_factory.mktemp("run") / "tree", ["car", "van", "truck"]
    )


def steps(folder: Path) -> int:
    return json.loads((folder / "training.json").read_text())["steps"]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "weights.pt", weights_only=False)["model"].state_dict()


@pytest.mark.parametrize("rectangular", [False, True])
def test_a_training_killed_again_and_again_ends_with_the_same_weights(data, tmp_path, rectangular):
    settings = SETTINGS | {"rectangular": rectangular}
    train(data, tmp_path / "whole", **settings)
    whole, tmp_path, taken = tmp_path / "whole", tmp_path / "killed", []
    for moment, epochs in MOMENTS.items():
        arguments = [str(data), str(tmp_path), moment, repr(settings)]
        done = subprocess.run(
            [sys.executable, "-c", KILLED, *arguments],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert not (tmp_path / "weights.pt").exists()
        last = resume.load(tmp_path / "ultralytics/weights/last.pt")
        assert last["epoch"] + 1 == epochs
        taken.append(last["updates"])
    assert taken == [2, 4, 7]
    assert train(data, tmp_path, **settings).is_file() and steps(tmp_path) == 7
    expected, found = weights(whole), weights(tmp_path)
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    columns = pd.read_csv(whole / "losses.csv").columns.drop("seconds")
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "losses.csv")[columns], pd.read_csv(whole / "losses.csv")[columns]
    )
    losses = pd.read_csv(tmp_path / "losses.csv")
    assert losses["epoch"].tolist() == [1, 2, 3, 4]
    assert losses["seconds"].is_monotonic_increasing  # one clock for all calls
    assert seconds(tmp_path) == pytest.approx(losses["seconds"].iloc[-1], abs=0.01)


@pytest.fixture(scope="module")
def interrupted(data, tmp_path_factory):
    """The folder of a training that stopped in its third epoch."""
    from sim2real_lib.detection import trainer

    folder = tmp_path_factory.mktemp("interrupted")

    def stop(training):
        if training.done == 4:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "CHECKPOINT_SECONDS", 0)
        patch.setattr(trainer.ArmTrainer, "_set_learning_rate", stop)
        with pytest.raises(KeyboardInterrupt):
            train(data, folder, **SETTINGS)
    return folder


@pytest.fixture
def copy(interrupted, tmp_path):
    """A copy of its folder of ultralytics', to be damaged."""
    import shutil

    return Path(shutil.copytree(interrupted, tmp_path / "copy")) / "ultralytics"


def test_what_is_sound_is_gone_on_from(copy):
    assert resume.reached(copy) == 2


@pytest.mark.parametrize("damage", ["truncated", "empty", "another pickle", "no checkpoint"])
def test_a_damaged_checkpoint_is_told_and_the_training_starts_afresh(copy, damage):
    last = copy / "weights/last.pt"
    content = last.read_bytes()
    if damage in ("truncated", "empty"):
        last.write_bytes(content[: len(content) // 2 if damage == "truncated" else 0])
    else:
        torch.save({"epoch": 1} if damage == "no checkpoint" else [1, 2], last)
    with pytest.warns(UserWarning, match=r"is damaged \(.*\): it starts afresh"):
        assert resume.reached(copy) == 0
    assert not copy.exists()


def test_after_damage_the_steps_are_those_of_a_new_training(copy, data):
    last = copy / "weights/last.pt"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.warns(UserWarning, match="damaged"):
        train(data, copy.parent, **SETTINGS)
    assert steps(copy.parent) == 7


def test_rows_after_the_checkpoint_and_damaged_ones_are_dropped(copy):
    results = copy / "results.csv"
    text = results.read_text()
    results.write_text(text + text.splitlines()[-1].replace("2,", "3,", 1) + "\n4,0.5,1.2")
    assert resume.reached(copy) == 2
    assert results.read_text() == text
    results.write_text(text.replace("\n1,", "\nx,", 1))
    resume.reached(copy)
    assert pd.read_csv(results)["epoch"].tolist() == [2]


@pytest.mark.parametrize("text", ["", "epoch,ti", None])
def test_results_without_a_whole_row_are_damage_too(copy, text):
    if text is None:
        (copy / "results.csv").unlink()
    else:
        (copy / "results.csv").write_text(text)
    with pytest.warns(UserWarning, match="is damaged"):
        assert resume.reached(copy) == 0


def test_a_resumed_training_closes_mosaic_where_it_would_have_been_closed(
    data, tmp_path, monkeypatch
):
    from ultralytics.data.augment import Mosaic

    from sim2real_lib.detection import trainer

    settings = SETTINGS | {"plain_share": 0.3}  # from the sixth step of seven, in an epoch's midst
    start, mix, composed, running = trainer.ArmTrainer._start, Mosaic.get_params, set(), []

    def started(training):
        running.append(training)
        start(training)

    def mixed(mosaic, labels):
        composed.add(running[-1].done)
        if running[-1].done == 3 and len(running) == 1:
            raise KeyboardInterrupt
        return mix(mosaic, labels)

    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(trainer.ArmTrainer, "_start", started)
    monkeypatch.setattr(Mosaic, "get_params", mixed)
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path, **settings)
    assert composed == {0, 1, 2, 3}
    composed.clear()
    train(data, tmp_path, **settings)
    assert running[-1].resumed_at == 2 and composed == {2, 3, 4}
    assert steps(tmp_path) == 7


def test_memory_that_is_out_stops_a_resumed_training_at_once_and_keeps_its_checkpoint(
    copy, data, monkeypatch
):
    from sim2real_lib.detection.trainer import ArmTrainer

    last = copy / "weights/last.pt"
    before, batches = last.read_bytes(), []

    def full(training, batch):
        batches.append(len(batch["im_file"]))
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(ArmTrainer, "preprocess_batch", full)
    with pytest.raises(InputError) as error:
        train(data, copy.parent, **SETTINGS)
    assert str(error.value) == (
        "batch: not enough memory for 7 images of 64 pixels a step. "
        "Set batch to 3 or image_size lower, for every arm"
    )
    assert batches == [7] and last.read_bytes() == before
    monkeypatch.undo()
    train(data, copy.parent, **SETTINGS)
    assert steps(copy.parent) == 7


def test_nothing_is_reached_where_nothing_was_begun(tmp_path):
    assert resume.reached(tmp_path / "ultralytics") == 0


def test_lost_steps_and_losses_that_are_no_numbers_are_no_result(copy, data):
    from sim2real_lib.detection.train import _finish

    last = copy / "weights/last.pt"
    with pytest.raises(InputError, match="diverged: 4 of 7 steps are in the weights"):
        _finish(last, copy.parent, 7)
    table = pd.read_csv(copy / "results.csv")
    table["train/box_loss"] = float("nan")
    table.to_csv(copy / "results.csv", index=False)
    with pytest.raises(InputError, match="diverged"):
        _finish(last, copy.parent, 4)
    assert last.is_file() and not (copy.parent / "weights.pt").exists()
