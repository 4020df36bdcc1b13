"""What several charts draw alike: bars in groups, stepped histograms, legends."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim2real_lib.catalog.tables import positions
from sim2real_lib.display.style import INK, MUTED, ordered, source_colour

DRAWN = ["class", "left", "top", "right", "bottom", "occluded", "truncated"]
GROUP_GAP = 0.8  # between groups of bars, in bars


def objects_of(frames: pd.DataFrame, boxes: pd.DataFrame) -> pd.DataFrame:
    """The boxes of these frames without ignored areas, and the `source` that each is from.

    Source and class are categories: a million strings are slow to group.
    """
    at = positions(boxes["frame_id"], frames["frame_id"])
    kept = (at >= 0) & ~boxes["ignore"].to_numpy(bool)
    sources = frames["source"].astype("category").array.take(at[kept])
    objects = boxes.loc[kept, DRAWN].assign(source=sources)
    objects["class"] = objects["class"].astype("category")
    objects["source"] = objects["source"].cat.remove_unused_categories()
    return objects


def per_image(frames: pd.DataFrame, boxes: pd.DataFrame) -> np.ndarray:
    """How many of the boxes each frame holds, in the order of `frames`."""
    at = positions(boxes["frame_id"], frames["frame_id"])
    return np.bincount(at[at >= 0], minlength=len(frames))


def by_source(values: pd.Series | np.ndarray, sources: pd.Series) -> dict[str, np.ndarray]:
    """Each source's values, the sources in their palette's order."""
    groups = pd.Series(np.asarray(values, float)).groupby(sources.array, observed=True)
    found = {str(source): own.to_numpy() for source, own in groups}
    return {source: found[source] for source in ordered(found, "source")}


def grouped_bars(axes: Axes, lengths: pd.DataFrame, texts: pd.DataFrame) -> None:
    """Horizontal bars: a group for each row, from above, and in it a bar for each source it has.

    Args:
        lengths: columns are sources; where a length is missing there is no bar and no room for one.
        texts: what stands at the end of each bar.
    """
    sources = ordered(lengths.columns, "source")
    there = lengths[sources].notna().to_numpy()
    before = np.cumsum(there.sum(axis=1)) - there.sum(axis=1)
    tops = before + GROUP_GAP * np.arange(len(lengths))
    places = tops[:, None] + np.cumsum(there, axis=1) - 0.5
    for column, source in enumerate(sources):
        own = there[:, column]
        bars = axes.barh(
            places[own, column], lengths.loc[own, source], 0.88,
            color=source_colour(source), label=source,
        )  # fmt: skip
        axes.bar_label(bars, texts.loc[own, source], padding=4, color=MUTED, fontsize=8)
    axes.set_yticks(tops + there.sum(axis=1) / 2, lengths.index)
    axes.set_ylim(there.sum() + GROUP_GAP * (len(lengths) - 0.5), -GROUP_GAP / 2)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(axis="y", visible=False)
    axes.margins(x=0.12)


def height_of(lengths: pd.DataFrame) -> float:
    """Inches that a chart of these `grouped_bars` needs."""
    return 1.2 + 0.23 * max(3.0, lengths.notna().to_numpy().sum() + GROUP_GAP * len(lengths))


def log_edges(groups: Sequence[np.ndarray], bins: int, *, outside: float = 0.001) -> np.ndarray:
    """Edges of a logarithmic histogram over all but the share `outside` at either end of a group.

    One box that is a pixel wide would squeeze all others into the middle.
    """
    filled = [group for group in groups if len(group)]
    low = min((np.quantile(group, outside) for group in filled), default=1.0)
    high = max((np.quantile(group, 1 - outside) for group in filled), default=100.0)
    return np.geomspace(low * 0.95, high * 1.05, bins + 1)


def count_edges(groups: Sequence[np.ndarray], bins: int, *, outside: float = 0.001) -> np.ndarray:
    """Edges between whole numbers from 0 on, so that every bin holds as many as its neighbour.

    Args:
        groups: whole numbers, 0 or more; the share `outside` of the largest is left out.
        bins: how many at most.
    """
    high = max((np.quantile(group, 1 - outside) for group in groups if len(group)), default=1.0)
    step = max(1, int(np.ceil((high + 1) / bins)))
    return np.arange(0, high + 1 + step, step) - 0.5


def stepped(axes: Axes, values: np.ndarray, edges: np.ndarray, *, colour: str, label: str) -> None:
    """A filled histogram in percent of all the values, those out of the picture included."""
    counts, _ = np.histogram(values, edges)
    share = 100 * counts / max(1, len(values))
    axes.stairs(share, edges, fill=True, color=colour, alpha=0.13)
    axes.stairs(share, edges, color=colour, linewidth=1.8, label=label)


def legend_above(axes: Axes) -> None:
    """A legend in one line over the right end of the axes, none where nothing has a name."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(
            handles, labels, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(handles),
            borderaxespad=0.4, columnspacing=1.1, handlelength=1.2, handletextpad=0.5,
        )  # fmt: skip


def nothing_here(axes: Axes, why: str) -> None:
    """Axes that say why they are empty."""
    axes.set(xticks=[], yticks=[])
    axes.text(
        0.5, 0.5, why, transform=axes.transAxes, ha="center", va="center", color=MUTED, fontsize=10
    )


def percent(share: float) -> str:
    """0.123 as "12 %"; what is there but rounds to nothing as "<1 %"."""
    return "<1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"
