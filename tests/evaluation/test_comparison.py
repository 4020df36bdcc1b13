"""What is promised of the answer: it says no more than the intervals do."""

from collections.abc import Collection

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.ap import TP
from sim2real_lib.evaluation.comparison import Comparison, compare
from sim2real_lib.evaluation.verdict import decide, in_every_slice, in_words

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


def compared(judged: Collection[str] | None = None, **found: float) -> Comparison:
    tables = {name.replace("_", "-"): detections(share) for name, share in found.items()}
    return compare(tables, OBJECTS, SLICES, ["car", "van"], resamples=100, judged=judged)


def test_a_clear_gain_is_called_help_with_its_share_of_the_gap() -> None:
    result = compared(baseline_seed0=0.2, cyclegan_seed0=0.6, oracle_seed0=0.95)
    assert result.answer.startswith("“cyclegan” helped: +0.")
    assert "of the gap to the oracle" in result.answer
    assert "oracle helped" not in result.answer


def test_a_clear_loss_is_called_harm() -> None:
    assert "“nst” hurt: -0." in compared(baseline_seed0=0.9, nst_seed0=0.2).answer


def judged_by(rows: dict[tuple[str, str], dict[str, float]]) -> pd.DataFrame:
    """As from `decide`."""
    usual = {"mean_ap": 0.5, "gain": 0.04, "low": 0.01, "high": 0.09}
    usual |= {"seeds": 1, "pairs": 1, "same_sign": 1}
    index = pd.MultiIndex.from_tuples(rows)
    return pd.DataFrame([usual | row for row in rows.values()], index)


