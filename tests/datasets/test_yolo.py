from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import text
from own_layouts import SIZE, edges, edits, labelled, pictures, refused_or_read, yolo

from sim2real_lib.catalog import BOXES, Catalog
from sim2real_lib.datasets import yolo as reader
from sim2real_lib.detection import offline
from sim2real_lib.errors import InputError

CAR = "0 0.5 0.5 0.25 0.5"
BAD_LINES = {
    "a confidence": ("0 0.5 0.5 0.25 0.5 0.9", "6 numbers in a line; a confidence"),
    "too few": ("0 0.5 0.5 0.25", "4 numbers in a line"),
    "two lines run together": (f"{CAR} {CAR}", "10 numbers"),
    "half a corner": ("0 0.1 0.1 0.9 0.1 0.9 0.9 0.1", "8 numbers in a line"),
    "a line of points": ("0 0.1 0.1 0.9 0.9 0.5 0.5 1.2 0.1", "'1.2' is not a part of the image"),
    "a corner that is no number": ("0 0.1 0.1 0.9 0.1 nan 0.9", "'nan' is not a part"),
    "a name for a class": ("car 0.5 0.5 0.25 0.5", "'car' is not a number"),
    "a class without a name": ("2 0.5 0.5 0.25 0.5", "no name for class 2"),
    "a class before the first": ("-1 0.5 0.5 0.25 0.5", "no name for class -1"),
    "half a class": ("0.5 0.5 0.5 0.25 0.5", "no name for class 0.5"),
    "no class": ("nan 0.5 0.5 0.25 0.5", "no name for class nan"),
    "not a number": ("0 nan 0.5 0.25 0.5", "x is nan"),
    "infinite": ("0 0.5 inf 0.25 0.5", "y is inf"),
    "beyond any number": ("0 0.5 0.5 1e999 0.5", "width is inf"),
    "Python's own numbers": ("0 0_1 0.5 0.25 0.5", "'0_1' is not a number"),
    "another script's digits": ("0 ٠ 0.5 0.25 0.5", "'٠' is not a number"),
    "commas": ("0, 0.5, 0.5, 0.25, 0.5", "'0,' is not a number"),
    "pixels": ("0 64 36 32 36", "x is 64.0, not a part of the image"),
    "too far left": ("0 -0.02 0.5 0.25 0.5", "x is -0.02"),
    "too far down": ("0 0.5 1.02 0.25 0.5", "y is 1.02"),
    "inside out": ("0 0.5 0.5 -0.25 0.5", "width is -0.25"),
    "too high": ("0 0.5 0.5 0.25 1.02", "height is 1.02"),
    "no text": ("0 0.5 0.5 \0 0.5", "not a text file"),
    "another encoding": ("0 0.5 0.5 \udcff 0.5", "not a text file"),
}
BAD_DATA = {
    "no names": {"train": "images/train"},
    "names that are no names": {"names": 3, "train": "images/train"},
    "a name that YAML makes a truth": {"names": ["car", False], "train": "images/train"},
    "a name that YAML makes a number": {"names": {0: 50}, "train": "images/train"},
    "a blank name": {"names": [" "], "train": "images/train"},
    "half a name": {"names": ["\ud800"], "train": "images/train"},
    "a word for a number": {"names": {"zero": "car"}, "train": "images/train"},
    "a number before the first": {"names": {-1: "car"}, "train": "images/train"},
    "another count": {"names": ["car"], "nc": 2, "train": "images/train"},
    "key points": {"names": ["car"], "kpt_shape": [17, 2], "train": "images/train"},
    "no split": {"names": ["car"]},
    "a number for a folder": {"names": ["car"], "train": 3},
    "a number among folders": {"names": ["car"], "train": ["images/train", 3]},
    "a folder that is not there": {"names": ["car"], "train": "images/nowhere"},
    "a folder outside": {"names": ["car"], "train": "../../images/train"},
    "an absolute folder": {"names": ["car"], "train": "/etc"},
    "a folder without end": {"names": ["car"], "train": "a" * 300},
    "a folder from Windows": {"names": ["car"], "train": "images\\train"},
    "a path outside": {"names": ["car"], "path": "../elsewhere", "train": "images/train"},
    "a path elsewhere": {"names": ["car"], "path": "/content/gta5", "train": "images/train"},
    "no mapping": ["car"],
    "nothing": None,
}


