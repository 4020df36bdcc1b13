"""A training keeps to its folder: no network, no home directory, no byte of a data set."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from sim2real_lib.detection.compose import compose
from sim2real_lib.detection.tree import write_tree
from sim2real_lib.files import ROOT

# Every way to the network is closed before anything else is imported.
CODE = """
import socket
tried = []
def refuse(*args, **kwargs):
    tried.append(args)
    raise OSError("no network here")
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
import sys
from pathlib import Path
from sim2real_lib.detection.train import train
train(Path(sys.argv[1]), Path(sys.argv[2]), image_size=64, batch=7, iterations=2, device="cpu",
      threads=1)
assert not tried, tried
assert "mlflow" not in sys.modules  # ultralytics has a callback of its own for it
"""


def listing(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file below -> its hash and time of change; every folder -> its time of change."""
    return {
        str(path): (
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
            path.stat().st_mtime_ns,
        )
        for path in [folder, *folder.rglob("*")]
    }


def train_alone(data: Path, run: Path, home: Path) -> list[str]:
    """Train in a process of its own, as ultralytics reads its settings once; what it printed."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("YOLO_", "XDG_", "MPL"))}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(data), str(run)],
        cwd=home, env=variables | {"HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = (done.stdout + done.stderr).replace("\r", "\n").splitlines()
    return [line for line in printed if line.strip()]


def test_a_training_prints_its_progress_reaches_for_no_network_and_writes_to_its_run_alone(
    streets, tmp_path
):
    run, home, elsewhere = tmp_path / "run", tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    data = write_tree(compose(streets), elsewhere / "tree", ["car", "van", "truck"])
    dataset = Path(os.path.commonpath(streets.frames["image"].tolist()))
    folders = [path for path in [dataset, *dataset.rglob("*")] if path.is_dir()]
    before = listing(dataset)
    for folder in folders:
        folder.chmod(0o555)  # as a mounted data set is; root may write all the same
    try:
        lines = train_alone(data, run, home)
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert lines and all(line.startswith("epoch ") for line in lines), lines
    assert listing(dataset) == before
    assert list(home.rglob("*")) == []
    written = {path.name for path in elsewhere.rglob("*") if path.is_file()}
    assert {name for name in written if "cache" in name} <= {"labels.cache"}  # in the run's tree
    assert (run / "weights.pt").is_file()
