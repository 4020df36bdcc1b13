"""Charts of results: mAP by arm, bin and weather, and how sure a difference is."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim2real_lib.display.chart_parts import nothing_here
from sim2real_lib.display.style import (
    FAINT,
    INK,
    MUTED,
    PAPER,
    SEQUENTIAL,
    Chart,
    arm_colour,
    chart,
    headline,
    ordered,
    themed,
)


@themed
def map_by_bin(table: pd.DataFrame) -> Chart:
    """mAP@0.5 of every arm in every occlusion bin, with intervals where the table has them.

    Args:
        table: columns arm, bin, map50, and low and high where known; bins in the order given.
    """
    arms, bins = ordered(table["arm"], "arm"), list(dict.fromkeys(table["bin"]))
    figure = chart(max(6.5, 1.2 + 0.52 * len(bins) * (len(arms) + 1)), 3.9)
    axes = figure.subplots()
    thickness = 0.82 / len(arms)
    for position, arm in enumerate(arms):
        own = table[table["arm"] == arm].set_index("bin").reindex(bins)
        at = np.arange(len(bins)) + (position - (len(arms) - 1) / 2) * thickness
        axes.bar(at, own["map50"], 0.9 * thickness, color=arm_colour(arm), label=arm)
        tops = own["map50"].to_numpy(float)
        if {"low", "high"} <= set(own.columns):
            axes.vlines(at, own["low"], own["high"], color=INK, linewidth=1.3)
            tops = np.fmax(tops, own["high"].to_numpy(float))
        for x, top, value in zip(at, tops, own["map50"], strict=True):
            if pd.notna(value):
                axes.annotate(
                    f"{value:.3f}", (x, top), xytext=(0, 3), textcoords="offset points",
                    ha="center", color=INK, fontsize=7.5,
                )  # fmt: skip
    axes.set_xticks(range(len(bins)), bins)
    axes.set_ylim(0, min(1.05, 1.18 * _highest(table)))
    axes.grid(axis="x", visible=False)
    axes.tick_params(axis="x", labelcolor=INK)
    axes.set(title="mAP@0.5 by occlusion", xlabel="occluded objects in the image", ylabel="mAP@0.5")
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=len(arms), borderaxespad=0.4,
        columnspacing=1.1, handlelength=1, handletextpad=0.5,
    )  # fmt: skip
    return figure


@themed
def map_by_weather(table: pd.DataFrame) -> Chart:
    """mAP@0.5 of every arm in every weather, the best arm of each weather in bold.

    Args:
        table: columns arm, weather, map50, and images (how many were tested) where known.
    """
    arms, weathers = ordered(table["arm"], "arm"), ordered(table["weather"], "weather")
    grid = table.pivot(index="arm", columns="weather", values="map50").loc[arms, weathers]
    figure = chart(2.2 + 1.25 * len(weathers), 1.5 + 0.46 * len(arms))
    axes = figure.subplots()
    most = max(0.05, float(np.nanmax(grid.to_numpy(float), initial=0)))
    axes.pcolormesh(grid, cmap=SEQUENTIAL, vmin=0, vmax=most, ec="w", lw=2.5)
    for (row, column), value in np.ndenumerate(grid.to_numpy(float)):
        best = value == grid.iloc[:, column].max()
        axes.text(
            column + 0.5, row + 0.5, f"{value:.3f}" if pd.notna(value) else "–",
            ha="center", va="center", weight="bold" if best else "normal",
            color="white" if value > 0.55 * most else INK,
        )  # fmt: skip
    names = weathers
    if "images" in table.columns:
        images = table.groupby("weather")["images"].max()
        names = [f"{weather}\n{images[weather]:,.0f} images" for weather in weathers]
    axes.set_xticks(np.arange(len(weathers)) + 0.5, names)
    axes.set_yticks(np.arange(len(arms)) + 0.5, arms)
    axes.invert_yaxis()
    _as_table(axes)
    axes.set(title="mAP@0.5 by weather", xlabel="weather of the test images", ylabel="arm")
    return figure


@themed
def difference_forest(
    table: pd.DataFrame, *, reference: str = "baseline", quantity: str = "mAP@0.5"
) -> Chart:
    """Each arm's difference from the reference with its interval; hollow where zero lies inside.

    Args:
        table: columns arm, difference, low, high, and bin where there is a panel for each.
        reference: the arm that was subtracted.
        quantity: what the difference is of.
    """
    table = table if "bin" in table.columns else table.assign(bin="")
    if table.empty:
        figure = chart(8.2, 1.2)
        nothing_here(figure.subplots(), "there is no other arm to compare with")
        return figure
    arms, bins = ordered(table["arm"], "arm"), list(dict.fromkeys(table["bin"]))
    figure = chart(1.6 + max(4.4, 2.9 * len(bins)), 1.7 + 0.42 * len(arms))
    panels = figure.subplots(1, len(bins), sharex=True, sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, bins, strict=True):
        axes.axvline(0, color=INK, linewidth=1.1)
        for row in table[table["bin"] == name].to_dict("records"):
            y, colour = arms.index(row["arm"]), arm_colour(row["arm"])
            sure = row["low"] > 0 or row["high"] < 0
            axes.hlines(y, row["low"], row["high"], color=colour, linewidth=2.4)
            axes.plot(
                row["difference"], y, "o", ms=8, mec=colour, mew=1.8, zorder=3,
                color=colour if sure else PAPER,
            )  # fmt: skip
            axes.annotate(
                _signed(row["difference"]), (row["difference"], y), xytext=(0, 7),
                textcoords="offset points", ha="center", fontsize=8, color=INK,
            )  # fmt: skip
        axes.set_yticks(range(len(arms)), arms)
        axes.set_ylim(len(arms) - 0.5, -0.7)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set(title=str(name), xlabel=f"difference in {quantity}")
    panels[0].set_ylabel("arm")
    extent = float(table[["difference", "low", "high"]].abs().max().max()) or 0.01
    panels[0].set_xlim(-1.12 * extent, 1.12 * extent)
    headline(figure, f"Difference from {reference}, with its interval")
    return figure


@themed
def precision_recall(curves: pd.DataFrame) -> Chart:
    """Precision over recall, a line for each arm: columns arm, recall, precision."""
    figure = chart(5.2, 4.3)
    axes = figure.subplots()
    for arm in ordered(curves["arm"], "arm"):
        own = curves[curves["arm"] == arm].sort_values("recall")
        axes.plot(own["recall"], own["precision"], color=arm_colour(arm), lw=1.9, label=arm)
    axes.set(xlim=(0, 1), ylim=(0, 1.02), title="Precision and recall")
    axes.set(xlabel="recall", ylabel="precision")
    axes.legend(loc="best")
    return figure


def _highest(table: pd.DataFrame) -> float:
    columns = [name for name in ("map50", "high") if name in table.columns]
    return max(0.05, float(np.nanmax(table[columns].to_numpy(float), initial=0)))


def _as_table(axes: Axes) -> None:
    axes.grid(visible=False)
    axes.tick_params(labelcolor=INK)
    axes.spines["bottom"].set_visible(False)
    axes.xaxis.label.set_color(MUTED)
    axes.set_facecolor(FAINT)  # a combination that was not tested shows as a hole


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
