"""Minimising over a batch of images, each with a loss of its own, as if each were alone."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from sim2real_lib.translation.detail import resize

HISTORY = 50  # steps that L-BFGS remembers, each in the memory of two batches of images
FIRST_STEP = 0.02  # mean change of a pixel, in [0, 1], that L-BFGS tries first
ENOUGH = 1e-4  # share of the decrease promised by the slope that a step must bring (Armijo)
TINY = torch.finfo(torch.float32).tiny  # keeps a flat image's steps from dividing by zero

# Images (N, C, H, W) -> losses (N,) and gradients (N, C, H, W).
Evaluate = Callable[[Tensor], tuple[Tensor, Tensor]]
Pair = tuple[Tensor, Tensor, Tensor]  # step, change of the gradient, 1 / their product


class Search(Protocol):
    """Images that cost less, after so many evaluations: `adam` and `lbfgs`."""

    def __call__(self, evaluate: Evaluate, images: Tensor, *, steps: int) -> Tensor:
        """(N, C, H, W) in [0, 1], like the images."""


def coarse_to_fine(
    search: Search,
    images: Tensor,
    sizes: Sequence[tuple[int, int]],
    losses: Sequence[Callable[[], Evaluate]],
    *,
    steps: int,
) -> Tensor:
    """Search at the smallest size first; what a size changed, enlarged, begins the next.

    Args:
        images: (N, C, H, W) in [0, 1]: where the search begins.
        sizes: (height, width), the images' own first, then ever smaller ones.
        losses: what makes each size's loss when its turn comes.
        steps: evaluations in all, shared out evenly; what remains goes to the largest sizes.

    Returns:
        Like the images.
    """
    change = torch.zeros_like(images)
    for level in reversed(range(len(sizes))):
        share = steps // (level + 1)
        if share:
            small = resize(images, sizes[level]).contiguous()
            begin = (small + resize(change, sizes[level])).clamp(0, 1)
            change = search(losses[level](), begin, steps=share) - small
            steps -= share
    return (images + change).clamp(0, 1)


def adam(evaluate: Evaluate, images: Tensor, *, steps: int, lr: float) -> Tensor:
    """The images (N, C, H, W) in [0, 1] after so many steps of Adam (Kingma and Ba 2015).

    Args:
        evaluate: called once a step.
        lr: size of a step in units of the pixel range.
    """
    x = images.clone()
    optimizer = torch.optim.Adam([x], lr=lr, betas=(0.9, 0.99))
    for _ in range(steps):
        _, x.grad = evaluate(x)
        optimizer.step()
        x.clamp_(0, 1)
    return x


def lbfgs(evaluate: Evaluate, images: Tensor, *, steps: int) -> Tensor:
    """The images (N, C, H, W) in [0, 1] after so many evaluations by L-BFGS (Liu and Nocedal 1989).

    Each image has its own curvature and its own line search, and is tried anew in every
    evaluation: one that overshot takes a shorter step while the others go on. Pixels stay in
    [0, 1] by projection; those that push against a bound are left out of the direction
    (Bertsekas 1982).

    Args:
        evaluate: called `steps` times.
    """
    x = images
    losses, gradients = evaluate(x)
    # Of the inverse curvature along all directions that were not yet tried.
    scale = FIRST_STEP / gradients.abs().mean((1, 2, 3), True).clamp_min(TINY)
    pairs: deque[Pair] = deque(maxlen=HISTORY)
    length = torch.ones_like(scale)
    for _ in range(steps - 1):
        free = ((x > 0) | (gradients < 0)) & ((x < 1) | (gradients > 0))
        direction = -_newton(gradients * free, pairs, scale) * free
        tried = (x + length * direction).clamp(0, 1)
        tried_losses, tried_gradients = evaluate(tried)

        step, bent = tried - x, tried_gradients - gradients
        slope, rise = _dot(gradients, step), (tried_losses - losses).view_as(length)
        better = rise <= ENOUGH * slope
        product, square = _dot(step, bent), _dot(bent, bent)
        curved = better & (product > TINY)
        pairs.append((step, bent, torch.where(curved, 1 / product, 0)))
        scale = torch.where(curved, product / square, scale)
        # The minimum of the parabola through both losses and the slope.
        shorter = length * (slope / (2 * (slope - rise))).clamp(0.1, 0.5)
        length = torch.where(better, 1, shorter)
        x = torch.where(better, tried, x)
        gradients = torch.where(better, tried_gradients, gradients)
        losses = torch.where(better.flatten(), tried_losses, losses)
    return x


def _newton(gradients: Tensor, pairs: deque[Pair], scale: Tensor) -> Tensor:
    """The inverse Hessian times the gradients (Nocedal's two loops), for each image its own."""
    result, shares = gradients, []
    for step, bent, inverse in reversed(pairs):
        shares.append(inverse * _dot(step, result))
        result = result - shares[-1] * bent
    result = scale * result
    for (step, bent, inverse), share in zip(pairs, reversed(shares), strict=True):
        result = result + (share - inverse * _dot(bent, result)) * step
    return result


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """(N, 1, 1, 1): of each image's values."""
    return (a * b).sum(dim=(1, 2, 3), keepdim=True)
