import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_layouts import SIZE, annotation, coco, edges, edits, listed, pictures, refused_or_read
from pycocotools.coco import COCO

from sim2real_lib.catalog import BOXES, Catalog
from sim2real_lib.datasets import coco as reader
from sim2real_lib.errors import InputError

SIDES = ["left", "top", "right", "bottom"]
TRAIN = "annotations/train.json"
A = listed(1, "a.jpg")
# What is done to the second of two sound records, and what is said of it
BAD_ANNOTATIONS = {
    "a box of three": ({"bbox": [1, 2, 3]}, "length 4"),
    "no box": ({"bbox": None}, "Expected `array`"),
    "an empty box": ({"bbox": []}, "length 4"),
    "a word in the box": ({"bbox": [1, 2, 3, "4"]}, "Expected `float`, got `str`"),
    "nothing in the box": ({"bbox": [1, 2, 3, None]}, "Expected `float`, got `null`"),
    "not a number": ({"bbox": [1, 2, float("nan"), 4]}, "NaN or Infinity"),
    "infinite": ({"bbox": [1, 2, float("inf"), 4]}, "NaN or Infinity"),
    "minus infinite": ({"bbox": [-float("inf"), 2, 3, 4]}, "NaN or Infinity"),
    "beyond any number": ({"bbox": [1, 2, 10**400, 4]}, "out of range"),
    "an unknown image": ({"image_id": 9}, "no image with the id 9"),
    "an id of another type": ({"image_id": "1"}, "no image with the id '1'"),
    "an unknown category": ({"category_id": 0}, "no category with the id 0"),
    "half a category": ({"category_id": 1.5}, "Expected `int | str`"),
    "an id a second time": ({"id": 1}, "its id 1 is annotation 1's, too"),
    "a crowd of two": ({"iscrowd": 2}, "<= 1"),
    "a word for a flag": ({"occluded": "yes"}, "got `str`"),
    "a word for a nested flag": ({"attributes": {"truncated": "no"}}, "got `str`"),
    "half a flag": ({"truncated": 0.35}, "got `float`"),
}
BAD_IMAGES = {
    "no name": ({"file_name": None}, "Expected `str`"),
    "an empty name": ({"file_name": ""}, "no name of an image"),
    "the folder above": ({"file_name": "../a.jpg"}, "leads out of the data set"),
    "out by a detour": ({"file_name": "b/../../a.jpg"}, "leads out of the data set"),
    "an absolute name": ({"file_name": "/etc/a.jpg"}, "leads out of the data set"),
    "a name from Windows": ({"file_name": "b\\a.jpg"}, "backslash"),
    "a name with an end": ({"file_name": "b.jpg\0"}, "invisible"),
    "a name without end": ({"file_name": "b" * 300 + ".jpg"}, "longer than paths are"),
    "a name a second time": ({"file_name": "a.jpg"}, "image 1's name"),
    "the same in other words": ({"file_name": "./a.jpg"}, "image 1's name"),
    "the name in another format": ({"file_name": "a.png"}, "image 1's name"),
    "an id a second time": ({"id": 1}, "its id 1 is image 1's, too"),
    "an unheard-of weather": ({"weather": "hail"}, "no weather 'hail'"),
    "an unheard-of time": ({"attributes": {"timeofday": "noon"}}, "no timeofday 'noon'"),
    "a number for a scene": ({"scene": 3}, "Expected `str"),
    "another width": ({"width": 1280}, "1280x72 pixels, but 'b.jpg' has 128x72"),
    "no height": ({"height": 0}, "128x0 pixels, but 'b.jpg' has 128x72"),
    "width and height swapped": ({"width": 72, "height": 128}, "72x128 pixels"),
}
BAD_CATEGORIES = {
    "an id a second time": ({"id": 1}, "its id 1 is category 1's, too"),
    "no name": ({"name": None}, "Expected `str`"),
    "a blank name": ({"name": "  "}, "matching regex"),
    "a number for a name": ({"name": 7}, "Expected `str`"),
}


def read_one(root: Path, *annotations: Any, **fields: Any) -> Catalog:
    """A data set of one image, a.jpg, with these annotations and fields."""
    pictures(root / "images", "a.jpg")
    coco(root / TRAIN, [A | fields], annotations)
    return reader.read(root, source="gta5")


def refused(root: Path, **options: Any) -> InputError:
    with pytest.raises(InputError) as error:
        reader.read(root, **{"source": "gta5", **options})
    return error.value


