"""What is promised of the answer: it says no more than the intervals do."""

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.evaluation.ap import TP
from sim2real_lib.evaluation.comparison import Comparison, compare, in_words

FRAMES = [f"f{n}" for n in range(60)]
OBJECTS = pd.DataFrame({"frame_id": FRAMES, "class": "car"})
SLICES = {"0-5": pd.Index(FRAMES[:30]), "0-all": pd.Index(FRAMES)}


def detections(found: float, seed: int = 0) -> pd.DataFrame:
    """One detection a frame, right in a share of them."""
    rng = np.random.default_rng(seed)
    right = rng.random(len(FRAMES)) < found
    table = pd.DataFrame({"frame_id": FRAMES, "class": "car", "ignored": False})
    table["confidence"] = rng.random(len(FRAMES))
    return table.assign(**dict.fromkeys(TP, right))


def compared(**found: float) -> Comparison:
    tables = {name.replace("_", "-"): detections(share) for name, share in found.items()}
    return compare(tables, OBJECTS, SLICES, ["car", "van"], resamples=200)


def test_a_clear_gain_is_called_help_with_its_share_of_the_gap() -> None:
    result = compared(baseline_seed0=0.2, cyclegan_seed0=0.6, oracle_seed0=0.95)
    assert result.answer.startswith("cyclegan helped: +0.")
    assert "of the gap to the oracle" in result.answer
    assert "oracle helped" not in result.answer


def test_a_clear_loss_is_called_harm() -> None:
    assert "nst hurt: -0." in compared(baseline_seed0=0.9, nst_seed0=0.2).answer


def test_an_interval_around_zero_is_no_difference_whatever_the_estimate() -> None:
    row = pd.DataFrame({"mean_ap": [0.5], "gain": [0.04], "low": [-0.01], "high": [0.09]})
    row.index = pd.MultiIndex.from_tuples([("0-all", "nst")])
    answer = in_words(row, pd.DataFrame(), "0-all")
    assert answer == (
        "nst made no sure difference: +0.040 mAP@0.5 (95% interval -0.010 to +0.090)."
    )


def test_an_arm_is_the_mean_over_its_seeds() -> None:
    both = compared(baseline_seed0=0.2, baseline_seed1=0.2, nst_seed0=0.9, nst_seed1=0.3)
    one, other = (compared(baseline_seed0=0.2, nst_seed0=share) for share in (0.9, 0.3))
    mean = (one.results.loc["nst"] + other.results.loc["nst"]) / 2
    pd.testing.assert_series_equal(both.results.loc["nst"], mean)


def test_a_class_that_the_test_frames_lack_does_not_count() -> None:
    result = compared(baseline_seed0=0.5)
    assert result.by_class.loc[("baseline", "van")].isna().all()
    assert result.results.loc["baseline", "0-all"] == pytest.approx(
        result.by_class.loc[("baseline", "car"), "0-all"]
    )


def test_without_a_translated_arm_there_is_nothing_to_judge() -> None:
    assert compared(baseline_seed0=0.5).answer == "There is no translated arm to judge."
