"""How far a long loop is: a bar where a person watches, lines in a batch run.

And what a training tells of itself after every step, whatever it trains.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

EVERY = 15  # seconds between two lines of a batch run


@dataclass(frozen=True)
class Progress:
    """Where a training stands, a translator's or a detector's: what `on_step` gets.

    Attributes:
        step, steps: finished steps, those of earlier calls among them, and how many there will be.
        losses: the step's losses by name.
        seconds: since this call began.
        folder: where the training lives.
        images: how many images a step takes, over all processes; a translator, of each domain.
        before: the losses of earlier calls: `step`, and a column a loss; a row a step or an epoch.
        samples: "step 100" -> a picture to show, the newest last.
    """

    step: int
    steps: int
    losses: Mapping[str, float]
    seconds: float
    folder: Path
    images: int
    before: pd.DataFrame
    samples: Mapping[str, Path]

    @property
    def finished(self) -> bool:
        """Whether this was the last step."""
        return self.step >= self.steps


def progress_bar(*args: Any, **kwargs: Any) -> tqdm:
    """A plain `tqdm`; where SIM2REAL_BATCH names a job, a line each 15 s that begins with it.

    Plain, because `tqdm.auto` stays at 0% under papermill. On standard output, because notebooks
    paint standard error as if it were one. Lines in a batch, because parallel jobs share one
    terminal and would overwrite each other's bar; there papermill passes standard error on.
    """
    kwargs.setdefault("file", sys.stdout)
    if job := os.environ.get("SIM2REAL_BATCH"):
        kwargs |= {"file": sys.stderr, "mininterval": EVERY, "maxinterval": EVERY, "delay": EVERY}
        kwargs["bar_format"] = (
            f"  {job} · {{desc}}: {{n_fmt}} of {{total_fmt}} {{unit}}, {{remaining}} left"
        )
        return _Lines(*args, **kwargs)
    return tqdm(*args, **kwargs)


class _Lines(tqdm):
    """Writes each state as a line of its own, and nothing when it ends."""

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        self.fp.write(f"{self}\n")

    def close(self) -> None:
        self.disable = True
        super().close()
