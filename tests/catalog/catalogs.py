"""Small catalogs for tests, made of as little as a test cares about."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pandas as pd

from sim2real_lib.catalog import Catalog
from sim2real_lib.images import RGB

FRAME = {
    "source": "kitti", "split": "train", "sequence": "0001", "index": 0, "variant": "original",
    "image": "/data/a.png", "width": 100, "height": 40, "weather": "clear",
    "timeofday": "daytime", "scene": "undefined",
}  # fmt: skip
BOX = {
    "frame_id": "f", "class": "car", "left": 10.0, "top": 5.0, "right": 30.0, "bottom": 20.0,
    "occluded": False, "occlusion": None, "truncated": None, "visible_pixels": None,
    "ignore": False, "raw_class": "Car",
}  # fmt: skip


def frame(frame_id: str = "f", **given: Any) -> dict[str, Any]:
    return FRAME | {"frame_id": frame_id} | given


def box(frame_id: str = "f", name: str = "car", **given: Any) -> dict[str, Any]:
    return BOX | {"frame_id": frame_id, "class": name} | given


def catalog(frames: Sequence[dict[str, Any]], boxes: Sequence[dict[str, Any]] = ()) -> Catalog:
    return Catalog(pd.DataFrame(frames), pd.DataFrame(boxes))


def drives(lengths: dict[str, int]) -> Catalog:
    """KITTI drives of so many frames, each with its Virtual KITTI 2 clone and fog."""
    kinds = (("kitti", "original"), ("vkitti2", "clone"), ("vkitti2", "fog"))
    return catalog(
        [
            frame(
                f"{source}/{sequence}/{variant}/{index}",
                source=source,
                variant=variant,
                sequence=sequence,
                index=index,
            )
            for source, variant in kinds
            for sequence, length in lengths.items()
            for index in range(length)
        ]
    )


def picture(seed: int, *, width: int = 320, height: int = 180) -> RGB:
    """A picture with detail at all scales, as photographs have; the seed decides which."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for rows in (3, 6, 12, 24, 48, 96, 192, 384):
        detail = rng.normal(size=(rows, rows * 2, 3)).astype(np.float32)
        detail = cv2.resize(detail, (width, height), interpolation=cv2.INTER_AREA)
        total += detail / rows**0.4
    low, high = total.min(), total.max()
    return ((total - low) * (255 / (high - low))).astype(np.uint8)
