import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import bdd100k, bdd_label

from sim2real_lib.catalog import Catalog
from sim2real_lib.datasets import bdd100k as reader
from sim2real_lib.errors import InputError

CAR = bdd_label(10, 5, 30, 20, occluded=True, truncated=False)


def read_frames(root: Path, *frames: dict[str, Any]) -> Catalog:
    bdd100k(root, list(frames), pictures=[frame["name"] for frame in frames])
    return reader.read(root, splits=["train"])


def test_a_frame_keeps_its_split_weather_time_and_scene(tmp_path: Path) -> None:
    conditions = {"weather": "foggy", "timeofday": "dawn/dusk", "scene": "city street"}
    for split in ("train", "val"):
        name = f"{split}-picture.jpg"
        frame = {"name": name, "attributes": conditions, "labels": [CAR]}
        bdd100k(tmp_path, [frame], split=split, pictures=[name])
    frames = reader.read(tmp_path).frames
    assert list(frames["frame_id"]) == ["bdd100k/train/train-picture", "bdd100k/val/val-picture"]
    assert list(frames["split"]) == ["train", "val"]
    assert list(frames["sequence"]) == ["train-picture", "val-picture"]
    assert set(frames["weather"] + frames["timeofday"] + frames["scene"]) == {
        "foggydawn/duskcity street"
    }
    assert (frames["width"][0], frames["height"][0]) == (128, 72)


def test_a_frame_of_a_video_knows_its_drive_and_place(tmp_path: Path) -> None:
    frame = {"name": "v-0000166.jpg", "videoName": "v", "frameIndex": 165, "labels": []}
    frames = read_frames(tmp_path, frame).frames
    assert (frames["sequence"][0], frames["index"][0]) == ("v", 165)


def test_list_and_frames_object_are_read_alike(tmp_path: Path) -> None:
    frames = [{"name": "a.jpg", "labels": [CAR]}]
    plain = read_frames(tmp_path, *frames)
    bdd100k(tmp_path, {"frames": frames, "config": None}, pictures=[])
    pd.testing.assert_frame_equal(plain.boxes, reader.read(tmp_path, splits=["train"]).boxes)


@pytest.mark.parametrize("labels", [{}, {"labels": None}, {"labels": []}])
def test_a_frame_without_labels_is_kept_without_boxes(tmp_path: Path, labels: dict) -> None:
    catalog = read_frames(tmp_path, {"name": "a.jpg", "attributes": None} | labels)
    assert (len(catalog), len(catalog.boxes)) == (1, 0)
    assert set(catalog.frames["weather"]) == {"undefined"}


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("person", "pedestrian"), ("bike", "bicycle"), ("motor", "motorcycle"),
        ("van", "car"), ("caravan", "car"), ("car", "car"), ("traffic sign", "traffic sign"),
    ],
)  # fmt: skip
def test_names_of_2018_and_2020_become_the_official_ones(
    tmp_path: Path, raw: str, canonical: str
) -> None:
    box = read_frames(tmp_path, {"name": "a.jpg", "labels": [CAR | {"category": raw}]}).boxes.iloc[
        0
    ]
    assert (box["class"], box["raw_class"], bool(box["ignore"])) == (canonical, raw, False)


@pytest.mark.parametrize(
    ("raw", "excused"),
    [("other vehicle", "car"), ("other person", "pedestrian"), ("trailer", "truck")],
)
def test_what_is_officially_ignored_is_an_area_to_ignore(
    tmp_path: Path, raw: str, excused: str
) -> None:
    box = read_frames(tmp_path, {"name": "a.jpg", "labels": [CAR | {"category": raw}]}).boxes.iloc[
        0
    ]
    assert (box["class"], box["raw_class"], bool(box["ignore"])) == (excused, raw, True)


def test_a_crowd_is_an_area_to_ignore(tmp_path: Path) -> None:
    crowd = bdd_label(1, 1, 20, 20, category="person", crowd=True)
    assert read_frames(tmp_path, {"name": "a.jpg", "labels": [crowd]}).boxes["ignore"].all()


