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
    """The baseline finds a car in a and misses the truck; nst finds both, and one more in b."""
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
    for name, found in arms.items():
        folder = tmp_path / name
        folder.mkdir()
        matched = match_tables(found, there, there.iloc[:0], ["car", "truck"])
        matched.drop(columns=ap.IG).to_parquet(folder / "detections.parquet")
        there.drop(columns="confidence").to_parquet(folder / "objects.parquet")
        there.iloc[:0].to_parquet(folder / "areas.parquet")
    stored = Stored.read({name: tmp_path / name for name in arms}, ["car", "truck"])
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
    assert change.sum() == pytest.approx(0.5, abs=0.1)  # the truck's AP of 1 is half of the mean
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
