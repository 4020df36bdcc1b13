"""What is promised of tracking: MLflow knows what is finished, once, and nothing depends on it."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from mlflow import MlflowClient
from mlflow.entities import Run

from sim2real_lib import params, tracking
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT, Artifact, write_json
from sim2real_lib.plan import Plan

SIDES = ("low", "high")
NOWHERE = "http://127.0.0.1:9"  # nobody listens there


def seal(folder: Path, values: params.Params, made: str, **facts: object) -> Path:
    """A finished artifact with the one file that tells it from others."""
    path = folder / tracking.MADE[folder.relative_to(values.folder).parts[0]]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(made)
    Artifact(folder, values.model_dump(mode="json")).seal(**facts)
    return folder


def detector(run: Path, arm: str, made: str = "weights") -> Path:
    """A trained detector of 480 steps, in 12 epochs."""
    folder = run / "04_yolo_training" / f"{arm}-seed0"
    folder.mkdir(parents=True, exist_ok=True)
    rows = {"epoch": range(1, 13), "seconds": range(12), "box": [1 / n for n in range(1, 13)]}
    pd.DataFrame(rows).to_csv(folder / "losses.csv", index=False)
    (folder / "batch.png").write_bytes(b"picture")
    values = params.YOLOTraining(run=str(run), arm=arm)
    return seal(folder, values, made, frames=168)


def results(run: Path) -> Path:
    """The answer for baseline and nst in one bin."""
    folder = run / "05_result_visualization"
    folder.mkdir()
    index = {"slice": ["0-all", "0-all"], "arm": ["baseline", "nst"]}
    ends = {"low": [0.1, 0.2], "high": [0.3, 0.4]}
    tables = {
        "intervals": index | {"map50": [0.2, 0.3]} | ends,
        "gains": {"slice": ["0-all"], "arm": ["nst"], "mean_ap": [0.3], "gain": [0.1],
                  "low": [0.05], "high": [0.15]},
        "seeds": index | {"seeds": 1, "pairs": 1, "same_sign": 1, "low": None, "high": None},
        "scores": {"arm": ["baseline", "nst", "nst"], "seed": 0, "map50": [0.2, 0.3, 0.9],
                   "kind": "occlusion", "slice": "0-all", "class": ["all", "all", "car"]},
    }  # fmt: skip
    for name, columns in tables.items():
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False)
    (run / "report.html").write_text("<html>")
    values = params.ResultVisualization(run=str(run))
    return seal(
        folder, values, "", verdict="Yes.", caveats="Surely.", answer="It helps.", data="minidrive"
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables, empty: to make them takes seconds."""
    run = tmp_path_factory.mktemp("outputs") / "demo"
    tracking.check(asked(run))
    return run.with_name("mlflow.db")


@pytest.fixture
def run(tmp_path: Path, store: Path) -> Path:
    """A run of which the data and two detectors are finished, in a folder with a space."""
    folder = tmp_path / "my outputs" / "run"
    folder.mkdir(parents=True)
    shutil.copy(store, folder.with_name("mlflow.db"))
    analysed = folder / "01_data_analysis"
    seal(analysed, params.DataAnalysis(run=str(folder)), "frames", frames=3)
    for arm in ("baseline", "nst"):
        detector(folder, arm, arm)
    return folder


def asked(run: Path, where: bool | str = True) -> params.Run:
    return params.Run(run=str(run), mlflow=where)