@pytest.mark.parametrize(
    ("attributes", "occluded", "truncated"),
    [
        ({"occluded": True, "truncated": False}, True, False),
        ({"Occluded": True, "Truncated": False}, True, False),
        ({"occluded": False, "trafficLightColor": [0, "NA"]}, False, None),
        ({}, None, None),
        (None, None, None),
    ],
)
def test_flags_are_read_however_they_are_spelt_and_unknown_when_absent(
    tmp_path: Path, attributes: Any, occluded: bool | None, truncated: bool | None
) -> None:
    label = CAR | {"attributes": attributes, "poly2d": None, "box3d": None}
    box = read_frames(tmp_path, {"name": "a.jpg", "labels": [label]}).boxes.iloc[0]
    for value, expected in ((box["occluded"], occluded), (box["truncated"], truncated)):
        assert value is pd.NA if expected is None else value == expected


def test_a_file_of_2018_with_lanes_and_drivable_areas_is_read(tmp_path: Path) -> None:
    labels = [
        {
            "id": 0, "category": "car", "manualShape": True, "manualAttributes": True,
            "attributes": {"occluded": False, "truncated": False, "trafficLightColor": "none"},
            "box2d": {"x1": 1, "y1": 2, "x2": 30, "y2": 20},
        },
        {"id": 1, "category": "drivable area", "poly2d": [{"vertices": [[1, 2]], "types": "L"}]},
        {"id": 2, "category": "lane", "poly2d": [{"vertices": [[1, 2]], "types": "L"}]},
    ]  # fmt: skip
    path = bdd100k(tmp_path, [{"name": "a.jpg", "labels": labels}], pictures=["a.jpg"])
    path.rename(tmp_path / "labels/bdd100k_labels_images_train.json")
    catalog = reader.read(tmp_path, splits=["train"])
    assert list(catalog.boxes["class"]) == ["car"]
    assert catalog.dropped.empty


def test_a_degenerate_box_is_dropped_and_reported(tmp_path: Path) -> None:
    labels = [bdd_label(9, 9, 9, 20), bdd_label(30, 9, 10, 20), bdd_label(500, 9, 510, 20), CAR]
    frames = [{"name": "a.jpg", "labels": []}, {"name": "b.jpg", "labels": labels}]
    catalog = read_frames(tmp_path, *frames)
    assert len(catalog.boxes) == 1
    assert list(catalog.dropped["line"]) == [2, 2, 2]
    assert catalog.dropped["reason"].str.contains("without area").all()


def test_an_object_without_a_box_is_dropped_and_reported(tmp_path: Path) -> None:
    catalog = read_frames(tmp_path, {"name": "a.jpg", "labels": [CAR | {"box2d": None}]})
    assert list(catalog.dropped["reason"]) == ["bdd100k/train/a: a car without a box"]


def test_a_frame_whose_image_is_not_on_disk_is_dropped_and_reported(tmp_path: Path) -> None:
    frames = [{"name": "gone.jpg", "labels": [CAR]}, {"name": "here.jpg", "labels": [CAR]}]
    path = bdd100k(tmp_path, frames, pictures=["here.jpg"])
    catalog = reader.read(tmp_path, splits=["train"])
    assert list(catalog.frames["frame_id"]) == ["bdd100k/train/here"]
    assert catalog.dropped.to_numpy().tolist() == [
        [str(path), 1, "bdd100k/train/gone: its image is not on disk"]
    ]


def test_an_image_without_a_record_is_not_listed(tmp_path: Path) -> None:
    bdd100k(tmp_path, [{"name": "a.jpg"}], pictures=["a.jpg", "unlabelled.jpg"])
    assert len(reader.read(tmp_path, splits=["train"])) == 1


def test_a_split_without_a_single_labelled_image_is_refused(tmp_path: Path) -> None:
    bdd100k(tmp_path, [{"name": "a.jpg"}], pictures=["a.jpg"])
    bdd100k(tmp_path, [{"name": "b.jpg"}], split="val", pictures=["c.jpg"])
    with pytest.raises(InputError, match="none of the 1 labelled images is there") as error:
        reader.read(tmp_path)
    assert error.value.where == f"{tmp_path}/images/100k/val"


@pytest.mark.parametrize("name", ["../a.jpg", "/etc/a.jpg", "b/a.jpg", "..", "", "b\\a.jpg"])
def test_a_name_that_leads_out_of_the_images_is_refused(tmp_path: Path, name: str) -> None:
    path = bdd100k(tmp_path, [{"name": "a.jpg"}, {"name": name}], pictures=["a.jpg"])
    with pytest.raises(InputError, match="not the plain name of an image") as error:
        reader.read(tmp_path, splits=["train"])
    assert error.value.where == f"{path}: frame 2"


