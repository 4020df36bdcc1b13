"""A training can be watched: what it shows while it runs, and in a batch run only at the end."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from jupyter_client.manager import run_kernel

from sim2real_lib.display import live
from sim2real_lib.display.live_curves import POINTS, Curves
from sim2real_lib.display.style import Chart
from sim2real_lib.display.training_status import Status, clock, memory_in_use
from sim2real_lib.images import write_rgb
from sim2real_lib.progress import Progress
from sim2real_lib.translation.samples import drawn_samples

Shown = list[tuple[str, object]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    """What was displayed anew and what was drawn over, in order."""
    seen: Shown = []
    monkeypatch.setattr(live.DisplayHandle, "display", lambda _, c: seen.append(("new", c)))
    monkeypatch.setattr(live.DisplayHandle, "update", lambda _, c: seen.append(("over", c)))
    return seen


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock; a test sets it."""
    clock = [100.0]
    monkeypatch.setattr(live.time, "monotonic", lambda: clock[0])
    return clock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for step in (0, 2):
        write_rgb(tmp_path / "samples" / f"step_{step:06d}.png", np.full((40, 90, 3), 80, np.uint8))
    rows = pd.DataFrame({"step": [1, 2, 3], "G_A": [3.0, 2.0, 1.0], "G_B": [1.0, 2.0, 3.0]})
    rows.to_csv(tmp_path / "losses.csv", index=False)
    return tmp_path


@pytest.fixture
def progress(folder: Path) -> Callable[..., Progress]:
    def make(step: int, steps: int = 5, before: pd.DataFrame | None = None) -> Progress:
        """Two steps a second, four images a step."""
        losses = {"G_A": 1.0 / step, "G_B": float(step)}
        before = pd.DataFrame() if before is None else before
        samples = drawn_samples(folder)
        return Progress(step, steps, losses, step / 2, folder, 4, before, samples)

    return make


def only(kind: type, shown: Shown) -> list[tuple[str, Any]]:
    return [(how, what) for how, what in shown if isinstance(what, kind)]


def steps_drawn(shown: Shown) -> list[int]:
    """Which steps the newest curves know of."""
    return only(Curves, shown)[-1][1].losses["step"].tolist()


def test_losses_and_samples_appear_and_are_drawn_over(
    shown: Shown, now: list[float], folder: Path, progress: Callable[..., Progress]
) -> None:
    watch = live.LiveTraining("cyclegan", watched=True)
    for step in (1, 2, 3):
        watch(progress(step))
        now[0] += 5
    assert [how for how, _ in only(Status, shown)] == ["new", "over", "over"]
    assert [how for how, _ in only(Curves, shown)] == ["new", "over", "over"]
    assert [how for how, _ in only(Chart, shown)] == ["new"]  # the sample: there is no newer one
    assert steps_drawn(shown) == [1, 2, 3]
    write_rgb(folder / "samples" / "step_000004.png", np.zeros((40, 90, 3), np.uint8))
    watch(progress(4))
    assert [how for how, _ in only(Chart, shown)] == ["new", "over"]
    watch.finish(pd.read_csv(folder / "losses.csv"), drawn_samples(folder))
    assert [how for how, _ in shown[-3:]] == ["over"] * 3
    assert [how for how, _ in shown].count("new") == 3


def test_the_line_above_them_knows_time_left_speed_and_memory(
    shown: Shown, now: list[float], folder: Path, progress: Callable[..., Progress]
) -> None:
    watch = live.LiveTraining("cyclegan", watched=True)
    for step in range(1, 21):
        watch(progress(step, 21))
        now[0] += 0.5
    first, *_, last = (status for _, status in only(Status, shown))
    assert first.left is None and first.figures["images/s"] == "–"
    assert len(only(Status, shown)) == 5  # one in two seconds
    assert last.rate == 8.0 and last.left == (last.steps - last.step) / 2
    assert last.memory["memory"].endswith(" GB") and float(last.memory["memory"][:-3]) > 0
    watch(progress(21, 21))
    watch.finish(pd.read_csv(folder / "losses.csv"), drawn_samples(folder))
    assert repr(only(Status, shown)[-1][1]).startswith(
        "cyclegan: step 21 of 21, 0:10 taken, 8.0 images/s, "
    )


def test_a_resumed_training_shows_what_it_learnt_before(
    shown: Shown, now: list[float], folder: Path, progress: Callable[..., Progress]
) -> None:
    watch = live.LiveTraining("cyclegan", watched=True)
    before = pd.read_csv(folder / "losses.csv").head(2)
    watch(progress(3, before=before))
    now[0] += 5
    watch(progress(4, before=before))
    assert steps_drawn(shown) == [1, 2, 3, 4]
    assert only(Status, shown)[-1][1].rate == 8.0  # of this call alone


