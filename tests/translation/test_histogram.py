"""Histogram matching agrees with the reference implementation."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from sim2real_lib.images import read_rgb
from sim2real_lib.translation.histogram import HistogramTranslator


def translated(source: np.ndarray, paths: list[Path]) -> np.ndarray:
    """(H, W, 3) levels, 0-255, before rounding."""
    images = torch.from_numpy(source).permute(2, 0, 1)[None].float() / 255
    return HistogramTranslator(paths).translate(images)[0].permute(1, 2, 0).numpy() * 255


@pytest.fixture
def paths(pictures: Callable[..., list[Path]]) -> list[Path]:
    return [*pictures("one", 2, tint=(60, 90, 130)), *pictures("other", 1, (20, 31), (99, 190, 90))]


def test_it_agrees_with_scikit_image(
    paths: list[Path], pictures: Callable[..., list[Path]]
) -> None:
    exposure = pytest.importorskip("skimage.exposure")
    source = read_rgb(pictures("source", 1, (50, 33), (150, 120, 80))[0])
    pooled = np.concatenate([read_rgb(path).reshape(-1, 1, 3) for path in paths])
    expected = exposure.match_histograms(source.astype(float), pooled.astype(float), channel_axis=2)
    np.testing.assert_allclose(translated(source, paths), expected, atol=1e-3)


def test_each_pixel_goes_to_the_level_below_which_its_share_of_target_pixels_lies(
    paths: list[Path],
) -> None:
    source = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    result = translated(source, paths).reshape(256, 3)
    for channel in range(3):
        pooled = np.concatenate([read_rgb(path)[..., channel].ravel() for path in paths])
        expected = np.quantile(pooled, np.arange(1, 257) / 256, method="inverted_cdf")
        assert np.abs(result[:, channel] - expected).max() < 3  # interpolated between levels
        assert (np.diff(result[:, channel]) >= 0).all()


def test_matching_its_own_histogram_changes_nothing(paths: list[Path]) -> None:
    source = read_rgb(paths[0])
    np.testing.assert_allclose(translated(source, paths[:1]), source, atol=1e-3)
