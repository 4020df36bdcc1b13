import pytest
from catalogs import box, catalog, frame
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.catalog.clean import RULES, clean, find_faults
from sim2real_lib.errors import InputError


def rules(*boxes: dict) -> list[tuple[int, str]]:
    faults = find_faults(catalog([frame("f"), frame("g")], boxes))
    return list(zip(faults["box"], faults["rule"], strict=True))


def test_sound_boxes_have_no_fault() -> None:
    assert rules(box(), box(left=13.0), box("g"), box("g", "van", left=11.0)) == []


def test_of_exact_duplicates_the_first_is_kept() -> None:
    assert rules(box(), box(), box()) == [(1, "exact duplicate"), (2, "exact duplicate")]


def test_of_exact_duplicates_the_most_visible_is_kept() -> None:
    behind, front = box(visible_pixels=3), box(visible_pixels=30)
    assert rules(behind, front) == [(0, "exact duplicate")]


def test_of_a_box_with_two_classes_none_is_kept() -> None:
    assert rules(box(), box(name="van"), box()) == [(n, "two classes") for n in range(3)]


def test_objects_of_which_almost_nothing_is_seen_are_faults_and_uncounted_ones_are_not() -> None:
    seen = [9, 10, None, 0]
    boxes = [box(left=4.0 * n, visible_pixels=pixels) for n, pixels in enumerate(seen)]
    assert rules(*boxes) == [(0, "few visible pixels"), (3, "few visible pixels")]


def test_a_box_with_a_side_below_three_pixels_is_tiny() -> None:
    assert rules(box(right=12.9), box(bottom=7.9), box(right=13.0, bottom=8.0)) == [
        (0, "tiny"), (1, "tiny"),
    ]  # fmt: skip


def test_limits_are_parameters() -> None:
    faulty = catalog([frame()], [box(visible_pixels=9, right=12.0)])
    assert find_faults(faulty, min_visible_pixels=9, min_side=2.0).empty


def test_ignore_areas_are_exempt() -> None:
    area = {"ignore": True, "visible_pixels": 0, "right": 11.0}
    assert rules(box(**area), box(**area), box(name="van", **area), box(right=11.0)) == [
        (3, "tiny")
    ]


def test_a_box_is_reported_once_under_its_first_rule() -> None:
    speck = {"right": 11.0, "visible_pixels": 1}
    assert rules(box(**speck), box(name="van", **speck)) == [(0, "two classes"), (1, "two classes")]


def test_of_near_duplicates_the_largest_is_kept() -> None:
    assert rules(box(left=10.5), box(), box(left=11.0)) == [
        (0, "near duplicate"), (2, "near duplicate"),
    ]  # fmt: skip


def test_of_near_duplicates_the_most_visible_is_kept_even_where_it_is_smaller() -> None:
    boxes = box(), box(left=10.5, visible_pixels=40), box(bottom=20.5, visible_pixels=20)
    assert rules(*boxes) == [(0, "near duplicate"), (2, "near duplicate")]


def test_near_duplicates_are_of_one_class_and_frame_and_no_ignore_areas() -> None:
    assert rules(box(), box("g", left=10.5), box(name="van", left=10.5)) == []
    assert rules(box(), box(left=10.5, ignore=True)) == []


def test_in_a_chain_of_near_duplicates_what_removes_another_box_stays() -> None:
    # Each covers its neighbours but for a sliver, and the first and the third do not.
    chain = [box(left=10.0 + shift, right=30.0 + shift) for shift in (0.0, 1.0, 2.0, 3.0)]
    assert rules(*chain) == [(1, "near duplicate"), (3, "near duplicate")]
    assert rules(*chain[::-1]) == [(1, "near duplicate"), (3, "near duplicate")]
    chain[1]["visible_pixels"] = 50
    assert rules(*chain) == [(0, "near duplicate"), (2, "near duplicate")]


def test_exact_duplicates_are_counted_before_near_ones() -> None:
    assert rules(box(), box(), box(left=10.5)) == [(1, "exact duplicate"), (2, "near duplicate")]


def test_at_an_overlap_of_one_nothing_is_a_near_duplicate() -> None:
    whole = catalog([frame()], [box(), box(left=10.01)])
    assert find_faults(whole, near_duplicate_iou=1.0).empty
    assert len(clean(whole, near_duplicate_iou=0.9)[0].boxes) == 1


@pytest.mark.parametrize("overlap", [0.0, -0.5, 1.1, float("nan")])
def test_an_impossible_overlap_is_refused(overlap: float) -> None:
    with pytest.raises(InputError, match="at most 1"):
        find_faults(catalog([frame()]), near_duplicate_iou=overlap)


