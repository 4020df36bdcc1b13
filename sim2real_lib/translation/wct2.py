"""WCT2 (Yoo et al. 2019): photorealistic style transfer with wavelets for poolings.

A Haar pooling halves the activations into their means (low pass) and three kinds of edges (high
passes); the unpooling is its exact inverse, so that every edge survives. Whitening and colouring
(WCT, Li et al. 2017) gives the low-pass activations the style's mean and covariance, block after
block on the way in and out. Of the paper's two unpoolings this is "sum": it adds nothing to what
the decoder has to learn, where "cat5" gives its convolutions five times the inputs.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sim2real_lib.errors import InputError
from sim2real_lib.translation import feed_forward
from sim2real_lib.translation.feed_forward import FeedForwardTranslator, pad
from sim2real_lib.translation.vgg import Network

if TYPE_CHECKING:
    from lightning_fabric import Fabric

SINGULAR = 1e-5  # share of the largest eigenvalue; a direction with less holds only noise
# Rows: LL, LH, HL, HH; columns: upper left, upper right, lower left, lower right of 2x2 values.
HAAR = (
    (0.5, 0.5, 0.5, 0.5),
    (-0.5, 0.5, -0.5, 0.5),
    (-0.5, -0.5, 0.5, 0.5),
    (0.5, -0.5, -0.5, 0.5),
)

Place = tuple[str, int, int | None]  # encoder or decoder, block, region (None: all of the image)
Hook = Callable[[str, Tensor, int], Tensor]


def haar_pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, H, W) of even sides to its low pass LL (N, C, H/2, W/2) and high passes
    (N, C, 3, H/2, W/2), LH, HL and HH: an orthonormal transform."""
    n, c, height, width = x.shape
    quads = F.pixel_unshuffle(x, 2).view(n, c, 4, height // 2, width // 2)
    bands = torch.einsum("bq,ncqhw->ncbhw", quads.new_tensor(HAAR), quads)
    return bands[:, :, 0], bands[:, :, 1:]


def haar_unpool(low: Tensor, high: Tensor) -> Tensor:
    """The inverse of `haar_pool`."""
    bands = torch.cat((low[:, :, None], high), dim=2)
    quads = torch.einsum("bq,ncbhw->ncqhw", bands.new_tensor(HAAR), bands)
    return F.pixel_shuffle(quads.flatten(1, 2), 2)


@dataclass(frozen=True)
class Settings(feed_forward.Settings):
    """What decides a WCT2 training; see `feed_forward.Settings` and `training.Settings`.

    Args:
        feature_weight: of the feature loss; the image loss has 1.
    """

    feature_weight: float = 0.02

    def build(self, fabric: "Fabric", precision: str) -> "WCT2":
        return WCT2(fabric, self, precision)


class WCT2(feed_forward.Model):
    """The decoder learns to repeat images of both domains; no style is in play yet.

    Args:
        fabric, settings, precision: see `feed_forward.Model`.
    """

    losses: tuple[str, ...] = ("image", "feature")

    def __init__(self, fabric: "Fabric", settings: Settings, precision: str) -> None:
        super().__init__(fabric, settings, precision, haar_pool, haar_unpool)
        self.feature_weight = settings.feature_weight

    def weighted_losses(self, real_a: Tensor, real_b: Tensor) -> dict[str, Tensor]:
        """Mean squared distances of images and deepest activations (Li et al. 2017, equation 1);
        the latter in units of their mean square, so that one weight suits any VGG."""
        images = torch.cat((real_a, real_b))
        with torch.no_grad():
            found, lost = self.encoder(images)
            wanted = found[-1].float()
        repeated = self.networks["decoder"](found[-1], lost)
        again = self.encoder(repeated)[0][-1].float()
        feature = F.mse_loss(again, wanted) / wanted.square().mean()
        return {
            "image": F.mse_loss(repeated.float(), images),
            "feature": self.feature_weight * feature,
        }

    def pictures(self, frame: Tensor, style: Tensor) -> list[Tensor]:
        """See `feed_forward.Model`."""
        networks = self.encoder, self.networks["decoder"]
        hooks = Style(*networks, [style]).give, _keep
        return [_through(*networks, frame, hook) for hook in hooks]


def _through(encoder: nn.Module, decoder: nn.Module, images: Tensor, hook: Hook) -> Tensor:
    """Images (N, 3, H, W) in [0, 1] through both networks, with a hook wherever WCT has a place."""
    found, lost = encoder(images, partial(hook, "encoder"))
    return decoder(found[-1], lost, partial(hook, "decoder"))


def _keep(side: str, x: Tensor, block: int) -> Tensor:
    """The hook that changes nothing."""
    return x


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (C, 1) and covariance (C, C) over the pixels of (C, P)."""
    mean = x.mean(1, keepdim=True)
    centred = x - mean
    return mean, centred @ centred.T / x.shape[1]


def power(covariance: Tensor, exponent: float) -> Tensor:
    """A symmetric power of a covariance (C, C), in float64; directions without any variance to
    speak of (see `SINGULAR`) become zero, so that no noise is ever blown up."""
    values, vectors = torch.linalg.eigh(covariance.double())
    floor = SINGULAR * values[-1].clamp_min(torch.finfo(torch.float32).tiny)
    scaled = torch.where(values > floor, values.clamp_min(floor) ** exponent, 0)
    return vectors * scaled @ vectors.T


def wct(x: Tensor, mean: Tensor, colouring: Tensor) -> Tensor:
    """Activations (C, P) whitened, then given a style's mean (C, 1) and, by the square root of its
    covariance, `colouring` (C, C), its covariance (Li et al. 2017, equations 2 and 3)."""
    own_mean, covariance = moments(x)
    transform = (colouring @ power(covariance, -0.5)).to(x.dtype)
    return transform @ (x - own_mean) + mean


class Style:
    """What style images look like, at every place where WCT is applied.

    Args:
        encoder, decoder: the networks.
        images: (1, 3, H, W) in [0, 1] each, sides multiples of the encoder's stride. Each counts
            by its pixels: the style's mean is the mean of theirs, and so is its covariance.
        masks: of each image, (1, 1, H, W): which region each pixel is of; None: no regions.
        alpha: from 0, nothing is given, to 1, the style wholly.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        images: Sequence[Tensor],
        masks: Sequence[Tensor] | None = None,
        alpha: float = 1.0,
    ) -> None:
        self.alpha = alpha
        found: dict[Place, list[tuple[int, Tensor, Tensor]]] = defaultdict(list)

        def take(mask: Tensor | None, side: str, x: Tensor, block: int) -> Tensor:
            flat = x[0].flatten(1).float()
            found[side, block, None].append((flat.shape[1], *moments(flat)))
            for region, inside in _regions(mask, x):
                part = flat[:, inside]
                found[side, block, region].append((part.shape[1], *moments(part)))
            return x

        no_masks: Sequence[None] = [None] * len(images)
        for image, mask in zip(images, masks or no_masks, strict=True):
            _through(encoder, decoder, image, partial(take, mask))
        self.targets: dict[Place, tuple[Tensor, Tensor]] = {}
        for place, parts in found.items():
            pixels = sum(count for count, _, _ in parts)
            mean = sum(mean * (count / pixels) for count, mean, _ in parts)
            covariance = sum(covariance * (count / pixels) for count, _, covariance in parts)
            self.targets[place] = (cast(Tensor, mean), power(cast(Tensor, covariance), 0.5))

    def give(self, side: str, x: Tensor, block: int, masks: Tensor | None = None) -> Tensor:
        """The hook that transfers the style to activations (N, C, h, w).

        A region that no style image has takes the style of whole images.

        Args:
            side: "encoder" or "decoder".
            block: of the encoder, from 1.
            masks: (N, 1, H, W): which region each pixel is of; None: no regions.
        """
        whole = self.targets[side, block, None]
        images = []
        for index, image in enumerate(x.float()):
            flat = image.flatten(1)
            if masks is None:
                given = wct(flat, *whole)
            else:
                given = flat.clone()
                for region, inside in _regions(masks[index : index + 1], x):
                    target = self.targets.get((side, block, region), whole)
                    given[:, inside] = wct(flat[:, inside], *target)
            images.append(torch.lerp(flat, given, self.alpha).view_as(image))
        return torch.stack(images).to(x.dtype)


