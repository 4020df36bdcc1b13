"""Errors are sorted and weighed as TIDE's paper and program do it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim2real_lib.evaluation.errors import (
    ERRORS,
    SIDES,
    SUMS,
    Diagnosis,
    diagnose,
    error_rows,
    error_table,
)

CLASSES = ("car", "truck")
FRAME = pd.Index(["f0"])
Box = tuple[str, float, float, float, float]

CAR: Box = ("car", 0, 0, 10, 10)
TIDE_NAMES = {
    "Cls": "classification", "Loc": "localisation", "Both": "both", "Dupe": "duplicate",
    "Bkg": "background", "Miss": "missed", "FalsePos": SUMS[0], "FalseNeg": SUMS[1],
}  # fmt: skip


def detections(*rows: tuple, ignored: bool = False) -> pd.DataFrame:
    """Rows of (confidence, class, sides), all in frame f0."""
    table = pd.DataFrame(rows, columns=["confidence", "class", *SIDES])
    return table.assign(frame_id="f0", ignored=ignored)


def objects(*rows: Box) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["class", *SIDES]).assign(frame_id="f0")


def kinds(found: pd.DataFrame, there: pd.DataFrame) -> list[str]:
    return list(diagnose(found, there, CLASSES).detections["kind"])


def table(found: pd.DataFrame, there: pd.DataFrame, frames: pd.Index = FRAME) -> pd.DataFrame:
    return error_table({"arm": found}, there, {"all": frames}, CLASSES).loc["arm", "all"]


@pytest.mark.parametrize(
    ("kind", "box"),
    [
        ("true", ("car", 0, 0, 10, 5)),  # IoU .5 is enough
        ("localisation", ("car", 0, 0, 10, 4.9)),
        ("localisation", ("car", 0, 0, 10, 1)),  # IoU .1 is still one
        ("background", ("car", 0, 0, 10, 0.9)),
        ("classification", ("truck", 0, 0, 10, 5)),
        ("both", ("truck", 0, 0, 10, 4.9)),
        ("background", ("truck", 0, 0, 10, 1)),
        ("background", ("car", 50, 50, 60, 60)),
    ],
)
def test_what_a_detection_overlaps_decides_its_kind(kind: str, box: Box) -> None:
    assert kinds(detections((0.9, *box)), objects(CAR)) == [kind]


def test_a_second_detection_of_an_object_is_a_duplicate() -> None:
    found = detections((0.5, *CAR), (0.9, "car", 0, 0, 10, 9))
    assert kinds(found, objects(CAR)) == ["duplicate", "true"]


def test_where_nothing_is_every_detection_is_background() -> None:
    assert kinds(detections((0.5, *CAR)), objects()) == ["background"]


def test_a_wrong_place_comes_before_a_wrong_class() -> None:
    """A car's box over a truck, and a little over a car, is a badly placed car."""
    there = objects(("truck", 0, 0, 10, 10), ("car", 0, 8, 10, 12))
    assert kinds(detections((0.9, "car", 0, 0, 10, 10)), there) == ["localisation"]


def test_an_object_that_a_wrong_class_or_place_accounts_for_is_not_missed() -> None:
    there = objects(CAR, ("car", 50, 50, 60, 60), ("car", 80, 80, 90, 90))
    found = detections((0.9, "truck", 0, 0, 10, 10), (0.8, "car", 50, 50, 60, 54))
    known = diagnose(found, there, CLASSES).objects
    assert list(known["missed"]) == [False, False, True]
    assert not known["found"].any()


def test_only_the_most_confident_error_about_an_object_would_find_it() -> None:
    found = detections(
        (0.5, "car", 0, 0, 10, 4), (0.9, "truck", 0, 0, 10, 10), (0.7, "car", 0, 0, 10, 3)
    )
    assert list(diagnose(found, objects(CAR), CLASSES).detections["mends"]) == [False, True, False]


def test_a_detection_in_an_area_to_ignore_is_right_or_nothing() -> None:
    found = detections((0.9, *CAR), (0.8, *CAR), (0.7, "truck", 0, 0, 10, 10), ignored=True)
    assert kinds(found, objects(CAR)) == ["true", "ignored", "ignored"]
    assert not table(found, objects(CAR))["count"].any()


def test_what_lies_in_an_area_to_ignore_accounts_for_no_object() -> None:
    found = detections((0.9, "car", 0, 0, 10, 4), ignored=True)
    assert list(diagnose(found, objects(CAR), CLASSES).objects["missed"]) == [True]


def test_other_classes_are_left_out() -> None:
    found, there = detections((0.9, "tram", *CAR[1:])), objects(CAR, ("tram", *CAR[1:]))
    known = diagnose(found, there, CLASSES)
    assert len(known.detections) == 0 and list(known.objects["class"]) == ["car"]


