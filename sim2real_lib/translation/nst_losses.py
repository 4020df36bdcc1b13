"""What style transfer minimises (Gatys et al. 2016), whole images at once or tile by tile.

Each layer's loss is the paper's, divided by what all-zero features would cost: one weight then
suits every layer, pretrained or random. Losses are one an image, and sums over pixels: tiles
change nothing but memory. Each adds its share to the Gram matrices and content distances, and is
computed again when its gradient is asked for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from sim2real_lib.translation.vgg import VGGFeatures, stride

TINY = torch.finfo(torch.float32).tiny  # keeps a black image's losses from dividing by zero


@dataclass(frozen=True)
class Weights:
    """Of the mean over the content layers, of that over the style layers, and of the total
    variation, which keeps an image from becoming grainy."""

    content: float = 1.0
    style: float = 1.0
    variation: float = 1.0


class Tile(NamedTuple):
    """A part of an image, in pixels: `inner` counts, `outer` is what it depends on as well."""

    inner: tuple[slice, slice]
    outer: tuple[slice, slice]

    def counted(self, activations: Tensor, step: int) -> Tensor:
        """What counts of the activations (N, C, h, w) of `outer`, one every `step` pixels."""
        rows, columns = (
            slice(i.start // step - o.start // step, i.stop // step - o.start // step)
            for i, o in zip(self.inner, self.outer, strict=True)
        )
        return activations[:, :, rows, columns]


class StyleTransferLoss:
    """The losses of a batch of images.

    Args:
        features: must yield the content layers and those of `style`.
        content: (N, 3, H, W) in [0, 1]; one channel stands for three equal ones.
        style: layer -> target Gram matrix (C, C), see `mean_grams`.
        content_layers: whose activations are to stay.
        weights: of the parts.
        tile: side of the tiles in pixels, see `tiles`; 0: whole images. What stays in memory for
            the whole image is the content's activations. Tiles cost time: one more forward pass,
            and all of it for the halo too, about 3 times as much with tiles of 2.5 halos.
    """

    def __init__(
        self,
        features: VGGFeatures,
        content: Tensor,
        style: Mapping[str, Tensor],
        *,
        content_layers: Sequence[str],
        weights: Weights = Weights(),
        tile: int = 0,
    ) -> None:
        self.features, self.style, self.weights = features, style, weights
        self.content_layers = tuple(content_layers)
        self.tiles = list(tiles(content.shape[2], content.shape[3], tile, features))
        with torch.no_grad():
            self.targets = [self._content(content, each) for each in self.tiles]
        sizes = [[_square_sum(a) for a in target] for target in self.targets]
        self.content_sizes = torch.stack([torch.stack(each) for each in sizes]).sum(0)

    def __call__(self, images: Tensor) -> Tensor:
        """(N,): one loss an image, of images like the content."""
        grams, distances = self._shares(images, 0)
        for number in range(1, len(self.tiles)):
            more_grams, more_distances = self._shares(images, number)
            grams = {name: gram + more_grams[name] for name, gram in grams.items()}
            distances = distances + more_distances
        height, width = images.shape[2:]
        style = [
            _square_sum(grams[name] / pixels(name, height, width) - target)
            / target.square().sum().clamp_min(TINY)
            for name, target in self.style.items()
        ]
        content = distances / self.content_sizes.clamp_min(TINY)
        return (
            self.weights.content * content.mean(0)
            + self.weights.style * torch.stack(style).mean(0)
            + self.weights.variation * total_variation(images)
        )

    def gradients(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Losses (N,), and how each changes with its image's pixels, (N, 3, H, W)."""
        images = images.detach().requires_grad_()
        losses = self(images)
        # The gradient of a sum: what an image becomes must not depend on its batch.
        return losses.detach(), torch.autograd.grad(losses.sum(), images)[0]

    def _shares(self, images: Tensor, number: int) -> tuple[dict[str, Tensor], Tensor]:
        """What a tile adds to each style layer's Gram matrix and to each content distance."""
        if len(self.tiles) == 1:
            return self._computed(images, number)
        return checkpoint(
            self._computed, images, number, use_reentrant=False, preserve_rng_state=False
        )

    def _computed(self, images: Tensor, number: int) -> tuple[dict[str, Tensor], Tensor]:
        tile, target = self.tiles[number], self.targets[number]
        found = self.features(images[:, :, *tile.outer])
        counted = {name: tile.counted(a, stride(name)) for name, a in found.items()}
        content = [counted[name] for name in self.content_layers]
        distances = [_square_sum(a - b) for a, b in zip(content, target, strict=True)]
        return {name: gram_sum(counted[name]) for name in self.style}, torch.stack(distances)

    def _content(self, images: Tensor, tile: Tile) -> list[Tensor]:
        found = self.features(images[:, :, *tile.outer])
        return [tile.counted(found[name], stride(name)) for name in self.content_layers]


def tiles(height: int, width: int, side: int, features: VGGFeatures) -> Iterator[Tile]:
    """Tiles of an image of so many pixels.

    Args:
        side: of what counts of a tile, in pixels, rounded up to what the poolings divide; around
            it lies what the deepest layer sees, `features.halo`. 0: one tile, the whole image.
    """
    step = -(-side // features.stride) * features.stride or max(height, width)
    for top in range(0, height, step):
        for left in range(0, width, step):
            bottom, right = min(top + step, height), min(left + step, width)
            yield Tile(
                (slice(top, bottom), slice(left, right)),
                (
                    slice(max(top - features.halo, 0), min(bottom + features.halo, height)),
                    slice(max(left - features.halo, 0), min(right + features.halo, width)),
                ),
            )


def gram_sum(activations: Tensor) -> Tensor:
    """(N, C, C) of (N, C, H, W): the products of channels, summed over pixels."""
    flat = activations.flatten(2)
    return flat @ flat.transpose(1, 2)


def gram(activations: Tensor) -> Tensor:
    """Gram matrices (N, C, C) of (N, C, H, W): how channels go together, averaged over pixels."""
    return gram_sum(activations) / activations[0, 0].numel()


def pixels(layer: str, height: int, width: int) -> int:
    """How many activations a channel of the layer has, of an image of so many pixels."""
    return (height // stride(layer)) * (width // stride(layer))


def mean_grams(
    features: VGGFeatures, images: Sequence[Tensor], weights: Sequence[float] = ()
) -> dict[str, Tensor]:
    """Layer -> weighted mean Gram matrix (C, C) over style images.

    Args:
        images: (3, H, W) in [0, 1] of any sizes.
        weights: of the images; none: all count the same.
    """
    shares = torch.tensor(weights or [1.0] * len(images))
    shares = shares / shares.sum()
    with torch.no_grad():
        grams = [{n: gram(a)[0] for n, a in features(image[None]).items()} for image in images]
    return {
        name: sum(share * each[name] for share, each in zip(shares.tolist(), grams, strict=True))
        for name in grams[0]
    }


def total_variation(images: Tensor) -> Tensor:
    """(N,): mean squared step between neighbouring pixels, across and down."""
    across = images.diff(dim=3).square().mean(dim=(1, 2, 3))
    return across + images.diff(dim=2).square().mean(dim=(1, 2, 3))


def _square_sum(values: Tensor) -> Tensor:
    """(N,): of (N, ...)."""
    return values.square().flatten(1).sum(1)
