"""Contrast, brightness and grain of a target, row by row, without training.

In a picture taken from a car the height in the image stands for the distance: fog takes the
contrast of the rows near the horizon and hardly that of the road in front. So statistics are taken
and given by row: those of the bands of a Laplacian pyramid (Burt and Adelson 1983), as Heeger and
Bergen (1995) match them to synthesise texture, here as one gain a row, so that shapes stay. Grain
that the frame lacks is drawn as noise; how much the targets have, the quietest quarter of their
pixels tells (as Donoho and Johnstone 1994 take noise from the median of the finest band).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.files import sha256
from sim2real_lib.images import read_rgb

BANDS = 4  # of the pyramid; what is coarser counts as brightness
GRAINY = 2  # the finest bands, in which noise is looked for and drawn
ROWS = 48  # heights in the image at which statistics are kept, whatever its size
GAINS = (0.15, 1.3)  # a band is not silenced, and hardly strengthened: edges must not ring
QUIET, QUIET_OF_NORMAL = 0.25, 0.3186  # that quantile of |x|, of a standard normal x
LEAST = 1e-5  # of what is divided by
GRAIN = 0.7  # share of the targets' grain: edges are in the quiet quarter, too


@dataclass(frozen=True)
class Statistics:
    """What is taken from an image in YCbCr, and given to another.

    Attributes:
        means: (3, ROWS) of the three channels, about 0 to 1.
        contrast: (BANDS, ROWS) root mean square of each band, the finest first.
        grain: (GRAINY, ROWS) deviation of the noise in the finest bands.
        colourfulness: (2,) deviation of Cr and Cb from their rows' means.
    """

    means: np.ndarray
    contrast: np.ndarray
    grain: np.ndarray
    colourfulness: np.ndarray

    @classmethod
    def shared(cls, images: Sequence["Statistics"]) -> "Statistics":
        """Of all images together: one picture's trees and lorries have no part in it."""
        return cls(
            means=np.mean([own.means for own in images], axis=0),
            contrast=np.mean([own.contrast**2 for own in images], axis=0) ** 0.5,
            grain=GRAIN * np.median([own.grain for own in images], axis=0),
            colourfulness=np.mean([own.colourfulness for own in images], axis=0),
        )

    def coloured_like(self, image: "Statistics") -> "Statistics":
        """Of all images by height, and as bright, tinted and rich in contrast as this one."""
        shift = image.means.mean(1) - self.means.mean(1)
        factor = image.contrast.mean(1) / np.maximum(self.contrast.mean(1), LEAST)
        return replace(
            self,
            means=self.means + shift[:, None],
            contrast=self.contrast * factor[:, None],
            colourfulness=image.colourfulness,
        )

    @classmethod
    def of(cls, image: np.ndarray) -> "Statistics":
        """The statistics of an image, (H, W, 3) YCrCb float32."""
        bands = pyramid(image[..., 0])[:-1]
        return cls(
            means=np.stack([_by_height(channel) for channel in image.mean(1).T]),
            contrast=np.stack([_by_height((band**2).mean(1)) for band in bands]) ** 0.5,
            grain=np.stack([_quiet(band) for band in bands[:GRAINY]]),
            colourfulness=image[..., 1:].std(1).mean(0),
        )


