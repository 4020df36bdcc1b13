"""What is promised of `make runs`: state, results, cost and what differs, from folders alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from sim2real_lib import params, profiles, runs
from sim2real_lib.files import MANIFEST, ROOT, Artifact, key, read_manifest, sha256, write_json
from sim2real_lib.plan import Plan
from sim2real_lib.run_folder import RunFolder, run_manifest

STEPS = str(params.YOLOTraining().iterations)


def seal(run: Path, name: str, changes: dict | None = None, **facts: object) -> None:
    """A finished artifact of a notebook, with the notebook's own parameters."""
    model = params.NOTEBOOKS[name.split("/")[0]]
    values = model(run=str(run)).model_dump(mode="json") | (changes or {})
    Artifact(run / name, values).seal(**facts)


def finished(run: Path) -> Path:
    """A run with all that it takes: two arms, one of them translated, and the results."""
    seal(run, "01_data_analysis")
    seal(run, "03_nst_generation/nst-fog", {"style": "fog"})
    seal(run, "04_yolo_training/baseline-seed0")
    seal(run, "04_yolo_training/nst-seed0", {"arm": "nst"}, translated=["nst-fog"])
    detectors = {
        name: run / "04_yolo_training" / name / MANIFEST for name in ("baseline-seed0", "nst-seed0")
    }
    compared = params.ResultVisualization(run=str(run)).model_dump(mode="json")
    artifact = Artifact(run / "05_result_visualization", compared, inputs=detectors)
    artifact.seal(answer="It helps.", verdict="Yes.", caveats="", data="minidrive")
    table = {"arm": ["baseline", "nst", "oracle"], "0-5": [0.3, 0.1, 0.5], "0-all": [0.1, 0.2, 0.4]}
    pd.DataFrame(table).assign(**{"train s": 7}).to_csv(run / "results.csv", index=False)
    (run / "report.html").write_text("<html>")
    return run


def stopped(run: Path, name: str) -> Path:
    """An executed notebook that ended in an error."""
    path = run / "notebooks" / name
    path.parent.mkdir(exist_ok=True)
    error = nbformat.v4.new_output("error", ename="InputError", evalue="no such file")
    cell = nbformat.v4.new_code_cell("work()", outputs=[error])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return finished(tmp_path / "outputs" / "mine")


