"""Every score in every slice: ultralytics' own numbers, and what slices of objects promise."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from referees import CLASSES, hard_case, mean_of, pycocotools_ap, ultralytics_scores

from sim2real_lib.evaluation import ap, slices
from sim2real_lib.evaluation.matching import match_tables
from sim2real_lib.evaluation.scores import MEASURES, ap_per_class, scores

WEATHERS = ["foggy", "rainy", "overcast"]
SIDES = (10.0, 18.0)


def case(seed=0, frames=9, **more):
    """Detections as `predict` stores them, objects with flags, areas, frames."""
    detections, objects, areas = hard_case(seed, frames=frames, **more)
    rng = np.random.default_rng(seed)
    for column in ("occluded", "truncated"):
        flags = pd.Series(rng.integers(0, 3, len(objects))).map({0: False, 1: True})
        objects[column] = flags.astype("boolean")
    ids = [f"f{n}" for n in range(frames)]
    table = pd.DataFrame({"frame_id": pd.Series(ids, dtype="str"), "height": 80})
    table["weather"] = [WEATHERS[n % 3] for n in range(frames)]
    table["timeofday"] = ["night" if n % 4 == 0 else "daytime" for n in range(frames)]
    stored = match_tables(detections, objects, areas, CLASSES).drop(columns=ap.IG)
    return stored, objects, areas, table


def scored(stored, objects, areas, frames, **more):
    more = {"thresholds": (1, 3), "sides": SIDES} | more
    return scores({"arm": stored}, objects, areas, frames, CLASSES, **more)


def row(table, kind, name, label="all"):
    chosen = (table["kind"] == kind) & (table["slice"] == name) & (table["class"] == label)
    assert chosen.sum() == 1
    return table[chosen].iloc[0]


def arrays(matched, objects):
    labels, theirs = (
        np.array([CLASSES.index(name) for name in t["class"]], int) for t in (matched, objects)
    )
    flags = (matched[columns].to_numpy(bool) for columns in (ap.TP, ap.IG))
    return matched["confidence"].to_numpy(), labels, *flags, np.bincount(theirs, minlength=2)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0, 2, 12]),
    st.sampled_from([0, 8, 150]),
    st.sampled_from([0, 1, 3, 50]),
)
def test_ap_precision_and_recall_are_exactly_ultralytics_own(seed, objects, noise, levels):
    made, truth, _ = hard_case(seed, objects=objects, noise=noise, levels=levels)
    matched = match_tables(made, truth, truth.iloc[:0], CLASSES)
    values = ap_per_class(*arrays(matched, truth))
    present = [name in set(truth["class"]) for name in CLASSES]
    for ours, theirs in zip(values, ultralytics_scores(matched, truth)[:3], strict=True):
        assert np.array_equal(ours[present], theirs)
        assert np.isnan(ours[np.invert(present)]).all()


def test_each_slice_of_frames_scores_as_ultralytics_would_on_it_alone():
    stored, objects, areas, frames = case(3, objects=12, levels=4, areas=0)
    table = scored(stored, objects, areas, frames)
    for name, ids in slices.by_weather(frames).items():
        own = [t[t["frame_id"].isin(ids)].reset_index(drop=True) for t in (stored, objects)]
        every, p, r, classes = ultralytics_scores(*own)
        there = row(table, "weather", name)
        expected = [mean_of(every[:, 0]), mean_of(every), mean_of(p), mean_of(r)]
        assert there[MEASURES].tolist() == expected
        assert (there["images"], there["objects"]) == (len(ids), len(own[1]))
        for label, values in zip(classes, every, strict=True):
            assert row(table, "weather", name, label)["map50"] == values[0]


@pytest.mark.parametrize("convention", ["ultralytics", "coco"])
def test_slices_of_objects_score_as_matching_them_by_themselves(convention):
    stored, objects, areas, frames = case(4, objects=12, areas=2)
    table = scored(stored, objects, areas, frames, convention=convention)
    groups = {
        "box size": slices.by_box_size(objects, SIDES),
        "truncation": slices.by_truncation(objects),
        "occluded": slices.by_occluded(objects),
    }
    for kind, group in groups.items():
        for name, one in group.items():
            matched = match_tables(
                stored, objects, areas, CLASSES, convention=convention,
                off_slice=~one.members, outside=one.outside(slices.area(stored)),
            )  # fmt: skip
            expected = ap.mean_ap(matched, objects[one.members], CLASSES, 0.5, convention)
            assert row(table, kind, name)["map50"] == pytest.approx(expected, abs=1e-12)


def test_in_coco_box_sizes_score_as_pycocotools_area_ranges():
    stored, objects, areas, frames = case(5, objects=12, areas=2)
    table = scored(stored, objects, areas, frames, convention="coco")
    limits = [0, SIDES[0] ** 2, SIDES[1] ** 2, 1e10]
    for place, name in enumerate(("small", "medium", "large")):
        theirs = pycocotools_ap(stored, objects, areas, sizes=(limits[place], limits[place + 1]))
        there = row(table, "box size", name)
        assert there["map50"] == pytest.approx(theirs[0].mean(), abs=1e-6)
        assert there["map50_95"] == pytest.approx(theirs.to_numpy().mean(), abs=1e-6)


def test_the_table_has_every_kind_and_the_mean_over_present_classes():
    stored, objects, areas, frames = case(6)
    objects = objects[objects["class"] == "car"].reset_index(drop=True)
    table = scored(stored, objects, areas, frames)
    assert list(table["kind"].unique()) == [
        "occlusion", "occlusion bin", "weather", "time of day",
        "box size", "truncation", "occluded",
    ]  # fmt: skip
    assert set(table["class"]) == {"car", "all"}
    pairs = table.set_index(["kind", "slice", "class"])[MEASURES]
    assert pairs.xs("car", level="class").equals(pairs.xs("all", level="class").dropna())


def test_occlusion_is_counted_among_the_objects_unless_it_is_given():
    stored, objects, areas, frames = case(7, objects=12)
    counts = objects["occluded"].fillna(False).astype(int).groupby(objects["frame_id"]).sum()
    counts = counts.reindex(frames["frame_id"], fill_value=0)
    table = scored(stored, objects, areas, frames)
    assert row(table, "occlusion", "0-1")["images"] == (counts <= 1).sum()
    assert row(table, "occlusion bin", "2-3")["images"] == counts.between(2, 3).sum()
    nobody = scored(stored, objects, areas, frames, occluded=counts * 0)
    assert row(nobody, "occlusion", "0-1")["images"] == len(frames)
    empty = row(nobody, "occlusion bin", "4-all")
    assert empty["images"] == 0 and empty[MEASURES].isna().all()


def test_frames_that_are_not_asked_for_do_not_count():
    stored, objects, areas, frames = case(8, areas=2)
    few = frames.iloc[:4]
    own = [t[t["frame_id"].isin(few["frame_id"])] for t in (stored, objects, areas)]
    for convention in ("ultralytics", "coco"):
        wide = scored(stored, objects, areas, few, convention=convention)
        assert wide.equals(scored(*own, few, convention=convention))


def test_a_detector_that_finds_nothing_has_0_everywhere():
    stored, objects, areas, frames = case(9)
    table = scored(stored.iloc[:0], objects, areas, frames)
    assert (table[["map50", "map50_95", "precision", "recall"]].dropna() == 0).all(axis=None)


def test_objects_of_an_older_run_without_flags_have_fewer_kinds():
    stored, objects, areas, frames = case(10)
    plain = objects.drop(columns=["occluded", "truncated"])
    kinds = set(scored(stored, plain, areas, frames)["kind"])
    assert kinds == {"occlusion", "occlusion bin", "weather", "time of day", "box size"}
