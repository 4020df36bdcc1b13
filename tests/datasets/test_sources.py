"""What is promised of a run's data: the three data sets and your own make one catalog."""

from pathlib import Path
from typing import Any

import pytest
from layouts import bdd100k, bdd_label, kitti_line, kitti_tracking, vkitti1, vkitti2
from own_layouts import annotation, coco, labelled, listed, pictures, yolo

from sim2real_lib import params
from sim2real_lib.catalog.split import by_sequence
from sim2real_lib.datasets import sources
from sim2real_lib.detection import compose
from sim2real_lib.translation import domains

DRIVES = ("0001", "0002")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for drive in DRIVES:
        lines = [f"{n} 0 {kitti_line(10, 5, 30, 20)}" for n in range(2)]
        kitti_tracking(tmp_path / "kitti", lines, sequence=drive)
        vkitti2(tmp_path / "vkitti2", [], scene=f"Scene{drive[2:]}")
        for variant in ("fog", "morning", "overcast", "rain", "sunset"):
            vkitti2(tmp_path / "vkitti2", [], scene=f"Scene{drive[2:]}", variant=variant)
    for split in ("train", "val"):
        frame = {
            "name": f"{split}.jpg", "labels": [bdd_label(10, 5, 30, 20)],
            "attributes": {"weather": "foggy", "timeofday": "daytime", "scene": "highway"},
        }  # fmt: skip
        bdd100k(tmp_path / "bdd100k", [frame], split=split, pictures=[frame["name"]])
    return tmp_path


def asked(data: Path, **own: dict[str, Any]) -> params.DataAnalysis:
    roots = {f"{name}_root": str(data / name) for name in ("kitti", "vkitti2", "bdd100k")}
    return params.DataAnalysis(data="folders", sequences=list(DRIVES), own=own, **roots)


def coco_city(data: Path) -> dict[str, Any]:
    root = data / "town"
    for split in ("train", "val"):
        pictures(root / split, f"{split}.jpg")
        coco(
            root / f"annotations/instances_{split}.json",
            [listed(1, f"{split}.jpg")],
            [annotation()],
        )
    return {"format": "coco", "root": str(root), "weather": "foggy", "timeofday": "daytime"}


def test_the_three_data_sets_make_one_catalog(data: Path) -> None:
    catalog = sources.read(asked(data))
    counts = catalog.frames["source"].value_counts().to_dict()
    assert counts == {"kitti": 4, "vkitti2": 24, "bdd100k": 2}


def test_version_one_of_virtual_kitti_is_read_where_it_lies(data: Path) -> None:
    for drive in DRIVES:
        vkitti1(data / "old", [], scene=drive)
    p = asked(data).with_values(vkitti2_root=str(data / "old"))
    clones = ["clone"]
    with pytest.raises(Exception, match="0001/fog"):  # it lacks the other weathers, and says so
        sources.read(p)
    for drive in DRIVES:
        for variant in ("fog", "morning", "overcast", "rain", "sunset"):
            vkitti1(data / "old", [], scene=drive, variant=variant)
            clones.append(variant)
    catalog = sources.read(p)
    assert set(catalog.frames["source"]) == {"kitti", "vkitti1", "bdd100k"}
    divided = by_sequence(catalog, val_fraction=0.5, seed=0)
    assert len(compose.compose(divided)) == 2
    assert len(domains.source(divided)) == 2


def test_a_city_of_your_own_is_learnt_from_and_tested_on_as_a_target(data: Path) -> None:
    p = asked(data, town=coco_city(data) | {"role": "target"})
    assert sources.targets(p) == ("bdd100k", "town")
    catalog = by_sequence(sources.read(p), val_fraction=0.5, seed=0, targets=sources.targets(p))
    own = catalog.frames[catalog.frames["source"] == "town"].set_index("frame_id")["split"]
    assert own.to_dict() == {"town/train/train": "train", "town/val/val": "test"}
    learnt = domains.target(catalog, "fog", most=9, seed=0)
    assert {Path(image).parent.parent.name for image in learnt} == {"town", "100k"}
    oracle = compose.oracle(catalog, count=2, weathers=["foggy"])
    assert set(oracle.frames["source"]) == {"bdd100k", "town"}


def test_a_data_set_to_look_at_is_neither_trained_nor_tested_on(data: Path) -> None:
    labelled(data / "sim", {"a.jpg": ["0 0.5 0.5 0.2 0.2"]})
    yolo(data / "sim")
    p = asked(data, sim={"format": "yolo", "root": str(data / "sim"), "weather": "foggy",
                         "timeofday": "daytime"})  # fmt: skip
    assert sources.targets(p) == ("bdd100k",)
    catalog = by_sequence(sources.read(p), val_fraction=0.5, seed=0, targets=sources.targets(p))
    own = catalog.frames["source"] == "sim"
    assert list(catalog.frames.loc[own, "split"]) == ["left out"]
    assert len(catalog.where(own).boxes) == 1
    assert all("100k" in image for image in domains.target(catalog, "fog", most=9, seed=0))
    assert set(compose.compose(catalog).frames["source"]) == {"kitti", "vkitti2"}
