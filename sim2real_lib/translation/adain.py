"""Adaptive instance normalisation (Huang and Belongie 2017): a style in one pass.

AdaIN gives each channel of the content's deep activations the style's mean and deviation. A decoder
learns to make images of such activations. The style is the mean over several images, so that no
odd one decides the weather.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from sim2real_lib.translation import feed_forward
from sim2real_lib.translation.feed_forward import FeedForwardTranslator, pad
from sim2real_lib.translation.vgg import Network
from sim2real_lib.translation.vgg_decoder import max_pool, upsample

if TYPE_CHECKING:
    from lightning_fabric import Fabric

EPSILON = 1e-5  # added to variances, so that a flat channel does not divide by zero


@dataclass(frozen=True)
class Settings(feed_forward.Settings):
    """What decides an AdaIN training; see `feed_forward.Settings` and `training.Settings`.

    Args:
        style_weight: of the style loss; the content loss has 1.
    """

    style_weight: float = 10.0

    def build(self, fabric: "Fabric", precision: str) -> "AdaIN":
        return AdaIN(fabric, self, precision)


def mean_and_deviation(x: Tensor) -> tuple[Tensor, Tensor]:
    """Of each channel of each image of (N, C, H, W): two tensors (N, C, 1, 1)."""
    variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
    return mean, (variance + EPSILON).sqrt()


def adain(content: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """The content's activations (N, C, H, W) with a style's mean and deviation (equation 8)."""
    own_mean, own_deviation = mean_and_deviation(content)
    return (content - own_mean) / own_deviation * deviation + mean


class AdaIN(feed_forward.Model):
    """The published training step: source frames are the content, target frames the style.

    Args:
        fabric, settings, precision: see `feed_forward.Model`.
    """

    losses: tuple[str, ...] = ("content", "style")

    def __init__(self, fabric: "Fabric", settings: Settings, precision: str) -> None:
        super().__init__(fabric, settings, precision, max_pool, upsample)
        self.style_weight = settings.style_weight

    def weighted_losses(self, real_a: Tensor, real_b: Tensor) -> dict[str, Tensor]:
        """Equations 12 and 13, as mean squares: the distances to the AdaIN activations, and to
        the style's means and deviations at the first convolution of each block."""
        with torch.no_grad():
            content, lost = self.encoder(real_a)
            style = [mean_and_deviation(x) for x in self.encoder(real_b)[0]]
            wanted = adain(content[-1], *style[-1])
        found, _ = self.encoder(self.networks["decoder"](wanted, lost))
        distances = [
            F.mse_loss(own, wanted_one)
            for x, pair in zip(found, style, strict=True)
            for own, wanted_one in zip(mean_and_deviation(x), pair, strict=True)
        ]
        return {
            "content": F.mse_loss(found[-1].float(), wanted),
            "style": self.style_weight * torch.stack(distances).sum(),
        }

    def pictures(self, frame: Tensor, style: Tensor) -> list[Tensor]:
        """See `feed_forward.Model`."""
        content, lost = self.encoder(frame)
        wanted = adain(content[-1], *mean_and_deviation(self.encoder(style)[0][-1]))
        return [self.networks["decoder"](x, lost) for x in (wanted, content[-1])]


class AdaINTranslator(FeedForwardTranslator):
    """Translates images into the mean style of a few others, in one pass.

    Args:
        weights: the decoder's, `latest_net_decoder.pth` of a training.
        style_paths: images of the target weather.
        alpha: from 0, the frame as the decoder repeats it, to 1, wholly in the style.
        network, vgg_weights, scale, detail, seed, accelerator: see `FeedForwardTranslator`.

    Raises:
        InputError: when weights or a style image cannot be used.
    """

    def __init__(
        self,
        weights: str | Path,
        style_paths: Sequence[str | Path],
        *,
        network: Network = "vgg16",
        vgg_weights: str | Path | None = None,
        alpha: float = 1.0,
        scale: float = 1.0,
        detail: float = 0.0,
        seed: int = 0,
        accelerator: str = "auto",
    ) -> None:
        super().__init__(
            weights,
            style_paths,
            network=network,
            vgg_weights=vgg_weights,
            scale=scale,
            detail=detail,
            seed=seed,
            accelerator=accelerator,
            method="adain",
            options=f"alpha {alpha}",
            pool=max_pool,
            unpool=upsample,
        )
        self.alpha = alpha
        with torch.inference_mode():
            found = [self.encoder(pad(x, self.encoder.stride))[0][-1] for x in self.styles]
            means, deviations = zip(*map(mean_and_deviation, found), strict=True)
            self.mean, self.deviation = torch.stack(means).mean(0), torch.stack(deviations).mean(0)

    @torch.inference_mode()
    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        frames = images.to(self.device)
        small = self.small(frames)
        content, lost = self.encoder(pad(small, self.encoder.stride))
        wanted = adain(content[-1], self.mean, self.deviation)
        mixed = torch.lerp(content[-1], wanted, self.alpha)
        return self.finish(frames, small, self.decoder(mixed, lost))
