"""Keeping a frame's edges where a translation was made at low resolution or came out blurred."""

import torch.nn.functional as F
from torch import Tensor

RADIUS = 2  # pixels of the small image: the window of one local fit is 5x5
EPSILON = 1e-3  # variance, in (pixel range)^2, below which a window counts as flat


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, H, W) at (height, width), antialiased."""
    if tuple(images.shape[2:]) == size:
        return images
    return F.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)


def work_size(frames: Tensor, scale: float, smallest: int) -> tuple[int, int]:
    """(height, width) of the frames at `scale`, no side below `smallest`."""
    height, width = frames.shape[2:]
    scale = max(scale, smallest / min(height, width))
    return round(height * scale), round(width * scale)


def keep_detail(frames: Tensor, small: Tensor, translated: Tensor, detail: float) -> Tensor:
    """The translation at the frames' size, with the frames' own edges.

    In each small window the translation is fitted as `a * small + b` (fast guided filter, He and
    Sun 2015); a and b are enlarged and applied to the frames. Fog thus dims an edge without
    smearing it. What no fit explains (streaks, grain, artefacts) is what `detail` takes away.

    Args:
        frames: (N, 3, H, W) in [0, 1].
        small: the frames at working size, (N, 3, h, w).
        translated: their translation, (N, 3, h, w) in [0, 1].
        detail: 0: the translation as it is, enlarged; 1: the fit alone; between: both mixed.

    Returns:
        (N, 3, H, W) in [0, 1].
    """
    height, width = frames.shape[2:]
    size = (height, width)
    if detail == 0:
        return resize(translated, size).clamp(0, 1)
    mean, mean_translated = _window_mean(small), _window_mean(translated)
    covariance = _window_mean(small * translated) - mean * mean_translated
    variance = _window_mean(small * small) - mean * mean
    slope = covariance / (variance + EPSILON)
    offset = mean_translated - slope * mean
    slope, offset = _window_mean(slope), _window_mean(offset)
    fitted = resize(slope, size) * frames + resize(offset, size)
    unexplained = resize(translated - (slope * small + offset), size)
    return (fitted + (1 - detail) * unexplained).clamp(0, 1)


def _window_mean(images: Tensor) -> Tensor:
    padded = F.pad(images, (RADIUS,) * 4, mode="reflect")
    return F.avg_pool2d(padded, 2 * RADIUS + 1, stride=1)