def test_a_long_training_is_drawn_as_fast_as_a_short_one(
    shown: Shown,
    now: list[float],
    progress: Callable[..., Progress],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "MOST", 10)
    watch = live.LiveTraining("cyclegan", watched=True)
    for step in range(1, 100):
        watch(progress(step, 200))
    now[0] += 5
    watch(progress(100, 200))
    drawn = steps_drawn(shown)
    assert 5 <= len(drawn) <= 10 and drawn[0] == 1
    assert np.ptp(np.diff(drawn[1:])) == 0  # evenly over all of it


def test_curves_fill_up_from_the_left_and_have_a_bounded_number_of_points() -> None:
    losses = pd.DataFrame({"step": range(1, 1001), "G_A": 1.0, "G_B": 2.0, "<i>": 0.5})
    page = Curves(losses, 2000)._repr_html_()
    lines = [line.split() for line in re.findall(r'points="([^"]*)"', page)]
    assert len(lines) == 6  # three losses, raw and smooth
    assert {len(line) for line in lines} == {POINTS}
    assert {line[-1].split(",")[0] for line in lines} == {"150.0"}  # half of the width
    assert "sim to target" in page and "target to sim" in page
    assert "<i>" not in page and "&lt;i&gt;" in page
    assert repr(Curves(losses, 2000)) == "G_A 1, G_B 2, <i> 0.5"


@pytest.mark.parametrize("value", [0.0, -1.0, 1e-12])
def test_curves_of_any_numbers_can_be_drawn(value: float) -> None:
    page = Curves(pd.DataFrame({"step": [1], "G_A": [value], "D_A": [1.0]}), 5)._repr_html_()
    assert "nan" not in page and "inf" not in page


@pytest.mark.parametrize("steps", [range(1, 6), range(0)])
def test_a_script_and_a_finished_training_draw_the_end_alone(
    shown: Shown, folder: Path, progress: Callable[..., Progress], steps: range
) -> None:
    watch = live.LiveTraining("cyclegan", every=0)
    for step in steps:
        watch(progress(step))
    assert shown == []
    watch.finish(pd.read_csv(folder / "losses.csv"), drawn_samples(folder))
    assert [how for how, _ in shown] == ["new"] * (3 if steps else 2)


@pytest.mark.parametrize("person", [True, False])
def test_a_notebook_is_watched_where_a_person_can_be_asked(person: bool) -> None:
    code = "from sim2real_lib.display.live import LiveTraining; print(LiveTraining('x').watched)"
    said: list[str] = []
    with run_kernel() as kernel:
        kernel.execute_interactive(
            code,
            allow_stdin=person,  # papermill forbids it, JupyterLab does not
            timeout=60,
            output_hook=lambda message: said.append(message["content"].get("text", "")),
        )
    assert "".join(said).strip() == str(person)


def test_a_batch_run_gets_lines_of_progress(
    progress: Callable[..., Progress],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SIM2REAL_BATCH", "02 fog")
    monkeypatch.setattr("sim2real_lib.progress.EVERY", 0.0)
    watch = live.LiveTraining("cyclegan")
    for step in range(3, 6):  # resumed
        watch(progress(step))
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("  02 fog · cyclegan: 2 of 5 steps")
    assert said[-1].startswith("  02 fog · cyclegan: 5 of 5 steps")


def test_a_status_is_a_line_of_text_and_no_foreign_html() -> None:
    status = Status("<b>x</b>", 190, 420, 60.0, 38.2, 72.4, {"memory": "1.9 GB"})
    assert repr(status) == "<b>x</b>: step 190 of 420, 1:12 left, 38 images/s, 1.9 GB memory"
    page = status._repr_html_()
    assert "<b>x</b>" not in page and "&lt;b&gt;x&lt;/b&gt;" in page
    assert "width:45.2%" in page and ">1:12<" in page


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0:00"), (59.6, "1:00"), (4000, "1:06:40")])
def test_a_clock_reads_as_one(seconds: float, said: str) -> None:
    assert clock(seconds) == said


def test_gpu_memory_is_shown_where_a_gpu_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    assert torch.cuda.is_initialized() or set(memory_in_use()) == {"memory"}

    class Card:
        total_memory = 80_000_000_000

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda gpu: 3_200_000_000 * gpu)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: Card)
    assert memory_in_use()["GPU memory"] == "3.2 of 80 GB"  # the second one alone is ours


def test_it_is_imported_without_torch() -> None:
    code = "import sim2real_lib.display.live, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
