"""A copy of the project with a run of its own, to be hurt: what tests and `benchmarks/faults.py`
share.

The run is params/smoke's with data sets in folders, which MiniDrive has written once, and with a
detector that trains for a few epochs and leaves a checkpoint after each, not every 30 seconds: so
that a kill of a short training meets them.
"""

import hashlib
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil
import torch
import yaml

from sim2real_lib.datasets import minidrive
from sim2real_lib.files import ROOT

PARTS = ("Snakefile", "notebooks", "params", "profiles", "sim2real_lib")
CHANGES = {  # to params/smoke
    "01_data_analysis": {"data": "folders"},
    "02_cyclegan_training": {"constant": 6, "decay": 6},
    "04_yolo_training": {"iterations": 24},
    "run": {"params": "params/faults", "arms": ["baseline", "cyclegan", "nst"]},
}
ARMS = {"arms": ["baseline", "nst"]}  # enough for tests
STAGES = {  # notebook -> an artifact of it, below the run
    "01": "01_data_analysis",
    "02": "02_cyclegan_training/cyclegan-fog",
    "03": "03_nst_generation/nst-fog",
    "04": "04_yolo_training/nst-seed0",
    "05": "05_result_visualization",
}
VICTIMS = {  # -> what its command line holds
    "kernel": "ipykernel_launcher",
    "papermill": "papermill",
    "everything": "",  # `make`'s process group: Snakemake, and whatever it has started
}


