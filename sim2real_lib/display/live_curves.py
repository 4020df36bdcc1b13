"""Losses while they are learnt: small curves that the browser draws, a hundredth of a chart's cost.

Being no pictures they do not flicker when they are drawn over, and suit a dark page.
"""

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from sim2real_lib.display.training_plots import PANELS, SIDES, panels, smooth

WIDTH, HEIGHT = 300, 100  # units of a drawing, which is stretched to its panel
POINTS = 200  # of a line, at most


@dataclass(frozen=True)
class Curves:
    """Losses by step, in panels that are as wide as the whole training: they fill up.

    Attributes:
        losses: column `step`, and a column a loss; not empty.
        steps: how many there will be.
    """

    losses: pd.DataFrame
    steps: int

    def __repr__(self) -> str:
        newest = smooth(self.losses.drop(columns="step")).iloc[-1]
        return ", ".join(f"{name} {loss:.3g}" for name, loss in newest.items())

    def _repr_html_(self) -> str:
        shown = panels(self.losses)
        sides = dict.fromkeys(_side(name) for names in shown.values() for name in names)
        legend = "".join(
            f'<span style="color:{colour};font-weight:600">{escape(side)}</span>'
            for side, colour in sides
        )
        columns = 3 if len(shown) % 3 == 0 else 4
        return (
            '<div style="max-width:912px;padding:4px 0;font-size:12px;'
            'font-variant-numeric:tabular-nums">'
            f'<div style="display:grid;grid-template-columns:repeat({columns},1fr);gap:12px 24px">'
            + "".join(self._panel(stem, names) for stem, names in shown.items())
            + "</div>"
            + (
                f'<div style="display:flex;gap:1.5em;padding-top:8px">{legend}</div>'
                if len(sides) > 1
                else ""
            )
            + "</div>"
        )

    def _panel(self, stem: str, names: list[str]) -> str:
        raw = self.losses[names]
        mean = smooth(raw)
        low = min(0.0, float(mean.to_numpy().min()))
        high = max(float(mean.to_numpy().max()), float(np.quantile(raw, 0.98)))  # spikes are cut
        span = high - low or 1.0
        x = WIDTH * self.losses["step"] / self.steps
        lines, newest = [], []
        for name in names:
            _, colour = _side(name)
            for values, style in ((raw, "stroke-opacity:.25"), (mean, "stroke-width:2")):
                y = HEIGHT * (high - values[name].clip(low, high)) / span
                points = _points(x, y)
                lines.append(
                    f'<polyline points="{points}" fill="none" stroke="{colour}" '
                    f'vector-effect="non-scaling-stroke" style="{style}"/>'
                )
            newest.append(f'<b style="color:{colour}">{mean[name].iloc[-1]:.3g}</b>')
        title, _ = PANELS.get(stem, (stem, "loss"))
        return (
            f'<div style="min-width:0"><div style="white-space:nowrap;overflow:hidden;'
            f'text-overflow:ellipsis" title="{escape(title)}">{escape(title)}</div>'
            f'<div style="padding:1px 0 4px">{" &nbsp; ".join(newest)}</div>'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" '
            'style="display:block;width:100%;height:110px;'
            'border-bottom:1px solid rgba(128,128,128,.6);background:rgba(128,128,128,.07)">'
            f"{''.join(lines)}</svg></div>"
        )


def _side(name: str) -> tuple[str, str]:
    """The direction of a loss and its colour."""
    return SIDES["B" if name.endswith("_B") else "A"]


def _points(x: pd.Series, y: pd.Series) -> str:
    """A line of at most so many points, the newest among them."""
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).astype(int))
    pairs = zip(x.to_numpy()[kept], y.to_numpy()[kept], strict=True)
    return " ".join(f"{across:.1f},{down:.1f}" for across, down in pairs)
