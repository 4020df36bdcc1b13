"""A training to watch: its losses and its newest samples, drawn anew while it runs."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from IPython.display import DisplayHandle

from sim2real_lib.display.style import Chart
from sim2real_lib.display.training_plots import learning_strip, translator_losses
from sim2real_lib.translation.training import Progress, samples
from sim2real_lib.translation.training_folder import LOSSES_FILE

EVERY = 4.0  # seconds between two drawings; each costs about a third of one
MOST = 2000  # rows that are drawn; of more, every other one is left out


class LiveTraining:
    """What `train(on_step=…)` calls: two pictures in the notebook, losses and newest samples.

    Where nobody watches (a batch run), only the last state is drawn.

    Args:
        title: over the losses.
        every: seconds between two drawings; None: `EVERY`, or once in a batch run.
    """

    def __init__(self, title: str = "Losses", every: float | None = None) -> None:
        batch = "SIM2REAL_BATCH" in os.environ
        self.title = title
        self.every = (float("inf") if batch else EVERY) if every is None else every
        self._rows: list[dict] = []
        self._drawn = time.monotonic()
        self._losses, self._samples = _Place(), _Place()

    def __call__(self, progress: Progress) -> None:
        """Take note of a step, and draw when it is time to."""
        if not self._rows and progress.step > 1:  # resumed: what was learnt before counts too
            before = pd.read_csv(progress.folder / LOSSES_FILE)
            before = before[before["step"] < progress.step]
            self._rows = before.iloc[:: 1 + len(before) // MOST].to_dict("records")
        self._rows.append({"step": progress.step, **progress.losses})
        if len(self._rows) > MOST:  # a long training is drawn as fast as a short one
            del self._rows[1::2]
        if time.monotonic() - self._drawn >= self.every and progress.step < progress.steps:
            self._draw(pd.DataFrame(self._rows), samples(progress.folder))

    def finish(self, losses: pd.DataFrame, pictures: Mapping[str, Path]) -> None:
        """Draw the last state: all losses, and the samples over time side by side."""
        self._losses.show(translator_losses(losses, title=self.title))
        self._samples.show(learning_strip(pictures))

    def _draw(self, losses: pd.DataFrame, pictures: Mapping[str, Path]) -> None:
        self._losses.show(translator_losses(losses, title=self.title))
        if pictures:
            newest = list(pictures)[-1]
            self._samples.show(learning_strip({newest: pictures[newest]}))
        self._drawn = time.monotonic()


class _Place:
    """A place in the cell's output that is drawn over."""

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None

    def show(self, chart: Chart) -> None:
        if self._handle is None:
            self._handle = DisplayHandle()
            self._handle.display(chart)
        else:
            self._handle.update(chart)
