"""Boxes are drawn where they are, in their class's colour."""

import numpy as np
import pandas as pd

from sim2real_lib.display.boxes import draw_boxes
from sim2real_lib.display.pictures import rgb255
from sim2real_lib.display.style import class_colour

GREY = np.full((100, 200, 3), 128, np.uint8)


def box(**changes: object) -> pd.DataFrame:
    row = {"class": "car", "left": 40.0, "top": 30.0, "right": 120.0, "bottom": 80.0}
    row |= {"occluded": False, "ignore": False}
    return pd.DataFrame([row | changes])


def touched(picture: np.ndarray) -> np.ndarray:
    return (picture != GREY).any(axis=2)


def test_the_picture_given_stays_as_it_was() -> None:
    before = GREY.copy()
    assert touched(draw_boxes(GREY, box())).any()
    assert (before == GREY).all()


def test_lines_lie_on_the_boxs_edges_in_its_class_colour() -> None:
    picture = draw_boxes(GREY, box(), labels=False)
    for y, x in ((55, 40), (55, 120), (30, 80), (80, 80)):
        near = picture[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).astype(int)
        assert np.abs(near - rgb255(class_colour("car"))).sum(axis=1).min() < 40
    assert not touched(picture)[36:74, 46:114].any(), "the object itself is covered"


def test_boxes_follow_the_images_scale() -> None:
    half = draw_boxes(GREY[:50, :100], box(), scale=0.5, labels=False)
    assert (half[27, 19:22] != 128).any() and (half[27, 59:62] != 128).any()


def test_an_occluded_object_is_dashed() -> None:
    whole = touched(draw_boxes(GREY, box(), labels=False))[30, 45:115]
    dashed = touched(draw_boxes(GREY, box(occluded=True), labels=False))[30, 45:115]
    assert whole.all()
    assert 0.3 < dashed.mean() < 0.8


def test_unknown_occlusion_is_drawn_whole() -> None:
    unknown = draw_boxes(GREY, box(occluded=pd.NA), labels=False)
    assert (unknown == draw_boxes(GREY, box(), labels=False)).all()


def test_the_name_stands_above_the_box_and_only_where_it_fits() -> None:
    named = draw_boxes(GREY, box())
    assert touched(named)[20:28, 42:60].any()
    narrow = box(right=48.0)
    assert (draw_boxes(GREY, narrow) == draw_boxes(GREY, narrow, labels=False)).all()


def test_names_do_not_lie_over_one_another() -> None:
    twins = pd.concat([box(), box(**{"class": "truck", "left": 42.0, "top": 31.0})])
    alone = touched(draw_boxes(GREY, box()))
    assert (touched(draw_boxes(GREY, twins))[:27] == alone[:27]).all()


def test_an_ignored_area_has_no_name() -> None:
    ignored = box(ignore=True)
    assert (draw_boxes(GREY, ignored) == draw_boxes(GREY, ignored, labels=False)).all()


def test_a_hostile_or_endless_class_name_does_no_harm() -> None:
    assert draw_boxes(GREY, box(**{"class": "<script>" * 9, "left": 0.0, "right": 200.0})).any()
