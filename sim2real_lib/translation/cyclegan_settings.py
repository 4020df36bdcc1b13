"""What a CycleGAN training is asked to do."""

from dataclasses import dataclass
from typing import Literal

from sim2real_lib.errors import InputError
from sim2real_lib.translation.networks import STRIDE

SMALLEST_CROP = 32  # pixels; below, the discriminator's last layer sees nothing


@dataclass(frozen=True)
class Settings:
    """What decides a training's result; the defaults are the published ones.

    Args:
        n_blocks: residual blocks of the generators.
        ngf, ndf: channels of the generators' and discriminators' first layer.
        source_scale, target_scale: factor on the sides of a domain's images before cropping; an
            image smaller than the crop is enlarged to it.
        crop: (height, width) in pixels, multiples of 4 from 32.
        batch: images of each domain in a step, over all processes.
        unit: whether `constant` and `decay` count epochs (the larger domain seen once) or steps.
        constant, decay: how long the learning rate is constant, and then falls linearly.
        lr: learning rate of Adam (betas 0.5, 0.999).
        lambda_a, lambda_b: weights of the cycle losses of domain A and B.
        identity: weight of the identity losses, as a share of the cycle losses'; 0: none.
        pool: earlier translations kept to show to the discriminators; 0: none.
        seed: decides initial weights, order, crops and pool.
        precision: one of Lightning's ("32-true", "bf16-mixed", …); "auto": what the device is
            fast at.

    Raises:
        InputError: for values that no training can be made of.
    """

    n_blocks: int = 9
    ngf: int = 64
    ndf: int = 64
    source_scale: float = 1.0
    target_scale: float = 1.0
    crop: tuple[int, int] = (256, 256)
    batch: int = 1
    unit: Literal["epochs", "steps"] = "epochs"
    constant: int = 100
    decay: int = 100
    lr: float = 2e-4
    lambda_a: float = 10.0
    lambda_b: float = 10.0
    identity: float = 0.5
    pool: int = 50
    seed: int = 0
    precision: str = "auto"

    def __post_init__(self) -> None:
        object.__setattr__(self, "crop", tuple(self.crop))  # a list, when it comes from YAML
        if len(self.crop) != 2 or any(side < SMALLEST_CROP or side % STRIDE for side in self.crop):
            what = f"the crop's sides must be multiples of {STRIDE} from {SMALLEST_CROP}"
            raise InputError(what, where=f"crop={self.crop}")
        for name in ("n_blocks", "ngf", "ndf", "batch"):
            if getattr(self, name) < 1:
                raise InputError("must be 1 or more", where=f"{name}={getattr(self, name)}")
        if self.unit not in ("epochs", "steps"):
            raise InputError("must be 'epochs' or 'steps'", where=f"unit={self.unit!r}")
        if self.constant + self.decay < 1:
            raise InputError("nothing to train for", where="constant + decay")

    def rate(self, step: int, steps_per_unit: int) -> float:
        """The learning rate of a step (from 0): `lr * (1 - max(0, e - constant) / (decay + 1))`,
        where e, from 1, is the step's epoch or, where steps are counted, its number."""
        e = step // steps_per_unit + 1
        return self.lr * (1 - max(0, e - self.constant) / (self.decay + 1))
