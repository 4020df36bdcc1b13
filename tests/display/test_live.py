"""A training can be watched: what it shows while it runs, and in a batch run only at the end."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.display import live
from sim2real_lib.images import write_rgb
from sim2real_lib.translation.training import Progress, samples


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """What was displayed anew and what was drawn over, in order."""
    seen: list[tuple[str, object]] = []
    monkeypatch.setattr(live.DisplayHandle, "display", lambda _, c: seen.append(("new", c)))
    monkeypatch.setattr(live.DisplayHandle, "update", lambda _, c: seen.append(("over", c)))
    return seen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for step in (0, 2):
        write_rgb(tmp_path / "samples" / f"step_{step:06d}.png", np.full((40, 90, 3), 80, np.uint8))
    rows = pd.DataFrame({"step": [1, 2, 3], "G_A": [3.0, 2.0, 1.0], "G_B": [1.0, 2.0, 3.0]})
    rows.to_csv(tmp_path / "losses.csv", index=False)
    return tmp_path


def progress(folder: Path, step: int) -> Progress:
    return Progress(step, 5, {"G_A": 1.0 / step, "G_B": float(step)}, 1.0, folder)


def lines(chart: object) -> list[int]:
    """How many points each drawn line has."""
    return [len(line.get_xdata()) for axes in chart.axes for line in axes.get_lines()]


def test_losses_and_samples_appear_and_are_drawn_over(
    shown: list[tuple[str, object]], folder: Path
) -> None:
    watch = live.LiveTraining(every=0)
    for step in (1, 2, 3):
        watch(progress(folder, step))
    assert [kind for kind, _ in shown] == ["new", "new", *["over"] * 4]
    assert lines(shown[-2][1]) == [3] * 4  # both directions, raw and smooth
    watch.finish(pd.read_csv(folder / "losses.csv"), samples(folder))
    assert [kind for kind, _ in shown[-2:]] == ["over", "over"]


def test_a_resumed_training_shows_what_it_learnt_before(
    shown: list[tuple[str, object]], folder: Path
) -> None:
    live.LiveTraining(every=0)(progress(folder, 3))
    assert lines(shown[0][1]) == [3] * 4


def test_a_long_training_is_drawn_as_fast_as_a_short_one(
    shown: list[tuple[str, object]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST", 10)
    watch = live.LiveTraining(every=0)
    for step in (1, 2, *range(3, 40)):
        watch(Progress(step, 50, {"G_A": 1.0, "G_B": 1.0}, 1.0, folder))
    assert (
        max(lines(shown[-2][1])) <= 10 and shown[-2][1].axes[0].get_lines()[0].get_xdata()[0] == 1
    )


@pytest.mark.parametrize("steps", [range(1, 6), range(0)])
def test_a_batch_run_and_a_finished_training_draw_the_end_alone(
    shown: list[tuple[str, object]], folder: Path, monkeypatch: pytest.MonkeyPatch, steps: range
) -> None:
    monkeypatch.setenv("SIM2REAL_BATCH", "02 fog")
    watch = live.LiveTraining()
    for step in steps:
        watch(progress(folder, step))
    assert shown == []
    watch.finish(pd.read_csv(folder / "losses.csv"), samples(folder))
    assert [kind for kind, _ in shown] == ["new", "new"]


def test_drawing_takes_little_of_the_time(
    shown: list[tuple[str, object]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: now[0])
    watch: Callable[[Progress], None] = live.LiveTraining(every=4)
    for second, step in ((1, 1), (3, 2), (5, 3), (8, 4)):
        now[0] = second
        watch(progress(folder, step))
    assert len(shown) == 2  # once, at 5 s
