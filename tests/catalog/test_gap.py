import numpy as np
import pandas as pd
import pytest
from catalogs import box, catalog, frame
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.catalog import gap
from sim2real_lib.catalog.gap import MEASURES, distances, measures
from sim2real_lib.errors import InputError


def seen(*frame_ids: str) -> pd.DataFrame:
    """A survey in which frame n measures n.1, n.2, n.3, n.4."""
    rows = [[f, *(n + tenth / 10 for tenth in (1, 2, 3, 4))] for n, f in enumerate(frame_ids)]
    return pd.DataFrame(rows, columns=["frame_id", *gap.appearance.MEASURES])


def table(**groups: list[float]) -> pd.DataFrame:
    """One measure of sources named a, b, …"""
    rows = [(source, "sharpness", value) for source, own in groups.items() for value in own]
    return pd.DataFrame(rows, columns=["source", "measure", "value"])


def apart(a: list[float], b: list[float]) -> tuple[float, float]:
    (row,) = distances(table(a=a, b=b)).to_dict("records")
    assert (row["measure"], row["a"], row["b"]) == ("sharpness", "a", "b")
    return row["distance"], row["overlap"]


def test_boxes_and_images_are_measured() -> None:
    frames = [frame("f", height=40), frame("g", source="vkitti2", variant="fog", height=80)]
    boxes = [box("f", right=30.0, bottom=10.0), box("f", ignore=True), box("f", bottom=25.0)]
    found = measures(catalog(frames, boxes), seen("f", "g"))
    assert list(found.columns) == ["source", "variant", "measure", "value"]
    by_measure = found.groupby("measure", observed=True)["value"].agg(list)
    assert list(by_measure.index) == list(MEASURES)
    assert by_measure["box size"] == pytest.approx([10, 20])
    assert by_measure["box size, share of image height"] == pytest.approx([0.25, 0.5])
    assert by_measure["aspect"] == pytest.approx([4, 1])
    assert by_measure["boxes an image"] == [2, 0]
    assert by_measure["brightness"] == pytest.approx([0.1, 1.1])
    assert by_measure["sharpness"] == pytest.approx([0.4, 1.4])
    assert set(found.loc[found["variant"] == "fog", "source"]) == {"vkitti2"}
    assert len(found[found["source"] == "vkitti2"]) == 5


def test_the_survey_may_have_more_frames_in_another_order() -> None:
    found = measures(catalog([frame("f"), frame("g")]), seen("x", "g", "f"))
    assert list(found.loc[found["measure"] == "contrast", "value"]) == pytest.approx([2.2, 1.2])


def test_a_frame_that_was_not_surveyed_is_named() -> None:
    with pytest.raises(InputError, match="g: this frame was not surveyed"):
        measures(catalog([frame("f"), frame("g")]), seen("f"))


def test_equal_distributions_are_not_apart() -> None:
    assert apart([1, 2, 3, 4], [4, 3, 2, 1]) == (0.0, 1.0)


def test_a_shift_by_one_deviation_is_a_distance_of_one() -> None:
    values = np.random.default_rng(0).normal(5, 2, 500)
    distance, overlap = apart(list(values), list(values + values.std()))
    assert distance == pytest.approx(1)
    assert overlap == pytest.approx(0.62, abs=0.06)  # 2 Φ(-1/2), of two normal distributions


def test_distributions_without_common_values_do_not_overlap() -> None:
    distance, overlap = apart([0, 1, 2], [10, 11, 12])
    assert distance == pytest.approx(10 / np.std([0, 1, 2]))
    assert overlap == 0


def test_both_groups_weigh_the_same_however_many_values_they_have() -> None:
    few, many = [0.0, 2.0], [10.0, 16.0] * 50
    assert apart(few, many)[0] == pytest.approx(12 / np.sqrt((1 + 9) / 2))


def test_constant_values_are_equal_or_infinitely_far_apart() -> None:
    assert apart([0.1] * 3, [0.1] * 7) == (0.0, 1.0)
    assert apart([0.1] * 3, [0.2] * 7) == (float("inf"), 0.0)
    assert apart([1.0] * 3, [1.0, 3.0])[0] == pytest.approx(1 / np.sqrt(0.5))


def test_a_single_group_has_no_distances() -> None:
    found = distances(table(a=[1, 2, 3]))
    assert (len(found), list(found.columns)) == (
        0, ["measure", "a", "b", "distance", "overlap"],
    )  # fmt: skip
    assert distances(table()).empty


def test_values_that_are_not_known_do_not_count() -> None:
    assert apart([1, 2, float("nan")], [float("nan"), 2, 1]) == (0.0, 1.0)
    assert distances(table(a=[1, 2], b=[float("nan")])).empty


def test_every_pair_of_groups_has_a_row_for_each_measure() -> None:
    frames = [frame(n, source=n, variant=v) for n, v in zip("cab", ("x", "y", "y"), strict=True)]
    found = distances(measures(catalog(frames), seen("a", "b", "c")))
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    assert list(found[["measure", "a", "b"]].itertuples(index=False, name=None)) == [
        (measure, *pair) for measure in MEASURES[3:] for pair in pairs
    ]
    assert set(distances(measures(catalog(frames), seen("a", "b", "c")), "variant")["b"]) == {"y"}


def test_a_sample_of_many_values_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(2, 3_000))
    whole = table(a=list(values[0]), b=list(values[1] + 0.5))
    exact = distances(whole)
    monkeypatch.setattr(gap, "SAMPLE", 1_000)
    pd.testing.assert_frame_equal(distances(whole), distances(whole))
    assert distances(whole)["distance"][0] != exact["distance"][0]
    assert distances(whole)["distance"][0] == pytest.approx(exact["distance"][0], abs=0.1)


some = st.lists(st.integers(-50, 50), min_size=2, max_size=30)


@settings(max_examples=40, deadline=None)
@given(some, some, st.integers(1, 9), st.integers(-99, 99))
def test_distances_have_no_unit_and_no_direction(
    a: list[int], b: list[int], scale: int, shift: int
) -> None:
    here = apart(a, b)
    assert 0 <= here[1] <= 1 + 1e-9
    assert apart(b, a) == pytest.approx(here)
    moved = [[scale * value + shift for value in own] for own in (a, b)]
    assert apart(*moved)[0] == pytest.approx(here[0])
