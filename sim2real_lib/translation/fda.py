"""Fourier domain adaptation (Yang and Soatto 2020): a target's low frequencies, without training.

In the lowest frequencies of a frame's spectrum the amplitude becomes a target image's; all phases,
and thus the shapes, stay.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.files import sha256
from sim2real_lib.images import read_rgb, sizes


class FDATranslator:
    """Gives each frame the low-frequency amplitudes of one of the target images.

    Which one, its own pixels decide, so that it does not depend on the other frames.

    Args:
        target_paths: images of the wanted look, of any size.
        beta: half the side of the swapped square, as a share of the frame's shorter side; in
            [0, 0.5]. The paper takes 0.01 to 0.09; 0 swaps mean brightness alone.
        seed: another one gives frames other targets.

    Raises:
        InputError: when there is no target image, one cannot be read, or beta is out of range.
    """

    def __init__(
        self, target_paths: Sequence[str | Path], beta: float = 0.01, seed: int = 0
    ) -> None:
        if not target_paths:
            raise InputError("there is no target image", where="target_paths")
        if not 0 <= beta <= 0.5:
            raise InputError(f"{beta} is not in [0, 0.5]", where="beta", remedy="Try 0.01")
        sizes(target_paths)  # refuses what is no image; decoded are only those that get chosen
        self.paths, self.beta, self.seed = [Path(path) for path in target_paths], beta, seed
        digest = hashlib.sha256("".join(map(sha256, self.paths)).encode())
        self.identity = f"fda {digest.hexdigest()} beta {beta} seed {seed}"

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        return torch.stack([self._translated(image) for image in images.cpu()])

    def _translated(self, image: Tensor) -> Tensor:
        height, width = image.shape[1:]
        most = int(self.beta * min(height, width))
        # An even side's highest frequency is its own negative: it comes once.
        up = torch.arange(-most, min(most, (height - 1) // 2) + 1)
        along = torch.arange(-most, min(most, (width - 1) // 2) + 1)
        target = _image(self.target_of(image))
        own, wanted = coefficients(image, up, along), coefficients(target, up, along)
        change = torch.polar(wanted.abs(), own.angle()) - own
        return (image + synthesis(change, up, along, height, width)).clamp_(0, 1)

    def target_of(self, image: Tensor) -> Path:
        """Which target a frame (3, H, W) gets."""
        levels = image.mul(255).round_().byte().contiguous().numpy().tobytes()
        digest = hashlib.sha256(f"{self.seed} ".encode())
        digest.update(levels)
        return self.paths[int.from_bytes(digest.digest()[:8]) % len(self.paths)]


# Only a few frequencies change, so they alone are computed: several times faster than whole FFTs.
# In periods an image, and divided by its pixels, they are the same at every size of an image: a
# target need not be resized to the frame.


def coefficients(image: Tensor, up: Tensor, along: Tensor) -> Tensor:
    """Fourier coefficients of (3, H, W), divided by its pixels, at frequencies (K,) and (L,).

    Returns:
        (3, K, L) complex: `torch.fft.fft2(image, norm="forward")` there.
    """
    rows, columns = _waves(up, image.shape[1]), _waves(along, image.shape[2])
    down = torch.complex(rows.real @ image, rows.imag @ image)
    return down @ columns.mT / (image.shape[1] * image.shape[2])


def synthesis(change: Tensor, up: Tensor, along: Tensor, height: int, width: int) -> Tensor:
    """The image (3, H, W) of such coefficients (3, K, L): the inverse transform's real part."""
    rows, columns = _waves(up, height), _waves(along, width)
    down = change @ columns.conj()
    return rows.real.mT @ down.real + rows.imag.mT @ down.imag


def _image(path: Path) -> Tensor:
    """(3, H, W) in [0, 1]."""
    return torch.from_numpy(read_rgb(path)).permute(2, 0, 1).contiguous() / 255


def _waves(frequencies: Tensor, size: int) -> Tensor:
    """(K, size) complex: exp(-2πi k x / size) at each pixel x."""
    turns = torch.outer(frequencies, torch.arange(size)) % size / size
    return torch.polar(torch.ones_like(turns), -2 * torch.pi * turns)
