"""One progress bar for every long loop: live where a person watches, lines in a batch run."""

import os
import sys
from typing import Any

from tqdm import tqdm

EVERY = 15  # seconds between two lines of a batch run


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
