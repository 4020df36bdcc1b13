"""What the adversarial game of GANs costs either side."""

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Mode = Literal["lsgan", "vanilla", "wgangp"]
MODES: tuple[str, ...] = get_args(Mode)
PENALTY = 10.0  # weight of WGAN-GP's gradient penalty, as published


def gan_loss(mode: Mode, judgement: Tensor, *, real: bool) -> Tensor:
    """How far a discriminator's judgement is from "real", or from "made".

    Args:
        mode: "lsgan": mean squared distance to 1 or 0 (Mao et al. 2017); "vanilla": binary
            cross-entropy of the logit (Goodfellow et al. 2014); "wgangp": minus the mean, or the
            mean (Arjovsky et al. 2017).
        judgement: the discriminator's raw output, of any shape.
    """
    judgement = judgement.float()
    if mode == "wgangp":
        return -judgement.mean() if real else judgement.mean()
    wanted = torch.full_like(judgement, float(real))
    compare = F.mse_loss if mode == "lsgan" else F.binary_cross_entropy_with_logits
    return compare(judgement, wanted)


def discriminator_loss(
    mode: Mode,
    discriminator: nn.Module,
    real: Tensor,
    fake: Tensor,
    chance: torch.Generator | None = None,
) -> Tensor:
    """Half the sum of the losses on real and on translated images, judged in one call; WGAN-GP
    adds its gradient penalty, for which `chance` is drawn from."""
    on_real, on_fake = discriminator(torch.cat((real, fake))).chunk(2)
    loss = gan_loss(mode, on_real, real=True) + gan_loss(mode, on_fake, real=False)
    if mode == "wgangp":
        loss = loss + PENALTY * gradient_penalty(discriminator, real, fake, chance)
    return 0.5 * loss


def gradient_penalty(
    discriminator: nn.Module, real: Tensor, fake: Tensor, chance: torch.Generator | None = None
) -> Tensor:
    """Mean squared distance of the gradient's norm from 1, at random points between each real and
    translated image (Gulrajani et al. 2017). (N, 3, H, W) each; a scalar."""
    share = torch.rand(len(real), 1, 1, 1, generator=chance).to(real)
    between = (share * real + (1 - share) * fake).detach().float().requires_grad_()
    # The bare network: what Fabric and torch.compile wrap around it allows no second derivative.
    bare = getattr(discriminator, "module", discriminator)
    judged = bare(between).sum()
    (gradient,) = torch.autograd.grad(judged, between, create_graph=True)
    # The small shift keeps the norm's own gradient finite at zero.
    return ((gradient.float().flatten(1) + 1e-16).norm(dim=1) - 1).square().mean()
