"""Parameters of notebook 02: one style's CycleGAN, CUT or FastCUT."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim2real_lib.params.ranges import (
    Accelerator,
    Count,
    NonNegative,
    Positive,
    Seed,
    Share,
    Size,
    Tile,
)
from sim2real_lib.params.translation import Translation
from sim2real_lib.params.variants import Learned


class CycleGANTraining(Translation):
    """02: one style's CycleGAN (or CUT, FastCUT), and the arm's frames translated by it."""

    translator: Learned = "cyclegan"
    """What is trained. CUT and FastCUT learn one direction and need less memory."""
    weights: str = ""
    """A generator's file to translate with, the published code's too. Empty: train one."""
    generator: Literal["resnet", "unet"] = "resnet"
    """The generators' kind. CUT and FastCUT need `resnet`."""
    n_blocks: Count = 4
    """Residual blocks of a ResNet (published: 9). Fewer are faster and change less."""
    n_downs: Annotated[int, Field(ge=5)] = 8
    """Halvings of a U-Net (published: 8, or 7). The crop's sides must be multiples of 2 to this
    power."""
    ngf: Count = 12
    """Channels of the generators' first layer (published: 64). Memory and time grow with it."""
    discriminator: Literal["patch", "pixel"] = "patch"
    """The discriminators' kind: by patch, or by single pixel. CUT and FastCUT need `patch`."""
    d_layers: Count = 3
    """Layers of a patch discriminator; the published 3 see 70x70 pixels."""
    ndf: Count = 16
    """Channels of the discriminators' first layer (published: 64)."""
    gan_mode: Literal["lsgan", "vanilla", "wgangp"] = "lsgan"
    """The adversarial loss: least squares (published), cross-entropy, or Wasserstein with gradient
    penalty."""
    source_scale: Positive = 0.5
    """Factor on the sides of the simulator's frames before cropping, and when they are translated.
    1 works at full size."""
    target_scale: Positive = 0.5
    """Factor on the sides of BDD100K frames before cropping. Choose it so that vehicles are as
    large as in the simulator's frames."""
    crop: Size = (64, 112)
    """Height and width of the random crop, pixels, multiples of 4 (published: 256 each). Lower it
    first when memory runs out."""
    target_images: Count = 500
    """At most so many BDD100K frames are learnt from (the original: about 500)."""
    batch: Count = 1
    """Crops of each domain in a step, over all devices: a multiple of `devices` (published: 1)."""
    unit: Literal["epochs", "steps"] = "steps"
    """What `constant` and `decay` count. An epoch sees the larger domain once."""
    constant: Count = 150
    """So long at the full learning rate (published: 100 epochs)."""
    decay: Annotated[int, Field(ge=0)] = 150
    """So long again while the learning rate falls (published: 100 epochs)."""
    learning_rate: Positive = 5e-4
    """Of Adam with betas 0.5 and 0.999 (published: 2e-4). Lower it when the losses jump."""
    lr_policy: Literal["linear", "step", "plateau", "cosine"] = "linear"
    """How the learning rate falls (published: `linear`). `plateau` needs `unit: epochs`."""
    lambda_cycle: NonNegative = 10.0
    """CycleGAN: weight of the cycle losses. More keeps the frames' content better."""
    lambda_identity: NonNegative = 0.5
    """CycleGAN: weight of the identity losses, as a share of `lambda_cycle`. More keeps colours."""
    pool: Annotated[int, Field(ge=0)] = 50
    """CycleGAN: how many earlier translations the discriminators are shown again. 0: none."""
    lambda_nce: NonNegative = 1.0
    """CUT and FastCUT: weight of the contrastive losses. 0: the published one, 1 for CUT and 10
    for FastCUT."""
    patches: Annotated[int, Field(ge=2)] = 64
    """CUT and FastCUT: places of a layer that are compared in a step (published: 256)."""
    projection: Count = 64
    """CUT and FastCUT: channels of the space they are compared in (published: 256)."""
    detail: Share = 1.0
    """0: frames as the generator makes them. 1: its colours on the frame's own edges, so that boxes
    hold where the generator works at less than full size."""
    tile: Tile = 0
    """Frames larger than this, in pixels, are translated in tiles. 0: never. Set it when
    translating runs out of memory."""
    checkpoint_every: Count = 200
    """Steps between checkpoints. A killed training goes on from the last one."""
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """Lightning's name. `auto`: what the device is fast at."""
    compile: bool = False
    """Translate the networks by torch.compile first. It can pay in a long run on a GPU:
    `benchmarks/cyclegan.py` measures it."""
    accelerator: Accelerator = "auto"
    """`auto` takes a GPU where there is one."""
    devices: Count = 1
    """How many GPUs (or processes on a CPU) share the batch."""
    seed: Seed = 0
    """Decides weights, crops and order."""

    @model_validator(mode="after")
    def _cut_has_the_published_networks(self) -> Self:
        if self.translator != "cyclegan" and (self.generator, self.discriminator) != (
            "resnet", "patch",
        ):  # fmt: skip
            raise ValueError(f"{self.translator} needs generator 'resnet', discriminator 'patch'")
        return self
