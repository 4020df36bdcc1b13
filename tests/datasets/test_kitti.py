from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import (
    DAMAGE,
    damaged,
    image,
    image_sets,
    kitti_line,
    kitti_mapping,
    kitti_object,
    kitti_tracking,
    named_or_harmless,
    records,
    text,
)

from sim2real_lib.datasets import kitti, taxonomy
from sim2real_lib.errors import InputError

BAD_LINES = {
    "two records run together": (
        f"0 1 {kitti_line(1, 2, 3, 4)}0 2 {kitti_line(1, 2, 3, 4)}",
        "33 fields where 17 belong",
    ),
    "a matrix in a label folder": ("1 0 0 0", "4 fields where 17 belong"),
    "a line of the object benchmark": (kitti_line(1, 2, 3, 4), "15 fields where 17 belong"),
    "a word for a number": (f"0 1 {kitti_line('wide', 2, 3, 4)}", "left is 'wide'"),
    "not a number": (f"0 1 {kitti_line('nan', 2, 3, 4)}", "left is 'nan', not a finite number"),
    "infinite": (f"0 1 {kitti_line(1, 2, 'inf', 4)}", "right is 'inf', not a finite number"),
    "half a frame": (f"0.5 1 {kitti_line(1, 2, 3, 4)}", "frame is '0.5', not a whole number"),
    "a frame before the first": (f"-1 1 {kitti_line(1, 2, 3, 4)}", "frame -1 is negative"),
    "a number beyond counting": (f"{10**30} 1 {kitti_line(1, 2, 3, 4)}", "not a whole number"),
    "a fraction of a frame": (f"1e0 1 {kitti_line(1, 2, 3, 4)}", "frame is '1e0', not a whole"),
    "Python's own numbers": (f"0 1 {kitti_line('1_0', 2, 30, 4)}", "left is '1_0', not a finite"),
    "inside out": (f"0 1 {kitti_line(9, 2, 3, 4)}", "right 3.0 is less than left 9.0"),
    "upside down": (f"0 1 {kitti_line(1, 8, 3, 4)}", "bottom 4.0 is less than top 8.0"),
    "an unheard-of class": (f"0 1 {kitti_line(1, 2, 3, 4, name='Boat')}", "no class 'Boat'"),
    "an unheard-of level": (f"0 1 {kitti_line(1, 2, 3, 4, occluded=7)}", "occluded is 7"),
    "truncated out of range": (f"0 1 {kitti_line(1, 2, 3, 4, truncated=3)}", "truncated is 3"),
    "the object benchmark's truncation": (
        f"0 1 {kitti_line(1, 2, 3, 4, truncated='0.30')}",
        "truncated is '0.30', not a whole number",
    ),
    "a track twice in a frame": (f"0 0 {kitti_line(1, 2, 3, 4)}", "track 0 is in frame 0 a second"),
    "a track before the first": (f"0 -2 {kitti_line(1, 2, 3, 4)}", "trackID is -2"),
}


def test_tracking_frames_are_named_by_drive_and_number(tmp_path: Path) -> None:
    kitti_tracking(tmp_path, [], sequence="0018", frames=2)
    frames = kitti.read(tmp_path).frames
    assert list(frames["frame_id"]) == ["kitti/0018/000000", "kitti/0018/000001"]
    assert list(frames["sequence"]) == ["0018", "0018"]
    assert list(frames["index"]) == [0, 1]
    assert set(frames["variant"]) == {"original"}
    assert set(frames["weather"] + " " + frames["timeofday"]) == {"clear daytime"}
    assert all(Path(path).is_absolute() and Path(path).is_file() for path in frames["image"])


def test_a_frame_in_which_nothing_is_labelled_is_kept_without_boxes(tmp_path: Path) -> None:
    kitti_tracking(tmp_path, [f"1 0 {kitti_line(1, 2, 30, 20)}"], frames=3)
    catalog = kitti.read(tmp_path)
    assert len(catalog) == 3
    assert list(catalog.boxes["frame_id"]) == ["kitti/0001/000001"]


