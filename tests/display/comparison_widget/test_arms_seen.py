"""Of a test frame it is told what an arm finds, what it misses and what is not there."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.catalog import Catalog
from sim2real_lib.display.comparison_widget import ArmsSeen, Comparison
from sim2real_lib.evaluation import ap
from sim2real_lib.evaluation.matching import match_tables
from sim2real_lib.evaluation.stored import Stored
from sim2real_lib.images import write_rgb

SIDES = ["left", "top", "right", "bottom"]
CAR, TRUCK, NOTHING = (10, 10, 50, 50), (60, 10, 100, 50), (10, 60, 50, 95)
# The truck's AP of 1 is half of the mean; between its two cars nst finds one that is not there.
GAIN = 1 / 2 - (1 - (1 + 2 / 3) / 2) / 2


def table(*rows: tuple) -> pd.DataFrame:
    """Rows of (frame id, class, confidence, sides)."""
    flat = [(*row[:3], *map(float, row[3])) for row in rows]
    return pd.DataFrame(flat, columns=["frame_id", "class", "confidence", *SIDES])


@pytest.fixture
def frames(tmp_path: Path) -> pd.DataFrame:
    """Two foggy frames, a rainy one and a clear one."""
    rows = []
    for name, weather in (("a", "foggy"), ("b", "foggy"), ("c", "rainy"), ("d", "clear")):
        path = tmp_path / f"{name}.jpg"
        write_rgb(path, np.full((100, 120, 3), 128, np.uint8))
        rows.append((name, str(path), 120, 100, weather))
    return pd.DataFrame(rows, columns=["frame_id", "image", "width", "height", "weather"])


@pytest.fixture
def seen(frames: pd.DataFrame, tmp_path: Path) -> ArmsSeen:
    return arms_seen(frames, tmp_path)


def arms_seen(
    frames: pd.DataFrame, folder: Path, *ignored: tuple, convention: ap.Convention = "ultralytics"
) -> ArmsSeen:
    """The baseline finds a car in a and in b and misses the truck; nst finds all, and what is not
    there in a, unless that is to be ignored."""
    there = table(("a", "car", 1, CAR), ("a", "truck", 1, TRUCK), ("b", "car", 1, CAR))
    there = there.assign(occluded=False, truncated=False, occlusion=0.0)
    arms = {
        "nst-seed0": table(
            ("a", "car", 0.9, CAR), ("a", "truck", 0.8, TRUCK), ("b", "car", 0.7, CAR),
            ("a", "car", 0.75, NOTHING), ("d", "car", 0.99, CAR),
        ),
        "nst-seed1": table(("a", "car", 0.9, NOTHING)),
        "baseline-seed0": table(("a", "car", 0.9, CAR), ("b", "car", 0.8, CAR)),
    }  # fmt: skip
    areas = table(*ignored)
    for name, found in arms.items():
        own = folder / name
        own.mkdir()
        matched = match_tables(found, there, areas, ["car", "truck"])
        matched = matched if ignored else matched.drop(columns=ap.IG)
        matched.to_parquet(own / "detections.parquet")
        there.drop(columns="confidence").to_parquet(own / "objects.parquet")
        areas.to_parquet(own / "areas.parquet")
    stored = Stored.read({name: folder / name for name in arms}, ["car", "truck"], convention)
    return ArmsSeen(frames, stored)


def verdicts(facts: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((mark["verdict"], mark["class"]) for mark in facts["marks"])


def test_every_arm_is_offered_the_baseline_first_each_verdict_with_its_colour(
    seen: ArmsSeen,
) -> None:
    assert seen.offered["arms"] == ["baseline", "nst"]
    assert len(set(seen.offered["looks"].values())) == 3


def test_what_is_found_missed_and_false_is_told_apart(seen: ArmsSeen) -> None:
    wish = {"style": "fog", "at": 0}
    assert verdicts(seen.facts(wish | {"arm": "baseline"})) == [
        ("missed", "truck"), ("right", "car"),
    ]  # fmt: skip
    nst = seen.facts(wish | {"arm": "nst"})  # of its first seed
    assert verdicts(nst) == [("false", "car"), ("right", "car"), ("right", "truck")]
    assert {mark["confidence"] for mark in nst["marks"]} == {0.9, 0.8, 0.75}
    json.dumps(nst, allow_nan=False)


def test_the_frames_are_test_frames_of_the_weather(seen: ArmsSeen) -> None:
    ids = [seen.facts({"style": "fog", "at": at})["frame_id"] for at in (0, 1)]
    assert ids == ["a", "b"]
    rain = seen.facts({"style": "rain"})
    assert (rain["frame_id"], rain["count"], rain["marks"]) == ("c", 1, [])


@pytest.mark.parametrize("convention", ["ultralytics", "coco"])
def test_what_is_found_in_an_area_to_be_ignored_is_neither_right_nor_false(
    frames: pd.DataFrame, tmp_path: Path, convention: ap.Convention
) -> None:
    seen = arms_seen(frames, tmp_path, ("a", "car", 1, NOTHING), convention=convention)
    facts = seen.facts({"style": "fog", "at": 0, "arm": "nst"})
    assert verdicts(facts) == [("right", "car"), ("right", "truck")]
    change = seen._seen("nst").change
    assert change is not None and change.sum() == pytest.approx(1 / 2)  # nothing comes between


@pytest.mark.parametrize("convention", ["ultralytics", "coco"])
def test_arms_are_judged_alike_in_either_convention_where_they_agree(
    frames: pd.DataFrame, tmp_path: Path, convention: ap.Convention
) -> None:
    seen = arms_seen(frames, tmp_path, convention=convention)
    facts = seen.facts({"style": "fog", "at": 0, "arm": "nst"})
    assert verdicts(facts) == [("false", "car"), ("right", "car"), ("right", "truck")]
    change = seen._seen("nst").change
    assert change is not None and change.sum() == pytest.approx(GAIN)


@pytest.mark.parametrize("style", ["overcast", "snow", None])
def test_a_weather_without_test_frames_has_none(seen: ArmsSeen, style: str | None) -> None:
    facts = seen.facts({"style": style})
    assert (facts["frame_id"], facts["count"], facts["marks"]) == (None, 0, [])


def test_what_cannot_be_had_is_replaced(seen: ArmsSeen) -> None:
    facts = seen.facts({"style": "fog", "arm": "magic", "order": "by magic", "at": 99, "number": 7})
    assert (facts["arm"], facts["order"], facts["at"]) == ("baseline", "as listed", 1)
    assert facts["number"] == 7


def test_frames_are_sorted_by_what_the_arm_gained_and_missed(seen: ArmsSeen) -> None:
    def first(arm: str, order: str) -> str:
        return seen.facts({"style": "fog", "arm": arm, "order": order, "at": 0})["frame_id"]

    assert first("baseline", "most missed first") == "a"
    assert first("nst", "gained most first") == "a"
    assert first("nst", "lost most first") == "b"
    assert "gained most first" not in seen.facts({"style": "fog", "arm": "baseline"})["orders"]


def test_another_arm_is_looked_at_in_the_same_frame(seen: ArmsSeen) -> None:
    wish = {"style": "fog", "arm": "nst", "order": "lost most first"}
    frames = [seen.facts(wish | {"at": at})["frame_id"] for at in range(2)]
    for known in frames:
        facts = seen.facts(wish | {"at": 0, "known": known, "stay": True})
        assert facts["frame_id"] == known and facts["at"] == frames.index(known)
    assert seen.facts(wish | {"at": 0, "known": frames[1]})["frame_id"] == frames[0]


def test_the_parts_of_all_frames_are_the_arms_gain(seen: ArmsSeen) -> None:
    change = seen._seen("nst").change
    assert change is not None
    assert change.sum() == pytest.approx(GAIN)
    assert seen.facts({"style": "fog", "arm": "nst"})["figures"][0]["name"] == "mAP"


def test_the_browser_gets_the_picture_once(
    seen: ArmsSeen, pairs: pd.DataFrame, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    comparison = Comparison(pairs, catalog.boxes, tests=seen)
    assert comparison.offered["tests"] == seen.offered
    answers: list[tuple] = []
    monkeypatch.setattr(comparison, "send", lambda *answer: answers.append(answer))
    for wish in ({"arm": "baseline"}, {"arm": "nst", "known": "a"}, {"at": 1, "known": "a"}):
        comparison._handle_custom_msg({"test": {"style": "fog", **wish}}, [])
    assert [content["test"]["frame_id"] for content, _ in answers] == ["a", "a", "b"]
    assert [len(pictures) for _, pictures in answers] == [1, 0, 1]
    comparison._handle_custom_msg({"test": {"style": "overcast", "known": "a"}}, [])
    assert answers[-1][1] == []


def test_a_test_frame_that_vanished_is_named(
    seen: ArmsSeen,
    frames: pd.DataFrame,
    pairs: pd.DataFrame,
    catalog: Catalog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    comparison = Comparison(pairs, catalog.boxes, tests=seen)
    answers: list[tuple] = []
    monkeypatch.setattr(comparison, "send", lambda *answer: answers.append(answer))
    Path(frames["image"].iloc[0]).unlink()
    comparison._handle_custom_msg({"test": {"style": "fog"}}, [])
    assert "a.jpg: there is no such image" in answers[-1][0]["test"]["error"]
