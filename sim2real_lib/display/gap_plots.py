"""Charts of the gap between data sets: how their measures are distributed, and how far apart."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim2real_lib.display.chart_parts import count_edges, log_edges, nothing_here, percent
from sim2real_lib.display.style import (
    FAINT,
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

# What spreads over orders of magnitude is compared by ratios.
LOGARITHMIC = ("box size", "box size, share of image height", "aspect")
UNITS = {
    "box size": "pixels",
    "aspect": "width / height",
    "boxes an image": "boxes",
    "brightness": "mean luma, 0–1",
    "contrast": "deviation of luma",
    "saturation": "mean, 0–1",
    "sharpness": "lg variance of Laplacian",
}
BINS = 40
COLUMNS = 4
HILL = 0.84  # of the room between two rows
FAR = 1.0  # deviations that are drawn dark even where no distance is larger


@themed
def distributions(measures: pd.DataFrame, by: str = "source") -> Chart:
    """How every measure is distributed: a panel for each, and in it a hill for each source.

    All hills are equally high: their places and widths compare. The line in a hill is its median;
    the outermost hundredths are out of the picture.

    Args:
        measures: columns source, variant, measure, value; what stands after a comma in a measure
            is its unit.
        by: the column that makes the hills; those of a single source have its colour.
    """
    known = measures[measures["value"].notna()]
    if known.empty:
        raise InputError("nothing was measured")
    # Millions of strings are slow to group.
    known = known.astype(dict.fromkeys(("source", "measure", by), "category"))
    groups = known.groupby(["measure", by], observed=True)["value"]
    values = {kind: own.to_numpy(float) for kind, own in groups}
    names, shown = ordered(known[by].unique(), by), list(known["measure"].unique())
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = chart(1.2 + 2.45 * columns, 0.5 + rows * (0.9 + 0.34 * len(names)))
    panels = figure.subplots(
        rows, columns, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.08}
    )
    colours = _colours(known, by)
    for measure, axes in zip(shown, panels.flat, strict=False):
        hills = {name: values[measure, name] for name in names if (measure, name) in values}
        edges = _edges(measure, list(hills.values()))
        for name, own in hills.items():
            _hill(axes, len(names) - 1 - names.index(name), own, edges, colours[name])
        title, _, unit = measure.partition(", ")
        axes.set_title(title, fontsize=9.5)
        axes.set(xlabel=unit or UNITS.get(measure, "value"), xlim=(edges[0], edges[-1]))
        if measure in LOGARITHMIC:
            axes.set_xscale("log")
            axes.set_xticks(ticks := _log_ticks(edges), [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5))
    for axes in panels.flat[len(shown) :]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_yticks(np.arange(len(names)) + 0.3, names[::-1])
        axes.set(ylabel=by, ylim=(-0.05, len(names)))
        axes.tick_params(axis="y", labelcolor=INK)
    for axes in panels.flat:
        axes.grid(axis="y", visible=False)
    headline(figure, "How the measures are distributed")
    return figure


@themed
def distance_table(distances: pd.DataFrame) -> Chart:
    """How far apart two sources are in every measure: the largest gaps stand first, and darkest.

    Args:
        distances: columns measure, a, b, distance (in standard deviations of the two together),
            and overlap (0-1, the share that their distributions have in common) where known.
    """
    names = distances[["a", "b"]].astype(str).to_numpy()
    pairs = distances.assign(pair=[" –\n".join(ordered(two, "source")) for two in names])
    table = pairs.pivot(index="measure", columns="pair", values="distance").astype(float)
    table = table.loc[table.max(axis=1).sort_values(ascending=False, kind="stable").index]
    table = table[table.mean().sort_values(ascending=False, kind="stable").index]
    shared = np.full(table.shape, np.nan)
    if "overlap" in pairs.columns:
        wide = pairs.pivot(index="measure", columns="pair", values="overlap")
        shared = wide.reindex_like(table).to_numpy(float)
    widest = max((len(name) for name in names.flat), default=0)
    width = 2.6 + len(table.columns) * max(1.15, 0.2 + 0.085 * widest)
    figure = chart(max(7.2, width), 1.7 + 0.46 * max(1, len(table)))
    axes = figure.subplots()
    headline(figure, "How far apart the measures are")
    if table.empty:
        nothing_here(axes, "there is no second source to compare with")
        return figure
    values = table.to_numpy()
    most = max(FAR, float(values[np.isfinite(values)].max(initial=0)))
    shade = np.ma.masked_invalid(np.minimum(values, most))
    axes.pcolormesh(shade, cmap=SEQUENTIAL, vmin=0, vmax=most, ec="w", lw=2.5)
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if value > 0.55 * most else INK
        common = shared[row, column]
        lines = [(0.5 if np.isnan(common) else 0.39, _number(value), 10.0)]
        if not np.isnan(common):
            lines.append((0.76, f"{percent(float(common))} shared", 7.0))
        for down, text, size in lines:
            axes.text(
                column + 0.5, row + down, text, ha="center", va="center", color=colour,
                fontsize=size,
            )  # fmt: skip
    axes.set_xticks(np.arange(len(table.columns)) + 0.5, table.columns)
    axes.set_yticks(np.arange(len(table)) + 0.5, table.index)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(labelcolor=INK)
    axes.spines["bottom"].set_visible(False)
    axes.set_facecolor(FAINT)  # a pair that was not measured shows as a hole
    axes.set(xlabel="the two compared", ylabel="measure")
    legend = "in standard deviations of the two together"
    if not np.isnan(shared).all():
        legend += "; shared: how much the two overlap"
    axes.set_title(legend, fontsize=8.5, color=MUTED, weight="normal")
    return figure


def _number(distance: float) -> str:
    """Two constants that differ are infinitely many deviations apart."""
    return "–" if np.isnan(distance) else "∞" if np.isinf(distance) else f"{distance:.2f}"


def _colours(measures: pd.DataFrame, by: str) -> dict[str, str]:
    """A source's own colour for what only it has, grey for what several have."""
    pairs = measures[["source"]].assign(name=measures[by]).drop_duplicates()
    sources = {name: list(own) for name, own in pairs.groupby("name", observed=True)["source"]}
    return {
        str(name): source_colour(own[0]) if len(own) == 1 else MUTED
        for name, own in sources.items()
    }


