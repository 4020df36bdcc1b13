"""A training to watch: how far it is, its losses and its newest sample, drawn anew in place."""

import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle
from tqdm import tqdm

from sim2real_lib.display.live_curves import Curves
from sim2real_lib.display.training_plots import learning_strip, training_losses
from sim2real_lib.display.training_status import Status, memory_in_use
from sim2real_lib.progress import Progress, progress_bar

EVERY = 2.0  # seconds between two drawings
WINDOW = 15  # drawings, over which the speed is taken
MOST = 2000  # rows of losses that are kept: a long training is drawn as fast as a short one


class LiveTraining:
    """What `train(on_step=…)` calls, for translators and detectors alike.

    In a notebook that someone watches: a line with time left, speed and memory, then the losses
    and the newest sample. Elsewhere (a batch run, a script): the lines of a progress bar. Either
    way `finish` draws the last state.

    Args:
        title: what is trained.
        every: seconds between two drawings.
        watched: whether to draw while it trains; None: where `someone_watches`.
    """

    def __init__(self, title: str, *, every: float = EVERY, watched: bool | None = None) -> None:
        self.title, self.every = title, every
        self.watched = someone_watches() if watched is None else watched
        self._rows: list[dict] = []
        self._stride = 1  # steps between two rows
        self._first: Progress | None = None
        self._last: Progress | None = None
        self._recent: deque[Progress] = deque(maxlen=WINDOW)
        self._drawn = 0.0  # monotonic time
        self._status, self._losses, self._sample = _Place(), _Place(), _Place()
        self._bar: tqdm | None = None
        self._newest: Path | None = None

    def __call__(self, progress: Progress) -> None:
        """Take note of a step, and draw when it is time to."""
        self._note(progress)
        if not self.watched:
            self._print(progress)
            return
        if self._first is progress or time.monotonic() - self._drawn >= self.every:
            self._recent.append(progress)
            self._tell(self._recent[0], progress)
            self._losses.show(Curves(pd.DataFrame(self._rows), progress.steps))
            self._show_newest(progress.samples)
            self._drawn = time.monotonic()

    def finish(self, losses: pd.DataFrame, samples: Mapping[str, Path]) -> None:
        """Draw the last state.

        Args:
            losses: all of them, as the training's `losses.csv` has them.
            samples: "step 100" -> a picture, in order; shown side by side.
        """
        if self._first and self._last:  # else it was finished before: nothing is known of its speed
            self._tell(self._first, self._last)
        self._losses.show(training_losses(losses))
        self._sample.show(learning_strip(samples))

    def _note(self, progress: Progress) -> None:
        if self._first is None:
            self._first = progress
            thinned = progress.before.iloc[:: 1 + len(progress.before) // MOST]
            self._rows = thinned.to_dict("records")
        self._last = progress
        if progress.step % self._stride == 0:
            self._rows.append({"step": progress.step, **progress.losses})
        if len(self._rows) > MOST:
            del self._rows[1::2]
            self._stride *= 2

    def _print(self, progress: Progress) -> None:
        if self._bar is None:
            options = {"total": progress.steps, "initial": progress.step - 1, "unit": "steps"}
            self._bar = progress_bar(desc=self.title, mininterval=1, **options)
        losses = {name: f"{loss:.2f}" for name, loss in progress.losses.items()}
        self._bar.set_postfix(losses, refresh=False)
        self._bar.update()
        if progress.finished:
            self._bar.close()

    def _tell(self, since: Progress, progress: Progress) -> None:
        """Show how far it is, and how fast it has been since then."""
        steps, seconds = progress.step - since.step, progress.seconds - since.seconds
        rate = steps / seconds if steps and seconds else None  # steps a second
        status = Status(
            self.title,
            progress.step,
            progress.steps,
            progress.seconds,
            rate=None if rate is None else rate * progress.images,
            left=None if rate is None else (progress.steps - progress.step) / rate,
            memory=memory_in_use(),
        )
        self._status.show(status)

    def _show_newest(self, samples: Mapping[str, Path]) -> None:
        for when, newest in list(samples.items())[-1:]:
            if newest != self._newest:
                self._sample.show(learning_strip({when: newest}))
                self._newest = newest


def someone_watches() -> bool:
    """Whether a person sees the notebook run: papermill and nbconvert say with every cell that
    nobody is there to be asked for input."""
    kernel = getattr(get_ipython(), "kernel", None)
    return kernel is not None and kernel.get_parent("shell")["content"]["allow_stdin"]


class _Place:
    """A place in the cell's output that is drawn over."""

    def __init__(self) -> None:
        self._handle: DisplayHandle | None = None

    def show(self, what: Any) -> None:
        if self._handle is None:
            self._handle = DisplayHandle()
            self._handle.display(what)
        else:
            self._handle.update(what)
