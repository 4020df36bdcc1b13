"""Charts of what is hidden: occluded and truncated objects, and images by how many they hold."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim2real_lib.catalog.summary import occluded_per_frame
from sim2real_lib.display.chart_parts import (
    legend_above,
    nothing_here,
    objects_of,
    per_image,
    percent,
)
from sim2real_lib.display.style import (
    COLOURS,
    INK,
    MUTED,
    PAPER,
    Chart,
    chart,
    headline,
    ordered,
    source_colour,
    themed,
)
from sim2real_lib.errors import InputError

HIDDEN, SEEN, UNKNOWN = "#1f5f99", "#c9dcec", "#b4bdc9"
ROOM = 0.09  # share of a bar that a number needs


class Question(NamedTuple):
    """A column that tells whether an object is hidden, and the words for its answers."""

    column: str
    title: str
    hidden: str
    seen: str


QUESTIONS = (
    Question("occluded", "Occlusion", "occluded", "visible"),
    Question("truncated", "Truncation", "truncated", "whole"),
)


@themed
def occlusion(
    frames: pd.DataFrame,
    boxes: pd.DataFrame,
    *,
    thresholds: Sequence[int] = (5, 10),
    by: str = "source",
) -> Chart:
    """Occluded objects in an image, a panel for each source or weather, with the bins' limits.

    Args:
        thresholds: upper limits of the cumulative bins; the last bin, all images, is implied.
        by: the column of `frames` that makes the panels.
    """
    counts = occluded_per_frame(frames, boxes)
    known = per_image(frames, boxes[boxes["occluded"].notna().to_numpy()]) > 0
    # Boxes of unknown occlusion are not boxes without: zeros of theirs would say so.
    told = pd.Series(True, index=frames.index)
    for column in ("source", by):
        told &= frames[column].isin(frames.loc[known, column].unique())
    names = ordered(frames.loc[told, by].unique(), by)
    unknown = ordered(set(frames["source"]) - set(frames.loc[told, "source"]), "source")
    unknown += [name for name in ordered(frames[by].unique(), by) if name not in [*names, *unknown]]
    if not names:
        raise InputError("no box says whether it is occluded", remedy="Leave this chart out")
    frames, counts = frames[told], counts[told.to_numpy()]
    # A few crowded images would leave half of the picture empty: the last bar takes them in.
    most = int(np.quantile(counts, 0.999, method="higher"))
    most = max(most, max(thresholds, default=0) + 1)
    figure = chart(9.6, 1.0 + 1.55 * len(names))
    panels = figure.subplots(len(names), sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, names, strict=True):
        own = counts[(frames[by] == name).to_numpy()]
        images = np.bincount(np.minimum(own, most), minlength=most + 1)
        colour = COLOURS.get(by, source_colour)(name)
        axes.bar(range(most + 1), images, 0.82, color=colour, edgecolor=MUTED, linewidth=0.4)
        axes.set_xlim(-0.6, most + 0.6)
        axes.set_ylim(0, max(1, images.max()) * 1.3)
        shares = []
        for limit in thresholds:
            axes.axvline(limit + 0.5, color=INK, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                f"0–{limit} ", (limit + 0.5, 0.97), xycoords=("data", "axes fraction"),
                ha="right", va="top", color=INK, fontsize=8,
            )  # fmt: skip
            images_in, objects_in = (own <= limit).mean(), own[own <= limit].sum()
            shares.append(
                f"0–{limit}: {percent(images_in)} of images, "
                f"{percent(objects_in / max(1, own.sum()))} of occluded objects"
            )
        axes.set_title("    ".join(shares), loc="right", fontsize=8, color=MUTED, weight="normal")
        axes.grid(axis="x", visible=False)
        axes.set(title=f"{name} · {len(own):,} images", ylabel="images")
        axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
        axes.yaxis.set_major_formatter("{x:,.0f}")
    note = f"  (occlusion is not labelled in {', '.join(unknown)})" if unknown else ""
    last = f", {most} or more in the last bar" if counts.max() > most else ""
    panels[-1].set_xlabel(f"occluded objects in the image{last}{note}")
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    headline(figure, "Occlusion and the evaluation bins")
    return figure


@themed
def occlusion_and_truncation(frames: pd.DataFrame, boxes: pd.DataFrame) -> Chart:
    """What share of each source's cars, vans, … is occluded, and what share is truncated.

    Where the labels do not say, the bar is hatched: neither one nor the other.
    """
    groups = objects_of(frames, boxes).groupby(["source", "class"], observed=True)
    count = groups.size()
    figure = chart(9.8, 1.3 + 0.25 * max(3, len(count) + count.index.unique("source").size))
    panels = figure.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.04})
    for axes, question in zip(panels, QUESTIONS, strict=True):
        axes.set(xlim=(0, 1), title=question.title, xlabel="share of the objects")
        if count.empty:
            nothing_here(axes, "there are no objects")
    if count.empty:
        return figure
    sources = ordered(count.index.unique("source"), "source")
    classes = ordered(count.index.unique("class"), "class")
    rows = [(s, c) for s in sources for c in classes if (s, c) in count.index]
    # A line for each source's name, and below it one for each of its classes.
    at = np.array([row + sources.index(s) + 1.0 for row, (s, _) in enumerate(rows)])
    heads = [at[[s for s, _ in rows].index(source)] - 1 for source in sources]
    for axes, question in zip(panels, QUESTIONS, strict=True):
        answers = groups[question.column]
        parts = answers.sum() / count, answers.count() / count
        hidden, known = (part.reindex(rows).to_numpy(float) for part in parts)
        _stack(axes, at, hidden, known, question)
        axes.hlines(
            np.array(heads) + 0.4, 0, 1, colors=[source_colour(s) for s in sources], linewidth=2
        )
        axes.xaxis.set_major_formatter(lambda share, _: percent(share))
        axes.grid(visible=False)
        legend_above(axes)
    panels[0].set_yticks([*heads, *at], [*sources, *(c for _, c in rows)])
    panels[0].set_ylim(at[-1] + 0.5, -0.5)
    panels[0].set_ylabel("class")
    panels[0].tick_params(axis="y", labelcolor=INK)
    for tick in panels[0].get_yticklabels()[: len(heads)]:
        tick.set_weight("bold")
    for y, row in zip(at, rows, strict=True):
        panels[1].text(1.17, y, f"{count[row]:,}", va="center", ha="right", color=MUTED, fontsize=8)
    panels[1].text(1.17, heads[0], "objects", va="center", ha="right", color=MUTED, fontsize=8)
    return figure


def _stack(
    axes: Axes, at: np.ndarray, hidden: np.ndarray, known: np.ndarray, question: Question
) -> None:
    """Bars of what is hidden, seen and unknown, with a number wherever there is room for it."""
    start = np.zeros(len(at))
    for share, name, look, ink in (
        (hidden, question.hidden, {"color": HIDDEN}, PAPER),
        (known - hidden, question.seen, {"color": SEEN}, INK),
        (1 - known, "unknown", {"fc": PAPER, "ec": UNKNOWN, "hatch": "////", "lw": 0}, MUTED),
    ):
        axes.barh(at, share, 0.74, start, label=name, **look)
        for y, left, width in zip(at, start, share, strict=True):
            if width >= ROOM:
                axes.text(
                    left + width / 2, y, percent(width), ha="center", va="center", color=ink,
                    fontsize=8, bbox={"fc": PAPER, "lw": 0, "pad": 1.5} if ink == MUTED else None,
                )  # fmt: skip
        start = start + share
    # What is hidden is what the chart is about: its number stands beside a bar that is too short.
    for y, share, told in zip(at, hidden, known, strict=True):
        if told > 0 and share < ROOM:
            axes.text(share + 0.01, y, percent(share), va="center", color=INK, fontsize=8)
