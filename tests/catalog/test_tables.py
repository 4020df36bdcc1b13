from pathlib import Path

import pandas as pd
import pytest
from catalogs import box, catalog, frame

from sim2real_lib.catalog import Catalog, concat, load
from sim2real_lib.catalog.tables import positions
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        ({"left": -1.0}, "left"),
        ({"right": 10.0}, "right must exceed left"),
        ({"bottom": 4.0}, "bottom must exceed top"),
        ({"left": float("nan")}, "left"),
        ({"occlusion": 1.5}, "occlusion"),
        ({"class": None}, "class"),
    ],
)
def test_a_box_that_breaks_the_schema_is_refused(bad: dict, what: str) -> None:
    with pytest.raises(InputError, match=what):
        catalog([frame()], [box(**bad)])


@pytest.mark.parametrize(
    ("bad", "what"),
    [({"width": 0}, "width"), ({"weather": "hail"}, "weather"), ({"index": -1}, "index")],
)
def test_a_frame_that_breaks_the_schema_is_refused(bad: dict, what: str) -> None:
    with pytest.raises(InputError, match=what):
        catalog([frame(**bad)])


def test_the_tables_that_a_catalog_is_made_of_stay_as_they_are() -> None:
    frames, boxes = pd.DataFrame([frame(width=100.0)]), pd.DataFrame([box(left=10)], index=[7])
    before = frames.copy(), boxes.copy()
    made = Catalog(frames, boxes)
    assert made.frames["width"].dtype == "int64"
    assert made.boxes["left"].dtype == "float64"
    for table, copied in zip((frames, boxes), before, strict=True):
        pd.testing.assert_frame_equal(table, copied)


def test_two_frames_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="frame_id"):
        catalog([frame(), frame()])


def test_a_box_without_its_frame_is_refused() -> None:
    with pytest.raises(InputError, match="1 boxes belong to no frame, first 'g'"):
        catalog([frame("f")], [box("g")])


def test_unknown_flags_stay_unknown() -> None:
    boxes = catalog([frame()], [box(occluded=None), box(occluded=True)]).boxes
    assert boxes["occluded"][0] is pd.NA
    assert boxes["occluded"][1]
    assert boxes["visible_pixels"].isna().all()


def test_where_takes_the_boxes_along() -> None:
    whole = catalog([frame("f"), frame("g")], [box("f"), box("g"), box("g")])
    part = whole.where(whole.frames["frame_id"] == "g")
    assert (len(part), len(part.boxes)) == (1, 2)


def test_concat_keeps_order_and_what_was_dropped() -> None:
    dropped = pd.DataFrame({"file": ["a"], "line": [1], "reason": ["flat"]})
    first = Catalog(pd.DataFrame([frame("f")]), pd.DataFrame([box("f")]), dropped)
    both = concat([first, catalog([frame("g")])])
    assert list(both.frames["frame_id"]) == ["f", "g"]
    assert list(both.dropped["reason"]) == ["flat"]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    saved = catalog([frame("f"), frame("g")], [box(occluded=None), box(visible_pixels=7)])
    saved.save(tmp_path)
    loaded = load(tmp_path)
    pd.testing.assert_frame_equal(loaded.frames, saved.frames)
    pd.testing.assert_frame_equal(loaded.boxes, saved.boxes)


def test_images_below_the_project_are_stored_so_that_the_project_can_be_moved(
    tmp_path: Path,
) -> None:
    inside = str(ROOT / "outputs/run/a.png")
    catalog([frame("f", image=inside), frame("g", image="/data/a.png")]).save(tmp_path)
    stored = pd.read_parquet(tmp_path / "frames.parquet")["image"]
    assert list(stored) == ["outputs/run/a.png", "/data/a.png"]
    assert list(load(tmp_path).frames["image"]) == [inside, "/data/a.png"]


def test_a_missing_catalog_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no catalog here") as error:
        load(tmp_path, remedy="Run notebook 01")
    assert str(error.value).endswith("Run notebook 01")


def test_a_damaged_catalog_is_refused(tmp_path: Path) -> None:
    catalog([frame()]).save(tmp_path)
    (tmp_path / "boxes.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match="damaged table"):
        load(tmp_path)


def test_ids_are_found_whether_they_are_words_or_categories() -> None:
    ids, known = pd.Series(["b", "z", None, "a", "b"]), pd.Series(["a", "b", "c"])
    assert positions(ids, known).tolist() == [1, -1, -1, 0, 1]
    assert positions(ids.astype("category"), known).tolist() == [1, -1, -1, 0, 1]
    assert positions(ids.astype("category")[:0], known).tolist() == []
