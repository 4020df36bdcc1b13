"""Charts of a catalog: classes, box sizes and shapes, objects in an image, weather, scenes."""

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm
from matplotlib.ticker import MaxNLocator

from sim2real_lib.catalog.tables import TIMES_OF_DAY
from sim2real_lib.display.chart_parts import (
    by_source,
    count_edges,
    grouped_bars,
    height_of,
    legend_above,
    log_edges,
    nothing_here,
    objects_of,
    per_image,
    percent,
    stepped,
)
from sim2real_lib.display.style import (
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

# COCO's, in pixels of the square root of the area
SIZE_LIMITS = {32.0: ("small", ""), 96.0: ("medium", "")}
SIZE_TICKS = {float(size): str(size) for size in (2, 4, 8, 16, 32, 64, 96, 128, 256, 512)}
SHAPE_LIMITS = {1.0: ("higher than wide", "wider than high")}
SHAPE_TICKS = {2.0**power: f"{2.0**power:g}" for power in range(-4, 5)}
CLASSES_SHOWN = 12
UNDEFINED = "undefined"


@themed
def class_counts(frames: pd.DataFrame, boxes: pd.DataFrame) -> Chart:
    """Objects by class and source, most frequent class first; ignored areas are left out."""
    objects = objects_of(frames, boxes)
    counts = objects.groupby(["class", "source"], observed=True).size().unstack()
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False).index]
    shown, rest = counts[:CLASSES_SHOWN], counts[CLASSES_SHOWN:]
    figure = chart(7.5, height_of(shown))
    axes = figure.subplots()
    if shown.empty:
        nothing_here(axes, "there are no objects")
    else:
        grouped_bars(axes, shown, shown.map("{:,.0f}".format))
        axes.xaxis.set_major_formatter("{x:,.0f}")
    note = f"  (rarer: {', '.join(rest.index)})" if len(rest) else ""
    axes.set(title="Objects by class", xlabel=f"objects{note}", ylabel="class")
    legend_above(axes)
    return figure


@themed
def box_sizes(frames: pd.DataFrame, boxes: pd.DataFrame) -> Chart:
    """How large objects are, by source, on a logarithmic scale with COCO's size limits."""
    objects = objects_of(frames, boxes)
    width, height = objects["right"] - objects["left"], objects["bottom"] - objects["top"]
    figure = _on_a_log_scale(
        by_source(np.sqrt(width * height), objects["source"]), SIZE_TICKS, SIZE_LIMITS
    )
    figure.axes[0].set(title="Object size", xlabel="square root of the box's area, pixels")
    return figure


@themed
def box_shapes(frames: pd.DataFrame, boxes: pd.DataFrame) -> Chart:
    """How wide objects are for their height, by source, on a logarithmic scale; 1 is a square."""
    objects = objects_of(frames, boxes)
    width, height = objects["right"] - objects["left"], objects["bottom"] - objects["top"]
    figure = _on_a_log_scale(
        by_source(width / height, objects["source"]), SHAPE_TICKS, SHAPE_LIMITS
    )
    figure.axes[0].set(title="Object shape", xlabel="width of the box / its height")
    return figure


@themed
def objects_per_image(frames: pd.DataFrame, boxes: pd.DataFrame) -> Chart:
    """How many objects an image holds, by source; images without any count, ignored areas don't."""
    counts = per_image(frames, boxes[~boxes["ignore"].to_numpy(bool)])
    groups = by_source(counts, frames["source"]) if counts.any() else {}
    edges = count_edges(list(groups.values()), bins=60, outside=0.005)
    figure = chart(7.5, 3.4)
    axes = figure.subplots()
    for source, own in groups.items():
        name = f"{source} (median {np.median(own):.0f})"
        stepped(axes, own, edges, colour=source_colour(source), label=name)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(
        title="Objects in an image", xlabel="objects in the image",
        ylabel="share of the source's images, %",
    )  # fmt: skip
    if not groups:
        nothing_here(axes, "there are no objects")
    legend_above(axes)
    return figure


