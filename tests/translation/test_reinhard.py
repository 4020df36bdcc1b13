"""Reinhard's transfer is the paper's."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from sim2real_lib.images import read_rgb
from sim2real_lib.translation.reinhard import DARKEST, ReinhardTranslator, to_lab, to_rgb

# Reinhard et al. 2001, equations 4 to 8.
RGB_TO_LMS = np.array(
    [[0.3811, 0.5783, 0.0402], [0.1967, 0.7244, 0.0782], [0.0241, 0.1288, 0.8444]]
)
LMS_TO_RGB = np.array(
    [[4.4679, -3.5873, 0.1193], [-1.2186, 2.3809, -0.1624], [0.0497, -0.2439, 1.2045]]
)
LOG_TO_LAB = np.diag(1 / np.sqrt([3, 6, 2])) @ np.array([[1, 1, 1], [1, 1, -2], [1, -1, 0]])
LAB_TO_LOG = np.array([[1, 1, 1], [1, 1, -1], [1, -2, 0]]) @ np.diag(np.sqrt([3, 6, 2]) / [3, 6, 2])


def lab(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 to (H * W, 3) lαβ of decimal logarithms."""
    lms = image.reshape(-1, 3) / 255 @ RGB_TO_LMS.T
    return np.log10(np.maximum(lms, DARKEST)) @ LOG_TO_LAB.T


def transfer(source: np.ndarray, targets: list[np.ndarray]) -> np.ndarray:
    own, wanted = lab(source), np.concatenate([lab(target) for target in targets])
    moved = (own - own.mean(0)) * wanted.std(0) / own.std(0) + wanted.mean(0)
    rgb = 10 ** (moved @ LAB_TO_LOG.T) @ np.linalg.inv(RGB_TO_LMS).T
    return rgb.clip(0, 1).reshape(source.shape)


def test_it_computes_the_papers_equations_over_all_targets_pixels(
    pictures: Callable[..., list[Path]],
) -> None:
    paths = [*pictures("grey", 2, tint=(60, 90, 130)), *pictures("b", 1, (20, 31), (200, 190, 90))]
    source = read_rgb(pictures("source", 1, (50, 33), (150, 120, 80))[0])
    images = torch.from_numpy(source).permute(2, 0, 1)[None] / 255
    translated = ReinhardTranslator(paths).translate(images)[0].permute(1, 2, 0).numpy()
    expected = transfer(source, [read_rgb(path) for path in paths])
    np.testing.assert_allclose(translated, expected, atol=1e-4)


def test_the_result_has_the_targets_mean_and_deviation(
    pictures: Callable[..., list[Path]],
) -> None:
    translator = ReinhardTranslator(pictures("target", 2, tint=(120, 125, 130)))
    translated = translator.translate(torch.rand(1, 3, 40, 50) * 0.2 + 0.3)
    channels = to_lab(translated[0].flatten(1))
    torch.testing.assert_close(channels.mean(1), translator.mean, atol=1e-3, rtol=0)
    torch.testing.assert_close(channels.std(1), translator.deviation, atol=1e-3, rtol=1e-2)


def test_the_papers_way_back_to_rgb_is_the_inverse_but_for_its_rounding() -> None:
    np.testing.assert_allclose(np.linalg.inv(RGB_TO_LMS), LMS_TO_RGB, atol=0.02)


def test_rgb_survives_the_way_to_lab_and_back() -> None:
    pixels = torch.rand(3, 200) * 0.9 + 0.1
    torch.testing.assert_close(to_rgb(to_lab(pixels)), pixels, atol=1e-5, rtol=0)


def test_grey_has_nearly_no_chroma() -> None:
    channels = to_lab(torch.linspace(0.1, 1, 10).expand(3, 10))
    assert channels[1:].abs().max() < 0.02  # the paper's matrix maps white to almost equal LMS
