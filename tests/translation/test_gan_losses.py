"""The adversarial losses, against values worked out by hand."""

import math

import pytest
import torch
from torch import Tensor, nn

from sim2real_lib.translation.gan_losses import discriminator_loss, gan_loss, gradient_penalty


class Times(nn.Module):
    """A stand-in for a discriminator: multiplies."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = nn.Parameter(torch.tensor(number))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.number


@pytest.mark.parametrize(
    ("mode", "on_real", "on_made"),
    [
        ("lsgan", (0.25 + 1) / 2, (0.25 + 4) / 2),
        ("vanilla", (math.log1p(math.exp(-0.5)) + math.log1p(math.exp(-2))) / 2,
         (math.log1p(math.exp(0.5)) + math.log1p(math.exp(2))) / 2),
        ("wgangp", -1.25, 1.25),
    ],
)  # fmt: skip
def test_each_mode_by_hand(mode: str, on_real: float, on_made: float) -> None:
    judgement = torch.tensor([0.5, 2.0])
    assert gan_loss(mode, judgement, real=True).item() == pytest.approx(on_real)
    assert gan_loss(mode, judgement, real=False).item() == pytest.approx(on_made)


def test_the_discriminators_loss_is_halved() -> None:
    real, fake = torch.full((1, 1, 1, 2), 0.5), torch.full((1, 1, 1, 2), 0.2)
    loss = discriminator_loss("lsgan", Times(1.2), real, fake)
    assert loss.item() == pytest.approx(0.5 * ((0.6 - 1) ** 2 + 0.24**2))


def test_the_gradient_penalty_by_hand() -> None:
    # The gradient of a sum of 3 x 2 x 2 values times 0.5 has norm 0.5 * sqrt(12), everywhere.
    real, fake = torch.rand(2, 3, 2, 2), torch.rand(2, 3, 2, 2)
    penalty = gradient_penalty(Times(0.5), real, fake)
    assert penalty.item() == pytest.approx((0.5 * math.sqrt(12) - 1) ** 2, rel=1e-5)


def test_the_penalty_reaches_the_discriminator_and_its_weight_is_ten() -> None:
    network = Times(0.5)
    real, fake = torch.rand(1, 3, 2, 2), torch.rand(1, 3, 2, 2)
    loss = discriminator_loss("wgangp", network, real, fake)
    loss.backward()
    game = 0.5 * (fake.mean() - real.mean()) * 0.5
    assert loss.item() == pytest.approx(game.item() + 5 * (0.5 * math.sqrt(12) - 1) ** 2, rel=1e-4)
    assert network.number.grad is not None and network.number.grad.abs() > 1


def test_a_penalty_at_a_flat_point_has_a_finite_gradient() -> None:
    network = Times(0.0)
    gradient_penalty(network, torch.rand(1, 3, 2, 2), torch.rand(1, 3, 2, 2)).backward()
    assert network.number.grad is not None and network.number.grad.isfinite()
