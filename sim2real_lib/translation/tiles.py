"""Translating large frames tile by tile, where a whole one does not fit into memory."""

import math

import torch
from torch import Tensor

from sim2real_lib.errors import InputError
from sim2real_lib.translation.apply import Translator


class Tiled:
    """A translator that gives another one tiles of frames too large for it.

    Tiles overlap, and are blended with weights that fall linearly towards their borders. Frames
    that fit go through as they are.

    Args:
        translator: what translates the tiles.
        tile: their largest side, in pixels.
        overlap: pixels by which neighbours overlap at least, below `tile`.

    Raises:
        InputError: when the overlap leaves no step from tile to tile.
    """

    def __init__(self, translator: Translator, tile: int, overlap: int) -> None:
        if not 0 <= overlap < tile:
            raise InputError(
                f"tiles of {tile} pixels cannot overlap by {overlap}",
                where="overlap",
                remedy="Choose 0 or more, and less than the tile; an eighth of it is a good start",
            )
        self.translator, self.tile, self.overlap = translator, tile, overlap
        if notice := getattr(translator, "notice", ""):
            self.notice = notice  # which weights it has
        self.identity = f"{translator.identity} tile {tile} overlap {overlap}"

    def translate(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) float32 RGB in [0, 1] of any size to the same size and range."""
        height, width = images.shape[2:]
        if max(height, width) <= self.tile:
            return self.translator.translate(images)
        blended = torch.zeros_like(images)
        for rows, row_weights in _cuts(height, self.tile, self.overlap):
            for columns, column_weights in _cuts(width, self.tile, self.overlap):
                translated = self.translator.translate(images[:, :, rows, columns])
                weights = row_weights[:, None] * column_weights
                blended[:, :, rows, columns] += translated.to(images) * weights.to(images)
        return blended.clamp_(0, 1)


def _cuts(size: int, tile: int, overlap: int) -> list[tuple[slice, Tensor]]:
    """The tiles along a side, spread evenly, each with its pixels' weights.

    A weight is the distance from the tile's border, as a share of those of all tiles there.
    """
    length = min(size, tile)
    steps = math.ceil((size - length) / (tile - overlap))
    starts = [round(step * (size - length) / max(steps, 1)) for step in range(steps + 1)]
    inward = torch.arange(1, length + 1)
    distance = torch.minimum(inward, inward.flip(0)).float()
    total = torch.zeros(size)
    for start in starts:
        total[start : start + length] += distance
    slices = [slice(start, start + length) for start in starts]
    return [(place, distance / total[place]) for place in slices]
