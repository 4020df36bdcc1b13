"""The networks are the published ones, key for key, and their files are read as they come."""

import pytest
import torch
from torch import nn

from sim2real_lib.translation.networks import (
    InstanceNorm,
    PatchDiscriminator,
    PixelDiscriminator,
    ResnetGenerator,
    UnetGenerator,
    at_any_size,
    initialise,
)


def weighted(names: list[str]) -> set[str]:
    return {f"{name}.{kind}" for name in names for kind in ("weight", "bias")}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(("n_blocks", "tail"), [(9, (19, 22, 26)), (6, (16, 19, 23))])
def test_the_generators_keys_are_those_of_the_published_code(n_blocks: int, tail: tuple) -> None:
    blocks = [f"model.{10 + i}.conv_block.{j}" for i in range(n_blocks) for j in (1, 5)]
    outer = [f"model.{index}" for index in (1, 4, 7, *tail)]
    assert set(ResnetGenerator(n_blocks, ngf=4).state_dict()) == weighted(outer + blocks)


def unet_keys(n_downs: int) -> set[str]:
    """As the published nesting numbers them: each level lies in its parent's `model`."""
    inside = [f"model{'.model.1' if level else ''}{'.model.3' * (level - 1)}.model"
              for level in range(n_downs)]  # fmt: skip
    top, *between, bottom = inside
    names = [f"{top}.0", f"{top}.3", f"{bottom}.1", f"{bottom}.3"]
    return weighted(names + [f"{level}.{index}" for level in between for index in (1, 5)])


@pytest.mark.parametrize("n_downs", [7, 8])
def test_the_unets_keys_are_those_of_the_published_code(n_downs: int) -> None:
    assert set(UnetGenerator(n_downs, 2).state_dict()) == unet_keys(n_downs)


@pytest.mark.parametrize(
    ("n_layers", "indices"), [(3, (0, 2, 5, 8, 11)), (1, (0, 2, 5)), (5, (0, 2, 5, 8, 11, 14, 17))]
)
def test_the_discriminators_keys_are_those_of_the_published_code(
    n_layers: int, indices: tuple
) -> None:
    keys = weighted([f"model.{index}" for index in indices])
    assert set(PatchDiscriminator(4, n_layers).state_dict()) == keys


def test_the_pixel_discriminators_keys_are_those_of_the_published_code() -> None:
    keys = weighted([f"net.{index}" for index in (0, 2, 5)])
    assert set(PixelDiscriminator(4).state_dict()) == keys


def test_the_published_sizes_have_the_published_parameter_counts() -> None:
    with torch.device("meta"):
        assert parameters(ResnetGenerator(9, 64)) == 11_378_179
        assert parameters(PatchDiscriminator(64)) == 2_764_737
        assert parameters(UnetGenerator(8, 64)) == 54_409_603
        assert PatchDiscriminator(64, 5)(torch.empty(1, 3, 256, 256)).shape == (1, 1, 6, 6)


def test_one_patch_judgement_sees_70_by_70_pixels() -> None:
    network = PatchDiscriminator(2)
    for module in list(network.model):
        if isinstance(module, nn.Conv2d):  # all ones, so that no gradient cancels
            nn.init.ones_(module.weight)
    linear = nn.Sequential(*(m for m in network.model if isinstance(m, nn.Conv2d)))
    image = torch.zeros(1, 3, 160, 160, requires_grad=True)
    judgement = linear(image)
    judgement[0, 0, judgement.shape[2] // 2, judgement.shape[3] // 2].backward()
    rows = image.grad.abs().sum((0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == 70


def test_weights_begin_as_published() -> None:
    network = ResnetGenerator(2, 16)
    initialise(network, torch.Generator().manual_seed(0))
    weights = torch.cat([v.flatten() for k, v in network.state_dict().items() if "weight" in k])
    assert weights.std().item() == pytest.approx(0.02, rel=0.02)
    assert all((p == 0).all() for n, p in network.named_parameters() if "bias" in n)


def test_instance_normalisation_equals_the_published_layer() -> None:
    x = torch.randn(2, 5, 9, 7) * 3 + 2
    torch.testing.assert_close(InstanceNorm()(x), nn.InstanceNorm2d(5)(x))


@pytest.mark.parametrize(("width", "height"), [(61, 37), (310, 94), (64, 32)])
def test_a_generator_gives_back_exactly_the_size_it_gets(width: int, height: int) -> None:
    images = torch.rand(1, 3, height, width)
    assert at_any_size(ResnetGenerator(1, 2), images).shape == images.shape
    torch.testing.assert_close(at_any_size(nn.Identity(), images), images)  # and no pixel moves
    unet = UnetGenerator(7, 2)
    assert at_any_size(unet, images, unet.stride).shape == images.shape