def test_gains_are_those_worked_out_by_hand() -> None:
    """Two cars: one found after a duplicate-free background at .9, one placed badly at .6.

    Most confident first: background, true, localisation. Precision 0, 1/2, 1/3; so AP is 1/2 at the
    51 recalls up to 1/2. Without the background 1 there. With the place mended the last is true:
    2/3 at all 101 (the envelope of 1/2 and 2/3). Without a false positive, 1 at 51. With one object
    fewer to find, recall 1 at precision 1/2.
    """
    there = objects(CAR, ("car", 50, 50, 60, 60))
    found = detections(
        (0.9, "car", 90, 90, 95, 95), (0.8, *CAR), (0.6, "car", 50, 50, 60, 54)
    )  # fmt: skip
    start = 51 / 101 / 2
    gains = table(found, there)["dap"]
    assert gains["background"] == pytest.approx(51 / 101 - start)
    assert gains["localisation"] == pytest.approx(2 / 3 - start)
    assert gains["false positive"] == pytest.approx(51 / 101 - start)
    assert gains["false negative"] == pytest.approx(1 / 2 - start)
    assert not gains[["classification", "both", "duplicate", "missed"]].any()


def test_a_mended_class_counts_for_the_class_it_should_have_been() -> None:
    there = objects(CAR, ("truck", 50, 50, 60, 60))
    found = detections((0.9, "truck", 0, 0, 10, 10), (0.8, "truck", 50, 50, 60, 60))
    assert table(found, there).loc["classification", "dap"] == pytest.approx(1 - 0.5 / 2)


def test_without_detections_all_is_missed() -> None:
    rows = table(detections(), objects(CAR, CAR))
    assert rows.loc["missed", "count"] == rows.loc["false negative", "count"] == 2
    assert rows["count"].sum() == 4


def test_a_slice_counts_its_own_frames_and_a_slice_without_objects_has_no_gains() -> None:
    found = pd.concat([detections((0.9, *CAR))] * 3, ignore_index=True)
    found["frame_id"] = ["f0", "f1", "f1"]
    rows = error_table(
        {"arm": found}, objects(CAR), {"with": FRAME, "without": pd.Index(["f1", "f2"])}, CLASSES
    ).loc["arm"]
    assert not rows.loc["with", "count"].any()
    assert rows.loc[("without", "background"), "count"] == 2
    assert rows.loc[("without", "background"), "per_image"] == 1
    assert rows.loc["without", "dap"].isna().all()


def test_the_seeds_of_an_arm_are_averaged() -> None:
    right, wrong = detections((0.9, *CAR)), detections((0.9, "car", 50, 50, 60, 60))
    arms = {"nst-seed0": right, "nst-seed1": wrong, "oracle": right}
    rows = error_table(arms, objects(CAR), {"all": FRAME}, CLASSES)
    assert list(rows.index.unique("arm")) == ["nst", "oracle"]
    assert rows.loc[("nst", "all", "missed"), "count"] == 0.5
    assert rows.loc[("oracle", "all", "missed"), "count"] == 0


def test_every_error_has_a_row_with_what_a_picture_needs() -> None:
    there = objects(CAR, ("car", 50, 50, 60, 60))
    rows = error_rows(detections((0.9, *CAR), (0.8, *CAR)), there, CLASSES)
    assert list(rows["kind"]) == ["duplicate", "missed"]
    assert list(rows["confidence"].isna()) == [False, True]
    assert rows[SIDES].iloc[1].tolist() == [50, 50, 60, 60]


# --- against a plain reading of the paper, and against TIDE's own program ---


