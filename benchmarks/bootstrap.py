"""The paired bootstrap's fast AP against resampling the tables: time, and the same numbers.

Run: .venv/bin/python benchmarks/bootstrap.py
"""

import time

import numpy as np
import pandas as pd

from sim2real_lib.evaluation.ap import average_precision
from sim2real_lib.evaluation.bootstrap import weighted_ap

IMAGES, DETECTIONS, OBJECTS, RESAMPLES = 1_000, 50_000, 8_000, 200


def straightforward(
    weights: np.ndarray, frames: np.ndarray, correct: np.ndarray, objects: np.ndarray
) -> np.ndarray:
    """AP of each resample by repeating its rows as often as it drew their image."""
    counts = np.bincount(objects, minlength=IMAGES)
    return np.array(
        [average_precision(np.repeat(correct, row[frames]), int(row @ counts)) for row in weights]
    )


def main() -> None:
    rng = np.random.default_rng(0)
    frames, objects = rng.integers(IMAGES, size=DETECTIONS), rng.integers(IMAGES, size=OBJECTS)
    correct = rng.random(DETECTIONS) < np.linspace(0.6, 0.0, DETECTIONS)
    correct &= correct.cumsum() <= OBJECTS
    weights = rng.multinomial(IMAGES, np.full(IMAGES, 1 / IMAGES), RESAMPLES)
    rows, answers = [], []
    for way in (straightforward, weighted_ap):
        started = time.perf_counter()
        answers.append(way(weights, frames, correct, objects))
        rows.append((way.__name__, time.perf_counter() - started))
    table = pd.DataFrame(rows, columns=["way", "seconds"])
    table["times faster"] = table["seconds"].iloc[0] / table["seconds"]
    print(f"{RESAMPLES} resamples of {IMAGES} images with {DETECTIONS:,} detections")
    print(table.round(2).to_string(index=False))
    print(f"largest difference: {np.abs(answers[0] - answers[1]).max():.1e}")


if __name__ == "__main__":
    main()
