"""The answer: did translating help, by how much, and how sure is that?"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation import bootstrap, seeds
from sim2real_lib.evaluation.ap import Convention
from sim2real_lib.evaluation.seeds import arm_of, differences, over_seeds
from sim2real_lib.evaluation.seeds import seed_of as seed_of
from sim2real_lib.evaluation.slices import Slices, class_table

BASELINE, ORACLE, CLEAR = "baseline", "oracle", "clear-only"
UNTRANSLATED = (BASELINE, ORACLE, CLEAR)  # the arms that frame the range
NOTHING = "There is no translated arm to judge."
ALONE = "all objects are of one sequence or image"

Row = dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """The arms of a run side by side, each the mean over its seeds. Intervals are of 95%.

    A difference from baseline is over the seeds that both have. Where these are two or more, the
    words go by the interval over images and seeds together, else by that over images alone.

    Attributes:
        results: a row an arm, a column a slice: mAP@0.5 over the classes present.
        by_class: rows (arm, class), a column a slice: AP@0.5.
        gains: rows (slice, arm): mean_ap, gain over baseline, low, high (over images).
        gaps: rows (slice, arm): share of the gap to the oracle closed, low, high (over images);
            empty without an oracle, and without numbers where it does not surely beat baseline.
        answer: the gains in words.
        intervals: rows (slice, arm): map50, low, high: each arm's own, for error bars. Two arms'
            bars may overlap where their difference is sure: that is in `gains`.
        seeds: rows (slice, arm): the spread over seeds, and the interval over images and seeds
            together, as `seeds.spread` says.
        verdict: whether the best translated arm beats baseline in every slice.
        best: that arm; None where there is none to be compared.
    """

    results: pd.DataFrame
    by_class: pd.DataFrame
    gains: pd.DataFrame
    gaps: pd.DataFrame
    answer: str
    intervals: pd.DataFrame
    seeds: pd.DataFrame
    verdict: str
    best: str | None


def compare(
    found: Mapping[str, pd.DataFrame],
    boxes: pd.DataFrame,
    slices: Slices,
    classes: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
    groups: pd.Series | None = None,
    convention: Convention = "ultralytics",
    judged: Collection[str] | None = None,
) -> Comparison:
    """Compare every arm with `baseline`.

    Args:
        found: "<arm>-seed<n>" -> its detections, as `predict` stores them. Each is asked for once,
            so a mapping may read them one at a time.
        boxes: the objects to be found, as `predict` stores them.
        slices: name -> frame ids; the answer speaks of the last one.
        classes: which classes to report.
        resamples, seed: of the paired bootstrap.
        groups: frame id -> sequence: drawn whole, where there are any.
        convention: of the AP, "ultralytics" or "coco".
        judged: the translated arms, of which answer and verdict speak; None: all but baseline,
            oracle and clear-only. All others have their rows in the tables.

    Raises:
        InputError: when there is no baseline to compare with, or no arm of a name in `judged`.
    """
    if BASELINE not in map(arm_of, found):
        raise InputError(
            f"there is no {BASELINE} among the arms",
            where=", ".join(found),
            remedy=f"Run notebook 04_yolo_training for the arm {BASELINE}",
        )
    translated = _translated(found, judged)
    frame_ids = bootstrap.every_frame(slices)
    numbered = {name: pd.Index(frame_ids.get_indexer(ids)) for name, ids in slices.items()}
    if groups is not None:
        groups = groups.reindex(frame_ids).reset_index(drop=True)
    tables = {name: bootstrap.coded(found[name], frame_ids, classes) for name in found}
    objects = bootstrap.coded(boxes, frame_ids, classes)
    test = tables, objects, numbered, classes

    each_class = class_table(*test, convention=convention)
    runs = each_class.groupby("arm", sort=False).mean()
    by_class = each_class.groupby([lambda row: arm_of(row[0]), lambda row: row[1]], sort=False)
    samples = bootstrap.resample(
        *test, resamples=resamples, seed=seed, groups=groups, convention=convention
    )
    counts = bootstrap.group_counts(objects, numbered, classes, groups)
    results = over_seeds(runs)
    intervals = bootstrap.intervals(_each_slice(samples, over_seeds), results, counts)
    measured, drawn = differences(runs, BASELINE), _each_slice(samples, differences)
    gains = bootstrap.intervals(drawn, measured, counts).rename(columns={"value": "gain"})
    gains.insert(0, "mean_ap", [results[name][arm] for name, arm in gains.index])
    spread = seeds.spread(runs, gains, baseline=BASELINE)
    decided = decide(gains, spread)
    gaps = pd.DataFrame()
    if ORACLE in results.index:
        gaps = bootstrap.gap_closed(drawn, measured, counts, oracle=ORACLE)
        sure = decided["low"].xs(ORACLE, level="arm") > 0
        known = pd.Series([sure[name] for name, _ in gaps.index], gaps.index, bool)
        gaps = gaps.where(known, axis=0)
    verdict, best = in_every_slice(decided, gaps, translated)
    return Comparison(
        results=results,
        by_class=by_class.mean().rename_axis(["arm", "class"]),
        gains=gains,
        gaps=gaps,
        answer=in_words(decided, gaps, translated, list(slices)[-1]),
        intervals=intervals.rename(columns={"value": "map50"}),
        seeds=spread,
        verdict=verdict,
        best=best,
    )


def _translated(names: Iterable[str], judged: Collection[str] | None) -> list[str]:
    """The arms that answer and verdict speak of, in their order."""
    arms = [arm for arm in dict.fromkeys(map(arm_of, names)) if arm != BASELINE]
    if judged is None:
        return [arm for arm in arms if arm not in UNTRANSLATED]
    for arm in judged:
        if arm not in arms:
            raise InputError(
                f"there is no arm {arm!r} to judge",
                where="judged",
                remedy=f"Choose of: {', '.join(arms) or 'none'}",
            )
    return [arm for arm in arms if arm in judged]


def decide(gains: pd.DataFrame, spread: pd.DataFrame) -> pd.DataFrame:
    """The gains with the intervals that they are judged by.

    Args:
        gains, spread: `Comparison.gains` and `seeds`.

    Returns:
        `gains` with low and high over images and seeds where there are two pairs of seeds or more;
        and seeds, pairs, same_sign as in `spread`.
    """
    own = spread.loc[gains.index]
    ends = own[["low", "high"]].where(own["pairs"] > 1, gains[["low", "high"]])
    return gains[["mean_ap", "gain"]].join(ends).join(own[["seeds", "pairs", "same_sign"]])


def in_words(decided: pd.DataFrame, gaps: pd.DataFrame, judged: Sequence[str], where: str) -> str:
    """A sentence for each translated arm, about the slice `where`.

    Args:
        decided: from `decide`.
        gaps: `Comparison.gaps`.
        judged: the translated arms.
        where: a slice.
    """
    if not judged:
        return NOTHING
    rows, shares = _rows(decided), _rows(gaps)
    comparable = [arm for arm in judged if rows[where, arm]["pairs"]]
    if comparable and np.isnan(rows[where, comparable[0]]["gain"]):
        sentences = [f"Nothing can be said of {where}: it has no object to be found."]
    else:
        sentences = [
            _sentence(arm, rows[where, arm], shares.get((where, arm))) for arm in comparable
        ]
    return " ".join([*sentences, *_unpaired(rows, where)])


def _sentence(arm: str, row: Row, share: Row | None) -> str:
    gain = f"{row['gain']:+.3f} mAP@0.5"
    if np.isnan(row["low"]):
        return f"{arm}: {gain}, and no telling how sure that is: {ALONE}."
    effect = "made no sure difference"
    if row["low"] > 0:
        effect = "helped"
    elif row["high"] < 0:
        effect = "hurt"
    closed = ""
    if share is not None and share["share"] > 0 and row["low"] > 0:
        closed = f", {share['share']:.0%} of the gap to the oracle"
    return (
        f"{arm} {effect}: {gain} "
        f"(95% interval {row['low']:+.3f} to {row['high']:+.3f}, {_over(row)}){closed}."
    )


def in_every_slice(
    decided: pd.DataFrame, gaps: pd.DataFrame, judged: Sequence[str]
) -> tuple[str, str | None]:
    """Whether the best translated arm beats baseline in every slice, and what of the gap it closes.

    The best is the one with the highest gain in the last slice, of those that beat baseline in
    every slice, if any does. It is chosen by the frames that it is judged on, so with many arms and
    small differences its gain is a little too good. Slices without an object or without an interval
    are left out, and named.

    Args:
        decided, gaps, judged: as in `in_words`.

    Returns:
        the verdict, and the best arm.
    """
    if not judged:
        return NOTHING, None
    rows = _rows(decided)
    names = list(dict.fromkeys(name for name, _ in rows))
    arms = [arm for arm in judged if rows[names[-1], arm]["pairs"]]
    if not arms:
        return " ".join(_unpaired(rows, names[-1])), None
    empty = [name for name in names if np.isnan(rows[name, arms[0]]["gain"])]
    alone = [name for name in names if np.isnan(rows[name, arms[0]]["low"]) and name not in empty]
    known = [name for name in names if name not in (*empty, *alone)]
    last = (known or alone or names)[-1]
    ahead = {arm: [name for name in known if rows[name, arm]["low"] > 0] for arm in arms}
    everywhere = [arm for arm in arms if known and ahead[arm] == known]
    best = max(everywhere or arms, key=lambda arm: rows[last, arm]["gain"])
    row, every = rows[last, best], "every bin"
    if known != names:
        every += " that can be judged"
    if not known:
        said = ["No bin can be judged."]
    elif everywhere:
        least = min(rows[name, best]["low"] for name in known)
        said = [f"{best} beats {BASELINE} in {every}: no 95% interval of the gain, {_over(row)}, "
                f"begins below {least:+.3f}."]  # fmt: skip
    else:
        said = [f"No translated arm surely beats {BASELINE} in {every}: {best}, the best, "
                f"does in {len(ahead[best])} of {len(known)} ({_over(row)})."]  # fmt: skip
    if empty:
        said.append(f"Without an object to be found: {', '.join(empty)}.")
    if alone:
        said.append(f"Without an interval: {', '.join(alone)} ({ALONE}).")
    if known:
        said += _closed(row, _rows(gaps).get((last, best)), last) + _trained(row, last)
    return " ".join([*said, *_unpaired(rows, last)]), best if known or alone else None


def _over(row: Row) -> str:
    """What a gain's interval is over."""
    return f"over images and {row['pairs']:.0f} seeds" if row["pairs"] > 1 else "over images alone"


