"""Giving images the colour statistics of others, without any training."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB, read_rgb


def target_images(paths: Sequence[str | Path]) -> Iterator[RGB]:
    """Decode one target image after the other.

    Raises:
        InputError: when there is none, or one cannot be read.
    """
    if not paths:
        raise InputError("there is no target image", where="target_paths")
    yield from map(read_rgb, paths)


def match_colours(images: Tensor, pixels: Tensor) -> Tensor:
    """Give each image the colour mean and covariance of other pixels by the linear map that moves
    colours least (Pitié and Kokaram 2007).

    Args:
        images: (N, 3, H, W) in [0, 1].
        pixels: (3, M) in [0, 1].
    """
    wanted, mean = torch.cov(pixels), pixels.mean(1, keepdim=True)
    matched = []
    for image in images.flatten(2):
        root = _root(torch.cov(image) + 1e-5 * torch.eye(3, device=image.device))
        inverse = torch.linalg.inv(root)
        mapping = inverse @ _root(root @ wanted @ root) @ inverse
        matched.append(mapping @ (image - image.mean(1, keepdim=True)) + mean)
    return torch.stack(matched).reshape(images.shape).clamp(0, 1)


def _root(matrix: Tensor) -> Tensor:
    """The square root of a symmetric positive semidefinite matrix."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T
