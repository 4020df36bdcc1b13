"""Charts of what kinds of error cost each arm how much AP."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim2real_lib.display.style import (
    FAINT,
    INK,
    SEQUENTIAL,
    Chart,
    arm_colour,
    chart,
    headline,
    ordered,
    themed,
)
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.errors import ERRORS, SUMS

COLUMNS = 4  # of panels: six errors and their two sums fill two rows
GAIN = "mAP@0.5 gained without it"


@themed
def errors_by_arm(table: pd.DataFrame, slice_: str | None = None) -> Chart:
    """A panel for each error, in it a bar for each arm: what mAP would gain without that error.

    Args:
        table: from `errors.error_table`.
        slice_: which slice; the table's last when not given.
    """
    slices = list(dict.fromkeys(table.index.get_level_values("slice")))
    if not slices or (slice_ is not None and slice_ not in slices):
        raise InputError(f"there are no errors of slice {slice_!r} to show")
    slice_ = slices[-1] if slice_ is None else slice_
    gains = table["dap"].xs(slice_, level="slice").unstack("error")
    gains = gains.loc[ordered(gains.index, "arm")]
    figure = chart(11.0, 2 * (0.75 + 0.23 * max(3, len(gains))) + 0.3)
    panels = figure.subplots(2, COLUMNS, sharey=True).ravel()
    for axes, error in zip(panels, (*ERRORS, *SUMS), strict=True):
        _bars(axes, gains[error])
        axes.set_title(error if error in ERRORS else f"all {error}s")
        # The sums are far larger, and not to be compared with their parts.
        together = gains[list(ERRORS if error in ERRORS else SUMS)]
        axes.set_xlim(0, 1.28 * max(0.01, float(np.nanmax(together.to_numpy(), initial=0))))
    for axes in panels[COLUMNS:]:
        axes.set_xlabel("mAP@0.5")
    for axes in panels[::COLUMNS]:
        axes.set_ylabel("arm")
    headline(figure, f"What each kind of error costs: {GAIN} ({slice_})")
    return figure


@themed
def errors_by_slice(table: pd.DataFrame) -> Chart:
    """A panel for each error, in it what mAP would gain without it, by arm and slice.

    Args:
        table: from `errors.error_table`.
    """
    if table.empty:
        raise InputError("there are no errors to show")
    gains = table["dap"].unstack("slice")
    slices = list(dict.fromkeys(table.index.get_level_values("slice")))
    arms = ordered(table.index.get_level_values("arm"), "arm")
    across = 3 if len(slices) <= 4 else 2
    down = len(ERRORS) // across
    figure = chart(1.3 + across * (0.2 + 0.74 * len(slices)), 0.5 + down * (0.8 + 0.27 * len(arms)))
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    own = gains.loc[gains.index.get_level_values("error").isin(ERRORS)]
    most = max(0.01, float(np.nanmax(own.to_numpy(), initial=0)))
    for axes, error in zip(panels.flat, ERRORS, strict=True):
        values = gains.xs(error, level="error").loc[arms, slices].to_numpy(float)
        axes.pcolormesh(values, cmap=SEQUENTIAL, vmin=0, vmax=most, ec="w", lw=2)
        for (row, column), value in np.ndenumerate(values):
            axes.text(
                column + 0.5, row + 0.52, _short(value), ha="center", va="center", fontsize=8,
                color="white" if value > 0.62 * most else INK,
            )  # fmt: skip
        axes.set_title(error)
        axes.set_facecolor(FAINT)  # a slice without objects shows as a hole
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(labelcolor=INK, labelsize=8, length=0)
    names = [name.replace(" ", "\n") for name in slices]
    panels[0, 0].set_xticks(np.arange(len(slices)) + 0.5, names)
    panels[0, 0].set_yticks(np.arange(len(arms)) + 0.5, arms)
    panels[0, 0].invert_yaxis()
    for axes in panels[-1]:
        axes.set_xlabel("test images")
    for axes in panels[:, 0]:
        axes.set_ylabel("arm")
    headline(figure, f"What each kind of error costs: {GAIN}")
    return figure


def _bars(axes: Axes, gains: pd.Series) -> None:
    bars = axes.barh(
        np.arange(len(gains)), gains, 0.72, color=[arm_colour(arm) for arm in gains.index]
    )
    axes.bar_label(bars, [_short(gain) for gain in gains], padding=4, color=INK, fontsize=7.5)
    axes.set_yticks(np.arange(len(gains)), gains.index)
    axes.set_ylim(len(gains) - 0.4, -0.6)
    axes.tick_params(axis="y", labelcolor=INK, labelsize=8.5)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.grid(axis="y", visible=False)


def _short(gain: float) -> str:
    """.123, as the tables have it; an unknown one as a dash."""
    return f"{gain:.3f}".removeprefix("0") if pd.notna(gain) else "–"