@st.composite
def scenes(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """(detections, objects, frame ids): crowded frames, boxes on a coarse grid so that IoU ties."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frame_ids = [f"f{n}" for n in range(draw(st.integers(1, 4)))]
    step = draw(st.sampled_from([1, 0.01]))
    tables = []
    for most in (20, 6):
        count = rng.integers(0, most + 1, len(frame_ids))
        corners = rng.integers(0, 14 / step, (count.sum(), 2))
        size = rng.integers(4 / step, 12 / step, (count.sum(), 2))
        boxes = pd.DataFrame(step * np.hstack([corners, corners + size]), columns=SIDES)
        boxes["frame_id"] = np.repeat(frame_ids, count)
        boxes["class"] = rng.choice(CLASSES, count.sum())
        tables.append(boxes)
    # No two confidences alike: the program itself orders equal ones now this way, now that.
    confidence = rng.permutation(len(tables[0])) / max(1, len(tables[0]))
    return tables[0].assign(confidence=confidence, ignored=False), tables[1], frame_ids


@settings(max_examples=30, deadline=None)
@given(scenes())
def test_a_slice_is_judged_as_if_there_were_nothing_else(scene: tuple) -> None:
    found, there, frame_ids = scene
    bins = {"some": pd.Index(frame_ids[1:]), "all": pd.Index(frame_ids)}
    rows = error_table({"arm": found}, there, bins, CLASSES)
    for name, ids in bins.items():
        own = [each[each["frame_id"].isin(ids)] for each in (found, there)]
        alone = error_table({"arm": own[0]}, own[1], {name: ids}, CLASSES)
        pd.testing.assert_frame_equal(rows.xs(name, level="slice", drop_level=False), alone)


def plain_iou(a: dict, b: dict) -> float:
    wide = min(a["right"], b["right"]) - max(a["left"], b["left"])
    high = min(a["bottom"], b["bottom"]) - max(a["top"], b["top"])
    shared = max(wide, 0) * max(high, 0)
    areas = [(c["right"] - c["left"]) * (c["bottom"] - c["top"]) for c in (a, b)]
    return shared / (areas[0] + areas[1] - shared)


def plain_kinds(found: pd.DataFrame, there: pd.DataFrame) -> dict[int, str]:
    """Row -> kind, one pair of boxes after the other, in the paper's words."""
    kind, taken = {}, set()
    objects_ = there.to_dict("index")
    ranked = found.sort_values("confidence", ascending=False)
    for row, box in ranked.to_dict("index").items():
        ious = {
            at: plain_iou(box, other)
            for at, other in objects_.items()
            if other["frame_id"] == box["frame_id"] and other["class"] == box["class"]
        }
        free = {at: iou for at, iou in ious.items() if at not in taken}
        best = max(free, key=lambda at: free[at], default=None)
        if best is not None and free[best] >= 0.5:
            taken.add(best)
            kind[row] = "true"
    for row, box in ranked.to_dict("index").items():
        if row in kind:
            continue
        here = [other for other in objects_.values() if other["frame_id"] == box["frame_id"]]
        own = max([plain_iou(box, o) for o in here if o["class"] == box["class"]], default=0)
        others = max([plain_iou(box, o) for o in here if o["class"] != box["class"]], default=0)
        if 0.1 <= own <= 0.5:
            kind[row] = "localisation"
        elif others >= 0.5:
            kind[row] = "classification"
        elif own >= 0.5:
            kind[row] = "duplicate"
        elif max(own, others) <= 0.1:
            kind[row] = "background"
        else:
            kind[row] = "both"
    return kind


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_kinds_are_those_of_a_plain_reading_of_the_paper(scene: tuple) -> None:
    found, there, _ = scene
    known = diagnose(found, there, CLASSES)
    assert dict(known.detections["kind"].items()) == plain_kinds(found, there)
    assert_objects_are_accounted_for(known)


def assert_objects_are_accounted_for(known: Diagnosis) -> None:
    """Found by one true detection; or mended by one error; or missed."""
    for column, kinds_ in (("found", ["true"]), ("mended", ["localisation", "classification"])):
        own = known.detections[known.detections["kind"].isin(kinds_)]
        if column == "mended":
            own = own[own["mends"]]
        assert own["object"].is_unique
        there = set(own["object"])
        expected = known.objects["found"]
        if column == "mended":
            expected = ~known.objects["found"] & ~known.objects["missed"]
        assert there == set(known.objects.index[expected])


@settings(max_examples=40, deadline=None)
@given(scenes())
def test_counts_and_gains_are_those_of_the_published_program(scene: tuple) -> None:
    """With `pip install tidecv` (1.0.1); it is no dependency of ours."""
    tidecv = pytest.importorskip(
        "tidecv", reason="tidecv is not installed", exc_type=ImportError
    )  # fmt: skip
    found, there, frame_ids = scene
    # The program counts a class without objects as AP 0, and fails where nothing is left.
    assume(set(there["class"]) == set(CLASSES) and len(found))
    truth, ours = (tidecv.Data(name, max_dets=1000) for name in ("truth", "ours"))
    for number, frame_id in enumerate(frame_ids):
        truth.add_image(number, frame_id)
    for data, rows in ((truth, there), (ours, found)):
        for row in rows.to_dict("records"):
            where = frame_ids.index(row["frame_id"]), CLASSES.index(row["class"])
            box = [
                row["left"], row["top"], row["right"] - row["left"], row["bottom"] - row["top"]
            ]  # fmt: skip
            if data is truth:
                data.add_ground_truth(*where, box)
            else:
                data.add_detection(*where, row["confidence"], box)
    run = tidecv.TIDE().evaluate(truth, ours)
    counts = {TIDE_NAMES[kind.short_name]: count for kind, count in run.count_errors().items()}
    rows = table(found, there, pd.Index(frame_ids))
    assert rows["count"][list(ERRORS)].to_dict() == counts
    gains = {**run.fix_main_errors(), **run.fix_special_errors()}
    for kind, gain in gains.items():
        assert rows.loc[TIDE_NAMES[kind.short_name], "dap"] == pytest.approx(gain / 100, abs=1e-12)
