"""Catalog boxes over an RGB image: colour tells the class, dashes tell occlusion."""

from collections.abc import Iterator

import cv2
import numpy as np
import pandas as pd

from sim2real_lib.display.pictures import label, label_width, rgb255
from sim2real_lib.display.style import INK, MUTED, class_colour
from sim2real_lib.images import RGB

LOWEST = 0.08  # share of the image's height: ignored areas below it are not drawn
SUBPIXEL = 4  # fractional bits of a coordinate in OpenCV's drawing


def draw_boxes(image: RGB, boxes: pd.DataFrame, *, scale: float = 1.0, labels: bool = True) -> RGB:
    """A copy of `image` with the boxes of one frame drawn over it.

    Occluded objects are dashed, ignored areas grey, but for those too low to be looked at: a street
    has dozens of hidden cars at its end. Lines and text scale with the image.

    Args:
        image: (height, width, 3) RGB.
        boxes: rows of the catalog's boxes table, in pixels of the original frame.
        scale: width of `image` over the width of the original frame.
        labels: whether to write class names; boxes narrower than their name, and names that
            would lie over one another, go without.
    """
    canvas = np.ascontiguousarray(image).copy()
    width = max(2, round(canvas.shape[0] / 200))
    low = (boxes["bottom"] - boxes["top"]) * scale < LOWEST * canvas.shape[0]
    boxes = boxes[~(boxes["ignore"].astype(bool) & low)]
    area = (boxes["right"] - boxes["left"]) * (boxes["bottom"] - boxes["top"])
    nearest_last = boxes.loc[area.sort_values(ascending=False, kind="stable").index]
    for row in nearest_last.to_dict("records"):
        left, top, right, bottom = (
            row[side] * scale for side in ("left", "top", "right", "bottom")
        )
        colour = MUTED if row["ignore"] else class_colour(row["class"])
        dashed = row["ignore"] or (pd.notna(row["occluded"]) and bool(row["occluded"]))
        dash = 4 * width if dashed else None
        sides = (left, top, right, bottom)
        # A dark edge under the colour keeps it readable on fog and on black cars alike.
        _rectangle(canvas, sides, rgb255(INK), width + 1, dash)
        _rectangle(canvas, sides, rgb255(colour), width, dash)
    if labels:
        _names(canvas, nearest_last[~nearest_last["ignore"]], scale)
    return canvas


def _names(canvas: RGB, boxes: pd.DataFrame, scale: float) -> None:
    """Write class names above boxes, the largest first, leaving out what would not be readable."""
    size = max(9, round(canvas.shape[0] / 26))
    taken = np.zeros(canvas.shape[:2], bool)
    for row in boxes.to_dict("records"):
        wide, high = round(label_width(row["class"], size)), round(1.3 * size)
        x, y = round(row["left"] * scale), max(0, round(row["top"] * scale) - high)
        place = taken[y : y + high, max(0, x) : x + wide]
        if (row["right"] - row["left"]) * scale < wide or place.any():
            continue
        place[:] = True
        label(canvas, row["class"], x, y, size=size, fill=class_colour(row["class"]), ink=INK)


def _rectangle(
    canvas: RGB,
    sides: tuple[float, float, float, float],
    colour: tuple[int, int, int],
    stroke: int,
    dash: int | None,
) -> None:
    left, top, right, bottom = sides
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        for a, b in [(start, end)] if dash is None else _dashes(start, end, dash):
            # Half-open pixels: the edge at x lies between pixel x - 1 and pixel x.
            p, q = (tuple(np.rint((v - 0.5) * 2**SUBPIXEL).astype(int).tolist()) for v in (a, b))
            cv2.line(canvas, p, q, colour, stroke, cv2.LINE_AA, SUBPIXEL)


def _dashes(start: np.ndarray, end: np.ndarray, dash: int) -> Iterator[tuple]:
    """Dashes with one at either end, so that corners stay closed.

    Gaps are twice a dash on paper: OpenCV's round ends and smooth edges take half of each back.
    """
    length = float(np.hypot(*(end - start)))
    gaps = max(1, round(length / dash / 3))
    unit = (end - start) / (3 * gaps + 1)
    for number in range(gaps + 1):
        yield start + unit * 3 * number, start + unit * (3 * number + 1)