def client(run: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{run.parent / 'mlflow.db'}")


def logged(run: Path) -> dict[str, Run]:
    """Name -> MLflow's run; no name stands there twice."""
    store = client(run)
    experiment = store.get_experiment_by_name(f"sim2real/{run.name}")
    found = store.search_runs([experiment.experiment_id])
    assert len({one.info.run_name for one in found}) == len(found)
    return {one.info.run_name: one for one in found}


def test_a_training_is_a_run_with_its_parameters_tags_and_figures(run: Path) -> None:
    tracking.log(asked(run), run / "04_yolo_training" / "nst-seed0")
    (one,) = logged(run).values()
    assert one.info.status == "FINISHED"
    assert one.data.params["iterations"] == str(params.YOLOTraining().iterations)
    assert one.data.params["augmentation.scale"] == "0.9"
    expected = {"run": "run", "notebook": "04_yolo_training", "arm": "nst", "seed": "0"}
    assert expected.items() <= one.data.tags.items()
    assert one.data.tags["data"] == "minidrive"
    assert one.data.tags["code"].startswith("0.")
    assert one.data.metrics["frames"] == 168


def test_the_hashes_of_its_inputs_are_tags(run: Path) -> None:
    folder = run / "04_yolo_training" / "nst-seed0"
    manifest = json.loads((folder / "manifest.json").read_text())
    write_json(folder / "manifest.json", manifest | {"inputs": {"frames": "0123abc"}})
    tracking.log(asked(run), folder)
    assert logged(run)["nst-seed0"].data.tags["input/frames"] == "0123abc"


def test_its_losses_are_curves_by_epoch(run: Path) -> None:
    tracking.log(asked(run), run / "04_yolo_training" / "nst-seed0")
    history = client(run).get_metric_history(logged(run)["nst-seed0"].info.run_id, "loss/box")
    assert {m.step: m.value for m in history} == {n: pytest.approx(1 / n) for n in range(1, 13)}


def test_a_translators_losses_are_found_in_its_trainings_folder_and_thinned_out(run: Path) -> None:
    values = params.CycleGANTraining(run=str(run))
    folder = run / "02_cyclegan_training" / "cyclegan-fog"
    (folder / "training-new" / "samples").mkdir(parents=True)
    for step in ("000000", "002500"):
        (folder / "training-new" / "samples" / f"step_{step}.png").write_bytes(b"picture")
    losses = pd.DataFrame({"step": range(1, 2501), "G_A": 0.5})
    losses.to_csv(folder / "training-new" / "losses.csv", index=False)
    seal(folder, values, "kept", training="training-new")
    tracking.log(asked(run), folder)
    one = logged(run)["cyclegan-fog"]
    history = client(run).get_metric_history(one.info.run_id, "loss/G_A")
    assert 500 < len(history) <= tracking.POINTS
    assert one.data.tags["style"] == "fog"
    assert files(run, one) == {"manifest.json", "losses.csv", "step_002500.png"}


def files(run: Path, one: Run) -> set[str]:
    return {file.path for file in client(run).list_artifacts(one.info.run_id)}


def test_small_files_are_logged_and_no_weights(run: Path) -> None:
    tracking.log(asked(run), run / "04_yolo_training" / "nst-seed0")
    assert files(run, logged(run)["nst-seed0"]) == {"manifest.json", "losses.csv", "batch.png"}
    assert (run.parent / "mlflow-artifacts").is_dir()


def test_the_answer_has_each_map_with_its_interval_and_the_report(run: Path) -> None:
    tracking.log(asked(run), results(run))
    one = logged(run)["05_result_visualization"]
    figures = {k: v for k, v in one.data.metrics.items() if k.startswith("results/")}
    assert figures["results/mAP50 0-all nst"] == 0.3
    assert [figures[f"results/mAP50 0-all nst {side}"] for side in SIDES] == [0.2, 0.4]
    assert figures["results/difference 0-all nst"] == 0.1
    assert [figures[f"results/difference 0-all nst {side}"] for side in SIDES] == [0.05, 0.15]
    assert one.data.tags["mlflow.note.content"] == "Yes.\n\nSurely.\n\nIt helps."
    assert {"report.html", "intervals.csv"} <= files(run, one)


def test_with_the_answer_each_training_learns_its_own_map(run: Path) -> None:
    tracking.log_run(Plan.of(asked(run)))
    assert "mAP50/0-all" not in logged(run)["nst-seed0"].data.metrics
    tracking.log(asked(run), results(run))
    assert logged(run)["nst-seed0"].data.metrics["mAP50/0-all"] == 0.3
    assert logged(run)["baseline-seed0"].data.metrics["mAP50/0-all"] == 0.2


def test_all_that_was_finished_before_it_was_switched_on_is_logged(run: Path) -> None:
    results(run)
    (run / "04_yolo_training" / "more-seed0").mkdir()  # not finished
    tracking.log_run(Plan.of(asked(run)))
    names = {"01_data_analysis", "baseline-seed0", "nst-seed0", "05_result_visualization"}
    assert set(logged(run)) == names


def test_the_run_whose_data_are_shared_is_logged_under_its_own_name(run: Path) -> None:
    other = run.with_name("study")
    values = params.YOLOTraining(run=str(other), data_run=str(run))
    seal(other / "04_yolo_training" / "baseline-seed0", values, "weights")
    tracking.log_run(Plan.of(asked(other).with_values(data_run=str(run))))
    assert logged(other)["baseline-seed0"].data.tags["data"] == "minidrive"
    assert len(logged(run)) == 3


def test_what_is_run_again_is_logged_once(run: Path) -> None:
    tracking.log_run(Plan.of(asked(run)))
    first = logged(run)["nst-seed0"].info.run_id
    detector(run, "nst")  # sealed again: other times, the same weights
    tracking.log_run(Plan.of(asked(run)))
    assert logged(run)["nst-seed0"].info.run_id == first


def test_another_training_is_another_run(run: Path) -> None:
    folder = run / "04_yolo_training" / "nst-seed0"
    tracking.log(asked(run), folder)
    (folder / "weights.pt").write_text("of other steps")
    tracking.log(asked(run), folder)
    store = client(run)
    found = store.search_runs([store.get_experiment_by_name("sim2real/run").experiment_id])
    assert [one.info.run_name for one in found] == ["nst-seed0"] * 2
    assert len({one.data.tags["artifact"] for one in found}) == 2


def test_what_was_cut_short_is_completed(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise ConnectionError("gone")

    folder = run / "04_yolo_training" / "nst-seed0"
    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifact", gone)
        tracking.log(asked(run), folder)
    assert logged(run)["nst-seed0"].info.status == "RUNNING"
    tracking.log(asked(run), folder)
    one = logged(run)["nst-seed0"]
    assert one.info.status == "FINISHED"
    assert len(client(run).get_metric_history(one.info.run_id, "loss/box")) == 12


def test_a_server_that_has_gone_costs_no_training_and_is_mentioned_once(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tracking.log_run(Plan.of(asked(run, NOWHERE)))
    (line,) = capsys.readouterr().out.splitlines()
    assert "finished and on disk; to run it again logs it" in line
    assert NOWHERE in line


@pytest.mark.parametrize(("damaged", "text"), [("losses.csv", ""), ("manifest.json", "{}")])
def test_whatever_goes_wrong_costs_no_training(
    run: Path, capsys: pytest.CaptureFixture[str], damaged: str, text: str
) -> None:
    folder = run / "04_yolo_training" / "nst-seed0"
    (folder / damaged).write_text(text)
    tracking.log(asked(run), folder)
    (line,) = capsys.readouterr().out.splitlines()
    assert "finished and on disk" in line


def test_a_database_that_another_process_holds_stops_a_person_in_seconds_and_one_line(
    run: Path, guarded: SimpleNamespace
) -> None:
    code = """
import sqlite3, time
from pathlib import Path
p = params.Run(run=sys.argv[1], mlflow=True)
tracking.check(p)
held = sqlite3.connect(p.folder.with_name("mlflow.db"), isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
started = time.monotonic()
tracking.log_run(Plan.of(p))
assert time.monotonic() - started < 15
"""
    (line,) = guarded.run(code, str(run))
    assert "database is locked" in line


@pytest.mark.parametrize("what", ["read-only", "a folder", "no database"])
def test_a_database_that_cannot_be_written_stops_a_person_at_once(run: Path, what: str) -> None:
    file = run.with_name("mlflow.db")
    tracking.check(asked(run))
    if what == "read-only":
        if os.geteuid() == 0:
            pytest.skip("root writes what it likes")
        file.chmod(0o444)
    else:
        file.unlink()
        file.mkdir() if what == "a folder" else file.write_bytes(b"hello" * 999)
    started = time.monotonic()
    with pytest.raises(InputError, match=r"mlflow\.db: MLflow failed"):
        tracking.check(asked(run))
    assert time.monotonic() - started < 10


def test_a_class_may_have_a_name_that_mlflow_would_refuse(run: Path) -> None:
    folder = run / "01_data_analysis"
    merged = {"van (large), old": "car"}
    seal(folder, params.DataAnalysis(run=str(run), merge_classes=merged), "frames")
    tracking.log(asked(run), folder)
    logged_params = logged(run)["01_data_analysis"].data.params
    assert logged_params["merge_classes.van _large__ old"] == "car"


def test_a_server_that_does_not_answer_stops_a_person_and_no_job_of_a_batch(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="Look at the parameter mlflow"):
        tracking.check(asked(run, NOWHERE))
    monkeypatch.setenv("SIM2REAL_BATCH", "04 nst")
    tracking.check(asked(run, NOWHERE))


def test_without_mlflow_the_remedy_is_named(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="needs MLflow") as caught:
        tracking.check(asked(run))
    assert "pip install" in str(caught.value)
    tracking.check(asked(run, False))  # not asked for, not needed


@pytest.mark.parametrize("address", ["true", "mlflow.db", "http://me:secret@host", "ftp://host"])
def test_an_address_that_is_none_is_refused_with_the_parameters(address: str) -> None:
    with pytest.raises(InputError, match="must be True, False, or a server"):
        params.YOLOTraining.parse({"mlflow": address})


def test_no_manifest_key_or_report_knows_of_it() -> None:
    on = params.YOLOTraining.parse({"mlflow": True})
    assert on.model_dump() == params.YOLOTraining().model_dump()
    assert on.with_values(arm="nst").mlflow is True


def test_it_draws_no_random_number_that_a_training_would_have_drawn(run: Path) -> None:
    def state() -> list[object]:
        numpy, drawn = np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
        return [random.getstate(), numpy, drawn]

    before = state()
    tracking.check(asked(run))
    tracking.log_run(Plan.of(asked(run)))
    assert state() == before


@pytest.fixture
def guarded() -> SimpleNamespace:
    """Code that runs in a process where no address but loopback can be reached."""
    guard = """
import socket, sys
tried = []
def refuse(*args, **kwargs):
    tried.append(args)
    raise OSError("no network here")
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
from sim2real_lib import params, tracking
from sim2real_lib.plan import Plan
"""

    def run(code: str, *arguments: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", guard + code, *arguments],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.splitlines()

    return SimpleNamespace(run=run)


def test_nothing_is_sent_anywhere(run: Path, guarded: SimpleNamespace) -> None:
    code = """
p = params.Run(run=sys.argv[1], mlflow=True)
tracking.check(p)
tracking.log_run(Plan.of(p))
import time; time.sleep(2)  # usage data would be sent from a thread, in a while
assert not tried, tried
"""
    said = guarded.run(code, str(run))
    assert said[0].startswith("In MLflow: sim2real/run")
    assert len(logged(run)) == 3


def test_where_it_is_off_mlflow_is_not_even_imported(run: Path, guarded: SimpleNamespace) -> None:
    code = """
p = params.Run(run=sys.argv[1])
tracking.check(p)
tracking.log_run(Plan.of(p))
assert "mlflow" not in sys.modules
"""
    run.with_name("mlflow.db").unlink()
    assert guarded.run(code, str(run)) == []
    assert not run.with_name("mlflow.db").exists()
