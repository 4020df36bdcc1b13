"""What every translator that needs no training promises."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.images import write_rgb
from sim2real_lib.translation.apply import Translator
from sim2real_lib.translation.fda import FDATranslator
from sim2real_lib.translation.histogram import HistogramTranslator
from sim2real_lib.translation.pyramid import PyramidTranslator
from sim2real_lib.translation.reinhard import ReinhardTranslator

METHODS = [ReinhardTranslator, HistogramTranslator, FDATranslator, PyramidTranslator]
Method = Callable[[list[Path]], Translator]


@pytest.fixture
def targets(pictures: Callable[..., list[Path]]) -> list[Path]:
    return pictures("target", 3, tint=(90, 120, 160)) + pictures("wide", 1, (64, 24))


def batch(count: int, height: int, width: int) -> Tensor:
    """Random images as `apply` makes them: 256 levels, channels last in memory."""
    levels = torch.randint(0, 256, (count, height, width, 3))
    return levels.permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("method", METHODS)
@given(count=st.integers(1, 3), height=st.integers(1, 41), width=st.integers(1, 41))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_size_and_range_are_kept_at_any_size(
    method: Method, targets: list[Path], count: int, height: int, width: int
) -> None:
    images = batch(count, height, width)
    before = images.clone()
    translated = method(targets).translate(images)
    assert translated.shape == images.shape
    assert translated.dtype == torch.float32
    assert translated.isfinite().all()
    assert 0 <= translated.min() <= translated.max() <= 1
    assert images.equal(before)  # what comes next in the pass gets the same frames


@pytest.mark.parametrize("method", METHODS)
def test_what_an_image_becomes_does_not_depend_on_its_batch(
    method: Method, targets: list[Path]
) -> None:
    images, translator = batch(5, 37, 61), method(targets)
    together = translator.translate(images)
    alone = [translator.translate(image[None])[0] for image in images.flip(0).contiguous()]
    assert together.equal(torch.stack(alone).flip(0))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_frames_of_one_colour_stay_so_and_blow_nothing_up(
    method: Method, targets: list[Path], level: float
) -> None:
    translated = method(targets).translate(torch.full((1, 3, 20, 31), level))
    assert translated.isfinite().all()
    if method not in (FDATranslator, PyramidTranslator):  # which add waves, and grain
        assert translated.flatten(2).std(2).max() < 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_a_target_of_one_colour_gives_its_colour(method: Method, tmp_path: Path) -> None:
    write_rgb(tmp_path / "a.png", np.full((9, 14, 3), (40, 90, 200), np.uint8))
    images = batch(1, 24, 30) * 0.2 + 0.4
    translated = method([tmp_path / "a.png"]).translate(images)
    wanted = torch.tensor([40, 90, 200]) / 255
    torch.testing.assert_close(translated[0].flatten(1).mean(1), wanted, atol=0.02, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_colours_come_near_the_targets(method: Method, targets: list[Path]) -> None:
    images = batch(1, 60, 80) * 0.4 + 0.5
    translated = method(targets[:3]).translate(images)
    wanted = torch.tensor([90, 120, 160]) / 255
    torch.testing.assert_close(translated[0].flatten(1).mean(1), wanted, atol=0.02, rtol=0)


@pytest.mark.parametrize("method", METHODS)
def test_the_identity_follows_the_targets(method: Method, targets: list[Path]) -> None:
    assert method(targets).identity == method(targets).identity
    assert method(targets).identity != method(targets[:2]).identity


@pytest.mark.parametrize("method", METHODS)
def test_targets_that_are_missing_or_damaged_are_named(
    method: Method, targets: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no target image"):
        method([])
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"broken\.jpg"):
        method([*targets, tmp_path / "broken.jpg"])
    with pytest.raises(InputError, match=r"nowhere\.png"):
        method([tmp_path / "nowhere.png"])
