"""Fourier domain adaptation is the paper's."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real_lib.errors import InputError
from sim2real_lib.images import read_rgb, write_rgb
from sim2real_lib.translation.fda import FDATranslator, coefficients, synthesis


def adapt(source: np.ndarray, target: np.ndarray, beta: float) -> np.ndarray:
    """Yang and Soatto 2020, equation 3, by whole FFTs of (H, W, 3) in [0, 1] of one size."""
    spectrum, wanted = (np.fft.fft2(image, axes=(0, 1)) for image in (source, target))
    amplitude, phase = np.fft.fftshift(np.abs(spectrum), (0, 1)), np.angle(spectrum)
    height, width = source.shape[:2]
    half, row, column = int(beta * min(height, width)), height // 2, width // 2
    mask = np.zeros((height, width), bool)
    top, left = max(row - half, 0), max(column - half, 0)
    mask[top : row + half + 1, left : column + half + 1] = True
    amplitude[mask] = np.fft.fftshift(np.abs(wanted), (0, 1))[mask]
    mixed = np.fft.ifftshift(amplitude, (0, 1)) * np.exp(1j * phase)
    return np.fft.ifft2(mixed, axes=(0, 1)).real.clip(0, 1)


def run(source: np.ndarray, path: Path, beta: float) -> np.ndarray:
    images = torch.from_numpy(source).permute(2, 0, 1)[None].float()
    return FDATranslator([path], beta).translate(images)[0].permute(1, 2, 0).numpy()


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    beta=st.sampled_from([0.0, 0.01, 0.05, 0.09, 0.3, 0.5]),
)
def test_it_computes_the_papers_equations_at_any_size(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, beta: float
) -> None:
    rng, path = np.random.default_rng(height * 99 + width), tmp_path_factory.mktemp("t") / "t.png"
    target = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    write_rgb(path, target)
    source = rng.random((height, width, 3))
    np.testing.assert_allclose(
        run(source, path, beta), adapt(source, target / 255, beta), atol=1e-4
    )


def test_a_target_of_another_size_counts_as_resized(tmp_path: Path) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    target = cv2.resize(coarse, (160, 96), interpolation=cv2.INTER_CUBIC)
    write_rgb(tmp_path / "target.png", target)
    source = np.random.default_rng(1).random((48, 80, 3)) * 0.5 + 0.25
    small = cv2.resize(target, (80, 48), interpolation=cv2.INTER_AREA) / 255
    result = run(source, tmp_path / "target.png", 0.05)
    assert np.abs(result - source).mean() > 0.02
    np.testing.assert_allclose(result, adapt(source, small, 0.05), atol=0.01)


def test_its_own_amplitudes_change_nothing(pictures: Callable[..., list[Path]]) -> None:
    path = pictures("own", 1)[0]
    source = read_rgb(path) / 255
    np.testing.assert_allclose(run(source, path, 0.09), source, atol=1e-5)


def test_the_coefficients_are_those_of_a_whole_fft() -> None:
    image, up, along = torch.rand(3, 30, 41), torch.arange(-4, 5), torch.arange(-3, 3)
    found = coefficients(image, up, along)
    expected = torch.fft.fft2(image, norm="forward")[:, up % 30][:, :, along % 41]
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    whole = coefficients(image, torch.arange(30), torch.arange(41))
    back = synthesis(whole, torch.arange(30), torch.arange(41), 30, 41)
    torch.testing.assert_close(back, image, atol=1e-5, rtol=0)


def test_a_frames_target_is_decided_by_its_pixels_and_the_seed(
    pictures: Callable[..., list[Path]],
) -> None:
    paths = pictures("target", 4)
    frames = torch.randint(0, 256, (200, 3, 5, 6)) / 255
    translator, other = FDATranslator(paths), FDATranslator(paths, seed=1)
    chosen = [translator.target_of(frame) for frame in frames]
    assert chosen[::-1] == [translator.target_of(frame) for frame in frames.flip(0)]
    counts = [chosen.count(path) for path in paths]
    assert min(counts) > 25  # each about as often: 50 expected, 6 standard deviation
    again = sum(a == other.target_of(frame) for a, frame in zip(chosen, frames, strict=True))
    assert again < 90  # by chance 50
    assert translator.identity != other.identity


@pytest.mark.parametrize("beta", [-0.01, 0.51, float("nan")])
def test_a_beta_out_of_range_is_refused(beta: float, pictures: Callable[..., list[Path]]) -> None:
    with pytest.raises(InputError, match="beta"):
        FDATranslator(pictures("target", 1), beta)
