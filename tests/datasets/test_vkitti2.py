from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import (
    BBOX_HEADER,
    DAMAGE,
    INFO_HEADER,
    damaged,
    named_or_harmless,
    records,
    text,
    vkitti2,
)

from sim2real_lib.catalog import Catalog
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
    "more pixels than the box has": (
        "0 0 0 10 19 5 24 201 0 0.7 True",
        "number_pixels is 201, not 0…the box's",
    ),
    "KITTI's order of columns": ("0 0 0 10 12 19 14 150 0 0.7 True", "bottom 14 is less than top"),
    "a third camera": ("0 2 0 10 19 5 24 150 0 0.7 True", "cameraID is 2"),
    "truncated by more than all": ("0 0 0 10 19 5 24 150 1.1 0.7 True", "truncation_ratio is 1.1"),
    "truncated by less than nothing": ("0 0 0 10 19 5 24 150 -1 0.7 True", "truncation_ratio is"),
    "more than full": ("0 0 0 10 19 5 24 150 0 1.3 True", "occupancy_ratio is 1.3, not 0…1"),
    "emptier than empty": ("0 0 0 10 19 5 24 150 0 -0.1 True", "occupancy_ratio is -0.1"),
    "infinitely full": ("0 0 0 10 19 5 24 150 0 Infinity True", "occupancy_ratio is Infinity"),
    "no ratio": ("0 0 0 10 19 5 24 150 0 full True", "occupancy_ratio is full"),
    "neither moving nor not": ("0 0 0 10 19 5 24 150 0 0.7 1", "isMoving is '1'"),
    "a track twice in a frame": ("0 0 0 10 19 5 24 150 0 0.7 True", "track 0 is in frame 0 a seco"),
}


def read_clone(root: Path) -> Catalog:
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


@pytest.mark.parametrize("ratio", ["1.052632", "Infinity", "0.3"])
def test_a_thin_box_may_fill_more_than_what_its_ratio_divides_by(
    tmp_path: Path, ratio: str
) -> None:
    # 1 x 20 pixels: (right - left) (bottom - top) is 0; 20 x 2 pixels: 19
    row = "0 0 0 10 29 5 6 20" if ratio == "1.052632" else "0 0 0 10 10 5 24 20"
    vkitti2(tmp_path, [f"{row} 0 {ratio} True"])
    assert list(read_clone(tmp_path).boxes["visible_pixels"]) == [20]


def test_a_ratio_that_is_nothing_but_rounding_is_not_truncated(tmp_path: Path) -> None:
    rows = [f"{frame} 0 0 10 19 5 24 150 {r} 0.7 True" for frame, r in enumerate(("5.96E-08", 1))]
    vkitti2(tmp_path, rows)
    assert list(read_clone(tmp_path).boxes["truncated"]) == [False, True]


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


def test_an_unknown_class_is_refused_where_it_is_listed(tmp_path: Path) -> None:
    path = vkitti2(tmp_path, [ROW], info=["0 Car SUV Black", "1 Boat Sloop Red"])
    with pytest.raises(InputError, match="no class 'Boat'") as error:
        read_clone(tmp_path)
    assert error.value.where == f"{path.with_name('info.txt')}:3"
    assert "There are: Car, Van, Truck, DontCare" in error.value.remedy
    assert error.value.remedy.endswith("taxonomy.yaml")


def test_a_track_is_classed_by_its_own_variant(tmp_path: Path) -> None:
    vkitti2(tmp_path, [ROW], info=["0 Car SUV Black"])
    vkitti2(tmp_path, [ROW], info=["0 Truck Lorry Red"], variant="fog")
    assert list(reader.read(tmp_path, variants=["clone", "fog"]).boxes["class"]) == ["car", "truck"]


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


@pytest.mark.parametrize(
    ("rgb", "textgt"),
    [(".", "."), ("vkitti_2.0.3_rgb", "."), (".", "vkitti_2.0.3_textgt")],
)
def test_the_archives_may_be_unpacked_without_folders_of_their_own(
    tmp_path: Path, rgb: str, textgt: str
) -> None:
    for scene in ("Scene01", "Scene18"):
        vkitti2(tmp_path, [ROW], scene=scene, rgb=rgb, textgt=textgt)
    catalog = read_clone(tmp_path)
    assert list(catalog.frames["sequence"]) == ["0001", "0001", "0018", "0018"]
    assert list(catalog.boxes["frame_id"]) == [
        "vkitti2/0001/clone/00000",
        "vkitti2/0018/clone/00000",
    ]


def test_other_folders_beside_the_scenes_are_passed_over(tmp_path: Path) -> None:
    vkitti2(tmp_path, [ROW], rgb=".", textgt=".")
    (tmp_path / "Scene1").mkdir()
    (tmp_path / "vkitti_2.0.3_depth").mkdir()
    assert len(read_clone(tmp_path)) == 2


