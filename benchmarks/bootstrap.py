"""The paired bootstrap at BDD100K's size: time and memory; and against resampling the tables.

Run: .venv/bin/python benchmarks/bootstrap.py [detections per image, default 200]
"""

import resource
import sys
import time

import numpy as np
import pandas as pd

from sim2real_lib.evaluation.ap import TP, average_precision
from sim2real_lib.evaluation.bootstrap import draw
from sim2real_lib.evaluation.comparison import compare
from sim2real_lib.evaluation.fast_ap import weighted_ap

IMAGES, OBJECTS, RESAMPLES = 10_000, 110_000, 1_000  # BDD100K's val
CLASSES = {"car": 0.96, "truck": 0.04, "van": 0.0}  # and how the objects divide
SKILLS = {"baseline": 0.6, "cyclegan": 0.62, "nst": 0.58, "cut": 0.63, "fda": 0.6, "oracle": 0.75}
SMALL = 1_000, 8_000, 50_000, 200  # images, objects, detections, resamples


def test_set(rng: np.random.Generator) -> tuple[pd.DataFrame, dict[str, pd.Index]]:
    """The objects, and cumulative bins of about half, three quarters and all of the images."""
    numbers = rng.integers(1 << 32, size=(IMAGES, 2))
    ids = pd.Index([f"bdd100k/val/{first:08x}-{second:08x}" for first, second in numbers])
    crowd = rng.gamma(2, size=IMAGES)
    frames = np.sort(rng.choice(IMAGES, OBJECTS, p=crowd / crowd.sum()))
    labels = rng.choice(list(CLASSES), OBJECTS, p=list(CLASSES.values()))
    order = np.argsort(np.bincount(frames, minlength=IMAGES), kind="stable")
    bins = {"0-5": 0.47, "0-10": 0.76, "0-all": 1.0}
    return (
        pd.DataFrame({"frame_id": ids.to_numpy()[frames], "class": labels}),
        {name: ids[np.sort(order[: int(part * IMAGES)])] for name, part in bins.items()},
    )


def detections(
    objects: pd.DataFrame, ids: pd.Index, skill: float, per_image: int, rng: np.random.Generator
) -> pd.DataFrame:
    """What `predict` stores for a detector that finds so many objects: most of it barely seen."""
    hits = objects[rng.random(OBJECTS) < skill]
    alarms = rng.integers(IMAGES, size=IMAGES * per_image - len(hits))
    right = np.arange(IMAGES * per_image) < len(hits)
    barely = 10 ** rng.uniform(-3, -1.3, len(right))
    seen = rng.random(len(right)) < np.where(right, 0.9, 0.03)
    scores = np.where(seen, rng.beta(np.where(right, 2, 1), np.where(right, 2, 4)), barely)
    classes = rng.choice(list(CLASSES), len(alarms), p=[0.7, 0.2, 0.1])
    table = pd.DataFrame(
        {
            "frame_id": np.concatenate([hits["frame_id"], ids.to_numpy()[alarms]]),
            "class": np.concatenate([hits["class"], classes]),
            "confidence": scores.astype(np.float32),
        }
    ).astype({"frame_id": "str", "class": "str"})
    sides = {
        side: rng.random(len(table), np.float32) for side in ("left", "top", "right", "bottom")
    }
    return table.assign(**sides, **dict.fromkeys(TP, right), ignored=False)


def straightforward(
    weights: np.ndarray, frames: np.ndarray, correct: np.ndarray, objects: np.ndarray
) -> np.ndarray:
    """AP of each resample by repeating its rows as often as it drew their image."""
    counts = np.bincount(objects, minlength=weights.shape[1])
    whole = weights.astype(int)
    return np.array(
        [average_precision(np.repeat(correct, row[frames]), int(row @ counts)) for row in whole]
    )


def full(per_image: int) -> None:
    rng = np.random.default_rng(0)
    objects, bins = test_set(rng)
    found = {
        f"{arm}-seed0": detections(objects, bins["0-all"], skill, per_image, rng)
        for arm, skill in SKILLS.items()
    }
    print(
        f"{IMAGES:,} images, {OBJECTS:,} objects, {len(found)} arms with {IMAGES * per_image:,} "
        f"detections each, {len(bins)} bins, {len(CLASSES)} classes, {RESAMPLES:,} resamples"
    )
    print(f"peak memory before: {_peak():.2f} GB (the tables of all arms)")
    started, cpu = time.perf_counter(), time.process_time()
    compared = compare(found, objects, bins, list(CLASSES), resamples=RESAMPLES)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(f"compare: {wall:.1f} s ({cpu:.1f} s of CPU time), peak memory {_peak():.2f} GB")
    print(compared.verdict)


def against_straightforward() -> None:
    images, objects, count, resamples = SMALL
    rng = np.random.default_rng(0)
    frames, places = rng.integers(images, size=count), rng.integers(images, size=objects)
    correct = rng.random(count) < np.linspace(0.6, 0.0, count)
    correct &= correct.cumsum() <= objects
    weights = draw(pd.RangeIndex(images), resamples=resamples)
    rows, answers = [], []
    for way in (straightforward, weighted_ap):
        started = time.perf_counter()
        answers.append(way(weights, frames, correct, places))
        rows.append((way.__name__, time.perf_counter() - started))
    table = pd.DataFrame(rows, columns=["way", "seconds"])
    table["times faster"] = table["seconds"].iloc[0] / table["seconds"]
    print(f"\n{resamples} resamples of {images:,} images with {count:,} detections")
    print(table.round(2).to_string(index=False))
    print(f"largest difference: {np.abs(answers[0] - answers[1]).max():.1e}")


def _peak() -> float:
    """The most memory that this process ever held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    full(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    against_straightforward()


if __name__ == "__main__":
    main()