def _regions(mask: Tensor | None, x: Tensor) -> Iterator[tuple[int, Tensor]]:
    """The regions of a mask (1, 1, H, W), and which of the h * w pixels of `x` are in each."""
    if mask is None:
        return
    small = F.interpolate(mask, size=x.shape[2:], mode="nearest").flatten()
    for region in small.unique().tolist():
        yield int(region), small == region


class WCT2Translator(FeedForwardTranslator):
    """Translates images into the mean style of a few others, in one pass, edges kept.

    Args:
        weights: the decoder's, `latest_net_decoder.pth` of a training.
        style_paths: images of the target weather.
        style_masks: of each style image, integers (H, W) of its size: which region (a class, a
            band of depth, …) each pixel is of. None: no regions.
        alpha: from 0, the frame as the decoder repeats it, to 1, wholly in the style.
        network, vgg_weights, scale, detail, seed, accelerator: see `FeedForwardTranslator`.

    Raises:
        InputError: when weights or a style image cannot be used, or masks do not fit the images.
    """

    def __init__(
        self,
        weights: str | Path,
        style_paths: Sequence[str | Path],
        *,
        style_masks: Sequence[np.ndarray] | None = None,
        network: Network = "vgg16",
        vgg_weights: str | Path | None = None,
        alpha: float = 1.0,
        scale: float = 1.0,
        detail: float = 0.0,
        seed: int = 0,
        accelerator: str = "auto",
    ) -> None:
        digest = hashlib.sha256()
        for mask in style_masks or ():
            digest.update(np.ascontiguousarray(mask, dtype=np.int64).tobytes())
        super().__init__(
            weights,
            style_paths,
            network=network,
            vgg_weights=vgg_weights,
            scale=scale,
            detail=detail,
            seed=seed,
            accelerator=accelerator,
            method="wct2",
            options=f"alpha {alpha} masks {digest.hexdigest()[:16] if style_masks else None}",
            pool=haar_pool,
            unpool=haar_unpool,
        )
        images = [pad(style, self.encoder.stride) for style in self.styles]
        masks = None
        if style_masks is not None:
            if len(style_masks) != len(images):
                raise InputError("there must be one mask for each style image", where="style_masks")
            pairs = zip(style_masks, self.styles, strict=True)
            masks = [self._mask(torch.as_tensor(mask)[None], style) for mask, style in pairs]
        with torch.inference_mode():
            self.style = Style(self.encoder, self.decoder, images, masks, alpha)

    @torch.inference_mode()
    def translate(self, images: Tensor, masks: Tensor | None = None) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range.

        Args:
            images: the frames.
            masks: integers (N, H, W) that name regions as `style_masks` do: each takes the style
                of its like. None: no regions.
        """
        frames = images.to(self.device)
        small = self.small(frames)
        if masks is not None and masks.shape != (len(frames), *frames.shape[2:]):
            what = f"masks of shape {tuple(masks.shape)} for images of {tuple(frames.shape)}"
            raise InputError(what, where="masks")
        padded = None if masks is None else self._mask(masks, small)
        hook = partial(self.style.give, masks=padded)
        translated = _through(self.encoder, self.decoder, pad(small, self.encoder.stride), hook)
        return self.finish(frames, small, translated)

    def _mask(self, masks: Tensor, small: Tensor) -> Tensor:
        """Masks (N, H, W) as (N, 1, h, w) floats, as large as the padded working images."""
        shaped = masks[:, None].to(self.device, torch.float32)
        return pad(F.interpolate(shaped, size=small.shape[2:], mode="nearest"), self.encoder.stride)
