"""Overlap and average precision: against golden values, ultralytics and a slow reference."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.evaluation import ap


def table(correct, confidence=None, label="car", ignored=False):
    confidence = np.linspace(0.9, 0.1, len(correct)) if confidence is None else confidence
    found = pd.DataFrame({"class": label, "confidence": confidence, "ignored": ignored})
    for name in ap.TP:
        found[name] = np.asarray(correct, bool)
    return found


def boxes(*labels):
    return pd.DataFrame({"class": labels})


def test_a_perfect_detector_has_995():
    assert ap.average_precision(np.array([True]), 1) == pytest.approx(0.995)
    assert ap.average_precision(np.ones(7, bool), 7) == pytest.approx(0.995)


def test_golden_values():
    assert ap.average_precision(np.array([True, False]), 2) == pytest.approx(0.495)
    assert ap.average_precision(np.array([False, True]), 1) == pytest.approx(0.4975)
    assert ap.average_precision(np.array([False, False]), 3) == 0
    assert ap.average_precision(np.array([], bool), 3) == 0


def test_a_miss_and_a_false_alarm_both_cost():
    whole = ap.average_precision(np.array([True, True]), 2)
    assert ap.average_precision(np.array([True]), 2) < whole
    assert ap.average_precision(np.array([True, False, True]), 2) < whole


@settings(max_examples=100, deadline=None)
@given(st.lists(st.booleans(), max_size=40), st.integers(0, 20))
def test_average_precision_is_ultralytics_own(correct, missed):
    from ultralytics.utils.metrics import ap_per_class

    count = sum(correct) + missed
    if not count:
        return
    confidence = np.linspace(1, 0.01, len(correct))
    tp = np.array(correct, bool).reshape(-1, 1)
    label = np.zeros(len(correct))
    theirs = ap_per_class(tp, confidence, label, np.zeros(count))[5][0, 0]
    assert ap.average_precision(np.array(correct, bool), count) == theirs


@settings(max_examples=100, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(0, 9))
def test_average_precision_equals_a_slow_reference(correct, missed):
    count = sum(correct) + missed
    if not count:
        return
    points, found = [], 0
    for n, right in enumerate(correct, 1):
        found += right
        points.append((found / count, found / n))
    heights = []
    for recall in np.linspace(0, 1, 101):  # the best precision at a recall beyond this one
        heights.append(max((p for r, p in points if r > recall), default=0))
    slow = sum((a + b) / 2 * 0.01 for a, b in itertools.pairwise(heights))
    assert ap.average_precision(np.array(correct), count) == pytest.approx(slow, abs=1e-12)


def test_the_mean_is_over_classes_that_the_ground_truth_has():
    found = pd.concat([table([True]), table([False], label="van")])
    assert ap.mean_ap(found, boxes("car"), ["car", "van"]) == pytest.approx(0.995)
    assert list(ap.class_ap(found, boxes("car"), ["car", "van"]).index) == ["car"]


def test_a_class_without_a_detection_has_0():
    assert ap.mean_ap(table([True]), boxes("car", "truck"), ["car", "truck"]) == pytest.approx(
        0.4975
    )


def test_nothing_to_be_found_is_not_a_number():
    assert np.isnan(ap.mean_ap(table([False]), boxes(), ["car"]))


def test_an_ignored_false_alarm_costs_nothing_and_an_ignored_hit_counts():
    clean = ap.mean_ap(table([True]), boxes("car"), ["car"])
    found = pd.concat([table([False], [0.99], ignored=True), table([True], ignored=True)])
    assert ap.mean_ap(found, boxes("car"), ["car"]) == clean


def test_overlap_of_known_boxes():
    a = np.array([[0, 0, 2, 2]])
    b = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [2, 2, 4, 4]])
    assert ap.box_iou(a, b)[0] == pytest.approx([1, 1 / 3, 0])


def test_mostly_inside_an_area_to_ignore():
    areas = np.array([[0, 0, 10, 10]])
    assert ap.inside(np.array([[1, 1, 2, 2], [9, 0, 12, 10]]), areas).tolist() == [True, False]
    assert ap.inside(np.array([[1, 1, 2, 2]]), areas[:0]).tolist() == [False]


def test_in_coco_a_perfect_detector_has_1():
    assert ap.average_precision(np.ones(7, bool), 7, "coco") == pytest.approx(1)
    assert ap.average_precision(np.array([True, False]), 2, "coco") == pytest.approx(51 / 101)
    assert ap.average_precision(np.array([], bool), 3, "coco") == 0


def test_each_threshold_has_its_own_ignored_detections_where_they_are_told():
    found = table([True, False, True]).assign(ig50=False, ig75=[False, True, False])
    assert ap.class_ap(found, boxes("car", "car"), ["car"], 0.75)["car"] == pytest.approx(0.995)
    assert ap.class_ap(found, boxes("car", "car"), ["car"], 0.5)["car"] < 0.9


def test_ties_keep_the_order_of_the_table_in_coco():
    found = table([True, False] * 20, confidence=np.full(40, 0.5))
    assert ap.rank(found, convention="coco")["correct"].tolist() == [True, False] * 20


@pytest.mark.parametrize("convention", ["ultralytics", "coco"])
def test_a_curve_has_the_area_that_is_reported(convention):
    rng = np.random.default_rng(0)
    found = pd.concat([table(rng.random(30) < 0.6), table(rng.random(20) < 0.3, label="van")])
    truth = boxes(*["car"] * 25, *["van"] * 10, "tram")
    curve = ap.curve(found, truth, ["car", "van", "truck"], convention=convention)
    assert list(curve["class"].unique()) == ["car", "van", "all"]
    heights = curve.pivot(index="recall", columns="class", values="precision")
    area = heights.mean() if convention == "coco" else np.trapezoid(heights, dx=0.01, axis=0)
    reported = ap.class_ap(found, truth, ["car", "van"], convention=convention)
    expected = [reported.mean(), *reported]
    assert np.asarray(area) == pytest.approx(expected)


def test_a_curve_says_at_which_confidence_a_recall_is_reached():
    found = table([True, False, True], confidence=[0.9, 0.8, 0.3])
    curve = ap.curve(found, boxes("car", "car", "car"), ["car"])
    car = curve[curve["class"] == "car"].set_index("recall")["confidence"]
    assert (car[0.0], car[0.5]) == (0.9, 0.3)
    assert np.isnan(car[0.8])


def test_a_recall_that_a_hit_reaches_exactly_is_the_next_one_s_but_in_coco():
    found, truth = table([True, True], confidence=[0.9, 0.3]), boxes("car", "car")
    for convention, expected in (("ultralytics", 0.3), ("coco", 0.9)):
        curve = ap.curve(found, truth, ["car"], convention=convention)
        assert curve.loc[curve["recall"] == 0.5, "confidence"].iloc[0] == expected


@given(st.lists(st.sampled_from([0.1, 0.5, 0.9]), max_size=200))
def test_equal_confidences_fall_as_the_same_call_lets_them_fall(confidence):
    """Which order that is depends on the CPU; in coco it is the table's."""
    values = np.array(confidence, np.float32)
    assert (ap.by_confidence(values) == np.argsort(-values)).all()
    assert (ap.by_confidence(values, "coco") == np.argsort(-values, kind="stable")).all()


def test_a_curve_of_nothing_is_empty():
    assert ap.curve(table([True]), boxes(), ["car"]).empty


def test_an_area_to_ignore_accounts_for_a_box_of_its_own_size():
    area = np.array([[10.0, 10, 14, 14]])
    larger = np.array([[9.0, 9, 14, 14], [9, 9, 16, 16]])
    assert ap.inside(larger, area).tolist() == [True, False]
