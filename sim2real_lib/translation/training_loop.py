"""The training loop, in one process or in several that share the batch."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.progress import Progress, progress_bar
from sim2real_lib.translation.samples import drawn_samples, sample_steps
from sim2real_lib.translation.schedules import Schedule
from sim2real_lib.translation.training_folder import LOSSES_FILE, TrainingFolder
from sim2real_lib.translation.unpaired import Domain, ahead

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from sim2real_lib.translation.training import Settings


@dataclass(frozen=True)
class Run:
    """What `train` hands to each of its processes."""

    source: Domain
    target: Domain
    folder: Path
    settings: "Settings"
    request: dict[str, Any]
    checkpoint_every: int
    accelerator: str
    devices: int
    progress: bool

    @property
    def precision(self) -> str:
        """What the fabric computes in, by Lightning's name."""
        return self.request["precision"]

    @property
    def steps_per_unit(self) -> int:
        """Steps in an epoch, or 1 where the settings count steps."""
        larger = max(len(self.source), len(self.target))
        return -(-larger // self.settings.batch) if self.settings.unit == "epochs" else 1

    @property
    def processes(self) -> dict[str, Any]:
        """How many processes train, and who starts them, in Fabric's words."""
        everywhere = here = self.devices
        strategy = "auto" if here == 1 else "ddp_spawn"
        if under_torchrun():
            everywhere, here = int(os.environ["WORLD_SIZE"]), int(os.environ["LOCAL_WORLD_SIZE"])
            strategy = "ddp"
        if self.settings.batch % everywhere:
            what = f"a batch of {self.settings.batch} cannot be shared by {everywhere} devices"
            raise InputError(what, where="batch", remedy="Give a multiple, or fewer devices")
        return {"devices": here, "num_nodes": everywhere // here, "strategy": strategy}


def launch(run: Run, on_step: Callable[[Progress], None] | None) -> tuple[int, int]:
    """Train, and return the step that it began at and how many there are.

    More than one device means a process for each: this one and others that Fabric starts, or
    those of `torchrun`.
    """
    # Fabric spawns from a script alone; fork would break a notebook's threads.
    beside = run.devices > 1 and hasattr(sys, "ps1")
    return _launch_beside(run, on_step) if beside else _launch(run, on_step)


def _launch(run: Run, on_step: Callable[[Progress], None] | None) -> tuple[int, int]:
    """Train in this process and those that Fabric starts; what `_train` returns."""
    from lightning_fabric import Fabric  # two seconds that only a training is worth
    from lightning_fabric.plugins.environments import LightningEnvironment

    # In a Slurm job Fabric would take Slurm's one task for all of the processes.
    own: list[Any] = [] if under_torchrun() else [LightningEnvironment()]
    precision = cast(Any, run.precision)
    fabric = Fabric(accelerator=run.accelerator, precision=precision, plugins=own, **run.processes)
    return cast(Any, fabric.launch(partial(_train, run=run, on_step=on_step)))


def _launch_beside(run: Run, on_step: Callable[[Progress], None] | None) -> tuple[int, int]:
    """The same from a notebook: its own process has threads, which a fork would break, and what
    Fabric spawns it spawns from a script alone. So a process beside it plays the script."""
    answer = torch.multiprocessing.get_context("spawn").SimpleQueue()
    torch.multiprocessing.spawn(_play_script, (run, on_step, answer), daemon=False)
    found = answer.get()
    if isinstance(found, InputError):
        raise found
    return found


def _play_script(_: int, run: Run, on_step: Callable[[Progress], None] | None, answer: Any) -> None:
    try:
        answer.put(_launch(run, on_step))
    except InputError as error:
        answer.put(error)


def under_torchrun() -> bool:
    """Whether this process is one of several that torchrun has started."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def _train(
    fabric: "Fabric", run: Run, on_step: Callable[[Progress], None] | None
) -> tuple[int, int]:
    """The training loop, in each process: the step it began at, and how many there are."""
    started = time.perf_counter()
    s = run.settings
    model = s.build(fabric, run.precision)
    schedule = Schedule(s.lr_policy, s.lr, s.constant, s.decay, run.steps_per_unit)
    steps = (s.constant + s.decay) * run.steps_per_unit

    home = TrainingFolder(run.folder, fabric)
    home.claim(run.request)
    first = home.resume(model, schedule)
    if first == 0:
        home.draw(model, run.source, run.target, 0)

    tell = on_step if fabric.is_global_zero else None
    before = pd.read_csv(run.folder / LOSSES_FILE) if tell else pd.DataFrame()
    samples = drawn_samples(run.folder)
    quiet = not run.progress or on_step is not None or not fabric.is_global_zero
    name = run.request["method"]
    options = {"initial": first, "disable": quiet, "unit": "step", "mininterval": 1}
    bar = progress_bar(range(first, steps), name, steps, **options)
    for step, (real_a, real_b) in zip(bar, _batches(fabric, run, first, steps), strict=True):
        for optimizer in model.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(step)
        losses = model.step(real_a, real_b, step)
        schedule.observe(step, losses)
        home.add_losses(step + 1, losses)
        if step + 1 in sample_steps(steps):
            home.draw(model, run.source, run.target, step + 1)
            samples = drawn_samples(run.folder)
        if (step + 1) % run.checkpoint_every == 0 or step + 1 == steps:
            home.save(model, schedule, step + 1)
        bar.set_postfix({name: f"{loss:.2f}" for name, loss in losses.items()}, refresh=False)
        if tell is not None:
            seconds = time.perf_counter() - started
            tell(
                Progress(
                    step + 1, steps, losses, seconds, run.folder,
                    images=s.batch, before=before, samples=samples,
                )
            )  # fmt: skip
    home.save_weights(model.networks)
    return first, steps


def _batches(fabric: "Fabric", run: Run, first: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """This process's crops of both domains for each step; the next ones are cut meanwhile."""
    share = run.settings.batch // fabric.world_size
    pinned = fabric.device.type == "cuda"  # copied while the GPU computes

    def cut(step: int) -> list[Tensor]:
        start = step * run.settings.batch + fabric.global_rank * share
        crops = [each.samples(range(start, start + share)) for each in (run.source, run.target)]
        return [each.pin_memory() if pinned else each for each in crops]

    for real_a, real_b in ahead(cut, range(first, steps)):
        yield (
            real_a.to(fabric.device, non_blocking=pinned),
            real_b.to(fabric.device, non_blocking=pinned),
        )
