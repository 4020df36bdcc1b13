"""Coloured rectangles on grey: frames that a detector learns in seconds."""

from pathlib import Path

import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.images import write_rgb

CLASSES = ("car", "van", "truck")
COLOURS = {"car": (200, 30, 30), "van": (30, 160, 30), "truck": (30, 30, 200)}
WIDTH, HEIGHT = 96, 64


def frame(frame_id: str, path: Path, seed: int, **changes: object) -> tuple[dict, list[dict]]:
    """Draw one frame with up to three vehicles; returns its row and its boxes' rows."""
    rng = np.random.default_rng(seed)
    image = rng.integers(90, 130, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    boxes = []
    for column in rng.permutation(3)[: rng.integers(1, 4)]:
        name = CLASSES[rng.integers(3)]
        left, top = 32 * column + rng.integers(0, 8), rng.integers(2, 30)
        width, height = rng.integers(12, 24), rng.integers(12, 30)
        image[top : top + height, left : left + width] = COLOURS[name]
        boxes.append(box(frame_id, name, left, top, left + width, top + height))
    write_rgb(path, image)
    row = {
        "frame_id": frame_id, "source": "vkitti2", "split": "train", "sequence": "0001",
        "index": 0, "variant": "clone", "image": str(path), "width": WIDTH, "height": HEIGHT,
        "weather": "clear", "timeofday": "daytime", "scene": "undefined",
    }  # fmt: skip
    return row | changes, boxes


def box(frame_id: str, name: str, *sides: float, ignore: bool = False) -> dict:
    """One row of a catalog's boxes."""
    return {
        "frame_id": frame_id, "class": name,
        **dict(zip(("left", "top", "right", "bottom"), map(float, sides), strict=True)),
        "occluded": False, "occlusion": None, "truncated": False, "visible_pixels": None,
        "ignore": ignore, "raw_class": name,
    }  # fmt: skip


def catalog(frames: list[tuple[dict, list[dict]]]) -> Catalog:
    """A catalog of what `frame` returned."""
    boxes = [box for _, boxes in frames for box in boxes]
    return Catalog(pd.DataFrame([row for row, _ in frames]), pd.DataFrame(boxes))
