"""A tiny data set of coloured vehicles on grey, as a catalog of three sources."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.detection import offline
from sim2real_lib.images import write_rgb

CLASSES = ("car", "van", "truck")
COLOURS = {"car": (200, 30, 30), "van": (30, 160, 30), "truck": (30, 30, 200)}
WEATHER = {"fog": "foggy", "rain": "rainy", "overcast": "overcast"}
WIDTH, HEIGHT = 96, 64


@pytest.fixture(scope="session", autouse=True)
def _offline(tmp_path_factory: pytest.TempPathFactory) -> None:
    """ultralytics keeps out of the home directory and off the network here too."""
    offline.prepare(tmp_path_factory.mktemp("ultralytics"))


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


@pytest.fixture(scope="session")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Two drives of 14 places, KITTI and all clones and two translations; 12 + 8 of BDD100K."""
    root = tmp_path_factory.mktemp("dataset")
    frames = []
    for sequence, split in (("0001", "train"), ("0002", "val")):
        for index in range(14):
            place = {"sequence": sequence, "index": index, "split": split}
            seed = 100 * int(sequence) + index
            for variant in (
                "original", "clone", "fog", "morning", "overcast", "rain", "sunset", "cyclegan-fog",
            ):  # fmt: skip
                source = "kitti" if variant == "original" else "vkitti2"
                frame_id = f"{source}/{sequence}/{variant}/{index:05d}"
                weather = WEATHER.get(variant.removeprefix("cyclegan-"), "clear")
                more = place | {"source": source, "variant": variant, "weather": weather}
                frames.append(frame(frame_id, root / f"{frame_id}.jpg", seed, **more))
    for number in range(20):
        frame_id = f"bdd100k/{number:04d}"
        more = {
            "source": "bdd100k", "variant": "original", "sequence": frame_id,
            "split": "train" if number < 12 else "test",
            "weather": ("foggy", "rainy", "rainy")[number % 3],
            "timeofday": "night" if number == 11 else "daytime",
        }  # fmt: skip
        frames.append(frame(frame_id, root / f"{frame_id}.jpg", 5000 + number, **more))
    return catalog(frames)


@pytest.fixture
def one_frame(tmp_path: Path) -> Callable[..., Catalog]:
    """Make a catalog of one frame with the boxes given."""

    def make(*boxes: dict, suffix: str = ".jpg") -> Catalog:
        row, _ = frame("a/b", tmp_path / f"dataset/one{suffix}", 1)
        return catalog([(row, list(boxes))])

    return make