def read_lines(root: Path, *lines: str) -> Catalog:
    """A data set of one image, a.jpg, with these lines."""
    yolo(root)
    labelled(root, {"a.jpg": lines})
    return reader.read(root, source="gta5")


def refused(root: Path, **options: Any) -> InputError:
    with pytest.raises(InputError) as error:
        reader.read(root, **{"source": "gta5", **options})
    return error.value


def test_a_frame_is_named_by_source_split_and_file(tmp_path: Path) -> None:
    yolo(tmp_path, train="images/train", valid="images/valid", test="images/test")
    for split, name in (("train", "a.b.jpg"), ("valid", "c.PNG"), ("test", "night/d.jpeg")):
        labelled(tmp_path, {name: [CAR]}, split=split)
    catalog = reader.read(tmp_path, source="gta5", weather="rainy", timeofday="night", scene="city")
    frames = catalog.frames
    assert list(frames["frame_id"]) == ["gta5/train/a.b", "gta5/val/c", "gta5/test/night/d"]
    assert list(frames["split"]) == ["train", "val", "test"]
    assert list(frames["sequence"]) == ["a.b", "c", "night"]
    assert set(frames["source"] + frames["variant"]) == {"gta5original"}
    assert set(frames["weather"] + frames["timeofday"] + frames["scene"]) == {"rainynightcity"}
    assert list(frames["image"])[2] == f"{tmp_path}/images/test/night/d.jpeg"
    assert len(catalog.boxes) == 3


def test_a_box_is_in_pixels_and_keeps_its_name(tmp_path: Path) -> None:
    box = read_lines(tmp_path, "1 0.5 0.5 0.25 0.5").boxes.iloc[0]
    assert (box["class"], box["raw_class"], bool(box["ignore"])) == ("pedestrian", "person", False)
    assert list(box[["left", "top", "right", "bottom"]]) == [48, 18, 80, 54]
    assert box[["occluded", "occlusion", "truncated", "visible_pixels"]].isna().all()


def test_a_polygon_becomes_the_box_around_it(tmp_path: Path) -> None:
    lines = ["0 0.5 0 1 0.5 0.25 1", "1 0.125 0.25 0.25 0.25 0.25 0.5 0.125 0.5", CAR]
    boxes = read_lines(tmp_path, *lines).boxes
    assert boxes[["left", "top", "right", "bottom"]].to_numpy().tolist() == [
        [32, 0, 128, 72], [16, 18, 32, 36], [48, 18, 80, 54],
    ]  # fmt: skip
    assert list(boxes["class"]) == ["car", "pedestrian", "car"]


@pytest.mark.parametrize(
    "lines",
    [
        ["", CAR, "  ", ""], [f"  {CAR}\t"], [CAR.replace(" ", "\t")], [f"{CAR}\r"],
        [f"\ufeff{CAR}"], ["0.0 5e-1 .5 +0.25 0.50000"],
    ],
)  # fmt: skip
def test_spaces_and_spellings_of_numbers_do_not_matter(tmp_path: Path, lines: list[str]) -> None:
    boxes = read_lines(tmp_path, *lines).boxes
    assert boxes[["left", "top", "right", "bottom"]].to_numpy().tolist() == [[48, 18, 80, 54]]


