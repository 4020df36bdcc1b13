"""A tiny street in three weathers, and a catalog over it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.images import write_rgb

CHROMIUM = Path("/usr/bin/chromium")
WIDTH, HEIGHT = 320, 100
HAZE = {"clone": 0.0, "fog": 0.7, "overcast": 0.3}
WEATHER = {"clone": "clear", "fog": "foggy", "overcast": "overcast"}


def street(seed: int, haze: float) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """(image, vehicle boxes): sky over a road with a few coloured vehicles, greyed by haze."""
    rng = np.random.default_rng(seed)
    image = np.full((HEIGHT, WIDTH, 3), (140, 190, 240), np.uint8)
    horizon = HEIGHT // 2
    image[horizon:] = (105, 160, 90)
    road = np.array(
        [(WIDTH * 0.47, horizon), (WIDTH * 0.53, horizon), (WIDTH, HEIGHT), (0, HEIGHT)]
    )
    cv2.fillPoly(image, [road.astype(int)], (95, 97, 104), cv2.LINE_AA)
    boxes = []
    for near in sorted(rng.uniform(0.1, 0.8, 6)):
        width, x = int(14 + 60 * near), int(rng.uniform(0.1, 0.8) * WIDTH)
        bottom = int(horizon + 6 + near * (HEIGHT - horizon - 10))
        box = (x, bottom - int(0.6 * width), x + width, bottom)
        cv2.rectangle(
            image, box[:2], (box[2] - 1, box[3] - 1), rng.integers(0, 255, 3).tolist(), -1
        )
        boxes.append(box)
    grey = np.full_like(image, 205)
    return cv2.addWeighted(image, 1 - haze, grey, haze, 0), boxes


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return make_catalog(tmp_path_factory.mktemp("street"))


def make_catalog(root: Path, frames: int = 4) -> Catalog:
    """`frames` images a variant and source, their boxes alternately car, van and truck."""
    rows, boxes = [], []
    for source in ("kitti", "vkitti2", "bdd100k"):
        for variant, haze in HAZE.items():
            for index in range(frames):
                frame_id = f"{source}/0001/{variant}/{index:05d}"
                path = root / f"{frame_id}.jpg"
                image, places = street(index, haze)
                write_rgb(path, image)
                rows.append(
                    {
                        "frame_id": frame_id, "source": source, "split": "train",
                        "sequence": "0001", "index": index, "variant": variant,
                        "image": str(path), "width": WIDTH, "height": HEIGHT,
                        "weather": WEATHER[variant],
                        "timeofday": "dawn/dusk" if index == 0 else "daytime",
                        "scene": "city street",
                    }
                )  # fmt: skip
                for number, (left, top, right, bottom) in enumerate(places):
                    name = ("car", "van", "truck")[number % 3]
                    boxes.append(
                        {
                            "frame_id": frame_id, "class": name,
                            "left": max(0, left), "top": max(0, top),
                            "right": min(WIDTH, right), "bottom": min(HEIGHT, bottom),
                            "occluded": number % 2 == 0, "occlusion": None,
                            "truncated": False, "visible_pixels": None, "ignore": False,
                            "raw_class": name.title(),
                        }
                    )  # fmt: skip
    return Catalog(pd.DataFrame(rows), pd.DataFrame(boxes))


@pytest.fixture(scope="session")
def pairs(catalog: Catalog) -> pd.DataFrame:
    return make_pairs(catalog)


def make_pairs(catalog: Catalog) -> pd.DataFrame:
    """Clones of vkitti2 beside stand-ins for their translations: the same street in haze."""
    frames = catalog.frames[catalog.frames["source"] == "vkitti2"]
    images = frames.set_index(["variant", "index"])["image"]
    return pd.DataFrame(
        [
            {
                "frame_id": clone["frame_id"], "place": f"{clone['sequence']}/{clone['index']:05d}",
                "style": style, "translator": translator,
                "original": clone["image"], "translated": images[style, clone["index"]],
            }
            for clone in frames[frames["variant"] == "clone"].to_dict("records")
            for style in ("fog", "overcast")
            for translator in ("cyclegan", "nst")
        ]
    )  # fmt: skip


@pytest.fixture
def targets(catalog: Catalog) -> dict[str, list[str]]:
    own = catalog.frames[catalog.frames["source"] == "bdd100k"]
    return {style: list(own.loc[own["variant"] == style, "image"]) for style in ("fog", "overcast")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, to open pages from disk in."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield launched
        launched.close()
