"""A target's contrast, brightness and grain by row: what is taken, and what is given."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.errors import InputError
from sim2real_lib.images import write_rgb
from sim2real_lib.translation.pyramid import (
    ROWS,
    PyramidTranslator,
    Statistics,
    collapse,
    pyramid,
    to_ycc,
)

SIZE = (96, 160)


def street(seed: int, *, haze: float = 0.0, grain: float = 0.0) -> np.ndarray:
    """(H, W, 3) in [0, 1]: squares below a bright sky; haze takes contrast near the middle row."""
    random = np.random.default_rng(seed)
    image = np.full((*SIZE, 3), 0.45)
    image[: SIZE[0] // 2] = (0.5, 0.7, 0.9)
    for top, left in random.integers(0, (SIZE[0] - 12, SIZE[1] - 12), (60, 2)):
        image[top : top + 12, left : left + 12] = random.uniform(0, 1, 3)
    near_horizon = np.exp(-(((np.arange(SIZE[0]) / SIZE[0] - 0.5) / 0.15) ** 2))[:, None, None]
    image = image + (0.8 - image) * haze * near_horizon
    return (image + grain * random.standard_normal((*SIZE, 1))).clip(0, 1).astype(np.float32)


def saved(folder: Path, *images: np.ndarray) -> list[Path]:
    paths = [folder / f"{number}.png" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        write_rgb(path, (image * 255).round().astype(np.uint8))
    return paths


def translated(targets: list[Path], frame: np.ndarray) -> np.ndarray:
    batch = torch.from_numpy(frame).permute(2, 0, 1)[None]
    return PyramidTranslator(targets).translate(batch)[0].permute(1, 2, 0).numpy()


@settings(max_examples=30, deadline=None)
@given(height=st.integers(1, 70), width=st.integers(1, 70), seed=st.integers(0, 99))
def test_a_pyramid_is_the_whole_image(height: int, width: int, seed: int) -> None:
    image = np.random.default_rng(seed).random((height, width), np.float32)
    assert np.allclose(collapse(pyramid(image)), image, atol=1e-5)


def test_an_image_translated_to_its_own_look_keeps_its_shapes(tmp_path: Path) -> None:
    frame = street(1)
    again = translated(saved(tmp_path, frame), frame)
    # What the quiet quarter takes for grain, and what the smoothing by rows mixes, may differ.
    assert np.abs(again - frame).mean() < 0.03
    assert np.corrcoef(again.ravel(), frame.ravel())[0, 1] > 0.98


def test_contrast_falls_where_the_targets_have_haze_and_elsewhere_stays(tmp_path: Path) -> None:
    targets = saved(tmp_path, *(street(seed, haze=0.9) for seed in range(6)))
    before = street(50)
    after = translated(targets, before)
    contrast = [Statistics.of(to_ycc(image)).contrast for image in (before, after)]
    change = (contrast[1] / contrast[0]).mean(0)  # over the bands
    assert change[ROWS // 2 - 2 : ROWS // 2 + 3].mean() < 0.6
    assert 0.7 < change[-6:].mean() < 1.3


def test_rows_become_as_bright_as_the_targets(tmp_path: Path) -> None:
    targets = saved(tmp_path, *(street(seed) * 0.6 for seed in range(6)))
    after = Statistics.of(to_ycc(translated(targets, street(50))))
    wanted = PyramidTranslator(targets).shared
    assert np.abs(after.means[0] - wanted.means[0]).max() < 0.09
    assert abs(after.means[0].mean() - wanted.means[0].mean()) < 0.04


@pytest.mark.parametrize("grain", [0.02, 0.05])
def test_grain_is_measured_between_the_edges(grain: float) -> None:
    noise = np.random.default_rng(0).standard_normal(SIZE).astype(np.float32) * grain
    alone = np.sqrt((pyramid(noise)[0] ** 2).mean())
    quiet = Statistics.of(to_ycc(street(3, grain=grain))).grain[0]
    # Sixty squares' edges pass for some grain: the targets' is therefore taken at a discount.
    assert 0.8 * alone < np.median(quiet) < 1.8 * alone
    assert np.median(quiet) > 3 * np.median(Statistics.of(to_ycc(street(3))).grain[0])


def test_a_clean_frame_gets_the_targets_grain(tmp_path: Path) -> None:
    targets = saved(tmp_path, *(street(seed, grain=0.04) for seed in range(6)))
    before = street(50)
    after = Statistics.of(to_ycc(translated(targets, before))).grain[0]
    assert np.median(after) > 3 * max(np.median(Statistics.of(to_ycc(before)).grain[0]), 1e-3)


def test_a_blue_car_stays_blue_when_a_blue_sky_turns_grey(tmp_path: Path) -> None:
    grey = street(1)
    grey[:] = grey.mean(2, keepdims=True)
    frame = street(2)
    frame[70:90, 60:100] = (0.1, 0.2, 0.9)
    car = translated(saved(tmp_path, grey * 0.5 + frame * 0.5), frame)[74:86, 66:94].mean((0, 1))
    assert car[2] > car[1] > car[0] - 0.05 and car[2] > 1.2 * car[0]


def test_the_seed_and_the_frame_choose_the_target(pictures: Callable[..., list[Path]]) -> None:
    targets = pictures("target", 5)
    frame = torch.from_numpy(street(1)).permute(2, 0, 1)[None]
    makers = [PyramidTranslator(targets, seed=seed) for seed in (0, 0, 1)]
    first, again, other = (maker.translate(frame) for maker in makers)
    assert first.equal(again) and not first.equal(other)
    assert makers[0].identity == makers[1].identity != makers[2].identity


def test_without_a_target_there_is_nothing_to_take() -> None:
    with pytest.raises(InputError, match="no target image"):
        PyramidTranslator([])