def test_fractions_of_a_pixel_survive(tmp_path: Path) -> None:
    kitti_tracking(tmp_path, [f"0 0 {kitti_line(1.25, 2.5, 30.75, 20.125)}"])
    box = kitti.read(tmp_path).boxes.iloc[0]
    assert (box["left"], box["top"], box["right"], box["bottom"]) == (1.25, 2.5, 30.75, 20.125)


def test_boxes_are_clipped_to_their_own_image(tmp_path: Path) -> None:
    kitti_tracking(tmp_path, [f"0 0 {kitti_line(-3, -1, 100.5, 41)}"], sequence="0001")
    kitti_tracking(
        tmp_path, [f"0 0 {kitti_line(-3, -1, 90.5, 31)}"], sequence="0002", size=(90, 30)
    )
    boxes = kitti.read(tmp_path).boxes[["left", "top", "right", "bottom"]].to_numpy().tolist()
    assert boxes == [[0, 0, 100, 40], [0, 0, 90, 30]]


def test_a_box_that_reaches_far_beyond_its_image_is_not_made_to_fit(tmp_path: Path) -> None:
    path = kitti_tracking(
        tmp_path,
        [f"0 0 {kitti_line(1, 2, 105, 20)}", f"0 1 {kitti_line(1, 2, 105.1, 20)}"],
    )
    catalog = kitti.read(tmp_path)
    assert list(catalog.boxes["right"]) == [100]
    assert records(catalog.dropped) == [
        (str(path), 2, "kitti/0001/000000: a Car reaches far beyond its image")
    ]


@pytest.mark.parametrize(
    ("level", "occluded"), [(-1, None), (0, False), (1, True), (2, True), (3, None)]
)
def test_occlusion_levels_one_and_two_are_occluded_and_three_is_unknown(
    tmp_path: Path, level: int, occluded: bool | None
) -> None:
    kitti_tracking(tmp_path, [f"0 0 {kitti_line(1, 2, 30, 20, occluded=level)}"])
    found = kitti.read(tmp_path).boxes.loc[0, "occluded"]
    assert found is pd.NA if occluded is None else found == occluded


@pytest.mark.parametrize(("value", "truncated"), [(-1, None), (0, False), (1, True), (2, True)])
def test_truncation_above_nothing_is_truncated_and_minus_one_is_unknown(
    tmp_path: Path, value: int, truncated: bool | None
) -> None:
    kitti_tracking(tmp_path, [f"0 0 {kitti_line(1, 2, 30, 20, truncated=value)}"])
    found = kitti.read(tmp_path).boxes.loc[0, "truncated"]
    assert found is pd.NA if truncated is None else found == truncated


@pytest.mark.parametrize(
    ("value", "truncated"),
    [("-1", None), ("-1.00", None), ("0.00", False), ("0.01", True), ("1.00", True)],
)
def test_the_object_benchmark_gives_the_share_that_is_cut_off(
    tmp_path: Path, value: str, truncated: bool | None
) -> None:
    kitti_object(tmp_path, {"000000": [kitti_line(1, 2, 30, 20, truncated=value)]})
    found = kitti.read(tmp_path).boxes.loc[0, "truncated"]
    assert found is pd.NA if truncated is None else found == truncated


@pytest.mark.parametrize("value", ["2", "-0.5", "1.01"])
def test_a_share_that_cannot_be_is_refused(tmp_path: Path, value: str) -> None:
    kitti_object(tmp_path, {"000000": [kitti_line(1, 2, 30, 20, truncated=value)]})
    with pytest.raises(InputError, match="truncated is") as error:
        kitti.read(tmp_path)
    assert error.value.where == f"{tmp_path}/training/label_2/000000.txt:1"


def test_a_frame_may_have_many_areas_to_ignore(tmp_path: Path) -> None:
    area = kitti_line(1, 2, 30, 20, name="DontCare", truncated=-1, occluded=-1)
    kitti_tracking(tmp_path, [f"0 -1 {area}"] * 3)
    assert list(kitti.read(tmp_path).boxes["ignore"]) == [True] * 3


def test_an_unknown_class_is_refused_with_the_known_ones_and_where_they_are_listed(
    tmp_path: Path,
) -> None:
    kitti_tracking(tmp_path, [f"0 0 {kitti_line(1, 2, 3, 4, name='car')}"])
    with pytest.raises(InputError, match="no class 'car'") as error:
        kitti.read(tmp_path)
    assert "There are: Car, Van, Truck" in error.value.remedy
    assert error.value.remedy.endswith("taxonomy.yaml")


