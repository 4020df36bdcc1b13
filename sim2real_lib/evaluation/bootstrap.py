"""How sure a difference is: the paired bootstrap over images, or over sequences.

Every resample is a test set drawn once, with replacement, and cut into the slices. All arms are
tested on it, so what makes an image easy or hard cancels in their difference. Images of one
sequence resemble each other: drawn one by one they would make an interval too narrow, so whole
sequences are drawn where there are any (a cluster bootstrap). Of a few sequences a bootstrap claims
too much, so its intervals are widened (`widening`); of one there is none.

There is no p-value: resamples lie around the difference that was measured, and not around none,
so they cannot say how rare it would be if there were none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from sim2real_lib.evaluation import ap
from sim2real_lib.evaluation.ap import Convention
from sim2real_lib.evaluation.fast_ap import weighted_ap
from sim2real_lib.evaluation.slices import Slices

Rows = dict[tuple[str, str], tuple[float, ...]]  # (slice, arm) -> a row of the table


class Measured(NamedTuple):
    """The arms on the test set as it is, and drawn again and again.

    Attributes:
        by_class: `slices.class_table`: rows (arm, class), a column a slice: AP; not a number where
            a slice has no such object.
        samples: (resamples, slices x arms), columns (slice, arm): mean AP, 0 to 1.
    """

    by_class: pd.DataFrame
    samples: pd.DataFrame


def measure(
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
) -> Measured:
    """The AP of every arm in every slice, and its mean over test sets drawn again and again.

    What is drawn are all images that are in any slice, as many as there are, or all sequences with
    all of their images. A resample is one draw for all arms and all slices. Both at once, because
    sorting the detections takes longest.

    Args:
        arms, boxes, slices, classes, iou, convention: as in `slices.class_table`. One arm is
            looked at after the other, so a mapping may read each when it is asked for it.
        resamples: how often to draw.
        seed: decides the draws.
        groups: frame id -> the sequence that it is of; None, or a frame without one: by itself.
    """
    frame_ids = every_frame(slices)
    weights = draw(frame_ids, groups, resamples, seed)
    members = {name: frame_ids.isin(ids) for name, ids in slices.items()}
    objects = coded(boxes, frame_ids, classes)
    rows = pd.MultiIndex.from_product([arms, classes], names=["arm", "class"])
    by_class = pd.DataFrame(index=rows, columns=list(slices), dtype=float)
    columns = {}
    for arm in arms:
        found = coded(arms[arm], frame_ids, classes, iou)
        for name, member in members.items():
            here = ap.rank(found[member[found["frame_id"]]], iou, convention)
            there = objects[member[objects["frame_id"]]]
            drawn = []
            for label in classes:
                ours, theirs = (table[table["class"] == label] for table in (here, there))
                places = [table["frame_id"].to_numpy() for table in (ours, theirs)]
                correct = ours["correct"].to_numpy()
                if len(theirs):
                    value = ap.average_precision(correct, len(theirs), convention)
                    by_class.loc[(arm, label), name] = value
                drawn.append(
                    weighted_ap(weights, places[0], correct, places[1], convention=convention)
                )
            columns[name, arm] = _mean_of_known(np.array(drawn))
    ordered = {(name, arm): columns[name, arm] for name in slices for arm in arms}
    samples = pd.DataFrame(ordered).rename_axis(columns=["slice", "arm"])
    return Measured(by_class, samples)


def draw(
    frame_ids: pd.Index, groups: pd.Series | None = None, resamples: int = 1000, seed: int = 0
) -> np.ndarray:
    """How often each resample has each frame.

    Args:
        frame_ids: the frames.
        groups, resamples, seed: as in `measure`.

    Returns:
        (resamples, frames) whole numbers in float32. Without groups each row sums to the number of
        frames; with groups the frames of one group have the same number.
    """
    group = _grouped(frame_ids, groups)
    count = group.max(initial=-1) + 1
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(count, np.full(count, 1 / max(count, 1)), resamples)
    return drawn.astype(np.float32)[:, group]


def group_counts(
    boxes: pd.DataFrame,
    slices: Slices,
    classes: Sequence[str],
    groups: pd.Series | None = None,
) -> dict[str, int]:
    """Slice -> how many of the images or sequences that are drawn hold its objects.

    Arguments as in `measure`. Those without an object are not counted: if all objects were of one
    sequence, every resample would have the same, and nothing would seem to vary.
    """
    frame_ids = every_frame(slices)
    group = _grouped(frame_ids, groups)
    there = coded(boxes, frame_ids, classes)["frame_id"].unique()
    return {name: len(np.unique(group[there[frame_ids[there].isin(ids)]]))
            for name, ids in slices.items()}  # fmt: skip


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
    places = frame_ids.get_indexer(pd.Index(np.asarray(names)))[codes].astype(np.int32)
    labels = pd.Categorical(table["class"], list(dict.fromkeys(classes)))
    kept = (places >= 0) & (labels.codes >= 0)
    percent = round(100 * iou)
    decisive = ["confidence", "ignored", f"tp{percent}", f"ig{percent}"]
    used = [name for name in decisive if name in table.columns]
    return table.loc[kept, used].assign(frame_id=places[kept], **{"class": labels[kept]})


def intervals(
    samples: pd.DataFrame,
    results: pd.DataFrame,
    counts: Mapping[str, int],
    *,
    level: float = 0.95,
) -> pd.DataFrame:
    """Each result with its interval: of an arm's mean AP, or of its difference from another.

    Args:
        samples: from `measure`, or differences between its columns: columns (slice, arm).
        results: what was measured: a row an arm, a column a slice.
        counts: from `group_counts`; with one image or sequence there is no interval.
        level: the share of such intervals that hold the truth.

    Returns:
        rows (slice, arm): value, low, high; on the scale of AP, 0 to 1.
    """
    rows: Rows = {}
    tails = [(1 - level) / 2, (1 + level) / 2]
    for name, arm in _pairs(samples):
        drawn = _widened(samples, results, counts, name, arm, level)
        low, high = drawn.quantile(tails)  # without resamples of nothing
        rows[name, arm] = (float(results[name][arm]), float(low), float(high))
    return _table(rows, ["value", "low", "high"])


def gap_closed(
    samples: pd.DataFrame,
    results: pd.DataFrame,
    counts: Mapping[str, int],
    *,
    oracle: str = "oracle",
    level: float = 0.95,
) -> pd.DataFrame:
    """The share of the way from baseline to oracle that each arm goes, with its interval.

    Where the oracle does not surely beat the baseline there is no gap to speak of, and the row
    holds no numbers. A resample in which the oracle does not beat the baseline, which is rare then,
    says nothing about the share: it counts on either side of the interval, which it can only widen.

    Args:
        samples, results: as in `intervals`: the differences of all arms, and of the oracle, from
            the baseline.
        counts, level: as in `intervals`.
        oracle: the arm that has closed the gap.

    Returns:
        rows (slice, arm): share, low, high; 1 is the oracle's level.
    """
    rows: Rows = {}
    tail = (1 - level) / 2
    for name, arm in _pairs(samples):
        if arm == oracle:
            continue
        both = (_widened(samples, results, counts, name, which, level) for which in (arm, oracle))
        drawn = pd.concat(both, axis=1, keys=["arm", "gap"]).dropna()
        gain, end = (float(results[name][which]) for which in (arm, oracle))
        gap = drawn["gap"]
        if not (gap <= 0).mean() < tail or end <= 0:
            rows[name, arm] = (np.nan, np.nan, np.nan)
            continue
        share = drawn["arm"] / gap
        low = np.quantile(share.where(gap > 0, -np.inf), tail, method="lower")
        high = np.quantile(share.where(gap > 0, np.inf), 1 - tail, method="higher")
        rows[name, arm] = (gain / end, float(low), float(high))
    return _table(rows, ["share", "low", "high"])


def widening(count: int, level: float = 0.95) -> float:
    """By what factor a percentile interval is too narrow when so few are drawn.

    The bootstrap's variance lacks the factor k / (k - 1), and its quantiles are a normal
    distribution's where Student's t with k - 1 degrees of freedom is due: Hesterberg, What Teachers
    Should Know about the Bootstrap, The American Statistician 69 (2015). He moves the quantiles
    outwards; here the interval is stretched about the estimate, because the quantiles of 2 or 3
    sequences lie at the outermost resamples already. Of 240 images it adds .7%.

    Args:
        count: k, from `group_counts`.
        level: of the interval.

    Returns:
        At least 1; not a number for fewer than two.
    """
    if count < 2:
        return np.nan
    tail = (1 + level) / 2
    wider = stats.t.ppf(tail, count - 1) / stats.norm.ppf(tail)
    return float(wider * np.sqrt(count / (count - 1)))


def _widened(
    samples: pd.DataFrame,
    results: pd.DataFrame,
    counts: Mapping[str, int],
    name: str,
    arm: str,
    level: float,
) -> pd.Series:
    measured = results[name][arm]
    return measured + widening(counts[name], level) * (samples[name, arm] - measured)


def _grouped(frame_ids: pd.Index, groups: pd.Series | None) -> np.ndarray:
    """(f,) the number of what is drawn with each frame: its sequence, or itself."""
    if groups is None:
        return np.arange(len(frame_ids))
    named = groups.reindex(frame_ids).to_numpy()
    alone = pd.isna(named)
    group = pd.factorize(named)[0]
    group[alone] = group.max(initial=-1) + 1 + np.arange(alone.sum())
    return group


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """(r,) means over the first axis of (c, r), without the classes that a resample lacks."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(0) / known.sum(0)


def _pairs(samples: pd.DataFrame) -> list[tuple[str, str]]:
    columns: Any = samples.columns
    return list(columns)


def _table(rows: Rows, columns: list[str]) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(rows, names=["slice", "arm"])
    return pd.DataFrame(list(rows.values()), index=index, columns=columns)