def test_an_interval_around_zero_is_no_difference_whatever_the_estimate() -> None:
    decided = judged_by({("0-all", "nst"): {"low": -0.01}})
    assert in_words(decided, pd.DataFrame(), ["nst"], "0-all") == (
        "“nst” made no sure difference: +0.040 mAP@0.5 "
        "(95% interval -0.010 to +0.090, over images alone)."
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
    result = compared(baseline_seed0=0.2, baseline_seed1=0.2, nst_seed0=0.7, nst_seed1=0.75)
    row = result.seeds.loc[("0-all", "nst")]
    assert (row["seeds"], row["pairs"], row["same_sign"]) == (2, 2, 2)
    assert row["gain"] == pytest.approx(result.gains.loc[("0-all", "nst"), "gain"])
    assert row["low"] < result.gains.loc[("0-all", "nst"), "low"]
    assert f"{row['low']:+.3f} to {row['high']:+.3f}, over images and 2 seeds)" in result.answer
    assert "over images alone)" in compared(baseline_seed0=0.2, nst_seed0=0.6).answer


def test_seeds_that_disagree_take_back_what_the_images_alone_would_say() -> None:
    result = compared(baseline_seed0=0.2, baseline_seed1=0.2, nst_seed0=0.9, nst_seed1=0.4)
    assert (result.gains["low"] > 0).all()  # over images alone
    assert result.answer.startswith("“nst” made no sure difference")
    assert result.verdict == "No translated arm surely beats baseline in every bin."
    assert result.caveats == (
        "“nst”, the best, does in 0 of 2, by 95% intervals over images and 2 seeds. "
        "In 0-all 2 of 2 seeds agree in sign."
    )


def test_the_gap_is_only_spoken_of_where_oracle_and_seeds_are_sure() -> None:
    arms = {"baseline_seed0": 0.2, "baseline_seed1": 0.2, "nst_seed0": 0.5, "nst_seed1": 0.52}
    sure = compared(**arms, oracle_seed0=0.95, oracle_seed1=0.95)
    assert (sure.gaps["share"] > 0).all()
    assert "of the gap to the oracle" in sure.answer and "over images alone)" in sure.caveats
    unsure = compared(**arms, oracle_seed0=0.95, oracle_seed1=0.25)
    assert unsure.gaps.isna().all(axis=None)
    assert "gap" not in unsure.answer + unsure.verdict + unsure.caveats


def test_a_difference_is_over_the_seeds_that_both_arms_have() -> None:
    arms = {"baseline_seed0": 0.2, "nst_seed0": 0.6}
    pair, more = compared(**arms), compared(**arms, nst_seed1=0.9)
    assert more.seeds.loc[("0-all", "nst"), ["seeds", "pairs"]].tolist() == [2, 1]
    columns = ["gain", "low", "high"]
    pd.testing.assert_frame_equal(more.gains[columns], pair.gains[columns])
    assert more.results.loc["nst", "0-all"] > pair.results.loc["nst", "0-all"]
    for words in (more.answer, more.caveats):
        assert words.endswith("Compared on the seeds that baseline has too: nst (1 of 2).")
    assert "over images alone)" in more.answer
    assert "One seed says nothing about another training." in more.caveats


def test_an_arm_that_shares_no_seed_is_named_and_not_a_no() -> None:
    result = compared(baseline_seed0=0.2, nst_seed1=0.9, cut_seed0=0.7, oracle_seed2=0.95)
    assert result.gains.loc[("0-all", "nst"), ["gain", "low", "high"]].isna().all()
    assert "“nst” helped" not in result.answer and "“nst” made" not in result.answer
    for words in (result.answer, result.caveats):
        assert words.endswith("Not comparable, sharing no seed with baseline: nst, oracle.")
    assert result.verdict.startswith("“cut” beats") and result.best == "cut"
    assert result.gaps.isna().all(axis=None)
    alone = compared(baseline_seed0=0.2, nst_seed1=0.9)
    assert alone.answer == alone.caveats
    assert alone.answer == "Not comparable, sharing no seed with baseline: nst."
    assert alone.best is None


def test_only_the_arms_that_are_told_are_judged() -> None:
    arms = {"baseline_seed0": 0.2, "few_targets_seed0": 0.9, "nst_seed0": 0.5}
    result = compared(["nst"], **arms)
    assert result.best == "nst" and "few-targets" not in result.answer + result.verdict
    assert ("0-all", "few-targets") in result.gains.index
    assert compared(**arms).best == "few-targets"
    assert compared([], **arms).answer == "There is no translated arm to judge."
    with pytest.raises(InputError, match="no arm 'nts' to judge"):
        compared(["nts"], **arms)


def test_one_sequence_is_sure_of_nothing() -> None:
    tables = {"baseline-seed0": detections(0.2), "nst-seed0": detections(0.9)}
    tables |= {"oracle-seed0": detections(0.95)}
    groups = pd.Series("drive", FRAMES)
    result = compare(tables, OBJECTS, SLICES, ["car"], resamples=20, groups=groups)
    assert result.gains[["low", "high"]].isna().all(axis=None)
    assert result.gaps.isna().all(axis=None)
    why = "all objects are of one sequence or image"
    assert result.answer.startswith("“nst”: +0.") and result.answer.endswith(f"{why}.")
    assert result.verdict == "No bin can be judged."
    assert result.caveats == f"Without an interval: 0-5, 0-all ({why})."
    assert result.best == "nst"


def test_the_verdict_names_an_arm_that_is_ahead_in_every_bin_and_its_share() -> None:
    result = compared(baseline_seed0=0.2, nst_seed0=0.3, cyclegan_seed0=0.7, oracle_seed0=0.95)
    gains = result.gains.xs("cyclegan", level="arm")
    last = f"{gains['gain'].iloc[-1]:+.3f} mAP@0.5 in 0-all"
    assert result.verdict == f"“cyclegan” beats baseline in every bin, by {last}."
    share = result.gaps.loc[("0-all", "cyclegan")]
    assert result.caveats == (
        f"Its gain's 95% intervals, over images alone, begin at {gains['low'].min():+.3f} or "
        "higher. It is the best of 2 arms on these very frames: expect less elsewhere. "
        f"In 0-all it closes {share['share']:.0%} of the gap to the oracle "
        f"({share['low']:.0%} to {share['high']:.0%}, over images alone). One seed says nothing "
        "about another training."
    )


def test_the_verdict_says_no_when_one_bin_is_not_sure() -> None:
    seeds = {"seeds": 3, "pairs": 3, "same_sign": 2}
    decided = judged_by({("0-5", "nst"): {"low": -0.01} | seeds, ("0-all", "nst"): seeds})
    said, caveats, best = in_every_slice(decided, pd.DataFrame(), ["nst"])
    assert best == "nst"
    assert said == "No translated arm surely beats baseline in every bin."
    assert caveats == (
        "“nst”, the best, does in 1 of 2, by 95% intervals over images and 3 seeds. "
        "In 0-all 2 of 3 seeds agree in sign."
    )


def test_a_beat_is_sure_over_images_and_seeds_together() -> None:
    index = pd.MultiIndex.from_tuples([("0-all", "nst"), ("0-all", "cut")])
    gains = pd.DataFrame({"mean_ap": 0.5, "gain": 0.2, "low": 0.1, "high": 0.3}, index)
    spread = pd.DataFrame({"seeds": 2, "pairs": [2, 1], "same_sign": 1}, index)
    spread["low"], spread["high"] = [-0.1, np.nan], [0.5, np.nan]
    decided = decide(gains, spread)
    assert decided[["low", "high"]].to_numpy().tolist() == [[-0.1, 0.5], [0.1, 0.3]]


def test_an_arm_without_translations_is_never_the_answer() -> None:
    result = compared(baseline_seed0=0.2, clear_only_seed0=0.9, nst_seed0=0.5)
    assert "clear-only" not in result.answer + result.verdict + result.caveats
    assert result.best == "nst"


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
    tables = {"baseline-seed0": detections(0.2), "nst-seed0": detections(0.8)}
    empty = {"none": pd.Index(["f98", "f99"]), "nothing": pd.Index([], dtype=str)}
    result = compare(tables, OBJECTS, empty | SLICES, ["car", "van"], resamples=20)
    for name in empty:
        assert result.results[name].isna().all()
        assert result.gains.loc[name].isna().all(axis=None)
    assert result.verdict.startswith("“nst” beats baseline in every bin that can be judged, by ")
    assert "Without an object to be found: none, nothing." in result.caveats
    last = compare(tables, OBJECTS, SLICES | empty, ["car"], resamples=20)
    assert last.answer == "Nothing can be said of nothing: it has no object to be found."
    assert last.best == "nst"
    only = compare(tables, OBJECTS, empty, ["car"], resamples=20)
    assert only.verdict == "No bin can be judged."
    assert only.caveats == "Without an object to be found: none, nothing."
    assert only.best is None
