"""The wipe shows the original left and the translation right, and never too much is remembered."""

import base64
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.display.compare import Comparison
from sim2real_lib.display.wipe import wipe, wipe_html
from sim2real_lib.errors import InputError

RED = np.full((60, 200, 3), (255, 0, 0), np.uint8)
BLUE = np.full((60, 200, 3), (0, 0, 255), np.uint8)


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.fixture
def comparison(pairs: pd.DataFrame, catalog: Catalog, targets: dict[str, list[str]]) -> Comparison:
    return Comparison(pairs, catalog.boxes, targets=targets, width=320, remembered=5)


@pytest.mark.parametrize(("at", "cut"), [(0, 0), (0.3, 60), (1, 200), (7, 200)])
def test_the_original_is_left_of_the_line_and_the_translation_right(at: float, cut: int) -> None:
    picture = wipe(RED, BLUE, at)
    assert (picture[:, :cut] == RED[:, :cut]).all()
    assert (picture[:, cut:] == BLUE[:, cut:]).all()


def test_a_translation_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="the original is 200x60 and its translation 100x60"):
        wipe(RED, BLUE[:, :100])
    with pytest.raises(InputError, match="exactly the size"):
        wipe_html(RED, BLUE[:30])


def test_the_wipe_slider_moves_the_line(comparison: Comparison, catalog: Catalog) -> None:
    shown = {}
    comparison._with_boxes.value = False
    for at in (0.0, 0.3, 1.0):
        comparison._wipe.value = at
        shown[at] = decoded(comparison._picture.value).astype(int)
    below_labels = slice(40, 100)
    left, right = slice(0, 90), slice(102, 320)
    assert np.abs(shown[0.3] - shown[1.0])[below_labels, left].max() < 24
    assert np.abs(shown[0.3] - shown[0.0])[below_labels, right].max() < 24
    assert np.abs(shown[1.0] - shown[0.0]).max() > 60


def test_the_boxes_button_changes_pixels_and_back(comparison: Comparison) -> None:
    with_boxes = comparison._picture.value
    comparison._with_boxes.value = False
    without = comparison._picture.value
    assert np.abs(decoded(with_boxes).astype(int) - decoded(without)).max() > 60
    comparison._with_boxes.value = True
    assert comparison._picture.value == with_boxes


def test_choosing_a_frame_shows_it_with_its_name(comparison: Comparison) -> None:
    before = comparison._picture.value
    comparison._frame.value = "vkitti2/0001/clone/00002"
    assert comparison._picture.value != before
    assert "vkitti2/0001/clone/00002" in comparison._caption.value


def test_choosing_a_style_keeps_frame_and_translator(comparison: Comparison) -> None:
    comparison._frame.value = "vkitti2/0001/clone/00002"
    comparison._translator.value = "nst"
    comparison._style.value = "overcast"
    assert comparison._translator.value == "nst"
    assert comparison._frame.value == "vkitti2/0001/clone/00002"


def test_only_frames_that_were_translated_are_offered(
    pairs: pd.DataFrame, catalog: Catalog
) -> None:
    half = pairs[(pairs["translator"] == "cyclegan") | (pairs["frame_id"].str.endswith("1"))]
    comparison = Comparison(half, catalog.boxes, width=160)
    assert len(comparison._frame.options) == 4
    comparison._translator.value = "nst"
    assert [value for _, value in comparison._frame.options] == ["vkitti2/0001/clone/00001"]


def test_decoded_images_are_bounded(comparison: Comparison) -> None:
    for style in comparison._style.options:
        comparison._style.value = style
        for _, frame_id in comparison._frame.options:
            comparison._frame.value = frame_id
            assert comparison._decoded.cache_info().currsize <= 5
    assert comparison._decoded.cache_info().misses > 5, "the test never filled the memory"


def test_moving_the_line_decodes_nothing_again(comparison: Comparison) -> None:
    misses = comparison._decoded.cache_info().misses
    for at in (0.1, 0.4, 0.9):
        comparison._wipe.value = at
    assert comparison._decoded.cache_info().misses == misses


def test_a_missing_translated_image_is_refused_at_once(
    pairs: pd.DataFrame, catalog: Catalog
) -> None:
    pairs = pairs.copy()
    pairs.loc[3, "translated"] = "/nowhere/fog/00003.png"
    with pytest.raises(InputError, match=r"/nowhere/fog/00003\.png: there is no such image"):
        Comparison(pairs, catalog.boxes)


def test_a_frame_that_broke_meanwhile_is_named_in_the_caption(
    pairs: pd.DataFrame, catalog: Catalog, tmp_path: Path
) -> None:
    broken = tmp_path / "a<b>.jpg"
    broken.write_bytes(b"not a picture")
    pairs = pairs.copy()
    pairs.loc[pairs["frame_id"].str.endswith("2"), "translated"] = str(broken)
    comparison = Comparison(pairs, catalog.boxes, width=160)
    comparison._frame.value = "vkitti2/0001/clone/00002"
    assert "a&lt;b&gt;.jpg: not a readable image" in comparison._caption.value


@pytest.mark.parametrize("spoil", [lambda p: p.iloc[:0], lambda p: p.drop(columns="style")])
def test_a_table_that_holds_no_pairs_is_refused(spoil, pairs, catalog: Catalog) -> None:
    with pytest.raises(InputError, match=r"no pairs|no column style"):
        Comparison(spoil(pairs), catalog.boxes)


def test_a_frame_twice_is_refused(pairs: pd.DataFrame, catalog: Catalog) -> None:
    with pytest.raises(InputError, match="appears twice for 'fog' by 'cyclegan'"):
        Comparison(pd.concat([pairs, pairs.head(1)]), catalog.boxes)


def test_headless_there_is_a_still_picture_with_the_target_beside(comparison: Comparison) -> None:
    bundle = comparison._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    still = decoded(base64.b64decode(bundle["image/png"]))
    assert still.shape == (100, 320 + 8 + 320, 3)
    picture = cv2.cvtColor(comparison.picture(wipe=0.5), cv2.COLOR_RGB2BGR)
    assert (still[:, :320] == picture).all()


def test_html_escapes_its_labels_and_embeds_both_pictures() -> None:
    html = wipe_html(RED, BLUE, labels=("<script>alert(1)</script>", 'x" onload="y'))
    assert "<script>" not in html and '"x" onload' not in html
    assert html.count("data:image/jpeg;base64,") == 2
    assert "http" not in html
