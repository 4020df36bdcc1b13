"""Slices of the test frames and the original's table."""

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.errors import InputError
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


def test_disjoint_bins_hold_every_frame_once_and_follow_the_cumulative_ones():
    bins = slices.by_occlusion_bin(COUNTS)
    assert {name: list(ids) for name, ids in bins.items()} == {
        "0-5": ["a", "b"], "6-10": ["c"], "11-all": ["d"],
    }  # fmt: skip
    assert list(slices.by_occlusion_bin(COUNTS, [20, 3])) == ["0-3", "4-20", "21-all"]


def test_times_of_day_cover_every_frame_once():
    frames = pd.DataFrame({"frame_id": ["a", "b", "c"], "timeofday": ["night", "daytime", "night"]})
    by_time = slices.by_time_of_day(frames)
    assert {name: list(ids) for name, ids in by_time.items()} == {
        "daytime": ["b"], "night": ["a", "c"], "all": ["a", "b", "c"],
    }  # fmt: skip


def squares(*sides):
    return pd.DataFrame({"left": 0.0, "top": 0.0, "right": sides, "bottom": sides})


def test_an_object_on_a_limit_is_on_both_sides_of_it_as_in_coco():
    sizes = slices.by_box_size(squares(8.0, 32.0, 50.0, 96.0, 200.0))
    assert {name: one.members.tolist() for name, one in sizes.items()} == {
        "small": [True, True, False, False, False],
        "medium": [False, True, True, True, False],
        "large": [False, False, False, True, True],
    }


def test_only_detections_of_another_size_are_outside_a_size():
    sizes = slices.by_box_size(squares(10.0), sides=(20, 40))
    area = slices.area(squares(10.0, 20.0, 41.0))
    assert sizes["small"].outside(area).tolist() == [False, False, True]
    assert sizes["large"].outside(area).tolist() == [True, True, False]
    assert not slices.ObjectSlice(np.array([True])).outside(area).any()


def test_limits_scale_with_the_height_of_the_images():
    frames = pd.DataFrame({"height": [144, 144, 720]})
    assert slices.sides_for(frames) == pytest.approx((9.6, 28.8))


def test_limits_that_do_not_ascend_are_refused():
    with pytest.raises(InputError, match="does not ascend"):
        slices.by_box_size(squares(10.0), sides=(96, 32))


def test_an_object_of_which_nothing_is_known_is_on_neither_side():
    flags = pd.Series([True, False, None], dtype="boolean")
    objects = pd.DataFrame({"truncated": flags, "occluded": pd.Series([None] * 3, dtype="boolean")})
    cut = slices.by_truncation(objects)
    assert cut["truncated"].members.tolist() == [True, False, False]
    assert cut["whole"].members.tolist() == [False, True, False]
    assert slices.by_occluded(objects) == {}
    assert slices.by_occluded(objects[["truncated"]]) == {}