corners = st.tuples(*[st.integers(0, 4)] * 2, *[st.integers(3, 7)] * 2)
drawn = st.tuples(st.sampled_from("fg"), st.sampled_from(["car", "van"]), corners)


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(drawn, st.sampled_from([None, 20, 30])), max_size=40),
    st.sampled_from([0.2, 0.5, 0.8, 0.9]),
)
def test_near_duplicates_are_those_of_plain_suppression(
    given_boxes: list[tuple], least: float
) -> None:
    boxes = [
        box(where, name, left=x, top=y, right=x + w, bottom=y + h, visible_pixels=seen)
        for (where, name, (x, y, w, h)), seen in given_boxes
    ]
    faults = find_faults(catalog([frame("f"), frame("g")], boxes), near_duplicate_iou=least)
    earlier = set(faults.loc[faults["rule"].isin(RULES[:2]), "box"])
    expected = suppressed({n: b for n, b in enumerate(boxes) if n not in earlier}, least)
    assert set(faults.loc[faults["rule"] == "near duplicate", "box"]) == expected


def suppressed(boxes: dict[int, dict], least: float) -> set[int]:
    """Non-maximum suppression, box by box."""

    def area(b: dict) -> float:
        return (b["right"] - b["left"]) * (b["bottom"] - b["top"])

    def cover(a: dict, b: dict) -> bool:
        if (a["frame_id"], a["class"]) != (b["frame_id"], b["class"]):
            return False
        width = min(a["right"], b["right"]) - max(a["left"], b["left"])
        height = min(a["bottom"], b["bottom"]) - max(a["top"], b["top"])
        shared = max(0, width) * max(0, height)
        return shared >= least * (area(a) + area(b) - shared)

    best_first = sorted(
        boxes, key=lambda n: (-(boxes[n]["visible_pixels"] or -1), -area(boxes[n]), n)
    )
    kept: list[int] = []
    for number in best_first:
        if not any(cover(boxes[number], boxes[other]) for other in kept):
            kept.append(number)
    return set(boxes) - set(kept)


def test_cleaning_removes_the_faults_and_counts_them_by_rule_and_source() -> None:
    frames = [frame("f"), frame("v", source="vkitti2"), frame("b", source="bdd100k")]
    boxes = [
        box("f"), box("f"), box("v", visible_pixels=3), box("v", left=14.0),
        box("b"), box("b", name="van"), box("b", left=12.0), box("b", right=12.0),
        box("b", left=12.5),
    ]  # fmt: skip
    cleaned, report = clean(catalog(frames, boxes))
    assert list(cleaned.boxes.loc[~cleaned.boxes["ignore"], "frame_id"]) == ["f", "v", "b"]
    assert len(cleaned) == 3
    assert list(report.index) == list(RULES)
    assert report.to_dict() == {
        "kitti": dict.fromkeys(RULES, 0) | {"exact duplicate": 1},
        "vkitti2": dict.fromkeys(RULES, 0) | {"few visible pixels": 1},
        "bdd100k": dict.fromkeys(RULES, 0) | {"two classes": 2, "near duplicate": 1, "tiny": 1},
    }


def test_what_is_there_but_cannot_be_judged_becomes_an_area_to_ignore() -> None:
    boxes = [box(visible_pixels=3), box(left=40.0, right=42.0), box(left=60.0, right=90.0)]
    cleaned, report = clean(catalog([frame()], boxes))
    assert list(cleaned.boxes["ignore"]) == [True, True, False]
    assert list(cleaned.boxes["left"]) == [10.0, 40.0, 60.0]
    assert report["kitti"].sum() == 2


def test_a_place_with_two_classes_becomes_one_area_to_ignore() -> None:
    boxes = [box(), box(name="van"), box(), box(left=50.0, right=70.0)]
    boxes += [box("g"), box("g", name="truck")]
    cleaned, report = clean(catalog([frame("f"), frame("g")], boxes))
    areas = cleaned.boxes[cleaned.boxes["ignore"]]
    assert list(zip(areas["frame_id"], areas["left"], strict=True)) == [("f", 10.0), ("g", 10.0)]
    assert list(cleaned.boxes.loc[~cleaned.boxes["ignore"], "left"]) == [50.0]
    assert report.loc["two classes", "kitti"] == 5


def test_duplicates_vanish_and_areas_that_were_there_stay() -> None:
    boxes = [box(), box(), box(left=10.5), box(name="dontcare", ignore=True)]
    cleaned, _ = clean(catalog([frame()], boxes))
    assert list(cleaned.boxes["class"]) == ["car", "dontcare"]
    assert list(cleaned.boxes["ignore"]) == [False, True]


def test_a_tiny_box_drawn_twice_is_one_area() -> None:
    cleaned, _ = clean(catalog([frame()], [box(right=12.0), box(right=12.0)]))
    assert list(cleaned.boxes["ignore"]) == [True]


def test_cleaning_again_changes_nothing() -> None:
    boxes = [box(), box(), box(left=40.0, right=42.0), box(left=60.0), box(name="van", left=60.0)]
    boxes = [{**b, "right": max(b["right"], b["left"] + 2)} for b in boxes]
    once, _ = clean(catalog([frame()], boxes))
    twice, report = clean(once)
    assert twice.boxes.equals(once.boxes)
    assert report.to_numpy().sum() == 0


def test_a_clean_catalog_stays_as_it_is() -> None:
    cleaned, report = clean(catalog([frame()], [box()]))
    assert (len(cleaned.boxes), report.to_numpy().sum()) == (1, 0)
    assert clean(catalog([frame()]))[1].to_numpy().sum() == 0
