"""Average precision against ultralytics' and pycocotools' own, on cases that are hard to judge.

Random tables with tied confidences, overlaps exactly on a threshold, duplicate detections, crowded
frames, frames without objects or detections, and areas to ignore: what the tests draw, seeded.
A difference of 0 means equal to the last bit. ultralytics knows no areas to ignore, and
pycocotools no precision and recall at one confidence.

Run: .venv/bin/python benchmarks/conformance.py [--cases 200]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim2real_lib.detection import offline
from sim2real_lib.evaluation import ap, slices
from sim2real_lib.evaluation.matching import match_tables
from sim2real_lib.evaluation.scores import ap_per_class

# The same referees as in the tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "evaluation"))
from referees import (
    CLASSES,
    hard_case,
    pycocotools_ap,
    ultralytics_matches,
    ultralytics_scores,
)

MEASURES = ["mAP50", "mAP50:95", "precision", "recall"]
RANGES = {"all": (0.0, 1e10), "small": (0.0, 64.0), "medium": (64.0, 225.0), "large": (225.0, 1e10)}
KINDS: dict[str, dict[str, Any]] = {
    "ordinary": {"levels": 0},
    "tied confidences": {"levels": 2, "noise": 60},
    "crowded": {"crowded": True, "objects": 20},
    "duplicates": {"duplicates": 8},
    "no detections": {"noise": 0, "duplicates": 0},
    "no ground truth": {"objects": 0},
    "over 100 detections": {"noise": 500, "objects": 12},
    "100 images": {"noise": 500, "objects": 20, "frames": 100, "levels": 0},
}
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=50, help="of each kind")
    count = parser.parse_args().cases
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        offline.prepare(Path(scratch))
        ultralytics(hard_case(0))  # its imports are not counted
        for kind, more in KINDS.items():
            drawn = [hard_case(seed, **more) for seed in range(1 if "frames" in more else count)]
            rows.append({"referee": "ultralytics", "cases": kind} | compared(ultralytics, drawn))
            rows.append({"referee": "pycocotools", "cases": kind} | compared(pycocotools, drawn))
    table = pd.DataFrame(rows).sort_values("referee", ascending=False, kind="stable")
    print(f"{count} cases of each kind (100 images: one); largest difference, seconds in all")
    text = dict.fromkeys(MEASURES, "{:.0e}".format)
    seconds = dict.fromkeys(["ours, s", "theirs, s"], "{:.2f}".format)
    print(table.to_string(index=False, formatters=text | seconds, na_rep="–"))


def compared(judge: Callable[[Tables], tuple], cases: list[Tables]) -> dict[str, float]:
    """The largest difference in each measure, and the seconds that each side took."""
    ours, theirs, seconds = zip(*(judge(case) for case in cases), strict=True)
    gaps = np.abs(np.array(ours) - np.array(theirs)).max(0)
    return dict(zip(MEASURES, gaps, strict=True)) | dict(
        zip(["ours, s", "theirs, s"], np.sum(seconds, axis=0), strict=True)
    )


def ultralytics(case: Tables) -> tuple[list[float], list[float], tuple[float, float]]:
    """Our four measures, theirs, and how long each took, matching included."""
    detections, objects, areas = case
    started = time.perf_counter()
    matched = match_tables(detections, objects, areas.iloc[:0], CLASSES)
    *values, present = scored(matched, objects, "ultralytics")
    ours = summary(*(each[present] for each in values))
    between = time.perf_counter()
    correct = ultralytics_matches(detections, objects)
    found = detections.assign(**dict(zip(ap.TP, correct.T, strict=True)))
    theirs = summary(*ultralytics_scores(found, objects)[:3])
    return ours, theirs, (between - started, time.perf_counter() - between)


def pycocotools(case: Tables) -> tuple[list[float], list[float], tuple[float, float]]:
    """The same; the largest difference over COCO's four ranges of areas stands for each measure."""
    detections, objects, areas = case
    gaps, seconds = np.zeros((len(RANGES), 2)), np.zeros(2)
    for place, (low, high) in enumerate(RANGES.values()):
        started = time.perf_counter()
        off, outside = (
            (size < low) | (size > high) for size in map(slices.area, (objects, detections))
        )
        matched = match_tables(
            detections, objects, areas, CLASSES, convention="coco", off_slice=off, outside=outside
        )
        ours, present = scored(matched, objects[~off], "coco")[0:4:3]
        between = time.perf_counter()
        theirs = pycocotools_ap(detections, objects, areas, sizes=(low, high)).to_numpy()
        seconds += between - started, time.perf_counter() - between
        if theirs.size:
            means = [[each[:, 0].mean(), each.mean()] for each in (ours[present], theirs)]
            gaps[place] = np.abs(np.subtract(*means))
    return [*gaps.max(0), np.nan, np.nan], [0.0] * 4, (seconds[0], seconds[1])


def scored(
    matched: pd.DataFrame, objects: pd.DataFrame, convention: ap.Convention
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """AP, precision and recall of each class, and which classes there are."""
    kinds, targets = (
        np.array([CLASSES.index(name) for name in table["class"]], int)
        for table in (matched, objects)
    )
    counts = np.bincount(targets, minlength=len(CLASSES))
    flags = (matched[columns].to_numpy(bool) for columns in (ap.TP, ap.IG))
    confidence = matched["confidence"].to_numpy()
    return *ap_per_class(confidence, kinds, *flags, counts, convention), counts > 0


def summary(every: np.ndarray, precision: np.ndarray, recall: np.ndarray) -> list[float]:
    if not len(every):
        return [0.0] * 4
    return [every[:, 0].mean(), every.mean(), precision.mean(), recall.mean()]


if __name__ == "__main__":
    main()