def test_dont_care_is_an_area_to_ignore(tmp_path: Path) -> None:
    line = f"0 -1 {kitti_line(1, 2, 30, 20, name='DontCare', truncated=-1, occluded=-1)}"
    kitti_tracking(tmp_path, [line])
    box = kitti.read(tmp_path).boxes.iloc[0]
    assert (box["class"], bool(box["ignore"]), box["raw_class"]) == ("dontcare", True, "DontCare")


def test_a_sitting_person_has_one_name_in_both_benchmarks(tmp_path: Path) -> None:
    kitti_tracking(tmp_path / "tracking", [f"0 0 {kitti_line(1, 2, 9, 9, name='Person')}"])
    kitti_object(tmp_path / "object", {"000000": [kitti_line(1, 2, 9, 9, name="Person_sitting")]})
    names = [kitti.read(tmp_path / kind).boxes.loc[0, "class"] for kind in ("tracking", "object")]
    assert names == ["person sitting", "person sitting"]


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_malformed_line_is_refused_with_file_and_line(tmp_path: Path, case: str) -> None:
    line, what = BAD_LINES[case]
    path = kitti_tracking(tmp_path, [f"0 0 {kitti_line(1, 2, 30, 20)}", line])
    with pytest.raises(InputError) as error:
        kitti.read(tmp_path)
    assert what in error.value.what
    assert error.value.where == f"{path}:2"


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_bad_line_is_named_wherever_it_stands(tmp_path: Path, position: int) -> None:
    lines = [f"0 0 {kitti_line(1, 2, 30, 20)}"] * 2
    lines.insert(position, f"0 0 {kitti_line(1, 2, 30, 20)} 0.99")  # a detection's score
    path = kitti_tracking(tmp_path, lines)
    with pytest.raises(InputError, match="18 fields where 17 belong") as error:
        kitti.read(tmp_path)
    assert error.value.where == f"{path}:{position + 1}"


def test_lines_are_counted_with_the_blank_ones(tmp_path: Path) -> None:
    path = kitti_tracking(tmp_path, ["", f"0 0 {kitti_line(1, 2, 30, 20)}", "", "junk"])
    with pytest.raises(InputError) as error:
        kitti.read(tmp_path)
    assert error.value.where == f"{path}:4"


def test_a_label_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = kitti_tracking(tmp_path, [])
    path.write_bytes(b"\n\x89PNG\xff\xfe")
    with pytest.raises(InputError, match="not a text file") as error:
        kitti.read(tmp_path)
    assert error.value.where == f"{path}:2"


def test_a_box_without_area_in_its_image_is_dropped_and_reported(tmp_path: Path) -> None:
    good = kitti_line(1, 2, 30, 20)
    path = kitti_tracking(
        tmp_path,
        [f"0 0 {kitti_line(5, 5, 5, 9)}", f"0 1 {good}", f"0 2 {kitti_line(101, 2, 103, 9)}"],
    )
    catalog = kitti.read(tmp_path)
    assert len(catalog.boxes) == 1
    assert list(catalog.dropped["file"]) == [str(path)] * 2
    assert list(catalog.dropped["line"]) == [1, 3]
    assert catalog.dropped["reason"].str.contains("has no area in its image").all()


def test_labels_of_an_image_that_is_not_on_disk_are_dropped_once_a_frame(tmp_path: Path) -> None:
    labels = ((0, 0), (7, 0), (7, 1), (8, 0))
    lines = [f"{frame} {track} {kitti_line(1, 2, 30, 20)}" for frame, track in labels]
    kitti_tracking(tmp_path, lines)
    catalog = kitti.read(tmp_path)
    assert len(catalog.boxes) == 1
    assert list(catalog.dropped["line"]) == [2, 4]
    assert catalog.dropped["reason"].str.contains("not on disk").all()


def test_only_the_sequences_asked_for_are_read(tmp_path: Path) -> None:
    for sequence in ("0001", "0002", "0006"):
        kitti_tracking(tmp_path, [], sequence=sequence, frames=1)
    frames = kitti.read(tmp_path, sequences=["0006", "0001", "0006"]).frames
    assert list(frames["sequence"]) == ["0001", "0006"]


