"""Files of the published code, old and wrapped ones too, are read as they come."""

from pathlib import Path

import pytest
import torch
from torch import nn

from sim2real_lib.errors import InputError
from sim2real_lib.translation.checkpoints import load_discriminator, load_generator
from sim2real_lib.translation.networks import (
    PatchDiscriminator,
    PixelDiscriminator,
    ResnetGenerator,
    UnetGenerator,
)

GENERATORS = [
    ResnetGenerator(3, 5),
    ResnetGenerator(6, 2),
    UnetGenerator(5, 2),
    UnetGenerator(7, 1),
]
DISCRIMINATORS = [PatchDiscriminator(4), PatchDiscriminator(3, 1), PixelDiscriminator(5)]


@pytest.mark.parametrize("network", GENERATORS + DISCRIMINATORS, ids=lambda n: type(n).__name__)
def test_architecture_and_sizes_are_read_from_the_keys(tmp_path: Path, network: nn.Module) -> None:
    torch.save(network.state_dict(), tmp_path / "net.pth")
    load = load_generator if network in GENERATORS else load_discriminator
    image = torch.rand(1, 3, 128, 128)
    torch.testing.assert_close(load(tmp_path / "net.pth")(image), network(image))


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.", "module._orig_mod."])
def test_a_wrapped_generator_loads(tmp_path: Path, prefix: str) -> None:
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
    torch.save({"epoch": 3, "state": {}}, tmp_path / "training.pth")
    missing_key = ResnetGenerator(1, 2).state_dict()
    del missing_key["model.4.weight"]
    torch.save(missing_key, tmp_path / "incomplete.pth")
    others = (tmp_path / f"{name}.pth" for name in ("incomplete", "absent", "training"))
    for path in (damaged, discriminator, *others):
        with pytest.raises(InputError, match=path.name):
            load_generator(path)


def test_what_is_no_discriminator_is_refused(tmp_path: Path) -> None:
    torch.save(ResnetGenerator(1, 2).state_dict(), tmp_path / "generator.pth")
    with pytest.raises(InputError, match=r"generator\.pth: not a discriminator"):
        load_discriminator(tmp_path / "generator.pth")
