from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import BBOX_HEADER, INFO_HEADER, text, vkitti2

from sim2real_lib.datasets import vkitti2 as reader
from sim2real_lib.errors import InputError

ROW = "0 0 0 10 19 5 24 150 0.25 0.7 True"
BAD_ROWS = {
    "too few fields": ("0 0 0 10 19 5 24 150 0.25 0.7", "10 fields where 11 belong"),
    "run together": (f"{ROW}{ROW}", "21 fields where 11 belong"),
    "a fraction of a pixel": ("0 0 0 10.5 19 5 24 150 0 0.7 True", "left is '10.5'"),
    "not a number": ("0 0 0 10 19 5 24 150 nan 0.7 True", "truncation_ratio is 'nan'"),
    "inside out": ("0 0 0 19 10 5 24 150 0 0.7 True", "right 10 is less than left 19"),
    "upside down": ("0 0 0 10 19 24 5 150 0 0.7 True", "bottom 5 is less than top 24"),
    "a negative frame": ("-1 0 0 10 19 5 24 150 0 0.7 True", "frame -1 is negative"),
    "negative pixels": ("0 0 0 10 19 5 24 -9 0 0.7 True", "number_pixels is -9"),
}


def read_clone(root: Path):
    return reader.read(root, variants=["clone"])


def test_a_scene_has_the_name_of_the_kitti_drive_that_it_clones(tmp_path: Path) -> None:
    vkitti2(tmp_path, [], scene="Scene18", frames=2)
    frames = read_clone(tmp_path).frames
    assert list(frames["sequence"]) == ["0018", "0018"]
    assert list(frames["frame_id"]) == ["vkitti2/0018/clone/00000", "vkitti2/0018/clone/00001"]


def test_inclusive_pixels_become_half_open(tmp_path: Path) -> None:
    vkitti2(tmp_path, [ROW])
    box = read_clone(tmp_path).boxes.iloc[0]
    assert (box["left"], box["right"], box["top"], box["bottom"]) == (10, 20, 5, 25)


def test_a_box_one_pixel_wide_has_width_one(tmp_path: Path) -> None:
    vkitti2(tmp_path, ["0 0 0 10 10 5 5 1 0 1 True"])
    box = read_clone(tmp_path).boxes.iloc[0]
    assert (box["right"] - box["left"], box["bottom"] - box["top"]) == (1, 1)


def test_the_right_camera_is_left_out(tmp_path: Path) -> None:
    vkitti2(tmp_path, [ROW, "0 1 0 30 39 5 24 150 0 0.7 True"])
    assert list(read_clone(tmp_path).boxes["left"]) == [10]


def test_a_frame_without_a_vehicle_has_no_row_and_is_kept(tmp_path: Path) -> None:
    vkitti2(tmp_path, [ROW], frames=4)
    catalog = read_clone(tmp_path)
    assert (len(catalog), len(catalog.boxes)) == (4, 1)


def test_a_scene_without_any_vehicle_is_read(tmp_path: Path) -> None:
    vkitti2(tmp_path, [], info=())
    assert len(read_clone(tmp_path).boxes) == 0


def test_a_track_is_classed_by_its_own_scene(tmp_path: Path) -> None:
    vkitti2(tmp_path, [ROW], info=["0 Car SUV Black"], scene="Scene01")
    vkitti2(tmp_path, [ROW], info=["5 Car SUV Black", "0 Van Bus Red"], scene="Scene02")
    boxes = read_clone(tmp_path).boxes
    assert list(boxes["class"]) == ["car", "van"]
    assert list(boxes["raw_class"]) == ["Car", "Van"]


def test_a_box_whose_track_has_no_class_is_refused(tmp_path: Path) -> None:
    path = vkitti2(tmp_path, [ROW, "0 0 8 10 19 5 24 150 0 0.7 True"])
    with pytest.raises(InputError, match="track 8 has no class") as error:
        read_clone(tmp_path)
    assert error.value.where == f"{path}:3"


def test_a_track_with_two_classes_is_refused(tmp_path: Path) -> None:
    vkitti2(tmp_path, [ROW], info=["0 Car SUV Black", "0 Van Bus Red"])
    with pytest.raises(InputError, match="track 0 is listed twice"):
        read_clone(tmp_path)


def test_pixels_and_truncation_are_known_and_occlusion_is_not(tmp_path: Path) -> None:
    vkitti2(tmp_path, [ROW, "1 0 0 10 19 5 24 60 0 0.7 True"])
    boxes = read_clone(tmp_path).boxes
    assert list(boxes["visible_pixels"]) == [150, 60]
    assert list(boxes["truncated"]) == [True, False]
    assert boxes["occluded"].isna().all()
    assert boxes["occlusion"].isna().all()


def test_weather_and_time_of_day_follow_the_variant(tmp_path: Path) -> None:
    for variant in reader.VARIANTS:
        vkitti2(tmp_path, [], variant=variant, frames=1)
    frames = reader.read(tmp_path, variants=list(reader.VARIANTS)).frames.set_index("variant")
    assert dict(frames["weather"] + ", " + frames["timeofday"]) == {
        "clone": "clear, daytime",
        "fog": "foggy, daytime",
        "morning": "clear, dawn/dusk",
        "overcast": "overcast, daytime",
        "rain": "rainy, daytime",
        "sunset": "clear, dawn/dusk",
        "15-deg-left": "clear, daytime",
        "15-deg-right": "clear, daytime",
        "30-deg-left": "clear, daytime",
        "30-deg-right": "clear, daytime",
    }


