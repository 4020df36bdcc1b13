"""Pictures beside pictures: samples of a data set, duplicates, translations, detections."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from sim2real_lib.catalog import Catalog
from sim2real_lib.display.picture_grid import (
    THUMBNAIL,
    Titled,
    grid,
    in_rows_of_one_shape,
    of_frames,
    picture_of,
    show,
    spread,
    with_boxes,
)
from sim2real_lib.display.pictures import load
from sim2real_lib.display.style import INK, PAPER, Chart, chart, headline, ordered, themed
from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB, read_rgb

PAGE = 10.5  # inches that pictures may take up in a row
LOWEST, HIGHEST = 0.95, 1.6  # inches that a sample of a weather is high
STACKED = 1.0  # the same of samples under one another: the page gets long


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
    drawn = None if boxes is None else of_frames(boxes, pd.DataFrame(picked))
    pictures = [(_of_kind(str(row[name]) for name in by), picture_of(row, drawn)) for row in picked]
    return grid(in_rows_of_one_shape(pictures, columns))


@themed
def weather_samples(
    frames: pd.DataFrame, boxes: pd.DataFrame | None = None, *, each: int = 2
) -> Chart:
    """Images of every weather, a row for each, from every source that has it; by day if possible.

    Images of another time of day say which.

    Args:
        boxes: drawn over the images when given.
        each: how many images of a weather and source, spread evenly over those by day.
    """
    if frames.empty:
        raise InputError("there are no frames to show")
    weathers = ordered(frames["weather"].unique(), "weather")
    sources = ordered(frames["source"].unique(), "source")
    aspects = frames.assign(aspect=frames["width"] / frames["height"]).groupby("source")["aspect"]
    widths = aspects.median()[sources].to_numpy()
    # Side by side, unless that makes wide pictures too low to see anything in.
    beside = PAGE / (each * widths.sum()) >= LOWEST
    across, down = (each, 1) if beside else (1, each)
    high = min(HIGHEST if beside else STACKED, PAGE / (across * widths.sum()))
    rows, columns = len(weathers) * down, len(sources) * across
    figure = chart(1.0 + high * across * widths.sum(), 0.3 + rows * (high + 0.04), pictures=True)
    panels = figure.subplots(
        rows, columns, squeeze=False, width_ratios=list(np.repeat(widths, across))
    )
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines["bottom"].set_visible(False)
    picked = [_by_day(own, each) for _, own in frames.groupby(["weather", "source"])]
    drawn = None if boxes is None else of_frames(boxes, pd.concat(picked))
    for own in picked:
        row = weathers.index(own["weather"].iloc[0]) * down
        column = sources.index(own["source"].iloc[0]) * across
        cells = panels[row : row + down, column : column + across].flat
        for axes, (_, frame) in zip(cells, own.iterrows(), strict=False):
            show(axes, picture_of(frame, drawn))
            if frame["timeofday"] != "daytime":
                axes.text(
                    0.02, 0.95, frame["timeofday"], transform=axes.transAxes, va="top",
                    fontsize=7, bbox={"fc": PAPER, "lw": 0, "pad": 1.5, "alpha": 0.85},
                )  # fmt: skip
    for axes, weather in zip(panels[::down, 0], weathers, strict=True):
        axes.set_ylabel(weather, rotation=0, ha="right", va="center", color=INK)
    for axes, source in zip(panels[0, ::across], sources, strict=True):
        axes.set_title(source, pad=5)
    return figure


@themed
def duplicate_images(frames: pd.DataFrame, pairs: pd.DataFrame, *, most: int = 6) -> Chart:
    """Images that are the same, two and two; first those that lie on both sides of a split.

    Args:
        pairs: columns kind ("same file", "same picture"), frame_id_a, frame_id_b, split_a, split_b
            and likeness.
        most: how many pairs to show, shared evenly among the kinds.
    """
    if pairs.empty:
        raise InputError("there are no images that are the same")
    images = frames.set_index("frame_id")["image"]
    share = max(1, most // pairs["kind"].nunique())
    pictures: list[Titled] = []
    for _, own in pairs.groupby("kind"):
        astride = own["split_a"] != own["split_b"]
        first = own[astride].iloc[spread(astride.sum(), share)]
        rest = own[~astride].iloc[spread((~astride).sum(), share - len(first))]
        for pair in pd.concat([first, rest]).to_dict("records"):
            two = [load(images[pair[f"frame_id_{side}"]], THUMBNAIL) for side in "ab"]
            pictures.append((_of_pair(pair), _beside(*two)))
    # Of one shape in a row, else in the order above.
    pictures.sort(key=lambda titled: titled[1].shape[0])
    return grid(in_rows_of_one_shape(pictures, 2), widest=5.75)


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
        pairs: columns frame_id, place, style, translator, original, translated.
        targets: images of the target domain, one shown beside each row.
        boxes: drawn over original and translations when given.
        rows: how many places, spread evenly over those that every translator has.
    """
    own = pairs[pairs["style"] == style]
    wide = own.pivot(index="place", columns="translator", values="translated")
    translators = ordered(wide.columns, "arm")
    places = sorted(wide.dropna().index)
    if not places:
        raise InputError(f"no frame was translated to {style!r} by every translator")
    kept = spread(len(places), rows)
    # Of translators that start from different renderings, the first one's original is shown.
    first = own[own["translator"] == translators[0]].set_index("place")
    heads = ["original", *translators] + (["target"] if targets else [])
    table = []
    for position, place in enumerate(places[at] for at in kept):
        frame_id, original = first.loc[place, ["frame_id", "original"]]
        paths = [original, *wide.loc[place, translators]]
        row = [with_boxes(read_rgb(path), frame_id, boxes) for path in paths]
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
            show(axes, picture)
    for axes, head in zip(panels[0], heads, strict=True):
        axes.set_title(head.replace(", ", ",\n"), pad=5)
    headline(figure, f"Translated to {style}")
    return figure


