"""The published arithmetic, against values worked out by hand."""

import math
import random
from types import SimpleNamespace

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from sim2real_lib.errors import InputError
from sim2real_lib.translation import training
from sim2real_lib.translation.cyclegan import LOSSES, CycleGAN, ImagePool, Settings


class Plus(nn.Module):
    """A stand-in for a network: adds a number."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.tensor(number))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.number


def model(**settings: object) -> CycleGAN:
    small = Settings(n_blocks=1, ngf=2, ndf=2, crop=(32, 32), **settings)
    return CycleGAN(Fabric(accelerator="cpu", devices=1), small, "32-true")


def test_the_generators_losses_by_hand() -> None:
    gan = model(lambda_a=10.0, lambda_b=8.0, identity=0.5)
    fabric = gan.fabric
    gan.networks = {
        "G_A": fabric.setup_module(Plus(0.3)),
        "G_B": fabric.setup_module(Plus(-0.1)),
        "D_A": fabric.setup_module(Plus(0.0)),
        "D_B": fabric.setup_module(Plus(0.0)),
    }
    real_a, real_b = torch.full((1, 3, 4, 4), 0.2), torch.full((1, 3, 4, 4), 0.6)
    losses, fake_b, fake_a = gan.generator_losses(real_a, real_b)
    assert fake_b.mean().item() == pytest.approx(0.5)
    assert fake_a.mean().item() == pytest.approx(0.5)
    expected = {
        "G_A": (0.5 - 1) ** 2,
        "G_B": (0.5 - 1) ** 2,
        "cycle_A": 10 * 0.2,  # there +0.3, back -0.1
        "cycle_B": 8 * 0.2,
        "idt_A": 8 * 0.5 * 0.3,  # G_A on B, weighted as B
        "idt_B": 10 * 0.5 * 0.1,
    }
    assert {n: loss.item() for n, loss in losses.items()} == pytest.approx(expected, abs=1e-6)


def test_without_identity_weight_there_is_no_identity_loss_and_the_rest_is_unchanged() -> None:
    a, b = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    with_identity, _, _ = model(identity=0.5).generator_losses(a, b)
    without, _, _ = model(identity=0.0).generator_losses(a, b)
    assert without["idt_A"] == without["idt_B"] == 0
    for name in ("G_A", "G_B", "cycle_A", "cycle_B"):
        torch.testing.assert_close(without[name], with_identity[name])


def test_a_gradient_penalty_goes_with_mixed_precision() -> None:
    fabric = Fabric(accelerator="cpu", devices=1, precision="bf16-mixed")
    settings = Settings(n_blocks=1, ngf=2, ndf=2, crop=(32, 32), gan_mode="wgangp")
    gan = CycleGAN(fabric, settings, "bf16-mixed")
    losses = gan.step(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32), step=0)
    assert all(math.isfinite(loss) for loss in losses.values()) and losses["D_A"] > 1


def test_more_processes_than_saved_pools_take_anothers() -> None:
    gan = model(pool=2)
    pools = {"A": torch.rand(3, 2, 3, 4, 4), "B": torch.rand(3, 2, 3, 4, 4)}
    one = {name: saved[:1] for name, saved in pools.items()}
    for saved, rank, expected in ((pools, 2, 2), (one, 1, 0)):
        gan.fabric = SimpleNamespace(global_rank=rank, to_device=lambda x: x)
        gan.restore_extra(saved)
        assert torch.equal(torch.stack(gan.pools["A"].images), saved["A"][expected])


def test_a_pool_keeps_no_batch_alive() -> None:
    pool = ImagePool(2)
    pool.query(torch.rand(8, 3, 4, 4)[:3], random.Random(0))
    assert all(image.untyped_storage().nbytes() == image.nbytes for image in pool.images)


def test_the_generators_step_leaves_no_gradient_in_the_discriminators() -> None:
    gan = model()
    a, b = torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32)
    with training.frozen(gan.fabric, gan.networks["D_A"], gan.networks["D_B"]):
        losses, _, _ = gan.generator_losses(a, b)
        torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is None for p in gan.networks["D_A"].parameters())
    assert all(p.requires_grad for p in gan.networks["D_A"].parameters())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"gan_mode": "vanilla", "discriminator": "pixel"},
        {"gan_mode": "wgangp", "d_layers": 1, "pool": 0, "identity": 0.0},
        {"generator": "unet", "n_downs": 5},
    ],
)
def test_a_step_reports_every_loss_and_changes_every_network(settings: dict) -> None:
    gan = model(**settings)
    before = {n: next(net.parameters()).detach().clone() for n, net in gan.networks.items()}
    losses = gan.step(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32), step=0)
    assert tuple(losses) == LOSSES
    for name, network in gan.networks.items():
        assert not torch.equal(before[name], next(network.parameters()))


def test_a_pool_fills_and_then_gives_old_images_half_of_the_time() -> None:
    pool, chance = ImagePool(5), random.Random(0)
    images = torch.arange(400.0).view(-1, 1, 1, 1)
    given = torch.cat([pool.query(image[None], chance) for image in images]).flatten()
    assert torch.equal(given[:5], images[:5].flatten())
    old = (given[5:] != images[5:].flatten()).float().mean().item()
    assert 0.4 < old < 0.6
    assert len(pool.images) == 5
    assert len(set(given.tolist())) > 380  # an image that was given back has left the pool


def test_a_pool_of_zero_gives_what_it_gets() -> None:
    images = torch.rand(3, 3, 2, 2)
    assert ImagePool(0).query(images, random.Random(0)) is images


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"crop": (30, 32)}, "crop"),
        ({"crop": (16, 16)}, "crop"),
        ({"batch": 0}, "batch"),
        ({"unit": "weeks"}, "unit"),
        ({"constant": 0, "decay": 0}, "constant"),
        ({"lr_policy": "fast"}, "lr_policy"),
        ({"lr_policy": "plateau", "unit": "steps"}, "plateau"),
        ({"precision": "16-mixed"}, "precision"),
        ({"gan_mode": "softmax"}, "gan_mode"),
        ({"generator": "vit"}, "generator"),
        ({"discriminator": "global"}, "discriminator"),
        ({"generator": "unet", "n_downs": 4}, "n_downs"),
        ({"generator": "unet", "n_downs": 7, "crop": (64, 128)}, "crop"),
    ],
)
def test_impossible_settings_are_refused_by_name(wrong: dict, named: str) -> None:
    with pytest.raises(InputError, match=named):
        Settings(**wrong)
