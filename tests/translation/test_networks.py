"""The networks are the published ones, key for key, and their files are read as they come."""

from pathlib import Path

import pytest
import torch
from torch import nn

from sim2real_lib.errors import InputError
from sim2real_lib.translation.networks import (
    InstanceNorm,
    PatchDiscriminator,
    ResnetGenerator,
    at_any_size,
    initialise,
    load_generator,
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


def test_the_discriminators_keys_are_those_of_the_published_code() -> None:
    keys = weighted([f"model.{index}" for index in (0, 2, 5, 8, 11)])
    assert set(PatchDiscriminator(4).state_dict()) == keys


def test_the_published_sizes_have_the_published_parameter_counts() -> None:
    with torch.device("meta"):
        assert parameters(ResnetGenerator(9, 64)) == 11_378_179
        assert parameters(PatchDiscriminator(64)) == 2_764_737


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


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_a_wrapped_generator_loads_and_its_size_is_read_from_its_keys(
    tmp_path: Path, prefix: str
) -> None:
    network = ResnetGenerator(3, 5)
    path = tmp_path / "latest_net_G_A.pth"
    torch.save({prefix + key: value for key, value in network.state_dict().items()}, path)
    image = torch.rand(1, 3, 16, 20)
    torch.testing.assert_close(load_generator(path)(image), network(image))


def test_running_statistics_of_old_files_are_dropped(tmp_path: Path) -> None:
    network = ResnetGenerator(1, 2)
    old = {**network.state_dict(), "model.2.running_mean": torch.ones(2),
           "model.2.running_var": torch.ones(2)}  # fmt: skip
    torch.save(old, tmp_path / "old.pth")
    image = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(load_generator(tmp_path / "old.pth")(image), network(image))


def test_what_is_no_generator_is_refused(tmp_path: Path) -> None:
    damaged, discriminator = tmp_path / "damaged.pth", tmp_path / "discriminator.pth"
    damaged.write_bytes(b"PK\x03\x04 cut off")
    torch.save(PatchDiscriminator(2).state_dict(), discriminator)
    missing_key = ResnetGenerator(1, 2).state_dict()
    del missing_key["model.4.weight"]
    torch.save(missing_key, tmp_path / "incomplete.pth")
    for path in (damaged, discriminator, tmp_path / "incomplete.pth", tmp_path / "absent.pth"):
        with pytest.raises(InputError, match=path.name):
            load_generator(path)


@pytest.mark.parametrize(("width", "height"), [(61, 37), (310, 94), (64, 32)])
def test_a_generator_gives_back_exactly_the_size_it_gets(width: int, height: int) -> None:
    images = torch.rand(1, 3, height, width)
    assert at_any_size(ResnetGenerator(1, 2), images).shape == images.shape
    torch.testing.assert_close(at_any_size(nn.Identity(), images), images)  # and no pixel moves
