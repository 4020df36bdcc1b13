"""How much of a result is the training's own chance: the spread over seeds.

A bootstrap over images asks what other test images would have said of these detectors. Another
seed would have made other detectors, which it knows nothing of: where arms are trained more than
once, the interval here counts both. One seed says nothing about the others.
"""

import numpy as np
import pandas as pd
from scipy import stats

from sim2real_lib.evaluation.arm_names import BASELINE, SEED, arm_of, seed_of

COLUMNS = ["seeds", "mean", "smallest", "largest", "deviation"]
COLUMNS += ["pairs", "gain", "gain_smallest", "gain_largest", "same_sign", "low", "high"]


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """The mean over seeds of a table with a row a "<arm>-seed<n>"."""
    return table.groupby(arm_of, sort=False).mean().rename_axis("arm")


def paired(runs: pd.DataFrame, baseline: str = BASELINE) -> pd.DataFrame:
    """Each run's difference from the baseline of the same seed.

    Args:
        runs: a row a "<arm>-seed<n>".
        baseline: the arm that the others are compared to.

    Returns:
        the same rows without the baseline's, and without those whose seed the baseline lacks.
    """
    partners = {
        name: f"{baseline}{SEED}{seed_of(name)}" for name in runs.index if arm_of(name) != baseline
    }
    partners = {name: partner for name, partner in partners.items() if partner in runs.index}
    return runs.loc[list(partners)] - runs.loc[list(partners.values())].to_numpy()


def differences(runs: pd.DataFrame, baseline: str = BASELINE) -> pd.DataFrame:
    """Each arm's mean difference from the baseline, over the seeds that both have.

    Arguments as in `paired`.

    Returns:
        a row an arm but for the baseline; one that shares no seed with it has no numbers.
    """
    arms = dict.fromkeys(map(arm_of, runs.index))
    arms.pop(baseline, None)
    return over_seeds(paired(runs, baseline)).reindex(pd.Index(list(arms), dtype=object))


def spread(
    runs: pd.DataFrame, gains: pd.DataFrame, *, baseline: str = BASELINE, level: float = 0.95
) -> pd.DataFrame:
    """Every arm's results over its seeds, and its gains over the baseline of the same seed.

    Args:
        runs: a row a "<arm>-seed<n>", a column a slice: mAP, 0 to 1.
        gains: rows (slice, arm): gain, one of `differences`, with its interval over images: low
            and high.
        baseline: the arm that the others are compared to.
        level: of the interval, and that of `gains`.

    Returns:
        rows (slice, arm): seeds (how many), mean, smallest, largest, deviation (standard, with
        n - 1) of mAP; pairs (how many of the seeds the baseline has too), and over these of the
        gain: gain (mean), gain_smallest, gain_largest, same_sign (how many pairs gain or lose as
        the mean does), low and high (`interval`, over images and seeds). The baseline has no gain,
        a single seed no deviation, and a single pair no interval.
    """
    apart = paired(runs, baseline)
    rows = {}
    for name in runs.columns:
        results, gained = (table[name].groupby(arm_of) for table in (runs, apart))
        for arm in dict.fromkeys(map(arm_of, runs.index)):
            own = results.get_group(arm)
            row = {"seeds": len(own), "mean": own.mean(), "smallest": own.min()}
            row |= {"largest": own.max(), "deviation": own.std()}
            if arm in gained.groups:
                each = gained.get_group(arm).to_numpy()
                gain, low, high = gains.loc[(name, arm), ["gain", "low", "high"]].to_numpy(float)
                ends = interval(each, gain - low, high - gain, level)
                row |= _gains(each) | {"low": ends[0], "high": ends[1]}
            elif arm != baseline:
                row["pairs"] = 0
            rows[name, arm] = row
    index = pd.MultiIndex.from_tuples(rows, names=["slice", "arm"])
    return pd.DataFrame(list(rows.values()), index=index, columns=COLUMNS)


def interval(
    gains: np.ndarray, below: float, above: float, level: float = 0.95
) -> tuple[float, float]:
    """The mean gain's interval over images and seeds: if all was trained and tested again.

    Two intervals around the mean, the bootstrap's over images and Student's t over seeds, have
    their half widths added in quadrature (Zou and Donner 2008). The t makes few seeds cost what
    they should: where three trainings differ much more than test images do, this interval of 95%
    holds the truth in 95% of worlds or more, one over images alone in 67%, and one that also draws
    the seeds with replacement in 85% (benchmarks/coverage.py).

    Args:
        gains: (n,) each seed's gain over the baseline of the same seed, on the same images.
        below, above: how far the interval of their mean over images reaches to either side.
        level: the share of such intervals that hold the true gain.

    Returns:
        low and high; not numbers with fewer than two seeds.
    """
    if len(gains) < 2:
        return np.nan, np.nan
    mean, error = gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))
    half = stats.t.ppf((1 + level) / 2, len(gains) - 1) * error
    return float(mean - np.hypot(below, half)), float(mean + np.hypot(above, half))


def _gains(each: np.ndarray) -> dict[str, float]:
    agree = np.nan if np.isnan(each).any() else (np.sign(each) == np.sign(each.mean())).sum()
    gain = {"gain": each.mean(), "gain_smallest": each.min(), "gain_largest": each.max()}
    return {"pairs": len(each)} | gain | {"same_sign": agree}