@pytest.mark.parametrize("asked", ["0003", "../0001", ""])
def test_an_unknown_sequence_is_refused_and_the_known_ones_named(
    tmp_path: Path, asked: str
) -> None:
    kitti_tracking(tmp_path, [], sequence="0001")
    with pytest.raises(InputError, match="no sequence") as error:
        kitti.read(tmp_path, sequences=[asked])
    assert error.value.remedy == "There are: 0001"


def test_object_images_are_each_a_sequence_of_their_own(tmp_path: Path) -> None:
    kitti_object(tmp_path, {"000003": [kitti_line(1, 2, 30, 20)], "000007": []})
    catalog = kitti.read(tmp_path)
    assert list(catalog.frames["frame_id"]) == ["kitti/object/000003", "kitti/object/000007"]
    assert list(catalog.frames["sequence"]) == ["000003", "000007"]
    assert list(catalog.boxes["frame_id"]) == ["kitti/object/000003"]


def test_an_object_image_without_a_label_file_is_not_taken_for_an_empty_street(
    tmp_path: Path,
) -> None:
    kitti_object(tmp_path, {"000000": [], "000001": []})
    (tmp_path / "training/label_2/000001.txt").unlink()
    catalog = kitti.read(tmp_path)
    assert list(catalog.frames["frame_id"]) == ["kitti/object/000000"]
    assert "no label file" in catalog.dropped.loc[0, "reason"]


def test_a_bad_line_of_the_object_layout_is_named_in_its_own_file(tmp_path: Path) -> None:
    kitti_object(tmp_path, {"000000": [kitti_line(1, 2, 3, 4)], "000001": ["1 0 0 0"]})
    with pytest.raises(InputError) as error:
        kitti.read(tmp_path)
    assert error.value.where == f"{tmp_path}/training/label_2/000001.txt:1"


def test_the_object_layout_has_no_sequences_to_ask_for(tmp_path: Path) -> None:
    kitti_object(tmp_path, {"000000": []})
    with pytest.raises(InputError, match="no sequences"):
        kitti.read(tmp_path, sequences=["0001"])


@pytest.mark.parametrize(
    "made", [(), ("training",), ("training/image_02",), ("training/image_02/0001",)]
)
def test_a_missing_or_empty_folder_is_one_clear_line(tmp_path: Path, made: tuple[str]) -> None:
    for folder in made:
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(InputError) as error:
        kitti.read(tmp_path)
    assert str(tmp_path) in error.value.where
    assert error.value.remedy


def test_a_drive_without_its_label_file_is_refused(tmp_path: Path) -> None:
    path = kitti_tracking(tmp_path, [])
    path.unlink()
    with pytest.raises(InputError, match="no such file") as error:
        kitti.read(tmp_path)
    assert error.value.where == str(path)


def test_an_unreadable_image_is_named(tmp_path: Path) -> None:
    kitti_tracking(tmp_path, [])
    broken = text(tmp_path / "training/image_02/0001/000001.png", ["not an image"])
    with pytest.raises(InputError, match="not a readable image") as error:
        kitti.read(tmp_path)
    assert error.value.where == str(broken)


def test_other_files_beside_the_images_are_passed_over(tmp_path: Path) -> None:
    kitti_tracking(tmp_path, [], frames=1)
    text(tmp_path / "training/image_02/0001/._000001.png", ["left by an archiver"])
    image(tmp_path / "training/image_02/0001/preview.png", (10, 10))
    assert len(kitti.read(tmp_path)) == 1


def test_tracking_is_read_where_both_benchmarks_lie_unless_the_other_is_asked_for(
    tmp_path: Path,
) -> None:
    kitti_tracking(tmp_path, [], frames=1)
    kitti_object(tmp_path, {"000003": []})
    assert list(kitti.read(tmp_path).frames["sequence"]) == ["0001"]
    assert list(kitti.read(tmp_path, benchmark="tracking").frames["sequence"]) == ["0001"]
    assert list(kitti.read(tmp_path, benchmark="object").frames["sequence"]) == ["000003"]


