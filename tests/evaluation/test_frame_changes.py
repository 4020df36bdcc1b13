"""The changes of all frames are the whole gain, and each is the frame's own doing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.frame_changes import best_confidence, changes

CLASSES = ("car", "truck")
FRAMES = pd.Index(["f0", "f1", "f2"])


def detections(*rows: tuple[str, float, bool]) -> pd.DataFrame:
    """Rows of (frame id, confidence, right), all cars."""
    table = pd.DataFrame(rows, columns=["frame_id", "confidence", "tp50"])
    return table.astype({"tp50": bool}).assign(**{"class": "car", "ignored": False})


def cars(*frame_ids: str) -> pd.DataFrame:
    return pd.DataFrame({"frame_id": list(frame_ids), "class": "car"})


def changed(before: pd.DataFrame, after: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    arms = {"baseline": before, "nst": after}
    return changes(arms, there, FRAMES, CLASSES, arm="nst").set_index("frame_id")


def plain_ap(found: pd.DataFrame, there: pd.DataFrame) -> float:
    """The mean over classes of the mean over objects of the precision where each is found."""
    aps = []
    for name in there["class"].unique():
        ranked = found[found["class"] == name].sort_values("confidence", ascending=False)
        right, total = 0, 0.0
        for place, correct in enumerate(ranked["tp50"], start=1):
            right += correct
            total += correct * right / place
        aps.append(total / (there["class"] == name).sum())
    return float(np.mean(aps))


@st.composite
def arms(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(before, after, objects): two arms' verdicts, unequally many."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    there = pd.DataFrame({"frame_id": rng.choice(FRAMES, 12), "class": rng.choice(CLASSES, 12)})
    found = []
    for size in (draw(st.integers(0, 30)), draw(st.integers(0, 30))):
        table = pd.DataFrame({"frame_id": rng.choice(FRAMES, size)})
        table["class"] = rng.choice(CLASSES, size)
        found.append(
            table.assign(
                confidence=rng.permutation(size) / 30, tp50=rng.random(size) < 0.4, ignored=False
            )
        )
    return found[0], found[1], there


@settings(max_examples=60, deadline=None)
@given(arms())
def test_the_changes_of_all_frames_add_up_to_the_gain(case: tuple) -> None:
    before, after, there = case
    table = changed(before, after, there)
    gain = plain_ap(after, there) - plain_ap(before, there)
    assert table["change"].sum() == pytest.approx(gain, abs=1e-12)
    assert (table["after"] - table["before"]).to_numpy() == pytest.approx(table["change"])


def test_the_values_are_those_worked_out_by_hand() -> None:
    """Ranks 1 and 2, two objects. Before: right (f0), wrong (f1); after: wrong (f0), right (f1).

    Halfway, half of each rank is right: precision 1/2 at both. A true one at rank 1 earns 1/2, and
    lifts rank 1 by 1/2 x 1/2 and rank 2 by 1/2 x 1/4; a false one pays as much. At rank 2 only
    rank 2 is lifted. All is halved, for there are two objects.
    """
    before = detections(("f0", 0.9, True), ("f1", 0.8, False))
    after = detections(("f0", 0.9, False), ("f1", 0.8, True))
    table = changed(before, after, cars("f0", "f1"))
    first, second = 1 / 4 + 1 / 8, 1 / 8
    assert table.loc["f0", "before"] == pytest.approx((1 / 2 + first) / 2)
    assert table.loc["f0", "after"] == pytest.approx(-first / 2)
    assert table.loc["f1", "before"] == pytest.approx(-second / 2)
    assert table.loc["f1", "after"] == pytest.approx((1 / 2 + second) / 2)
    assert table["change"].sum() == pytest.approx(1 / 4 - 1 / 2)


def test_a_frame_that_looks_the_same_to_both_arms_changes_nothing() -> None:
    before = detections(("f0", 0.9, True), ("f1", 0.8, False), ("f2", 0.7, False))
    after = detections(("f0", 0.9, True), ("f1", 0.8, True), ("f2", 0.7, False))
    table = changed(before, after, cars("f0", "f1", "f2"))
    assert table.loc[["f0", "f2"], "change"].tolist() == [0, 0]
    assert table.loc["f1", "change"] > 0


def test_only_the_order_of_confidences_counts() -> None:
    before = detections(("f0", 0.9, True), ("f1", 0.8, False))
    timid = before.assign(confidence=before["confidence"] ** 5)
    assert not changed(before, timid, cars("f0", "f1"))["change"].any()


def test_the_frame_that_gained_most_comes_first() -> None:
    before = detections(("f0", 0.9, True), ("f1", 0.8, False))
    after = detections(("f2", 0.9, True), ("f1", 0.8, False))
    table = changed(before, after, cars("f0", "f1", "f2"))
    assert list(table.index) == ["f2", "f1", "f0"]


def test_counts_are_at_each_arms_own_best_f1() -> None:
    before = detections(("f0", 0.9, True), ("f1", 0.2, False))
    after = detections(("f0", 0.4, False), ("f1", 0.3, True), ("f2", 0.01, False))
    table = changed(before, after, cars("f0", "f1"))
    assert table.loc["f0", ["true_before", "false_before", "missed_before"]].tolist() == [1, 0, 0]
    assert table.loc["f1", ["true_before", "false_before", "missed_before"]].tolist() == [0, 0, 1]
    assert table.loc["f0", ["true_after", "false_after", "missed_after"]].tolist() == [0, 1, 1]
    assert table.loc["f2", ["true_after", "false_after", "missed_after"]].tolist() == [0, 0, 0]


def test_the_best_confidence_has_the_best_f1() -> None:
    found = detections(("f0", 0.9, True), ("f1", 0.6, True), ("f1", 0.5, False), ("f2", 0.1, False))
    assert best_confidence(found, cars("f0", "f1"), FRAMES, CLASSES) == 0.6
    assert best_confidence(found.head(0), cars("f0"), FRAMES, CLASSES) == 1


def test_frames_and_classes_that_are_not_asked_for_do_not_count() -> None:
    before = detections(("f0", 0.8, True), ("elsewhere", 0.9, False))
    van = detections(("f0", 0.95, False)).assign(**{"class": "van"})
    there = cars("f0", "f1")
    plain = changed(before.head(1), before.head(1), there)
    pd.testing.assert_frame_equal(changed(pd.concat([before, van]), before, there), plain)


def test_what_lies_in_an_area_to_ignore_costs_nothing() -> None:
    before = detections(("f0", 0.9, False), ("f0", 0.8, True))
    after = before.assign(ignored=[True, False])
    assert changed(before, after, cars("f0"))["change"].sum() == pytest.approx(1 / 2)
    assert changed(before, after, cars("f0"))["false_after"].sum() == 0


def test_seeds_are_averaged() -> None:
    right, wrong = detections(("f0", 0.9, True)), detections(("f0", 0.9, False))
    arms = {
        "baseline-seed0": wrong,
        "baseline-seed1": right,
        "nst-seed0": right,
        "nst-seed1": right,
    }
    table = changes(arms, cars("f0"), FRAMES, CLASSES, arm="nst").set_index("frame_id")
    assert table["change"].sum() == pytest.approx(1 / 2)
    assert table.loc["f0", "true_before"] == 0.5


def test_an_arm_that_is_not_there_is_refused() -> None:
    found = {"baseline": detections()}
    with pytest.raises(InputError, match="no detections of arm 'nst'"):
        changes(found, cars("f0"), FRAMES, CLASSES, arm="nst")
    with pytest.raises(InputError, match="no frame has an object"):
        changes(found, cars(), FRAMES, CLASSES, arm="baseline")
