"""The answer: did translating help, by how much, and how sure is that?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim2real_lib.evaluation import bootstrap
from sim2real_lib.evaluation.slices import Slices, class_table, results_table

BASELINE, ORACLE = "baseline", "oracle"
SEED = "-seed"  # "cyclegan-seed0" is arm cyclegan, seed 0


@dataclass(frozen=True)
class Comparison:
    """The arms of a run side by side, each the mean over its seeds.

    Attributes:
        results: a row an arm, a column a slice: mAP@0.5 over the classes present.
        by_class: rows (arm, class), a column a slice: AP@0.5.
        gains: rows (slice, arm): mean_ap, gain over baseline, low, high (95% interval).
        gaps: rows (slice, arm): share of the gap to the oracle closed, low, high; empty without
            an oracle.
        answer: the same in words.
    """

    results: pd.DataFrame
    by_class: pd.DataFrame
    gains: pd.DataFrame
    gaps: pd.DataFrame
    answer: str


def compare(
    found: Mapping[str, pd.DataFrame],
    boxes: pd.DataFrame,
    slices: Slices,
    classes: Sequence[str],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare every arm with `baseline`.

    Args:
        found: "<arm>-seed<n>" -> its detections, as `predict` stores them.
        boxes: the objects to be found, as `predict` stores them.
        slices: name -> frame ids; the answer speaks of the last one.
        classes: which classes to report.
        resamples, seed: of the paired bootstrap over images.
    """
    results = over_seeds(results_table(found, boxes, slices, classes))
    by_arm_and_class = [lambda row: arm_of(row[0]), lambda row: row[1]]
    by_class = class_table(found, boxes, slices, classes).groupby(by_arm_and_class, sort=False)
    samples = bootstrap.resample(found, boxes, slices, classes, resamples=resamples, seed=seed)
    by_slice_and_arm = [lambda column: column[0], lambda column: arm_of(column[1])]
    drawn: pd.DataFrame = samples.T.groupby(by_slice_and_arm, sort=False).mean().T
    drawn.columns.names = ["slice", "arm"]
    gains = bootstrap.gains(drawn, results, baseline=BASELINE)
    gaps = pd.DataFrame()
    if ORACLE in results.index:
        gaps = bootstrap.gap_closed(drawn, results, baseline=BASELINE, oracle=ORACLE)
    answer = in_words(gains, gaps, list(slices)[-1])
    return Comparison(results, by_class.mean().rename_axis(["arm", "class"]), gains, gaps, answer)


def arm_of(name: str) -> str:
    """The arm of "<arm>-seed<n>"."""
    return name.rpartition(SEED)[0]


def seed_of(name: str) -> str:
    """The seed of "<arm>-seed<n>", in digits."""
    return name.rpartition(SEED)[2]


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """The mean over seeds of a table with a row a "<arm>-seed<n>"."""
    return table.groupby(arm_of, sort=False).mean().rename_axis("arm")


def in_words(gains: pd.DataFrame, gaps: pd.DataFrame, where: str) -> str:
    """A sentence for each translated arm, about the slice `where`."""
    sentences = []
    for arm, row in gains.loc[where].iterrows() if len(gains) else ():
        if arm == ORACLE:
            continue
        effect = "made no sure difference"
        if row["low"] > 0:
            effect = "helped"
        elif row["high"] < 0:
            effect = "hurt"
        share = gaps["share"].get((where, arm), np.nan) if len(gaps) else np.nan
        gap = f", {share:.0%} of the gap to the oracle" if share > 0 and row["low"] > 0 else ""
        gain, low, high = (f"{row[name]:+.3f}" for name in ("gain", "low", "high"))
        sentences.append(f"{arm} {effect}: {gain} mAP@0.5 (95% interval {low} to {high}){gap}.")
    return " ".join(sentences) or "There is no translated arm to judge."
