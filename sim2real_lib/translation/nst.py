"""Neural style transfer (Gatys et al. 2016) with the original experiment's layers, in batches.

It departs from Gatys where that pays; the parameters take each step back. The style may be the
mean Gram matrix of several images, so that one odd image does not decide the weather. The search
may begin with the content in the style's colours, and go from small images to large ones, so that
a few steps suffice. What is optimised may be smaller than the frame, whose edges are then put back
(see `detail`). One style image, one scale, detail 0 and no colour start make Gatys' recipe.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import pandas as pd
import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.images import read_rgb
from sim2real_lib.translation.colour import match_colours
from sim2real_lib.translation.detail import keep_detail, resize, work_size
from sim2real_lib.translation.device import choose_device
from sim2real_lib.translation.nst_losses import StyleTransferLoss, Weights, mean_grams
from sim2real_lib.translation.nst_search import Evaluate, adam, coarse_to_fine, lbfgs
from sim2real_lib.translation.vgg import Network, VGGFeatures, load_features

# The original experiment's layers, and Gatys' own.
CONTENT_LAYERS = {"vgg16": ("block2_conv2",), "vgg19": ("block4_conv2",)}
STYLE_LAYERS = {
    "vgg16": ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3"),
    "vgg19": tuple(f"block{number}_conv1" for number in range(1, 6)),
}
SMALLEST_SIDE = 32  # pixels; VGG's four poolings leave a 2x2 map of it
COLOUR_PIXELS = 2**16  # of all style images together, for their colour statistics
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Progress:
    """Where a stylisation stands: `step` of `steps`, and the mean `loss` of the batch's images."""

    step: int
    steps: int
    loss: float


def stylize(
    *,
    content: Tensor,
    start: Tensor | None = None,
    style: Sequence[Mapping[str, Tensor]],
    features: VGGFeatures,
    content_layers: Sequence[str],
    weights: Weights,
    optimizer: Literal["adam", "lbfgs"] = "adam",
    steps: int = 20,
    lr: float = 0.05,
    tile: int = 0,
    on_step: Callable[[Progress], None] | None = None,
) -> Tensor:
    """Give images a style.

    Args:
        content: (N, 3, H, W) in [0, 1], sides from 32; (N, 1, H, W) for grey images.
        start: where the search begins, shaped like the content; None: the content itself.
        style: layer -> target Gram matrix (C, C), see `mean_grams`; one such mapping a scale, the
            images' own first, then of half its sides, and so on. The search goes the other way:
            what a scale changed, enlarged, begins the next.
        features: must yield the content layers and those of the style.
        content_layers: whose activations are to stay.
        weights: of content, style and total variation.
        optimizer: "adam" or "lbfgs" (Gatys), which needs about half as many steps; either treats
            each image as if it were alone.
        steps: evaluations of the loss, shared out evenly among the scales.
        lr: Adam's step in units of the pixel range.
        tile: pixels, see `StyleTransferLoss`; 0: no tiles.
        on_step: called after every evaluation.

    Returns:
        Shaped like the content, in [0, 1].
    """
    begin, done = content if start is None else start, 0

    def evaluated(size: tuple[int, int], grams: Mapping[str, Tensor]) -> Evaluate:
        small = resize(content, size).contiguous()  # frames that were decoded are channels last
        loss = StyleTransferLoss(
            features, small, grams, content_layers=content_layers, weights=weights, tile=tile
        )

        def evaluate(images: Tensor) -> tuple[Tensor, Tensor]:
            nonlocal done
            losses, gradients = loss.gradients(images)
            done += 1
            if on_step is not None:
                on_step(Progress(done, steps, float(losses.mean())))
            return losses, gradients

        return evaluate

    sizes = [work_size(content, 0.5**scale, SMALLEST_SIDE) for scale in range(len(style))]
    losses = [partial(evaluated, size, grams) for size, grams in zip(sizes, style, strict=True)]
    search = lbfgs if optimizer == "lbfgs" else partial(adam, lr=lr)
    return coarse_to_fine(search, begin, sizes, losses, steps=steps)


@dataclass(frozen=True)
class Settings:
    """How `NSTTranslator` stylises; optimizer, steps, lr and tile as in `stylize`.

    Args:
        network: VGG16, as the original experiment, or VGG19, as Gatys.
        content_layers, style_layers: of the network, see `vgg.LAYERS`; none: those that the
            original experiment or Gatys chose.
        style_weights: of the style images, in their order; none: all count the same.
        scales: how many sizes are worked on, each of half the sides of the next.
        colour_start: begin with the content in the style's colours (see `match_colours`): a few
            steps then suffice; False: begin with the content itself, as Gatys does.
        keep_colour: work on luminance alone and keep the frame's own colours (Gatys et al. 2016,
            "Preserving Color in Neural Artistic Style Transfer").
        scale: sides of the working image as a share of the frame's; the original experiment's
            was 2/3.
        detail: from 0, enlarge the stylised image as the original experiment did, to 1, keep the
            frame's own edges, see `keep_detail`.
        seed: of the network's weights, where they are random.
    """

    network: Network = "vgg16"
    content_layers: tuple[str, ...] = ()
    style_layers: tuple[str, ...] = ()
    content_weight: float = 1.0
    style_weight: float = 3.0
    tv_weight: float = 1.0
    style_weights: tuple[float, ...] = ()
    optimizer: Literal["adam", "lbfgs"] = "adam"
    steps: int = 10
    lr: float = 0.02
    scales: int = 1
    colour_start: bool = True
    keep_colour: bool = False
    scale: float = 0.4
    detail: float = 0.7
    tile: int = 0
    seed: int = 0


