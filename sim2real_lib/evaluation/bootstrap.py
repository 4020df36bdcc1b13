"""How sure a difference is: the paired bootstrap over images, or over sequences.

Every resample is a test set drawn once, with replacement, and cut into the slices. All arms are
tested on it, so what makes an image easy or hard cancels in their difference. Images of one
sequence resemble each other: drawn one by one they would make an interval too narrow, so whole
sequences are drawn where there are any (a cluster bootstrap).

There is no p-value: resamples lie around the difference that was measured, and not around none,
so they cannot say how rare it would be if there were none.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sim2real_lib.evaluation import ap
from sim2real_lib.evaluation.ap import Convention
from sim2real_lib.evaluation.fast_ap import weighted_ap
from sim2real_lib.evaluation.slices import Slices

Rows = dict[tuple[str, str], tuple[float, ...]]  # (slice, arm) -> a row of the table


def resample(
    arms: Mapping[str, pd.DataFrame],
    boxes: pd.DataFrame,
    slices: Slices,
    classes: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
    iou: float = 0.5,
    groups: pd.Series | None = None,
    convention: Convention = "ultralytics",
) -> pd.DataFrame:
    """The mean AP of every arm in every slice, over test sets drawn again and again.

    What is drawn are all images that are in any slice, as many as there are, or all sequences with
    all of their images. A resample is one draw for all arms and all slices.

    Args:
        arms, boxes, slices, classes, iou, convention: as in `slices.class_table`. One arm is
            looked at after the other, so a mapping may read each when it is asked for it.
        resamples: how often to draw.
        seed: decides the draws.
        groups: frame id -> the sequence that it is of; None, or a frame without one: by itself.

    Returns:
        (resamples, slices x arms), columns (slice, arm), values 0 to 1.
    """
    frame_ids = every_frame(slices)
    weights = draw(frame_ids, groups, resamples, seed)
    members = {name: frame_ids.isin(ids) for name, ids in slices.items()}
    objects = coded(boxes, frame_ids, classes)
    columns = {}
    for arm in arms:
        found = coded(arms[arm], frame_ids, classes, iou)
        for name, member in members.items():
            here = ap.rank(found[member[found["frame_id"]]], iou, convention)
            there = objects[member[objects["frame_id"]]]
            by_class = []
            for label in classes:
                ours, theirs = (table[table["class"] == label] for table in (here, there))
                places = [table["frame_id"].to_numpy() for table in (ours, theirs)]
                correct = ours["correct"].to_numpy()
                by_class.append(
                    weighted_ap(weights, places[0], correct, places[1], convention=convention)
                )
            columns[name, arm] = _mean_of_known(np.array(by_class))
    ordered = {(name, arm): columns[name, arm] for name in slices for arm in arms}
    return pd.DataFrame(ordered).rename_axis(columns=["slice", "arm"])


def draw(
    frame_ids: pd.Index, groups: pd.Series | None = None, resamples: int = 1000, seed: int = 0
) -> np.ndarray:
    """How often each resample has each frame.

    Args:
        frame_ids: the frames.
        groups, resamples, seed: as in `resample`.

    Returns:
        (resamples, frames) whole numbers in float32. Without groups each row sums to the number of
        frames; with groups the frames of one group have the same number.
    """
    group = np.arange(len(frame_ids))
    if groups is not None:
        named = groups.reindex(frame_ids).to_numpy()
        alone = pd.isna(named)
        group = pd.factorize(named)[0]
        group[alone] = group.max(initial=-1) + 1 + np.arange(alone.sum())
    count = group.max(initial=-1) + 1
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, np.full(count, 1 / max(count, 1)), resamples)
    return drawn.astype(np.float32)[:, group]


def every_frame(slices: Slices) -> pd.Index:
    """The ids of the frames that are in any slice, each once."""
    ids = [pd.Index(frame_ids).to_series() for frame_ids in slices.values()]
    return pd.Index(pd.concat(ids).unique()) if ids else pd.Index([])


def coded(
    table: pd.DataFrame, frame_ids: pd.Index, classes: Sequence[str], iou: float = 0.5
) -> pd.DataFrame:
    """Detections or objects with numbers for names: a tenth of the memory, and fast to select.

    Args:
        table: frame_id, class, and anything else.
        frame_ids: the frames to keep.
        classes: the classes to keep.
        iou: the matches to keep, one of .5, .55, … .95.

    Returns:
        The rows of these frames and classes in their order: frame_id as a place in `frame_ids`,
        class as a category, and of the other columns those that decide the AP.
    """
    codes, names = pd.factorize(table["frame_id"])
    places = frame_ids.get_indexer(pd.Index(names))[codes].astype(np.int32)
    labels = pd.Categorical(table["class"], list(dict.fromkeys(classes)))
    kept = (places >= 0) & (labels.codes >= 0)
    percent = round(100 * iou)
    decisive = ["confidence", "ignored", f"tp{percent}", f"ig{percent}"]
    used = [name for name in decisive if name in table.columns]
    return table.loc[kept, used].assign(frame_id=places[kept], **{"class": labels[kept]})


def intervals(samples: pd.DataFrame, results: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Each arm's own mAP with its interval: for error bars, which say nothing of a difference.

    Arguments as in `gains`.

    Returns:
        rows (slice, arm): map50, low, high; 0 to 1.
    """
    rows: Rows = {
        (name, arm): (float(results[name][arm]), *_interval(samples[name, arm], level))
        for name, arm in _pairs(samples)
    }
    return _table(rows, ["map50", "low", "high"])


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
    speak of, and the row holds no numbers. A resample in which the oracle does not beat the
    baseline, which is rare then, says nothing about the share: it counts on either side of the
    interval, which it can only widen.

    Returns:
        rows (slice, arm): share, low, high; 1 is the oracle's level.
    """
    rows: Rows = {}
    tail = (1 - level) / 2
    for name, arm in _pairs(samples):
        if arm in (baseline, oracle):
            continue
        start, ours, end = (float(results[name][which]) for which in (baseline, arm, oracle))
        drawn = samples[name].dropna()
        gap = drawn[oracle] - drawn[baseline]
        if not (gap <= 0).mean() < tail or end <= start:
            rows[name, arm] = (np.nan, np.nan, np.nan)
            continue
        share = (drawn[arm] - drawn[baseline]) / gap
        low = np.quantile(share.where(gap > 0, -np.inf), tail, method="lower")
        high = np.quantile(share.where(gap > 0, np.inf), 1 - tail, method="higher")
        rows[name, arm] = ((ours - start) / (end - start), float(low), float(high))
    return _table(rows, ["share", "low", "high"])


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """(r,) means over the first axis of (c, r), without the classes that a resample lacks."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(0) / known.sum(0)


def _pairs(samples: pd.DataFrame) -> list[tuple[str, str]]:
    columns: Any = samples.columns
    return list(columns)


def _interval(drawn: pd.Series, level: float) -> tuple[float, float]:
    low, high = drawn.quantile([(1 - level) / 2, (1 + level) / 2])  # without resamples of nothing
    return float(low), float(high)


def _table(rows: Rows, columns: list[str]) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(rows, names=["slice", "arm"])
    return pd.DataFrame(list(rows.values()), index=index, columns=columns)
