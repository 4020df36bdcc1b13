"""One training loop for every translator that learns, on Lightning Fabric.

A killed training goes on where it was and ends with the same weights. Nothing in it draws from a
random state that would have to be saved: crops, order and pools are functions of seed and step.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import pandas as pd
import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.progress import Progress
from sim2real_lib.translation.device import choose_precision
from sim2real_lib.translation.samples import drawn_samples
from sim2real_lib.translation.schedules import POLICIES, Policy
from sim2real_lib.translation.training_folder import LOSSES_FILE, fingerprint, refuse_another
from sim2real_lib.translation.training_loop import Run, launch
from sim2real_lib.translation.unpaired import Domain

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SMALLEST_CROP, CROP_MULTIPLE = 32, 4  # pixels
PRECISIONS = ("auto", "32-true", "bf16-mixed")  # 16-mixed has a state that could not be resumed


class Model(Protocol):
    """What can be trained. A step depends on weights, optimizers, extra state, crops and the
    step's number alone, so that a resumed training repeats it bit for bit.

    Attributes:
        networks: name -> network set up by the fabric; saved as `latest_net_<name>.pth`.
        optimizers: name -> optimizer set up by the fabric.
        losses: the names of what `step` returns. Names of adversarial losses begin with D or G.
    """

    networks: dict[str, Any]
    optimizers: dict[str, Any]
    losses: tuple[str, ...]

    def step(self, real_a: Tensor, real_b: Tensor, step: int) -> dict[str, float]:
        """Train on (N, 3, H, W) in [-1, 1] of source and target; the losses before the update,
        over all processes."""
        ...

    def preview(self, real_a: Tensor, real_b: Tensor) -> list[list[Tensor]]:
        """Rows of pictures that show what one frame of each domain becomes: (1, 3, H, W) in
        [-1, 1] of any size, in and out on the CPU."""
        ...

    def extra_state(self) -> dict[str, Any]:
        """What training changes beside networks and optimizers. All processes call it."""
        ...

    def restore_extra(self, extra: dict[str, Any]) -> None:
        """Take it back."""
        ...


@dataclass(frozen=True)
class Settings:
    """What decides a training's result, whatever is trained; the defaults are CycleGAN's.

    Args:
        source_scale, target_scale: factor on the sides of a domain's images before cropping; an
            image smaller than the crop is enlarged to it.
        crop: (height, width) in pixels, multiples of 4 from 32.
        batch: images of each domain in a step, over all processes.
        unit: whether `constant` and `decay` count epochs (the larger domain seen once) or steps.
        constant, decay: how long the learning rate is constant, and then falls.
        lr: learning rate.
        lr_policy: how it falls, see `Schedule`.
        seed: decides initial weights, order, crops and whatever else is drawn.
        precision: "32-true" or "bf16-mixed", Lightning's names; "auto": what the device is fast
            at.
        compile: whether torch.compile translates the networks first: a minute that pays on a GPU.

    Raises:
        InputError: for values that no training can be made of.
    """

    source_scale: float = 1.0
    target_scale: float = 1.0
    crop: tuple[int, int] = (256, 256)
    batch: int = 1
    unit: Literal["epochs", "steps"] = "epochs"
    constant: int = 100
    decay: int = 100
    lr: float = 2e-4
    lr_policy: Policy = "linear"
    seed: int = 0
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    compile: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "crop", tuple(self.crop))  # a list, when it comes from YAML
        if len(self.crop) != 2 or any(s < SMALLEST_CROP or s % CROP_MULTIPLE for s in self.crop):
            what = f"the crop's sides must be multiples of {CROP_MULTIPLE} from {SMALLEST_CROP}"
            raise InputError(what, where=f"crop={self.crop}")
        if self.batch < 1:
            raise InputError("must be 1 or more", where=f"batch={self.batch}")
        if self.unit not in ("epochs", "steps"):
            raise InputError("must be 'epochs' or 'steps'", where=f"unit={self.unit!r}")
        if self.constant + self.decay < 1:
            raise InputError("nothing to train for", where="constant + decay")
        for name, known in (("precision", PRECISIONS), ("lr_policy", POLICIES)):
            if getattr(self, name) not in known:
                raise InputError(f"must be {', '.join(known)}", where=name)
        if self.lr_policy == "plateau" and self.unit == "steps":
            remedy = "Count epochs, or take another lr_policy"
            raise InputError("plateau watches epochs", where="lr_policy", remedy=remedy)

    def build(self, fabric: "Fabric", precision: str) -> Model:
        """The model that these settings describe; each method's settings know theirs."""
        raise NotImplementedError


