"""How sure a difference is: the paired bootstrap over images.

Every resample draws the same images for all arms, so what makes an image easy or hard cancels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from sim2real_lib.evaluation.ap import RECALLS, rank
from sim2real_lib.evaluation.slices import Slices

Rows = dict[tuple[str, str], tuple[float, ...]]  # (slice, arm) -> a row of the table

CHUNK = 4_000_000  # numbers of (resamples x true positives) held at once


def resample(
    arms: Mapping[str, pd.DataFrame],
    boxes: pd.DataFrame,
    slices: Slices,
    classes: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
    iou: float = 0.5,
) -> pd.DataFrame:
    """The mean AP of every arm in every slice, over images drawn again and again.

    Args:
        arms, boxes, slices, classes, iou: as in `slices.class_table`.
        resamples: how often to draw.
        seed: decides the draws.

    Returns:
        (resamples, slices x arms), columns (slice, arm), values 0 to .995.
    """
    columns = {}
    for name, frame_ids in slices.items():
        rng = np.random.default_rng(seed)
        size = len(frame_ids)
        weights = rng.multinomial(size, np.full(size, 1 / max(size, 1)), resamples)
        objects = boxes[boxes["frame_id"].isin(frame_ids)]
        for arm, found in arms.items():
            found = rank(found[found["frame_id"].isin(frame_ids)], iou)
            by_class = []
            for label in classes:
                ours, theirs = (table[table["class"] == label] for table in (found, objects))
                places = [frame_ids.get_indexer(pd.Index(t["frame_id"])) for t in (ours, theirs)]
                correct = ours["correct"].to_numpy()
                by_class.append(weighted_ap(weights, places[0], correct, places[1]))
            columns[name, arm] = _mean_of_known(np.array(by_class))
    return pd.DataFrame(columns).rename_axis(columns=["slice", "arm"])


def weighted_ap(
    weights: np.ndarray, frames: np.ndarray, correct: np.ndarray, objects: np.ndarray
) -> np.ndarray:
    """`ap.average_precision` of one class where frame f counts `weights[:, f]` times.

    The interpolated curve of `average_precision` is a staircase: precision never falls between
    two true positives that no false one separates, so at recall x it has the envelope's height at
    the first true positive beyond x. Only true positives need looking at, which are few.

    Args:
        weights: (r, f) how often each resample has each frame.
        frames: (n,) the frame of each detection, most confident first.
        correct: (n,) boolean.
        objects: (m,) the frame of each object.

    Returns:
        (r,); not a number where a resample has no object.
    """
    totals = weights @ np.bincount(objects, minlength=weights.shape[1])
    hits = np.flatnonzero(correct)
    if not len(hits):
        return np.where(totals, 0.0, np.nan)
    misses = np.flatnonzero(~correct[: hits[-1]])  # beyond the last hit they change nothing
    next_hit = np.searchsorted(hits, misses)
    # (hits, frames): false positives of each frame between a hit and the one before it.
    between = sparse.csr_array(
        (np.ones(len(misses)), (next_hit, frames[misses])), shape=(len(hits), weights.shape[1])
    )
    step = max(1, CHUNK // len(hits))
    parts = [
        _staircase(weights[low : low + step], frames[hits], between, totals[low : low + step])
        for low in range(0, len(weights), step)
    ]
    return np.concatenate(parts)


def gains(
    samples: pd.DataFrame, results: pd.DataFrame, *, baseline: str = "baseline", level: float = 0.95
) -> pd.DataFrame:
    """Each arm's difference from the baseline, with its interval.

    Args:
        samples: from `resample`.
        results: the same arms' `slices.results_table`.
        baseline: the arm that the others are compared to.
        level: the share of resamples within the interval.

    Returns:
        rows (slice, arm): mean_ap, gain, low, high; all on the scale of AP, 0 to 1.
    """
    rows: Rows = {}
    for name, arm in _pairs(samples):
        if arm != baseline:
            start, ours = (float(results[name][which]) for which in (baseline, arm))
            drawn = samples[name, arm] - samples[name, baseline]
            rows[name, arm] = (ours, ours - start, *_interval(drawn, level))
    return _table(rows, ["mean_ap", "gain", "low", "high"])


def gap_closed(
    samples: pd.DataFrame,
    results: pd.DataFrame,
    *,
    baseline: str = "baseline",
    oracle: str = "oracle",
    level: float = 0.95,
) -> pd.DataFrame:
    """The share of the way from baseline to oracle that each arm goes, with its interval.

    Arguments as in `gains`. Where the oracle does not surely beat the baseline there is no gap to
    speak of, and the row holds no numbers.

    Returns:
        rows (slice, arm): share, low, high; 1 is the oracle's level.
    """
    rows: Rows = {}
    for name, arm in _pairs(samples):
        if arm in (baseline, oracle):
            continue
        gap = samples[name, oracle] - samples[name, baseline]
        if _interval(gap, level)[0] <= 0:
            rows[name, arm] = (np.nan, np.nan, np.nan)
            continue
        start, ours, end = (float(results[name][which]) for which in (baseline, arm, oracle))
        drawn = (samples[name, arm] - samples[name, baseline]) / gap
        rows[name, arm] = ((ours - start) / (end - start), *_interval(drawn, level))
    return _table(rows, ["share", "low", "high"])


def _staircase(
    weights: np.ndarray, frames: np.ndarray, between: sparse.csr_array, totals: np.ndarray
) -> np.ndarray:
    """(r,) AP from the hits' frames (h,) and the false positives between them (h, f)."""
    found = weights[:, frames].cumsum(1)
    wrong = (between @ weights.T).T.cumsum(1)
    with np.errstate(invalid="ignore"):  # 0 / 0 where no frame up to here was drawn
        precision = np.nan_to_num(found / (found + wrong))
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    # The most hits whose recall is still at or below each of the 101 recalls; whole numbers,
    # because recall must be compared exactly as `average_precision` compares it.
    count = np.maximum(totals, 1)[:, None]
    below = np.floor(RECALLS * count)
    below += (below + 1) / count <= RECALLS
    below -= below / count > RECALLS
    # One sorted search for all rows: row i lives in a stretch of its own.
    stretch = (np.arange(len(weights)) * (found.max() + count.max() + 2))[:, None]
    places = np.searchsorted((found + stretch).ravel(), (below + stretch).ravel(), side="right")
    places = places.reshape(below.shape) - np.arange(len(weights))[:, None] * found.shape[1]
    padded = np.pad(envelope, ((0, 0), (0, 1)))  # beyond the last hit the curve is 0
    heights = np.take_along_axis(padded, places, axis=1)
    return np.where(totals, np.trapezoid(heights, RECALLS, axis=1), np.nan)


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """(r,) means over the first axis of (c, r), without the classes that a resample lacks."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(0) / known.sum(0)


def _pairs(samples: pd.DataFrame) -> list[tuple[str, str]]:
    columns: Any = samples.columns
    return list(columns)


def _interval(drawn: pd.Series, level: float) -> tuple[float, float]:
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _table(rows: Rows, columns: list[str]) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(rows, names=["slice", "arm"])
    return pd.DataFrame(list(rows.values()), index=index, columns=columns)
