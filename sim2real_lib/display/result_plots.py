"""Charts of results: mAP by arm and bin, in every slice, and over recall."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from sim2real_lib.display.style import (
    FAINT,
    INK,
    Chart,
    arm_colour,
    chart,
    headline,
    ordered,
    themed,
)
from sim2real_lib.errors import InputError

WORSE_TO_BETTER = LinearSegmentedColormap.from_list("gain", ["#e08d50", "#fbfbfa", "#5c9fd0"])
LEAST_SCALE = 0.01  # mAP: smaller differences shall not look like large ones
WIDEST = 12  # slices in a row of the heat table
CELL = 2  # units of its grid that a slice takes; the space between kinds takes one


@themed
def map_by_bin(table: pd.DataFrame, *, quantity: str = "mAP@0.5") -> Chart:
    """The mAP of every arm, a panel for each occlusion bin, with intervals where they are known.

    Args:
        table: columns arm, bin, map50, and low and high where known; bins in the order given.
        quantity: what is shown.
    """
    arms, bins = ordered(table["arm"], "arm"), list(dict.fromkeys(table["bin"]))
    figure = chart(1.6 + max(4.4, 2.9 * len(bins)), 1.4 + 0.3 * len(arms))
    panels = figure.subplots(1, len(bins), sharex=True, sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, bins, strict=True):
        own = table[table["bin"] == name].set_index("arm").reindex(arms)
        axes.barh(range(len(arms)), own["map50"], 0.72, color=[arm_colour(arm) for arm in arms])
        ends = own["map50"].to_numpy(float)
        if {"low", "high"} <= set(own.columns):
            axes.hlines(range(len(arms)), own["low"], own["high"], color=INK, linewidth=1.3)
            ends = np.fmax(ends, own["high"].to_numpy(float))
        for y, (end, value) in enumerate(zip(ends, own["map50"], strict=True)):
            axes.annotate(
                _short(value), (end if pd.notna(end) else 0, y), xytext=(4, 0), va="center",
                textcoords="offset points", color=INK, fontsize=8,
            )  # fmt: skip
        axes.set_yticks(range(len(arms)), arms)
        axes.set_ylim(len(arms) - 0.4, -0.6)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set(title=str(name), xlabel=quantity)
    panels[0].set_xlim(0, min(1.08, 1.2 * _highest(table)))
    panels[0].set_ylabel("arm")
    headline(figure, f"{quantity} by occluded objects in the image")
    return figure


@themed
def heat_table(
    table: pd.DataFrame, *, reference: str = "baseline", quantity: str = "mAP@0.5"
) -> Chart:
    """The mAP of every arm in every slice, blue where it beats the reference, the best in bold.

    Args:
        table: columns kind, slice, arm, objects (how many were to be found) and map50.
        reference: the arm whose slices have no colour; the oracle does not compete for the best.
        quantity: what is shown.
    """
    if table.empty:
        raise InputError("there are no slices to show")
    arms = ordered(table["arm"], "arm")
    kinds = {
        str(kind): own.pivot(index="arm", columns="slice", values="map50").loc[
            arms, list(dict.fromkeys(own["slice"]))
        ]
        for kind, own in table.groupby("kind", sort=False)
    }
    apart = pd.concat(kinds, axis=1)
    if reference in arms:
        apart = apart - apart.loc[reference]
        near = apart.drop(index=["oracle", reference], errors="ignore").abs().to_numpy(float)
        most = max(LEAST_SCALE, float(np.nanmax(near, initial=0)))
    else:
        apart, most = apart * 0, 1.0
    objects = table.groupby(["kind", "slice"])["objects"].max()
    rows = _rows({kind: grid.shape[1] for kind, grid in kinds.items()})
    units = max(sum(CELL * kinds[kind].shape[1] + 1 for kind in row) for row in rows) - 1
    figure = chart(1.3 + 0.29 * units, 0.5 + len(rows) * (0.85 + 0.27 * len(arms)))
    grid = figure.add_gridspec(len(rows), units)
    for place, row in enumerate(rows):
        start = 0
        for kind in row:
            wide = CELL * kinds[kind].shape[1]
            axes = figure.add_subplot(grid[place, start : start + wide])
            own = kinds[kind]
            _cells(axes, own, apart.loc[:, [(kind, name) for name in own]], most)
            counts = objects[kind].reindex(own.columns)
            names = [f"{_broken(str(name))}\n{count:,.0f}" for name, count in counts.items()]
            axes.set_xticks(np.arange(len(names)) + 0.5, names)
            axes.set_title(kind)
            if start == 0:
                axes.set_yticks(np.arange(len(arms)) + 0.5, arms)
                axes.set(ylabel="arm", xlabel="objects")
                axes.xaxis.set_label_coords(-0.01, -0.02)
                axes.xaxis.label.set(ha="right", va="top", fontsize=8)
            else:
                axes.set_yticks([])
            start += wide + 1
    headline(figure, f"{quantity} in every slice; colour: difference from {reference}")
    return figure


@themed
def precision_recall(curves: pd.DataFrame) -> Chart:
    """Precision over recall, a line for each arm and a panel for each class.

    Args:
        curves: columns arm, recall, precision, and class where there are several.
    """
    curves = curves if "class" in curves.columns else curves.assign(**{"class": "all"})
    names, arms = list(dict.fromkeys(curves["class"])), ordered(curves["arm"], "arm")
    names.sort(key=lambda name: name != "all")
    figure = chart(1.9 + 3.1 * max(1, len(names)), 3.7)
    panels = figure.subplots(1, max(1, len(names)), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, names or ["all"], strict=True):
        for arm in arms:
            own = curves[(curves["arm"] == arm) & (curves["class"] == name)]
            own = own.sort_values("recall")
            axes.plot(own["recall"], own["precision"], color=arm_colour(arm), lw=1.8, label=arm)
        axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall")
        axes.set_title(f"mean over the {len(names) - 1} classes" if name == "all" else str(name))
    panels[0].set_ylabel("precision")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", handlelength=1.4)
    headline(figure, "Precision and recall at IoU 0.5")
    return figure


def _rows(widths: dict[str, int]) -> list[list[str]]:
    """Kinds in rows of at most `WIDEST` slices, in their order."""
    rows: list[list[str]] = [[]]
    for kind, width in widths.items():
        if rows[-1] and sum(widths[name] for name in rows[-1]) + width > WIDEST:
            rows.append([])
        rows[-1].append(kind)
    return rows


def _cells(axes: Axes, grid: pd.DataFrame, apart: pd.DataFrame, most: float) -> None:
    axes.pcolormesh(apart, cmap=WORSE_TO_BETTER, vmin=-most, vmax=most, ec="w", lw=1.5)
    best = grid.drop(index="oracle", errors="ignore").max()
    for (row, column), value in np.ndenumerate(grid.to_numpy(float)):
        axes.text(
            column + 0.5, row + 0.52, _short(value), ha="center", va="center", fontsize=8,
            weight="bold" if value == best.iloc[column] and len(grid) > 1 else "normal",
            color=INK,
        )  # fmt: skip
    axes.invert_yaxis()
    axes.set_facecolor(FAINT)  # a slice that has no objects shows as a hole
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(labelcolor=INK, labelsize=8, length=0)


def _highest(table: pd.DataFrame) -> float:
    columns = [name for name in ("map50", "high") if name in table.columns]
    return max(0.05, float(np.nanmax(table[columns].to_numpy(float), initial=0)))


def _short(value: float) -> str:
    """.123, as the tables have it; an unknown one as a dash."""
    return f"{value:.3f}".removeprefix("0") if pd.notna(value) else "–"


def _broken(name: str) -> str:
    return name.replace(" ", "\n")
