"""The paired bootstrap: equal to resampling by hand, and as sure as it may be."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sim2real_lib.evaluation import ap, bootstrap, fast_ap, slices

CLASSES = ["car", "truck"]


def world(frames=40, per_frame=5, skill=0.6, noise=20, seed=0):
    """Objects, and the detections of an arm that finds a share `skill` of them."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"f{n:05d}" for n in range(frames)])
    objects = pd.DataFrame(
        {"frame_id": np.repeat(ids, per_frame), "class": rng.choice(CLASSES, frames * per_frame)}
    )
    hits = objects[rng.random(len(objects)) < skill].assign(correct=True)
    alarms = pd.DataFrame(
        {
            "frame_id": np.repeat(ids, noise),
            "class": rng.choice(CLASSES, frames * noise),
            "correct": False,
        }
    )
    found = pd.concat([hits, alarms], ignore_index=True)
    found["confidence"] = np.where(
        found["correct"], rng.beta(4, 3, len(found)), rng.beta(1.5, 6, len(found))
    )
    found["ignored"] = False
    for name in ap.TP:
        found[name] = found["correct"]
    return objects, found.drop(columns="correct"), pd.Index(ids)


def gain(arms, objects, ids, groups=None, resamples=1000):
    """The first arm's difference from the second, with its interval."""
    first, second = arms
    test = objects, {"all": ids}, CLASSES
    results = slices.results_table(arms, *test)
    samples = bootstrap.measure(arms, *test, resamples=resamples, groups=groups).samples
    apart = samples[[("all", first)]] - samples[[("all", second)]].to_numpy()
    counts = bootstrap.group_counts(*test, groups)
    measured = results.loc[[first]] - results.loc[second]
    return bootstrap.intervals(apart, measured, counts).loc[("all", first)]


def gaps(arms, objects, ids, resamples):
    """The share of the gap from the first arm to the oracle."""
    test = objects, {"all": ids}, CLASSES
    results = slices.results_table(arms, *test)
    samples = bootstrap.measure(arms, *test, resamples=resamples).samples
    first, *others = arms
    apart = samples[[("all", arm) for arm in others]].sub(samples["all", first], axis=0)
    counts = bootstrap.group_counts(*test)
    return bootstrap.gap_closed(apart, results.loc[others] - results.loc[first], counts)


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(1, 6),
    st.integers(1, 40),
    st.sampled_from(["ultralytics", "coco"]),
)
def test_the_fast_average_precision_is_that_of_the_copied_rows(seed, frames, count, convention):
    rng = np.random.default_rng(seed)
    correct, places = rng.random(count) < rng.random(), rng.integers(0, frames, count)
    missed = rng.integers(0, frames, rng.integers(0, 5))
    objects = np.concatenate([places[correct], missed])  # each hit has its object
    weights = np.concatenate([np.ones((1, frames), int), rng.integers(0, 4, (5, frames))])
    fast = fast_ap.weighted_ap(weights, places, correct, objects, convention=convention)
    for copies, value in zip(weights, fast, strict=True):
        total = copies[objects].sum()
        if total:
            again = np.repeat(correct, copies[places])
            assert value == pytest.approx(ap.average_precision(again, total, convention), abs=1e-12)
        else:
            assert np.isnan(value)


@pytest.mark.parametrize("name, value", [("CHUNK", 7), ("EXACT", 1)])
def test_neither_chunks_nor_float64_change_a_number(monkeypatch, name, value):
    rng = np.random.default_rng(0)
    weights, places = rng.integers(0, 3, (20, 9)), rng.integers(0, 9, 200)
    judged = weights, places, rng.random(200) < 0.4, rng.integers(0, 9, 120)
    whole = fast_ap.weighted_ap(*judged)
    monkeypatch.setattr(fast_ap, name, value)
    assert fast_ap.weighted_ap(*judged).tolist() == whole.tolist()


