import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import bdd100k, bdd_label, image

from sim2real_lib.catalog import Catalog
from sim2real_lib.catalog.tables import FRAMES
from sim2real_lib.datasets import _json_list
from sim2real_lib.datasets import bdd100k as reader
from sim2real_lib.errors import InputError

CAR = bdd_label(10, 5, 30, 20, occluded=True, truncated=False)
LANE = {"id": 2, "category": "lane", "poly2d": [{"vertices": [[1, 2]], "types": "L"}]}
AREA = LANE | {"category": "drivable area"}


def read_frames(root: Path, *frames: dict[str, Any]) -> Catalog:
    bdd100k(root, list(frames), pictures=[frame["name"] for frame in frames])
    return reader.read(root, splits=["train"])


def as_2018(root: Path, labels: Any, *, pictures: list[str]) -> Path:
    """The list as it was published in 2018."""
    path = bdd100k(root, labels, pictures=pictures)
    return path.rename(root / "labels/bdd100k_labels_images_train.json")


def as_100k(root: Path, stem: str, objects: Any, **given: Any) -> Path:
    """One image and the file of its labels, as the 100K zip has them."""
    image(root / f"images/100k/train/{stem}.jpg", (128, 72))
    path = root / f"labels/100k/train/{stem}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [{"timestamp": 10000, "objects": objects}]
    path.write_text(json.dumps({"name": stem, "frames": frames, "attributes": {}} | given))
    return path


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
            "id": 0, "category": "bike", "manualShape": True, "manualAttributes": True,
            "attributes": {"occluded": False, "truncated": True, "trafficLightColor": "none"},
            "box2d": {"x1": 1, "y1": 2, "x2": 30, "y2": 20},
        },
        LANE | {"attributes": {"laneDirection": "parallel", "laneStyle": "solid"}},
        AREA | {"attributes": {"areaType": "direct"}},
    ]  # fmt: skip
    as_2018(tmp_path, [{"name": "a.jpg", "labels": labels}], pictures=["a.jpg"])
    catalog = reader.read(tmp_path, splits=["train"])
    assert list(catalog.boxes["class"]) == ["bicycle"]
    assert catalog.boxes["truncated"].all()
    assert catalog.dropped.empty


def test_files_of_one_image_each_are_read(tmp_path: Path) -> None:
    label = {"category": "person", "id": 0, "attributes": {"occluded": True}}
    shape = {"poly2d": [[1, 2, "L"], [3, 4, "C"]]}
    lines = [{"category": name} | shape for name in ("area/drivable", "lane/road curb")]
    objects = [label | {"box2d": {"x1": 1, "y1": 2, "x2": 9, "y2": 20}}, *lines]
    conditions = {"weather": "rainy", "timeofday": "night", "scene": "highway"}
    as_100k(tmp_path, "b-1", objects, attributes=conditions)
    as_100k(tmp_path, "a-2", [], name="a-2.jpg", attributes=None)
    as_100k(tmp_path, "c-3", None)
    as_100k(tmp_path, "d-4", [], frames=[])
    (tmp_path / "labels/100k/train/.DS_Store").write_bytes(b"\0")
    catalog = reader.read(tmp_path, splits=["train"])
    stems = ["a-2", "b-1", "c-3", "d-4"]
    assert list(catalog.frames["frame_id"]) == [f"bdd100k/train/{stem}" for stem in stems]
    assert list(catalog.frames["weather"]) == ["undefined", "rainy", "undefined", "undefined"]
    assert catalog.boxes[["frame_id", "class", "bottom", "occluded"]].to_numpy().tolist() == [
        ["bdd100k/train/b-1", "pedestrian", 20.0, True]
    ]
    assert catalog.dropped.empty


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"name": "b"}, "these are the labels of 'b'"),
        ({"name": "../a"}, "these are the labels of '../a'"),
        ({"name": 1}, "Expected `str`"),
        ({"frames": [{}, {}]}, "Expected `array` of length <= 1"),
        ({"frames": [{"objects": [CAR | {"box2d": [1, 2, 3, 4]}]}]}, "Expected `object | null`"),
        ({"attributes": {"weather": "hail"}}, "there is no weather 'hail'"),
    ],
)
def test_a_malformed_file_of_one_image_is_refused_by_name(
    tmp_path: Path, given: dict, what: str
) -> None:
    path = as_100k(tmp_path, "a", [CAR], **given)
    with pytest.raises(InputError) as error:
        reader.read(tmp_path, splits=["train"])
    assert what in error.value.what
    assert error.value.where == str(path)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe{\0}\0", b'{"name": "a"} {}', b"NaN"])
def test_a_damaged_file_of_one_image_is_refused_by_name(tmp_path: Path, text: bytes) -> None:
    path = as_100k(tmp_path, "a", [CAR])
    path.write_bytes(text)
    with pytest.raises(InputError, match="not a labelled frame") as error:
        reader.read(tmp_path, splits=["train"])
    assert error.value.where == str(path)


