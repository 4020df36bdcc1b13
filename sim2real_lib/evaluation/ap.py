"""Overlap and average precision, in ultralytics' convention or in COCO's.

`ultralytics` (8.4) and `coco` (pycocotools 2.0) differ in this:

- Claiming: a detection takes the free box that it overlaps most; of equals the first, in `coco`
  the last. In `coco` a box that counts comes before whatever is to be ignored.
- Areas to ignore: in `coco` they are crowds, matched as often as needed by the share of a detection
  that lies in them. ultralytics knows none; here `inside` excuses an unmatched detection.
- Overlap: computed in float32; in `coco` in float64.
- Detections: all of them; in `coco` the 100 most confident of a class in an image.
- Equal confidences: in the order that `np.argsort` leaves; in `coco` in the order of the table.
- Interpolation: at each of 101 recalls the best precision beyond it; in `coco` at or beyond it.
- AP: the integral, so a perfect detector has .995; in `coco` the mean, so it has 1.

Neither clips a detection to its image. In both, a mean is over the classes that the ground truth
has, as in the original experiment. `matching` has the claiming.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd

from sim2real_lib.errors import InputError

Convention = Literal["ultralytics", "coco"]

IOUS = np.linspace(0.5, 0.95, 10, dtype=np.float32)  # ultralytics' own, float32 like its matching
TP = [f"tp{round(100 * iou)}" for iou in IOUS]  # the columns tp50, tp55, … tp95
IG = [f"ig{round(100 * iou)}" for iou in IOUS]  # neither right nor wrong at that threshold
RECALLS = np.linspace(0, 1, 101)


def box_iou(boxes: np.ndarray, detections: np.ndarray) -> np.ndarray:
    """Intersection over union of every pair.

    Args:
        boxes: (m, 4) left, top, right, bottom in pixels.
        detections: (n, 4), likewise.

    Returns:
        (m, n), 0 to 1.
    """
    shared = _intersection(boxes, detections)
    return shared / (_area(boxes)[:, None] + _area(detections)[None] - shared)


def inside(detections: np.ndarray, areas: np.ndarray, share: float = 0.5) -> np.ndarray:
    """Which detections an area to ignore accounts for.

    One of which more than `share` lies in the area (a region), or that overlaps it with an
    intersection over union of at least `share` (one object that nobody can judge). Unmatched, such
    a detection is neither right nor wrong.

    Args:
        detections: (n, 4) in pixels.
        areas: (m, 4) in pixels.

    Returns:
        (n,) boolean.
    """
    covered = _intersection(areas, detections) / _area(detections)
    return ((covered > share) | (box_iou(areas, detections) >= share)).any(0)


def average_precision(
    correct: np.ndarray, count: int, convention: Convention = "ultralytics"
) -> float:
    """The area under the interpolated precision-recall curve.

    `ultralytics` interpolates linearly between 101 points and integrates, so a perfect detector
    has .995; `coco` takes the mean of the 101 heights. The module's table has the rest.

    Args:
        correct: (n,) boolean, one detection each, most confident first.
        count: number of boxes to be found, at least 1.

    Returns:
        0 to .995, or 0 to 1.
    """
    return area_under(np.flatnonzero(correct) + 1, count, convention)


def area_under(ranks: np.ndarray, count: int, convention: Convention = "ultralytics") -> float:
    """`average_precision` from the ranks of the true positives alone, which are few.

    Args:
        ranks: (h,) which of the counted detections is right, 1 being the most confident, ascending.
        count: number of boxes to be found, at least 1.
    """
    heights, _ = _steps(ranks, count, convention)
    return float(heights.mean() if convention == "coco" else np.trapezoid(heights, RECALLS))


def class_ap(
    detections: pd.DataFrame,
    boxes: pd.DataFrame,
    classes: Sequence[str],
    iou: float = 0.5,
    convention: Convention = "ultralytics",
) -> pd.Series:
    """Average precision of each class that the ground truth has.

    Args:
        detections: one row a detection: class, confidence, ignored, and the columns of `TP`; those
            of `IG` stand in for `ignored` where they are there. Matched in the same convention.
        boxes: one row an object to be found: class.
        classes: which classes to report.
        iou: one of .5, .55, … .95.

    Returns:
        class -> AP, in the order of `classes`; a class without an object is absent.
    """
    counts = boxes["class"].value_counts()
    present = [name for name in classes if counts.get(name, 0)]
    ranked = rank(detections, iou, convention)
    correct = {name: ranked.loc[ranked["class"] == name, "correct"] for name in present}
    values = {
        name: average_precision(own.to_numpy(), counts[name], convention)
        for name, own in correct.items()
    }
    return pd.Series(values, dtype=float)


def mean_ap(
    detections: pd.DataFrame,
    boxes: pd.DataFrame,
    classes: Sequence[str],
    iou: float = 0.5,
    convention: Convention = "ultralytics",
) -> float:
    """Mean of `class_ap`: over the classes that the ground truth has, as both conventions have it.

    Returns:
        0 to .995, or 0 to 1; not a number when no object is there to be found.
    """
    return float(class_ap(detections, boxes, classes, iou, convention).mean())


def curve(
    detections: pd.DataFrame,
    boxes: pd.DataFrame,
    classes: Sequence[str],
    iou: float = 0.5,
    convention: Convention = "ultralytics",
) -> pd.DataFrame:
    """The interpolated precision-recall curve of each class, and of all.

    Arguments as in `class_ap`.

    Returns:
        101 rows a class that the ground truth has, and 101 of class "all", the mean over them:
        class, recall (0 to 1), precision (0 to 1), and confidence: that of the first hit whose
        recall lies beyond, in `coco` at or beyond; not a number where none does, nor for "all".
    """
    counts = boxes["class"].value_counts()
    ranked = rank(detections, iou, convention)
    curves = []
    for name in (name for name in classes if counts.get(name, 0)):
        own = ranked[ranked["class"] == name]
        hits = np.flatnonzero(own["correct"])
        heights, step = _steps(hits + 1, counts[name], convention)
        confidence = np.append(own["confidence"].to_numpy(float)[hits], np.nan)[step]
        points = {"recall": RECALLS, "precision": heights, "confidence": confidence}
        curves.append(pd.DataFrame({"class": name} | points))
    columns = ["class", "recall", "precision", "confidence"]
    if not curves:
        return pd.DataFrame(columns=columns)
    mean = np.mean([table["precision"] for table in curves], axis=0)
    points = {"recall": RECALLS, "precision": mean, "confidence": np.nan}
    return pd.concat([*curves, pd.DataFrame({"class": "all"} | points)], ignore_index=True)


def rank(
    detections: pd.DataFrame, iou: float = 0.5, convention: Convention = "ultralytics"
) -> pd.DataFrame:
    """The detections that count at this threshold, most confident first, with column `correct`."""
    percent = round(100 * iou)
    correct = detections[f"tp{percent}"]
    ignored = detections[f"ig{percent}" if f"ig{percent}" in detections else "ignored"]
    order = by_confidence(detections["confidence"].to_numpy(), convention)
    counted = (correct | ~ignored).to_numpy()[order]
    return detections.assign(correct=correct).iloc[order[counted]]


def by_confidence(confidence: np.ndarray, convention: Convention = "ultralytics") -> np.ndarray:
    """(n,) the places of the detections, most confident first.

    In `ultralytics` the order of equal confidences is none in particular: its sort is not stable,
    and NumPy chooses another for another CPU, so the AP of many ties may differ there. Only the
    same call gives ultralytics' numbers to the last bit on the same machine. `coco`'s is stable.
    """
    _known(convention)
    return np.argsort(-confidence, kind="mergesort" if convention == "coco" else None)


def _steps(ranks: np.ndarray, count: int, convention: Convention) -> tuple[np.ndarray, np.ndarray]:
    """The interpolated curve: at each recall its height, and the hit that the height is of.

    Precision never falls between two hits that no miss separates, and a miss only lowers it, so
    the curve's envelope is a staircase with its steps at the hits: ultralytics' linear
    interpolation never meets a slope.
    """
    _known(convention)
    found = np.arange(1, len(ranks) + 1)
    precision = found / (ranks + np.spacing(1)) if convention == "coco" else found / ranks
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    side: Literal["left", "right"] = "left" if convention == "coco" else "right"
    step = np.searchsorted(found / count, RECALLS, side=side)
    return np.append(envelope, 0.0)[step], step


def _known(convention: str) -> None:
    if convention not in ("ultralytics", "coco"):
        raise InputError(
            f"there is no convention {convention!r}", remedy="Try 'ultralytics' or 'coco'"
        )


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _intersection(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return (high - low).clip(0).prod(2)
