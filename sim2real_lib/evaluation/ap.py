"""Matching and average precision in ultralytics' convention, on arrays and tables."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

IOUS = np.linspace(0.5, 0.95, 10, dtype=np.float32)  # ultralytics' own, float32 like its matching
TP = [f"tp{round(100 * iou)}" for iou in IOUS]  # the columns tp50, tp55, … tp95
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


def match(
    ious: np.ndarray,
    box_classes: np.ndarray,
    detection_classes: np.ndarray,
    thresholds: np.ndarray = IOUS,
) -> np.ndarray:
    """Which detections are true positives at each threshold.

    Each detection, most confident first, claims the free box of its class that it overlaps most,
    if by at least the threshold; a box is claimed once. (ultralytics `match_predictions`.)

    Args:
        ious: (m, n) overlap of m boxes and n detections, the latter most confident first.
        box_classes: (m,).
        detection_classes: (n,).
        thresholds: (t,), 0 to 1.

    Returns:
        (n, t) boolean.
    """
    correct = np.zeros((len(detection_classes), len(thresholds)), bool)
    if not len(box_classes):
        return correct
    ious = np.where(box_classes[:, None] == detection_classes, ious, 0)
    free = np.ones((len(box_classes), len(thresholds)), bool)
    every = np.arange(len(thresholds))
    for n in np.flatnonzero((ious >= thresholds.min()).any(0)):
        available = np.where(free, ious[:, n, None], 0)
        best = available.argmax(0)
        correct[n] = available[best, every] >= thresholds
        free[best, every] &= ~correct[n]
    return correct


def inside(detections: np.ndarray, areas: np.ndarray, share: float = 0.5) -> np.ndarray:
    """Which detections lie in an area to ignore with more than `share` of their own area.

    Unmatched, such a detection is neither right nor wrong.

    Args:
        detections: (n, 4) in pixels.
        areas: (m, 4) in pixels.

    Returns:
        (n,) boolean.
    """
    covered = _intersection(areas, detections) / _area(detections)
    return (covered > share).any(0)


def average_precision(correct: np.ndarray, count: int) -> float:
    """The area under the interpolated precision-recall curve, as ultralytics computes it.

    101 points like COCO's, but interpolated linearly and integrated, so a perfect detector has
    .995 and not 1.

    Args:
        correct: (n,) boolean, one detection each, most confident first.
        count: number of boxes to be found, at least 1.

    Returns:
        0 to .995.
    """
    if not len(correct):
        return 0.0
    found = np.cumsum(correct)
    recall = found / count
    precision = found / np.arange(1, len(correct) + 1)
    recall = np.concatenate(([0.0], recall, [recall[-1], 1.0]))
    precision = np.concatenate(([1.0], precision, [0.0, 0.0]))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.trapezoid(np.interp(RECALLS, recall, envelope), RECALLS))


def class_ap(
    detections: pd.DataFrame, boxes: pd.DataFrame, classes: Sequence[str], iou: float = 0.5
) -> pd.Series:
    """Average precision of each class that the ground truth has.

    Args:
        detections: one row a detection: class, confidence, ignored, and the columns of `TP`.
        boxes: one row an object to be found: class.
        classes: which classes to report.
        iou: one of .5, .55, … .95.

    Returns:
        class -> AP, 0 to .995, in the order of `classes`; a class without an object is absent.
    """
    counts = boxes["class"].value_counts()
    present = [name for name in classes if counts.get(name, 0)]
    ranked = rank(detections, iou)
    return pd.Series(
        {
            name: average_precision(
                ranked.loc[ranked["class"] == name, "correct"].to_numpy(), counts[name]
            )
            for name in present
        },
        dtype=float,
    )


def mean_ap(
    detections: pd.DataFrame, boxes: pd.DataFrame, classes: Sequence[str], iou: float = 0.5
) -> float:
    """Mean of `class_ap`: over the classes present in the ground truth, as ultralytics has it.

    Returns:
        0 to .995; not a number when no object is there to be found.
    """
    return float(class_ap(detections, boxes, classes, iou).mean())


def rank(detections: pd.DataFrame, iou: float = 0.5) -> pd.DataFrame:
    """The detections that count at this threshold, most confident first, with column `correct`."""
    correct = detections[f"tp{round(100 * iou)}"]
    counted = detections.assign(correct=correct)[correct | ~detections["ignored"]]
    # The same call as ultralytics', so that equal confidences fall in the same order.
    return counted.iloc[np.argsort(-counted["confidence"].to_numpy())]


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _intersection(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return (high - low).clip(0).prod(2)