def test_what_is_dropped_from_a_file_of_one_image_names_that_file(tmp_path: Path) -> None:
    first = as_100k(tmp_path, "a", [bdd_label(9, 9, 9, 20), CAR | {"box2d": None}, CAR])
    gone = as_100k(tmp_path, "b", [CAR])
    (tmp_path / "images/100k/train/b.jpg").unlink()
    dropped = reader.read(tmp_path, splits=["train"]).dropped
    assert sorted(dropped[["file", "reason"]].to_numpy().tolist()) == [
        [str(first), "bdd100k/train/a: a car has no area in its image"],
        [str(first), "bdd100k/train/a: a car without a box"],
        [str(gone), "bdd100k/train/b: its image is not on disk"],
    ]
    assert set(dropped["line"]) == {0}


@pytest.fixture
def all_forms(tmp_path: Path) -> Path:
    """The same image, with boxes of another class in each form of the labels."""
    as_100k(tmp_path, "a", [CAR | {"category": "bus"}])
    as_2018(
        tmp_path, [{"name": "a.jpg", "labels": [CAR | {"category": "truck"}]}], pictures=["a.jpg"]
    )
    bdd100k(tmp_path, [{"name": "a.jpg", "labels": [CAR]}], pictures=["a.jpg"])
    return tmp_path


@pytest.mark.parametrize(
    ("labels", "name"), [(None, "car"), ("det_20", "car"), ("2018", "truck"), ("100k", "bus")]
)
def test_the_form_of_the_labels_can_be_chosen(
    all_forms: Path, labels: str | None, name: str
) -> None:
    boxes = reader.read(all_forms, splits=["train"], labels=labels).boxes
    assert list(boxes["class"]) == [name]


def test_the_latest_labels_that_are_there_are_read(all_forms: Path) -> None:
    (all_forms / "labels/det_20/det_train.json").unlink()
    assert list(reader.read(all_forms, splits=["train"]).boxes["class"]) == ["truck"]
    (all_forms / "labels/bdd100k_labels_images_train.json").unlink()
    assert list(reader.read(all_forms, splits=["train"]).boxes["class"]) == ["bus"]


def test_a_form_of_the_labels_that_is_not_there_is_refused(tmp_path: Path) -> None:
    bdd100k(tmp_path, [], pictures=["a.jpg"])
    with pytest.raises(InputError, match="no form of the labels 'det_30'"):
        reader.read(tmp_path, splits=["train"], labels="det_30")
    with pytest.raises(InputError, match="no such labels") as error:
        reader.read(tmp_path, splits=["train"], labels="2018")
    assert error.value.where == f"{tmp_path}/labels/bdd100k_labels_images_train.json"


@pytest.mark.parametrize("labels", ["det_20", "2018", "100k"])
def test_the_frames_alone_are_those_that_are_read(all_forms: Path, labels: str) -> None:
    image(all_forms / "images/100k/train/z.jpg", (128, 72))
    whole = reader.read(all_forms, splits=["train"], labels=labels).frames
    alone = reader.frames(all_forms, splits=["train"], labels=labels)
    pd.testing.assert_frame_equal(alone, whole.drop(columns=["width", "height"]))
    assert list(alone.columns) == [name for name in FRAMES.columns if name in alone]


def test_the_frames_alone_are_known_without_opening_an_image(tmp_path: Path) -> None:
    frames = [{"name": "a.jpg", "labels": "later"}, {"name": "gone.jpg"}]
    bdd100k(tmp_path, frames, pictures=["a.jpg"])
    (tmp_path / "images/100k/train/a.jpg").write_bytes(b"damaged")
    assert list(reader.frames(tmp_path, splits=["train"])["frame_id"]) == ["bdd100k/train/a"]


def test_a_name_in_capitals_is_the_same_class(tmp_path: Path) -> None:
    labels = [CAR | {"category": name} for name in ("Car", "BIKE", "Other Vehicle", "Drone")]
    boxes = read_frames(tmp_path, {"name": "a.jpg", "labels": [*labels, LANE]}).boxes
    assert list(boxes["class"]) == ["car", "bicycle", "car", "drone"]
    assert list(boxes["raw_class"]) == ["Car", "BIKE", "Other Vehicle", "Drone"]
    assert list(boxes["ignore"]) == [False, False, True, False]