def test_an_image_labelled_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="labelled a second time"):
        read_frames(tmp_path, {"name": "a.jpg"}, {"name": "a.jpg"})


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        ({"labels": []}, "missing required field `name`"),
        ({"name": "a.jpg", "labels": [CAR | {"box2d": {"x1": 1, "y1": 1, "x2": 2}}]}, "`y2`"),
        ({"name": "a.jpg", "labels": [bdd_label("1", 2, 3, 4)]}, "Expected `float`"),
        ({"name": "a.jpg", "labels": [bdd_label(None, 2, 3, 4)]}, "Expected `float`"),
        ({"name": "a.jpg", "labels": [bdd_label(1, 2, 3, 4, occluded="yes")]}, "Expected `bool"),
        ({"name": "a.jpg", "frameIndex": -1}, "Expected `int` >= 0"),
        ({"name": "a.jpg", "attributes": {"weather": "hail"}}, "no weather 'hail'"),
        ({"name": "a.jpg", "attributes": {"timeofday": "noon"}}, "no timeofday 'noon'"),
        (["a.jpg"], "Expected `object`"),
    ],
)
def test_a_malformed_frame_is_refused_with_file_and_number(
    tmp_path: Path, frame: Any, what: str
) -> None:
    path = bdd100k(tmp_path, [{"name": "first.jpg"}, frame], pictures=["first.jpg", "a.jpg"])
    with pytest.raises(InputError) as error:
        reader.read(tmp_path, splits=["train"])
    assert what in error.value.what
    assert error.value.where == f"{path}: frame 2"


@pytest.mark.parametrize(
    "text", ["", "[", '{"name": "a.jpg"}', "[{]", '[{"x": NaN}]', '"\xff"', "3"]
)
def test_damaged_or_foreign_json_is_refused(tmp_path: Path, text: str) -> None:
    path = bdd100k(tmp_path, text, pictures=["a.jpg"])
    with pytest.raises(InputError, match="not a list of labelled frames") as error:
        reader.read(tmp_path, splits=["train"])
    assert error.value.where == str(path)


@pytest.mark.parametrize("splits", [["test"], ["../train"], []])
def test_a_split_without_published_labels_is_refused(tmp_path: Path, splits: list[str]) -> None:
    with pytest.raises(InputError, match="labelled split"):
        reader.read(tmp_path, splits=splits)


@pytest.mark.parametrize("made", ["missing", "images/100k/train"])
def test_a_missing_or_empty_folder_is_one_clear_line(tmp_path: Path, made: str) -> None:
    if made != "missing":
        (tmp_path / made).mkdir(parents=True)
    with pytest.raises(InputError) as error:
        reader.read(tmp_path)
    assert str(tmp_path) in error.value.where
    assert error.value.remedy


@pytest.fixture(scope="module")
def three_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bdd100k")
    bdd100k(root, [], pictures=["0.jpg", "1.jpg", "2.jpg"])
    return root


def sides(limit: int) -> st.SearchStrategy[list[float]]:
    pixel = st.floats(0, limit)
    return st.tuples(pixel, pixel).filter(lambda pair: pair[0] != pair[1]).map(sorted)


categories = st.sampled_from(["car", "truck", "bus", "rider", "train", "traffic light"])
objects = st.lists(st.tuples(categories, sides(128), sides(72), st.booleans()), max_size=8)


@settings(max_examples=15, deadline=None)
@given(st.lists(objects, min_size=1, max_size=3))
def test_what_is_written_in_the_format_is_read_back(three_pictures: Path, frames: list) -> None:
    labels = [
        {
            "name": f"{number}.jpg",
            "labels": [
                bdd_label(x[0], y[0], x[1], y[1], category=category, occluded=occluded)
                for category, x, y, occluded in frame
            ],
        }
        for number, frame in enumerate(frames)
    ]
    (three_pictures / "labels/det_20/det_train.json").write_text(json.dumps(labels))
    boxes = reader.read(three_pictures, splits=["train"]).boxes
    columns = ["frame_id", "class", "left", "right", "top", "bottom", "occluded"]
    assert boxes[columns].to_numpy(object).tolist() == [
        [f"bdd100k/train/{number}", category, *x, *y, occluded]
        for number, frame in enumerate(frames)
        for category, x, y, occluded in frame
    ]
