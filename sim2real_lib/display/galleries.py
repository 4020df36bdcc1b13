"""Pictures beside pictures: samples of a data set, faulty boxes, translations."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim2real_lib.catalog import Catalog
from sim2real_lib.display.boxes import draw_boxes
from sim2real_lib.display.pictures import fit, load
from sim2real_lib.display.style import MUTED, Chart, chart, headline, ordered, themed
from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB, read_rgb

Titled = tuple[str, RGB]

THUMBNAIL = 560  # pixels across: enough for a page, and a hundred of them still fit in memory


@themed
def sample_grid(
    frames: pd.DataFrame,
    boxes: pd.DataFrame | None = None,
    *,
    by: Sequence[str] = ("source", "variant", "weather"),
    columns: int = 4,
) -> Chart:
    """One image of each kind, from the middle of its first sequence, with its kind as title.

    Args:
        boxes: drawn over the images when given.
        by: the columns of `frames` that make a kind; values equal to their neighbour's are
            written once.
    """
    if frames.empty:
        raise InputError("there are no frames to show")
    picked = []
    for _, kind in frames.sort_values(["sequence", "index"]).groupby(list(by), sort=False):
        first = kind[kind["sequence"] == kind["sequence"].iloc[0]]
        picked.append(first.iloc[len(first) // 2])
    order = ordered((row["source"] for row in picked), "source")
    picked.sort(key=lambda row: order.index(row["source"]))
    pictures = [
        (" · ".join(dict.fromkeys(str(row[name]) for name in by)), _picture(row, boxes))
        for row in picked
    ]
    # Wide and high pictures do not share a row: the wide ones would float in it.
    shapes = groupby(pictures, key=lambda titled: round(titled[1].shape[1] / titled[1].shape[0], 1))
    return _grid([row for _, same in shapes for row in _rows(list(same), columns)])


@themed
def faulty_boxes(
    frames: pd.DataFrame, faults: pd.DataFrame, *, columns: int = 6, most: int = 18
) -> Chart:
    """Close-ups of boxes that were found faulty, one after another by kind of fault.

    Args:
        faults: rows of the boxes table with a column `rule` ("exact duplicate", "two classes", …),
            as `clean.find_faults` gives; boxes of one frame, place and rule share a picture.
        most: how many pictures to show, shared evenly among the kinds.
    """
    if faults.empty:
        raise InputError("there are no faulty boxes to show")
    images = frames.set_index("frame_id")["image"]
    places = faults.assign(
        place=faults[["left", "top", "right", "bottom"]].round().astype(int).apply(tuple, axis=1)
    ).groupby(["rule", "frame_id", "place"], sort=False)
    share = max(1, most // faults["rule"].nunique())
    shown: dict[str, int] = {}
    pictures = []
    for place, group in places:
        fault, frame_id = map(str, place[:2])
        shown[fault] = shown.get(fault, 0) + 1
        if shown[fault] > share:
            continue
        box = group.iloc[0]
        classes = " + ".join(dict.fromkeys(group["class"]))
        size = f"{box['right'] - box['left']:.0f} × {box['bottom'] - box['top']:.0f} px"
        pictures.append((fault, f"{fault}\n{classes}, {size}", images[frame_id], group))
    pictures.sort(key=lambda picture: picture[0])
    crops = [(title, _close_up(read_rgb(image), group)) for _, title, image, group in pictures]
    return _grid(_rows(crops, columns))


@themed
def translation_gallery(
    pairs: pd.DataFrame,
    style: str,
    *,
    targets: Sequence[str | Path] = (),
    boxes: pd.DataFrame | None = None,
    rows: int = 3,
) -> Chart:
    """Frames of one style: original, each translator's picture, and a target image.

    Args:
        pairs: columns frame_id, style, translator, original, translated.
        targets: images of the target domain, one shown beside each row.
        boxes: drawn over original and translations when given.
        rows: how many frames, spread evenly over those that every translator has.
    """
    own = pairs[pairs["style"] == style]
    wide = own.pivot(index="frame_id", columns="translator", values="translated")
    translators = ordered(wide.columns, "arm")
    frame_ids = sorted(wide.dropna().index)
    if not frame_ids:
        raise InputError(f"no frame was translated to {style!r} by every translator")
    kept = np.unique(
        np.linspace(0, len(frame_ids) - 1, min(rows, len(frame_ids))).round().astype(int)
    )
    originals = own.drop_duplicates("frame_id").set_index("frame_id")["original"]
    heads = ["original", *translators] + (["target"] if targets else [])
    table = []
    for position, frame_id in enumerate(frame_ids[at] for at in kept):
        paths = [originals[frame_id], *wide.loc[frame_id, translators]]
        row = [_with_boxes(read_rgb(path), frame_id, boxes) for path in paths]
        if targets:
            row.append(_cropped_like(row[0], load(targets[position % len(targets)], THUMBNAIL)))
        table.append(row)
    shape = table[0][0].shape
    each = 11.0 / len(heads)
    height = 0.75 + len(table) * each * (shape[0] / shape[1] + 0.02)
    figure = chart(11.0, height, pictures=True)
    panels = figure.subplots(len(table), len(heads), squeeze=False)
    for row_axes, row in zip(panels, table, strict=True):
        for axes, picture in zip(row_axes, row, strict=True):
            _show(axes, picture)
    for axes, head in zip(panels[0], heads, strict=True):
        axes.set_title(head, pad=5)
    headline(figure, f"Translated to {style}")
    return figure


@themed
def side_by_side(
    groups: Mapping[str, Sequence[str] | Sequence[Path]], *, columns: int = 4
) -> Chart:
    """A row of images for each name, spread evenly over those given."""
    rows = []
    for name, paths in groups.items():
        kept = np.unique(np.linspace(0, len(paths) - 1, columns).round().astype(int))
        rows.append([(name, load(paths[at], THUMBNAIL)) for at in kept])
    return _grid(rows)


@themed
def detections(
    test: Catalog, found: pd.DataFrame, *, confidence: float = 0.25, columns: int = 2
) -> Chart:
    """A test frame of each weather: left the labelled objects, right what the detector found.

    Args:
        test: the test frames with their boxes.
        found: detections, as `predict` stores them.
        confidence: detections below it are not drawn.
        columns: how many frames of each weather.
    """
    sure = found[found["confidence"] >= confidence].assign(ignore=False, occluded=False)
    rows = []
    for weather in ordered(test.frames["weather"], "weather"):
        frames = test.frames[test.frames["weather"] == weather]
        kept = np.unique(np.linspace(0, len(frames) - 1, columns + 2).round().astype(int))[1:-1]
        row: list[Titled] = []
        for _, frame in frames.iloc[kept].iterrows():
            row.append((f"{weather} · labelled", _picture(frame, test.boxes)))
            row.append((f"{weather} · found", _picture(frame, sure)))
        rows.append(row)
    return _grid([row for row in rows if row])


def _picture(frame: pd.Series, boxes: pd.DataFrame | None) -> RGB:
    return _with_boxes(read_rgb(frame["image"]), frame["frame_id"], boxes)


def _with_boxes(image: RGB, frame_id: str, boxes: pd.DataFrame | None) -> RGB:
    small = fit(image, THUMBNAIL)
    if boxes is None:
        return small
    own = boxes[boxes["frame_id"] == frame_id]
    return draw_boxes(small, own, scale=THUMBNAIL / image.shape[1], labels=False)


def _close_up(image: RGB, boxes: pd.DataFrame) -> RGB:
    """A square around a box, three times its size, with the box in the middle."""
    box = boxes.iloc[0]
    side = int(max(24, 3 * max(box["right"] - box["left"], box["bottom"] - box["top"])))
    side = min(side, *image.shape[:2])
    corner = [
        int(np.clip((box[low] + box[high] - side) / 2, 0, extent - side))
        for low, high, extent in (
            ("left", "right", image.shape[1]),
            ("top", "bottom", image.shape[0]),
        )
    ]
    crop = image[corner[1] : corner[1] + side, corner[0] : corner[0] + side]
    moved = boxes.assign(
        left=boxes["left"] - corner[0], right=boxes["right"] - corner[0],
        top=boxes["top"] - corner[1], bottom=boxes["bottom"] - corner[1],
    )  # fmt: skip
    return draw_boxes(fit(crop, 240), moved, scale=240 / side, labels=False)


def _cropped_like(model: RGB, image: RGB) -> RGB:
    """The middle of `image` in the proportions of `model`, so that rows line up."""
    height, width = image.shape[:2]
    aspect = model.shape[1] / model.shape[0]
    wide, high = min(width, round(height * aspect)), min(height, round(width / aspect))
    left, top = (width - wide) // 2, (height - high) // 2
    return image[top : top + high, left : left + wide]


def _rows(pictures: list[Titled], columns: int) -> list[list[Titled]]:
    return [pictures[at : at + columns] for at in range(0, len(pictures), columns)]


def _grid(rows: list[list[Titled]]) -> Chart:
    """Titled pictures, row by row; rows may differ in length and in their pictures' proportions."""
    columns = max(map(len, rows))
    each = min(3.2, 11.5 / columns)
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
            _show(axes, picture)
            axes.set_title(title, fontsize=8.5, pad=4, weight="normal")
        for axes in cells[len(row) :]:
            axes.set_axis_off()
    return figure


def _show(axes: Axes, picture: RGB) -> None:
    axes.imshow(picture, interpolation="antialiased")
    axes.set(xticks=[], yticks=[])
    axes.spines["bottom"].set(visible=True, color=MUTED, linewidth=0)
