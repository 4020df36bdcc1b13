"""Charts of how an arm compares with others: its gain, and how much of the gap it closes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sim2real_lib.display.chart_parts import nothing_here
from sim2real_lib.display.style import (
    INK,
    MUTED,
    PAPER,
    Chart,
    arm_colour,
    chart,
    headline,
    ordered,
    themed,
)

ENDS = ["low", "high", "low_all", "high_all"]
WORST, BEST = -1.0, 1.25  # shares of the gap that are drawn; beyond them lies no news


@themed
def difference_forest(
    table: pd.DataFrame,
    seeds: pd.DataFrame | None = None,
    *,
    reference: str = "baseline",
    quantity: str = "mAP@0.5",
) -> Chart:
    """Each arm's difference from the reference with its interval; hollow where zero lies inside.

    The oracle's is far larger than any other: where it is out of the picture, an arrow says so.

    Args:
        table: columns arm, difference, low, high, and bin where there is a panel for each; also
            low_all and high_all where known, over images and seeds: a thin line.
        seeds: columns bin, arm, difference: a small dot for each seed.
        reference: the arm that was subtracted.
        quantity: what the difference is of.
    """
    table = table if "bin" in table.columns else table.assign(bin="")
    if table.empty:
        return _empty("there is no other arm to compare with")
    wide = {"low_all", "high_all"} <= set(table.columns)
    known = table if wide else table.assign(low_all=np.nan, high_all=np.nan)
    figure, panels, arms = _panels(known)
    limits = _limits(known)
    for name, axes in panels.items():
        axes.axvline(0, color=INK, linewidth=1.1)
        for row in known[known["bin"] == name].to_dict("records"):
            ends = [row[end] for end in ENDS]
            given = [end for end in ends if pd.notna(end)]
            sure = bool(given) and (min(given) > 0 or max(given) < 0)
            y = arms.index(row["arm"])
            if pd.notna(row["low_all"]):
                axes.hlines(y, *ends[2:], color=arm_colour(row["arm"]), linewidth=1)
            _point(axes, y, row, row["difference"], _signed(row["difference"]), sure, limits)
        if seeds is not None:
            own = seeds[(seeds["bin"] == name) & seeds["difference"].between(*limits)]
            below = [arms.index(arm) + 0.27 for arm in own["arm"]]
            axes.scatter(own["difference"], below, 9, color=MUTED, linewidths=0)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set(title=str(name), xlabel=f"difference in {quantity}", xlim=limits)
    headline(figure, f"Difference from {reference}, with its interval")
    return figure


@themed
def gap_closed(table: pd.DataFrame, *, quantity: str = "mAP@0.5") -> Chart:
    """How far each arm goes from baseline (0 %) to oracle (100 %), with its interval.

    Args:
        table: columns bin, arm, share, low, high; 1 is the oracle. Rows without numbers, where the
            oracle does not surely beat the baseline, are not drawn.
        quantity: what the gap is of.
    """
    known = table.dropna()
    if known.empty:
        return _empty("the oracle does not surely beat the baseline: there is no gap to close")
    figure, panels, arms = _panels(known)
    least = min(-0.12, max(WORST, 1.1 * float(known["low"].min())))
    limits = least, max(1.08, min(BEST, 1.1 * float(known["high"].max())))
    for name, axes in panels.items():
        axes.axvline(0, color=INK, linewidth=1.1)
        axes.axvline(1, color=arm_colour("oracle"), linewidth=1.6)
        for row in known[known["bin"] == name].to_dict("records"):
            text = f"{100 * row['share']:.0f} %".replace("-", "−")
            sure = row["low"] > 0 or row["high"] < 0
            _point(axes, arms.index(row["arm"]), row, row["share"], text, sure, limits)
        axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set(title=str(name), xlabel=f"share of the gap in {quantity}", xlim=limits)
    headline(figure, "How much of the gap from baseline (0 %) to oracle (100 %) is closed")
    return figure


def _panels(table: pd.DataFrame) -> tuple[Chart, dict[Any, Axes], list[str]]:
    """A panel a bin, in it a row an arm."""
    arms, bins = ordered(table["arm"], "arm"), list(dict.fromkeys(table["bin"]))
    figure = chart(1.6 + max(4.4, 2.9 * len(bins)), 1.7 + 0.42 * len(arms))
    panels = figure.subplots(1, len(bins), sharex=True, sharey=True, squeeze=False)[0]
    for axes in panels:
        axes.set_yticks(range(len(arms)), arms)
        axes.set_ylim(len(arms) - 0.5, -0.7)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", labelcolor=INK)
    panels[0].set_ylabel("arm")
    return figure, dict(zip(bins, panels, strict=True)), arms


def _limits(table: pd.DataFrame) -> tuple[float, float]:
    """What is drawn of the differences: all of them but the oracle's, if there are others."""
    others = table[table["arm"] != "oracle"]
    ends = (others if len(others) else table)[["difference", *ENDS]].to_numpy(float)
    given = ends[np.isfinite(ends)]
    low, high = given.min(initial=0.0), given.max(initial=0.0)
    room = 0.16 * (high - low) or 0.01
    return low - room, high + 1.6 * room


def _point(
    axes: Axes,
    y: int,
    row: Mapping[Any, Any],
    x: float,
    text: str,
    sure: bool,
    limits: tuple[float, float],
) -> None:
    """A dot with its interval; an arrow at the edge where it lies beyond the limits."""
    colour = arm_colour(row["arm"])
    room = 0.06 * (limits[1] - limits[0])
    place = min(max(x, limits[0] + room), limits[1] - room)
    marker = "o" if limits[0] <= x <= limits[1] else ">" if x > place else "<"
    if marker == "o":
        axes.hlines(y, row["low"], row["high"], color=colour, linewidth=2.6)
    axes.plot(
        place if marker != "o" else x, y, marker, ms=8, mec=colour, mew=1.8, zorder=3,
        color=colour if sure else PAPER,
    )  # fmt: skip
    axes.annotate(
        text, (place, y), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=8,
        color=INK, zorder=4, path_effects=[patheffects.withStroke(linewidth=2.5, foreground=PAPER)],
    )  # fmt: skip


def _empty(why: str) -> Chart:
    figure = chart(8.2, 1.2)
    nothing_here(figure.subplots(), why)
    return figure


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
