import pandas as pd
import pytest
from catalogs import box, catalog, drives, frame
from hypothesis import given
from hypothesis import strategies as st

from sim2real_lib.catalog import Catalog
from sim2real_lib.catalog.summary import (
    automatic_thresholds,
    data_table,
    dropped_table,
    occluded_count,
    occlusion_bins,
    sequence_table,
)
from sim2real_lib.errors import InputError

CLASSES = ("car", "van", "truck")


def crowded(counts: list[int]):
    """Frames with so many occluded cars each."""
    boxes = [box(str(n), occluded=True) for n, count in enumerate(counts) for _ in range(count)]
    return catalog([frame(str(n)) for n in range(len(counts))], boxes)


def test_the_data_table_has_a_row_for_each_source() -> None:
    frames = [
        frame("a"),
        frame("b", sequence="0002"),
        frame("c", source="bdd100k", weather="rainy", timeofday="night", scene="tunnel"),
        frame("d", source="bdd100k", weather="clear", scene="highway"),
        frame("e", source="own", weather="undefined"),
    ]
    assert data_table(catalog(frames)).T.to_dict() == {
        "kitti": {
            "sequences": 2, "images": 2, "multiple cities": "–", "weathers": "clear",
            "times of day": "daytime", "scene types": "–",
        },
        "bdd100k": {
            "sequences": 1, "images": 2, "multiple cities": "✓", "weathers": "clear, rainy",
            "times of day": "daytime, night", "scene types": "highway, tunnel",
        },
        "own": {
            "sequences": 1, "images": 1, "multiple cities": "?", "weathers": "–",
            "times of day": "daytime", "scene types": "–",
        },
    }  # fmt: skip


def test_clones_count_as_images_and_not_as_sequences() -> None:
    table = data_table(drives({"0001": 3, "0002": 2}))
    assert list(table["sequences"]) == [2, 2]
    assert list(table["images"]) == [5, 10]


def test_the_sequence_table_has_a_row_for_each_drive() -> None:
    frames = [
        frame("a"), frame("b", index=1, width=90), frame("c", sequence="0002"),
        frame("d", source="vkitti2", variant="clone"),
        frame("e", source="vkitti2", variant="fog", weather="foggy"),
    ]  # fmt: skip
    boxes = [
        box("a", occluded=True, truncated=True), box("a", left=12.0), box("b", name="tram"),
        box("b", ignore=True), box("b", occluded=None, truncated=False),
        box("d", occluded=None, truncated=True),
    ]  # fmt: skip
    table = sequence_table(catalog(frames, boxes), CLASSES)
    assert table.index.names == ["source", "sequence"]
    assert table.T.to_dict() == {
        ("kitti", "0001"): {
            "frames": 2, "variants": "original", "boxes": 3, "boxes a frame": 1.5,
            "occluded %": "50", "truncated %": "50", "image sizes": "2 sizes", "weathers": "clear",
        },
        ("kitti", "0002"): {
            "frames": 1, "variants": "original", "boxes": 0, "boxes a frame": 0.0,
            "occluded %": "–", "truncated %": "–", "image sizes": "100x40", "weathers": "clear",
        },
        ("vkitti2", "0001"): {
            "frames": 2, "variants": "clone, fog", "boxes": 1, "boxes a frame": 0.5,
            "occluded %": "–", "truncated %": "100", "image sizes": "100x40",
            "weathers": "clear, foggy",
        },
    }  # fmt: skip


def test_images_that_are_sequences_by_themselves_are_one_row_a_split() -> None:
    singles = [
        frame(f"{split}{n}", source="bdd100k", split=split, sequence=f"{split}{n}")
        for n in range(3)
        for split in ("train", "test")
    ]
    video = [frame(f"v{n}", source="bdd100k", sequence="v", index=n) for n in range(2)]
    whole = catalog([*singles, *video], [box("train0"), box("train2"), box("v1")])
    table = sequence_table(whole, CLASSES)[["frames", "boxes"]]
    assert table.reset_index().to_numpy().tolist() == [
        ["bdd100k", "single images, train", 3, 2],
        ["bdd100k", "single images, test", 3, 0],
        ["bdd100k", "v", 2, 1],
    ]


