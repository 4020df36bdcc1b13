"""Confidence is compared with how often it is right."""

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.evaluation.calibration import calibration_error, reliability

FRAMES = pd.Index(["f0"])
CARS = pd.DataFrame({"frame_id": ["f0"], "class": ["car"]})


def detections(confidence: list[float], right: list[bool]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "frame_id": "f0", "class": "car", "confidence": np.float32(confidence),
            "tp50": right, "tp75": False, "ignored": False,
        }
    )  # fmt: skip


def table(found: pd.DataFrame, **options: float) -> pd.DataFrame:
    return reliability({"nst": found}, CARS, FRAMES, ["car", "van"], **options)  # type: ignore


def test_a_bin_holds_what_lies_between_its_edges() -> None:
    found = detections([0.1, 0.25, 0.29, 0.3, 1.0], [True, False, True, True, True])
    bins = table(found).loc["nst"]
    assert bins["count"].tolist() == [0, 1, 2, 1, 0, 0, 0, 0, 0, 1]
    assert bins.loc[2, ["confidence", "precision"]].tolist() == pytest.approx([0.27, 0.5])
    assert np.isnan(bins.loc[0, "precision"])
    assert bins["low"].tolist() == pytest.approx(np.arange(10) / 10)


def test_the_error_is_the_mean_distance_weighted_by_detections() -> None:
    """Three at .2 of which none is right, one at .9 that is right: (3 x .2 + 1 x .1) / 4."""
    found = detections([0.2, 0.2, 0.2, 0.9], [False, False, False, True])
    assert calibration_error(table(found))["nst"] == pytest.approx(0.175)


def test_detections_that_are_right_as_often_as_they_say_have_hardly_any_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.05, 1, 50_000)
    found = detections(list(confidence), list(rng.random(50_000) < confidence))
    assert calibration_error(table(found))["nst"] < 0.01
    bold = found.assign(confidence=found["confidence"] ** 0.5)
    expected = np.mean(np.sqrt(confidence) - confidence)
    assert calibration_error(table(bold))["nst"] == pytest.approx(expected, abs=0.01)


def test_unsure_detections_are_left_out() -> None:
    found = detections([0.01, 0.5], [False, True])
    assert table(found)["count"].sum() == 1
    assert table(found, least=0)["count"].sum() == 2


def test_a_stricter_overlap_makes_fewer_right() -> None:
    found = detections([0.55], [True])
    assert table(found, iou=0.75).loc[("nst", 5), "precision"] == 0


def test_what_the_frames_do_not_have_does_not_count() -> None:
    """Other frames, classes without an object, and what lies in an area to ignore."""
    found = pd.concat([detections([0.5], [False])] * 3, ignore_index=True)
    found["frame_id"] = ["elsewhere", "f0", "f0"]
    found["class"] = ["car", "van", "car"]
    found["ignored"] = [False, False, True]
    assert table(found)["count"].sum() == 0
    assert np.isnan(calibration_error(table(found))["nst"])


def test_the_seeds_of_an_arm_count_together() -> None:
    arms = {"nst-seed0": detections([0.5], [True]), "nst-seed1": detections([0.5], [False])}
    both = reliability(arms, CARS, FRAMES, ["car"])
    assert list(both.index.unique("arm")) == ["nst"]
    assert both.loc[("nst", 5), ["count", "precision"]].tolist() == [2, 0.5]