@pytest.mark.parametrize(
    ("train", "images"),
    [
        ("images/train", "images/train"),
        ("./images/train/", "images/train"),
        ("train/images", "train/images"),
        ("../train/images", "train/images"),
        (["images/one", "images/two"], "images/one"),
        ("images", "images"),
        ("pictures", "pictures"),
        (".", "images"),
    ],
)
def test_each_usual_layout_is_found(tmp_path: Path, train: Any, images: str) -> None:
    yolo(tmp_path, train=train)
    (tmp_path / "images/two").mkdir(parents=True)
    pictures(tmp_path / "images/two", "b.jpg")
    text(tmp_path / "labels/two/b.txt", [])
    pictures(tmp_path / images, "a.jpg")
    text(tmp_path / images.replace("images", "labels") / "a.txt", [CAR])
    catalog = reader.read(tmp_path, source="gta5")
    assert str(tmp_path / images / "a.jpg") in set(catalog.frames["image"])
    assert list(catalog.boxes["frame_id"]) == [
        frame_id for frame_id in catalog.frames["frame_id"] if frame_id.endswith("/a")
    ]


def test_the_folders_of_a_split_stay_apart(tmp_path: Path) -> None:
    yolo(tmp_path, train=["images/clear", "images/fog"])
    for folder in ("clear", "fog"):
        labelled(tmp_path, {"a.jpg": [CAR]}, split=folder)
    frames = reader.read(tmp_path, source="gta5").frames
    assert list(frames["frame_id"]) == ["gta5/train/clear/a", "gta5/train/fog/a"]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("train.txt", "./images/train/a.jpg"),
        ("train.txt", "images/train/a.jpg"),
        ("lists/train.txt", "images/train/a.jpg"),
        ("lists/train.txt", "../images/train/a.jpg"),
        ("images/train.txt", "train/a.jpg"),
        ("train.txt", "{root}/images/train/a.jpg"),
    ],
)
def test_a_split_may_be_a_list_of_images(tmp_path: Path, place: str, line: str) -> None:
    yolo(tmp_path, train=place)
    labelled(tmp_path, {"a.jpg": [CAR], "not listed.jpg": [CAR]})
    text(tmp_path / place, ["", line.format(root=tmp_path), ""])
    catalog = reader.read(tmp_path, source="gta5")
    assert list(catalog.frames["frame_id"]) == list(catalog.boxes["frame_id"]) == ["gta5/train/a"]
    assert catalog.dropped.empty


def test_folders_count_from_path(tmp_path: Path) -> None:
    yolo(tmp_path, path="data", train="images/train", val="val.txt", test=None)
    labelled(tmp_path / "data", {"a.jpg": [CAR]})
    labelled(tmp_path / "data", {"b.jpg": [CAR]}, split="val")
    text(tmp_path / "data/val.txt", ["images/val/b.jpg"])
    frames = reader.read(tmp_path, source="gta5").frames
    assert list(frames["frame_id"]) == ["gta5/train/a", "gta5/val/b"]


def test_the_yaml_file_may_have_another_name_and_place(tmp_path: Path) -> None:
    labelled(tmp_path, {"a.jpg": [CAR]})
    yolo(tmp_path).rename(tmp_path / "gta5.yaml")
    assert len(reader.read(tmp_path, source="gta5")) == 1
    (tmp_path / "more.yaml").write_text("{}")
    assert refused(tmp_path).remedy == "Choose one in `data`: gta5.yaml, more.yaml"
    assert len(reader.read(tmp_path, source="gta5", data="gta5.yaml")) == 1
    yolo(tmp_path / "config", train="../images/train")
    assert len(reader.read(tmp_path, source="gta5", data="config/data.yaml")) == 1
    (tmp_path / "data.yaml").write_text((tmp_path / "gta5.yaml").read_text())
    assert len(reader.read(tmp_path, source="gta5")) == 1


