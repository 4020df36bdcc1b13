"""Runs of all notebooks that go wrong: the next `make` ends as if nothing had happened.

A few tries of each fault; `benchmarks/faults.py` does many.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from project import ARMS, STAGES, Project

pytestmark = [pytest.mark.notebooks, pytest.mark.xdist_group("faults")]
ANALYSIS, GAN, NST, DETECTOR = (STAGES[number] for number in ("01", "02", "03", "04"))


def made_again(project: Project, artifact: str, whole: dict[str, str]) -> str:
    """Make an artifact, which must be the undisturbed run's, bit for bit; what was said."""
    status, said = project.make_demo(*project.until(artifact))
    assert status == 0, said
    expected = {name: digest for name, digest in whole.items() if name.startswith(artifact)}
    assert project.results(artifact) == expected and len(expected) > 2
    return said


@pytest.mark.parametrize(
    ("artifact", "victim", "number"),
    [
        (NST, "papermill", signal.SIGKILL),
        (NST, "kernel", signal.SIGTERM),
        (DETECTOR, "everything", signal.SIGKILL),
    ],
)
def test_a_killed_stage_is_unfinished_and_the_next_make_finishes_it(
    project: Project, whole: dict[str, str], artifact: str, victim: str, number: signal.Signals
) -> None:
    project.forget(artifact)
    moment = random.Random(f"{artifact} {victim}").uniform(2, 4)  # s of its CPU time
    assert project.kill(artifact, victim, number, moment)
    assert not (project.run / artifact / "manifest.json").exists()
    made_again(project, artifact, whole)
    assert project.left_running() == []


def test_a_second_run_is_refused_and_the_first_one_undisturbed(
    project: Project, whole: dict[str, str]
) -> None:
    project.forget(NST)
    first = project.start(*project.until(NST))
    while f"process {first.pid} " not in (project.run / ".lock").read_text():
        assert first.poll() is None
        time.sleep(0.05)
    status, said = project.make_demo()
    assert status == 2
    assert "is at work here" in said and f"process {first.pid} on " in said
    assert first.wait() == 0
    made_again(project, NST, whole)


@pytest.mark.skipif(sys.platform != "linux", reason="no other system limits address space")
def test_where_memory_runs_out_nothing_is_lost(project: Project, whole: dict[str, str]) -> None:
    project.forget(NST)
    little = ("sh", "-c", 'ulimit -v 3000000; exec "$0" "$@"')  # kB: less than PyTorch maps
    status, said = project.make_demo(*project.until(NST), prefix=little)
    assert status == 1 and "03_nst_generation-nst-fog.ipynb" in said
    assert not (project.run / NST / "manifest.json").exists()
    made_again(project, NST, whole)


def test_the_lock_of_a_killed_snakemake_stops_nobody(project: Project) -> None:
    locks = project.root / ".snakemake" / "locks"
    locks.mkdir(exist_ok=True)
    outputs = [str(p.relative_to(project.root)) for p in project.run.rglob("manifest.json")]
    (locks / "0.output.lock").write_text("\n".join(outputs) + "\n")
    tomorrow = time.time() + 86400  # and a clock that went wrong meanwhile is no change
    os.utime(project.run / STAGES["01"] / "manifest.json", (tomorrow, tomorrow))
    status, said = project.make_demo()
    assert status == 0 and "Nothing to do: everything is up to date." in said


