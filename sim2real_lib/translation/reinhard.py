"""Colour transfer of Reinhard et al. (2001): mean and deviation of each channel of lαβ."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from sim2real_lib.translation.colour import target_images
from sim2real_lib.translation.device import choose_device

# The paper's matrices: RGB to LMS, and the logarithms of LMS to lαβ.
TO_LMS = torch.tensor(
    [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]
)
TO_LAB = torch.tensor([3.0, 6.0, 2.0]).rsqrt()[:, None] * torch.tensor(
    [[1.0, 1.0, 1.0], [1.0, 1.0, -2.0], [1.0, -1.0, 0.0]]
)
DARKEST = 1 / 255  # of L, M and S: black has no logarithm
FLAT = 1e-4  # deviation, in natural logarithms, below which a channel counts as one value


def to_lab(pixels: Tensor) -> Tensor:
    """(3, M) RGB in [0, 1] to lαβ, of natural logarithms: the base changes nothing here."""
    lms = TO_LMS.to(pixels) @ pixels
    return TO_LAB.to(pixels) @ lms.clamp_min_(DARKEST).log_()


def to_rgb(lab: Tensor) -> Tensor:
    """(3, M) lαβ to RGB, which may lie beyond [0, 1]; the inverse of `to_lab`."""
    lms = (torch.linalg.inv(TO_LAB.to(lab)) @ lab).exp_()
    return torch.linalg.inv(TO_LMS.to(lab)) @ lms


class ReinhardTranslator:
    """Gives each frame the mean and deviation of the target images' lαβ channels.

    Args:
        target_paths: images of the wanted look; statistics are taken over all their pixels.
        accelerator: "auto", "cpu" or "gpu".

    Attributes:
        mean, deviation: (3,) of the targets' lαβ.

    Raises:
        InputError: when there is no target image, or one cannot be read.
    """

    def __init__(self, target_paths: Sequence[str | Path], accelerator: str = "auto") -> None:
        self.device = choose_device(accelerator)
        count, total, squares = 0, torch.zeros(3).double(), torch.zeros(3).double()
        for image in target_images(target_paths):
            pixels = torch.from_numpy(image).to(self.device).flatten(0, 1).T / 255
            lab = to_lab(pixels).double()
            count += lab.shape[1]
            total += lab.sum(1).cpu()
            squares += lab.square().sum(1).cpu()
        # Rounded, because the last digits depend on the number of threads.
        mean = (total / count).round(decimals=6)
        deviation = (squares / count - (total / count) ** 2).clamp_min(0).sqrt().round(decimals=6)
        digest = hashlib.sha256(torch.stack([mean, deviation]).numpy().tobytes())
        self.identity = f"reinhard {digest.hexdigest()}"
        self.mean, self.deviation = mean.float().to(self.device), deviation.float().to(self.device)

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        # One by one: sums over a batch would depend, in their last digits, on its size.
        return torch.stack([self._translated(image.to(self.device)) for image in images]).cpu()

    def _translated(self, image: Tensor) -> Tensor:
        lab = to_lab(image.flatten(1))
        centred = lab.sub_(lab.mean(1, keepdim=True))
        own = centred.square().mean(1).sqrt().clamp_min(FLAT)
        moved = centred.mul_((self.deviation / own)[:, None]).add_(self.mean[:, None])
        return to_rgb(moved).clamp_(0, 1).reshape(image.shape)