def test_the_six_weathers_are_read_and_the_turned_cameras_only_when_asked_for(
    tmp_path: Path,
) -> None:
    for variant in reader.VARIANTS:
        vkitti2(tmp_path, [], variant=variant, frames=1)
    assert set(reader.read(tmp_path).frames["variant"]) == {
        "clone", "fog", "morning", "overcast", "rain", "sunset",
    }  # fmt: skip


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_malformed_row_is_refused_with_file_and_line(tmp_path: Path, case: str) -> None:
    row, what = BAD_ROWS[case]
    path = vkitti2(tmp_path, [ROW, row])
    with pytest.raises(InputError) as error:
        read_clone(tmp_path)
    assert what in error.value.what
    assert error.value.where == f"{path}:3"


@pytest.mark.parametrize("header", ["", ROW, BBOX_HEADER.replace("right top", "top right")])
def test_a_table_with_another_header_is_refused(tmp_path: Path, header: str) -> None:
    path = vkitti2(tmp_path, [])
    text(path, [header, ROW])
    with pytest.raises(InputError, match="the header is not") as error:
        read_clone(tmp_path)
    assert error.value.where == f"{path}:1"


def test_a_colour_called_none_is_a_colour(tmp_path: Path) -> None:
    vkitti2(tmp_path, [ROW], info=["0 Car None NA"])
    assert len(read_clone(tmp_path).boxes) == 1


@pytest.mark.parametrize("gone", ["info.txt", "bbox.txt"])
def test_a_missing_table_is_named(tmp_path: Path, gone: str) -> None:
    path = vkitti2(tmp_path, [ROW]).with_name(gone)
    path.unlink()
    with pytest.raises(InputError, match="no such file") as error:
        read_clone(tmp_path)
    assert error.value.where == str(path)


def test_boxes_of_an_image_that_is_not_on_disk_are_dropped_and_reported(tmp_path: Path) -> None:
    vkitti2(tmp_path, [ROW, "9 0 0 10 19 5 24 150 0 0.7 True"], frames=1)
    catalog = read_clone(tmp_path)
    assert len(catalog.boxes) == 1
    assert list(catalog.dropped["reason"]) == ["vkitti2/0001/clone/00009: its image is not on disk"]


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"scenes": ["0002"]}, "no scene '0002'"),
        ({"scenes": ["Scene01"]}, "no scene 'Scene01'"),
        ({"scenes": []}, "no scene to read"),
        ({"variants": ["snow"]}, "no variant of Virtual KITTI 2 'snow'"),
        ({"variants": ["../clone"]}, "no variant"),
    ],
)
def test_an_unknown_scene_or_variant_is_refused(tmp_path: Path, asked: dict, what: str) -> None:
    vkitti2(tmp_path, [ROW])
    with pytest.raises(InputError, match=what):
        reader.read(tmp_path, **asked)


@pytest.mark.parametrize("made", [(), ("vkitti_2.0.3_rgb",), ("vkitti_2.0.3_rgb/Scene01",)])
def test_a_missing_or_empty_folder_is_one_clear_line(tmp_path: Path, made: tuple[str]) -> None:
    for folder in made:
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(InputError) as error:
        reader.read(tmp_path)
    assert str(tmp_path) in error.value.where
    assert error.value.remedy


@pytest.fixture(scope="module")
def three_frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vkitti2")
    vkitti2(root, [], frames=3)
    return root


across = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(sorted)
down = st.tuples(st.integers(0, 39), st.integers(0, 39)).map(sorted)
tracks = st.dictionaries(st.integers(0, 999), st.sampled_from(["Car", "Van", "Truck"]), min_size=1)


@settings(max_examples=15, deadline=None)
@given(st.data(), tracks)
def test_what_is_written_in_the_format_is_read_back(
    three_frames: Path, data: st.DataObject, tracks: dict[int, str]
) -> None:
    row = st.tuples(
        st.integers(0, 2), st.integers(0, 1), st.sampled_from(sorted(tracks)), across, down
    )
    rows = data.draw(st.lists(row, max_size=20))
    place = three_frames / "vkitti_2.0.3_textgt/Scene01/clone"
    text(place / "info.txt", [INFO_HEADER, *(f"{k} {v} SUV Red" for k, v in tracks.items())])
    text(
        place / "bbox.txt",
        [
            BBOX_HEADER,
            *(
                f"{frame} {camera} {track} {x[0]} {x[1]} {y[0]} {y[1]} 5 0 0.5 False"
                for frame, camera, track, x, y in rows
            ),
        ],
    )
    boxes = read_clone(three_frames).boxes
    columns = ["frame_id", "raw_class", "left", "right", "top", "bottom"]
    pd.testing.assert_frame_equal(
        boxes[columns].astype({"frame_id": object, "raw_class": object}),
        pd.DataFrame(
            [
                (f"vkitti2/0001/clone/{frame:05d}", tracks[track], x[0], x[1] + 1, y[0], y[1] + 1)
                for frame, camera, track, x, y in rows
                if camera == 0
            ],
            columns=columns,
        ),
        check_dtype=False,
    )
