"""Unpaired images of one domain: decoded once, cropped and flipped at random.

What a step sees is a function of the seed and the step alone. A resumed training therefore needs
no saved data order or random state, and several processes share a batch without talking.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB, read_rgb

T = TypeVar("T")
AHEAD = 2  # steps whose crops are cut while another one trains


def ahead(make: Callable[[int], T], numbers: range) -> Iterator[T]:
    """`make(n)` for each number in order, a few of them made beforehand in a thread."""
    with ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(make, n) for n in numbers[:AHEAD])
        try:
            for number in range(len(numbers)):
                made = waiting.popleft().result()
                if number + AHEAD < len(numbers):
                    waiting.append(thread.submit(make, numbers[number + AHEAD]))
                yield made
        finally:
            thread.shutdown(cancel_futures=True)


class Domain:
    """An endless, shuffled supply of crops.

    Args:
        paths: image files.
        name: what the domain is called in messages.
        scale: factor on the sides of every image before it is cropped; an image that would be
            smaller than the crop is enlarged to it.
        crop: (height, width) in pixels.
        seed: numbers that decide order, crops and flips; they must differ between domains.
        cache_bytes: bound on the decoded images kept in memory; beyond it, images are decoded
            again each time.

    Raises:
        InputError: when there is no image.
    """

    def __init__(
        self,
        paths: Sequence[str | Path],
        name: str,
        scale: float,
        crop: tuple[int, int],
        seed: tuple[int, ...],
        cache_bytes: int,
    ) -> None:
        if not paths:
            raise InputError(f"there is no {name} image to train on", where=name)
        self.paths = [str(path) for path in paths]
        self.scale, self.crop, self.seed = scale, crop, seed
        self._room = cache_bytes
        self._cache: dict[int, RGB] = {}
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.paths)

    def image(self, index: int) -> RGB:
        """Image `index`, scaled: (height, width, 3), uint8.

        Raises:
            InputError: when it cannot be read.
        """
        if index in self._cache:
            return self._cache[index]
        image = read_rgb(self.paths[index])
        height, width = image.shape[:2]
        scale = max(self.scale, self.crop[0] / height, self.crop[1] / width)
        if scale != 1:
            size = (
                max(self.crop[1], round(width * scale)),
                max(self.crop[0], round(height * scale)),
            )
            interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            image = cv2.resize(image, size, interpolation=interpolation)
        if image.nbytes <= self._room:
            self._room -= image.nbytes
            self._cache[index] = image
        return image

    def samples(self, numbers: range) -> Tensor:
        """Samples `numbers` of the endless supply: (N, 3, *crop), float32 in [-1, 1].

        Each image comes once in every `len(self)` samples, in a new order each time.
        """
        crops = np.stack([self._sample(number) for number in numbers])
        return to_network(torch.from_numpy(crops))

    def _sample(self, number: int) -> RGB:
        epoch, position = divmod(number, len(self))
        if epoch != self._epoch:
            order = np.random.default_rng((*self.seed, 0, epoch)).permutation(len(self))
            self._epoch, self._order = epoch, order
        image = self.image(int(self._order[position]))
        random = np.random.default_rng((*self.seed, 1, number))
        top = random.integers(image.shape[0] - self.crop[0] + 1)
        left = random.integers(image.shape[1] - self.crop[1] + 1)
        crop = image[top : top + self.crop[0], left : left + self.crop[1]]
        return crop[:, ::-1] if random.random() < 0.5 else crop


def to_network(images: Tensor) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) float32 in [-1, 1]."""
    return images.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def from_network(images: Tensor) -> Tensor:
    """(N, 3, H, W) in [-1, 1] to (N, H, W, 3) uint8."""
    return images.float().add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1)