@themed
def side_by_side(
    groups: Mapping[str, Sequence[str] | Sequence[Path]], *, columns: int = 4
) -> Chart:
    """A row of images for each name, spread evenly over those given."""
    rows = []
    for name, paths in groups.items():
        kept = spread(len(paths), columns)
        rows.append([(name, load(paths[at], THUMBNAIL)) for at in kept])
    return grid(rows)


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
            row.append((f"{weather} · labelled", picture_of(frame, test.boxes)))
            row.append((f"{weather} · found", picture_of(frame, sure)))
        rows.append(row)
    return grid([row for row in rows if row])


def _of_kind(values: Iterable[str], most: int = 36) -> str:
    """What a kind has in common, on two lines where one would run into the next picture."""
    title = " · ".join(dict.fromkeys(values))
    return title if len(title) <= most else title.replace(" · ", "\n", 1)


def _by_day(frames: pd.DataFrame, most: int) -> pd.DataFrame:
    """Up to `most` frames spread over those by day; where they are few, others too."""
    by_day = frames[frames["timeofday"] == "daytime"]
    if len(by_day) >= most:
        return by_day.iloc[((np.arange(most) + 0.5) * len(by_day) / most).astype(int)]
    others = frames[frames["timeofday"] != "daytime"]
    return pd.concat([by_day, others.iloc[spread(len(others), most - len(by_day))]])


def _of_pair(pair: dict) -> str:
    """How two images are the same, and below it their names, each with its split."""
    head = [pair["kind"]]
    if pair["likeness"] < 1:
        head.append(f"likeness {pair['likeness']:.2f}")
    if pair["split_a"] != pair["split_b"]:
        head.append("on both sides of the split")
    names = [f"{_end_of(pair[f'frame_id_{side}'])} · {pair[f'split_{side}']}" for side in "ab"]
    return f"{', '.join(head)}\n{'  |  '.join(names)}"


def _end_of(name: str, most: int = 31) -> str:
    """A long name without its beginning, so that it fits over its picture."""
    return name if len(name) <= most else f"…{name[1 - most :]}"


def _beside(left: RGB, right: RGB) -> RGB:
    """Two pictures at the left one's height, white between them."""
    high = left.shape[0]
    wide = round(high * right.shape[1] / right.shape[0])
    gap = np.full((high, 12, 3), 255, np.uint8)
    return np.hstack([left, gap, cv2.resize(right, (wide, high), interpolation=cv2.INTER_AREA)])


def _cropped_like(model: RGB, image: RGB) -> RGB:
    """The middle of `image` in the proportions of `model`, so that rows line up."""
    height, width = image.shape[:2]
    aspect = model.shape[1] / model.shape[0]
    wide, high = min(width, round(height * aspect)), min(height, round(width / aspect))
    left, top = (width - wide) // 2, (height - high) // 2
    return image[top : top + high, left : left + wide]