def test_names_may_be_numbered_with_gaps(tmp_path: Path) -> None:
    yolo(tmp_path, names={7: "bus", 0: "Car", 3: "<b>"})
    labelled(tmp_path, {"a.jpg": [CAR, "7" + CAR[1:], "3" + CAR[1:]]})
    assert list(reader.read(tmp_path, source="gta5").boxes["raw_class"]) == ["Car", "bus", "<b>"]
    labelled(tmp_path, {"a.jpg": ["1" + CAR[1:]]})
    assert refused(tmp_path).what == "the YAML file has no name for class 1"


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("Car", "car"), ("Person", "pedestrian"), ("traffic light", "traffic light"),
        ("<b>Car</b> & 'x'", "<b>car</b> & 'x'"), ("自動車", "自動車"), ("no", "no"), ("7", "7"),
    ],
)  # fmt: skip
def test_names_become_ours_and_unknown_ones_stay(tmp_path: Path, raw: str, canonical: str) -> None:
    yolo(tmp_path, names=[raw])
    labelled(tmp_path, {"a.jpg": [CAR]})
    box = reader.read(tmp_path, source="gta5").boxes.iloc[0]
    assert (box["class"], box["raw_class"]) == (canonical, raw)


def test_an_image_without_label_file_has_no_objects(tmp_path: Path) -> None:
    yolo(tmp_path)
    labelled(tmp_path, {"a.jpg": [CAR], "b.jpg": [], "c.jpg": []})
    (tmp_path / "labels/train/c.txt").unlink()
    catalog = reader.read(tmp_path, source="gta5")
    assert (len(catalog), len(catalog.boxes), len(catalog.dropped)) == (3, 1, 0)


@pytest.mark.parametrize("bare", ["train", "train/aachen", "val"])
def test_a_folder_none_of_whose_images_has_labels_is_refused(tmp_path: Path, bare: str) -> None:
    yolo(tmp_path, train="images/train", val="images/val")
    for split in ("train", "train/aachen", "val"):
        labelled(tmp_path, {"a.jpg": [CAR], "b.jpg": []}, split=split)
    for name in ("a", "b"):
        (tmp_path / f"labels/{bare}/{name}.txt").unlink()
    text(tmp_path / f"labels/{bare}/other.txt", [CAR])
    error = refused(tmp_path)
    assert "has labels here" in error.what
    assert error.where == str(tmp_path / "labels" / bare)


def test_what_is_no_image_is_passed_over(tmp_path: Path) -> None:
    for name in ("notes.txt", "._a.jpg", ".cache/b.jpg", "a.json"):
        text(tmp_path / "images/train" / name, ["x"])
    text(tmp_path / "labels/train/classes.txt", ["car", "person"])
    catalog = read_lines(tmp_path, CAR)
    assert (len(catalog), len(catalog.dropped)) == (1, 0)


def test_an_image_of_a_list_that_is_not_on_disk_is_dropped_and_reported(tmp_path: Path) -> None:
    yolo(tmp_path, train="train.txt")
    labelled(tmp_path, {"a.jpg": [CAR]})
    names = ["images/train/a.jpg", "images/train/gone.jpg"]
    path = text(tmp_path / "train.txt", names)
    catalog = reader.read(tmp_path, source="gta5")
    assert len(catalog) == 1
    assert catalog.dropped.to_numpy().tolist() == [
        [str(path), 2, "gta5/train/gone: its image is not on disk"]
    ]


def test_labels_without_an_image_are_dropped_and_reported(tmp_path: Path) -> None:
    path = text(tmp_path / "labels/train/gone.txt", [CAR])
    catalog = read_lines(tmp_path, CAR)
    assert catalog.dropped.to_numpy().tolist() == [[str(path), 0, "gone: its image is not on disk"]]


@pytest.mark.parametrize(
    "line",
    ["0 0.5 0.5 0 0.5", "0 0.5 0.5 -0.005 0.5", "0 1 0.5 1 0.5", "0 0.1 0.1 0.9 0.1 0.5 0.1"],
)
def test_a_box_without_area_or_far_outside_is_dropped_and_reported(
    tmp_path: Path, line: str
) -> None:
    catalog = read_lines(tmp_path, CAR, "", line)
    assert len(catalog.boxes) == 1
    assert catalog.dropped[["file", "line"]].to_numpy().tolist() == [
        [str(tmp_path / "labels/train/a.txt"), 3]
    ]