@pytest.mark.parametrize("name", ["bbox.txt", "info.txt"])
def test_a_table_that_leads_out_of_the_data_set_is_refused(tmp_path: Path, name: str) -> None:
    home = tmp_path / "vkitti2"
    path = vkitti2(home, [ROW]).with_name(name)
    path.rename(tmp_path / name)
    path.symlink_to(tmp_path / name)
    with pytest.raises(InputError, match="leads out of the data set") as error:
        read_clone(home)
    assert error.value.where == str(path)


@pytest.mark.parametrize(
    "place",
    [
        "vkitti_2.0.3_rgb",
        "vkitti_2.0.3_rgb/Scene01",
        "vkitti_2.0.3_rgb/Scene01/clone/frames/rgb/Camera_0",
        "vkitti_2.0.3_textgt/Scene01/clone",
    ],
)
def test_a_folder_of_the_layout_may_lie_on_another_disk(tmp_path: Path, place: str) -> None:
    home = tmp_path / "vkitti2"
    vkitti2(home, [ROW])
    (home / place).rename(tmp_path / "away")
    (home / place).symlink_to(tmp_path / "away")
    assert len(read_clone(home).boxes) == 1


@pytest.fixture(scope="module")
def three_frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vkitti2")
    vkitti2(root, [], frames=3)
    return root


across = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(sorted)
down = st.tuples(st.integers(0, 39), st.integers(0, 39)).map(sorted)
tracks = st.dictionaries(st.integers(0, 999), st.sampled_from(["Car", "Van", "Truck"]), min_size=1)
truncations = st.one_of(st.just(0.0), st.floats(0.001, 1))


@st.composite
def sightings(draw: st.DrawFn) -> tuple[dict[int, str], list[tuple]]:
    """Tracks with their classes, and (frame, camera, track, across, down, pixels, truncation)."""
    classes = draw(tracks)
    place = st.tuples(st.integers(0, 2), st.integers(0, 1), st.sampled_from(sorted(classes)))
    places = draw(st.lists(place, min_size=1, max_size=15, unique=True))
    rows = []
    for frame, camera, track in places:
        x, y = draw(across), draw(down)
        pixels = draw(st.integers(0, (x[1] - x[0] + 1) * (y[1] - y[0] + 1)))
        rows.append((frame, camera, track, x, y, pixels, draw(truncations)))
    return classes, rows


def write(place: Path, classes: dict[int, str], rows: list[tuple]) -> list[str]:
    """Write info.txt and bbox.txt; the lines of the latter."""
    text(place / "info.txt", [INFO_HEADER, *(f"{k} {v} SUV Red" for k, v in classes.items())])
    lines = [BBOX_HEADER]
    for frame, camera, track, x, y, pixels, truncation in rows:
        area = (x[1] - x[0]) * (y[1] - y[0])
        ratio = pixels / area if area else "Infinity"
        sides = f"{x[0]} {x[1]} {y[0]} {y[1]}"
        lines.append(f"{frame} {camera} {track} {sides} {pixels} {truncation} {ratio} False")
    text(place / "bbox.txt", lines)
    return lines


def written(classes: dict[int, str], rows: list[tuple]) -> pd.DataFrame:
    """The catalog's boxes of these rows."""
    return pd.DataFrame(
        [
            {
                "frame_id": f"vkitti2/0001/clone/{frame:05d}", "class": classes[track].lower(),
                "left": x[0], "top": y[0], "right": x[1] + 1, "bottom": y[1] + 1,
                "occluded": None, "occlusion": None, "truncated": truncation > 0,
                "visible_pixels": pixels, "ignore": False, "raw_class": classes[track],
            }
            for frame, camera, track, x, y, pixels, truncation in rows
            if camera == 0
        ]
    )  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(sightings())
def test_what_is_written_in_the_format_is_read_back(three_frames: Path, world: tuple) -> None:
    write(three_frames / "vkitti_2.0.3_textgt/Scene01/clone", *world)
    assert records(read_clone(three_frames).boxes) == records(written(*world))


@settings(max_examples=40, deadline=None)
@given(sightings(), st.sampled_from(DAMAGE), st.data())
def test_one_damaged_field_is_named_or_does_no_harm(
    three_frames: Path, world: tuple, how: str, data: st.DataObject
) -> None:
    place = three_frames / "vkitti_2.0.3_textgt/Scene01/clone"
    lines = write(place, *world)
    row = len(lines) - 1 if how == "cut" else data.draw(st.integers(1, len(lines) - 1))
    field = data.draw(st.integers(0, len(BBOX_HEADER.split()) - 1))
    path = place / "bbox.txt"
    path.write_bytes(damaged(lines, row, field, how, swap=(3, 4)))
    named_or_harmless(lambda: read_clone(three_frames), f"{path}:{row + 1}", written(*world))
