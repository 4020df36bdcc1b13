"""What CUT adds to CycleGAN's networks: a tapped generator, projections, and the PatchNCE loss.

Park et al. 2020, Contrastive Learning for Unpaired Image-to-Image Translation.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sim2real_lib.translation.networks import ResnetBlock, ResnetGenerator

GAIN = 0.02  # of the projections' first weights, as published


class TappedGenerator(ResnetGenerator):
    """A ResNet generator whose first half is also the encoder that PatchNCE compares with.

    Its weights are a `ResnetGenerator`'s, key for key; the published code's antialiased resampling
    is left out. Tapped are, as published, the pixels, the two downsampling convolutions and the
    first and fifth residual block, or of those blocks the ones that exist.

    Attributes:
        widths: channels of each tapped layer.
    """

    def __init__(self, n_blocks: int = 9, ngf: int = 64) -> None:
        super().__init__(n_blocks, ngf)
        layers = list(enumerate(self.model))
        convolutions = [index for index, layer in layers if isinstance(layer, nn.Conv2d)]
        blocks = [index for index, layer in layers if isinstance(layer, ResnetBlock)]
        self.taps = (*convolutions[1:3], *blocks[0:5:4])
        self.widths = (3, 2 * ngf, *[4 * ngf] * (len(self.taps) - 1))

    def forward(self, x: Tensor, want: Literal["image", "features", "both"] = "image") -> Any:
        """Translate, encode, or do both in one go.

        Args:
            x: (N, 3, H, W) in [-1, 1].
            want: what to return.

        Returns:
            "image": the translation, like `x`. "features": a list with (N, width, h, w) of each
            tapped layer; what lies behind the last one is not run. "both": a pair of these.
        """
        features = [x]
        for index, layer in enumerate(self.model):
            x = layer(x)
            if index in self.taps:
                features.append(x)
            if want == "features" and index == self.taps[-1]:
                return features
        return x if want == "image" else (x, features)


class Projection(nn.Module):
    """A two-layer perceptron for each tapped layer, into the space where patches are compared.

    Args:
        widths: channels of each tapped layer.
        channels: of the space; published: 256.
        generator: what the first weights are drawn from.
    """

    def __init__(self, widths: Sequence[int], channels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.perceptrons = nn.ModuleList(
            nn.Sequential(nn.Linear(width, channels), nn.ReLU(), nn.Linear(channels, channels))
            for width in widths
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight, GAIN, generator)
                nn.init.zeros_(module.bias)

    def forward(self, patches: Sequence[Tensor]) -> list[Tensor]:
        """(N, S, width) of each tapped layer to (N, S, channels), of length 1 each."""
        pairs = zip(self.perceptrons, patches, strict=True)
        return [F.normalize(perceptron(patch).float(), dim=2) for perceptron, patch in pairs]


def draw_places(features: Sequence[Tensor], count: int, chance: torch.Generator) -> list[Tensor]:
    """For each layer's (N, C, h, w) up to `count` different places, as indices below h * w."""
    areas = [(layer.shape[2] * layer.shape[3], layer.device) for layer in features]
    return [torch.randperm(area, generator=chance)[:count].to(device) for area, device in areas]


def patches_at(features: Sequence[Tensor], places: Sequence[Tensor]) -> list[Tensor]:
    """For each layer's (N, C, h, w) the vectors at its S places: (N, S, C)."""
    pairs = zip(features, places, strict=True)
    return [layer.flatten(2)[:, :, place].transpose(1, 2) for layer, place in pairs]


def patch_nce(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """How badly each translated patch is recognised among the patches of its source.

    The cross-entropy of finding, for each query, the key of its own place among all keys of the
    image, by cosine similarity over `temperature`.

    Args:
        queries, keys: (N, S, C) of length 1 each: the translations' patches and the sources'.

    Returns:
        (N,): each image's mean over its S places, not negative; log S where all keys are equal.
    """
    similarities = keys @ queries.transpose(1, 2) / temperature  # (N, S keys, S queries)
    images, places = queries.shape[:2]
    own = torch.arange(places, device=keys.device).expand(images, places)
    return F.cross_entropy(similarities, own, reduction="none").mean(1)
