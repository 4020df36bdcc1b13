"""Charts of a catalog: classes, box sizes, occlusion, weather and time of day."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator

from sim2real_lib.catalog.tables import TIMES_OF_DAY
from sim2real_lib.display.style import (
    COLOURS,
    INK,
    MUTED,
    SEQUENTIAL,
    Chart,
    chart,
    headline,
    ordered,
    source_colour,
    themed,
)
from sim2real_lib.errors import InputError

SIZE_LIMITS = {"small": 32.0, "medium": 96.0}  # COCO's, in pixels of the square root of the area
CLASSES_SHOWN = 12


@themed
def class_counts(frames: pd.DataFrame, boxes: pd.DataFrame) -> Chart:
    """Objects by class and source, most frequent class first; ignored areas are left out."""
    objects = _objects(frames, boxes)
    counts = objects.groupby(["class", "source"]).size().unstack(fill_value=0)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False).index[:CLASSES_SHOWN]]
    sources = ordered(counts.columns, "source")
    figure = chart(7.5, 1.2 + 0.24 * len(counts) * (len(sources) + 0.8))
    axes = figure.subplots()
    thickness = 0.8 / max(1, len(sources))
    for position, source in enumerate(sources):
        at = np.arange(len(counts)) + (position - (len(sources) - 1) / 2) * thickness
        bars = axes.barh(
            at, counts[source], 0.88 * thickness, color=source_colour(source), label=source
        )
        texts = [f"{count:,}" for count in counts[source]]
        axes.bar_label(bars, texts, padding=4, color=MUTED, fontsize=8)
    axes.set_yticks(range(len(counts)), counts.index)
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.12)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set(title="Objects by class", xlabel="objects", ylabel="class")
    _legend_above(axes, len(sources))
    return figure


@themed
def box_sizes(frames: pd.DataFrame, boxes: pd.DataFrame) -> Chart:
    """How large objects are, by source, on a logarithmic scale with COCO's size limits."""
    objects = _objects(frames, boxes)
    width, height = objects["right"] - objects["left"], objects["bottom"] - objects["top"]
    size = np.sqrt(width * height)
    figure = chart(7.5, 3.4)
    axes = figure.subplots()
    low, high = (size.min(), size.max()) if len(size) else (1.0, 100.0)
    edges = np.geomspace(low * 0.95, high * 1.05, 32)
    sources = ordered(objects["source"], "source")
    for source in sources:
        counts, _ = np.histogram(size[objects["source"] == source], edges)
        share = 100 * counts / counts.sum()
        colour = source_colour(source)
        axes.stairs(share, edges, fill=True, color=colour, alpha=0.13)
        axes.stairs(share, edges, color=colour, linewidth=1.8, label=source)
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    ticks = [tick for tick in (2, 4, 8, 16, 32, 64, 96, 128, 256, 512) if low <= tick <= high]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    for name, limit in SIZE_LIMITS.items():
        if edges[0] < limit < edges[-1]:
            axes.axvline(limit, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                f"{name} ", (limit, 1), xycoords=("data", "axes fraction"),
                ha="right", va="top", color=MUTED, fontsize=8,
            )  # fmt: skip
    axes.set(
        title="Object size",
        xlabel="square root of the box's area, pixels",
        ylabel="share of the source's objects, %",
    )
    _legend_above(axes, len(sources))
    return figure


