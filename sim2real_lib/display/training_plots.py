"""Charts of training: losses, and pictures of what was learnt when."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from sim2real_lib.display.pictures import load
from sim2real_lib.display.style import (
    INK,
    MUTED,
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
SIDES = {
    "A": ("sim to target", "#0072b2"),
    "B": ("target to sim", "#d55e00"),
}


@themed
def training_losses(
    losses: pd.DataFrame, *, title: str = "Losses", smoothing: float = 0.05
) -> Chart:
    """A translator's or a detector's losses: raw values faint, their moving mean on top.

    Args:
        losses: a column a loss, and `step` or `epoch`, as a training's `losses.csv` has them; a
            name ending in _A or _B is one direction's.
        title: over all of it.
        smoothing: the moving mean's span, as a share of all rows.
    """
    time = "step" if "step" in losses.columns else "epoch"
    others = {time, "seconds"}
    names = [str(name) for name in losses.columns if name not in others and losses[name].any()]
    if not names or time not in losses.columns:
        raise InputError(
            f"no losses among the columns {', '.join(map(str, losses.columns))}",
            remedy="The table needs `step` or `epoch`, and losses such as G_A, D_A or box",
        )
    stems = {name: name[:-2] if name[-2:] in ("_A", "_B") else name for name in names}
    shown = sorted(set(stems.values()), key=lambda stem: (*PANELS, stem).index(stem))
    columns = 3 if len(shown) == 3 else 2
    rows = -(-len(shown) // columns)
    figure = chart(9.5, 0.6 + 2.35 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for stem, axes in zip(shown, panels, strict=False):
        head, quantity = PANELS.get(stem, (stem, "loss"))
        for name in (name for name in names if stems[name] == stem):
            direction, colour = SIDES["B" if name.endswith("_B") else "A"]
            _raw_and_smooth(axes, losses[time], losses[name], direction, colour, smoothing)
        axes.set(title=head, xlabel=time, ylabel=quantity)
        if (losses[[name for name in names if stems[name] == stem]] >= 0).all(axis=None):
            axes.set_ylim(bottom=0)
    for axes in panels:  # what is left of an odd number
        axes.set_axis_off()
    if any(name.endswith("_B") for name in names):
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
    pictures = {names[at]: load(samples[names[at]], 720) for at in kept}
    tallest = max(picture.shape[0] / picture.shape[1] for picture in pictures.values())
    # Wide samples need half the page each, upright ones stand side by side.
    columns = min(len(pictures), 2 if tallest < 0.6 else most)
    rows = -(-len(pictures) // columns)
    wide = min(5.5, 11 / columns)
    figure = chart(wide * columns, 0.45 + (wide * tallest + 0.3) * rows, pictures=True)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for (when, picture), axes in zip(pictures.items(), panels, strict=False):
        axes.imshow(picture)
        axes.set_axis_off()
        axes.set_title(when, fontsize=9, pad=4)
    for axes in panels:  # the rest of the last row
        axes.set_axis_off()
    headline(figure, "Learning over time")
    return figure


def _raw_and_smooth(
    axes: Axes, steps: pd.Series, values: pd.Series, name: str, colour: str, smoothing: float
) -> None:
    span = max(1, round(smoothing * len(values)))
    axes.plot(steps, values, color=colour, alpha=0.18, linewidth=0.8)
    axes.plot(steps, values.ewm(span=span).mean(), color=colour, linewidth=1.9, label=name)
    axes.tick_params(colors=MUTED)
