"""Edges survive a translation that was made small or came out blurred."""

import pytest
import torch

from sim2real_lib.translation.detail import keep_detail, resize


def scene() -> torch.Tensor:
    """A dark rectangle on a light ground, 64x96 pixels."""
    frame = torch.full((1, 3, 64, 96), 0.8)
    frame[:, :, 20:44, 30:66] = 0.2
    return frame


def steepest(images: torch.Tensor) -> float:
    return images.diff(dim=3).abs().max().item()


def test_without_detail_a_full_size_translation_is_untouched() -> None:
    frame, translated = scene(), torch.rand(1, 3, 64, 96)
    assert torch.equal(keep_detail(frame, frame, translated, 0.0), translated)


def test_an_unchanged_image_stays_unchanged() -> None:
    frame = scene()
    small = resize(frame, (32, 48))
    for detail in (0.5, 1.0):
        assert (keep_detail(frame, small, small, detail) - frame).abs().mean() < 0.02


@pytest.mark.parametrize("contrast", [0.2, 0.5])
def test_fog_dims_an_edge_and_does_not_smear_it(contrast: float) -> None:
    frame = scene()
    small = resize(frame, (32, 48))
    foggy = small * contrast + 0.7 * (1 - contrast)
    result = keep_detail(frame, small, foggy, 1.0)
    expected = frame * contrast + 0.7 * (1 - contrast)
    assert (result - expected).abs().mean() < 0.02
    assert steepest(result) > 0.8 * steepest(expected) > 1.3 * steepest(resize(foggy, (64, 96)))


def test_detail_takes_away_what_has_nothing_to_do_with_the_frame() -> None:
    torch.manual_seed(0)
    frame = scene()
    grain = (frame + 0.1 * torch.randn_like(frame)).clamp(0, 1)
    left = [(keep_detail(frame, frame, grain, d) - frame).std().item() for d in (0.0, 0.5, 1.0)]
    assert left[0] > 1.4 * left[1] > 1.4 * left[2]