def test_a_notebook_that_leaves_early_is_not_done_and_said_so(
    project: Project, edited: Path
) -> None:
    project.forget(NST)
    notebook = nbformat.read(edited, 4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    cells[0].source += "\nimport sys\nsys.exit(0)"
    nbformat.write(notebook, edited)
    status, said = project.make_demo(*project.until(NST))
    assert status == 1
    assert "some output files are missing" in said
    assert "03_nst_generation-nst-fog.ipynb: SystemExit: 0" in said


def test_damaged_results_are_made_again(project: Project, whole: dict[str, str]) -> None:
    weights, image = (project.run / name for name in whole if name.startswith((DETECTOR, NST))
                      and name.endswith(("weights.pt", "00002.png")))  # fmt: skip
    for path in (weights, image):
        path.write_bytes(path.read_bytes()[:500])
    said = made_again(project, DETECTOR, whole)
    made_again(project, NST, whole)  # it is done already
    assert f"{weights}: damaged or gone" in said and f"{image}: damaged or gone" in said


@pytest.fixture(scope="module")
def trained(undisturbed: Project) -> dict[str, str]:
    """What an undisturbed 02 makes, which is not in the whole run."""
    undisturbed.restore("whole")
    status, said = undisturbed.make_demo(*undisturbed.until(GAN))
    assert status == 0, said
    return undisturbed.results(GAN)


def test_a_training_whose_checkpoint_is_damaged_goes_on_from_the_one_before(
    trained: dict[str, str], project: Project
) -> None:
    process = project.start(*project.until(GAN))
    while not (found := list((project.run / GAN).rglob("previous.ckpt"))):
        assert process.poll() is None, project.said.read_text()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while project.left_running():  # the kernel outlives them by a moment, and writes
        time.sleep(0.1)
    last = found[0].with_name("last.ckpt")
    for path in last.parent.glob("*.ckpt"):  # last alone, unless the kill came amid a change
        if path == last or not last.exists():
            path.write_bytes(path.read_bytes()[:1000])
    made_again(project, GAN, trained)
    assert len(list(last.parent.glob("*.damaged"))) == 1


def test_a_loss_that_is_no_number_leaves_nothing_and_sound_settings_finish_the_run(
    trained: dict[str, str], project: Project
) -> None:
    project.write_params(run=ARMS, **{"02_cyclegan_training": {"lambda_cycle": 1e38}})
    try:
        status, said = project.make_demo(*project.until(GAN))
    finally:
        project.write_params(run=ARMS)
    assert status == 1 and "training diverged" in said
    assert not (project.run / GAN / "manifest.json").exists()
    (diverged,) = (project.run / GAN).glob("training-*")  # of other settings: it stays
    shutil.rmtree(diverged)
    made_again(project, GAN, trained)


def mounted(*options: str) -> bool:
    """Whether `mount` did it: not everybody may, and not every machine has one."""
    try:
        done = subprocess.run(["mount", *options], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0


@pytest.fixture
def small_disk(project: Project) -> Iterator[Path]:
    """A disk of 100 kB under the folder of notebook 03."""
    folder = project.run / NST
    project.forget(NST)
    folder.mkdir()
    if not mounted("-t", "tmpfs", "-o", "size=100k", "tmpfs", str(folder)):
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_named_and_once_there_is_room_the_run_goes_on(
    project: Project, whole: dict[str, str], small_disk: Path
) -> None:
    (small_disk / "filling").write_bytes(bytes(90_000))
    status, said = project.make_demo(*project.until(NST))
    assert status == 1 and "No space left on device" in said
    (small_disk / "filling").unlink()
    subprocess.run(["mount", "-o", "remount,size=100m", str(small_disk)], check=True)
    made_again(project, NST, whole)


@pytest.fixture
def read_only_data(project: Project) -> Iterator[None]:
    """The data sets on a disk that nobody can write to."""
    data = str(project.data)
    if not mounted("--bind", data, data):
        pytest.skip("only root may mount a folder anew")
    try:
        if not mounted("-o", "remount,bind,ro", data):
            pytest.skip("the folder could not be mounted read-only")
        yield
    finally:
        subprocess.run(["umount", data], check=True)


@pytest.mark.usefixtures("read_only_data")
def test_data_sets_on_a_read_only_disk_are_read_like_any(
    project: Project, whole: dict[str, str]
) -> None:
    with pytest.raises(OSError, match="Read-only"):
        (project.data / "new").touch()
    project.forget(ANALYSIS)
    made_again(project, ANALYSIS, whole)
