"""What a stranger's weights can do: become a network, or be refused. Nothing in them runs."""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sim2real_lib.detection import checkpoint, features, offline, predict, resume, train
from sim2real_lib.detection.judge import Judge
from sim2real_lib.errors import InputError
from sim2real_lib.files import Artifact
from sim2real_lib.translation import checkpoints, vgg


class Payload:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def lure(path: Path, mark: Path) -> Path:
    """A file that looks like a detector's checkpoint and makes `mark` where it is unpickled."""
    held = Payload(f"touch {mark}")
    torch.save({"model": held, "ema": held, "epoch": 0, "updates": 1, "optimizer": {},
                "train_args": {}, "G_A": held}, path)  # fmt: skip
    return path


def detector(weights: Path, folder: Path) -> None:
    checkpoint.network(weights, folder, "")


def of_features(weights: Path, folder: Path) -> None:
    features.detector_features(weights, [], image_size=64, device="cpu", folder=folder)


def of_inception(weights: Path, folder: Path) -> None:
    features.inception_features(weights, [], device="cpu")


def of_prediction(weights: Path, folder: Path) -> None:
    nothing: Any = None
    predict.predict(weights, nothing, folder, image_size=64, classes=["car"])


def of_training(weights: Path, folder: Path) -> None:
    train.train(folder / "data.yaml", folder, image_size=64, iterations=1, weights=weights)


def of_generator(weights: Path, folder: Path) -> None:
    checkpoints.load_generator(weights)


def of_discriminator(weights: Path, folder: Path) -> None:
    checkpoints.load_discriminator(weights)


def of_vgg(weights: Path, folder: Path) -> None:
    vgg.load_features("vgg16", weights, ["relu1_1"])


LOADERS = [detector, of_features, of_inception, of_prediction, of_training, of_generator,
           of_discriminator, of_vgg]  # fmt: skip
every_loader = pytest.mark.parametrize("load", LOADERS)


@every_loader
def test_weights_that_would_run_a_command_are_refused_and_nothing_runs(
    load: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    with pytest.raises(InputError):
        load(lure(tmp_path / "weights.pt", mark), tmp_path)
    assert not mark.exists()


@every_loader
def test_a_bare_pickle_is_refused_and_nothing_runs(
    load: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    mark, path = tmp_path / "ran", tmp_path / "weights.pt"
    path.write_bytes(pickle.dumps(Payload(f"touch {mark}")))
    with pytest.raises(InputError):
        load(path, tmp_path)
    assert not mark.exists()


@every_loader
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x02", b"x" * 5000, bytes(5000)])
def test_what_is_no_checkpoint_is_refused(
    load: Callable[[Path, Path], None], data: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(data)
    with pytest.raises(InputError):
        load(path, tmp_path)


@pytest.mark.parametrize("suffix", [".torchscript", ".onnx", ".engine", ".yaml", ".pth", ""])
def test_what_ultralytics_reads_besides_checkpoints_is_refused(suffix: str, tmp_path: Path) -> None:
    path = (tmp_path / "weights").with_suffix(suffix)
    path.write_bytes(b"x")
    with pytest.raises(InputError, match=r"weights are a file \.pt"):
        detector(path, tmp_path)


def test_a_script_module_under_a_checkpoints_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.rand(1, 2)), path)
    assert zipfile.is_zipfile(path)
    with pytest.raises(InputError):
        detector(path, tmp_path)


def test_a_training_that_somebody_mailed_starts_afresh_and_nothing_runs(tmp_path: Path) -> None:
    work, mark = tmp_path / "ultralytics", tmp_path / "ran"
    (work / "weights").mkdir(parents=True)
    lure(work / "weights" / "last.pt", mark)
    with pytest.warns(UserWarning, match="damaged"):
        assert resume.reached(work) == 0
    assert not mark.exists()


def test_ultralytics_itself_loads_nothing_but_networks_from_here_on(tmp_path: Path) -> None:
    offline.prepare(tmp_path)
    from ultralytics import YOLO

    mark = tmp_path / "ran"
    with pytest.raises(TypeError):
        YOLO(lure(tmp_path / "weights.pt", mark))
    assert os.environ["ULTRALYTICS_SAFE_LOAD"] == "1", "the processes of several GPUs inherit it"
    assert not mark.exists()


@pytest.mark.parametrize("name", ["/elsewhere/weights.pt", "../../elsewhere/weights.pt"])
def test_a_manifest_cannot_name_weights_outside_of_its_folder(name: str, tmp_path: Path) -> None:
    home = tmp_path / "baseline-seed0"
    Artifact(home, {"image_size": 64, "classes": ["car"]}).seal(weights=name)
    assert Judge.of({"baseline-seed0": home}).weights == home / "weights.pt"
