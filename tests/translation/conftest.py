"""Small random pictures and a catalog of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.images import write_rgb


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    torch.set_num_threads(1)  # the nets here are too small for more


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., list[Path]]:
    """`pictures("name", 3, size=(w, h), tint=(r, g, b))` writes smooth noise around a colour."""

    def write(
        name: str, count: int, size: tuple[int, int] = (48, 40), tint: tuple = (128, 128, 128)
    ) -> list[Path]:
        random = np.random.default_rng(len(name))
        paths = []
        for index in range(count):
            noise = random.normal(0, 30, (size[1], size[0], 1))
            image = np.clip(np.array(tint) + noise, 0, 255).astype(np.uint8)
            paths.append(tmp_path / name / f"{index}.png")
            write_rgb(paths[-1], image)
        return paths

    return write


@pytest.fixture
def catalog(pictures: Callable[..., list[Path]]) -> Catalog:
    """Four frames of three sizes, two of them with equal file names, and three boxes."""
    sizes = [(61, 37), (310, 94), (61, 37), (64, 40)]
    names = ["Scene01/clone/00000", "Scene01/clone/00001", "Scene02/clone/00000", "Scene02/x/00007"]
    frames = pd.DataFrame(
        {
            "frame_id": [f"vkitti2/{name}" for name in names],
            "source": "vkitti2",
            "split": ["train", "train", "val", "val"],
            "sequence": ["0001", "0001", "0002", "0002"],
            "index": [0, 1, 0, 7],
            "variant": "clone",
            "image": [str(pictures(f"p{i}" * (i + 1), 1, size)[0]) for i, size in enumerate(sizes)],
            "width": [size[0] for size in sizes],
            "height": [size[1] for size in sizes],
            "weather": "clear",
            "timeofday": "daytime",
            "scene": "city street",
        }
    )
    boxes = pd.DataFrame(
        {
            "frame_id": [frames["frame_id"][i] for i in (0, 0, 2)],
            "class": ["car", "van", "truck"],
            "left": [1.25, 10.0, 3.5],
            "top": [2.0, 5.0, 6.0],
            "right": [20.0, 30.75, 50.0],
            "bottom": [15.0, 30.0, 36.0],
            "occluded": [True, False, None],
            "occlusion": [0.4, 0.0, None],
            "truncated": [False, None, True],
            "visible_pixels": [100, 20, None],
            "ignore": [False, True, False],
            "raw_class": ["Car", "Van", "Truck"],
        }
    )
    return Catalog(frames, boxes)
