"""CycleGAN (Zhu et al. 2017): training on Lightning Fabric, and translating with the result.

A killed training goes on where it was and ends with the same weights. Nothing in it draws from a
random state that would have to be saved: crops, order and pool are functions of seed and step.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.files import sha256
from sim2real_lib.progress import progress_bar
from sim2real_lib.translation.cyclegan_model import CycleGAN
from sim2real_lib.translation.cyclegan_settings import Settings
from sim2real_lib.translation.detail import keep_detail, resize, work_size
from sim2real_lib.translation.device import choose_device, choose_precision
from sim2real_lib.translation.networks import STRIDE, at_any_size, load_generator
from sim2real_lib.translation.samples import sample_steps
from sim2real_lib.translation.training_folder import TrainingFolder, fingerprint
from sim2real_lib.translation.unpaired import Domain


@dataclass(frozen=True)
class Progress:
    """Where a training stands: what a callback gets after every step.

    Attributes:
        step, steps: finished steps, and how many there will be.
        losses: the step's losses by their published names, see `LOSSES`.
        seconds: since this call began.
    """

    step: int
    steps: int
    losses: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class Result:
    """A finished training.

    Attributes:
        folder: where everything lies; `latest_net_G_A.pth` translates source to target.
        steps: how many were trained in all.
        resumed_from: the step that this call went on from; 0: it began anew.
        seconds: how long this call took.
        losses: one row a step: `step`, and a column for each of `LOSSES`.
    """

    folder: Path
    steps: int
    resumed_from: int
    seconds: float
    losses: pd.DataFrame

    @property
    def generator(self) -> Path:
        """The weights that translate source to target."""
        return self.folder / "latest_net_G_A.pth"

    @property
    def samples(self) -> dict[str, Path]:
        """ "step 100" -> the picture of the fixed frames after that step, in order."""
        paths = sorted((self.folder / "samples").glob("step_*.png"))
        return {f"step {int(path.stem.removeprefix('step_')):,}": path for path in paths}


def train(
    source_paths: Sequence[str | Path],
    target_paths: Sequence[str | Path],
    folder: Path,
    *,
    settings: Settings = Settings(),  # noqa: B008 (frozen)
    on_step: Callable[[Progress], None] | None = None,
    checkpoint_every: int = 200,
    cache_bytes: int = 2 << 30,
    accelerator: str = "auto",
    devices: int | str = 1,
    progress: bool = True,
) -> Result:
    """Learn to translate source images into target images, unpaired.

    A folder that holds an unfinished training of the same settings and images is continued; a
    finished one is returned as it is.

    Args:
        source_paths, target_paths: image files of domain A and B.
        folder: where the training lives, see `training_folder`.
        settings: what to train.
        on_step: called after every step, in the first process; what it raises ends the training.
        checkpoint_every: steps between two checkpoints.
        cache_bytes: bound on decoded images kept in memory, each domain.
        accelerator, devices: as in Lightning Fabric.
        progress: whether to show a progress bar.

    Raises:
        InputError: for an unreadable image, a folder with another training, a damaged checkpoint,
            or a loss that is no number any more.
    """
    source = Domain(
        source_paths,
        "source",
        settings.source_scale,
        settings.crop,
        (settings.seed, 0),
        cache_bytes,
    )
    target = Domain(
        target_paths,
        "target",
        settings.target_scale,
        settings.crop,
        (settings.seed, 1),
        cache_bytes,
    )
    precision = (
        choose_precision(accelerator) if settings.precision == "auto" else settings.precision
    )
    fabric = Fabric(accelerator=accelerator, devices=devices, precision=cast(Any, precision))
    request = {
        **asdict(settings),
        "source_images": fingerprint(source.paths),
        "target_images": fingerprint(target.paths),
    }
    run = _Run(source, target, folder, settings, precision, request, checkpoint_every, progress)
    return cast(Result, fabric.launch(partial(_train, run=run, on_step=on_step)))


@dataclass(frozen=True)
class _Run:
    """What `train` hands to each of its processes."""

    source: Domain
    target: Domain
    folder: Path
    settings: Settings
    precision: str
    request: dict[str, Any]
    checkpoint_every: int
    progress: bool

    @property
    def steps_per_unit(self) -> int:
        """Steps in an epoch, or 1 where the settings count steps."""
        larger = max(len(self.source), len(self.target))
        return -(-larger // self.settings.batch) if self.settings.unit == "epochs" else 1


def _train(fabric: Fabric, run: _Run, on_step: Callable[[Progress], None] | None) -> Result:
    """The training loop, in each process."""
    started = time.perf_counter()
    settings, model = run.settings, CycleGAN(fabric, run.settings, run.precision)
    steps = (settings.constant + settings.decay) * run.steps_per_unit
    batch, left_over = divmod(settings.batch, fabric.world_size)
    if left_over:
        what = f"a batch of {settings.batch} cannot be shared by {fabric.world_size} devices"
        raise InputError(what, where="batch", remedy="Give a multiple, or fewer devices")

    home = TrainingFolder(run.folder, fabric)
    home.claim(run.request)
    first = home.resume(model)
    if first == 0:
        home.draw(model, run.source, run.target, 0)

    quiet = not run.progress or not fabric.is_global_zero
    bar = progress_bar(
        range(first, steps),
        "CycleGAN",
        steps,
        initial=first,
        disable=quiet,
        unit="step",
        mininterval=1,
    )
    for step in bar:
        start = step * settings.batch + fabric.global_rank * batch
        real_a = fabric.to_device(run.source.samples(range(start, start + batch)))
        real_b = fabric.to_device(run.target.samples(range(start, start + batch)))
        losses = model.step(real_a, real_b, step, settings.rate(step, run.steps_per_unit))
        home.add_losses(step + 1, losses)
        if step + 1 in sample_steps(steps):
            home.draw(model, run.source, run.target, step + 1)
        if (step + 1) % run.checkpoint_every == 0 or step + 1 == steps:
            home.save(model, step + 1)
        bar.set_postfix({name: f"{loss:.2f}" for name, loss in losses.items()}, refresh=False)
        if on_step is not None and fabric.is_global_zero:
            on_step(Progress(step + 1, steps, losses, time.perf_counter() - started))
    home.save_weights(model.networks)
    return Result(run.folder, steps, first, time.perf_counter() - started, home.losses())


class CycleGANTranslator:
    """Translates images with a trained generator.

    Args:
        weights: a generator's file, ours or the published code's (see `load_generator`).
        scale: the frames are translated at this share of their size; training's `source_scale`.
        detail: from 0, the generator's output as it is, to 1, its colours on the frame's own
            edges; see `keep_detail`.
        accelerator: "auto", "cpu" or "gpu".

    Raises:
        InputError: when the weights cannot be used.
    """

    def __init__(
        self,
        weights: str | Path,
        *,
        scale: float = 1.0,
        detail: float = 0.0,
        accelerator: str = "auto",
    ) -> None:
        self.device = choose_device(accelerator)
        self.network = load_generator(weights).to(self.device).eval()
        self.scale, self.detail = scale, detail
        self.identity = f"cyclegan {sha256(Path(weights))} scale {scale} detail {detail}"

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        with torch.inference_mode():
            frames = images.to(self.device)
            small = resize(frames, work_size(frames, self.scale, smallest=2 * STRIDE))
            translated = (at_any_size(self.network, small * 2 - 1) + 1) / 2
            return keep_detail(frames, small, translated, self.detail).cpu()
