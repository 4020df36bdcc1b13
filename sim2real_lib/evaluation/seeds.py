"""How much of a result is the training's own chance: the spread over seeds.

A bootstrap over images asks what other test images would have said of these detectors. Another
seed would have made other detectors, which it knows nothing of: where arms are trained more than
once, the interval here counts both. One seed says nothing about the others.
"""

import numpy as np
import pandas as pd
from scipy import stats

SEED = "-seed"  # "cyclegan-seed0" is arm cyclegan, seed 0
COLUMNS = ["seeds", "mean", "smallest", "largest", "deviation"]
COLUMNS += ["gain", "gain_smallest", "gain_largest", "same_sign", "low", "high"]


def arm_of(name: str) -> str:
    """The arm of "<arm>-seed<n>"."""
    return name.rpartition(SEED)[0]


def seed_of(name: str) -> str:
    """The seed of "<arm>-seed<n>", in digits."""
    return name.rpartition(SEED)[2]


def over_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """The mean over seeds of a table with a row a "<arm>-seed<n>"."""
    return table.groupby(arm_of, sort=False).mean().rename_axis("arm")


def spread(
    runs: pd.DataFrame, gains: pd.DataFrame, *, baseline: str = "baseline", level: float = 0.95
) -> pd.DataFrame:
    """Every arm's results over its seeds, and its gains over the baseline of the same seed.

    Args:
        runs: a row a "<arm>-seed<n>", a column a slice: mAP, 0 to 1.
        gains: from `bootstrap.gains`, each arm the mean over its seeds.
        baseline: the arm that the others are compared to.
        level: of the interval, and that of `gains`.

    Returns:
        rows (slice, arm): seeds (how many), mean, smallest, largest, deviation (standard, with
        n - 1) of mAP; of the gain: gain (mean over the seeds that the baseline has too),
        gain_smallest, gain_largest, same_sign (how many seeds gain or lose as the mean does), low
        and high (`interval`, over images and seeds). The baseline has no gain, and a single seed
        no deviation and no interval.
    """
    rows = {}
    for name in runs.columns:
        values = runs[name].set_axis(pd.MultiIndex.from_tuples(map(_parted, runs.index)))
        for arm in dict.fromkeys(values.index.get_level_values(0)):
            own = values[arm]
            row = {"seeds": len(own), "mean": own.mean(), "smallest": own.min()}
            row |= {"largest": own.max(), "deviation": own.std()}
            paired = (own - values[baseline]).dropna().to_numpy()
            if arm != baseline and len(paired):
                gain, low, high = gains.loc[(name, arm), ["gain", "low", "high"]].to_numpy(float)
                ends = interval(paired, gain - low, high - gain, level)
                row |= _paired(paired) | {"low": ends[0], "high": ends[1]}
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


def _paired(gains: np.ndarray) -> dict[str, float]:
    agree = np.sign(gains) == np.sign(gains.mean())
    gain = {"gain": gains.mean(), "gain_smallest": gains.min(), "gain_largest": gains.max()}
    return gain | {"same_sign": agree.sum()}


def _parted(name: str) -> tuple[str, str]:
    return arm_of(name), seed_of(name)
