"""Several GPUs: one training, shared. On two CPU processes, since no test may need a GPU."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch

from sim2real_lib.detection import ddp
from sim2real_lib.detection.compose import compose
from sim2real_lib.detection.train import train
from sim2real_lib.detection.tree import write_tree
from sim2real_lib.errors import InputError

CLASSES = ["car", "van", "truck"]
SHARED = {"image_size": 64, "batch": 6, "iterations": 7, "device": "0,1", "rectangular": True}


@pytest.fixture(scope="module")
def data(streets, tmp_path_factory):
    return write_tree(compose(streets), tmp_path_factory.mktemp("run") / "tree", CLASSES)


@pytest.fixture
def two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(ddp, "WORKER", [str(Path(__file__).with_name("two_processes.py"))])


def test_two_processes_share_each_batch_survive_a_kill_and_end_with_one_file(
    data, two_gpus, tmp_path, capsys, monkeypatch
):
    settings = SHARED | {"adversarial": {"share": 0.5}}
    monkeypatch.setenv("DIE_AT", "4")  # in the second epoch: 14 frames are three batches of 6
    with pytest.raises(RuntimeError, match="training on 2 GPUs failed"):
        train(data, tmp_path, **settings)
    assert not (tmp_path / "weights.pt").exists()
    monkeypatch.delenv("DIE_AT")
    weights = train(data, tmp_path, **settings)

    first, second = (
        json.loads((tmp_path / f"ultralytics/rank{rank}.json").read_text()) for rank in (0, 1)
    )
    assert first == second  # to the last bit of the weights' sum
    assert first["resumed_at"] == 3 and first["steps"] == 7
    assert first["images"] == 3 and first["batches"] == 3
    assert json.loads((tmp_path / "training.json").read_text())["steps"] == 7
    assert pd.read_csv(tmp_path / "losses.csv")["epoch"].tolist() == [1, 2, 3]
    model = torch.load(weights, weights_only=False)["model"]
    assert all(torch.isfinite(p).all() for p in model.parameters())
    assert (tmp_path / "batch.png").is_file()
    shown = capsys.readouterr().out.replace("\r", "\n").splitlines()
    lines = [line for line in shown if line.strip()]
    assert lines and all(line.startswith("epoch ") for line in lines)  # one bar, the first one's
    assert "42/42" in lines[-1]  # images of both


def test_both_processes_close_mosaic_at_the_same_iteration(data, two_gpus, tmp_path):
    """In the midst of the second epoch: 14 frames are three batches of 6."""
    train(data, tmp_path, **SHARED | {"rectangular": False, "iterations": 5, "plain_share": 0.2})
    for rank in (0, 1):
        facts = json.loads((tmp_path / f"ultralytics/rank{rank}.json").read_text())
        assert facts["composed"] == [0, 1, 2, 3] and facts["steps"] == 5


OUT_OF_MEMORY = """
import sys
print("torch.OutOfMemoryError: CUDA out of memory.", *["  a line"] * 80, sep="\\n", file=sys.stderr)
sys.exit(1)
"""


def test_memory_that_is_out_in_a_worker_is_answered_with_a_batch_that_can_be_shared(
    data, two_gpus, tmp_path, monkeypatch
):
    script = tmp_path / "worker.py"
    script.write_text(OUT_OF_MEMORY)
    monkeypatch.setattr(ddp, "WORKER", [str(script)])
    with pytest.raises(InputError, match=r"memory for 6 images of 64 .*\. Set batch to 2 or "):
        train(data, tmp_path / "run", **SHARED)


def test_a_batch_that_cannot_be_shared_is_refused(data, two_gpus, tmp_path):
    with pytest.raises(InputError, match="a batch of 7 cannot be shared by 2 GPUs"):
        train(data, tmp_path, **SHARED | {"batch": 7})


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("0,2", "there is no GPU 2; this machine has 2"),
        ("1,1", "names a GPU twice"),
        ("gpu", "there is no device 'gpu'"),
        ("0,", "there is no device '0,'"),
        ("-1", "there is no device '-1'"),
    ],
)
def test_a_device_that_is_not_there_is_refused(data, two_gpus, tmp_path, device, message):
    with pytest.raises(InputError, match=message):
        train(data, tmp_path, **SHARED | {"device": device})


REFUSING = """
import sys
from pathlib import Path
from sim2real_lib.detection import ddp
Path(sys.argv[1]).with_name(ddp.REFUSAL).write_text("bad frames")
sys.exit(1)
"""


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        (REFUSING, InputError, "^bad frames$"),
        ("raise ValueError('no more memory')", RuntimeError, "ValueError: no more memory"),
    ],
)
def test_what_stops_a_worker_is_said_here(tmp_path, monkeypatch, code, error, message):
    script = tmp_path / "worker.py"
    script.write_text(code)
    monkeypatch.setattr(ddp, "WORKER", [str(script)])
    with pytest.raises(error, match=message):
        ddp.train({}, 2, tmp_path)