class NSTTranslator:
    """Translates images into the style of a few others.

    Args:
        style_paths: images of the target weather; their mean Gram is the style.
        weights: the network's, see `load_features`.
        settings: how to stylise.
        accelerator: "auto", "cpu" or "cuda".

    Attributes:
        notice: a line that says which weights the network has; it belongs into output and
            manifest.
        losses: one row a step: `step`, and the mean `loss` over the batches translated so far.

    Raises:
        InputError: when there is no style image, one cannot be read, or their weights are not one
            for each, from 0 and not all 0.
    """

    def __init__(
        self,
        style_paths: Sequence[str | Path],
        *,
        weights: str | Path | None = None,
        settings: Settings = Settings(),
        accelerator: str = "auto",
    ) -> None:
        shares = settings.style_weights or (1.0,) * len(style_paths)
        if not style_paths:
            raise InputError("there is no style image", where="style_paths")
        if len(shares) != len(style_paths) or min(shares) < 0 or sum(shares) == 0:
            what = f"{list(shares)} are no weights of {len(style_paths)} style images"
            remedy = "Give each a number from 0, not all of them 0, or no weights"
            raise InputError(what, where="style_weights", remedy=remedy)
        network = settings.network
        self.content_layers = settings.content_layers or CONTENT_LAYERS[network]
        style_layers = settings.style_layers or STYLE_LAYERS[network]
        layers = sorted({*self.content_layers, *style_layers})
        features, self.notice = load_features(network, weights, layers, seed=settings.seed)
        self.settings, self.device = settings, choose_device(accelerator)
        self.features = features.to(self.device)
        images = [torch.from_numpy(read_rgb(path)).permute(2, 0, 1) / 255 for path in style_paths]
        small = [self._work(self._seen(image[None].to(self.device))) for image in images]
        self.style = [
            {name: grams[name] for name in style_layers}
            for grams in (
                mean_grams(self.features, [_halved(image, scale)[0] for image in small], shares)
                for scale in range(settings.scales)
            )
        ]
        self.pixels = _sample([image[0].flatten(1) for image in small], shares)
        digest = hashlib.sha256(repr(settings).encode() + self.pixels.cpu().numpy().tobytes())
        for name in style_layers:
            digest.update(self.style[0][name].cpu().numpy().tobytes())
        self.identity = f"nst {digest.hexdigest()}"
        self._history: list[Progress] = []

    @property
    def losses(self) -> pd.DataFrame:
        """Columns step and loss; empty where nothing was translated."""
        rows = pd.DataFrame([(p.step, p.loss) for p in self._history], columns=["step", "loss"])
        return rows.groupby("step", as_index=False).mean()

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        s, images = self.settings, images.to(self.device)
        frames = self._seen(images)
        content = self._work(frames)
        stylized = stylize(
            content=content,
            start=self._recoloured(content) if s.colour_start else None,
            style=self.style,
            features=self.features,
            content_layers=self.content_layers,
            weights=Weights(s.content_weight, s.style_weight, s.tv_weight),
            optimizer=s.optimizer,
            steps=s.steps,
            lr=s.lr,
            tile=s.tile,
            on_step=self._history.append,
        )
        translated = keep_detail(frames, content, stylized, s.detail)
        if s.keep_colour:  # a change of all three channels alike leaves hue and chroma (YIQ)
            translated = (images + translated - frames).clamp(0, 1)
        return translated.cpu()

    def _seen(self, images: Tensor) -> Tensor:
        """The images as they are stylised: (N, 3, H, W), or (N, 1, H, W) luminance."""
        if not self.settings.keep_colour:
            return images
        return (images * images.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)

    def _recoloured(self, content: Tensor) -> Tensor:
        channels = content.shape[1]
        matched = match_colours(content.expand(-1, 3, -1, -1), self.pixels.expand(3, -1))
        return matched[:, :channels]

    def _work(self, images: Tensor) -> Tensor:
        """The images at working size: `scale`, but no side below what VGG needs."""
        return resize(images, work_size(images, self.settings.scale, SMALLEST_SIDE))


def _halved(images: Tensor, times: int) -> Tensor:
    """The images with halved sides so many times, but no side below what VGG needs."""
    return resize(images, work_size(images, 0.5**times, SMALLEST_SIDE))


def _sample(images: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """(3, M): evenly spaced pixels of images (3, m), from each as many as its share says."""
    counts = [round(COLOUR_PIXELS * share / sum(shares)) for share in shares]
    return torch.cat(
        [
            image[:, torch.linspace(0, image.shape[1] - 1, count).round().long().to(image.device)]
            for image, count in zip(images, counts, strict=True)
        ],
        dim=1,
    )
