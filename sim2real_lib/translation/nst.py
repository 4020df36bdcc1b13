"""Neural style transfer (Gatys et al. 2016) with the original experiment's layers, in batches.

It departs from Gatys in four ways. The Gram distances are divided by the target Gram's own size,
so that one weight suits every layer, pretrained or random features alike. The style is the mean
Gram over several images, so that one odd image does not decide the weather. And what is optimised
may be smaller than the frame, whose edges are then put back (see `detail`). And the search may
begin with the content in the style's colours, so that a few steps suffice (see `colour_start`).
One style image, detail 0 and no colour start make the original experiment's recipe.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
import torch
from torch import Tensor, nn

from sim2real_lib.errors import InputError
from sim2real_lib.images import read_rgb
from sim2real_lib.translation.colour import match_colours
from sim2real_lib.translation.detail import keep_detail, resize, work_size
from sim2real_lib.translation.device import choose_device
from sim2real_lib.translation.vgg import VGG16Features, vgg16_features

CONTENT_LAYERS = ("block2_conv2",)
STYLE_LAYERS = ("block1_conv2", "block2_conv2", "block3_conv3", "block4_conv3", "block5_conv3")
SMALLEST_SIDE = 32  # pixels; VGG's four poolings leave a 2x2 map of it
TINY = torch.finfo(torch.float32).tiny  # keeps a black image's losses from dividing by zero


@dataclass(frozen=True)
class Progress:
    """Where a stylisation stands: `step` of `steps`, and the mean `loss` of the batch's images."""

    step: int
    steps: int
    loss: float


class ContentLoss(nn.Module):
    """Mean squared distance to the content's activations, in units of their mean square.

    Args:
        target: activations (N, C, H, W) of the content images.
    """

    target: Tensor
    size: Tensor

    def __init__(self, target: Tensor) -> None:
        super().__init__()
        self.register_buffer("target", target)
        self.register_buffer("size", target.square().mean(dim=(1, 2, 3)).clamp_min(TINY))

    def forward(self, activations: Tensor) -> Tensor:
        """(N,): one loss an image."""
        return (activations - self.target).square().mean(dim=(1, 2, 3)) / self.size


class StyleLoss(nn.Module):
    """Squared distance to the style's Gram matrix, in units of that matrix's squared norm.

    Args:
        target: Gram matrix (C, C).
    """

    target: Tensor

    def __init__(self, target: Tensor) -> None:
        super().__init__()
        self.register_buffer("target", target)

    def forward(self, activations: Tensor) -> Tensor:
        """(N,): one loss an image."""
        difference = (gram(activations) - self.target).square().sum(dim=(1, 2))
        return difference / self.target.square().sum().clamp_min(TINY)


class TotalVariationLoss(nn.Module):
    """Mean squared step between neighbouring pixels: what makes an image grainy."""

    def forward(self, images: Tensor) -> Tensor:
        """(N,): one loss an image."""
        across = images.diff(dim=3).square().mean(dim=(1, 2, 3))
        down = images.diff(dim=2).square().mean(dim=(1, 2, 3))
        return across + down


def gram(activations: Tensor) -> Tensor:
    """Gram matrices (N, C, C) of (N, C, H, W): how channels go together, averaged over pixels."""
    flat = activations.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def mean_grams(features: VGG16Features, images: Sequence[Tensor]) -> dict[str, Tensor]:
    """Layer -> mean Gram matrix (C, C) over style images (3, H, W) in [0, 1] of any sizes."""
    with torch.no_grad():
        grams = [{n: gram(a)[0] for n, a in features(image[None]).items()} for image in images]
    return {name: torch.stack([each[name] for each in grams]).mean(0) for name in grams[0]}


def stylize(
    *,
    content: Tensor,
    start: Tensor | None = None,
    style: Mapping[str, Tensor],
    features: VGG16Features,
    content_layers: Sequence[str] = CONTENT_LAYERS,
    content_weight: float = 1.0,
    style_weight: float = 1.0,
    tv_weight: float = 1.0,
    optimizer: Literal["adam", "lbfgs"] = "adam",
    steps: int = 20,
    lr: float = 0.05,
    on_step: Callable[[Progress], None] | None = None,
) -> Tensor:
    """Give images a style.

    Args:
        content: (N, 3, H, W) in [0, 1], sides from 32.
        start: where the search begins, as large as the content; None: the content itself.
        style: layer -> target Gram matrix (C, C), see `mean_grams`.
        features: must yield the content layers and those of `style`.
        content_layers: whose activations are to stay.
        content_weight, style_weight: of the mean over their layers' losses.
        tv_weight: of the total variation.
        optimizer: "adam" treats all images at once, each as if it were alone; "lbfgs" (Gatys)
            takes one after the other, as its line search would tie a batch together.
        steps: evaluations of the loss, each image.
        lr: Adam's step in units of the pixel range.
        on_step: called after every evaluation.

    Returns:
        (N, 3, H, W) in [0, 1].
    """
    # Images that come from NumPy are channels last, which L-BFGS cannot take.
    content, start = content.contiguous(), (content if start is None else start).contiguous()
    if optimizer == "lbfgs" and len(content) > 1:
        options = {n: value for n, value in locals().items() if n not in ("content", "start")}
        pairs = zip(content.split(1), start.split(1), strict=True)
        return torch.cat([stylize(content=one, start=begin, **options) for one, begin in pairs])
    with torch.no_grad():
        activations = features(content)
    content_losses = {name: ContentLoss(activations[name]) for name in content_layers}
    style_losses = {name: StyleLoss(target) for name, target in style.items()}
    variation = TotalVariationLoss()
    images = start.clone().requires_grad_()
    adam_or_lbfgs: torch.optim.Optimizer = (
        torch.optim.Adam([images], lr=lr, betas=(0.9, 0.99))
        if optimizer == "adam"
        else torch.optim.LBFGS(
            [images], max_iter=steps, max_eval=steps, line_search_fn="strong_wolfe"
        )
    )
    done = 0

    def evaluate() -> Tensor:
        nonlocal done
        adam_or_lbfgs.zero_grad()
        found = features(images)
        loss = content_weight * _mean(content_losses, found)
        loss = loss + style_weight * _mean(style_losses, found) + tv_weight * variation(images)
        loss.sum().backward()  # a sum: what an image becomes must not depend on its batch
        done += 1
        if on_step is not None:
            on_step(Progress(done, steps, float(loss.detach().mean())))
        return loss.sum()

    while done < steps:
        before = done
        adam_or_lbfgs.step(evaluate)  # type: ignore[arg-type]
        with torch.no_grad():
            images.clamp_(0, 1)
        if optimizer == "lbfgs" and done - before < 2:
            break  # converged: it will not move any more
    return images.detach()


