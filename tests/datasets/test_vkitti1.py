from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import DAMAGE, MOTGT_HEADER, damaged, named_or_harmless, records, text, vkitti1

from sim2real_lib.catalog import Catalog
from sim2real_lib.datasets import vkitti1 as reader
from sim2real_lib.errors import InputError

IN_SPACE = "1.85 1.5 4.9 2.9 1.4 6.4 -1.57 0.0015 -0.072"


def row(
    left: float, top: float, right: float, bottom: float,
    *, frame: object = 0, track: int = 0, label: str = "Car", truncated: int = 0,
    occluded: int = 0, truncr: object = 0, occupr: object = 0.7, original: str = "Car",
    moving: object = 0,
) -> str:  # fmt: skip
    return (
        f"{frame} {track} {label} {truncated} {occluded} -1.99 {left} {top} {right} {bottom} "
        f"{IN_SPACE} {truncr} {occupr} {original} {moving} Sedan4Door Black"
    )


BAD_ROWS = {
    "too few fields": (row(10, 5, 19, 24).rsplit(" ", 1)[0], "24 fields where 25 belong"),
    "run together": (row(10, 5, 19, 24) * 2, "49 fields where 25 belong"),
    "a fraction of a pixel": (row(10.5, 5, 19, 24), "l is '10.5', not a whole number"),
    "not a number": (row(10, 5, 19, 24, truncr="nan"), "truncr is 'nan', not a finite number"),
    "a negative frame": (row(10, 5, 19, 24, frame=-1), "frame -1 is negative"),
    "inside out": (row(19, 5, 10, 24), "right 10 is less than left 19"),
    "version 2's order of columns": (row(10, 29, 15, 24), "bottom 24 is less than top 29"),
    "an unheard-of level of truncation": (row(10, 5, 19, 24, truncated=3), "truncated is 3"),
    "an unheard-of level of occlusion": (row(10, 5, 19, 24, occluded=-1), "occluded is -1"),
    "truncated by more than all": (row(10, 5, 19, 24, truncr=1.1), "truncr is 1.1, not 0…1"),
    "more than full": (row(10, 5, 19, 24, occupr=1.3), "occupr is 1.3, not 0…1"),
    "neither moving nor not": (row(10, 5, 19, 24, moving=2), "moving is 2, neither 0 nor 1"),
    "an unheard-of class": (row(10, 5, 19, 24, label="Boat"), "there is no class 'Boat'"),
    "no class of its own": (
        row(10, 5, 19, 24, label="DontCare", original="DontCare"),
        "label is DontCare and orig_label DontCare",
    ),
    "two classes": (row(10, 5, 19, 24, original="Van"), "label is Car and orig_label Van"),
    "a track twice in a frame": (row(10, 5, 19, 24), "track 0 is in frame 0 a second time"),
}


def read_clone(root: Path) -> Catalog:
    return reader.read(root, variants=["clone"])


def test_a_scene_has_the_name_of_the_kitti_drive_that_it_clones(tmp_path: Path) -> None:
    vkitti1(tmp_path, [], scene="0018")
    frames = read_clone(tmp_path).frames
    assert list(frames["frame_id"]) == ["vkitti1/0018/clone/00000", "vkitti1/0018/clone/00001"]
    assert set(frames["source"]) == {"vkitti1"}
    assert set(frames["sequence"]) == {"0018"}
    assert list(frames["index"]) == [0, 1]


def test_inclusive_pixels_become_half_open(tmp_path: Path) -> None:
    vkitti1(tmp_path, [row(10, 5, 19, 24)])
    box = read_clone(tmp_path).boxes.iloc[0]
    assert (box["left"], box["right"], box["top"], box["bottom"]) == (10, 20, 5, 25)


def test_a_vehicle_not_to_care_about_is_an_ignore_area_of_its_own_class(tmp_path: Path) -> None:
    rows = [row(10, 5, 19, 24), row(30, 5, 39, 24, track=1, label="DontCare", original="Van")]
    vkitti1(tmp_path, rows)
    boxes = read_clone(tmp_path).boxes
    assert records(boxes[["class", "ignore", "raw_class"]]) == [
        ("car", False, "Car"),
        ("van", True, "DontCare"),
    ]


@pytest.mark.parametrize(("level", "occluded"), [(0, False), (1, None), (2, True)])
def test_only_the_outer_levels_of_occlusion_say_something(
    tmp_path: Path, level: int, occluded: bool | None
) -> None:
    vkitti1(tmp_path, [row(10, 5, 19, 24, occluded=level)])
    found = read_clone(tmp_path).boxes.loc[0, "occluded"]
    assert found is pd.NA if occluded is None else found == occluded