@pytest.mark.parametrize("what", BAD_LINES)
def test_a_malformed_line_is_refused_with_file_and_number(tmp_path: Path, what: str) -> None:
    line, said = BAD_LINES[what]
    yolo(tmp_path)
    labelled(tmp_path, {"a.jpg": [CAR], "b.jpg": []})
    path = tmp_path / "labels/train/b.txt"
    path.write_bytes(f"{CAR}\n\n{line}\n{CAR}\n".encode(errors="surrogateescape"))
    error = refused(tmp_path)
    assert said in error.what
    assert error.where == f"{path}:3"


@pytest.mark.parametrize("what", BAD_DATA)
def test_a_yaml_file_that_is_not_as_the_format_has_it_is_refused(tmp_path: Path, what: str) -> None:
    labelled(tmp_path, {"a.jpg": [CAR]})
    path = tmp_path / "data.yaml"
    path.write_text(yaml.safe_dump(BAD_DATA[what]))
    assert refused(tmp_path).where == str(path)


@pytest.mark.parametrize(
    "content",
    [
        "", "names: [", "names: *a", "names: !!timestamp x", "names: !!int x", "names: 2001-99-99",
        "names: !!python/object/apply:os.system [ls]", "- " * 20_000, "names: \0", "\udcff", "=",
        "names: [car]\ntrain: images/train\n\tval: x",
    ],
)  # fmt: skip
def test_a_damaged_or_dangerous_yaml_file_is_refused(tmp_path: Path, content: str) -> None:
    labelled(tmp_path, {"a.jpg": [CAR]})
    path = tmp_path / "data.yaml"
    path.write_bytes(content.encode(errors="surrogateescape"))
    assert refused(tmp_path).where.startswith(str(path))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("../a.jpg", "leads out of the data set"),
        ("/etc/a.jpg", "leads out of the data set"),
        ("images/../../a.jpg", "leads out of the data set"),
        ("images\\train\\a.jpg", "backslash"),
        (CAR, "is not the name of an image"),
        ("images/train/a.jpg", "has the labels of images/train/a.jpg (train)"),
    ],
)
def test_a_malformed_list_is_refused_with_file_and_line(
    tmp_path: Path, line: str, said: str
) -> None:
    yolo(tmp_path, train="train.txt")
    labelled(tmp_path, {"a.jpg": [CAR]})
    path = text(tmp_path / "train.txt", ["images/train/a.jpg", line])
    error = refused(tmp_path)
    assert said in error.what
    assert error.where == f"{path}:2"


def test_an_empty_folder_or_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images/train").mkdir(parents=True)
    yolo(tmp_path)
    assert refused(tmp_path).where == str(tmp_path / "images/train")
    yolo(tmp_path, train="train.txt")
    path = text(tmp_path / "train.txt", [])
    assert refused(tmp_path).where == str(path)
    text(path, ["images/train/a.jpg"])
    text(tmp_path / "labels/train/a.txt", [CAR])
    assert refused(tmp_path).what == "it names no image that is on disk"


def test_two_images_with_one_stem_are_refused(tmp_path: Path) -> None:
    yolo(tmp_path)
    labelled(tmp_path, {"a.jpg": [CAR], "a.png": [CAR]})
    error = refused(tmp_path)
    assert error.where == str(tmp_path / "images/train/a.png")
    assert error.what == "images/train/a.png (train) has the labels of images/train/a.jpg (train)"


def test_an_image_in_two_splits_is_refused(tmp_path: Path) -> None:
    yolo(tmp_path, train="images/train", val="images/train")
    labelled(tmp_path, {"a.jpg": [CAR]})
    error = refused(tmp_path)
    assert error.what == "images/train/a.jpg (val) has the labels of images/train/a.jpg (train)"
    assert error.remedy == "An image belongs to one split, and its label file to one image"


@pytest.mark.parametrize("name", ["a\nb.jpg", "a\\b.jpg", "\udcff.jpg"])
def test_a_name_that_no_table_can_hold_is_refused(tmp_path: Path, name: str) -> None:
    yolo(tmp_path)
    (tmp_path / "images/train").mkdir(parents=True)
    (tmp_path / "images/train" / name).write_bytes(b"")
    error = refused(tmp_path)
    assert "backslash or an invisible character" in error.what
    assert error.where == str(tmp_path / "images/train")


