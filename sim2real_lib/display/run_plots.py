"""Two runs in one chart."""

import pandas as pd
from matplotlib.axes import Axes

from sim2real_lib.display.style import INK, MUTED, Chart, chart, headline, ordered, themed

RUNS = "#8a94a3", "#0072b2"  # the first is what the second is held against
APART = 0.15  # half of the distance between an arm's two points, in rows


@themed
def two_runs(
    scores: pd.DataFrame, gains: pd.DataFrame, *, names: tuple[str, str], quantity: str
) -> Chart:
    """Every arm's score and its gain over the baseline, one run's above the other's.

    Args:
        scores: columns run (0 or 1), arm, value, low, high.
        gains: the same of each arm's difference from the baseline; no row for the oracle's, which
            would dwarf the rest.
        names: what the two runs are called.
        quantity: what the scores are.
    """
    arms = ordered(scores["arm"], "arm")
    figure = chart(10.2, 1.6 + 0.52 * len(arms))
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, table in ((left, scores), (right, gains)):
        for run, name in enumerate(names):
            _points(axes, table[table["run"] == run], arms, run, name)
        axes.grid(False, axis="y")
    left.set(title=quantity, yticks=range(len(arms)), yticklabels=arms)
    left.set_ylim(len(arms) - 0.5, -0.5)
    left.set_xlim(left=0)
    left.tick_params(axis="y", labelcolor=INK)
    right.axvline(0, color=MUTED, linewidth=1, zorder=0)
    right.set(title="difference from the same run's baseline")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2)
    headline(figure, "Each arm in both runs, with 95% intervals")
    return figure


def _points(axes: Axes, table: pd.DataFrame, arms: list[str], run: int, name: str) -> None:
    rows = [arms.index(arm) + (APART if run else -APART) for arm in table["arm"]]
    axes.hlines(rows, table["low"], table["high"], color=RUNS[run], linewidth=2.2)
    axes.scatter(table["value"], rows, 46, color=RUNS[run], zorder=3, label=name)