@pytest.mark.parametrize("convention", ["ultralytics", "coco"])
def test_every_resample_is_one_test_set_cut_into_the_slices(convention):
    objects, found, ids = world()
    bins = {"some": ids[5:20], "all": ids}
    sampled = bootstrap.measure(
        {"a": found}, objects, bins, CLASSES, resamples=20, seed=4, convention=convention
    ).samples
    frames = bootstrap.every_frame(bins)
    assert set(frames) == set(ids)
    for number, weights in enumerate(bootstrap.draw(frames, resamples=20, seed=4)):
        copies = pd.Series(weights.astype(int), frames)
        for name, members in bins.items():
            own = [t[t["frame_id"].isin(members)] for t in (found, objects)]
            again = [t.loc[t.index.repeat(t["frame_id"].map(copies))] for t in own]
            assert sampled.loc[number, (name, "a")] == pytest.approx(
                ap.mean_ap(*again, CLASSES, convention=convention), abs=1e-9
            )


@pytest.mark.parametrize("convention", ["ultralytics", "coco"])
def test_what_is_measured_on_the_test_set_itself_is_the_plain_table(convention):
    objects, found, ids = world()
    arms = {"a": found, "b": world(skill=0.8, seed=1)[1]}
    few = objects.index[(objects["class"] == "truck") & objects["frame_id"].isin(ids[:6])]
    test = objects.drop(few), {"no truck": ids[:6], "all": ids}, [*CLASSES, "bus"]
    by_class = bootstrap.measure(arms, *test, resamples=20, convention=convention).by_class
    assert by_class["no truck"].isna().tolist() == [False, True, True] * 2
    pd.testing.assert_frame_equal(
        by_class, slices.class_table(arms, *test, convention=convention), check_exact=True
    )


def test_images_are_drawn_with_replacement_and_as_many_as_there_are():
    weights = bootstrap.draw(pd.RangeIndex(50), resamples=400, seed=1)
    assert (weights.sum(1) == 50).all()
    assert weights.mean(0) == pytest.approx(np.ones(50), abs=0.25)
    assert weights.var() == pytest.approx(1 - 1 / 50, abs=0.05)  # binomial


def test_sequences_are_drawn_whole():
    ids = pd.Index(list("abcdef"))
    groups = pd.Series(["x", "x", "y", "y", "y"], index=list("bacde"))  # f has none
    weights = bootstrap.draw(ids, groups, resamples=300)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, [2]] == weights[:, 2:5]).all()
    assert (weights[:, [0, 2, 5]].sum(1) == 3).all()


def test_frames_alone_in_their_sequence_are_drawn_as_images():
    ids = pd.Index(list("abcdef"))
    for groups in (pd.Series(list("uvwxyz"), ids), pd.Series(None, ids, dtype=object)):
        assert (bootstrap.draw(ids, groups) == bootstrap.draw(ids)).all()


def test_copies_of_an_image_in_its_sequence_add_no_certainty():
    objects, found, ids = world(30)
    copies = [
        pd.concat([t.assign(frame_id=t["frame_id"] + f"/{n}") for n in range(4)], ignore_index=True)
        for t in (objects, found)
    ]
    frames = pd.Index(copies[0]["frame_id"].unique())
    sequences = pd.Series(frames.str.partition("/").get_level_values(0), frames)
    once = bootstrap.measure({"a": found}, objects, {"all": ids}, CLASSES).samples
    judged = {"a": copies[1]}, copies[0], {"all": frames}, CLASSES
    together, alone = (bootstrap.measure(*judged, groups=g).samples for g in (sequences, None))
    assert together["all", "a"].std() == pytest.approx(once["all", "a"].std(), rel=0.15)
    assert alone["all", "a"].std() == pytest.approx(once["all", "a"].std() / 2, rel=0.15)


