"""The answer: did translating help, by how much, and how sure is that?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation import bootstrap, seeds
from sim2real_lib.evaluation.ap import Convention
from sim2real_lib.evaluation.seeds import arm_of, over_seeds
from sim2real_lib.evaluation.seeds import seed_of as seed_of
from sim2real_lib.evaluation.slices import Slices, class_table

BASELINE, ORACLE, CLEAR = "baseline", "oracle", "clear-only"
UNTRANSLATED = (BASELINE, ORACLE, CLEAR)  # the arms that frame the range
NOTHING = "There is no translated arm to judge."

Row = dict[str, float]


@dataclass(frozen=True)
class Comparison:
    """The arms of a run side by side, each the mean over its seeds. Intervals are of 95%.

    Attributes:
        results: a row an arm, a column a slice: mAP@0.5 over the classes present.
        by_class: rows (arm, class), a column a slice: AP@0.5.
        gains: rows (slice, arm): mean_ap, gain over baseline, low, high (over images).
        gaps: rows (slice, arm): share of the gap to the oracle closed, low, high; empty without
            an oracle.
        answer: the gains in words.
        intervals: rows (slice, arm): map50, low, high: each arm's own, for error bars. Two arms'
            bars may overlap where their difference is sure: that is in `gains`.
        seeds: rows (slice, arm): the spread over seeds, and the interval over images and seeds
            together, as `seeds.spread` says.
        verdict: whether the best translated arm beats baseline in every slice.
    """

    results: pd.DataFrame
    by_class: pd.DataFrame
    gains: pd.DataFrame
    gaps: pd.DataFrame
    answer: str
    intervals: pd.DataFrame
    seeds: pd.DataFrame
    verdict: str


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

    Raises:
        InputError: when there is no baseline to compare with.
    """
    if BASELINE not in map(arm_of, found):
        raise InputError(
            f"there is no {BASELINE} among the arms",
            where=", ".join(found),
            remedy=f"Run notebook 04_yolo_training for the arm {BASELINE}",
        )
    frame_ids = bootstrap.every_frame(slices)
    numbered = {name: pd.Index(frame_ids.get_indexer(ids)) for name, ids in slices.items()}
    if groups is not None:
        groups = groups.reindex(frame_ids).reset_index(drop=True)
    arms = {name: bootstrap.coded(found[name], frame_ids, classes) for name in found}
    objects = bootstrap.coded(boxes, frame_ids, classes)
    judged = arms, objects, numbered, classes

    each_class = class_table(*judged, convention=convention)
    runs = each_class.groupby("arm", sort=False).mean()
    by_class = each_class.groupby([lambda row: arm_of(row[0]), lambda row: row[1]], sort=False)
    samples = bootstrap.resample(
        *judged, resamples=resamples, seed=seed, groups=groups, convention=convention
    )
    by_slice_and_arm = [lambda column: column[0], lambda column: arm_of(column[1])]
    drawn: pd.DataFrame = samples.T.groupby(by_slice_and_arm, sort=False).mean().T
    drawn.columns.names = ["slice", "arm"]

    results = over_seeds(runs)
    gains = bootstrap.gains(drawn, results, baseline=BASELINE)
    gaps = pd.DataFrame()
    if ORACLE in results.index:
        gaps = bootstrap.gap_closed(drawn, results, baseline=BASELINE, oracle=ORACLE)
    spread = seeds.spread(runs, gains, baseline=BASELINE)
    return Comparison(
        results=results,
        by_class=by_class.mean().rename_axis(["arm", "class"]),
        gains=gains,
        gaps=gaps,
        answer=in_words(gains, gaps, list(slices)[-1], spread),
        intervals=bootstrap.intervals(drawn, results),
        seeds=spread,
        verdict=in_every_slice(gains, gaps, spread),
    )


def in_words(
    gains: pd.DataFrame, gaps: pd.DataFrame, where: str, spread: pd.DataFrame | None = None
) -> str:
    """A sentence for each translated arm, about the slice `where`.

    Args:
        gains, gaps, spread: `Comparison.gains`, `gaps` and `seeds`.
        where: a slice.
    """
    shares, seeded = _rows(gaps), {} if spread is None else _rows(spread)
    sentences = []
    for (name, arm), row in _rows(gains).items():
        if name != where or arm in UNTRANSLATED:
            continue
        effect = "made no sure difference"
        if row["low"] > 0:
            effect = "helped"
        elif row["high"] < 0:
            effect = "hurt"
        share = shares[name, arm]["share"] if shares else np.nan
        gap = f", {share:.0%} of the gap to the oracle" if share > 0 and row["low"] > 0 else ""
        count = seeded[name, arm]["seeds"] if seeded else 1
        trained = f", {count:.0f} seeds" if count > 1 else ""
        sentences.append(
            f"{arm} {effect}: {row['gain']:+.3f} mAP@0.5 "
            f"(95% interval {row['low']:+.3f} to {row['high']:+.3f}{trained}){gap}."
        )
    return " ".join(sentences) or NOTHING


def in_every_slice(gains: pd.DataFrame, gaps: pd.DataFrame, spread: pd.DataFrame) -> str:
    """Whether the best translated arm beats baseline in every slice, and what of the gap it closes.

    The best is the one with the highest mAP in the last slice, of those that beat baseline in every
    slice, if any does. It is chosen by the frames that it is judged on, so with many arms and small
    differences its gain is a little too good.

    Args:
        gains, gaps, spread: `Comparison.gains`, `gaps` and `seeds`.
    """
    rows = _rows(gains)
    names = list(dict.fromkeys(name for name, _ in rows))
    arms = dict.fromkeys(arm for _, arm in rows if arm not in UNTRANSLATED)
    if not arms:
        return NOTHING
    ahead = {arm: [name for name in names if rows[name, arm]["low"] > 0] for arm in arms}
    everywhere = [arm for arm in arms if len(ahead[arm]) == len(names)]
    best = max(everywhere or arms, key=lambda arm: rows[names[-1], arm]["mean_ap"])
    if everywhere:
        least = min(rows[name, best]["low"] for name in names)
        said = (
            f"{best} beats {BASELINE} in every bin: "
            f"no 95% interval of the gain begins below {least:+.3f}."
        )
    else:
        said = (
            f"No translated arm surely beats {BASELINE} in every bin: {best}, the best, "
            f"does in {len(ahead[best])} of {len(names)}."
        )
    closed = _closed(_rows(gaps).get((names[-1], best)), names[-1])
    return said + closed + _trained([_rows(spread)[name, best] for name in names])


def _closed(row: Row | None, where: str) -> str:
    if row is None or not row["share"] > 0:
        return ""
    share, low, high = (f"{row[name]:.0%}" for name in ("share", "low", "high"))
    return f" In {where} it closes {share} of the gap to the oracle ({low} to {high})."


def _trained(rows: list[Row]) -> str:
    """What the seeds of one arm say; `rows` has one a slice."""
    seeds, agree = rows[-1]["seeds"], rows[-1]["same_sign"]
    if seeds < 2:
        return " One seed says nothing about another training."
    if np.isnan(agree):  # no seed that the baseline has too
        return ""
    sure = sum(row["low"] > 0 for row in rows)
    return (
        f" {agree:.0f} of {seeds:.0f} seeds agree in sign; "
        f"over images and seeds together it is surely ahead in {sure} of {len(rows)}."
    )


def _rows(table: pd.DataFrame) -> dict[tuple[str, str], Row]:
    rows: Any = table.to_dict("index")
    return rows