def test_a_degenerate_box_is_dropped_and_reported(tmp_path: Path) -> None:
    labels = [bdd_label(9, 9, 9, 20), bdd_label(30, 9, 10, 20), bdd_label(500, 9, 510, 20), CAR]
    frames = [{"name": "a.jpg", "labels": []}, {"name": "b.jpg", "labels": labels}]
    catalog = read_frames(tmp_path, *frames)
    assert len(catalog.boxes) == 1
    assert list(catalog.dropped["line"]) == [2, 2, 2]
    assert sorted(catalog.dropped["reason"]) == [
        "bdd100k/train/b: a car has no area in its image",
        "bdd100k/train/b: a car has no area in its image",
        "bdd100k/train/b: a car reaches far beyond its image",
    ]


@pytest.mark.parametrize("number", [1e30, -1e30, 1.7e308, 10**25])
def test_a_box_as_large_as_the_world_is_dropped_and_reported(tmp_path: Path, number: float) -> None:
    labels = [bdd_label(10, 5, number, 20), bdd_label(number, 5, 20, 20), CAR]
    catalog = read_frames(tmp_path, {"name": "a.jpg", "labels": labels})
    assert len(catalog.boxes) == 1
    assert catalog.dropped["reason"].str.endswith("far beyond its image").all()


def test_an_object_without_a_box_is_dropped_and_reported(tmp_path: Path) -> None:
    frames = [{"name": "a.jpg", "labels": [LANE]}, {"name": "gone.jpg", "labels": [CAR]}]
    frames.append({"name": "b.jpg", "labels": [CAR, CAR | {"box2d": None}, AREA]})
    path = bdd100k(tmp_path, frames, pictures=["a.jpg", "b.jpg"])
    catalog = reader.read(tmp_path, splits=["train"])
    assert list(catalog.boxes["frame_id"]) == ["bdd100k/train/b"]
    assert catalog.dropped.to_numpy().tolist() == [
        [str(path), 2, "bdd100k/train/gone: its image is not on disk"],
        [str(path), 3, "bdd100k/train/b: a car without a box"],
    ]


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
    assert error.value.where == f"{path}: record 2"


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
    assert error.value.where == f"{path}: record 2"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[", "(Input data was truncated) at byte 1"),
        ("[{]", "at byte 2"),
        ('[{"name": NaN}]', "at byte 10"),
        ('[{"name": "a.jpg"}, {"x": -Infinity}]', "at byte 27, behind record 1"),
        ('[{"name": "a.jpg"}, {"name": "b.jpg"', "truncated) at byte 36, behind record 1"),
        ('[{"name": "a.jpg"} {"name": "b.jpg"}]', "at byte 19, behind record 1"),
        ('[{"name": "a.jpg"},]', "trailing comma in array) at byte 19, behind record 1"),
        ('[{"name": "a.jpg"}]]', "trailing characters) at byte 20, behind record 1"),
        ('[{"name": "a.jpg"}] []', "trailing characters) at byte 21, behind record 1"),
        (' {"frames": [{"name": "a.jpg"}, 1.], "config": {}}', "at byte 34, behind record 1"),
        ('{"frames": [{"name": "a.jpg"}], "config": {}', "at byte 44, behind record 1"),
    ],
)
def test_damaged_json_is_refused_with_record_and_byte(tmp_path: Path, text: str, what: str) -> None:
    path = bdd100k(tmp_path, text, pictures=["a.jpg", "b.jpg"])
    with pytest.raises(InputError, match="not a list of labelled frames") as error:
        reader.read(tmp_path, splits=["train"])
    assert error.value.what.endswith(what)
    assert error.value.where == str(path)


@pytest.mark.parametrize(
    "text", ["", " ", "3", "null", '{"name": "a.jpg"}', '{"frames": null}', '"[]"', "[" * 200_000]
)
def test_json_that_is_no_list_of_frames_is_refused(tmp_path: Path, text: str) -> None:
    path = bdd100k(tmp_path, text, pictures=["a.jpg"])
    with pytest.raises(InputError, match="not a list of labelled frames") as error:
        reader.read(tmp_path, splits=["train"])
    assert error.value.where.startswith(str(path))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    path = bdd100k(tmp_path, [], pictures=["a.jpg"])
    path.write_text('[{"name": "a.jpg", "labels": []}]', encoding=encoding)
    with pytest.raises(InputError, match="not a list of labelled frames"):
        reader.read(tmp_path, splits=["train"])


def test_text_that_is_not_unicode_is_refused_with_its_record(tmp_path: Path) -> None:
    path = bdd100k(tmp_path, [], pictures=["a.jpg"])
    path.write_text('[{"name": "a.jpg"}, {"name": "\xe9.jpg"}]', encoding="latin-1")
    with pytest.raises(InputError, match="can't decode byte 0xe9") as error:
        reader.read(tmp_path, splits=["train"])
    assert error.value.where == f"{path}: record 2"