@pytest.mark.parametrize(("level", "truncated"), [(0, False), (1, True), (2, True)])
def test_truncated_is_any_level_above_none(tmp_path: Path, level: int, truncated: bool) -> None:
    vkitti1(tmp_path, [row(10, 5, 19, 24, truncated=level)])
    assert read_clone(tmp_path).boxes.loc[0, "truncated"] == truncated


# Of frame 0 of scene 0001's clone: box, occupr, and the pixels that version 2 counts there.
COUNTED = [
    ((722, 186, 866, 281), 0.3971491, 5433),
    ((696, 185, 771, 246), 0.4609836, 2109),
    ((394, 201, 474, 256), 0.5759091, 2534),
    ((547, 190, 570, 209), 0.1624714, 71),
    ((576, 190, 591, 202), 0.5722222, 103),
]


def test_visible_pixels_are_those_that_version_2_counts(tmp_path: Path) -> None:
    rows = [row(*box, track=n, occupr=share) for n, (box, share, _) in enumerate(COUNTED)]
    vkitti1(tmp_path, rows, frames=1, size=(1242, 375))
    found = read_clone(tmp_path).boxes["visible_pixels"]
    assert list(found) == [pixels for _, _, pixels in COUNTED]


def test_the_pixels_of_a_box_one_pixel_wide_are_unknown(tmp_path: Path) -> None:
    vkitti1(tmp_path, [row(10, 5, 10, 24, occupr="Infinity")])
    boxes = read_clone(tmp_path).boxes
    assert (boxes.loc[0, "right"] - boxes.loc[0, "left"]) == 1
    assert boxes["visible_pixels"].isna().all()


def test_a_frame_without_a_vehicle_has_no_row_and_is_kept(tmp_path: Path) -> None:
    vkitti1(tmp_path, [row(10, 5, 19, 24)], frames=4)
    catalog = read_clone(tmp_path)
    assert (len(catalog), len(catalog.boxes)) == (4, 1)


def test_the_six_weathers_are_read_and_the_turned_cameras_only_when_asked_for(
    tmp_path: Path,
) -> None:
    for variant in reader.VARIANTS:
        vkitti1(tmp_path, [], variant=variant, frames=1)
    frames = reader.read(tmp_path).frames
    assert list(frames["variant"]) == ["clone", "fog", "morning", "overcast", "rain", "sunset"]
    assert list(frames["weather"]) == ["clear", "foggy", "clear", "overcast", "rainy", "clear"]
    turned = reader.read(tmp_path, variants=["15-deg-left", "30-deg-right"]).frames
    assert list(turned["frame_id"]) == [
        "vkitti1/0001/15-deg-left/00000",
        "vkitti1/0001/30-deg-right/00000",
    ]


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_malformed_row_is_refused_with_file_and_line(tmp_path: Path, case: str) -> None:
    bad, what = BAD_ROWS[case]
    path = vkitti1(tmp_path, [row(10, 5, 19, 24), bad])
    with pytest.raises(InputError) as error:
        read_clone(tmp_path)
    assert what in error.value.what
    assert error.value.where == f"{path}:3"


def test_a_table_with_another_header_is_refused(tmp_path: Path) -> None:
    path = vkitti1(tmp_path, [])
    text(path, [MOTGT_HEADER.replace("l t r b", "l r t b"), row(10, 5, 19, 24)])
    with pytest.raises(InputError, match="the header is not") as error:
        read_clone(tmp_path)
    assert error.value.where == f"{path}:1"


def test_boxes_of_an_image_that_is_not_on_disk_are_dropped_and_reported(tmp_path: Path) -> None:
    path = vkitti1(tmp_path, [row(10, 5, 19, 24), row(10, 5, 19, 24, frame=9)], frames=1)
    catalog = read_clone(tmp_path)
    assert len(catalog.boxes) == 1
    assert records(catalog.dropped) == [
        (str(path), 3, "vkitti1/0001/clone/00009: its image is not on disk")
    ]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    path = vkitti1(tmp_path, [])
    path.unlink()
    with pytest.raises(InputError, match="no such file") as error:
        read_clone(tmp_path)
    assert error.value.where == str(path)


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"scenes": ["0002"]}, "no scene '0002'"),
        ({"scenes": []}, "no scene to read"),
        ({"variants": ["snow"]}, "no variant of Virtual KITTI 'snow'"),
        ({"variants": ["../clone"]}, "no variant"),
    ],
)
def test_an_unknown_scene_or_variant_is_refused(tmp_path: Path, asked: dict, what: str) -> None:
    vkitti1(tmp_path, [])
    with pytest.raises(InputError, match=what):
        reader.read(tmp_path, **asked)