def test_a_frame_is_named_by_source_split_and_file(tmp_path: Path) -> None:
    for split, name in (("train", "a.b.jpg"), ("val", "c.png"), ("test", "night/d.jpg")):
        pictures(tmp_path / "images" / split, name)
        coco(tmp_path / f"annotations/{split}.json", [listed(7, name)])
    frames = reader.read(tmp_path, source="gta5", scene="highway").frames
    assert list(frames["frame_id"]) == ["gta5/train/a.b", "gta5/val/c", "gta5/test/night/d"]
    assert list(frames["split"]) == ["train", "val", "test"]
    assert list(frames["sequence"]) == ["a.b", "c", "night"]
    assert set(frames["source"] + frames["variant"] + frames["scene"]) == {"gta5originalhighway"}
    assert list(frames["image"])[2] == f"{tmp_path}/images/test/night/d.jpg"
    assert (frames["width"][0], frames["height"][0]) == SIZE


@pytest.mark.parametrize(
    ("labels", "images"),
    [
        ("annotations/instances_train2017.json", "train2017"),
        ("annotations/instances_train2017.json", "images/train2017"),
        ("annotations/instances_train.json", "train_full"),
        ("annotations/train.json", "images/train"),
        ("annotations/train.json", "train"),
        ("annotations/train.json", "images"),
        ("annotations/train.json", "annotations"),
        ("annotations/train.json", "."),
        ("train/_annotations.coco.json", "train"),
    ],
)
def test_each_usual_layout_is_found(tmp_path: Path, labels: str, images: str) -> None:
    pictures(tmp_path / images, "a.jpg")
    coco(tmp_path / labels, [A], [annotation()])
    catalog = reader.read(tmp_path, source="gta5")
    assert list(catalog.frames["image"]) == [str(tmp_path / images / "a.jpg")]
    assert len(catalog.boxes) == 1


def test_roboflows_valid_is_val(tmp_path: Path) -> None:
    pictures(tmp_path / "valid", "a.jpg")
    coco(tmp_path / "valid/_annotations.coco.json", [A])
    assert list(reader.read(tmp_path, source="gta5").frames["frame_id"]) == ["gta5/val/a"]


def test_files_and_folders_can_be_named(tmp_path: Path) -> None:
    pictures(tmp_path / "pictures", "night/a.jpg")
    pictures(tmp_path / "val", "night/a.jpg")
    coco(tmp_path / "truth/all.json", [listed(1, "night/a.jpg")])
    frames = reader.read(
        tmp_path, source="gta5", labels={"valid": "truth/all.json"}, images={"val": "pictures"}
    ).frames
    assert list(frames["image"]) == [str(tmp_path / "pictures/night/a.jpg")]
    assert list(frames["frame_id"]) == ["gta5/val/night/a"]


def test_the_folder_that_is_named_like_the_file_comes_first(tmp_path: Path) -> None:
    for folder in ("train_clear", "train_fog", "images"):
        pictures(tmp_path / folder, "a.jpg")
    coco(tmp_path / "annotations/instances_train_fog.json", [A])
    frames = reader.read(tmp_path, source="gta5").frames
    assert list(frames["image"]) == [str(tmp_path / "train_fog/a.jpg")]


def test_several_folders_that_could_be_meant_are_refused(tmp_path: Path) -> None:
    for folder in ("train_clear", "train_fog"):
        pictures(tmp_path / folder, "a.jpg")
    path = coco(tmp_path / TRAIN, [A])
    error = refused(tmp_path)
    assert error.what == "its images may be in train_clear, train_fog"
    assert (error.where, error.remedy) == (str(path), "Choose one in `images`")


def test_several_files_that_could_be_meant_are_refused(tmp_path: Path) -> None:
    for year in ("2014", "2017"):
        coco(tmp_path / f"annotations/instances_train{year}.json", [A])
    error = refused(tmp_path)
    assert "instances_train2014.json, annotations/instances_train2017.json" in error.what
    assert error.remedy == "Choose one in `labels`"


