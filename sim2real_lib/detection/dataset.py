# ultralytics declares its attributes as None and fills them in later, which mypy cannot follow.
# mypy: disable-error-code="assignment, attr-defined"
"""ultralytics' dataset, without what would make the order or the look of frames differ by arm.

Importing this module imports ultralytics: call `offline.prepare` first.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from ultralytics.data.augment import Albumentations, Compose
from ultralytics.data.dataset import YOLODataset

from sim2real_lib.detection.photometric import Photometric


class ArmDataset(YOLODataset):
    """Frames in the tree's order, with our photometric augmentations, whatever is installed.

    Args:
        photometric: probabilities of the steps of `photometric.STEPS`.
    """

    def __init__(self, *args: Any, photometric: Mapping[str, float], **kwargs: Any) -> None:
        self.photometric = Photometric(photometric)  # before super, which builds the transforms
        super().__init__(*args, **kwargs)

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
