"""What a training leaves on disk, and how it goes on from there.

settings.json             what the training was asked; another request is refused
losses.csv                one row a step
checkpoints/last.ckpt     the full state
checkpoints/previous.ckpt the one before, gone on from where the last is damaged
latest_net_{G_A,…}.pth    plain state dicts, CycleGAN's under the published code's names
samples/step_000100.png    fixed frames, translated as the networks could at that step
"""

import csv
import hashlib
import json
import math
import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from sim2real_lib.errors import InputError
from sim2real_lib.files import sha256, whole_file, write_json
from sim2real_lib.translation.checkpoints import plain
from sim2real_lib.translation.samples import draw_samples
from sim2real_lib.translation.schedules import Schedule
from sim2real_lib.translation.unpaired import Domain

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from sim2real_lib.translation.training import Model

SETTINGS_FILE, LOSSES_FILE = "settings.json", "losses.csv"
REMEDY = "Give another folder, or delete this one to start anew"


def refuse_another(folder: Path, request: Mapping[str, Any]) -> None:
    """Stop where a folder holds a training with other settings or images.

    Raises:
        InputError: which shows what differs.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"damaged ({error})", where=path, remedy=REMEDY) from error
    asked = json.loads(json.dumps(request))  # tuples become lists, as in the file
    differing = [
        f"{key}: {stored.get(key, 'absent')} there, {asked.get(key, 'absent')} asked"
        for key in sorted({*stored, *asked})
        if stored.get(key) != asked.get(key)
    ]
    if differing:
        what = "holds a training with other settings (" + "; ".join(differing) + ")"
        raise InputError(what, where=folder, remedy=REMEDY)


class TrainingFolder:
    """One training's folder. Every process may read; only the first one writes."""

    def __init__(self, folder: Path, fabric: "Fabric") -> None:
        self.folder, self.fabric = folder, fabric
        self.checkpoint = folder / "checkpoints" / "last.ckpt"
        self.previous = folder / "checkpoints" / "previous.ckpt"
        self._losses: list[list[float]] = []  # rows not yet on disk

    def claim(self, request: Mapping[str, Any]) -> None:
        """Record what this training is; `refuse_another` has looked whether it may be here."""
        path = self.folder / SETTINGS_FILE
        if self.fabric.is_global_zero and not path.is_file():
            write_json(path, dict(request))
        self.fabric.barrier()  # nobody may find the file of a sibling that was faster

    def resume(self, model: "Model", schedule: Schedule) -> int:
        """Bring model and losses.csv back to the last checkpoint; return its step (0: none).

        A damaged one is put aside with a warning, and the one before is gone on from.

        Raises:
            InputError: when a checkpoint is whole, but not of this model.
        """
        step = 0
        for path in (self.checkpoint, self.previous):
            if not self._readable(path):
                continue
            try:
                rest = self.fabric.load(path, _parts(model), weights_only=True)
                model.restore_extra(rest["extra"])
                schedule.state, step = rest["schedule"], rest["step"]
            except (RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as error:
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                raise InputError(
                    f"of another model ({reason})", where=path, remedy="Delete it to start anew"
                ) from error
            break
        self._cut_losses(step, model.losses)
        return step

    def _readable(self, path: Path) -> bool:
        """Whether a checkpoint is there, and whole; every process looks at the same file."""
        self.fabric.barrier()  # nobody puts aside what another is about to read
        if not path.is_file():
            return False
        reason = _damage(path)
        self.fabric.barrier()
        if reason and self.fabric.is_global_zero:
            aside = path.with_name(f"{path.name}.damaged")
            path.replace(aside)
            what = f"{path} is damaged ({reason}) and now called {aside.name}"
            warnings.warn(f"{what}: going on from what there was before", stacklevel=4)
        return not reason

    def save(self, model: "Model", schedule: Schedule, step: int) -> None:
        """Put the full state on disk, after the losses that led there. All processes call it.

        Raises:
            InputError: when a weight is no number any more; the last good checkpoint stays.
        """
        if not all(
            bool(p.isfinite().all()) for n in model.networks.values() for p in n.parameters()
        ):
            raise diverged(f"a weight is not finite after step {step}", self.checkpoint)
        self._flush_losses()
        state = {**_parts(model), "extra": model.extra_state()}
        state |= {"schedule": schedule.state, "step": step}
        first = self.fabric.is_global_zero
        with whole_file(self.checkpoint) if first else nullcontext(self.checkpoint) as path:
            self.fabric.save(path, state)  # writes in the first process only
            if first and self.checkpoint.is_file():
                self.checkpoint.replace(self.previous)
        self.fabric.barrier()

    def save_weights(self, networks: Mapping[str, nn.Module]) -> None:
        """Write `latest_net_<name>.pth`: plain state dicts, on the CPU, in NCHW."""
        for name, network in networks.items() if self.fabric.is_global_zero else ():
            state = plain(network.state_dict())
            weights = {key: value.cpu().contiguous() for key, value in state.items()}
            with whole_file(self.folder / f"latest_net_{name}.pth") as temporary:
                torch.save(weights, temporary)

    def draw(self, model: "Model", source: Domain, target: Domain, step: int) -> None:
        """Draw the fixed frames as the model translates them now."""
        if self.fabric.is_global_zero:
            path = self.folder / "samples" / f"step_{step:06d}.png"
            draw_samples(path, source, target, model.preview)

    def add_losses(self, step: int, losses: Mapping[str, float]) -> None:
        """Remember one row of losses.csv; it reaches the disk with the next checkpoint.

        Raises:
            InputError: when a loss is no number any more; the last good checkpoint stays.
        """
        bad = [f"{name} is {loss}" for name, loss in losses.items() if not math.isfinite(loss)]
        if bad:
            raise diverged(f"{bad[0]} at step {step}", self.checkpoint)
        self._losses.append([step, *losses.values()])

    def _cut_losses(self, step: int, names: Sequence[str]) -> None:
        """Begin losses.csv, or cut it back to the `step` that training goes on from."""
        if not self.fabric.is_global_zero:
            return
        path = self.folder / LOSSES_FILE
        rows: list[list[str]] = []
        if step and path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                rows = [
                    row
                    for row in list(csv.reader(file))[1:]
                    # A kill may have torn the last row off, even within its step's number.
                    if len(row) == len(names) + 1 and int(row[0]) <= step
                ]
        with (
            whole_file(path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            csv.writer(file).writerows([["step", *names], *rows])

    def _flush_losses(self) -> None:
        if self.fabric.is_global_zero:
            with (self.folder / LOSSES_FILE).open("a", newline="", encoding="utf-8") as file:
                rows = (
                    [int(step), *(f"{loss:.6g}" for loss in rest)] for step, *rest in self._losses
                )
                csv.writer(file).writerows(rows)
        self._losses.clear()


def _damage(path: Path) -> str:
    """Why a checkpoint, which is a zip archive with checksums, is not whole; "" when it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
    except (PermissionError, MemoryError):  # these say nothing of the file
        raise
    except Exception as error:  # a damaged file can raise anything
        return str(error) or type(error).__name__
    return f"{bad} has another checksum" if bad else ""


def _parts(model: "Model") -> dict[str, Any]:
    """The parts of a checkpoint that restore themselves."""
    return {**model.networks, **{f"optimizer_{k}": o for k, o in model.optimizers.items()}}


def fingerprint(paths: Sequence[str | Path]) -> str:
    """A short hash over the contents of files, in their order: equal wherever they lie.

    Raises:
        InputError: when a file is missing.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            digest.update(sha256(Path(path)).encode())
        except OSError as error:
            raise InputError("there is no such image", where=path) from error
    return digest.hexdigest()[:16]


def diverged(what: str, checkpoint: Path) -> InputError:
    """The error of a training that cannot go on."""
    kept = f"the last good checkpoint is {checkpoint}" if checkpoint.is_file() else "none was saved"
    return InputError(
        f"training diverged: {what}; {kept}",
        remedy="Try a lower lr or precision 32-true, in another folder",
    )
