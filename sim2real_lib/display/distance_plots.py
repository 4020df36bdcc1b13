"""The chart of domain distances: how far from the target before translation, and how far after."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

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

TITLES = {
    "KID": "KID",
    "C2ST": "C2ST: told apart by a classifier",
    "FID": "FID",
}
UNITS = {
    "KID": "squared discrepancy",
    "C2ST": "area under the ROC curve",
    "FID": "squared Fréchet distance",
}
BETWEEN_STYLES = 0.4  # rows


@themed
def distances(table: pd.DataFrame) -> Chart:
    """Every translation's distance from the target before and after, an arrow each.

    Left is near. The hollow dot is the originals, the filled one their translations, with their
    intervals; the dashed line in a row is the floor, the distance of target frames from each other.
    Beside a row stands the share of the way to the floor, where there is surely a way to go; grey
    where it may have been none.

    Args:
        table: columns style, translator, measure and those of `domain_distance.compare`; a panel a
            measure, in the order given.
    """
    rows = _rows(table)
    measures = list(dict.fromkeys(table["measure"]))
    depth = max(rows.values(), default=0) + 1
    figure = chart(1.8 + 3.2 * len(measures), 1.6 + 0.48 * depth)
    panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
    for axes, measure in zip(panels, measures, strict=True):
        own = table[table["measure"] == measure]
        for row in own.to_dict("records"):
            _arrow(axes, rows[row["style"], row["translator"]], row)
        axes.set_title(TITLES.get(measure, measure))
        axes.set_xlabel(UNITS.get(measure, "distance"))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.grid(axis="y", visible=False)
        _beside(axes, -0.75, "closed", MUTED)
        if own["before"].isna().all():
            nothing_here(axes, "too few frames")
    names = [f"{style} · {translator}" for style, translator in rows]
    panels[0].set_yticks(list(rows.values()), names)
    panels[0].set_ylim(depth - 0.4, -0.9)
    panels[0].tick_params(axis="y", labelcolor=INK)
    panels[0].set_ylabel("translation")
    headline(figure, "Distance from the target: originals ○ → ● translations; ┆ target from itself")
    return figure


def _rows(table: pd.DataFrame) -> dict[tuple[str, str], float]:
    """Where the row of each style and translator lies, from above."""
    rows: dict[tuple[str, str], float] = {}
    for number, style in enumerate(dict.fromkeys(table["style"])):
        for translator in ordered(table.loc[table["style"] == style, "translator"], "arm"):
            rows[style, translator] = len(rows) + BETWEEN_STYLES * number
    return rows


def _arrow(axes: Axes, y: float, row: dict) -> None:
    colour = arm_colour(row["translator"].partition(",")[0])  # "nst, same weather" is nst's
    axes.vlines(row["floor"], y - 0.42, y + 0.42, color=INK, linewidth=1.4, linestyle=(0, (2, 1.5)))
    for name, side, shade in (("before", -0.17, MUTED), ("after", 0.17, colour)):
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        axes.hlines(y + side, low, high, color=shade, linewidth=2, alpha=0.45)
    axes.annotate(
        "", (row["after"], y + 0.17), (row["before"], y - 0.17),
        arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 4, "shrinkB": 4},
    )  # fmt: skip
    axes.plot(row["before"], y - 0.17, "o", ms=7, mec=MUTED, mew=1.6, color=PAPER, zorder=3)
    axes.plot(row["after"], y + 0.17, "o", ms=7, color=colour, zorder=3)
    text = f"{100 * row['share']:.0f} %".replace("-", "−") if np.isfinite(row["share"]) else "–"
    sure = row["closed_low"] > 0 or row["closed_high"] < 0
    _beside(axes, y, text, INK if sure else MUTED)


def _beside(axes: Axes, y: float, text: str, colour: str) -> None:
    """Text in the column right of the axes, at the height of a row."""
    axes.annotate(
        text, (1.13, y), xycoords=("axes fraction", "data"), ha="right", va="center",
        fontsize=8, color=colour, annotation_clip=False,
    )  # fmt: skip