@pytest.mark.parametrize(
    "made",
    [(), ("vkitti_1.3.1_rgb",), ("vkitti_1.3.1_rgb/0001/clone", "vkitti_1.3.1_motgt")],
)
def test_a_missing_or_empty_folder_is_one_clear_line(tmp_path: Path, made: tuple[str]) -> None:
    for folder in made:
        (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(InputError) as error:
        reader.read(tmp_path)
    assert str(tmp_path) in error.value.where
    assert error.value.remedy


def test_a_table_that_leads_out_of_the_data_set_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "vkitti1"
    path = vkitti1(home, [])
    path.rename(tmp_path / "away.txt")
    path.symlink_to(tmp_path / "away.txt")
    with pytest.raises(InputError, match="leads out of the data set") as error:
        read_clone(home)
    assert error.value.where == str(path)


@pytest.fixture(scope="module")
def three_frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("vkitti1")
    vkitti1(root, [], frames=3)
    return root


across = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(sorted)
down = st.tuples(st.integers(0, 39), st.integers(0, 39)).map(sorted)
levels = st.integers(0, 2)


@st.composite
def sightings(draw: st.DrawFn) -> list[tuple]:
    """(frame, track, class, cared for, truncated, occluded, across, down, pixels)."""
    names = st.sampled_from(["Car", "Van", "Truck"])
    rows = []
    for frame, track in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(0, 99)), min_size=1, max_size=12,
                 unique=True)
    ):  # fmt: skip
        x, y = draw(across), draw(down)
        pixels = draw(st.integers(0, (x[1] - x[0] + 1) * (y[1] - y[0] + 1)))
        flags = draw(names), draw(st.booleans()), draw(levels), draw(levels)
        rows.append((frame, track, *flags, x, y, pixels))
    return rows


def area(x: list[int], y: list[int]) -> int:
    return (x[1] - x[0]) * (y[1] - y[0])


def lines_of(rows: list[tuple]) -> list[str]:
    return [
        row(
            x[0], y[0], x[1], y[1], frame=frame, track=track,
            label=name if cared else "DontCare", original=name,
            truncated=truncated, occluded=occluded,
            occupr=pixels / area(x, y) if area(x, y) else "Infinity",
        )
        for frame, track, name, cared, truncated, occluded, x, y, pixels in rows
    ]  # fmt: skip


def written(rows: list[tuple]) -> pd.DataFrame:
    """The catalog's boxes of these rows."""
    return pd.DataFrame(
        [
            {
                "frame_id": f"vkitti1/0001/clone/{frame:05d}", "class": name.lower(),
                "left": x[0], "top": y[0], "right": x[1] + 1, "bottom": y[1] + 1,
                "occluded": {0: False, 1: None, 2: True}[occluded], "occlusion": None,
                "truncated": truncated > 0,
                "visible_pixels": pixels if area(x, y) else None,
                "ignore": not cared, "raw_class": name if cared else "DontCare",
            }
            for frame, track, name, cared, truncated, occluded, x, y, pixels in rows
        ]
    )  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(sightings())
def test_what_is_written_in_the_format_is_read_back(three_frames: Path, rows: list) -> None:
    text(three_frames / "vkitti_1.3.1_motgt/0001_clone.txt", [MOTGT_HEADER, *lines_of(rows)])
    assert records(read_clone(three_frames).boxes) == records(written(rows))


@settings(max_examples=40, deadline=None)
@given(sightings(), st.sampled_from(DAMAGE), st.data())
def test_one_damaged_field_is_named_or_does_no_harm(
    three_frames: Path, rows: list, how: str, data: st.DataObject
) -> None:
    lines = [MOTGT_HEADER, *lines_of(rows)]
    place = len(lines) - 1 if how == "cut" else data.draw(st.integers(1, len(lines) - 1))
    field = data.draw(st.integers(0, len(MOTGT_HEADER.split()) - 1))
    path = three_frames / "vkitti_1.3.1_motgt/0001_clone.txt"
    path.write_bytes(damaged(lines, place, field, how, swap=(6, 8)))
    named_or_harmless(lambda: read_clone(three_frames), f"{path}:{place + 1}", written(rows))
