"""The stored tables of a few arms that find every object, the less exactly the worse the arm."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real_lib.evaluation import ap
from sim2real_lib.evaluation.ap import Convention
from sim2real_lib.evaluation.matching import match_tables
from sim2real_lib.evaluation.stored import Stored

CLASSES = ["car", "van", "truck"]
SIDES = ["left", "top", "right", "bottom"]
RUNS = {"baseline-seed0": 30, "baseline-seed1": 30, "nst-seed0": 20, "nst-seed1": 22,
        "cut-seed0": 26, "oracle-seed0": 4}  # fmt: skip
WEATHERS = ["clear", "foggy", "rainy"]


def street() -> tuple[pd.DataFrame, pd.DataFrame]:
    """24 frames of 320x100 pixels in three weathers, and a car and a truck in each."""
    ids = [f"f{n:02d}" for n in range(24)]
    frames = pd.DataFrame({"frame_id": pd.Series(ids, dtype="str"), "source": "bdd100k"})
    frames["sequence"] = frames["frame_id"]
    frames[["width", "height", "timeofday"]] = 320, 100, "daytime"
    frames["weather"] = [WEATHERS[n % 3] for n in range(24)]
    rows = [
        (frame_id, name, 40.0 + at, 30.0, 40.0 + at + side, 30.0 + side)
        for n, frame_id in enumerate(ids)
        for name, at, side in (("car", 5 * n, 20 + n), ("truck", 5 * n + 60, 40))
    ]
    objects = pd.DataFrame(rows, columns=["frame_id", "class", *SIDES])
    flags = np.arange(len(objects)) % 5 < 2
    return frames, objects.assign(occluded=flags, truncated=~flags, occlusion=0.5 * flags)


def detected(objects: pd.DataFrame, noise: float, seed: int) -> pd.DataFrame:
    """Every object found, the less exactly the more noise."""
    rng = np.random.default_rng(seed)
    moved = objects[SIDES] + rng.normal(0, noise / 5, (len(objects), 4))
    found = objects[["frame_id", "class"]].join(moved.astype(np.float32))
    found.insert(2, "confidence", rng.uniform(0.1, 1, len(found)).astype(np.float32))
    return match_tables(found, objects, objects.iloc[:0], CLASSES).drop(columns=ap.IG)


def write(
    home: Path,
    convention: Convention = "ultralytics",
    *,
    runs: Mapping[str, float] = RUNS,
    most: int | None = None,
) -> Stored:
    """Write and read them, of each arm's detections the first `most`."""
    _, objects = street()
    for seed, (name, noise) in enumerate(runs.items()):
        (home / name).mkdir()
        found = detected(objects, noise, seed).head(len(objects) if most is None else most)
        found.to_parquet(home / name / "detections.parquet")
        objects.to_parquet(home / name / "objects.parquet")
        objects.iloc[:0].to_parquet(home / name / "areas.parquet")
    return Stored.read({name: home / name for name in runs}, CLASSES, convention)
