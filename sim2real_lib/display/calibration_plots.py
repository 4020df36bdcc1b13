"""A chart of whether the arms' confidences can be believed."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

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
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.calibration import calibration_error

COLUMNS = 4  # of panels at most
FEW = 30  # detections: the precision of fewer says little


@themed
def reliability(table: pd.DataFrame) -> Chart:
    """A panel for each arm: how often detections are right, by how confident they are.

    On the dashed diagonal confidence is precision; above it the arm is too modest, below it too
    bold. Beneath stands how many detections each bin has.

    Args:
        table: from `calibration.reliability`.
    """
    arms = ordered(table.index.get_level_values("arm"), "arm")
    if not arms:
        raise InputError("there are no detections whose confidence could be judged")
    across = min(COLUMNS, len(arms))
    across = int(np.ceil(len(arms) / np.ceil(len(arms) / across)))  # rows as equal as can be
    down = int(np.ceil(len(arms) / across))
    figure = chart(max(5.5, 0.9 + 2.55 * across), 0.8 + 3.05 * down)
    panels = figure.subplots(
        2 * down, across, squeeze=False, sharex=True, sharey="row", height_ratios=[3, 1] * down
    )
    figure.set_layout_engine("constrained", wspace=0.07)  # the ends of two axes' ticks do not touch
    most = max(2.0, float(table["count"].max()))
    errors = calibration_error(table)
    for place, arm in enumerate(arms):
        row, column = divmod(place, across)
        bins = table.loc[[arm]]
        _curve(panels[2 * row, column], bins, arm_colour(arm))
        _counts(panels[2 * row + 1, column], bins, arm_colour(arm), most)
        known = f"{errors[arm]:.3f}".removeprefix("0") if pd.notna(errors[arm]) else "–"
        panels[2 * row, column].set_title(f"{arm} · error {known}")
        if place + across >= len(arms):
            panels[2 * row + 1, column].tick_params(labelbottom=True)
            panels[2 * row + 1, column].set_xlabel("confidence")
    panels[0, 0].text(
        0.97, 0.04, f"hollow: under\n{FEW} detections", transform=panels[0, 0].transAxes,
        ha="right", fontsize=7.5, color=MUTED,
    )  # fmt: skip
    for axes in panels[0::2, 0]:
        axes.set_ylabel("precision")
    for axes in panels[1::2, 0]:
        axes.set_ylabel("detections")
    for place in range(len(arms), across * down):
        row, column = divmod(place, across)
        for axes in panels[2 * row : 2 * row + 2, column]:
            axes.set_axis_off()
    headline(figure, "Is an arm right as often as it is confident?")
    return figure


def _curve(axes: Axes, bins: pd.DataFrame, colour: str) -> None:
    axes.plot((0, 1), (0, 1), color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
    there = bins[bins["count"] > 0]
    axes.vlines(
        there["confidence"], there["confidence"], there["precision"],
        color=colour, linewidth=5, alpha=0.25, capstyle="butt",
    )  # fmt: skip
    axes.plot(there["confidence"], there["precision"], color=colour, linewidth=1.8)
    fills = [colour if count >= FEW else PAPER for count in there["count"]]
    axes.scatter(
        there["confidence"], there["precision"], 34, color=fills, edgecolors=colour,
        linewidths=1.6, zorder=3,
    )  # fmt: skip
    axes.set(xlim=(0, 1), ylim=(-0.03, 1.03), yticks=(0, 0.5, 1))
    axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    axes.tick_params(labelcolor=INK)


def _counts(axes: Axes, bins: pd.DataFrame, colour: str, most: float) -> None:
    axes.bar(
        bins["low"], bins["count"], bins["high"] - bins["low"], align="edge", color=colour,
        alpha=0.55, edgecolor=PAPER, linewidth=0.8,
    )  # fmt: skip
    axes.set_ylim(0.7, 2 * most)  # before the scale, which finds no limits where all bins are empty
    axes.set_yscale("log")
    ticks = [10**power for power in range(0, 9, 2) if 10**power <= 2 * most]
    axes.set_yticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="x", visible=False)