def test_a_folder_without_labels_is_one_clear_line(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert (error.where, error.what) == (str(tmp_path), "there are no COCO labels here")
    assert "instances_<split>*.json" in error.remedy
    assert refused(tmp_path / "nowhere").what == "there is no such folder"


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"labels": {"train": "../train.json"}}, "labels"),
        ({"labels": {"train": "/etc/train.json"}}, "labels"),
        ({"labels": {"train": "annotations/none.json"}}, "/annotations/none.json"),
        ({"labels": {"train": ""}}, ""),
        ({"labels": {"all": TRAIN}}, "labels"),
        ({"labels": {"val": TRAIN, "valid": TRAIN}}, "labels"),
        ({"images": {"train": "../images"}}, "images"),
        ({"images": {"train": "nowhere"}}, f"/{TRAIN}"),
        ({"images": {"val": "images"}}, "images"),
        ({"source": "kitti"}, "source"),
        ({"source": "GTA 5"}, "source"),
        ({"source": ""}, "source"),
        ({"source": "../a"}, "source"),
        ({"weather": "hail"}, "parameters"),
        ({"timeofday": "noon"}, "parameters"),
        ({"sequence_pattern": "("}, "sequence_pattern"),
        ({"sequence_pattern": "a"}, "sequence_pattern"),
        ({"sequence_pattern": "(b)"}, "/images/a.jpg"),
        ({"sequence_pattern": "(b?)"}, "/images/a.jpg"),
        ({"sequence_pattern": "(a)(.)"}, "/images/a.jpg"),
        ({"sequence_pattern": "(a)(1)?"}, "/images/a.jpg"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_refused(
    tmp_path: Path, options: dict[str, Any], where: str
) -> None:
    pictures(tmp_path / "images", "a.jpg")
    coco(tmp_path / TRAIN, [A])
    error = refused(tmp_path, **options)
    assert error.where == (where if where.isidentifier() else f"{tmp_path}{where}")


def test_links_may_not_lead_out_of_the_root_unless_the_layout_names_them(tmp_path: Path) -> None:
    root, other = tmp_path / "root", tmp_path / "other"
    pictures(other, "a.jpg")
    coco(root / TRAIN, [A])
    (root / "train").symlink_to(other)  # images on another disk
    assert len(reader.read(root, source="gta5")) == 1
    assert "leads out of the data set" in refused(root, images={"train": "train"}).what
    (root / "train").unlink()
    (root / "train").mkdir()
    (root / "train/a.jpg").symlink_to(other / "a.jpg")
    assert "leads out of the data set" in refused(root).what
    coco(root / TRAIN, [listed(1, "deep/a.jpg")])
    (root / "train/a.jpg").unlink()
    (root / "train/deep").symlink_to(other)
    assert "leads out of the data set" in refused(root).what
    (root / TRAIN).unlink()
    (root / TRAIN).symlink_to(coco(other / "train.json", [A]))
    assert "leads out of the data set" in refused(root).what
    assert "leads out of the data set" in refused(root, labels={"train": TRAIN}).what


def test_the_pattern_finds_sequence_and_number_in_the_name(tmp_path: Path) -> None:
    names = ["Town01_0012.jpg", "Town02_0003.jpg", "Town01_0007.jpg"]
    pictures(tmp_path / "images", *names)
    coco(tmp_path / TRAIN, [listed(number, name) for number, name in enumerate(names)])
    frames = reader.read(tmp_path, source="gta5", sequence_pattern=r"(\w+)_(\d+)").frames
    assert list(frames["sequence"]) == ["Town01", "Town02", "Town01"]
    assert list(frames["index"]) == [12, 3, 7]
    frames = reader.read(tmp_path, source="gta5", sequence_pattern=r"^(\w+)_").frames
    assert list(frames["index"]) == [1, 0, 0]


def test_by_default_subfolders_are_sequences_in_the_order_of_names(tmp_path: Path) -> None:
    names = ["b/2.jpg", "b/1.jpg", "a/1.jpg", "1.jpg"]
    pictures(tmp_path / "images", *names)
    coco(tmp_path / TRAIN, [listed(number, name) for number, name in enumerate(names)])
    frames = reader.read(tmp_path, source="gta5").frames
    assert list(frames["sequence"]) == ["b", "b", "a", "1"]
    assert list(frames["index"]) == [1, 0, 0, 0]


def test_images_of_one_name_in_two_splits_are_sequences_by_themselves(tmp_path: Path) -> None:
    for split in ("train", "val"):
        pictures(tmp_path / split, "1.jpg")
        coco(tmp_path / f"annotations/{split}.json", [listed(1, "1.jpg")])
    frames = reader.read(tmp_path, source="gta5").frames
    assert list(frames["sequence"]) == ["train/1", "val/1"]


def test_an_image_in_two_splits_is_refused(tmp_path: Path) -> None:
    pictures(tmp_path / "images", "a.jpg")
    for split in ("train", "val"):
        coco(tmp_path / f"annotations/{split}.json", [A])
    error = refused(tmp_path)
    assert (error.where, error.what) == (f"{tmp_path}/images/a.jpg", "it is in train and in val")


@pytest.mark.parametrize("place", ["itself", "attributes"])
def test_an_image_may_say_its_conditions(tmp_path: Path, place: str) -> None:
    own = {"weather": "foggy", "timeofday": "dawn/dusk", "scene": "city street"}
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    fields = own if place == "itself" else {"attributes": own | {"weight": 3}}
    coco(tmp_path / TRAIN, [A | fields, listed(2, "b.jpg", weather=None)])
    frames = reader.read(tmp_path, source="gta5", weather="rainy", timeofday="night").frames
    columns = ["weather", "timeofday", "scene"]
    assert frames[columns].to_numpy().tolist() == [
        ["foggy", "dawn/dusk", "city street"],
        ["rainy", "night", "undefined"],
    ]


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("car", "car"), ("Car", "car"), ("Person", "pedestrian"), ("traffic cone", "traffic cone"),
        ("<b>Car</b> & 'x'", "<b>car</b> & 'x'"), ("自動車", "自動車"), ("a\tb", "a\tb"),
    ],
)  # fmt: skip
def test_names_become_ours_and_unknown_ones_stay(tmp_path: Path, raw: str, canonical: str) -> None:
    pictures(tmp_path / "images", "a.jpg")
    categories = [{"id": 0, "name": raw, "supercategory": "none"}, {"id": 5, "name": "bus"}]
    coco(tmp_path / TRAIN, [A], [annotation(category_id=0)], categories)
    box = reader.read(tmp_path, source="gta5").boxes.iloc[0]
    assert (box["class"], box["raw_class"], bool(box["ignore"])) == (canonical, raw, False)


