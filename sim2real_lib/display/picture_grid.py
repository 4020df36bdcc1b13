"""Titled pictures in rows: what all galleries are made of."""

from itertools import groupby

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim2real_lib.catalog.tables import positions
from sim2real_lib.display.boxes import draw_boxes
from sim2real_lib.display.pictures import fit
from sim2real_lib.display.style import MUTED, Chart, chart
from sim2real_lib.images import RGB, read_rgb

Titled = tuple[str, RGB]

THUMBNAIL = 560  # pixels across: enough for a page, and a hundred of them still fit in memory


def grid(rows: list[list[Titled]], *, widest: float = 3.2) -> Chart:
    """Titled pictures, row by row; rows may differ in length and in their pictures' proportions.

    Args:
        widest: inches that a picture is wide where the page has room for it.
    """
    columns = max(map(len, rows))
    each = min(widest, 11.5 / columns)
    heights = [
        each * max(picture.shape[0] / picture.shape[1] for _, picture in row)
        + 0.16 * max(title.count("\n") + 1 for title, _ in row)
        + 0.14
        for row in rows
    ]
    figure = chart(each * columns, sum(heights), pictures=True)
    panels = figure.subplots(len(rows), columns, squeeze=False, height_ratios=heights)
    for row, cells in zip(rows, panels, strict=True):
        for (title, picture), axes in zip(row, cells, strict=False):
            show(axes, picture)
            axes.set_title(title, fontsize=8.5, pad=4, weight="normal")
        for axes in cells[len(row) :]:
            axes.set_axis_off()
    return figure


def in_rows(pictures: list[Titled], columns: int) -> list[list[Titled]]:
    """The pictures in rows of `columns`, the last with what is left."""
    return [pictures[at : at + columns] for at in range(0, len(pictures), columns)]


def in_rows_of_one_shape(pictures: list[Titled], columns: int) -> list[list[Titled]]:
    """Rows that wide and high pictures do not share: the wide ones would float in them."""
    shapes = groupby(pictures, key=lambda titled: round(titled[1].shape[1] / titled[1].shape[0], 1))
    return [row for _, same in shapes for row in in_rows(list(same), columns)]


def show(axes: Axes, picture: RGB) -> None:
    """A picture and nothing around it."""
    axes.imshow(picture, interpolation="antialiased")
    axes.set(xticks=[], yticks=[])
    axes.spines["bottom"].set(visible=True, color=MUTED, linewidth=0)


def picture_of(frame: pd.Series, boxes: pd.DataFrame | None) -> RGB:
    """A frame's image, reduced, with its boxes when given."""
    return with_boxes(read_rgb(frame["image"]), frame["frame_id"], boxes)


def with_boxes(image: RGB, frame_id: str, boxes: pd.DataFrame | None) -> RGB:
    """An image, reduced, with those of the boxes that belong to the frame, when given."""
    small = fit(image, THUMBNAIL)
    if boxes is None:
        return small
    own = boxes[boxes["frame_id"] == frame_id]
    return draw_boxes(small, own, scale=THUMBNAIL / image.shape[1], labels=False)


def of_frames(boxes: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """Only the boxes of these frames: among millions, looking up each frame's own is slow."""
    return boxes[positions(boxes["frame_id"], frames["frame_id"]) >= 0]


def spread(count: int, most: int) -> np.ndarray:
    """Up to `most` places spread evenly over a row of `count`, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))
