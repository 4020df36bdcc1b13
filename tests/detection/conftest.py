"""A tiny data set of coloured vehicles on grey, as a catalog of three sources."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from toy import catalog, frame

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.detection import offline

# Before a test module here imports ultralytics, which would write into the home directory, and
# change how Pillow opens images for the tests of all other folders as well.
SETTINGS = tempfile.TemporaryDirectory()
offline.prepare(Path(SETTINGS.name))

WEATHER = {"fog": "foggy", "rain": "rainy", "overcast": "overcast"}


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
