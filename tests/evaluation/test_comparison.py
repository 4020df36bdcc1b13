"""What is promised of the answer: it says no more than the intervals do."""

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.ap import TP
from sim2real_lib.evaluation.comparison import Comparison, compare, in_every_slice, in_words

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
    return compare(tables, OBJECTS, SLICES, ["car", "van"], resamples=100)


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


def test_without_a_baseline_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(InputError, match="no baseline"):
        compared(nst_seed0=0.5)


def test_every_arm_has_its_own_interval_in_every_slice() -> None:
    result = compared(baseline_seed0=0.2, nst_seed0=0.6, nst_seed1=0.5)
    assert list(result.intervals.index) == [
        ("0-5", "baseline"), ("0-5", "nst"), ("0-all", "baseline"), ("0-all", "nst")
    ]  # fmt: skip
    for (where, arm), row in result.intervals.iterrows():
        assert row["low"] < row["map50"] == result.results.loc[arm, where] < row["high"]


def test_several_seeds_are_said_and_paired() -> None:
    result = compared(baseline_seed0=0.2, baseline_seed1=0.3, nst_seed0=0.6, nst_seed1=0.7)
    assert "2 seeds)" in result.answer
    row = result.seeds.loc[("0-all", "nst")]
    assert (row["seeds"], row["same_sign"]) == (2, 2)
    assert row["gain"] == pytest.approx(result.gains.loc[("0-all", "nst"), "gain"])
    assert row["low"] < result.gains.loc[("0-all", "nst"), "low"]
    assert "seeds)" not in compared(baseline_seed0=0.2, nst_seed0=0.6).answer


def test_the_verdict_names_an_arm_that_is_ahead_in_every_bin_and_its_share() -> None:
    result = compared(baseline_seed0=0.2, nst_seed0=0.3, cyclegan_seed0=0.7, oracle_seed0=0.95)
    assert result.verdict.startswith("cyclegan beats baseline in every bin: no 95% interval")
    share = result.gaps.loc[("0-all", "cyclegan")]
    assert f"In 0-all it closes {share['share']:.0%} of the gap" in result.verdict
    assert result.verdict.endswith("One seed says nothing about another training.")


def verdict(lows: list[float], seeds: int = 3) -> str:
    index = pd.MultiIndex.from_tuples(
        [(name, "nst") for name in ("0-5", "0-all")] + [("0-all", "clear-only")]
    )
    gains = pd.DataFrame({"mean_ap": 0.5, "low": [*lows, 0.3], "high": 0.4}, index)
    spread = pd.DataFrame({"seeds": seeds, "same_sign": 2, "low": [-0.1, *lows]}, index)
    return in_every_slice(gains, pd.DataFrame(), spread)


def test_the_verdict_says_no_when_one_bin_is_not_sure() -> None:
    said = verdict([-0.01, 0.2])
    assert said.startswith(
        "No translated arm surely beats baseline in every bin: nst, the best, does in 1 of 2."
    )
    assert "2 of 3 seeds agree in sign; over images and seeds together it is" in said


def test_an_arm_without_translations_is_never_the_answer() -> None:
    assert "clear-only" not in verdict([0.1, 0.2])


def test_sequences_and_conventions_reach_the_numbers() -> None:
    tables = {"baseline-seed0": detections(0.3), "nst-seed0": detections(0.6, 1)}
    sequences = pd.Series(np.arange(60) // 20, FRAMES)
    plain, grouped = (
        compare(tables, OBJECTS, SLICES, ["car"], resamples=100, groups=groups)
        for groups in (None, sequences)
    )
    pd.testing.assert_frame_equal(plain.results, grouped.results)
    assert not plain.gains.equals(grouped.gains)
    perfect = {"baseline-seed0": detections(1.0)}
    for convention, most in (("ultralytics", 0.995), ("coco", 1.0)):
        result = compare(perfect, OBJECTS, SLICES, ["car"], resamples=9, convention=convention)
        assert result.results.loc["baseline"].tolist() == pytest.approx([most, most])
        assert result.intervals["high"].tolist() == pytest.approx([most, most])


def test_detections_may_be_read_one_arm_at_a_time() -> None:
    tables = {"baseline-seed0": detections(0.3), "nst-seed0": detections(0.6, 1)}

    class OnDisk(dict):
        def __getitem__(self, name: str) -> pd.DataFrame:
            asked.append(name)
            return tables[name]

    asked: list[str] = []
    lazy = compare(OnDisk.fromkeys(tables), OBJECTS, SLICES, ["car"], resamples=20)
    eager = compare(tables, OBJECTS, SLICES, ["car"], resamples=20)
    assert asked == list(tables)
    pd.testing.assert_frame_equal(lazy.gains, eager.gains)


@pytest.mark.filterwarnings("error")
def test_a_slice_without_an_object_has_no_numbers_and_no_warnings() -> None:
    tables = {"baseline-seed0": detections(0.3), "nst-seed0": detections(0.6, 1)}
    empty = {"none": pd.Index(["f98", "f99"]), "nothing": pd.Index([], dtype=str)}
    result = compare(tables, OBJECTS, empty | SLICES, ["car", "van"], resamples=20)
    for name in empty:
        assert result.results[name].isna().all()
        assert result.gains.loc[name].isna().all(axis=None)
    assert result.verdict.startswith("No translated arm surely beats baseline in every bin")
