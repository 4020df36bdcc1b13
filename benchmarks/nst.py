"""Style transfer here against the recipe of PyTorch's tutorial, on the tutorial's own loss.

The recipe: one image at a time, VGG19's first convolutions before their ReLUs, 300 evaluations by
`torch.optim.LBFGS` from the content. Here: from the content in the style's colours, at half size
and then at full size. Pictures are MiniDrive's, weights random unless torch's cache has VGG19's.
Seconds are the processor's, so that a busy machine tells the same. Without a line search the recipe
may leave what it had found: its least loss is given too, and when it first equalled the one here.

Run: .venv/bin/python benchmarks/nst.py [--quick]
"""

import argparse
import datetime
import platform
import tempfile
import time
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from sim2real_lib.datasets import minidrive
from sim2real_lib.images import read_rgb
from sim2real_lib.translation.colour import match_colours
from sim2real_lib.translation.detail import resize
from sim2real_lib.translation.nst_losses import gram
from sim2real_lib.translation.nst_search import coarse_to_fine, lbfgs
from sim2real_lib.translation.vgg import LAYERS, load_features

NAMES = list(LAYERS["vgg19"])[:5]  # conv_1 to conv_5: all of them bear style, conv_4 the content
STYLE_WEIGHT, STEPS = 1e6, 300
OUR_STEPS = 80  # half of them at half size: as much work as 50 of the recipe's
QUICK, FULL = (256, 144), (512, 288)
Moments = list[tuple[float, float]]  # processor's seconds since the beginning, loss


class TutorialLoss:
    """The tutorial's loss of one image; `moments` holds when it was evaluated and what it was."""

    def __init__(self, content: Tensor, style: Tensor) -> None:
        self.features, self.notice = load_features("vgg19", None, NAMES)
        self.begun, self.moments = time.process_time(), []
        with torch.no_grad():
            self.content = self.activations(content)[3]
            self.grams = [gram(a) / a.shape[1] for a in self.activations(style)]

    def activations(self, images: Tensor) -> list[Tensor]:
        found, x = [], (images - self.features.mean) / self.features.std
        for module in self.features.features[:-1]:  # the last ReLU bears nothing
            x = x.relu() if isinstance(module, nn.ReLU) else module(x)
            found += [x] if isinstance(module, nn.Conv2d) else []
        return found

    def __call__(self, images: Tensor) -> Tensor:
        found = self.activations(images)
        style = sum(
            (gram(a) / a.shape[1] - target).square().mean()
            for a, target in zip(found, self.grams, strict=True)
        )
        loss = (found[3] - self.content).square().mean() + STYLE_WEIGHT * style
        self.moments.append((time.process_time() - self.begun, float(loss.detach())))
        return loss

    def gradients(self, images: Tensor) -> tuple[Tensor, Tensor]:
        images = images.detach().requires_grad_()
        loss = self(images)
        return loss.detach().view(1), torch.autograd.grad(loss, images)[0]


def recipe(content: Tensor, style: Tensor) -> tuple[Tensor, Moments]:
    """The tutorial's result, and the course of its loss."""
    loss, image = TutorialLoss(content, style), content.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([image])

    def closure() -> Tensor:
        with torch.no_grad():
            image.clamp_(0, 1)
        optimizer.zero_grad()
        value = loss(image)
        value.backward()
        return value

    while len(loss.moments) < STEPS:
        optimizer.step(closure)
    return image.detach().clamp(0, 1), loss.moments


def ours(content: Tensor, style: Tensor) -> Tensor:
    sizes = [tuple(content.shape[2:]), (content.shape[2] // 2, content.shape[3] // 2)]

    def evaluate(size: tuple[int, int]) -> object:
        return TutorialLoss(resize(content, size), resize(style, size)).gradients

    begin = match_colours(content, style[0].flatten(1))
    losses = [partial(evaluate, size) for size in sizes]
    return coarse_to_fine(lbfgs, begin, sizes, losses, steps=OUR_STEPS)


def pictures(folder: Path, size: tuple[int, int], count: int) -> list[tuple[Tensor, Tensor]]:
    """Contents (1, 3, H, W) from the clone, each with a style in fog."""
    world = minidrive.World(
        seed=5, scenes=("0001",), frames_per_scene=7 * count, kitti_size=size, bdd_size=size,
        bdd_train_per_weather=count, bdd_val_per_weather=1,
    )  # fmt: skip
    minidrive.write(folder, world, progress=False)
    frames = sorted(folder.glob("vkitti2/**/clone/**/*.jpg"))[::7][:count]
    styles = sorted(folder.glob("bdd100k/images/**/train/*.jpg"))
    greyest = sorted(styles, key=lambda path: float(read_rgb(path).std((0, 1)).mean()))[:count]
    return [
        tuple(
            (torch.from_numpy(read_rgb(path)).permute(2, 0, 1)[None] / 255).contiguous()
            for path in pair
        )
        for pair in zip(frames, greyest, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"one picture of {QUICK}")
    quick = parser.parse_args().quick
    size, count = (QUICK, 1) if quick else (FULL, 2)
    rows = []
    with tempfile.TemporaryDirectory() as place:
        drawn = pictures(Path(place), size, count)
    for content, style in drawn:
        begun = time.process_time()
        result = ours(content, style)
        seconds = time.process_time() - begun
        begun = time.process_time()
        theirs, moments = recipe(content, style)
        their_seconds = time.process_time() - begun
        loss = TutorialLoss(content, style)
        with torch.no_grad():
            final, their_final = float(loss(result)), float(loss(theirs))
        reached = next((s for s, value in moments if value <= final), float("nan"))
        rows.append(
            {
                "recipe, s": their_seconds,
                "here, s": seconds,
                "times faster": their_seconds / seconds, "recipe's final loss": their_final,
                "its least on the way": min(value for _, value in moments),
                "final loss here": final, "recipe equals it after, s": reached,
            }
        )  # fmt: skip
    print(f"{size[0]}x{size[1]}, {platform.machine()}, {torch.get_num_threads()} threads, "
          f"torch {torch.__version__}, {datetime.date.today()}")  # fmt: skip
    print(loss.notice)
    print(pd.DataFrame(rows).T.round(4).to_string(header=False))


if __name__ == "__main__":
    main()
