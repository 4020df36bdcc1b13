from catalogs import box, catalog, frame

from sim2real_lib.catalog.classes import merge

CATALOG = catalog([frame()], [box(name=name, raw_class=name.title()) for name in ("van", "car")])


def test_one_class_is_counted_as_another_and_the_data_sets_word_is_kept() -> None:
    boxes = merge(CATALOG, {"van": "car"}).boxes
    assert list(boxes["class"]) == ["car", "car"]
    assert list(boxes["raw_class"]) == ["Van", "Car"]
    assert list(CATALOG.boxes["class"]) == ["van", "car"]


def test_classes_may_trade_names() -> None:
    merged = merge(CATALOG, {"van": "car", "car": "van"})
    assert list(merged.boxes["class"]) == ["car", "van"]


def test_classes_that_do_not_occur_do_no_harm() -> None:
    for classes in ({}, {"tram": "train"}):
        assert merge(CATALOG, classes).boxes.equals(CATALOG.boxes)
    assert len(merge(catalog([frame()]), {"van": "car"}).boxes) == 0