@dataclass
class Project:
    """A copy of the project below `home`, and the data sets beside it."""

    home: Path

    @classmethod
    def make(cls, home: Path) -> "Project":
        """Copy the code, write the data sets."""
        project = cls(home)
        for part in PARTS:
            source, copied = ROOT / part, project.root / part
            if source.is_dir():
                shutil.copytree(source, copied, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                copied.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, copied)
        project.write_params()
        trainer = project.root / "sim2real_lib" / "detection" / "trainer.py"
        text = trainer.read_text(encoding="utf-8")
        assert "\nCHECKPOINT_SECONDS = 30 " in text
        trainer.write_text(text.replace("\nCHECKPOINT_SECONDS = 30 ", "\nCHECKPOINT_SECONDS = 0 "))
        asked = yaml.safe_load((ROOT / "params/smoke/01_data_analysis.yaml").read_text())
        world = minidrive.World(
            seed=1,
            scenes=tuple(asked["sequences"]),
            **{name: asked[name] for name in asked if name.endswith("_per_weather")},
            frames_per_scene=asked["frames_per_scene"],
            kitti_size=tuple(asked["kitti_size"]),
            bdd_size=tuple(asked["bdd_size"]),
        )
        minidrive.write(project.data, world, workers=1, progress=False)
        return project

    @property
    def root(self) -> Path:
        return self.home / "project"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def run(self) -> Path:
        return self.root / "outputs" / "faults"

    @property
    def said(self) -> Path:
        """What the last run has said."""
        return self.home / "said.txt"

    def write_params(self, **changes: dict) -> None:
        """params/faults, with further changes: notebook -> parameters."""
        folder = self.root / "params" / "faults"
        folder.mkdir(exist_ok=True)
        roots = {f"{n}_root": str(self.data / n) for n in ("kitti", "vkitti2", "bdd100k")}
        for path in (ROOT / "params" / "smoke").glob("*.yaml"):
            values = yaml.safe_load(path.read_text()) | {"run": "outputs/faults"}
            values |= CHANGES.get(path.stem, {}) | changes.get(path.stem, {})
            if path.stem == "01_data_analysis":
                values |= roots
            # Unchanged text keeps its time: Snakemake goes by that.
            text, target = yaml.safe_dump(values), folder / path.name
            if not target.is_file() or target.read_text() != text:
                target.write_text(text)

    def start(self, *options: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        """`make demo`, in a session of its own; options go to Snakemake."""
        command = [*prefix, sys.executable, "-m", "sim2real_lib.batch", "faults", *options]
        environment = os.environ | {"PYTHONPATH": str(self.root)}
        self.said.unlink(missing_ok=True)  # who is still running says it elsewhere
        with self.said.open("w") as said:  # a pipe would wait for what a kill has left behind
            return subprocess.Popen(
                command, cwd=self.root, env=environment, stdin=subprocess.DEVNULL,
                stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def make_demo(self, *options: str, prefix: tuple[str, ...] = ()) -> tuple[int, str]:
        """Run it to its end: exit status, and all that it said."""
        status = self.start(*options, prefix=prefix).wait(timeout=900)
        return status, self.said.read_text()

    def until(self, artifact: str) -> tuple[str, ...]:
        """Options that make no more than one artifact and what it needs."""
        manifest = f"outputs/faults/{artifact}/manifest.json"
        return "--prioritize", manifest, "--rerun-incomplete", manifest

    def work(self, artifact: str) -> float:
        """Make an artifact undisturbed; return the seconds of a CPU that its kernel took."""
        process = self.start(*self.until(artifact))
        took = _worked(process, math.inf)
        if process.wait(timeout=900):
            raise RuntimeError(self.said.read_text())
        return took

    def kill(self, artifact: str, victim: str, number: signal.Signals, moment: float) -> bool:
        """Kill while an artifact is made.

        Args:
            artifact: which is to be made, and nothing after it.
            victim: one of `VICTIMS`.
            number: the signal.
            moment: when: the seconds of a CPU that the kernel has had.

        Returns:
            whether it was killed, and not done before.
        """
        process = self.start(*self.until(artifact))
        _worked(process, moment)
        if process.poll() is not None:
            return False
        if victim == "everything":
            os.killpg(process.pid, number)
        else:
            found = _child(process, VICTIMS[victim])
            if found is None or not _signalled(found, number):
                process.wait(timeout=900)
                return False
        process.wait(timeout=900)
        return True

    def results(self, *artifacts: str) -> dict[str, str]:
        """name -> digest of all that another run of the same parameters makes again, bit for bit.

        Args:
            artifacts: only those; none: all of them, and results.csv.
        """
        found = {}
        for folder in [self.run / name for name in artifacts] or [self.run]:
            for path in sorted(folder.rglob("*")):
                name = path.relative_to(self.run)
                if path.is_symlink() or not path.is_file() or path.name.startswith("."):
                    continue
                if {"ultralytics", "survey", "checkpoints", "tree"} & set(name.parts):
                    continue
                if content := _content(path):
                    found[str(name)] = hashlib.sha256(content).hexdigest()
        return found

    def data_bytes(self) -> dict[str, str]:
        """path -> digest and time of change, of every file of the data sets."""
        return {
            str(path.relative_to(self.data)): (
                f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
            )
            for path in sorted(self.data.rglob("*"))
            if path.is_file()
        }

    def changed_data(self, before: dict[str, str]) -> list[str]:
        """The files of the data sets that are new, gone or not as `data_bytes` said before."""
        now = self.data_bytes()
        return sorted(n for n in before.keys() | now.keys() if before.get(n) != now.get(n))

    def keep(self, name: str) -> None:
        """Remember the run and what Snakemake knows of it."""
        for part in ("outputs", ".snakemake"):
            shutil.rmtree(self.home / name / part, ignore_errors=True)
            shutil.copytree(self.root / part, self.home / name / part, symlinks=True)

    def restore(self, name: str) -> None:
        """Bring back what `keep` remembered, with every time of change."""
        for part in ("outputs", ".snakemake"):
            shutil.rmtree(self.root / part, ignore_errors=True)
            shutil.copytree(self.home / name / part, self.root / part, symlinks=True)

    def forget(self, artifact: str) -> None:
        """Remove an artifact, as if its stage had never begun."""
        shutil.rmtree(self.run / artifact, ignore_errors=True)

    def left_running(self) -> list[str]:
        """Command lines of processes that still work in the project."""
        lines = []
        for process in psutil.process_iter():
            try:
                if process.pid != os.getpid() and process.cwd().startswith(str(self.root)):
                    lines.append(" ".join(process.cmdline())[:200])
            except psutil.Error:
                continue
        return lines


def _content(path: Path) -> bytes:
    """What of a file is to be the same again; b"" for files that tell of time or place."""
    if path.name == "results.parquet":  # holds seconds, as results.csv
        return b""
    if path.suffix in (".png", ".parquet"):
        return path.read_bytes()
    if path.suffix == ".pth":
        state = torch.load(path, map_location="cpu", weights_only=True)
    elif path.name == "weights.pt":
        state = torch.load(path, map_location="cpu", weights_only=False)["model"].state_dict()
    elif path.name == "results.csv":
        table = pd.read_csv(path)
        return table[[c for c in table.columns if not c.endswith(" s")]].to_csv().encode()
    else:
        return b""
    return b"".join(k.encode() + v.contiguous().numpy().tobytes() for k, v in state.items())


def _child(process: subprocess.Popen[bytes], text: str) -> psutil.Process | None:
    """The descendant whose command line holds a text, where there is one."""
    try:
        for child in psutil.Process(process.pid).children(recursive=True):
            line = child.cmdline()
            if any(text in part for part in line[1:4]) and "python" in line[0]:
                return child
    except psutil.Error:
        pass  # one of them ended meanwhile
    return None


def _worked(process: subprocess.Popen[bytes], seconds: float) -> float:
    """Wait until the kernel has had so many seconds of a CPU, or all has ended.

    A clock would meet other moments on a busy machine.
    """
    kernel, had = None, 0.0
    while process.poll() is None and had < seconds:
        kernel = kernel or _child(process, VICTIMS["kernel"])
        if kernel is not None:
            try:
                had = sum(kernel.cpu_times()[:2]) or had
            except psutil.Error:
                break
        time.sleep(0.02 if kernel else 0.2)
    return had


def _signalled(process: psutil.Process, number: signal.Signals) -> bool:
    try:
        process.send_signal(number)
    except psutil.Error:
        return False
    return True