@pytest.mark.parametrize(("there", "asked"), [("tracking", "object"), ("object", "tracking")])
def test_a_benchmark_that_is_not_there_is_refused(tmp_path: Path, there: str, asked: str) -> None:
    if there == "tracking":
        kitti_tracking(tmp_path, [])
    else:
        kitti_object(tmp_path, {"000000": []})
    with pytest.raises(InputError, match=f"no KITTI {asked} images here"):
        kitti.read(tmp_path, benchmark=asked)


def test_a_label_file_without_an_image_is_reported(tmp_path: Path) -> None:
    kitti_object(tmp_path, {"000000": []})
    path = text(tmp_path / "training/label_2/000009.txt", [kitti_line(1, 2, 30, 20)])
    assert records(kitti.read(tmp_path).dropped) == [
        (str(path), 0, "kitti/object/000009: its image is not on disk")
    ]


def test_the_image_set_that_lists_a_frame_is_its_split(tmp_path: Path) -> None:
    kitti_object(tmp_path, {f"{number:06d}": [] for number in range(4)})
    home = image_sets(tmp_path, train=["000002", "", "000000"], val=["000001", "000007"])
    catalog = kitti.read(tmp_path)
    assert dict(zip(catalog.frames["frame_id"], catalog.frames["split"], strict=True)) == {
        "kitti/object/000000": "train",
        "kitti/object/000001": "val",
        "kitti/object/000002": "train",
    }
    assert records(catalog.dropped) == [
        (f"{home}/val.txt", 2, "kitti/object/000007: it is listed, but not on disk"),
        (
            f"{tmp_path}/training/image_2/000003.png", 0,
            "kitti/object/000003: neither train nor val lists it",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize("lists", [{}, {"train": ["000000"]}, {"trainval": ["000000"]}])
def test_without_both_train_and_val_every_frame_is_train(tmp_path: Path, lists: dict) -> None:
    kitti_object(tmp_path, {"000000": [], "000001": []})
    image_sets(tmp_path, **lists)
    catalog = kitti.read(tmp_path)
    assert list(catalog.frames["split"]) == ["train", "train"]
    assert len(catalog.dropped) == 0


def test_an_image_set_can_be_asked_for_by_its_name(tmp_path: Path) -> None:
    kitti_object(tmp_path, {f"{number:06d}": [] for number in range(3)})
    image_sets(tmp_path, train=["000000"], val=["000001"], trainval=["000000", "000001"])
    catalog = kitti.read(tmp_path, image_sets=["trainval"])
    assert list(catalog.frames["index"]) == [0, 1]
    assert set(catalog.frames["split"]) == {"trainval"}
    assert len(catalog.dropped) == 0


def test_an_unknown_image_set_is_refused_and_the_known_ones_named(tmp_path: Path) -> None:
    kitti_object(tmp_path, {"000000": []})
    image_sets(tmp_path, train=["000000"], mini=["000000"])
    with pytest.raises(InputError, match="no image set 'val'") as error:
        kitti.read(tmp_path, image_sets=["val"])
    assert error.value.remedy == "There are: mini, train"


@pytest.mark.parametrize(
    ("train", "val", "what", "where"),
    [
        (["000000", "000001"], ["000001"], "000001 is listed a second time", "val.txt:1"),
        (["000000", "000000"], ["000001"], "000000 is listed a second time", "train.txt:2"),
        (["000000"], ["1"], "'1' is listed", "val.txt:1"),
        (["000000", "training/000001.png"], [], "'training/000001.png' is", "train.txt:2"),
        (["0001 empty 000000 000002"], [], "'0001 empty 000000 000002' is", "train.txt:1"),
        (["٠٠٠٠٠١"], [], "is listed", "train.txt:1"),
    ],
)
def test_a_list_that_cannot_be_followed_is_refused(
    tmp_path: Path, train: list[str], val: list[str], what: str, where: str
) -> None:
    kitti_object(tmp_path, {"000000": [], "000001": []})
    home = image_sets(tmp_path, train=train, val=val)
    with pytest.raises(InputError, match=what) as error:
        kitti.read(tmp_path)
    assert error.value.where == f"{home}/{where}"
    assert "six" in error.value.remedy


@pytest.mark.parametrize("train", [["000004"], [], [""]])
def test_lists_that_name_nothing_of_what_is_here_are_refused(
    tmp_path: Path, train: list[str]
) -> None:
    kitti_object(tmp_path, {"000000": []})
    image_sets(tmp_path, train=train, val=[])
    with pytest.raises(InputError, match="list nothing of what is here"):
        kitti.read(tmp_path)


def test_lists_of_sequences_are_followed_as_the_development_kit_writes_them(
    tmp_path: Path,
) -> None:
    for sequence in ("0001", "0002", "0006"):
        kitti_tracking(tmp_path, [], sequence=sequence, frames=1)
    home = image_sets(tmp_path, train=["0002 empty 000000 000233", "0013"], val=["0001"])
    catalog = kitti.read(tmp_path)
    assert records(catalog.frames[["sequence", "split"]]) == [("0001", "val"), ("0002", "train")]
    assert records(catalog.dropped) == [
        (f"{home}/train.txt", 2, "kitti/0013: it is listed, but not on disk"),
        (f"{tmp_path}/training/image_02/0006", 0, "kitti/0006: neither train nor val lists it"),
    ]


def test_only_what_was_asked_for_is_reported(tmp_path: Path) -> None:
    for sequence in ("0001", "0002"):
        kitti_tracking(tmp_path, [], sequence=sequence, frames=1)
    image_sets(tmp_path, train=["0001", "0013"], val=["0018"])
    catalog = kitti.read(tmp_path, sequences=["0001"])
    assert (len(catalog), len(catalog.dropped)) == (1, 0)


def test_the_other_benchmarks_lists_are_passed_over_where_its_images_are(tmp_path: Path) -> None:
    kitti_tracking(tmp_path, [], frames=1)
    image_sets(tmp_path, train=["000000"], val=["000001"])
    with pytest.raises(InputError, match="'000000' is listed"):
        kitti.read(tmp_path)
    kitti_object(tmp_path, {"000000": [], "000001": []})
    assert list(kitti.read(tmp_path).frames["frame_id"]) == ["kitti/0001/000000"]
    assert list(kitti.read(tmp_path, benchmark="object").frames["split"]) == ["train", "val"]


MAPPING = [
    "2011_09_26 2011_09_26_drive_0005_sync 0000000109",
    "2011_09_28 2011_09_28_drive_0106_sync 0000000048",
    "2011_09_26 2011_09_26_drive_0005_sync 0000000110",
]


@pytest.mark.parametrize("place", ["mapping", "devkit/mapping", "devkit_object/mapping"])
def test_the_development_kit_tells_an_object_images_drive(tmp_path: Path, place: str) -> None:
    kitti_object(tmp_path, {"000000": [kitti_line(1, 2, 30, 20)], "000001": [], "000002": []})
    kitti_mapping(tmp_path, MAPPING, "2,3,1", place=place)
    catalog = kitti.read(tmp_path)
    assert records(catalog.frames[["frame_id", "sequence", "index"]]) == [
        ("kitti/object/000000", "2011_09_28_drive_0106", 48),
        ("kitti/object/000001", "2011_09_26_drive_0005", 110),
        ("kitti/object/000002", "2011_09_26_drive_0005", 109),
    ]
    assert list(catalog.boxes["frame_id"]) == ["kitti/object/000000"]


def test_object_images_are_chosen_by_drive_where_drives_are_known(tmp_path: Path) -> None:
    kitti_object(tmp_path, {f"{number:06d}": [] for number in range(3)})
    kitti_mapping(tmp_path, MAPPING, "2,3,1")
    frames = kitti.read(tmp_path, sequences=["2011_09_26_drive_0005"]).frames
    assert list(frames["frame_id"]) == ["kitti/object/000001", "kitti/object/000002"]
    with pytest.raises(InputError, match="no drive '0001'"):
        kitti.read(tmp_path, sequences=["0001"])


def test_a_part_of_the_images_is_found_in_the_whole_mapping(tmp_path: Path) -> None:
    kitti_object(tmp_path, {"000001": []})
    kitti_mapping(tmp_path, MAPPING, "2, 3, 1,")
    assert list(kitti.read(tmp_path).frames["index"]) == [110]


BAD_MAPPINGS = {
    "a number too few": (MAPPING, "2,3", "2 numbers for the 3 lines", "train_rand.txt:1"),
    "a number too many": (MAPPING, "2,3,1,4", "'4' is no line of", "train_rand.txt:1"),
    "a number twice": (MAPPING, "2,3,2", "'2' stands here a second time", "train_rand.txt:1"),
    "counted from 0": (MAPPING, "0,1,2", "'0' is no line of", "train_rand.txt:1"),
    "a word": (MAPPING, "2,x,1", "'x' is no line of", "train_rand.txt:1"),
    "a fraction": (MAPPING, "2,1.5,1", "'1.5' is no line of", "train_rand.txt:1"),
    "negative": (MAPPING, "2,-1,1", "'-1' is no line of", "train_rand.txt:1"),
    "an image too many": (MAPPING[:2], "2,1", "here is image 000002's", "train_rand.txt:1"),
    "two fields": ([MAPPING[0], "2011_09_26 5"], "2,1", "2 fields where 3", "train_mapping.txt:2"),
    "no drive": ([*MAPPING[:2], "a b 1"], "2,3,1", "a b 1 is no frame", "train_mapping.txt:3"),
    "another day's drive": (
        ["2011_09_27 2011_09_26_drive_0005_sync 0000000109", *MAPPING[1:]], "2,3,1",
        "no frame of a raw drive", "train_mapping.txt:1",
    ),
    "a negative frame": (
        [MAPPING[0].replace("0000000109", "-1"), *MAPPING[1:]], "2,3,1",
        "no frame of a raw drive", "train_mapping.txt:1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_MAPPINGS)
def test_a_mapping_that_cannot_be_followed_is_refused(tmp_path: Path, case: str) -> None:
    mapping, order, what, where = BAD_MAPPINGS[case]
    kitti_object(tmp_path, {f"{number:06d}": [] for number in range(3)})
    home = kitti_mapping(tmp_path, mapping, order).parent
    with pytest.raises(InputError, match=what) as error:
        kitti.read(tmp_path)
    assert error.value.where == f"{home}/{where}"
    assert "development kit" in error.value.remedy


def test_half_of_the_mapping_is_refused(tmp_path: Path) -> None:
    kitti_object(tmp_path, {"000000": []})
    kitti_mapping(tmp_path, MAPPING, "2,3,1").unlink()
    with pytest.raises(InputError, match="no such file") as error:
        kitti.read(tmp_path)
    assert error.value.where.endswith("devkit/mapping/train_rand.txt")


OWN_FILES = {
    "tracking": ("training/image_02/0001/000000.png", "training/label_02/0001.txt"),
    "object": (
        "training/image_2/000000.png", "training/label_2/000000.txt", "ImageSets/val.txt",
        "devkit/mapping/train_mapping.txt", "devkit/mapping/train_rand.txt",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("benchmark", "name"), [(kind, name) for kind, names in OWN_FILES.items() for name in names]
)
def test_a_file_that_leads_out_of_the_data_set_is_refused(
    tmp_path: Path, benchmark: str, name: str
) -> None:
    home = tmp_path / "kitti"
    if benchmark == "tracking":
        kitti_tracking(home, [], frames=1)
    else:
        kitti_object(home, {"000000": []})
        image_sets(home, train=["000000"], val=[])
        kitti_mapping(home, MAPPING, "2,3,1")
    assert len(kitti.read(home)) == 1
    (home / name).rename(tmp_path / "away")
    (home / name).symlink_to(tmp_path / "away")
    with pytest.raises(InputError, match="leads out of the data set") as error:
        kitti.read(home)
    assert error.value.where == str(home / name)


def test_a_file_may_lead_to_another_of_the_data_set(tmp_path: Path) -> None:
    kitti_tracking(tmp_path, [f"1 0 {kitti_line(1, 2, 30, 20)}"], frames=1)
    pictures = tmp_path / "training/image_02/0001"
    (pictures / "000001.png").symlink_to("000000.png")
    (tmp_path / "training/label_02/0001.txt").rename(tmp_path / "labels.txt")
    (tmp_path / "training/label_02/0001.txt").symlink_to(tmp_path / "labels.txt")
    catalog = kitti.read(tmp_path)
    assert (len(catalog), len(catalog.boxes)) == (2, 1)


@pytest.mark.parametrize("place", ["", "training", "training/image_02", "training/label_02"])
def test_a_folder_of_the_layout_may_lie_on_another_disk(tmp_path: Path, place: str) -> None:
    home, away = tmp_path / "kitti", tmp_path / "away"
    kitti_tracking(home, [f"0 0 {kitti_line(1, 2, 30, 20)}"])
    (home / place).rename(away)
    (home / place).symlink_to(away)
    assert len(kitti.read(home).boxes) == 1


def written(rows: Sequence[tuple], prefix: str) -> pd.DataFrame:
    """The catalog's boxes of (frame_id, name, left, right, top, bottom, truncated, occluded)."""
    classes = taxonomy.of("kitti").classes | taxonomy.of("kitti").ignored
    return pd.DataFrame(
        [
            {
                "frame_id": f"{prefix}{frame:06d}", "class": classes[name],
                "left": left, "top": top, "right": right, "bottom": bottom,
                "occluded": {-1: None, 0: False, 1: True, 2: True, 3: None}[occluded],
                "occlusion": None,
                "truncated": None if truncated < 0 else truncated > 0,
                "visible_pixels": None, "ignore": name == "DontCare", "raw_class": name,
            }
            for frame, name, (left, right), (top, bottom), truncated, occluded in rows
        ]
    )  # fmt: skip


def line_of(row: tuple) -> str:
    _, name, (left, right), (top, bottom), truncated, occluded = row
    return kitti_line(left, top, right, bottom, name=name, truncated=truncated, occluded=occluded)


pixels = st.floats(0, 370, allow_subnormal=False)
sides = st.tuples(pixels, pixels).filter(lambda pair: pair[0] != pair[1]).map(sorted)
names = st.sampled_from(sorted(taxonomy.of("kitti").names))
levels = st.integers(-1, 3)
tracked = st.tuples(st.integers(0, 4), names, sides, sides, st.integers(-1, 2), levels)
shares = st.one_of(st.just(-1.0), st.floats(0, 1))
seen = st.tuples(st.integers(0, 4), names, sides, sides, shares, levels)


@pytest.fixture(scope="module")
def five_frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kitti")
    kitti_tracking(root, [], frames=5, size=(1242, 375))
    return root


@pytest.fixture(scope="module")
def five_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kitti")
    kitti_object(root, {f"{number:06d}": [] for number in range(5)}, size=(1242, 375))
    return root


@settings(max_examples=12, deadline=None)
@given(st.lists(tracked, max_size=20))
def test_tracking_boxes_are_read_back_as_they_were_written(five_frames: Path, rows: list) -> None:
    lines = [f"{row[0]} {track} {line_of(row)}" for track, row in enumerate(rows)]
    text(five_frames / "training/label_02/0001.txt", lines)
    assert records(kitti.read(five_frames).boxes) == records(written(rows, "kitti/0001/"))


@settings(max_examples=12, deadline=None)
@given(st.lists(seen, max_size=20).map(lambda rows: sorted(rows, key=lambda row: row[0])))
def test_object_boxes_are_read_back_as_they_were_written(five_images: Path, rows: list) -> None:
    for number in range(5):
        lines = [line_of(row) for row in rows if row[0] == number]
        text(five_images / f"training/label_2/{number:06d}.txt", lines)
    assert records(kitti.read(five_images).boxes) == records(written(rows, "kitti/object/"))


@settings(max_examples=40, deadline=None)
@given(st.lists(tracked, min_size=1, max_size=4), st.sampled_from(DAMAGE), st.data())
def test_one_damaged_field_is_named_or_does_no_harm(
    five_frames: Path, rows: list, how: str, data: st.DataObject
) -> None:
    lines = [f"{row[0]} {track} {line_of(row)}" for track, row in enumerate(rows)]
    row = len(lines) - 1 if how == "cut" else data.draw(st.integers(0, len(lines) - 1))
    field = data.draw(st.integers(0, 16))
    path = five_frames / "training/label_02/0001.txt"
    path.write_bytes(damaged(lines, row, field, how, swap=(6, 8)))
    named_or_harmless(
        lambda: kitti.read(five_frames), f"{path}:{row + 1}", written(rows, "kitti/0001/")
    )
