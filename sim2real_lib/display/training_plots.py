"""Charts of training: losses, and pictures of what was learnt when."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from sim2real_lib.display.pictures import load
from sim2real_lib.display.style import (
    INK,
    Chart,
    chart,
    headline,
    themed,
)
from sim2real_lib.errors import InputError

PANELS = {  # a loss by its name, less the side: title, quantity
    "G": ("Generators fool discriminators", "adversarial loss"),
    "D": ("Discriminators tell real from made", "adversarial loss"),
    "cycle": ("There and back again", "cycle loss"),
    "idt": ("The target left as it is", "identity loss"),
    "NCE": ("Each place keeps its content", "contrastive loss"),
    "NCE_idt": ("The target left as it is", "contrastive loss"),
    "content": ("The content is kept", "content loss"),
    "style": ("The style is taken on", "style loss"),
    "image": ("The frame is rebuilt", "image loss"),
    "feature": ("Its features are rebuilt", "feature loss"),
    "box": ("Boxes lie where the objects are", "box loss"),
    "cls": ("Classes are told apart", "class loss"),
    "dfl": ("Edges are sure of their place", "distribution focal loss"),
}
SMOOTHING = 0.05  # the moving mean's span, as a share of all rows
SIDES = {
    "A": ("sim to target", "#0072b2"),
    "B": ("target to sim", "#d55e00"),
}


@themed
def training_losses(losses: pd.DataFrame, *, title: str = "Losses") -> Chart:
    """A translator's or a detector's losses: raw values faint, their moving mean on top.

    Args:
        losses: a column a loss, and `step` or `epoch`, as a training's `losses.csv` has them; a
            name ending in _A or _B is one direction's.
        title: over all of it.
    """
    time = "step" if "step" in losses.columns else "epoch"
    shown = panels(losses)
    if not shown or time not in losses.columns:
        raise InputError(
            f"no losses among the columns {', '.join(map(str, losses.columns))}",
            remedy="The table needs `step` or `epoch`, and losses such as G_A, D_A or box",
        )
    columns = 3 if len(shown) == 3 else 2
    rows = -(-len(shown) // columns)
    figure = chart(9.5, 0.6 + 2.35 * rows)
    places = figure.subplots(rows, columns, squeeze=False).flat
    for (stem, names), axes in zip(shown.items(), places, strict=False):
        head, quantity = PANELS.get(stem, (stem, "loss"))
        for name in names:
            direction, colour = SIDES["B" if name.endswith("_B") else "A"]
            axes.plot(losses[time], losses[name], color=colour, alpha=0.18, linewidth=0.8)
            axes.plot(
                losses[time], smooth(losses[name]), color=colour, linewidth=1.9, label=direction
            )
        axes.set(title=head, xlabel=time, ylabel=quantity)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        if (losses[names] >= 0).all(axis=None):
            axes.set_ylim(bottom=0)
    for axes in places:  # what is left of an odd number
        axes.set_axis_off()
    if any(len(names) > 1 for names in shown.values()):
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="upper right", ncols=2)
    headline(figure, title)
    return figure


@themed
def nst_losses(losses: pd.DataFrame) -> Chart:
    """Style transfer's losses by step: column `step`, and one for each loss, on a log scale."""
    figure = chart(7.5, 3.2)
    axes = figure.subplots()
    names = [name for name in losses.columns if name != "step"]
    for name, colour in zip(names, (INK, "#0072b2", "#d55e00", "#009e73"), strict=False):
        axes.plot(losses["step"], losses[name], color=colour, linewidth=1.9, label=str(name))
    axes.set_yscale("log")
    axes.set(title="Style transfer losses", xlabel="step", ylabel="loss")
    if len(names) > 1:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(names), borderaxespad=0.4)
    return figure


@themed
def learning_strip(samples: Mapping[str, str | Path], *, most: int = 6) -> Chart:
    """Sample pictures over training time, the first and the last always among them.

    Args:
        samples: when ("epoch 10") -> the picture saved then, in order.
        most: how many to show; more are thinned out evenly.
    """
    if not samples:
        raise InputError("there are no sample pictures", remedy="Train first, or save samples")
    names = list(samples)
    kept = np.unique(np.linspace(0, len(names) - 1, min(most, len(names))).round().astype(int))
    pictures = {names[at]: load(samples[names[at]], 960) for at in kept}
    tallest = max(picture.shape[0] / picture.shape[1] for picture in pictures.values())
    # Wide samples need half the page each, upright ones stand side by side.
    columns = min(len(pictures), 2 if tallest < 0.6 else most)
    rows = -(-len(pictures) // columns)
    alone = len(pictures) == 1
    wide = 9.5 if alone and tallest < 0.6 else min(5.5, 11 / columns)
    height = (0 if alone else 0.45) + (wide * tallest + 0.3) * rows
    figure = chart(wide * columns, height, pictures=True)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for (when, picture), axes in zip(pictures.items(), panels, strict=False):
        axes.imshow(picture)
        axes.set_axis_off()
        axes.set_title(when, fontsize=9, pad=4)
    for axes in panels:  # the rest of the last row
        axes.set_axis_off()
    if not alone:
        headline(figure, "Learning over time")
    return figure


T = TypeVar("T", pd.Series, pd.DataFrame)


def smooth(losses: T) -> T:
    """The moving mean of each loss, its span a share of all rows."""
    return losses.ewm(span=max(1, round(SMOOTHING * len(losses)))).mean()


def panels(losses: pd.DataFrame) -> dict[str, list[str]]:
    """Which losses are drawn together: those of both directions, in the order of `PANELS`."""
    found: dict[str, list[str]] = {}
    for name in map(str, losses.columns):
        if name not in ("step", "epoch", "seconds") and losses[name].any():
            found.setdefault(name[:-2] if name[-2:] in ("_A", "_B") else name, []).append(name)
    return {stem: found[stem] for stem in sorted(found, key=lambda s: (*PANELS, s).index(s))}
