import pandas as pd
import pytest
from catalogs import box, catalog, drives, frame
from hypothesis import given
from hypothesis import strategies as st

from sim2real_lib.catalog.summary import (
    automatic_thresholds,
    data_table,
    occluded_count,
    occlusion_bins,
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