@themed
def weather_by_time(frames: pd.DataFrame) -> Chart:
    """Images by weather and time of day, a panel for each source."""
    sources = ordered(frames["source"].unique(), "source")
    if not sources:
        raise InputError("there are no frames to count")
    weathers = ordered(frames["weather"].unique(), "weather")
    times = [time for time in TIMES_OF_DAY if (frames["timeofday"] == time).any()]
    figure = chart(1.6 + max(2.6, 0.74 * len(times)) * len(sources), 1.4 + 0.42 * len(weathers))
    panels = figure.subplots(1, len(sources), sharey=True, squeeze=False)[0]
    tables = {
        source: pd.crosstab(own["weather"], own["timeofday"])
        .reindex(index=weathers, columns=times, fill_value=0)
        .to_numpy()
        for source, own in frames.groupby("source")
    }
    most = max(int(table.max()) for table in tables.values())
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
        axes.tick_params(axis="x", labelsize=8.5)
        axes.spines["bottom"].set_visible(False)
    panels[0].invert_yaxis()
    panels[0].set_ylabel("weather")
    headline(figure, "Weather and time of day")
    return figure


@themed
def scenes(frames: pd.DataFrame) -> Chart:
    """What places the images show, by source: most frequent first, the undefined last."""
    counts = frames.groupby(["scene", "source"]).size().unstack()
    named = counts.drop(index=UNDEFINED, errors="ignore").notna().any()
    unsaid = ordered(counts.columns[~named], "source")
    counts = counts.drop(columns=unsaid).dropna(how="all")
    shares = counts / counts.sum()
    order = shares.max(axis=1).sort_values(ascending=False, kind="stable").index
    order = order[np.argsort(order == UNDEFINED, kind="stable")]
    shares, counts = 100 * shares.loc[order], counts.loc[order]
    figure = chart(7.5, height_of(shares))
    axes = figure.subplots()
    if shares.empty:
        nothing_here(axes, "no image says what place it shows")
    else:
        texts = (shares / 100).map(percent) + counts.map("   {:,.0f}".format)
        grouped_bars(axes, shares, texts)
    note = f"  (no scene is given in {', '.join(unsaid)})" if unsaid else ""
    axes.set(title="Scenes", xlabel=f"share of the source's images, %{note}", ylabel="scene")
    legend_above(axes)
    return figure


def _on_a_log_scale(
    groups: dict[str, np.ndarray],
    ticks: dict[float, str],
    limits: dict[float, tuple[str, str]],
) -> Chart:
    """A stepped histogram of each source.

    Args:
        groups: values by source.
        ticks: what to write at which value, where it is in the picture.
        limits: values that part small from large, and the words left and right of them.
    """
    figure = chart(7.5, 3.4)
    axes = figure.subplots()
    edges = log_edges(list(groups.values()), bins=48)
    for source, own in groups.items():
        stepped(axes, own, edges, colour=source_colour(source), label=source)
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 1.1 * axes.dataLim.y1 if groups else 1)
    inside = {at: text for at, text in ticks.items() if edges[0] <= at <= edges[-1]}
    axes.set_xticks(list(inside), list(inside.values()))
    axes.minorticks_off()
    for limit, words in limits.items():
        if groups and edges[0] < limit < edges[-1]:
            axes.axvline(limit, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
            for word, side in zip(words, ("right", "left"), strict=True):
                axes.annotate(
                    f" {word} ", (limit, 0.99), xycoords=("data", "axes fraction"),
                    ha=side, va="top", color=MUTED, fontsize=8,
                )  # fmt: skip
    if not groups:
        nothing_here(axes, "there are no objects")
    axes.set_ylabel("share of the source's objects, %")
    legend_above(axes)
    return figure