def test_names_as_categories_or_numbers_give_the_same():
    objects, found, ids = world()
    tables = [objects, found]
    categories = [t.astype({"frame_id": "category", "class": "category"}) for t in tables]
    numbers = [t.assign(frame_id=ids.get_indexer(t["frame_id"])) for t in tables]
    drawn = [
        bootstrap.measure({"a": arm}, boxes, {"all": frames}, CLASSES, resamples=20).samples
        for (boxes, arm), frames in (
            (tables, ids),
            (categories, ids),
            (numbers, pd.RangeIndex(len(ids))),
        )
    ]
    assert drawn[0].equals(drawn[1])
    assert drawn[0].equals(drawn[2])


def test_an_arm_compared_with_itself_gains_exactly_nothing():
    objects, found, ids = world()
    row = gain({"twin": found.copy(), "baseline": found}, objects, ids, resamples=100)
    assert row.tolist() == [0, 0, 0]


def test_a_better_arm_gains_with_an_interval_above_zero():
    objects, weak, ids = world(skill=0.3)
    row = gain({"better": world(skill=0.8)[1], "baseline": weak}, objects, ids)
    assert 0 < row["low"] < row["value"] < row["high"]


def test_the_share_of_the_gap_lies_between_baseline_and_oracle():
    objects, weak, ids = world(frames=150, skill=0.3)
    better = {"middle": world(150, skill=0.5)[1], "oracle": world(150, skill=0.8)[1]}
    closed = gaps({"baseline": weak} | better, objects, ids, resamples=300)
    assert list(closed.index) == [("all", "middle")]
    row = closed.loc[("all", "middle")]
    assert 0 < row["low"] < row["share"] < row["high"] < 1


def test_without_a_gap_no_share_is_given():
    objects, found, ids = world()
    arms = {"baseline": found, "arm": world(skill=0.5)[1], "oracle": found.copy()}
    assert gaps(arms, objects, ids, resamples=50).isna().all(axis=None)


def test_a_resample_without_a_class_leaves_it_out_of_the_mean():
    objects = pd.DataFrame({"frame_id": ["a", "b"], "class": ["car", "truck"]})
    right = dict.fromkeys(ap.TP, True) | {"confidence": 0.9, "ignored": False}
    found = pd.DataFrame([{"frame_id": "a", "class": "car"} | right])
    samples = bootstrap.measure(
        {"x": found}, objects, {"all": pd.Index(["a", "b"])}, CLASSES
    ).samples
    assert set(samples["all", "x"].round(4)) == {0.995, 0.4975, 0.0}


def test_same_seed_same_numbers():
    objects, found, ids = world()
    draws = [
        bootstrap.measure(
            {"x": found}, objects, {"all": ids}, CLASSES, resamples=20, seed=s
        ).samples
        for s in (1, 1, 2)
    ]
    assert draws[0].equals(draws[1])
    assert not draws[0].equals(draws[2])


def by_hand(baseline, **arms):
    apart = pd.DataFrame({("all", arm): values - baseline for arm, values in arms.items()})
    apart.columns.names = ["slice", "arm"]
    return apart, apart.mean().unstack("slice"), {"all": 10_000}


def test_a_resample_without_a_gap_only_widens_the_interval():
    rng = np.random.default_rng(0)
    baseline, arm = rng.normal(0.2, 0.01, 1000), rng.normal(0.3, 0.01, 1000)
    oracle = np.full(1000, 0.4)
    sure = bootstrap.gap_closed(*by_hand(baseline, arm=arm, oracle=oracle)).iloc[0]
    oracle[:20] = baseline[:20] - 1e-4  # the ratio explodes, with the wrong sign
    unsure = bootstrap.gap_closed(*by_hand(baseline, arm=arm, oracle=oracle)).iloc[0]
    assert 0 < unsure["low"] < sure["low"] < sure["high"] < unsure["high"] < 1
    oracle[:30] = baseline[:30] - 1e-4
    nothing = bootstrap.gap_closed(*by_hand(baseline, arm=arm, oracle=oracle)).iloc[0]
    assert nothing.isna().all()


