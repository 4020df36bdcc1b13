"""Parameters of notebook 03: style transfer, or a change of colours alone."""

from typing import Annotated, Literal

from pydantic import Field

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
from sim2real_lib.params.variants import Stylist


class NSTGeneration(Translation):
    """03: the same frames, by neural style transfer or a change of colours alone."""

    translator: Stylist = "nst"
    """How frames are translated: see [translators](translators.md)."""
    style_images: Count = 4
    """nst, adain, wct2: BDD100K frames whose mean style is taken on."""
    target_images: Count = 500
    """adain, wct2: at most so many BDD100K frames are learnt from. Colour translators: at most so
    many give their colours."""
    network: Literal["vgg16", "vgg19"] = "vgg16"
    """nst, adain, wct2: whose features are used; VGG16 is the original's."""
    weights: str = ""
    """File of torchvision's VGG weights. Empty: torch's cache, or seeded random weights, which know
    nothing of objects; the run says which."""
    scale: Annotated[float, Field(gt=0, le=1)] = 0.4
    """nst, adain, wct2: frames are worked on at this share of their size (original: 2/3). Memory
    and time grow with its square."""
    detail: Share = 0.7
    """nst, adain, wct2: 0: the result enlarged, as in the original. 1: its colours on the frame's
    own edges."""
    optimizer: Literal["adam", "lbfgs"] = "adam"
    """nst: the original used `lbfgs`, which needs more memory."""
    steps: Count = 10
    """nst: evaluations of the loss for each batch of frames. More come nearer to the style."""
    learning_rate: Positive = 0.02
    """nst: of the optimizer, on pixel values from 0 to 1."""
    scales: Count = 1
    """nst: sizes worked on from coarse to fine, each of twice the sides of the last."""
    content_weight: NonNegative = 1.0
    """nst: how much the content's features count."""
    style_weight: NonNegative = 3.0
    """nst: how much the style's features count."""
    tv_weight: NonNegative = 1.0
    """nst: how much smoothness counts (total variation)."""
    colour_start: bool = True
    """nst: start from the frame in the style's colours, rather than from the frame as Gatys does.
    It needs fewer steps."""
    keep_colour: bool = False
    """nst: keep the frame's own colours and change luminance alone."""
    layer: str = "block2_conv1"
    """adain, wct2: how deep the style is taken on (papers: `block4_conv1`), as Keras names VGG's
    layers."""
    train_steps: Count = 300
    """adain, wct2: so many steps does the decoder learn."""
    train_crop: Size = (56, 96)
    """adain, wct2: height and width of the crops that the decoder learns from, pixels."""
    alpha: Share = 1.0
    """adain, wct2: from 0, the frame's own style, to 1, the target's."""
    beta: Annotated[float, Field(ge=0, le=0.5)] = 0.01
    """fda: half the side of the square of low frequencies whose amplitudes are the target's, as a
    share of the frame's shorter side (paper: 0.01 to 0.09)."""
    batch: Count = 4
    """Frames worked on at once. Lower it when memory runs out."""
    tile: Tile = 0
    """nst, adain, wct2: frames larger than this, in pixels, are worked on in tiles. 0: never."""
    accelerator: Accelerator = "auto"
    """`auto` takes a GPU where there is one."""
    seed: Seed = 0
    """Decides which target frames are taken, and random features."""
