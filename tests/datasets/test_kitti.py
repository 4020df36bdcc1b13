from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import image, kitti_line, kitti_object, kitti_tracking, text

from sim2real_lib.datasets import kitti
from sim2real_lib.errors import InputError

BAD_LINES = {
    "two records run together": (
        f"0 1 {kitti_line(1, 2, 3, 4)}0 2 {kitti_line(1, 2, 3, 4)}",
        "33 fields where 17 belong",
    ),
    "a matrix in a label folder": ("1 0 0 0", "4 fields where 17 belong"),
    "a word for a number": (f"0 1 {kitti_line('wide', 2, 3, 4)}", "left is 'wide'"),
    "not a number": (f"0 1 {kitti_line('nan', 2, 3, 4)}", "left is 'nan', not a finite number"),
    "infinite": (f"0 1 {kitti_line(1, 2, 'inf', 4)}", "right is 'inf', not a finite number"),
    "half a frame": (f"0.5 1 {kitti_line(1, 2, 3, 4)}", "frame is '0.5', not a whole number"),
    "a frame before the first": (f"-1 1 {kitti_line(1, 2, 3, 4)}", "frame -1 is negative"),
    "a number beyond counting": (f"{10**30} 1 {kitti_line(1, 2, 3, 4)}", ""),
    "inside out": (f"0 1 {kitti_line(9, 2, 3, 4)}", "right 3.0 is less than left 9.0"),
    "upside down": (f"0 1 {kitti_line(1, 8, 3, 4)}", "bottom 4.0 is less than top 8.0"),
    "an unheard-of class": (f"0 1 {kitti_line(1, 2, 3, 4, name='Boat')}", "no KITTI class 'Boat'"),
    "an unheard-of level": (f"0 1 {kitti_line(1, 2, 3, 4, occluded=7)}", "occluded is 7"),
    "truncated out of range": (f"0 1 {kitti_line(1, 2, 3, 4, truncated=9)}", "truncated is 9"),
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
    kitti_tracking(tmp_path, [f"0 0 {kitti_line(-3, -1, 100.5, 45)}"], sequence="0001")
    kitti_tracking(
        tmp_path, [f"0 0 {kitti_line(-3, -1, 100.5, 45)}"], sequence="0002", size=(90, 30)
    )
    boxes = kitti.read(tmp_path).boxes[["left", "top", "right", "bottom"]].to_numpy().tolist()
    assert boxes == [[0, 0, 100, 40], [0, 0, 90, 30]]


@pytest.mark.parametrize(
    ("level", "occluded"), [(-1, None), (0, False), (1, True), (2, True), (3, None)]
)
def test_occlusion_levels_one_and_two_are_occluded_and_three_is_unknown(
    tmp_path: Path, level: int, occluded: bool | None
) -> None:
    kitti_tracking(tmp_path, [f"0 0 {kitti_line(1, 2, 30, 20, occluded=level)}"])
    found = kitti.read(tmp_path).boxes.loc[0, "occluded"]
    assert found is pd.NA if occluded is None else found == occluded


@pytest.mark.parametrize(("value", "truncated"), [(-1, None), (0, False), ("0.3", True), (2, True)])
def test_truncation_above_nothing_is_truncated_and_minus_one_is_unknown(
    tmp_path: Path, value: object, truncated: bool | None
) -> None:
    kitti_tracking(tmp_path, [f"0 0 {kitti_line(1, 2, 30, 20, truncated=value)}"])
    found = kitti.read(tmp_path).boxes.loc[0, "truncated"]
    assert found is pd.NA if truncated is None else found == truncated


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
    assert error.value.where.startswith(f"{path}:2" if what else str(path))


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
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(InputError, match="not a text file"):
        kitti.read(tmp_path)


def test_a_box_without_area_in_its_image_is_dropped_and_reported(tmp_path: Path) -> None:
    good = kitti_line(1, 2, 30, 20)
    path = kitti_tracking(
        tmp_path,
        [f"0 0 {kitti_line(5, 5, 5, 9)}", f"0 1 {good}", f"0 2 {kitti_line(200, 2, 210, 9)}"],
    )
    catalog = kitti.read(tmp_path)
    assert len(catalog.boxes) == 1
    assert list(catalog.dropped["file"]) == [str(path)] * 2
    assert list(catalog.dropped["line"]) == [1, 3]
    assert catalog.dropped["reason"].str.contains("without area").all()


def test_labels_of_an_image_that_is_not_on_disk_are_dropped_once_a_frame(tmp_path: Path) -> None:
    lines = [f"{frame} 0 {kitti_line(1, 2, 30, 20)}" for frame in (0, 7, 7, 8)]
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


@pytest.fixture(scope="module")
def five_frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kitti")
    kitti_tracking(root, [], frames=5, size=(1242, 375))
    return root


pixels = st.floats(0, 370).map(lambda value: round(value, 6))
sides = st.tuples(pixels, pixels).filter(lambda pair: pair[0] != pair[1]).map(sorted)
records = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(sorted(kitti.CLASSES)), sides, sides), max_size=20
)


@settings(max_examples=15, deadline=None)
@given(records)
def test_what_is_written_in_the_format_is_read_back(five_frames: Path, records: list) -> None:
    text(
        five_frames / "training/label_02/0001.txt",
        [
            f"{frame} {track} {kitti_line(across[0], down[0], across[1], down[1], name=name)}"
            for track, (frame, name, across, down) in enumerate(records)
        ],
    )
    boxes = kitti.read(five_frames).boxes
    found = boxes[["frame_id", "raw_class", "left", "right", "top", "bottom"]].to_numpy().tolist()
    assert found == [
        [f"kitti/0001/{frame:06d}", name, *across, *down] for frame, name, across, down in records
    ]
