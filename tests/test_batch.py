"""What is promised of the batch: one command runs all, a second does nothing, a change reruns
only what depends on it, and bad input stops before any job."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from sim2real_lib import batch, params
from sim2real_lib.files import ROOT, read_manifest

pytestmark = [pytest.mark.notebooks, pytest.mark.xdist_group("batch")]

RUN = "a run"  # a person's folder may have a space
ARMS = "[baseline, nst.bold, oracle]\nstyles: [fog]\ntranslators: {nst.bold: {style_weight: 9.0}}"


def snakemake(profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", "--configfile", str(profile / "run.yaml")]
    return subprocess.run(
        [*command, "--cores", "2", *options],
        cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of params/smoke that runs in a folder of its own."""
    home = tmp_path_factory.mktemp("batch")
    shutil.copytree(ROOT / "params" / "smoke", home / "params")
    for path in (home / "params").glob("*.yaml"):
        text = path.read_text().replace("outputs/smoke", str(home / RUN))
        text = text.replace("params/smoke", str(home / "params"))
        # Without the arms that test_notebooks.py runs, for time, and with settings of run.yaml's.
        path.write_text(text.replace("[baseline, cyclegan, nst, oracle]", ARMS))
    return home / "params"


@pytest.fixture(scope="module")
def finished(profile: Path) -> Path:
    """The profile after one whole run."""
    done = snakemake(profile)
    assert done.returncode == 0, done.stderr[-3000:]
    return profile


def would_run(profile: Path) -> set[str]:
    """The rules that a run would execute now, from the table that Snakemake begins with."""
    dry = snakemake(profile, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    said = dry.stdout + dry.stderr
    if "Job stats:" not in said:
        assert "Nothing to be done" in said
        return set()
    table = said.split("Job stats:")[1].strip().split("\n\n")[0]
    return {line.split()[0] for line in table.splitlines()[2:]} - {"all", "total"}


def test_one_command_makes_the_report_and_every_arm(finished: Path) -> None:
    run = finished.parent / RUN
    assert (run / "report.html").is_file()
    arms = params.Run.from_yaml(finished / "run.yaml").arms
    assert list(pd.read_csv(run / "results.csv")["arm"]) == arms
    assert len(list((run / "notebooks").glob("*.ipynb"))) == 3 + len(arms)  # 01, nst.bold-fog, 05


def test_a_translator_is_run_with_the_settings_that_the_run_gives_it(finished: Path) -> None:
    made = finished.parent / RUN / "03_nst_generation" / "nst.bold-fog"
    asked = read_manifest(made, "")["params"]
    assert (asked["translator"], asked["tag"], asked["style_weight"]) == ("nst", "bold", 9.0)
    trained = finished.parent / RUN / "04_yolo_training" / "nst.bold-seed0"
    assert read_manifest(trained, "")["translated"] == ["nst.bold-fog"]


def test_a_second_run_does_nothing(finished: Path) -> None:
    again = snakemake(finished)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stderr + again.stdout


def test_saving_a_notebook_with_outputs_reruns_nothing(finished: Path) -> None:
    assert would_run(finished) == set()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        path.touch()
    assert would_run(finished) == set()


def test_switching_mlflow_on_reruns_nothing(finished: Path) -> None:
    path = finished / "run.yaml"
    text = path.read_text()
    path.write_text(f"{text}\nmlflow: true\n")
    try:
        assert would_run(finished) == set()
    finally:
        path.write_text(text)


@pytest.mark.parametrize(
    ("changed", "old", "new", "rerun"),
    [
        ("05_result_visualization", "resamples: 20", "resamples: 21", {"results"}),
        ("04_yolo_training", "iterations: 2", "iterations: 3", {"detector", "results"}),
        ("03_nst_generation", "\nsteps: 2", "\nsteps: 3", {"nst", "detector", "results"}),
    ],
)
def test_a_changed_parameter_reruns_only_what_depends_on_it(
    finished: Path, changed: str, old: str, new: str, rerun: set[str]
) -> None:
    path = finished / f"{changed}.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    try:
        assert would_run(finished) == rerun
    finally:
        path.write_text(text)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("run.yaml", "amrs: [baseline]", "did you mean 'arms'?"),
        ("02_cyclegan_training.yaml", "ngff: 3", "02_cyclegan_training.yaml:"),
    ],
)
def test_a_misspelt_parameter_stops_before_any_job(
    profile: Path, tmp_path: Path, file: str, line: str, message: str
) -> None:
    shutil.copytree(profile, tmp_path / "params")
    for path in (tmp_path / "params").glob("*.yaml"):
        path.write_text(path.read_text().replace(str(profile.parent), str(tmp_path)))
    with (tmp_path / "params" / file).open("a") as stream:
        stream.write(f"\n{line}\n")
    refused = snakemake(tmp_path / "params")
    assert refused.returncode != 0
    assert message in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr + refused.stdout
    assert not (tmp_path / RUN).exists()


def test_the_baselines_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.extend(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(batch.subprocess, "run", run)
    assert batch.main("study", "--dry-run") == 1
    first = [f"outputs/study/04_yolo_training/baseline-seed{n}/manifest.json" for n in range(3)]
    at = asked.index("--prioritize")
    assert asked[at + 1 :] == [*first, "--dry-run"]
    assert asked[asked.index("--profile") + 1] == "profiles/local"


def test_another_snakemake_profile_takes_the_place_of_the_local_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.extend(command)
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(batch.subprocess, "run", run)
    assert batch.main("study", "--profile", "profiles/slurm") == 1
    assert asked.count("--profile") == 1 and asked[-1] == "profiles/slurm"


def test_a_dry_run_tells_of_no_end(
    profile: Path, capfd: pytest.CaptureFixture[str]
) -> None:  # nothing has been run yet, or all of it: either way it answers what would be done
    assert batch.main(str(profile), "--dry-run") == 0
    said = capfd.readouterr().out
    assert "Nothing to do" not in said and "Report:" not in said


@pytest.mark.parametrize(("options", "times"), [(["--dry-run"], 0), ([], 1)])
def test_a_dry_run_logs_nothing(
    monkeypatch: pytest.MonkeyPatch, profile: Path, options: list[str], times: int
) -> None:
    logged: list[object] = []
    monkeypatch.setattr(batch.tracking, "log_run", logged.append)
    done = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(batch.subprocess, "run", lambda *_, **__: done)
    assert batch.main(str(profile), *options) == 1
    assert len(logged) == times
