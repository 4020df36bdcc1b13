"""Self-adversarial training: now and then a batch that the detector itself has made harder.

The image moves by one step of the fast gradient sign method (Goodfellow, Shlens and Szegedy, ICLR
2015) in the direction that the detector's own loss grows, and is then trained on as it is: YOLOv4's
self-adversarial training (Bochkovskiy et al. 2020). One such batch takes about twice its time.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


def drawn(share: float, seed: int, iteration: int) -> bool:
    """Whether this iteration's batch is attacked: with probability `share`, by its number alone.

    So a resumed training attacks the batches that an uninterrupted one does, all GPUs attack the
    same ones, and no other random number changes.
    """
    return random.Random(f"{seed} {iteration}").random() < share


def fast_gradient_sign(
    loss: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, epsilon: float
) -> torch.Tensor:
    """`images + epsilon * sign(gradient of the loss by the images)`, clipped to 0..1.

    Args:
        loss: images -> one number.
        images: (n, 3, height, width), 0..1.
        epsilon: the step, in units of 1.

    Returns:
        as `images`, without a gradient.
    """
    images = images.detach().requires_grad_()
    # By the images alone: no parameter's .grad is touched, and no other GPU is waited for.
    (gradient,) = torch.autograd.grad(loss(images), images)
    return (images.detach() + epsilon * gradient.sign()).clamp_(0, 1)


def attack(model: nn.Module, batch: dict[str, Any], epsilon: float) -> torch.Tensor:
    """A batch's images, moved against a detector of ultralytics, which stays as it is.

    The model is in training mode, hence normalised by the batch's own statistics, as in the step
    that follows; but these do not enter its running averages.

    Args:
        model: has ultralytics' `loss(batch)`.
        batch: ultralytics' batch, `img` (n, 3, height, width) in 0..1.
        epsilon: the step in units of 1/255.
    """
    with running_averages_kept(model):
        return fast_gradient_sign(
            lambda images: model.loss(batch | {"img": images})[0].sum(),  # type: ignore[operator]
            batch["img"],
            epsilon / 255,
        )


@contextmanager
def running_averages_kept(model: nn.Module) -> Iterator[None]:
    """Within the block BatchNorm uses a batch's statistics without recording them."""
    norms = [
        module
        for module in model.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
    ]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
