"""Histogram matching, channel by channel (Gonzalez and Woods, Digital Image Processing, ch. 3)."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sim2real_lib.translation.colour import target_images

LEVELS = 256


class HistogramTranslator:
    """Gives each frame the cumulative histograms of all target images together.

    Frames are taken to have 256 levels; the result has as many different ones at most.

    Args:
        target_paths: images of the wanted look.

    Raises:
        InputError: when there is no target image, or one cannot be read.
    """

    def __init__(self, target_paths: Sequence[str | Path]) -> None:
        images = target_images(target_paths)
        counts = sum(np.stack([_counts(image[..., c]) for c in range(3)]) for image in images)
        self._counts = np.asarray(counts)  # (3, 256) pixels
        self.identity = f"histogram {hashlib.sha256(self._counts.tobytes()).hexdigest()}"

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        levels = images.mul(255).round_().clamp_(0, 255).byte().cpu().numpy()
        translated = np.empty(images.shape, np.float32)
        for image, target in zip(levels, translated, strict=True):
            for channel, counts in enumerate(self._counts):
                target[channel] = _matching(_counts(image[channel]), counts)[image[channel]]
        return torch.from_numpy(translated)


def _counts(channel: np.ndarray) -> np.ndarray:
    """(256,) how many pixels of a uint8 array have each level."""
    return np.bincount(channel.ravel(), minlength=LEVELS)


def _matching(own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(256,) where each level goes, in [0, 1]: to where the wanted share of pixels lies below."""
    present = np.flatnonzero(wanted)
    shares = wanted[present].cumsum() / wanted.sum()
    levels = np.interp(own.cumsum() / own.sum(), shares, present)
    return (levels / (LEVELS - 1)).astype(np.float32)