class PyramidTranslator:
    """Gives each frame the target images' statistics by row, in the light of one of them.

    Which one, its own pixels decide, so that it does not depend on the other frames.

    Args:
        target_paths: images of the wanted look, of any size.
        seed: another one gives frames other targets and other noise.

    Raises:
        InputError: when there is no target image, or one cannot be read.
    """

    def __init__(self, target_paths: Sequence[str | Path], seed: int = 0) -> None:
        if not target_paths:
            raise InputError("there is no target image", where="target_paths")
        paths = [Path(path) for path in target_paths]
        self.targets = [Statistics.of(to_ycc(read_rgb(path) / np.float32(255))) for path in paths]
        self.shared = Statistics.shared(self.targets)
        self.seed = seed
        digest = hashlib.sha256("".join(map(sha256, paths)).encode())
        self.identity = f"pyramid {digest.hexdigest()} seed {seed}"

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        frames = images.permute(0, 2, 3, 1).cpu().numpy()
        done = np.stack([self._translated(np.ascontiguousarray(frame)) for frame in frames])
        return torch.from_numpy(done).permute(0, 3, 1, 2).contiguous()

    def _translated(self, frame: np.ndarray) -> np.ndarray:
        levels = np.round(frame * 255).astype(np.uint8).tobytes()
        draw = hashlib.sha256(f"{self.seed} ".encode() + levels).digest()
        random = np.random.default_rng(int.from_bytes(draw[:8]))
        wanted = self.shared.coloured_like(self.targets[random.integers(len(self.targets))])
        image = to_ycc(frame)
        own, bands = Statistics.of(image), pyramid(image[..., 0])
        for number, band in enumerate(bands[:-1]):
            gain = wanted.contrast[number] / np.maximum(own.contrast[number], LEAST)
            gain = gain.clip(*GAINS)
            band *= _at(gain, band)
            if number < GRAINY:
                missing = wanted.grain[number] ** 2 - (gain * own.grain[number]) ** 2
                noise = pyramid(random.standard_normal(band.shape, np.float32))[0]
                band += noise / max(noise.std(), LEAST) * _at(missing.clip(0) ** 0.5, band)
        image[..., 0] = collapse(bands)
        muted = np.minimum(wanted.colourfulness / np.maximum(own.colourfulness, LEAST), 1)
        for number, factor in enumerate((1, *muted)):
            shift = wanted.means[number] - factor * own.means[number]
            image[..., number] = factor * image[..., number] + _at(shift, image)
        return cv2.cvtColor(image, cv2.COLOR_YCrCb2RGB).clip(0, 1)


def to_ycc(frame: np.ndarray) -> np.ndarray:
    """(H, W, 3) float32 RGB in [0, 1] to brightness, red and blue difference, each in [0, 1]."""
    return cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)


def pyramid(image: np.ndarray) -> list[np.ndarray]:
    """(H, W) float32 to BANDS differences, the finest first, and the coarse rest."""
    bands = []
    for _ in range(BANDS):
        coarse = cv2.pyrDown(image)
        bands.append(image - cv2.pyrUp(coarse, dstsize=image.shape[::-1]))
        image = coarse
    return [*bands, image]


def collapse(bands: Sequence[np.ndarray]) -> np.ndarray:
    """The image of a pyramid: the inverse of `pyramid`."""
    image = bands[-1]
    for band in reversed(bands[:-1]):
        image = cv2.pyrUp(image, dstsize=band.shape[::-1]) + band
    return image


def _by_height(values: np.ndarray) -> np.ndarray:
    """(H,) of the rows to (ROWS,), smooth: a row has too few pixels to be trusted alone."""
    rows = np.interp(np.linspace(0, len(values) - 1, ROWS), np.arange(len(values)), values)
    column = rows.astype(np.float32)[:, None]
    return cv2.GaussianBlur(column, (1, 0), 1e-3, sigmaY=2, borderType=cv2.BORDER_REPLICATE)[:, 0]


def _quiet(band: np.ndarray) -> np.ndarray:
    """(ROWS,) deviation of the noise in a band, from the quietest pixels about each height."""
    height, reach = len(band), max(1, len(band) // 24)
    middles = np.linspace(0, height - 1, ROWS).round().astype(int)
    about = [np.abs(band[max(0, y - reach) : y + reach + 1]) for y in middles]
    return _by_height(np.array([np.quantile(part, QUIET) for part in about]) / QUIET_OF_NORMAL)


def _at(values: np.ndarray, image: np.ndarray) -> np.ndarray:
    """(ROWS,) as a column (H, 1) of factors for an image's rows."""
    heights = np.linspace(0, ROWS - 1, len(image))
    return np.interp(heights, np.arange(ROWS), values).astype(np.float32)[:, None]