def test_a_number_that_no_computer_holds_is_refused_with_its_record(tmp_path: Path) -> None:
    text = json.dumps([{"name": "a.jpg", "labels": [CAR]}]).replace("30", "1e999")
    path = bdd100k(tmp_path, text, pictures=["a.jpg"])
    with pytest.raises(InputError, match="Number out of range") as error:
        reader.read(tmp_path, splits=["train"])
    assert error.value.where == f"{path}: record 1"


def test_braces_within_braces_without_end_are_refused(tmp_path: Path) -> None:
    text = '[{"name": "a.jpg"}, {"name": "b.jpg", "x": ' + '{"x": ' * 20_000 + "}" * 20_000 + "}]"
    bdd100k(tmp_path, text, pictures=["a.jpg"])
    with pytest.raises(InputError):
        reader.read(tmp_path, splits=["train"])


def test_an_image_that_leads_out_of_the_data_set_is_refused(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere.jpg"
    bdd100k(root, [{"name": "a.jpg"}, {"name": "b.jpg"}], pictures=["a.jpg"])
    image(elsewhere, (128, 72))
    (root / "images/100k/train/b.jpg").symlink_to("a.jpg")
    assert len(reader.read(root, splits=["train"])) == 2
    (root / "images/100k/train/b.jpg").unlink()
    (root / "images/100k/train/b.jpg").symlink_to(elsewhere)
    for look in (reader.read, reader.frames):
        with pytest.raises(InputError, match="leads out of the data set"):
            look(root, splits=["train"])


def test_labels_of_one_image_that_lead_out_of_the_data_set_are_refused(tmp_path: Path) -> None:
    path = as_100k(tmp_path / "root", "a", [CAR])
    path.rename(tmp_path / "a.json")
    path.symlink_to(tmp_path / "a.json")
    with pytest.raises(InputError, match="leads out of the data set"):
        reader.read(tmp_path / "root", splits=["train"])


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


def damages(data: bytes) -> st.SearchStrategy[bytes]:
    """The data with a byte changed, put in or left out, or cut off somewhere."""
    places = st.integers(0, len(data) - 1)
    byte = st.sampled_from(b'0123456789-.eE{}[],:" \\tnx\n\x00\xff').map(lambda b: bytes([b]))
    return st.one_of(
        st.builds(lambda at, b: data[:at] + b + data[at + 1 :], places, byte),
        st.builds(lambda at, b: data[:at] + b + data[at:], places, byte),
        places.map(lambda at: data[:at] + data[at + 1 :]),
        places.map(lambda at: data[:at]),
    )


SOUND = [
    {"name": "0.jpg", "labels": [CAR, LANE, bdd_label(-1, 0.5, 129, 73.25, category="van")]},
    {"name": "1.jpg", "attributes": {"weather": "foggy"}, "labels": None},
    {"name": "2.jpg", "videoName": "v", "frameIndex": 3, "labels": [AREA, CAR | {"id": 1}]},
]
MOMENT = {"name": "0", "attributes": {"scene": "tunnel"}, "frames": [{"objects": [CAR, LANE]}]}


@pytest.mark.parametrize(
    ("form", "file", "sound"),
    [
        ("det_20", "labels/det_20/det_train.json", SOUND),
        ("det_20", "labels/det_20/det_train.json", {"frames": SOUND, "config": {"a": [1]}}),
        ("100k", "labels/100k/train/0.json", MOMENT),
    ],
)
@settings(max_examples=120, deadline=None)
@given(st.data(), st.sampled_from([1, 100, 10_000]))
def test_damaged_labels_are_refused_or_give_boxes_within_their_images(
    three_pictures: Path, form: str, file: str, sound: Any, data: st.DataObject, chunk: int
) -> None:
    path = three_pictures / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.draw(damages(json.dumps(sound).encode())))
    with patch.multiple(_json_list, CHUNK=chunk):
        try:
            catalog = reader.read(three_pictures, splits=["train"], labels=form)
        except InputError as error:
            assert error.where
            return
    boxes = catalog.boxes
    assert (boxes[["left", "top"]] >= 0).all(axis=None)
    assert (boxes["right"] <= 128).all()
    assert (boxes["bottom"] <= 72).all()
    assert len(boxes) + len(catalog.dropped) <= 4


def test_a_split_read_in_pieces_is_the_split_read_in_one(three_pictures: Path) -> None:
    bdd100k(three_pictures, SOUND, pictures=["0.jpg", "1.jpg", "2.jpg"])
    whole = reader.read(three_pictures, splits=["train"])
    with patch.multiple(_json_list, CHUNK=50, TAIL=20):
        pieces = reader.read(three_pictures, splits=["train"])
        frames = reader.frames(three_pictures, splits=["train"])
    pd.testing.assert_frame_equal(pieces.frames, whole.frames)
    pd.testing.assert_frame_equal(pieces.boxes, whole.boxes)
    pd.testing.assert_frame_equal(frames, whole.frames.drop(columns=["width", "height"]))
