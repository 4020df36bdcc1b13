# ultralytics declares its attributes as None and fills them in later, which mypy cannot follow.
# mypy: disable-error-code="assignment, attr-defined"
"""ultralytics' dataset, without what would make the order or the look of frames differ by arm.

Importing this module imports ultralytics: call `offline.prepare` first.
"""

import math
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

import numpy as np
import torch
from ultralytics.data.augment import Albumentations, Compose
from ultralytics.data.dataset import YOLODataset

from sim2real_lib.detection.augmentation import COMPOSED
from sim2real_lib.detection.photometric import Photometric


class Numbered:
    """A batch sampler that tells each frame its iteration: it yields (iteration, index) pairs.

    Workers load batches ahead of their time, so that what depends on the iteration has to travel
    with the frame.

    Args:
        batches: batches of indices, one epoch of them each time that they are iterated over.
        iteration: the first batch's number, counted from 0.
        generator: where the batches' order is drawn from.

    Attributes:
        drawn_from: the generator's state before it drew the order of this epoch.
    """

    def __init__(self, batches: Any, iteration: int, generator: torch.Generator) -> None:
        self.batches, self.iteration, self.generator = batches, iteration, generator
        self.drawn_from = generator.get_state()

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        self.drawn_from = self.generator.get_state()
        for batch in self.batches:
            yield [(self.iteration, index) for index in batch]
            self.iteration += 1


class ArmDataset(YOLODataset):
    """Frames in the tree's order, with our photometric augmentations, whatever is installed.

    Args:
        photometric: probabilities of the steps of `photometric.STEPS`.
        plain_from: the first iteration without mosaic, MixUp and CutMix; None: they stay.
        seed: decides the photometric augmentations, together with iteration and frame.
    """

    def __init__(
        self,
        *args: Any,
        photometric: Mapping[str, float],
        plain_from: int | None = None,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        self.photometric = Photometric(photometric)  # before super, which builds the transforms
        super().__init__(*args, **kwargs)
        self.plain_from, self.seed = math.inf if plain_from is None else plain_from, seed
        plain = copy(kwargs["hyp"])
        vars(plain).update(dict.fromkeys(COMPOSED, 0.0))
        self.plain_transforms = self.build_transforms(plain)

    def __getitem__(self, index: int | tuple[int, int]) -> dict[str, Any]:
        """A frame by its index, or by `Numbered`'s pair as it is to be in that iteration."""
        iteration, index = index if isinstance(index, tuple) else (0, index)
        self.photometric.turn = f"{self.seed} {iteration} {index}"
        transforms = self.plain_transforms if iteration >= self.plain_from else self.transforms
        return transforms(self.get_image_and_label(index))

    def set_rectangle(self) -> None:
        """One flat shape for all batches: the smallest that holds every frame.

        ultralytics would sort the frames by their aspect ratio, give each batch a shape of its own
        and, where these differ (KITTI beside BDD100K), train in that order without ever shuffling.
        """
        sizes = np.array([label.pop("shape") for label in self.labels])  # height, width
        shares = (sizes / sizes.max(1, keepdims=True)).max(0)  # of the longer side
        shape = np.ceil(shares * self.imgsz / self.stride + self.pad).astype(int) * self.stride
        self.batch = np.arange(self.ni) // self.batch_size  # which batch a frame belongs to
        self.batch_shapes = np.tile(shape, (self.batch[-1] + 1, 1))

    def build_transforms(self, hyp: Any) -> Compose:
        """ultralytics' transforms, with ours in the place of those of an optional package.

        It would blur, grey and equalise 4% of the frames wherever albumentations is installed.
        """
        transforms = super().build_transforms(hyp)
        kept = [step for step in transforms.transforms if not isinstance(step, Albumentations)]
        return Compose([*kept[:-1], self.photometric, kept[-1]])  # the last one makes tensors