@themed
def occlusion(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    *,
    thresholds: Sequence[int] = (5, 10),
    by: str = "source",
) -> Chart:
    """Occluded objects in an image, a panel for each source or weather, with the bins' limits.

    Args:
        thresholds: upper limits of the cumulative bins; the last bin, all images, is implied.
        by: the column of `frames` that makes the panels.
    """
    counts = occluded_per_image(frames, boxes)
    known = boxes.loc[boxes["occluded"].notna(), "frame_id"]
    labelled = set(frames.loc[frames["frame_id"].isin(known), by])
    # Boxes of unknown occlusion are not boxes without: a panel of zeros would say so.
    names = [name for name in ordered(frames[by], by) if name in labelled]
    unknown = [name for name in ordered(frames[by], by) if name not in labelled]
    if not names:
        raise InputError("no box says whether it is occluded", remedy="Leave this chart out")
    most = int(counts.max()) if len(counts) else 0
    most = max(most, max(thresholds, default=0) + 1)
    figure = chart(8.5, 1.0 + 1.55 * len(names))
    panels = figure.subplots(len(names), sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, names, strict=True):
        own = counts[(frames[by] == name).to_numpy()]
        images = np.bincount(own, minlength=most + 1)
        axes.bar(range(most + 1), images, 0.82, color=COLOURS.get(by, source_colour)(name))
        axes.set_xlim(-0.6, most + 0.6)
        axes.set_ylim(0, max(1, images.max()) * 1.3)
        shares = []
        for limit in thresholds:
            axes.axvline(limit + 0.5, color=INK, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                f"0–{limit} ", (limit + 0.5, 0.97), xycoords=("data", "axes fraction"),
                ha="right", va="top", color=INK, fontsize=8,
            )  # fmt: skip
            images_in, objects_in = (own <= limit).mean(), own[own <= limit].sum()
            shares.append(
                f"0–{limit}: {_percent(images_in)} of images, "
                f"{_percent(objects_in / max(1, own.sum()))} of occluded objects"
            )
        axes.set_title("    ".join(shares), loc="right", fontsize=8, color=MUTED, weight="normal")
        axes.grid(axis="x", visible=False)
        axes.set(title=f"{name} · {len(own):,} images", ylabel="images")
    note = f"  (occlusion is not labelled in {', '.join(unknown)})" if unknown else ""
    panels[-1].set_xlabel(f"occluded objects in the image{note}")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    headline(figure, "Occlusion and the evaluation bins")
    return figure


@themed
def weather_by_time(frames: pd.DataFrame) -> Chart:
    """Images by weather and time of day, a panel for each source."""
    sources = ordered(frames["source"], "source")
    weathers = ordered(frames["weather"], "weather")
    times = [time for time in TIMES_OF_DAY if (frames["timeofday"] == time).any()]
    figure = chart(1.6 + 2.6 * len(sources), 1.4 + 0.42 * len(weathers))
    panels = figure.subplots(1, len(sources), sharey=True, squeeze=False)[0]
    tables = {
        source: pd.crosstab(own["weather"], own["timeofday"])
        .reindex(index=weathers, columns=times, fill_value=0)
        .to_numpy()
        for source, own in frames.groupby("source")
    }
    most = max((int(table.max()) for table in tables.values()), default=1)
    shade = LogNorm(0.7, max(2, most))  # a foggy few beside clear thousands must still show
    for axes, source in zip(panels, sources, strict=True):
        table = tables[source]
        axes.pcolormesh(np.ma.masked_equal(table, 0), cmap=SEQUENTIAL, norm=shade, ec="w", lw=2)
        for (row, column), count in np.ndenumerate(table):
            dark = count and shade(count) > 0.55
            colour = "white" if dark else INK if count else "#c3cad3"
            text = f"{count:,}" if count else "·"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=colour)
        axes.set_xticks(np.arange(len(times)) + 0.5, times)
        axes.set_yticks(np.arange(len(weathers)) + 0.5, weathers)
        axes.set(title=f"{source} · {table.sum():,} images", xlabel="time of day")
        axes.grid(visible=False)
        axes.tick_params(labelcolor=INK)
        axes.spines["bottom"].set_visible(False)
    panels[0].invert_yaxis()
    panels[0].set_ylabel("weather")
    headline(figure, "Weather and time of day")
    return figure


def occluded_per_image(frames: pd.DataFrame, boxes: pd.DataFrame) -> np.ndarray:
    """How many boxes known to be occluded each frame holds, in the order of `frames`."""
    occluded = boxes[boxes["occluded"].fillna(False).astype(bool) & ~boxes["ignore"]]
    counts = occluded.groupby("frame_id").size()
    return counts.reindex(frames["frame_id"], fill_value=0).to_numpy(dtype=int)


def _objects(frames: pd.DataFrame, boxes: pd.DataFrame) -> pd.DataFrame:
    return boxes[~boxes["ignore"]].merge(frames[["frame_id", "source"]], on="frame_id")


def _legend_above(axes: Axes, columns: int) -> None:
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, borderaxespad=0.4)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
