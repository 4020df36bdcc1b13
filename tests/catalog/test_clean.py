from catalogs import box, catalog, frame

from sim2real_lib.catalog.clean import RULES, clean, find_faults


def rules(*boxes: dict) -> list[tuple[int, str]]:
    faults = find_faults(catalog([frame("f"), frame("g")], boxes))
    return list(zip(faults["box"], faults["rule"], strict=True))


def test_sound_boxes_have_no_fault() -> None:
    assert rules(box(), box(left=11.0), box("g"), box("g", "van", left=11.0)) == []


def test_of_exact_duplicates_the_first_is_kept() -> None:
    assert rules(box(), box(), box()) == [(1, "exact duplicate"), (2, "exact duplicate")]


def test_of_exact_duplicates_the_most_visible_is_kept() -> None:
    behind, front = box(visible_pixels=3), box(visible_pixels=30)
    assert rules(behind, front) == [(0, "exact duplicate")]


def test_of_a_box_with_two_classes_none_is_kept() -> None:
    assert rules(box(), box(name="van"), box()) == [(n, "two classes") for n in range(3)]


def test_objects_of_which_almost_nothing_is_seen_are_faults_and_uncounted_ones_are_not() -> None:
    boxes = [box(left=float(n), visible_pixels=seen) for n, seen in enumerate([9, 10, None, 0])]
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


def test_cleaning_removes_the_faults_and_counts_them_by_rule_and_source() -> None:
    frames = [frame("f"), frame("v", source="vkitti2"), frame("b", source="bdd100k")]
    boxes = [
        box("f"), box("f"), box("v", visible_pixels=3), box("v", left=11.0),
        box("b"), box("b", name="van"), box("b", left=12.0), box("b", right=12.0),
    ]  # fmt: skip
    cleaned, report = clean(catalog(frames, boxes))
    assert list(cleaned.boxes["frame_id"]) == ["f", "v", "b"]
    assert len(cleaned) == 3
    assert list(report.index) == list(RULES)
    assert report.to_dict() == {
        "kitti": dict.fromkeys(RULES, 0) | {"exact duplicate": 1},
        "vkitti2": dict.fromkeys(RULES, 0) | {"few visible pixels": 1},
        "bdd100k": dict.fromkeys(RULES, 0) | {"two classes": 2, "tiny": 1},
    }


def test_a_clean_catalog_stays_as_it_is() -> None:
    cleaned, report = clean(catalog([frame()], [box()]))
    assert (len(cleaned.boxes), report.to_numpy().sum()) == (1, 0)
    assert clean(catalog([frame()]))[1].to_numpy().sum() == 0
