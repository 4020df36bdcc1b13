"""Training: pinned, resumable, silent, and harmless to data sets."""

import hashlib
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest
import torch

from sim2real_lib.detection.compose import compose
from sim2real_lib.detection.train import train
from sim2real_lib.detection.tree import write_tree
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT

TINY = {"image_size": 64, "batch": 7, "iterations": 3, "device": "cpu", "threads": 1}


@pytest.fixture(scope="module")
def data(streets, tmp_path_factory):
    arm = compose(streets)
    for image in arm.frames["image"][:3]:  # as some of KITTI's kin have them
        Path(image).write_bytes(Path(image).read_bytes() + b"trailing bytes")
    return write_tree(arm, tmp_path_factory.mktemp("run") / "tree", ["car", "van", "truck"])


def parameters(weights: Path) -> torch.Tensor:
    model = torch.load(weights, weights_only=False)["model"]
    return torch.cat([p.float().flatten() for p in model.state_dict().values()])


def kill(*_: object) -> None:
    raise KeyboardInterrupt


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def finished(streets, data, tmp_path_factory):
    """(dataset's bytes before, the run's folder, the weights) of one small training."""
    dataset = Path(os.path.commonpath(streets.frames["image"].tolist()))
    before = digests(dataset)
    folder = tmp_path_factory.mktemp("training")
    weights = train(data, folder, **TINY)
    return dataset, before, folder, weights


def test_training_changes_no_byte_of_the_data_set_and_adds_no_file(finished):
    dataset, before, _, _ = finished
    assert digests(dataset) == before


def test_it_takes_exactly_the_iterations_asked_for(finished):
    _, _, folder, _ = finished
    losses = pd.read_csv(folder / "losses.csv")
    assert losses["epoch"].tolist() == [1, 2]  # 14 frames in batches of 7: 2 + 1 iterations
    assert {"box", "cls", "dfl"} <= set(losses.columns)
    assert losses.notna().all(axis=None)


def test_a_finished_training_returns_at_once(finished, data):
    _, _, folder, weights = finished
    before = weights.stat().st_mtime_ns
    assert train(data, folder, **TINY) == weights
    assert weights.stat().st_mtime_ns == before


def test_same_seed_same_weights_and_another_seed_others(finished, data, tmp_path):
    _, _, _, weights = finished
    assert torch.equal(parameters(weights), parameters(train(data, tmp_path / "same", **TINY)))
    other = train(data, tmp_path / "other", **TINY, seed=1)
    assert not torch.equal(parameters(weights), parameters(other))


def test_other_parameters_start_afresh(finished, data, tmp_path):
    folder = tmp_path / "run"
    first = parameters(train(data, folder, **TINY))
    again = parameters(train(data, folder, **TINY | {"learning_rate": 1e-4}))
    assert not torch.equal(first, again)
    assert torch.equal(again, parameters(train(data, tmp_path / "x", **TINY, learning_rate=1e-4)))


def test_a_killed_training_goes_on_where_it_was(data, tmp_path, monkeypatch):
    from sim2real_lib.detection import trainer
    from sim2real_lib.detection.trainer import ArmTrainer

    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0)
    count, epochs = ArmTrainer._count, []

    def killed(training):
        count(training)
        if training.done == 3:  # in the second epoch: the first is on disk
            raise KeyboardInterrupt

    monkeypatch.setattr(ArmTrainer, "_count", killed)
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path, **TINY | {"iterations": 6})

    def counted(training):
        count(training)
        epochs.append(training.epoch)

    monkeypatch.setattr(ArmTrainer, "_count", counted)
    weights = train(data, tmp_path, **TINY | {"iterations": 6})
    assert epochs == [1, 1, 2, 2]
    assert pd.read_csv(tmp_path / "losses.csv")["epoch"].tolist() == [1, 2, 3]
    assert weights.is_file()


def test_a_training_killed_before_its_end_was_written_only_writes_it(data, tmp_path, monkeypatch):
    monkeypatch.setattr("ultralytics.utils.torch_utils.strip_optimizer", kill)
    with pytest.raises(KeyboardInterrupt):
        train(data, tmp_path, **TINY)
    monkeypatch.undo()
    monkeypatch.setattr("sim2real_lib.detection.train._run", kill)
    assert train(data, tmp_path, **TINY).is_file()


def test_it_starts_from_given_weights(finished, data, tmp_path):
    _, _, _, weights = finished
    settings = TINY | {"iterations": 1, "learning_rate": 1e-9}
    warm = parameters(train(data, tmp_path / "warm", **settings, weights=weights))
    cold = parameters(train(data, tmp_path / "cold", **settings, seed=5))
    start = parameters(weights)
    assert (warm - start).abs().mean() < 0.1 * (cold - start).abs().mean()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "yolov5nn"}, "did you mean 'yolov5n'"),
        ({"optimizer": "AdamX"}, "did you mean 'AdamW'"),
        ({"augmentation": {"mosaik": 1}}, "did you mean 'mosaic'"),
        ({"iterations": None}, "as iterations or as epochs"),
        ({"epochs": 2}, "as iterations or as epochs"),
    ],
)
def test_what_does_not_exist_is_refused_before_the_work(data, tmp_path, changes, message):
    with pytest.raises(InputError, match=message):
        train(data, tmp_path / "run", **TINY | changes)
    assert not (tmp_path / "run").exists()


def test_an_image_that_ultralytics_would_drop_stops_the_training(streets, tmp_path):
    data = write_tree(compose(streets), tmp_path / "tree", ["car", "van", "truck"])
    label = next((tmp_path / "tree" / "labels").iterdir())
    label.write_text("0 0.5 0.5 2 2\n")
    with pytest.raises(InputError, match="accepts only 13 of 14 frames"):
        train(data, tmp_path / "run", **TINY)


def test_it_is_silent_offline_and_keeps_out_of_the_home_directory(data, tmp_path):
    """In a process of its own, since ultralytics reads its settings once."""
    home = tmp_path / "home"
    home.mkdir()
    code = f"""
        import socket
        def refuse(*args, **kwargs): raise AssertionError("tried to reach the network")
        socket.getaddrinfo = socket.socket.connect = refuse
        from pathlib import Path
        from sim2real_lib.detection.train import train
        train(Path({str(data)!r}), Path({str(tmp_path / "run")!r}), **{TINY!r})
    """
    variables = {k: v for k, v in os.environ.items() if not k.startswith("YOLO_")}
    variables |= {"HOME": str(home), "PYTHONPATH": str(ROOT)}
    variables.pop("XDG_CONFIG_HOME", None)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=home, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = (done.stdout + done.stderr).replace("\r", "\n").splitlines()
    lines = [line for line in printed if line.strip()]
    assert all(line.startswith("epoch ") for line in lines), lines
    assert [p for p in home.rglob("*") if p.is_file() and ".cache" not in p.parts] == []
