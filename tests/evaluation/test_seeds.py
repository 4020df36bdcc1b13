"""The spread over seeds: paired by seed, and few seeds are said to be few."""

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.evaluation.arm_names import arm_of, seed_of
from sim2real_lib.evaluation.seeds import differences, interval, over_seeds, spread

RUNS = pd.DataFrame(
    {"all": [0.10, 0.20, 0.30, 0.15, 0.20, 0.40, 0.5]},
    index=[f"{arm}-seed{n}" for arm in ("baseline", "cyclegan") for n in range(3)]
    + ["oracle-seed0"],
)
GAINS = pd.DataFrame(
    {"gain": [0.05, 0.3], "low": [0.03, 0.2], "high": [0.08, 0.4]},
    index=pd.MultiIndex.from_tuples([("all", "cyclegan"), ("all", "oracle")]),
)


def test_a_run_s_name_has_its_arm_and_its_seed() -> None:
    assert (arm_of("clear-only-seed12"), seed_of("clear-only-seed12")) == ("clear-only", "12")


def test_an_arm_s_results_are_spread_over_its_seeds() -> None:
    row = spread(RUNS, GAINS).loc[("all", "cyclegan")]
    assert row["seeds"] == 3
    assert row["mean"] == pytest.approx(over_seeds(RUNS).loc["cyclegan", "all"])
    assert (row["smallest"], row["largest"]) == (0.15, 0.40)
    assert row["deviation"] == pytest.approx(np.std([0.15, 0.2, 0.4], ddof=1))


def test_gains_are_over_the_baseline_of_the_same_seed() -> None:
    row = spread(RUNS, GAINS).loc[("all", "cyclegan")]
    assert row["gain"] == pytest.approx(0.05)
    assert (row["gain_smallest"], row["gain_largest"]) == pytest.approx((0, 0.1))
    assert row["same_sign"] == 2  # one of the three gains nothing


def test_only_seeds_that_the_baseline_has_too_are_compared() -> None:
    runs = RUNS.drop("baseline-seed0")
    row = spread(runs, GAINS).loc[("all", "cyclegan")]
    assert (row["seeds"], row["pairs"], row["same_sign"]) == (3, 2, 1)
    assert row["gain"] == pytest.approx(0.05)  # of 0 and .1, without the 0.15 that has no partner
    assert differences(runs).loc["cyclegan", "all"] == row["gain"]


def test_an_arm_without_a_seed_of_the_baseline_s_has_no_difference() -> None:
    runs = RUNS.drop("baseline-seed0")
    row = spread(runs, GAINS).loc[("all", "oracle")]
    assert (row["seeds"], row["pairs"]) == (1, 0)
    assert row["gain":].isna().all()
    apart = differences(runs)
    assert list(apart.index) == ["cyclegan", "oracle"] and np.isnan(apart.loc["oracle", "all"])


def test_a_slice_without_an_object_has_pairs_but_no_numbers() -> None:
    gains = GAINS * np.nan
    row = spread(RUNS * np.nan, gains).loc[("all", "cyclegan")]
    assert row["pairs"] == 3
    assert row["gain":].isna().all()


def test_the_baseline_has_no_gain_and_one_seed_no_interval() -> None:
    table = spread(RUNS, GAINS)
    assert table.loc[("all", "baseline"), "gain":].isna().all()
    alone = table.loc[("all", "oracle")]
    assert alone["gain"] == pytest.approx(0.4)
    assert alone[["deviation", "low", "high"]].isna().all()


def test_seeds_that_agree_leave_the_interval_over_images() -> None:
    low, high = interval(np.array([0.25, 0.25, 0.25]), 0.125, 0.5)
    assert (low, high) == (0.125, 0.75)


def test_images_without_any_doubt_leave_student_s_interval() -> None:
    low, high = interval(np.array([1.0, 2.0, 3.0]), 0, 0)
    assert (low, high) == pytest.approx((2 - 4.303 / np.sqrt(3), 2 + 4.303 / np.sqrt(3)), abs=1e-3)


@pytest.mark.parametrize("ratio", [0, 1, 5])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_interval_holds_the_truth_in_95_percent_or_more(count: int, ratio: float) -> None:
    """Of 1,000 worlds, a little fewer by chance: three standard errors are 2.1%."""
    rng = np.random.default_rng(count)
    gains = rng.normal(size=(1000, 1)) + ratio * rng.normal(size=(1000, count))
    ends = np.array([interval(each, 1.96, 1.96) for each in gains])
    held = (ends[:, 0] <= 0) & (ends[:, 1] >= 0)
    assert held.mean() > 0.95 - 0.021