def said(run: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert runs.main(str(run.parent)) == 0
    return capsys.readouterr().out


def test_a_finished_run_stands_in_one_line(run: Path, capsys) -> None:
    header, line, *rest = said(run, capsys).splitlines()
    assert header.split("  ")[0] == "run"
    for words in ("mine", "finished", "minidrive", "baseline nst", "0.200"):
        assert words in line
    assert rest == []


def test_the_oracle_is_never_the_best_arm(run: Path) -> None:
    assert RunFolder.read(run).best == ("nst", 0.2)


def test_without_an_object_in_the_test_frames_no_arm_is_best(run: Path, capsys) -> None:
    table = pd.read_csv(run / "results.csv")
    table.assign(**{"0-all": float("nan")}).to_csv(run / "results.csv", index=False)
    assert RunFolder.read(run).best is None
    assert "finished" in said(run, capsys)


def test_what_jupyterlab_leaves_in_a_folder_is_no_artifact(run: Path) -> None:
    (run / "04_yolo_training" / ".ipynb_checkpoints").mkdir()
    assert RunFolder.read(run).missing == []


def test_an_executed_notebook_that_was_cut_short_is_named(run: Path, capsys) -> None:
    path = stopped(run, "04_yolo_training-nst-seed1.ipynb")
    path.write_text(path.read_text()[:-40])
    assert "stopped: 04_yolo_training-nst-seed1.ipynb: it was killed" in said(run, capsys)


def test_what_was_begun_and_not_finished_is_named(run: Path, capsys) -> None:
    (run / "04_yolo_training" / "nst-seed1").mkdir()
    (run / "report.html").unlink()
    text = said(run, capsys)
    assert "unfinished" in text
    assert "missing: 04_yolo_training/nst-seed1, report.html" in text


def test_a_run_without_results_is_unfinished(run: Path, capsys) -> None:
    (run / "05_result_visualization" / MANIFEST).unlink()
    assert "missing: 05_result_visualization" in said(run, capsys)
    assert RunFolder.read(run).best is None


def test_a_notebook_that_stopped_is_named_with_its_error(run: Path, capsys) -> None:
    stopped(run, "04_yolo_training-nst-seed1.ipynb")
    text = said(run, capsys)
    assert "failed" in text
    assert "stopped: 04_yolo_training-nst-seed1.ipynb: InputError: no such file" in text


def test_a_notebook_whose_kernel_died_is_named_though_it_holds_no_error(run: Path, capsys) -> None:
    path = stopped(run, "04_yolo_training-nst-seed1.ipynb")
    path.write_text('{"cells": []}')
    path.with_suffix(".log").write_text("nbclient.exceptions.DeadKernelError: Kernel died\n")
    assert "04_yolo_training-nst-seed1.ipynb: its kernel died" in said(run, capsys)


def test_a_notebook_that_was_mended_by_hand_is_forgiven(run: Path) -> None:
    path = stopped(run, "04_yolo_training-nst-seed0.ipynb")
    os.utime(path, (0, 0))
    assert RunFolder.read(run).state == "finished"


def test_parameters_that_differ_are_listed_with_the_expected_value(run: Path, capsys) -> None:
    shutil.rmtree(run / "04_yolo_training" / "nst-seed0")
    seal(run, "04_yolo_training/nst-seed0", {"arm": "nst", "augmentation": {"scale": 0.5}})
    text = said(run, capsys)
    assert "04_yolo_training: augmentation.scale 0.9 or 0.5 (notebook: 0.9)" in text
    assert "04_yolo_training: augmentation.translate 0.2 or – (notebook: 0.2)" in text
    assert "arm " not in text.split("mine\n")[1]  # which one it is: not how it was made


def test_many_differences_are_shortened(run: Path, capsys) -> None:
    names = ("network", "weights", "optimizer", "layer", "accelerator", "scale", "beta", "steps")
    seal(run, "03_nst_generation/nst-fog", dict.fromkeys(names, "x" * 99))
    lines = said(run, capsys).splitlines()
    assert lines[-1].strip() == "and 2 more parameters differ from notebook's"
    assert all(len(line) < 160 for line in lines)


def test_a_profile_says_what_its_run_still_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = params.Run(run=str(tmp_path), params=["params/demo"], arms=["baseline", "nst"])
    monkeypatch.setattr(
        "sim2real_lib.run_folder.profiles",
        lambda: [
            ("demo", tmp_path, Plan.of(plan).artifacts(str(tmp_path))),
            ("more", tmp_path, [f"x/{n}" for n in range(99)]),
        ],
    )
    seal(tmp_path, "01_data_analysis")
    seal(tmp_path, "04_yolo_training/baseline-seed0", {"iterations": 5})
    found = RunFolder.read(tmp_path)
    assert found.missing == [
        "03_nst_generation/nst-fog", "03_nst_generation/nst-overcast",
        "03_nst_generation/nst-rain", "04_yolo_training/nst-seed0", "05_result_visualization",
        "report.html",
    ]  # fmt: skip
    assert found.changed() == [("04_yolo_training", "iterations", "5", STEPS)]


def test_every_profile_of_the_project_has_a_plan() -> None:
    plans = {name: plan for name, _, plan in profiles.profiles()}
    assert set(plans) == {path.parent.name for path in (ROOT / "params").glob("*/run.yaml")}
    assert len(plans["demo"]) == 18
    assert plans["study"][-1] == "05_result_visualization"
    assert not any(name.startswith("0") and name < "04" for name in plans["study"])


def test_an_empty_folder_says_how_to_begin(tmp_path: Path, capsys) -> None:
    (tmp_path / "nothing-of-ours").mkdir()
    assert runs.main(str(tmp_path)) == 0
    assert "make demo" in capsys.readouterr().out


def test_a_damaged_manifest_is_named_in_one_line_and_hides_no_other_run(run: Path, capsys) -> None:
    other = finished(run.parent / "other")
    path = run / "01_data_analysis" / MANIFEST
    path.write_text("{")
    assert runs.main(str(run.parent)) == 2
    told = capsys.readouterr()
    assert str(path) in told.err and len(told.err.splitlines()) == 1
    assert [line.split()[0] for line in told.out.splitlines()] == ["run", other.name]


def test_listing_runs_imports_no_torch() -> None:
    code = "import sys, sim2real_lib.runs; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_runs_manifest_names_what_its_answer_stands_on(run: Path) -> None:
    written = run_manifest(run, run)
    assert written["answer"] == "It helps." and written["run"] == "mine"
    assert list(written["artifacts"]) == [
        "01_data_analysis", "03_nst_generation/nst-fog", "04_yolo_training/baseline-seed0",
        "04_yolo_training/nst-seed0", "05_result_visualization",
    ]  # fmt: skip
    nst = written["artifacts"]["04_yolo_training/nst-seed0"]
    assert nst["params"] == {"arm": "nst", "seed": 0}
    assert nst["sha256"] == sha256(run / "04_yolo_training/nst-seed0" / MANIFEST)
    assert written["params"]["04_yolo_training"]["iterations"] == STEPS


def test_a_run_that_shares_data_names_the_other_runs_artifacts(run: Path) -> None:
    own = finished(run.parent / "own")
    for name in ("01_data_analysis", "03_nst_generation"):
        shutil.rmtree(own / name)
    written = run_manifest(own, run)
    assert written["artifacts"]["01_data_analysis"]["folder"] == "../mine/01_data_analysis"
    assert written["artifacts"]["04_yolo_training/nst-seed0"]["folder"].startswith("04_")


def test_the_runs_manifest_is_no_artifact_of_its_own(run: Path) -> None:
    before = key(RunFolder.read(run).manifests)
    write_json(run / MANIFEST, run_manifest(run, run))
    assert key(RunFolder.read(run).manifests) == before
    assert read_manifest(run, "")["verdict"] == "Yes."