def _closed(row: Row, share: Row | None, where: str) -> list[str]:
    if share is None or not (share["share"] > 0 and row["low"] > 0):
        return []
    part, low, high = (f"{share[name]:.0%}" for name in ("share", "low", "high"))
    gap = f"{part} of the gap to the oracle ({low} to {high}, over images alone)"
    return [f"In {where} it closes {gap}."]


def _trained(row: Row, where: str) -> list[str]:
    if row["pairs"] < 2:
        return ["One seed says nothing about another training."]
    return [f"In {where} {row['same_sign']:.0f} of {row['pairs']:.0f} seeds agree in sign."]


def _unpaired(rows: dict[tuple[str, str], Row], where: str) -> list[str]:
    """The arms that share no seed with baseline, or not all of theirs."""
    arms = {arm: row for (name, arm), row in rows.items() if name == where}
    none = [arm for arm, row in arms.items() if not row["pairs"]]
    some = [
        f"{arm} ({row['pairs']:.0f} of {row['seeds']:.0f})"
        for arm, row in arms.items()
        if 0 < row["pairs"] < row["seeds"]
    ]
    said = []
    if some:
        said.append(f"Compared on the seeds that {BASELINE} has too: {', '.join(some)}.")
    if none:
        said.append(f"Not comparable, sharing no seed with {BASELINE}: {', '.join(none)}.")
    return said


def _each_slice(
    samples: pd.DataFrame, of_runs: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Columns (slice, arm) of columns (slice, run)."""
    names = samples.columns.get_level_values("slice").unique()
    parts = {name: of_runs(samples[name].T).T for name in names}
    return pd.concat(parts, axis=1, names=["slice", "arm"])


def _rows(table: pd.DataFrame) -> dict[tuple[str, str], Row]:
    rows: Any = table.to_dict("index")
    return rows
