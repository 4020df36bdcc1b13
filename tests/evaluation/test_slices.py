"""Slices of the test frames and the original's table."""

import pandas as pd
import pytest

from sim2real_lib.evaluation import ap, slices

COUNTS = pd.Series({"a": 0, "b": 5, "c": 6, "d": 30})


def found(frame_id, label, right, confidence=0.5):
    row = {"frame_id": frame_id, "class": label, "confidence": confidence, "ignored": False}
    return row | dict.fromkeys(ap.TP, right)


BOXES = pd.DataFrame({"frame_id": ["a", "c", "d"], "class": ["car", "car", "truck"]})
ARMS = {
    "baseline": pd.DataFrame([found("a", "car", True), found("d", "truck", False)]),
    "oracle": pd.DataFrame(
        [found("a", "car", True), found("c", "car", True), found("d", "truck", True)]
    ),
}


def test_bins_are_cumulative_and_hold_their_upper_end():
    bins = slices.by_occlusion(COUNTS)
    assert {name: list(ids) for name, ids in bins.items()} == {
        "0-5": ["a", "b"], "0-10": ["a", "b", "c"], "0-all": ["a", "b", "c", "d"],
    }  # fmt: skip


def test_thresholds_may_come_in_any_order_and_number():
    assert list(slices.by_occlusion(COUNTS, [20, 3, 8])) == ["0-3", "0-8", "0-20", "0-all"]


def test_weather_slices_cover_every_frame_once():
    frames = pd.DataFrame({"frame_id": ["a", "b", "c"], "weather": ["foggy", "rainy", "foggy"]})
    by_weather = slices.by_weather(frames)
    assert list(by_weather) == ["foggy", "rainy", "all"]
    assert list(by_weather["foggy"]) == ["a", "c"]


def test_the_table_has_a_row_an_arm_and_a_column_a_bin():
    table = slices.results_table(ARMS, BOXES, slices.by_occlusion(COUNTS), ["car", "van", "truck"])
    assert list(table.index) == ["baseline", "oracle"]
    assert list(table.columns) == ["0-5", "0-10", "0-all"]
    assert table.loc["oracle"].tolist() == pytest.approx([0.995] * 3)
    # 0-5 has no truck, so its mean is over cars alone; in 0-all the truck is missed.
    assert table.loc["baseline", "0-5"] == pytest.approx(0.995)
    assert table.loc["baseline", "0-all"] == pytest.approx(0.495 / 2)


def test_a_class_that_a_slice_lacks_has_no_number():
    table = slices.class_table(ARMS, BOXES, slices.by_occlusion(COUNTS), ["car", "van", "truck"])
    assert table.loc[("oracle", "van")].isna().all()
    assert table.loc[("oracle", "truck")].isna().tolist() == [True, True, False]
