"""The answer: did translating help, by how much, and how sure is that?"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation import bootstrap, seeds
from sim2real_lib.evaluation.ap import Convention
from sim2real_lib.evaluation.arm_names import BASELINE, ORACLE, UNTRANSLATED, arm_of
from sim2real_lib.evaluation.seeds import differences, over_seeds
from sim2real_lib.evaluation.slices import Slices
from sim2real_lib.evaluation.verdict import decide, in_every_slice, in_words


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
        verdict: whether the best translated arm beats baseline in every slice, in one sentence.
        caveats: how sure the verdict is, and what it leaves out.
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
    caveats: str
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
    each_class, samples = bootstrap.measure(
        tables, objects, numbered, classes, resamples=resamples, seed=seed, groups=groups,
        convention=convention,
    )  # fmt: skip
    runs = each_class.groupby("arm", sort=False).mean()
    by_class = each_class.groupby([lambda row: arm_of(row[0]), lambda row: row[1]], sort=False)
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
    verdict, caveats, best = in_every_slice(decided, gaps, translated)
    return Comparison(
        results=results,
        by_class=by_class.mean().rename_axis(["arm", "class"]),
        gains=gains,
        gaps=gaps,
        answer=in_words(decided, gaps, translated, list(slices)[-1]),
        intervals=intervals.rename(columns={"value": "map50"}),
        seeds=spread,
        verdict=verdict,
        caveats=caveats,
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


def _each_slice(
    samples: pd.DataFrame, of_runs: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Columns (slice, arm) of columns (slice, run)."""
    names = samples.columns.get_level_values("slice").unique()
    parts = {name: of_runs(samples[name].T).T for name in names}
    return pd.concat(parts, axis=1, names=["slice", "arm"])
