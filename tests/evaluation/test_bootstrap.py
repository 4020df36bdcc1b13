"""The paired bootstrap: equal to resampling by hand, narrow where it should be, and fast."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.evaluation import ap, bootstrap, slices

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


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 30))
def test_weights_of_one_give_the_plain_average_precision(seed, frames, count):
    rng = np.random.default_rng(seed)
    correct = rng.random(count) < 0.5
    objects = rng.integers(0, frames, correct.sum() + rng.integers(0, 5))
    fast = bootstrap.weighted_ap(
        np.ones((1, frames), int), rng.integers(0, frames, count), correct, objects
    )[0]
    if len(objects):
        assert fast == pytest.approx(ap.average_precision(correct, len(objects)), abs=1e-12)
    else:
        assert np.isnan(fast)


def test_every_resample_equals_the_average_precision_of_the_copied_images():
    objects, found, ids = world()
    sampled = bootstrap.resample({"a": found}, objects, {"all": ids}, CLASSES, resamples=30, seed=4)
    rng = np.random.default_rng(4)
    for weights, fast in zip(
        rng.multinomial(len(ids), np.full(len(ids), 1 / len(ids)), 30),
        sampled["all", "a"],
        strict=True,
    ):
        copies = dict(zip(ids, weights, strict=True))
        again = [t.loc[t.index.repeat(t["frame_id"].map(copies))] for t in (found, objects)]
        assert fast == pytest.approx(ap.mean_ap(*again, CLASSES), abs=1e-9)


def test_an_arm_compared_with_itself_gains_exactly_nothing():
    objects, found, ids = world()
    arms = {"baseline": found, "twin": found.copy()}
    results = slices.results_table(arms, objects, {"all": ids}, CLASSES)
    samples = bootstrap.resample(arms, objects, {"all": ids}, CLASSES, resamples=100)
    assert bootstrap.gains(samples, results).loc[("all", "twin"), "gain":].tolist() == [0, 0, 0]


def test_a_better_arm_gains_with_an_interval_above_zero():
    objects, weak, ids = world(skill=0.3)
    _, strong, _ = world(skill=0.8)
    arms = {"baseline": weak, "better": strong}
    results = slices.results_table(arms, objects, {"all": ids}, CLASSES)
    row = bootstrap.gains(
        bootstrap.resample(arms, objects, {"all": ids}, CLASSES), results
    ).loc[("all", "better")]  # fmt: skip
    assert 0 < row["low"] < row["gain"] < row["high"]


def test_the_share_of_the_gap_lies_between_baseline_and_oracle():
    objects, weak, ids = world(frames=150, skill=0.3)
    arms = {
        "baseline": weak,
        "middle": world(150, skill=0.5)[1],
        "oracle": world(150, skill=0.8)[1],
    }
    results = slices.results_table(arms, objects, {"all": ids}, CLASSES)
    samples = bootstrap.resample(arms, objects, {"all": ids}, CLASSES, resamples=300)
    closed = bootstrap.gap_closed(samples, results)
    assert list(closed.index) == [("all", "middle")]
    row = closed.loc[("all", "middle")]
    assert 0 < row["low"] < row["share"] < row["high"] < 1


def test_without_a_gap_no_share_is_given():
    objects, found, ids = world()
    arms = {"baseline": found, "arm": world(skill=0.5)[1], "oracle": found.copy()}
    results = slices.results_table(arms, objects, {"all": ids}, CLASSES)
    samples = bootstrap.resample(arms, objects, {"all": ids}, CLASSES, resamples=50)
    assert bootstrap.gap_closed(samples, results).isna().all(axis=None)


def test_a_resample_without_a_class_leaves_it_out_of_the_mean():
    objects = pd.DataFrame({"frame_id": ["a", "b"], "class": ["car", "truck"]})
    right = dict.fromkeys(ap.TP, True) | {"confidence": 0.9, "ignored": False}
    found = pd.DataFrame([{"frame_id": "a", "class": "car"} | right])
    samples = bootstrap.resample({"x": found}, objects, {"all": pd.Index(["a", "b"])}, CLASSES)
    assert set(samples["all", "x"].round(4)) == {0.995, 0.4975, 0.0}


def test_same_seed_same_numbers():
    objects, found, ids = world()
    draws = [
        bootstrap.resample({"x": found}, objects, {"all": ids}, CLASSES, resamples=20, seed=s)
        for s in (1, 1, 2)
    ]
    assert draws[0].equals(draws[1])
    assert not draws[0].equals(draws[2])


def test_the_demo_takes_a_few_seconds():
    """240 images, 4 arms, 3 bins, 1000 resamples, 300 detections an image."""
    objects, _, ids = world(240, 10)
    arms = {f"{skill}": world(240, 10, skill, 290)[1] for skill in (0.3, 0.5, 0.6, 0.8)}
    bins = {"0-5": ids[:100], "0-10": ids[:180], "0-all": ids}
    started = time.process_time()
    bootstrap.resample(arms, objects, bins, CLASSES)
    assert time.process_time() - started < 15
