"""The palette keeps names apart, for colour-blind readers too."""

import base64
from itertools import combinations

import cv2
import matplotlib as mpl
import numpy as np
import pytest

from sim2real_lib.display import style
from sim2real_lib.display.pictures import rgb255

# Viénot, Brettel and Mollon 1999: what is left of linear RGB without long or medium cones.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deuteranopia": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
}


def lab(colour: str, blindness: str) -> np.ndarray:
    srgb = np.array(rgb255(colour)) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(BLINDNESS[blindness]) @ linear, 0, 1).astype(np.float32)
    return cv2.cvtColor(seen.reshape(1, 1, 3), cv2.COLOR_LRGB2LAB).ravel()


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("palette", ["SOURCES", "ARMS", "WEATHERS", "CLASSES"])
def test_every_two_names_are_told_apart(palette: str, blindness: str) -> None:
    colours = getattr(style, palette)
    distances = {
        (a, b): np.linalg.norm(lab(colours[a], blindness) - lab(colours[b], blindness))
        for a, b in combinations(colours, 2)
    }
    pair = min(distances, key=distances.__getitem__)
    assert distances[pair] > 10, f"{pair} are {distances[pair]:.1f} apart with {blindness}"


def test_an_unforeseen_arm_keeps_its_colour() -> None:
    assert style.arm_colour("my-own-arm") == style.arm_colour("my-own-arm")
    assert style.arm_colour("my-own-arm") in style.SPARE


def test_arms_stand_in_their_own_order_and_strangers_last() -> None:
    assert style.ordered(["zeta", "oracle", "baseline", "oracle"], "arm") == [
        "baseline", "oracle", "zeta",
    ]  # fmt: skip


def test_drawing_leaves_everybodys_settings_alone() -> None:
    before = dict(mpl.rcParams)

    @style.themed
    def draw() -> style.Chart:
        figure = style.chart(2, 1)
        figure.subplots()
        return figure

    figure = draw()
    assert dict(mpl.rcParams) == before
    assert figure.axes[0].title.get_color() == style.INK


def test_a_chart_shows_itself_as_one_sharp_picture() -> None:
    figure = style.chart(3, 2)
    figure.subplots().plot([1, 2])
    bundle, metadata = figure._repr_mimebundle_()
    assert list(bundle) == ["image/png"]
    data = np.frombuffer(base64.b64decode(bundle["image/png"]), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    shown = metadata["image/png"]
    assert (pixels.shape[1] // 2, pixels.shape[0] // 2) == (shown["width"], shown["height"])


def test_a_drawn_chart_is_laid_out_once_and_for_all() -> None:
    @style.themed
    def draw() -> style.Chart:
        figure = style.chart(4, 3)
        figure.subplots().set_ylabel("a label that needs room")
        return figure

    figure = draw()
    before = figure.axes[0].get_position().bounds
    assert before[0] > 0.05  # room was made for the label
    style.encode(figure)
    assert figure.axes[0].get_position().bounds == before


def test_photographs_are_embedded_as_jpeg() -> None:
    figure = style.chart(4, 3)
    figure.subplots().imshow(np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8))
    assert style.encode(figure).mime == "image/jpeg"