def _mean(losses: Mapping[str, nn.Module], activations: Mapping[str, Tensor]) -> Tensor:
    """(N,): the mean over the layers."""
    return torch.stack([loss(activations[name]) for name, loss in losses.items()]).mean(0)


@dataclass(frozen=True)
class Settings:
    """How `NSTTranslator` stylises; weights, optimizer, steps and lr as in `stylize`.

    Args:
        colour_start: begin with the content in the style's colours (see `match_colours`): a few
            steps then suffice; False: begin with the content itself, as Gatys does.
        scale: sides of the working image as a share of the frame's; the original experiment's
            was 2/3.
        detail: from 0, enlarge the stylised image as the original experiment did, to 1, keep the
            frame's own edges, see `keep_detail`.
        seed: of VGG16's weights, where they are random.
    """

    content_layers: tuple[str, ...] = CONTENT_LAYERS
    style_layers: tuple[str, ...] = STYLE_LAYERS
    content_weight: float = 1.0
    style_weight: float = 3.0
    tv_weight: float = 1.0
    optimizer: Literal["adam", "lbfgs"] = "adam"
    steps: int = 10
    lr: float = 0.02
    colour_start: bool = True
    scale: float = 0.4
    detail: float = 0.7
    seed: int = 0


class NSTTranslator:
    """Translates images into the style of a few others.

    Args:
        style_paths: images of the target weather; their mean Gram is the style.
        weights: VGG16's, see `vgg16_features`.
        settings: how to stylise.
        accelerator: "auto", "cpu" or "cuda".

    Attributes:
        notice: a line that says which weights VGG16 has; it belongs into output and manifest.
        losses: one row a step: `step`, and the mean `loss` over the batches translated so far.

    Raises:
        InputError: when there is no style image, or one cannot be read.
    """

    def __init__(
        self,
        style_paths: Sequence[str | Path],
        *,
        weights: str | Path | None = None,
        settings: Settings = Settings(),
        accelerator: str = "auto",
    ) -> None:
        if not style_paths:
            raise InputError("there is no style image", where="style_paths")
        layers = {*settings.content_layers, *settings.style_layers}
        features, self.notice = vgg16_features(weights, sorted(layers), seed=settings.seed)
        self.settings, self.device = settings, choose_device(accelerator)
        self.features = features.to(self.device)
        images = [torch.from_numpy(read_rgb(path)).permute(2, 0, 1) / 255 for path in style_paths]
        small = [self._work(image[None].to(self.device))[0] for image in images]
        grams = mean_grams(self.features, small)
        self.pixels = torch.cat([image.flatten(1) for image in small], dim=1)
        self.style = {name: grams[name] for name in settings.style_layers}
        digest = hashlib.sha256(repr(settings).encode() + self.pixels.cpu().numpy().tobytes())
        for name in settings.style_layers:
            digest.update(self.style[name].cpu().numpy().tobytes())
        self.identity = f"nst {digest.hexdigest()}"
        self._history: list[Progress] = []

    @property
    def losses(self) -> pd.DataFrame:
        """Columns step and loss; empty where nothing was translated."""
        rows = pd.DataFrame([(p.step, p.loss) for p in self._history], columns=["step", "loss"])
        return rows.groupby("step", as_index=False).mean()

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        s, frames = self.settings, images.to(self.device)
        content = self._work(frames)
        stylized = stylize(
            content=content,
            start=match_colours(content, self.pixels) if s.colour_start else None,
            style=self.style,
            features=self.features,
            content_layers=s.content_layers,
            content_weight=s.content_weight,
            style_weight=s.style_weight,
            tv_weight=s.tv_weight,
            optimizer=s.optimizer,
            steps=s.steps,
            lr=s.lr,
            on_step=self._history.append,
        )
        return keep_detail(frames, content, stylized, s.detail).cpu()

    def _work(self, images: Tensor) -> Tensor:
        """The images at working size: `scale`, but no side below what VGG needs."""
        return resize(images, work_size(images, self.settings.scale, SMALLEST_SIDE))
