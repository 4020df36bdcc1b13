"""Notebook 01's analysis at full size against the straightforward ways: time, and the same answers.

Run: .venv/bin/python benchmarks/analysis.py
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from sim2real_lib import images
from sim2real_lib.catalog import Catalog
from sim2real_lib.catalog.appearance import survey
from sim2real_lib.catalog.clean import find_faults
from sim2real_lib.catalog.duplicates import MOST_BITS, near_hashes
from sim2real_lib.catalog.split import leaks
from sim2real_lib.files import sha256

BOXES, FRAMES, PICTURES, FILES, PART = 1_300_000, 110_000, 100_000, 300, 10
SINGLE, DRIVES = 80_000, 60  # frames that are sequences by themselves; drives of the others


def faults_by_strings(catalog: Catalog) -> int:
    """The rules but near duplicates, grouping boxes by the names of their frames."""
    boxes, place = catalog.boxes, ["frame_id", "left", "top", "right", "bottom"]
    several = boxes.groupby(place)["class"].transform("nunique") > 1
    again = boxes.sort_values("visible_pixels", ascending=False).duplicated([*place, "class"])
    sides = pd.concat([boxes["right"] - boxes["left"], boxes["bottom"] - boxes["top"]], axis=1)
    return int((several | again | (sides.min(axis=1) < 3)).sum())


def leaks_of_all(catalog: Catalog) -> int:
    """Every moment beside its neighbours, also in the many sequences that lie on one side."""
    key = ["sequence", "index"]
    held = catalog.frames[[*key, "split"]].drop_duplicates()
    seen = pd.concat([held.assign(index=held["index"] + step) for step in (-1, 0, 1)])
    sides = seen.drop_duplicates().groupby(key)["split"].size()
    return len(held[key].drop_duplicates().merge(sides[sides > 1].reset_index(), on=key))


def looks_of_all(paths: pd.Series) -> None:
    """Digest and measures of whole images, one after the other."""
    for path in paths:
        sha256(Path(path))
        image = images.read_rgb(path)
        luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
        saturation = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[..., 1]
        for values in (luma, saturation, cv2.Laplacian(luma, cv2.CV_32F)):
            cv2.meanStdDev(values)


def pairs_of_all(hashes: np.ndarray) -> int:
    """Each hash with all that follow it."""
    rows = range(len(hashes))
    apart = (np.bitwise_count(hashes[row] ^ hashes[row + 1 :]) for row in rows)
    return sum(int((bits <= MOST_BITS).sum()) for bits in apart)


def timed(work: Callable[..., Any], *args: Any) -> tuple[float, Any]:
    started = time.perf_counter()
    answer = work(*args)
    return time.perf_counter() - started, answer


def made_catalog(rng: np.random.Generator) -> Catalog:
    """Single images and drives, one of them on both sides, and boxes, some of them faulty."""
    number = np.arange(FRAMES)
    drive = np.where(number < SINGLE, number, SINGLE + number % DRIVES)
    index = np.where(number < SINGLE, 0, number // DRIVES)
    in_val = (drive % 5 == 0) | ((drive == SINGLE + 1) & (index % 2 == 0))
    frames = pd.DataFrame(
        {
            "frame_id": [f"kitti/{d:06d}/{n:06d}" for n, d in zip(number, drive, strict=True)],
            "source": "kitti", "sequence": [f"{d:06d}" for d in drive], "index": index,
            "split": np.where(in_val, "val", "train"), "variant": "original",
            "image": "a.jpg", "width": 1280, "height": 720, "weather": "clear",
            "timeofday": "daytime", "scene": "highway",
        }
    )  # fmt: skip
    left, top = rng.uniform(0, 1100, BOXES).round(1), rng.uniform(0, 600, BOXES).round(1)
    size = rng.lognormal(3.5, 0.8, BOXES).clip(2.9, 100)
    boxes = pd.DataFrame(
        {
            "frame_id": frames["frame_id"].to_numpy()[np.sort(rng.integers(FRAMES, size=BOXES))],
            "class": rng.choice(["car", "truck", "pedestrian"], BOXES), "left": left, "top": top,
            "right": left + size, "bottom": top + size, "occluded": None, "occlusion": None,
            "truncated": None, "visible_pixels": None, "ignore": False, "raw_class": "",
        }
    )  # fmt: skip
    again = boxes.sample(BOXES // 50, random_state=0)
    near = again[: len(again) // 2].assign(left=again["left"] + 0.05)
    return Catalog(frames, pd.concat([boxes, near, again[len(again) // 2 :]]))


def made_images(folder: Path, rng: np.random.Generator) -> pd.DataFrame:
    """So many JPEGs of 1280x720 with the bytes of ten pictures, about as large as BDD100K's."""
    paths = [folder / f"{number}.jpg" for number in range(FILES)]
    for path in paths[:10]:
        coarse = rng.integers(0, 256, (48, 80, 3), dtype=np.uint8)
        images.write_rgb(path, cv2.resize(coarse, (1280, 720)), jpeg_quality=75)
    for number, path in enumerate(paths[10:]):
        path.write_bytes(paths[number % 10].read_bytes())
    return pd.DataFrame({"frame_id": map(str, paths), "image": map(str, paths)})


def main() -> None:
    rng = np.random.default_rng(0)
    catalog = made_catalog(rng)
    hashes = rng.integers(0, 2**64, PICTURES, dtype=np.uint64)
    hashes[-50:] = hashes[:50] ^ np.uint64(0b10110)
    rows = []

    slow, count = timed(faults_by_strings, catalog)
    fast, faults = timed(find_faults, catalog)
    assert (faults["rule"] != "near duplicate").sum() <= count <= len(faults)
    rows.append((f"faults among {len(catalog.boxes):,} boxes", slow, fast))

    with tempfile.TemporaryDirectory() as place:
        frames, store = made_images(Path(place), rng), Path(place) / "store"
        slow, _ = timed(looks_of_all, frames["image"])
        checked, _ = timed(lambda: images.verify(frames["image"], progress=False))
        fast, once = timed(lambda: survey(frames, store, progress=False))
        rows.append((f"{FILES} images, one process", slow, fast))
        again, same = timed(lambda: survey(frames, store, progress=False))
        pd.testing.assert_frame_equal(once, same)
        rows.append(("the same images once more", slow, again))
        speeds = f"images a second: {FILES / fast:.0f}, only decoded whole: {FILES / checked:.0f}"

    # All pairs take too long for a benchmark: a tenth of the pictures is a hundredth of the pairs.
    slow, count = timed(pairs_of_all, hashes[::PART])
    assert near_hashes(hashes[::PART], np.arange(PICTURES // PART)).shape[1] == count
    fast, pairs = timed(near_hashes, hashes, np.arange(PICTURES))
    assert pairs.shape[1] >= 50
    rows.append((f"near hashes among {PICTURES:,} (slowly: estimated)", slow * PART**2, fast))

    slow, count = timed(leaks_of_all, catalog)
    fast, found = timed(leaks, catalog)
    assert len(found) == count > 0
    rows.append((f"leaks among {FRAMES:,} frames", slow, fast))

    table = pd.DataFrame(rows, columns=["", "straightforward, s", "here, s"])
    table["times faster"] = table["straightforward, s"] / table["here, s"]
    print(table.round(2).to_string(index=False))
    print(speeds)


if __name__ == "__main__":
    main()
