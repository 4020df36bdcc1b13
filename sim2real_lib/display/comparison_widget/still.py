"""The picture that stands in for the comparison widget where no widget can live."""

import math
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real_lib.display.boxes import draw_boxes
from sim2real_lib.display.pictures import fit, label, load
from sim2real_lib.display.wipe import CHIP, CHIP_INK, mark_sides, wipe
from sim2real_lib.images import RGB, read_rgb, size

WIDEST = 960  # pixels: of original and translation, without the target
GAP = 8  # pixels between them and the target


def both_sides(pair: pd.Series, width: int, at: float, boxes: pd.DataFrame | None) -> RGB:
    """Original left, translation right of a line.

    Args:
        pair: a row of `frame_list.table`.
        width: of the picture, in pixels.
        at: where the line is, 0 to 1.
        boxes: the frame's, to be drawn; None: none are.
    """
    picture = wipe(load(pair["original"], width), load(pair["translated"], width), at)
    if boxes is not None:
        picture = draw_boxes(picture, boxes, scale=width / size(pair["original"])[0])
    mark_sides(picture, at, ("original", f"{pair['translator']} · {pair['style']}"))
    return picture


def beside(picture: RGB, path: str | Path, style: str) -> RGB:
    """A picture with a target image of the style on its right, of the same height."""
    height, target = picture.shape[0], read_rgb(path)
    gap = np.full((height, GAP, 3), 255, np.uint8)
    wide = math.ceil(target.shape[1] * height / target.shape[0])
    target = np.ascontiguousarray(fit(target, wide)[:height])
    text_size = max(10, height // 21)
    margin, text = text_size // 2, f"target · {style}"
    label(target, text, margin, margin, size=text_size, fill=CHIP, ink=CHIP_INK)
    return np.hstack([picture, gap, target])
