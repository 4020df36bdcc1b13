"""Whole tables matched at once: as ultralytics' validator does, and as COCOeval does."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referees import CLASSES, SIDES, hard_case, match, pycocotools_ap, ultralytics_matches

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation import ap, matching
from sim2real_lib.evaluation.matching import match_tables

cases = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 10**6),
        "frames": st.integers(0, 4),
        "objects": st.sampled_from([0, 3, 12]),
        "noise": st.sampled_from([0, 8, 40]),
        "duplicates": st.integers(0, 4),
        "areas": st.integers(0, 3),
        "levels": st.sampled_from([0, 1, 3]),
        "crowded": st.booleans(),
    }
)
SIZES = [(0.0, 1e10), (0.0, 64.0), (64.0, 225.0), (100.0, 144.0)]


def boxes(*rows, **more):
    table = pd.DataFrame(list(rows), columns=["frame_id", "class", *SIDES])
    return table.astype(dict.fromkeys(["frame_id", "class"], "str")).assign(**more)


def found(*rows):
    confidence = np.linspace(0.9, 0.1, max(len(rows), 1))[: len(rows)]
    return boxes(*rows, confidence=confidence.astype(np.float32), ignored=False)


NONE = boxes()


def area(table):
    return ((table["right"] - table["left"]) * (table["bottom"] - table["top"])).to_numpy(float)


def beyond(table, sizes):
    return (area(table) < sizes[0]) | (area(table) > sizes[1])


def coco_ap(detections, objects, areas, sizes=SIZES[0], most=100):
    """By class and threshold, of what `match_tables` made."""
    off = beyond(objects, sizes)
    matched = match_tables(
        detections, objects, areas, CLASSES, convention="coco",
        off_slice=off, outside=beyond(detections, sizes), most=most,
    )  # fmt: skip
    values = [ap.class_ap(matched, objects[~off], CLASSES, iou, "coco") for iou in ap.IOUS]
    return pd.DataFrame(values).T


@settings(max_examples=50, deadline=None)
@given(cases)
def test_ultralytics_own_matches_come_out(case):
    detections, objects, _ = hard_case(**case)
    matched = match_tables(detections, objects, NONE, CLASSES)
    assert (matched[ap.TP].to_numpy() == ultralytics_matches(detections, objects)).all()
    assert not matched[[*ap.IG, "ignored"]].any(axis=None)


@settings(max_examples=50, deadline=None)
@given(cases, st.sampled_from(SIZES), st.sampled_from([100, 5, 1]))
def test_pycocotools_own_average_precision_comes_out(case, sizes, most):
    detections, objects, areas = hard_case(**case)
    theirs = pycocotools_ap(detections, objects, areas, sizes=sizes, most=most)
    ours = coco_ap(detections, objects, areas, sizes, most)
    assert list(ours.index) == list(theirs.index)
    if len(ours):
        assert ours.to_numpy() == pytest.approx(theirs.to_numpy(), abs=1e-6)


def test_more_than_a_hundred_detections_of_a_class_are_cut_as_in_coco():
    detections, objects, areas = hard_case(5, objects=20, noise=900, duplicates=9, areas=2)
    assert detections.groupby(["frame_id", "class"]).size().max() > 150
    theirs = pycocotools_ap(detections, objects, areas)
    assert coco_ap(detections, objects, areas).to_numpy() == pytest.approx(
        theirs.to_numpy(), abs=1e-6
    )


@settings(max_examples=25, deadline=None)
@given(cases)
def test_one_image_at_a_time_gives_the_same(case):
    detections, objects, _ = hard_case(**case)
    whole = match_tables(detections, objects, NONE, CLASSES)
    for frame_id, own in whole.groupby("frame_id"):
        there = objects[objects["frame_id"] == frame_id]
        ious = ap.box_iou(*(table[SIDES].to_numpy(np.float32) for table in (there, own)))
        alone = match(ious, there["class"].to_numpy(), own["class"].to_numpy())
        assert (own[ap.TP].to_numpy() == alone).all()


def test_an_object_is_claimed_once_by_the_most_confident():
    there = boxes(("a", "car", 0, 0, 100, 10))
    seen = found(("a", "car", 0, 0, 61, 10), ("a", "car", 0, 0, 91, 10))
    matched = match_tables(seen, there, NONE, CLASSES)[ap.TP].to_numpy()
    assert matched[0].tolist() == [True, True, True] + [False] * 7  # .50, .55, .60
    assert matched[1].tolist() == [False] * 3 + [True] * 6 + [False]


@pytest.mark.parametrize("convention", ["ultralytics", "coco"])
def test_the_order_of_frames_changes_no_match(convention):
    detections, objects, areas = hard_case(7, frames=4, levels=0, areas=3)
    straight = match_tables(detections, objects, areas, CLASSES, convention=convention)
    shuffled = detections.sample(frac=1, random_state=1)
    again = match_tables(shuffled, objects, areas, CLASSES, convention=convention)
    assert again.sort_index().equals(straight)


@pytest.mark.parametrize("convention", ["ultralytics", "coco"])
def test_without_any_row_there_is_an_empty_table(convention):
    matched = match_tables(found(), NONE, NONE, CLASSES, convention=convention)
    assert len(matched) == 0 and {*ap.TP, *ap.IG, "ignored"} <= set(matched.columns)


def test_a_detection_in_an_area_to_ignore_is_neither_right_nor_wrong():
    detections = found(("a", "car", 10, 10, 20, 20), ("b", "car", 10, 10, 20, 20))
    areas = boxes(("a", "dontcare", 0, 0, 50, 50))
    for convention in ("ultralytics", "coco"):
        matched = match_tables(detections, NONE, areas, CLASSES, convention=convention)
        assert matched["ig50"].tolist() == [True, False]
        assert not matched["tp50"].any()


def test_a_small_area_to_ignore_excuses_a_box_drawn_somewhat_larger():
    detections = found(("a", "car", 10, 10, 20, 20), ("a", "car", 5, 5, 25, 25))
    areas = boxes(("a", "car", 11, 11, 19, 19))  # .64 of the first, .16 of the second
    assert match_tables(detections, NONE, areas, CLASSES)["ignored"].tolist() == [True, False]


def test_a_found_object_in_an_area_to_ignore_counts():
    detections = found(("a", "car", 10, 10, 20, 20))
    objects, areas = boxes(("a", "car", 10, 10, 20, 20)), boxes(("a", "dontcare", 0, 0, 50, 50))
    for convention in ("ultralytics", "coco"):
        matched = match_tables(detections, objects, areas, CLASSES, convention=convention)
        assert matched[ap.TP].all(axis=None) and not matched[ap.IG].any(axis=None)


def test_an_object_off_the_slice_is_tolerated_not_dropped():
    both = [("a", "car", 10, 10, 20, 20), ("a", "car", 40, 40, 60, 60)]
    for convention in ("ultralytics", "coco"):
        matched = match_tables(
            found(*both), boxes(*both), NONE, CLASSES, convention=convention,
            off_slice=np.array([True, False]),
        )  # fmt: skip
        assert matched["tp50"].tolist() == [False, True]
        assert matched["ig50"].tolist() == [True, False]


def test_only_coco_prefers_an_object_on_the_slice_to_a_better_one_off_it():
    objects = boxes(("a", "car", 0, 0, 10, 10), ("a", "car", 0, 0, 10, 12))
    given_one = {"off_slice": np.array([True, False])}
    one = found(("a", "car", 0, 0, 10, 10))
    plain = match_tables(one, objects, NONE, CLASSES, **given_one)
    coco = match_tables(one, objects, NONE, CLASSES, **given_one, convention="coco")
    assert (plain["tp50"].item(), plain["ig50"].item()) == (False, True)
    assert (coco["tp50"].item(), coco["tp80"].item(), coco["ig90"].item()) == (True, True, True)


def test_other_classes_match_nothing():
    objects = boxes(("a", "pedestrian", 0, 0, 9, 9))
    detections = found(("a", "pedestrian", 0, 0, 9, 9))
    for convention in ("ultralytics", "coco"):
        matched = match_tables(detections, objects, NONE, CLASSES, convention=convention)
        assert not matched[ap.TP].any(axis=None)


def test_an_unknown_convention_is_refused():
    with pytest.raises(InputError, match="no convention 'voc'"):
        ap.average_precision(np.array([True]), 1, "voc")


@pytest.mark.parametrize("convention", ["ultralytics", "coco"])
def test_how_many_pairs_are_held_at_once_changes_nothing(convention, monkeypatch):
    tables = hard_case(11, frames=4, objects=12, areas=3)
    straight = match_tables(*tables, CLASSES, convention=convention)
    monkeypatch.setattr(matching, "CHUNK", 7)
    assert match_tables(*tables, CLASSES, convention=convention).equals(straight)