@pytest.mark.parametrize("field", ["iscrowd", "ignore"])
@pytest.mark.parametrize(("value", "ignored"), [(1, True), (True, True), (0, False), (None, False)])
def test_crowds_are_areas_to_ignore(tmp_path: Path, field: str, value: Any, ignored: bool) -> None:
    boxes = read_one(tmp_path, annotation(**{field: value})).boxes
    assert list(boxes["ignore"]) == [ignored]


@pytest.mark.parametrize(
    ("fields", "occluded", "truncated"),
    [
        ({"occluded": True, "truncated": 0}, True, False),
        ({"attributes": {"occluded": 1, "truncated": False, "rotation": 0.0}}, True, False),
        ({"occluded": 0, "attributes": {"occluded": True}}, False, None),
        ({"attributes": {}}, None, None),
        ({"attributes": None}, None, None),
        ({}, None, None),
    ],
)
def test_flags_are_read_and_unknown_when_absent(
    tmp_path: Path, fields: dict[str, Any], occluded: bool | None, truncated: bool | None
) -> None:
    box = read_one(tmp_path, annotation(**fields)).boxes.iloc[0]
    for value, expected in ((box["occluded"], occluded), (box["truncated"], truncated)):
        assert value is pd.NA if expected is None else value == expected


def test_ids_may_be_words(tmp_path: Path) -> None:
    pictures(tmp_path / "images", "a.jpg")
    row = annotation(image_id="x") | {"category_id": "c", "id": "first"}
    coco(tmp_path / TRAIN, [A | {"id": "x"}], [row], [{"id": "c", "name": "bus"}])
    assert list(reader.read(tmp_path, source="gta5").boxes["class"]) == ["bus"]


@pytest.mark.parametrize(
    "bbox", [[9, 9, 0, 5], [9, 9, -3, 5], [9, 9, 5, -1], [500, 9, 5, 5], [1e308, 9, 1e308, 5]]
)
def test_a_box_without_area_or_outside_is_dropped_and_reported(
    tmp_path: Path, bbox: list[float]
) -> None:
    catalog = read_one(tmp_path, annotation(), annotation(2, bbox=bbox))
    assert len(catalog.boxes) == 1
    assert list(catalog.dropped["line"]) == [2]
    assert catalog.dropped["reason"][0].startswith("gta5/train/a: a car ")


def test_an_image_that_is_not_on_disk_is_dropped_once_with_its_boxes(tmp_path: Path) -> None:
    pictures(tmp_path / "images", "b.jpg")
    rows = [annotation(), annotation(2), annotation(3, image_id=2)]
    path = coco(tmp_path / TRAIN, [A, listed(2, "b.jpg")], rows)
    catalog = reader.read(tmp_path, source="gta5")
    assert list(catalog.boxes["frame_id"]) == list(catalog.frames["frame_id"]) == ["gta5/train/b"]
    assert catalog.dropped.to_numpy().tolist() == [
        [str(path), 1, "gta5/train/a: its image is not on disk"]
    ]