def _edges(measure: str, hills: list[np.ndarray]) -> np.ndarray:
    """Bins over all but the outermost hundredths of every hill."""
    if measure in LOGARITHMIC:
        return log_edges(hills, BINS, outside=0.01)
    if all((hill == hill.round()).all() and hill.min() >= 0 for hill in hills):
        return count_edges(hills, BINS, outside=0.01)
    low = min(float(np.quantile(hill, 0.01)) for hill in hills)
    high = max(float(np.quantile(hill, 0.99)) for hill in hills)
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def _log_ticks(edges: np.ndarray) -> list[float]:
    """1, 2, 5, 10, … within the edges, thinned out to a handful."""
    steps = [digit * 10.0**power for power in range(-6, 7) for digit in (1, 2, 5)]
    inside = [round(step, 6) for step in steps if edges[0] <= step <= edges[-1]]
    return inside[:: -(-len(inside) // 5) or 1]


def _hill(axes: Axes, row: int, values: np.ndarray, edges: np.ndarray, colour: str) -> None:
    counts, _ = np.histogram(values, edges)
    heights = row + HILL * counts / max(1, counts.max())
    axes.stairs(heights, edges, baseline=row, fill=True, color=colour, alpha=0.35)
    axes.stairs(heights, edges, baseline=row, color=colour, linewidth=1.4)
    middle = np.median(values)
    top = heights[np.clip(np.searchsorted(edges, middle) - 1, 0, len(heights) - 1)]
    axes.vlines(middle, row, top, color=INK, linewidth=1.5)
