"""Fixed frames, drawn again and again while a training learns."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from sim2real_lib.images import RGB, write_rgb
from sim2real_lib.translation.unpaired import Domain, from_network, to_network

MOMENTS = (0, 1 / 32, 1 / 8, 1 / 4, 1 / 2, 1)  # of a training, at which samples are drawn
CELL_WIDTH, GAP = 320, 4  # pixels

Preview = Callable[[Tensor, Tensor], list[list[Tensor]]]


def sample_steps(steps: int) -> set[int]:
    """The steps after which samples are drawn, the untrained start and the end among them."""
    return {round(steps * moment) for moment in MOMENTS}


def drawn_samples(folder: Path) -> dict[str, Path]:
    """ "step 100" -> the picture drawn after that step, of a training's folder, in order."""
    paths = sorted((folder / "samples").glob("step_*.png"))
    return {f"step {int(path.stem.removeprefix('step_')):,}": path for path in paths}


def draw_samples(
    path: Path, source: Domain, target: Domain, preview: Preview, count: int = 3
) -> None:
    """Write a picture: what becomes of `count` frames of the source, then of the target.

    The frames are spread evenly over their domain and are the same at every call.

    Args:
        path: the PNG to write.
        source, target: where the frames come from.
        preview: makes the rows that show one frame of each domain, see `training.Model`.
    """
    rows: list[list[RGB]] = []
    for place in np.linspace(0, 1, min(count, max(len(source), len(target)))):
        frames = [_frame(domain, place) for domain in (source, target)]
        with torch.no_grad():
            made = preview(*frames)
        rows += [[_cell(from_network(image)[0].cpu().numpy()) for image in row] for row in made]
    kinds = len(made)  # the first kind's rows come first
    ordered = [row for kind in range(kinds) for row in rows[kind::kinds]]
    write_rgb(path, _stack([_stack(row, axis=1) for row in ordered], axis=0))


def _frame(domain: Domain, place: float) -> Tensor:
    image = domain.image(round(place * (len(domain) - 1)))
    return to_network(torch.from_numpy(image)[None])


def _cell(image: RGB) -> RGB:
    """The image at the width of a cell."""
    height = round(image.shape[0] * CELL_WIDTH / image.shape[1])
    return cv2.resize(image, (CELL_WIDTH, height), interpolation=cv2.INTER_AREA)


def _stack(images: list[RGB], axis: int) -> RGB:
    """Images beside (axis 1) or below (axis 0) one another, with a white gap between them."""
    shape = list(images[0].shape)
    shape[axis] = GAP
    parts = [part for image in images for part in (image, np.full(shape, 255, np.uint8))]
    return np.concatenate(parts[:-1], axis=axis)