@dataclass(frozen=True)
class Result:
    """A finished training.

    Attributes:
        folder: where everything lies; `latest_net_<name>.pth` are the networks.
        steps: how many were trained in all.
        resumed_from: the step that this call went on from; 0: it began anew.
        seconds: how long this call took.
        losses: one row a step: `step`, and a column for each of the model's losses.
    """

    folder: Path
    steps: int
    resumed_from: int
    seconds: float
    losses: pd.DataFrame

    @property
    def samples(self) -> dict[str, Path]:
        """ "step 100" -> the picture of the fixed frames after that step, in order."""
        return drawn_samples(self.folder)


def train(
    source_paths: Sequence[str | Path],
    target_paths: Sequence[str | Path],
    folder: Path,
    *,
    settings: Settings,
    on_step: Callable[[Progress], None] | None = None,
    checkpoint_every: int = 200,
    cache_bytes: int = 2 << 30,
    accelerator: str = "auto",
    devices: int = 1,
    progress: bool = True,
) -> Result:
    """Learn to translate source images into target images, unpaired.

    A folder that holds an unfinished training of the same settings and images is continued; a
    finished one is returned as it is. Under `torchrun` this is one of its processes; elsewhere
    more than one device makes it start a process for each, from a script or a notebook.

    Args:
        source_paths, target_paths: image files of domain A and B.
        folder: where the training lives, see `training_folder`.
        settings: what to train: a method's own, such as `cyclegan.Settings`.
        on_step: called after every step, in the first process; what it raises ends the training.
            With several devices it must be picklable.
        checkpoint_every: steps between two checkpoints.
        cache_bytes: bound on decoded images kept in memory, each domain.
        accelerator, devices: as in Lightning Fabric; the batch is shared by the devices.
        progress: whether to show a progress bar; with `on_step`, that is the callback's business.

    Raises:
        InputError: for an unreadable image, a folder with another training, a damaged checkpoint,
            or a loss that is no number any more.
    """
    s = settings
    source = Domain(source_paths, "source", s.source_scale, s.crop, (s.seed, 0), cache_bytes)
    target = Domain(target_paths, "target", s.target_scale, s.crop, (s.seed, 1), cache_bytes)
    request = {
        "method": type(s).__module__.rpartition(".")[2],
        **asdict(s),
        "precision": choose_precision(accelerator) if s.precision == "auto" else s.precision,
        "source_images": fingerprint(source.paths),
        "target_images": fingerprint(target.paths),
    }
    run = Run(source, target, folder, s, request, checkpoint_every, accelerator, devices, progress)
    refuse_another(folder, request)
    started = time.perf_counter()
    first, steps = launch(run, on_step)
    losses = pd.read_csv(folder / LOSSES_FILE)
    return Result(folder, steps, first, time.perf_counter() - started, losses)


@contextmanager
def frozen(fabric: "Fabric", *networks: Any) -> Iterator[None]:
    """While generators learn, discriminators set up by the fabric only pass gradients on."""
    with ExitStack() as stack:
        for network in networks:
            network.requires_grad_(False)
            stack.callback(network.requires_grad_, True)
            stack.enter_context(fabric.no_backward_sync(network))
        yield


def setup_networks(
    fabric: "Fabric",
    networks: Mapping[str, Any],
    layout: torch.memory_format,
    compiled: bool,
) -> dict[str, Any]:
    """The networks on the fabric's device, in a memory layout, compiled where asked for."""
    ready = {}
    for name, network in networks.items():
        network.to(memory_format=layout)
        ready[name] = fabric.setup_module(
            cast(Any, torch.compile(network) if compiled else network)
        )
    return ready