def test_a_list_none_of_whose_images_is_there_is_refused(tmp_path: Path) -> None:
    path = coco(tmp_path / TRAIN, [A])
    error = refused(tmp_path)
    assert (error.where, error.what) == (str(path), "none of the 1 listed images is there")
    assert "images/train" in error.remedy


@pytest.mark.parametrize("annotations", [[], [annotation(image_id=2)]])
def test_an_image_without_annotations_is_kept_without_boxes(
    tmp_path: Path, annotations: list[Any]
) -> None:
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    coco(tmp_path / TRAIN, [A, listed(2, "b.jpg")], annotations)
    catalog = reader.read(tmp_path, source="gta5")
    assert (len(catalog), len(catalog.boxes)) == (2, len(annotations))


def test_what_the_format_also_has_is_passed_over(tmp_path: Path) -> None:
    more = {"segmentation": {"counts": "a", "size": [1, 2]}, "area": "unknown", "score": None}
    catalog = read_one(tmp_path, annotation(**more), license=1, coco_url="http://a", video_id=3)
    assert len(catalog.boxes) == 1


def test_sizes_need_not_be_said(tmp_path: Path) -> None:
    pictures(tmp_path / "images", "a.jpg")
    coco(tmp_path / TRAIN, [{"id": 1, "file_name": "a.jpg"}])
    assert len(reader.read(tmp_path, source="gta5")) == 1


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    pictures(tmp_path / "images", "a.jpg")
    path = coco(tmp_path / TRAIN, [A])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(reader.read(tmp_path, source="gta5")) == 1


@pytest.mark.parametrize("what", BAD_ANNOTATIONS)
def test_a_malformed_annotation_is_refused_with_file_and_number(tmp_path: Path, what: str) -> None:
    fields, said = BAD_ANNOTATIONS[what]
    with pytest.raises(InputError) as error:
        read_one(tmp_path, annotation(), annotation(2) | fields)
    assert said in error.value.what
    assert error.value.where == f"{tmp_path / TRAIN}: annotation 2"


@pytest.mark.parametrize("what", BAD_IMAGES)
def test_a_malformed_image_is_refused_with_file_and_number(tmp_path: Path, what: str) -> None:
    fields, said = BAD_IMAGES[what]
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    path = coco(tmp_path / TRAIN, [A, listed(2, "b.jpg") | fields])
    error = refused(tmp_path)
    assert said in error.what
    assert error.where == f"{path}: image 2"


@pytest.mark.parametrize("what", BAD_CATEGORIES)
def test_a_malformed_category_is_refused_with_file_and_number(tmp_path: Path, what: str) -> None:
    fields, said = BAD_CATEGORIES[what]
    pictures(tmp_path / "images", "a.jpg")
    categories = [{"id": 1, "name": "car"}, {"id": 2, "name": "bus"} | fields]
    path = coco(tmp_path / TRAIN, [A], (), categories)
    error = refused(tmp_path)
    assert said in error.what
    assert error.where == f"{path}: category 2"


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "3", '{"images": []}', '"\udcff"', "PK\x03\x04", "[" * 100_000,
        '{"images": [], "annotations": [], "categories": []} x',
        '{"images": [], "annotations": [], "categories": [], "x": ' + "[" * 100_000,
        '{"images": [], "annotations": [], "categories": [], "x": NaN}',
        '{"images": [], "annotations": [], "categories": {}}',
        '{"images": [{"id": 1, "file_name": "\\ud800"}], "annotations": [], "categories": []}',
    ],
)  # fmt: skip
def test_damaged_or_foreign_json_is_refused(tmp_path: Path, text: str) -> None:
    pictures(tmp_path / "images", "a.jpg")
    path = coco(tmp_path / TRAIN, [A])
    path.write_bytes(text.encode(errors="surrogateescape"))
    error = refused(tmp_path)
    assert "not a COCO file" in error.what
    assert error.where == str(path)


def test_a_json_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / TRAIN).mkdir(parents=True)
    error = refused(tmp_path)
    assert (error.where, error.what) == (str(tmp_path / TRAIN), "is a directory")


def test_an_image_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.jpg").write_text("not an image")
    coco(tmp_path / TRAIN, [A])
    assert refused(tmp_path).where == str(tmp_path / "images/a.jpg")


