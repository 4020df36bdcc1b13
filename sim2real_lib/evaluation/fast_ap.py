"""Average precision of many resamples at once: what the bootstrap spends its time on."""

import numpy as np
from scipy import sparse

from sim2real_lib.evaluation.ap import RECALLS, Convention

CHUNK = 500_000  # numbers of (resamples x steps) held at once
EXACT = 2**24  # whole numbers below it are exact in float32


def weighted_ap(
    weights: np.ndarray,
    frames: np.ndarray,
    correct: np.ndarray,
    objects: np.ndarray,
    *,
    convention: Convention = "ultralytics",
) -> np.ndarray:
    """`ap.average_precision` of one class where frame f counts `weights[:, f]` times.

    Going down the ranked detections, precision falls with every false positive and never within a
    run of true ones. So the envelope is a staircase with one step for each run, false positives
    and then true ones, and only the ends of these steps need looking at. At recall x both
    conventions read the step of the first true positive beyond x (ultralytics) or at x and beyond
    (coco).

    Args:
        weights: (r, f) whole numbers: how often each resample has each frame.
        frames: (n,) the frame of each detection, most confident first.
        correct: (n,) boolean.
        objects: (m,) the frame of each object.
        convention: "ultralytics" or "coco".

    Returns:
        (r,) 0 to 1; not a number where a resample has no object.
    """
    totals = _drawn(weights, objects)
    hits = np.flatnonzero(correct)
    if not len(hits):
        return np.where(totals, 0.0, np.nan)
    frames, correct = frames[: hits[-1] + 1], correct[: hits[-1] + 1]  # later ones change nothing
    step = np.concatenate([[0], np.cumsum(correct[:-1] & ~correct[1:])])
    dtype = np.float32 if _drawn(weights, frames).max(initial=0) < EXACT else np.float64
    shape = step[-1] + 1, weights.shape[1]
    everything = _by_step(step, frames, shape, dtype)
    right = _by_step(step[hits], frames[hits], shape, dtype)
    size = max(1, CHUNK // shape[0])
    parts = []
    for low in range(0, len(weights), size):
        columns = np.ascontiguousarray(weights[low : low + size].T, dtype)
        found = _cumulated(right, columns)
        passed = _cumulated(everything, columns)
        precision = np.divide(found, np.maximum(passed, 1, out=passed), dtype=float)
        places = _places(found, totals[low : low + size], convention)
        parts.append(_heights(precision, places))
    heights = np.concatenate(parts)
    area = heights.mean(1) if convention == "coco" else np.trapezoid(heights, RECALLS, axis=1)
    return np.where(totals, area, np.nan)


def _drawn(weights: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """(r,) how many of the things in these frames each resample has."""
    return weights @ np.bincount(frames, minlength=weights.shape[1]).astype(weights.dtype)


def _by_step(
    step: np.ndarray, frames: np.ndarray, shape: tuple[int, int], dtype: type
) -> sparse.csr_array:
    """(steps, frames) how many detections each step has in each frame; `step` in order."""
    ends = np.searchsorted(step, np.arange(shape[0] + 1))
    return sparse.csr_array((np.ones(len(step), dtype), frames, ends), shape=shape)


def _cumulated(steps: sparse.csr_array, columns: np.ndarray) -> np.ndarray:
    """(r, steps) how many detections each resample has, up to the end of each step."""
    counts = np.ascontiguousarray((steps @ columns).T)
    return np.cumsum(counts, axis=1, out=counts)


def _places(found: np.ndarray, totals: np.ndarray, convention: Convention) -> np.ndarray:
    """(r, 101) the step that each recall is read at; beyond the last one there is none."""
    # The most true positives with which the recall is not reached yet; whole numbers, because
    # recall must be compared exactly as `average_precision` compares it.
    beyond = np.less if convention == "coco" else np.less_equal
    count = np.maximum(totals, 1)[:, None].astype(float)
    short = np.floor(RECALLS * count)
    short += beyond((short + 1) / count, RECALLS)
    short -= ~beyond(short / count, RECALLS)
    short = short.astype(found.dtype)
    pairs = zip(found, short, strict=True)
    return np.array([np.searchsorted(row, most, side="right") for row, most in pairs])


def _heights(precision: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(r, 101) the envelope at the given steps: the largest precision from there on."""
    padded = np.pad(precision, ((0, 0), (0, 1)))  # beyond the last step the curve is 0
    rows = np.arange(len(places))[:, None] * padded.shape[1]
    # The largest between one place and the next. Where both are the same step, `reduceat` gives
    # that step, which is as it should be. A row's last stretch ends with its padding.
    stretches = np.concatenate([places + rows, rows + padded.shape[1] - 1], axis=1)
    highest = np.maximum.reduceat(padded.ravel(), stretches.ravel()).reshape(stretches.shape)
    return np.maximum.accumulate(highest[:, -2::-1], axis=1)[:, ::-1]
