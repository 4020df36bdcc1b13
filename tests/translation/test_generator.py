"""A trained generator translates frames of any size and gives each back at its size."""

from pathlib import Path

import pytest
import torch

from sim2real_lib.translation.generator import GeneratorTranslator
from sim2real_lib.translation.networks import ResnetGenerator, UnetGenerator


@pytest.mark.parametrize("network", [ResnetGenerator(1, 2), UnetGenerator(5, 2)])
@pytest.mark.parametrize(("scale", "detail"), [(1.0, 0.0), (0.5, 1.0)])
def test_sizes_and_range_are_kept(
    tmp_path: Path, network: torch.nn.Module, scale: float, detail: float
) -> None:
    torch.save(network.state_dict(), tmp_path / "net.pth")
    translator = GeneratorTranslator(
        tmp_path / "net.pth", scale=scale, detail=detail, accelerator="cpu"
    )
    images = torch.rand(2, 3, 37, 61)
    translated = translator.translate(images)
    assert translated.shape == images.shape
    assert translated.min() >= 0 and translated.max() <= 1
    alone = translator.translate(images[:1])
    torch.testing.assert_close(alone, translated[:1], rtol=0, atol=1e-5)


def test_its_identity_tells_weights_and_settings_apart(tmp_path: Path) -> None:
    for name in ("a", "b"):
        torch.save(ResnetGenerator(1, 2).state_dict(), tmp_path / name)
    made = {
        GeneratorTranslator(tmp_path / name, detail=detail, accelerator="cpu").identity
        for name in ("a", "b")
        for detail in (0.0, 0.5)
    }
    assert len(made) == 4