@pytest.fixture(scope="module")
def three_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("coco")
    pictures(root / "images", "0.jpg", "1.jpg", "deep/2.png")
    return root


NAMES = ("0.jpg", "1.jpg", "deep/2.png")
flags = st.sampled_from([None, True, False])
objects = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(0, 2), edges(SIZE[0]), edges(SIZE[1]), flags, flags,
        st.booleans(),
    ),
    max_size=12,
)  # fmt: skip
KINDS = ("car", "traffic light", "rider")


def annotations_of(rows: list[Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": number + 1, "image_id": image, "category_id": 10 * kind,
            "bbox": [x[0], y[0], x[1] - x[0], y[1] - y[0]], "iscrowd": int(crowd),
            "attributes": {"occluded": occluded, "truncated": truncated},
        }
        for number, (image, kind, x, y, occluded, truncated, crowd) in enumerate(rows)
    ]  # fmt: skip


def written(root: Path, rows: list[Any]) -> Path:
    return coco(
        root / TRAIN,
        [listed(number, name) for number, name in enumerate(NAMES)],
        annotations_of(rows),
        [{"id": 10 * number, "name": name} for number, name in enumerate(KINDS)],
    )


@settings(max_examples=12, deadline=None)
@given(objects)
def test_what_is_written_in_the_format_is_read_back(three_pictures: Path, rows: list) -> None:
    written(three_pictures, rows)
    catalog = reader.read(three_pictures, source="own")
    assert list(catalog.frames["frame_id"]) == ["own/train/0", "own/train/1", "own/train/deep/2"]
    assert catalog.dropped.empty
    expected = pd.DataFrame(
        [
            {
                "frame_id": f"own/train/{NAMES[image].split('.')[0]}", "class": KINDS[kind],
                "left": x[0], "top": y[0], "right": x[1], "bottom": y[1], "occluded": occluded,
                "occlusion": None, "truncated": truncated, "visible_pixels": None,
                "ignore": crowd, "raw_class": KINDS[kind],
            }
            for image, kind, x, y, occluded, truncated, crowd in rows
        ],
        columns=list(BOXES.columns),
    )  # fmt: skip
    pd.testing.assert_frame_equal(
        catalog.boxes, BOXES.validate(expected), check_exact=False, rtol=0, atol=1e-9
    )


@settings(max_examples=12, deadline=None)
@given(objects)
def test_boxes_are_those_of_pycocotools(three_pictures: Path, rows: list) -> None:
    path = written(three_pictures, rows)
    boxes = reader.read(three_pictures, source="own").boxes
    with contextlib.redirect_stdout(io.StringIO()):
        official = COCO(str(path))
    for number, name in enumerate(NAMES):
        found = official.loadAnns(official.getAnnIds(imgIds=[number]))
        own = boxes[boxes["frame_id"] == f"own/train/{name.split('.')[0]}"]
        names = [official.cats[one["category_id"]]["name"] for one in found]
        assert list(own["raw_class"]) == names
        assert list(own["ignore"]) == [bool(one["iscrowd"]) for one in found]
        corners = np.array([one["bbox"] for one in found]).reshape(-1, 4)
        corners[:, 2:] += corners[:, :2]
        np.testing.assert_allclose(own[SIDES].to_numpy(), corners, rtol=0, atol=1e-9)


SOUND = [
    (image, kind, (8.0, 40.5), (4.25, 30.0), True, None, False)
    for image in range(3)
    for kind in range(2)
]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused_but_never_breaks(
    three_pictures: Path, data: st.DataObject
) -> None:
    path = written(three_pictures, SOUND)
    path.write_bytes(data.draw(edits(path.read_bytes())))
    refused_or_read(lambda: reader.read(three_pictures, source="own"), three_pictures)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["images", "annotations", "categories"]),
    st.sampled_from(
        ["id", "file_name", "width", "bbox", "image_id", "category_id", "iscrowd", "attributes"]
    ),
    json_values,
)
def test_any_value_in_any_field_is_read_or_refused(
    three_pictures: Path, part: str, field: str, value: Any
) -> None:
    path = written(three_pictures, SOUND)
    content = json.loads(path.read_text())
    content[part][1][field] = value
    path.write_text(json.dumps(content))
    catalog = refused_or_read(lambda: reader.read(three_pictures, source="own"), three_pictures)
    if catalog is not None:
        assert len(catalog) + len(catalog.dropped) >= len(NAMES)
