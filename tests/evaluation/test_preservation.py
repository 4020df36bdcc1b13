"""What was found before and after, what was seen out of nothing, and how sure that is."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referees import match

from sim2real_lib.evaluation import ap, preservation

SIDES = preservation.SIDES
FRAMES = pd.DataFrame({"frame_id": ["nst-fog/a", "nst-fog/b"], "variant": "nst-fog"})


def boxes(*rows, variant="nst-fog"):
    """(frame, class, left, top, right, bottom) each."""
    table = pd.DataFrame(rows, columns=["frame_id", "class", *SIDES])
    return table.assign(variant=variant, agreement=0.9)


def seen(*rows, ignored=False):
    """(frame, class, confidence, left, top, right, bottom) each."""
    table = pd.DataFrame(rows, columns=["frame_id", "class", "confidence", *SIDES])
    return table.assign(ignored=ignored)


CAR = (10, 10, 30, 20)
ONE = boxes(("a", "car", *CAR))
FOUND = seen(("a", "car", 0.9, *CAR))
STILL = seen(("nst-fog/a", "car", 0.8, *CAR))
NOTHING = seen()


def verdict(before, after, table=ONE, **options):
    found = preservation.recall(before, after, table, **options)
    return found[["found_before", "found_after"]].to_numpy().tolist()


def test_a_box_is_found_before_and_after_each_on_its_own():
    assert verdict(FOUND, STILL) == [[True, True]]
    assert verdict(FOUND, NOTHING) == [[True, False]]
    assert verdict(NOTHING, STILL) == [[False, True]]


def test_a_detection_on_the_original_says_nothing_of_the_translation():
    assert verdict(FOUND, FOUND) == [[True, False]]


def test_an_unsure_one_a_displaced_one_and_one_of_another_class_find_nothing():
    for own in [
        ("nst-fog/a", "car", 0.2, *CAR),
        ("nst-fog/a", "car", 0.9, 20, 10, 40, 20),
        ("nst-fog/a", "van", 0.9, *CAR),
    ]:
        assert verdict(FOUND, seen(own)) == [[True, False]]
    unsure = seen(("nst-fog/a", "car", 0.2, *CAR))
    assert verdict(FOUND, unsure, confidence=0.1) == [[True, True]]
    displaced = seen(("nst-fog/a", "car", 0.9, 20, 10, 40, 20))
    assert verdict(FOUND, displaced, iou=0.3) == [[True, True]]


def test_every_variant_has_its_own_verdict():
    table = pd.concat([ONE, boxes(("a", "car", *CAR), variant="nst-rain")])
    found = preservation.recall(FOUND, STILL, table)
    assert found["variant"].tolist() == ["nst-fog", "nst-rain"]
    assert found["found_before"].tolist() == [True, True]
    assert found["found_after"].tolist() == [True, False]


rectangles = st.tuples(st.floats(0, 40), st.floats(0, 40), st.floats(2, 30), st.floats(2, 30))
objects = st.lists(st.tuples(st.sampled_from(["car", "van"]), rectangles), min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
@given(objects, objects, st.floats(0.1, 0.9))
def test_as_many_boxes_are_found_as_detections_are_right(labels, found, iou):
    def corners(rows):
        return np.array([(x, y, x + w, y + h) for _, (x, y, w, h) in rows])

    labelled = zip(labels, corners(labels), strict=True)
    table = boxes(*(("a", name, *own) for (name, _), own in labelled))
    confidences = np.linspace(0.9, 0.3, len(found))
    rows = zip(found, confidences, corners(found), strict=True)
    detections = seen(*(("a", name, sure, *own) for (name, _), sure, own in rows))
    right = match(
        ap.box_iou(corners(labels), corners(found)),
        np.array([name for name, _ in labels]),
        np.array([name for name, _ in found]),
        np.array([iou]),
    )
    ours = preservation.recall(detections.sample(frac=1, random_state=0), NOTHING, table, iou=iou)
    assert ours["found_before"].sum() == right.sum()


def ghosts(before, after, table=ONE, **options):
    found = preservation.hallucinated(before, after, table, FRAMES, **options)
    assert found["frame_id"].tolist() == FRAMES["frame_id"].tolist()
    return found["hallucinated"].tolist()


GHOST = (60, 10, 80, 20)


def test_what_is_seen_where_nothing_is_and_nothing_was_seen_is_hallucinated():
    after = seen(("nst-fog/a", "car", 0.8, *CAR), ("nst-fog/b", "car", 0.8, *GHOST))
    assert ghosts(FOUND, after) == [0, 1]
    counts = preservation.hallucinated(FOUND, after, ONE, FRAMES)
    assert counts["detections"].tolist() == [1, 1]


def test_neither_a_label_of_another_class_nor_an_earlier_mistake_is_a_hallucination():
    assert ghosts(NOTHING, seen(("nst-fog/a", "truck", 0.8, *CAR))) == [0, 0]
    mistake = seen(("a", "car", 0.9, *GHOST))
    assert ghosts(mistake, seen(("nst-fog/a", "car", 0.9, *GHOST))) == [0, 0]
    assert ghosts(mistake, seen(("nst-fog/b", "car", 0.9, *GHOST))) == [0, 1], "another frame's"


def test_a_detection_that_was_nearly_sure_before_is_no_hallucination():
    after = seen(("nst-fog/a", "car", 0.26, *GHOST))
    assert ghosts(seen(("a", "car", 0.24, *GHOST)), after) == [0, 0]
    assert ghosts(seen(("a", "car", 0.01, *GHOST)), after) == [1, 0]


def test_a_badly_placed_box_is_none_and_neither_is_an_unsure_or_an_ignored_one():
    assert ghosts(NOTHING, seen(("nst-fog/a", "car", 0.8, 20, 10, 44, 20))) == [0, 0]
    assert ghosts(NOTHING, seen(("nst-fog/a", "car", 0.2, *GHOST))) == [0, 0]
    assert ghosts(NOTHING, seen(("nst-fog/a", "car", 0.8, *GHOST), ignored=True)) == [0, 0]


def test_frames_without_a_label_or_a_detection_are_counted_too():
    assert ghosts(NOTHING, NOTHING, ONE.head(0)) == [0, 0]
    assert ghosts(NOTHING, seen(("nst-fog/b", "car", 0.8, *GHOST)), ONE.head(0)) == [0, 1]


def tables(lost, agreement, variant="nst-fog", ghosts=0):
    """A box a frame, found before; whether it is lost, and its agreement."""
    frames = [f"{n:03d}" for n in range(len(lost))]
    own = boxes(*((name, "car", *CAR) for name in frames), variant=variant)
    own = own.assign(found_before=True, found_after=~np.array(lost, bool), agreement=agreement)
    names = [f"{variant}/{name}" for name in frames]
    return own, pd.DataFrame({"frame_id": names, "variant": variant, "hallucinated": ghosts})


def test_the_summary_says_what_the_tables_hold():
    own, frames = tables([True, False, False, False], [0.1, 0.9, 0.3, 0.8], ghosts=[0, 2, 0, 0])
    own.loc[3, ["found_before", "found_after"]] = False
    row = preservation.summary(own, frames, threshold=0.5).loc["nst-fog"]
    assert row[["frames", "boxes"]].tolist() == [4, 4]
    assert row[["recall_before", "recall_after"]].tolist() == [0.75, 0.5]
    assert row["lost"] == pytest.approx(1 / 3)
    assert row["hallucinated"] == 0.5
    assert row["agreement"] == pytest.approx(0.55)
    assert row["below"] == 0.5
    assert row["agree"] == pytest.approx(2 / 3)


def test_each_frame_has_its_own_share_of_lost_labels():
    found = boxes(("a", "car", *CAR), ("a", "car", *CAR), ("b", "car", *CAR))
    table = found.assign(found_before=[True, True, False], found_after=[True, False, False])
    frames = pd.DataFrame({"variant": "nst-fog", "frame_id": ["nst-fog/b", "nst-fog/a"]})
    own = preservation.by_frame(table, frames.assign(hallucinated=[2, 0])).set_index("frame_id")
    assert own["lost"].to_dict() == pytest.approx({"a": 0.5, "b": np.nan}, nan_ok=True)
    assert own["hallucinated"].to_dict() == {"a": 0, "b": 2}
    assert set(own["variant"]) == {"nst-fog"}


def test_every_variant_has_its_row_and_its_interval_holds_its_share():
    rng = np.random.default_rng(0)
    parts = [tables(rng.random(60) < share, 0.9, f"nst-{share}") for share in (0.2, 0.7)]
    table = preservation.summary(
        *(pd.concat(own) for own in zip(*parts, strict=True)), threshold=0.5
    )
    assert table.index.tolist() == ["nst-0.2", "nst-0.7"]
    assert (table["low"] < table["lost"]).all()
    assert (table["lost"] < table["high"]).all()
    assert table["high"].iloc[0] < table["low"].iloc[1]


def test_the_interval_is_a_binomials_and_narrows_with_more_frames():
    widths = []
    for frames in (50, 800):
        own = tables([n % 4 == 0 for n in range(frames)], 0.9)
        row = preservation.summary(*own, threshold=0.5).iloc[0]
        widths.append(row["high"] - row["low"])
        assert widths[-1] == pytest.approx(2 * 1.96 * (0.25 * 0.75 / frames) ** 0.5, rel=0.2)
    assert widths[1] < widths[0] / 3


def test_boxes_of_one_frame_are_drawn_together():
    own, frames = tables([n < 30 for n in range(60)], 0.9)
    alone = preservation.summary(own, frames, threshold=0.5).iloc[0]
    crowded = own.assign(frame_id=[f"{n // 30:03d}" for n in range(60)])
    two = preservation.summary(crowded, frames.head(2), threshold=0.5).iloc[0]
    assert two["high"] - two["low"] > 2 * (alone["high"] - alone["low"])


def test_where_nothing_was_found_there_is_no_share():
    own, frames = tables([False, False], np.nan)
    row = preservation.summary(
        own.assign(found_before=False, found_after=False), frames, threshold=0.5
    ).iloc[0]
    assert row[["lost", "low", "high", "agree", "agreement"]].isna().all()
    empty = preservation.summary(own.head(0), frames, threshold=0.5).iloc[0]
    assert empty["boxes"] == 0
    assert np.isnan(empty["lost"])


def test_the_two_verdicts_are_crossed_over_boxes_that_both_can_judge():
    own, _ = tables([True, True, False, False, False], [0.1, 0.9, 0.1, 0.9, np.nan])
    own = pd.concat([own, own.head(1).assign(found_before=False)])
    table = preservation.verdicts(own, 0.5)
    assert table.to_numpy().tolist() == [[1, 1], [1, 1]]
    assert (table.index.name, table.columns.name) == ("edges", "detector")
    kept = preservation.verdicts(own.iloc[3:4], 0.5)
    assert kept.to_numpy().tolist() == [[1, 0], [0, 0]]


def test_small_boxes_are_not_judged_by_their_edges_and_still_by_the_detector():
    own, frames = tables([True, False], [0.1, 0.9])
    own.loc[0, SIDES] = [10.0, 10.0, 17.0, 17.0]
    row = preservation.summary(own, frames, threshold=0.5).iloc[0]
    assert row[["lost", "below", "agreement"]].tolist() == [0.5, 0, 0.9]
    assert preservation.verdicts(own, 0.5).to_numpy().sum() == 1
    row = preservation.summary(own, frames, threshold=0.5, smallest=7).iloc[0]
    assert row[["below", "agree"]].tolist() == [0.5, 1]


def test_frames_that_score_at_least_the_threshold_are_kept():
    scores = pd.DataFrame({"score": [0.2, 0.5, 0.8]}, index=["v/a", "v/b", "v/c"])
    assert preservation.kept(scores, 0.5).tolist() == ["v/b", "v/c"]
    assert preservation.kept(scores, -1).tolist() == ["v/a", "v/b", "v/c"]


def test_it_needs_neither_torch_nor_ultralytics():
    code = (
        "import sys, sim2real_lib.evaluation.preservation\n"
        "assert not {'torch', 'ultralytics'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