def test_refused_records_are_grouped_by_source_and_reason() -> None:
    reasons = [
        "kitti/0001/000002: a Car has no area in its image",
        "bdd100k/train/a: its image is not on disk",
        "bdd100k/train/b: a car without a box",
        "bdd100k/train/c: its image is not on disk",
        "an unreadable line: it says nothing",
    ]
    dropped = pd.DataFrame(
        {"file": [f"f{n}" for n in range(5)], "line": range(5), "reason": reasons}
    )
    whole = catalog([frame()])
    table = dropped_table(Catalog(whole.frames, whole.boxes, dropped))
    assert list(table.columns) == ["source", "reason", "records", "example", "file", "line"]
    assert table.to_numpy().tolist() == [
        ["bdd100k", "its image is not on disk", 2, "bdd100k/train/a", "f1", 1],
        ["kitti", "a Car has no area in its image", 1, "kitti/0001/000002", "f0", 0],
        ["bdd100k", "a car without a box", 1, "bdd100k/train/b", "f2", 2],
        ["–", "an unreadable line: it says nothing", 1, "–", "f4", 4],
    ]
    assert dropped_table(whole).empty


def test_every_frame_has_a_count_even_without_boxes() -> None:
    assert dict(occluded_count(crowded([2, 0, 1]), CLASSES)) == {"0": 2, "1": 0, "2": 1}
    assert dict(occluded_count(catalog([frame()]), CLASSES)) == {"f": 0}


@pytest.mark.parametrize(
    "uncounted",
    [{"occluded": None}, {"occluded": False}, {"ignore": True}, {"name": "pedestrian"}],
)
def test_unknown_visible_ignored_and_other_objects_do_not_count(uncounted: dict) -> None:
    boxes = [box(**{"occluded": True} | uncounted), box(occluded=True, left=12.0)]
    assert dict(occluded_count(catalog([frame()], boxes), CLASSES)) == {"f": 1}


def test_bins_are_cumulative_and_include_their_upper_end() -> None:
    bins = occlusion_bins(crowded([0, 5, 6, 10, 11]), [5, 10], CLASSES)
    assert list(bins.index) == ["0-5", "0-10", "0-all"]
    assert list(bins["images"]) == [2, 4, 5]
    assert list(bins["occluded objects"]) == [5, 21, 32]


def test_without_thresholds_there_is_one_bin() -> None:
    assert list(occlusion_bins(crowded([1]), [], CLASSES).index) == ["0-all"]


@pytest.mark.parametrize("thresholds", [[10, 5], [5, 5], [-1, 5]])
def test_thresholds_that_do_not_ascend_are_refused(thresholds: list[int]) -> None:
    with pytest.raises(InputError, match="ascend"):
        occlusion_bins(crowded([1]), thresholds, CLASSES)


def test_automatic_thresholds_divide_occluded_objects_into_thirds() -> None:
    counts = pd.Series([0] * 50 + [1] * 6 + [2] * 3 + [3] * 2)  # 6 objects in each kind of image
    assert automatic_thresholds(counts) == [1, 2]
    assert automatic_thresholds(counts, parts=2) == [1]


@pytest.mark.parametrize("counts", [[], [0, 0], [4, 4, 0]])
def test_where_there_is_nothing_to_divide_there_are_no_thresholds(counts: list[int]) -> None:
    assert automatic_thresholds(pd.Series(counts, dtype="int64")) == []


@given(st.lists(st.integers(0, 30), max_size=60), st.integers(2, 5))
def test_automatic_thresholds_ascend_and_leave_something_to_the_last_bin(
    counts: list[int], parts: int
) -> None:
    thresholds = automatic_thresholds(pd.Series(counts, dtype="int64"), parts)
    assert thresholds == sorted(set(thresholds))
    assert len(thresholds) < parts
    assert all(0 < threshold < max(counts) for threshold in thresholds)