@pytest.mark.parametrize(
    "place",
    [
        "images/train/a.jpg",
        "images/train",
        "labels/train/a.txt",
        "labels/train",
        "data.yaml",
        "train.txt",
    ],
)
def test_a_link_may_not_lead_out_of_the_root(tmp_path: Path, place: str) -> None:
    root = tmp_path / "root"
    yolo(root, train="train.txt" if place == "train.txt" else "images/train")
    labelled(root, {"a.jpg": [CAR], "b.jpg": [CAR]})
    text(root / "train.txt", ["images/train/a.jpg"])
    assert len(reader.read(root, source="gta5")) > 0
    (root / place).rename(tmp_path / "elsewhere")
    (root / place).symlink_to(tmp_path / "elsewhere")
    error = refused(root)
    assert "leads out of the data set" in error.what
    assert error.where == str(root / place)


def test_a_link_to_a_folder_among_the_images_is_refused(tmp_path: Path) -> None:
    yolo(tmp_path)
    labelled(tmp_path, {"a.jpg": [CAR]})
    (tmp_path / "images/train/round").symlink_to(tmp_path / "images")
    error = refused(tmp_path)
    assert (error.where, error.what) == (
        str(tmp_path / "images/train/round"), "this is a link to a folder",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"data": "../data.yaml"}, "data"),
        ({"data": "/etc/data.yaml"}, "data"),
        ({"data": "none.yaml"}, "/none.yaml"),
        ({"data": "images"}, "/images"),
        ({"source": "bdd100k"}, "source"),
        ({"source": "a/b"}, "source"),
        ({"weather": "hail"}, "parameters"),
        ({"sequence_pattern": "(b)"}, "/images/train/a.jpg"),
        ({"sequence_pattern": "*"}, "sequence_pattern"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_refused(
    tmp_path: Path, options: dict[str, Any], where: str
) -> None:
    yolo(tmp_path)
    labelled(tmp_path, {"a.jpg": [CAR]})
    error = refused(tmp_path, **options)
    assert error.where == (where if where.isidentifier() else f"{tmp_path}{where}")


def test_a_folder_without_a_yaml_file_is_one_clear_line(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert (error.where, error.what) == (str(tmp_path / "data.yaml"), "there is no such file")
    assert "labels" in error.remedy
    assert refused(tmp_path / "nowhere").what == "there is no such folder"


def test_the_pattern_finds_sequence_and_number_in_the_name(tmp_path: Path) -> None:
    yolo(tmp_path, train="images/train", val="images/val")
    labelled(tmp_path, {"Town01_12.jpg": [CAR], "Town02_3.jpg": []})
    labelled(tmp_path, {"Town01_13.jpg": [CAR]}, split="val")
    frames = reader.read(tmp_path, source="gta5", sequence_pattern=r"(\w+)_(\d+)").frames
    assert list(frames["sequence"]) == ["Town01", "Town02", "Town01"]
    assert list(frames["index"]) == [12, 3, 13]
    frames = reader.read(tmp_path, source="gta5", sequence_pattern=r"(\w+)_").frames
    assert list(frames["index"]) == [0, 0, 1]


NAMES = ("0.jpg", "1.jpg", "deep/2.png")
KINDS = ("car", "traffic light", "rider")
# No two alike: Ultralytics sorts them out, where the catalog keeps them for `clean` to count.
objects = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), edges(SIZE[0]), edges(SIZE[1])),
    max_size=12,
    unique_by=lambda row: (round(row[2][0], 3), round(row[3][0], 3)),
)
SOUND = [(image, kind, (8.0, 40.5), (4.25, 30.0)) for image in range(3) for kind in range(2)]


@pytest.fixture(scope="module")
def three_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("yolo")
    labelled(root, dict.fromkeys(NAMES, ()))
    yolo(root, names=KINDS)
    return root