def test_an_arm_s_own_interval_holds_its_result():
    objects, found, ids = world()
    arms = {"baseline": found, "other": world(skill=0.4)[1]}
    test = objects, {"all": ids}, CLASSES
    results = slices.results_table(arms, *test)
    samples = bootstrap.measure(arms, *test, resamples=200).samples
    table = bootstrap.intervals(samples, results, bootstrap.group_counts(*test))
    assert list(table.index) == [("all", "baseline"), ("all", "other")]
    assert table["value"].tolist() == results["all"].tolist()
    assert (table["low"] < table["value"]).all()
    assert (table["value"] < table["high"]).all()


def test_one_sequence_has_no_interval():
    objects, weak, ids = world(skill=0.3)
    arms = {"better": world(skill=0.8)[1], "baseline": weak}
    row = gain(arms, objects, ids, groups=pd.Series("drive", ids), resamples=50)
    assert row["value"] > 0.1
    assert row[["low", "high"]].isna().all()


def test_sequences_without_an_object_add_no_certainty():
    objects, weak, ids = world(skill=0.3)
    objects = objects[objects["frame_id"] < ids[4]]
    groups = pd.Series(np.arange(len(ids)) // 4, ids)
    bins = {"some": ids[2:6], "all": ids, "none": ids[4:]}
    assert bootstrap.group_counts(objects, bins, CLASSES, groups) == {
        "some": 1,
        "all": 1,
        "none": 0,
    }
    assert bootstrap.group_counts(objects, bins, CLASSES) == {"some": 2, "all": 4, "none": 0}
    arms = {"better": world(skill=0.8)[1], "baseline": weak}
    assert gain(arms, objects, ids, groups, resamples=50)[["low", "high"]].isna().all()


def test_a_mean_s_interval_is_widened_to_student_s():
    rng = np.random.default_rng(0)
    for count in (5, 10, 300):
        values = rng.normal(size=count)
        means = values[rng.integers(count, size=(20_000, count))].mean(1)
        samples = pd.DataFrame({("all", "arm"): means}).rename_axis(columns=["slice", "arm"])
        results = pd.DataFrame({"all": [values.mean()]}, index=["arm"])
        row = bootstrap.intervals(samples, results, {"all": count}).iloc[0]
        half = stats.t.ppf(0.975, count - 1) * values.std(ddof=1) / np.sqrt(count)
        assert row["high"] - row["low"] == pytest.approx(2 * half, rel=0.06)


def test_hundreds_of_images_are_hardly_widened():
    assert bootstrap.widening(2) == pytest.approx(12.706 / 1.960 * np.sqrt(2), rel=1e-3)
    assert 1 < bootstrap.widening(240) < 1.008
    assert np.isnan(bootstrap.widening(1))


coverage = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "coverage.py"))


@pytest.fixture(scope="module")
def truth():
    return coverage["true_difference"]()


def test_intervals_hold_the_truth_as_often_as_they_say(truth):
    """Of 80 right intervals of 95%, 70 or more hold it but for 1 in 1,000 times."""
    images = coverage["holds"](truth, 120, 1, worlds=80, resamples=200)["images"]
    assert images.sum() >= stats.binom.ppf(0.001, 80, 0.95)


@pytest.mark.parametrize("count", coverage["FEW"])
def test_intervals_of_a_few_sequences_claim_hardly_too_much(truth, count):
    """Without `bootstrap.widening` .48 of them hold it with 2, .71 with 3, .83 with 5."""
    held = coverage["holds"](truth, 10 * count, 10, worlds=80, resamples=200)["sequences"]
    assert held.sum() >= stats.binom.ppf(0.001, 80, 0.93)


def test_images_of_sequences_drawn_one_by_one_claim_too_much(truth):
    held = coverage["holds"](truth, 400, 10, worlds=80, resamples=200)
    assert held["sequences"].sum() >= stats.binom.ppf(0.001, 80, 0.93)  # 40 sequences are few
    assert held["images"].sum() < stats.binom.ppf(0.001, 80, 0.95)