def line_of(kind: int, x: tuple[float, float], y: tuple[float, float], *, polygon: bool) -> str:
    (left, right), (top, bottom) = np.array(x) / SIZE[0], np.array(y) / SIZE[1]
    if polygon:
        numbers = [left, top, right, top, right, bottom, left, bottom]
    else:
        numbers = [(left + right) / 2, (top + bottom) / 2, right - left, bottom - top]
    return " ".join([str(kind), *(f"{number:.9f}" for number in numbers)])


def written(root: Path, rows: list[Any], *, polygon: bool) -> None:
    labelled(
        root,
        {
            name: [line_of(*row[1:], polygon=polygon) for row in rows if row[0] == image]
            for image, name in enumerate(NAMES)
        },
    )


@settings(max_examples=12, deadline=None)
@given(objects, st.booleans())
def test_what_is_written_in_the_format_is_read_back(
    three_pictures: Path, rows: list, polygon: bool
) -> None:
    rows = sorted(rows, key=lambda row: row[0])
    written(three_pictures, rows, polygon=polygon)
    catalog = reader.read(three_pictures, source="own")
    assert list(catalog.frames["frame_id"]) == ["own/train/0", "own/train/1", "own/train/deep/2"]
    assert catalog.dropped.empty
    expected = pd.DataFrame(
        [
            {
                "frame_id": f"own/train/{NAMES[image].split('.')[0]}", "class": KINDS[kind],
                "left": x[0], "top": y[0], "right": x[1], "bottom": y[1], "ignore": False,
                "raw_class": KINDS[kind],
            }
            for image, kind, x, y in rows
        ]
    ).reindex(columns=list(BOXES.columns))  # fmt: skip
    pd.testing.assert_frame_equal(
        catalog.boxes, BOXES.validate(expected), check_exact=False, rtol=0, atol=1e-6
    )


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], tuple]:
    """Ultralytics' own reader of an image's labels."""
    offline.prepare(tmp_path_factory.mktemp("ultralytics"))
    from ultralytics.data.utils import img2label_paths, verify_image_label

    def read(image: Path) -> tuple:
        (label,) = img2label_paths([str(image)])
        return verify_image_label((str(image), label, "", False, len(KINDS), 0, 0, False))

    return read


@settings(max_examples=12, deadline=None)
@given(objects, st.booleans())
def test_boxes_are_those_of_ultralytics(
    three_pictures: Path, official: Callable[[Path], tuple], rows: list, polygon: bool
) -> None:
    written(three_pictures, rows, polygon=polygon)
    boxes = reader.read(three_pictures, source="own").boxes
    for name in NAMES:
        _, found, shape, *_ = official(three_pictures / "images/train" / name)
        assert shape == SIZE[::-1]
        own = boxes[boxes["frame_id"] == f"own/train/{name.split('.')[0]}"]
        assert list(own["raw_class"]) == [KINDS[int(kind)] for kind in found[:, 0]]
        low, high = own[["left", "top"]].to_numpy(), own[["right", "bottom"]].to_numpy()
        centred = np.hstack([(low + high) / 2, high - low]) / (*SIZE, *SIZE)
        np.testing.assert_allclose(centred, found[:, 1:], rtol=0, atol=2e-7)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["data.yaml", "train.txt", "labels/train/0.txt"]))
def test_a_damaged_file_is_read_or_refused_but_never_breaks(
    three_pictures: Path, data: st.DataObject, place: str
) -> None:
    written(three_pictures, SOUND, polygon=False)
    text(three_pictures / "train.txt", [f"./images/train/{name}" for name in NAMES])
    yolo(three_pictures, names=KINDS, train="images/train", val=None)
    if place == "train.txt":
        yolo(three_pictures, names=KINDS, train=place)
    path = three_pictures / place
    sound = path.read_bytes()
    path.write_bytes(data.draw(edits(sound)))
    try:
        refused_or_read(lambda: reader.read(three_pictures, source="own"), three_pictures)
    finally:
        yolo(three_pictures, names=KINDS)
