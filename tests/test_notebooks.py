"""What is promised of the notebooks: cell and model agree, and all five run, in any folder."""

import ast
import json
import shutil
from pathlib import Path

import nbformat
import pandas as pd
import papermill
import pytest
from mlflow import MlflowClient
from papermill.exceptions import PapermillExecutionError

from sim2real_lib import catalog, notebook_git, params
from sim2real_lib.files import ROOT, read_manifest
from sim2real_lib.translation import structure

NOTEBOOKS = {name: ROOT / "notebooks" / f"{name}.ipynb" for name in params.NOTEBOOKS}
each_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


def cells(name: str) -> list:
    return nbformat.read(NOTEBOOKS[name], as_version=4).cells


def parameters_cell(name: str) -> str:
    (cell,) = [c for c in cells(name) if "parameters" in c.metadata.get("tags", [])]
    return cell.source


@each_notebook
def test_the_parameters_cell_holds_the_models_names_and_defaults(name: str) -> None:
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(parameters_cell(name)).body
    }
    model = params.NOTEBOOKS[name]
    assert list(values) == list(model.model_fields)
    assert model.parse(values) == model()


@each_notebook
def test_every_parameter_has_a_comment(name: str) -> None:
    source = parameters_cell(name)
    lines = source.splitlines()
    for node in ast.parse(source).body:
        assert "  # " in lines[node.end_lineno - 1], lines[node.lineno - 1]


@each_notebook
def test_no_later_cell_takes_a_parameters_name(name: str) -> None:
    """Else the parameters could not be read again after the notebook has run."""
    code = [cell.source for cell in cells(name) if cell.cell_type == "code"]
    code.remove(parameters_cell(name))
    nodes = [node for source in code for node in ast.walk(ast.parse(source))]
    taken = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    assert taken & set(params.NOTEBOOKS[name].model_fields) == set()


@each_notebook
def test_the_demo_profile_is_what_the_cell_says(name: str) -> None:
    model = params.NOTEBOOKS[name]
    assert model.from_yaml(f"params/demo/{name}.yaml") == model()


def test_notebooks_are_committed_without_outputs() -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert list(notebook_git.traces(path)) == [], path.name


@each_notebook
def test_no_cell_is_longer_than_a_screen(name: str) -> None:
    for cell in cells(name):
        if "parameters" not in cell.metadata.get("tags", []):
            assert len(cell.source.splitlines()) <= 20, cell.source


@each_notebook
def test_what_is_finished_is_logged_at_the_end(name: str) -> None:
    assert cells(name)[-1].source.endswith("tracking.log(p, artifact.folder)")


def run(name: str, output: Path, **parameters: object) -> nbformat.NotebookNode:
    """A notebook on params/smoke, through papermill's API."""
    smoke = params.NOTEBOOKS[name].from_yaml(f"params/smoke/{name}.yaml")
    values = json.loads(smoke.model_dump_json()) | parameters
    return papermill.execute_notebook(
        NOTEBOOKS[name], output, values, kernel_name="python3", progress_bar=False
    )


def failure(name: str, output: Path, **parameters: object) -> str:
    """The error that a notebook stops with."""
    with pytest.raises(PapermillExecutionError) as caught:
        run(name, output, **parameters)
    assert caught.value.ename == "InputError"
    # One line, and no wall of traceback above it.
    assert caught.value.traceback == [f"InputError: {caught.value.evalue}"]
    return caught.value.evalue


pytestmark = pytest.mark.xdist_group("notebooks")


@pytest.fixture(scope="module")
def smoke_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run, notebook after notebook, from a working directory that is not the project's."""
    home = tmp_path_factory.mktemp("smoke")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        steps: list[tuple[str, dict]] = [
            ("01_data_analysis", {}),
            *(
                (params.TRANSLATORS[name], {"translator": name, "style": "fog"})
                for name in ("cyclegan", "fastcut", "nst", "adain", "fda")
            ),
            *(("04_yolo_training", {"arm": arm}) for arm in ("baseline", "cyclegan")),
            ("05_result_visualization", {}),
        ]
        for position, (name, values) in enumerate(steps):
            run(name, home / f"{position}-{name}.ipynb", run=str(home / "run"), **values)
    return home / "run"


@pytest.mark.notebooks
def test_01_leaves_a_catalog_without_a_leak(smoke_run: Path) -> None:
    folder = smoke_run / "01_data_analysis"
    manifest = read_manifest(folder, "")
    frames = catalog.load(folder / "catalog").frames
    assert manifest["leaks"] == 0
    assert set(frames["split"]) == {"train", "val", "test"}
    drives = frames[frames["source"] != "bdd100k"].groupby("sequence")["split"].nunique()
    assert (drives == 1).all()


@pytest.mark.notebooks
@pytest.mark.parametrize("translator", ["cyclegan", "fastcut", "nst", "adain", "fda"])
def test_02_and_03_leave_frames_of_the_same_size_with_the_same_boxes(
    smoke_run: Path, translator: str
) -> None:
    from sim2real_lib import images

    data = catalog.load(smoke_run / "01_data_analysis" / "catalog")
    variant = f"{translator}-fog"
    made = catalog.load(params.translation_folder(smoke_run, variant) / "catalog")
    assert len(made) > 0
    sides = ["class", "left", "top", "right", "bottom"]
    for frame in made.frames.itertuples():
        source = data.where(data.frames["frame_id"] == frame.frame_id.removeprefix(f"{variant}/"))
        assert images.size(frame.image) == images.size(source.frames["image"].iloc[0])
        boxes = made.boxes[made.boxes["frame_id"] == frame.frame_id]
        pd.testing.assert_frame_equal(
            boxes[sides].reset_index(drop=True), source.boxes[sides].reset_index(drop=True)
        )
    kept = pd.read_parquet(params.translation_folder(smoke_run, variant) / structure.FILE)
    assert set(kept["variant"]) <= {variant} and kept["agreement"].dropna().between(-1, 1).all()


@pytest.mark.notebooks
def test_04_trains_the_arms_on_equally_many_frames_and_tests_them_on_the_same(
    smoke_run: Path,
) -> None:
    baseline, cyclegan = (
        read_manifest(smoke_run / "04_yolo_training" / f"{arm}-seed0", "")
        for arm in ("baseline", "cyclegan")
    )
    assert baseline["frames"] == cyclegan["frames"]
    assert baseline["tested"] == cyclegan["tested"] > 0


@pytest.mark.notebooks
def test_05_leaves_one_offline_report_and_the_table(smoke_run: Path) -> None:
    results = pd.read_csv(smoke_run / "results.csv", index_col="arm")
    assert list(results.index) == ["baseline", "cyclegan"]
    assert results[["0-5", "0-10", "0-all"]].notna().all().all()
    made = smoke_run / "05_result_visualization"
    variants = ["cyclegan-fog", "fastcut-fog", "nst-fog", "adain-fog", "fda-fog"]
    assert pd.read_csv(made / "preservation.csv")["variant"].tolist() == variants
    distances = pd.read_csv(made / "distances.csv")
    assert set(distances["measure"]) == {"KID", "C2ST", "FID"} and len(distances) == 15
    for table in ("gains", "seeds", "scores", "errors"):
        assert (made / f"{table}.csv").is_file()
    page = (smoke_run / "report.html").read_text()
    assert "Why?" in page and "published: baseline" in page
    assert "Do the labels still hold?" in page and "How far is the domain closed?" in page
    assert "MiniDrive" in page
    assert 'src="http' not in page and 'href="http' not in page


@pytest.mark.notebooks
def test_detectors_can_share_another_runs_data_and_05_needs_no_translation(
    smoke_run: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    values = {"run": str(own), "arm": "baseline", "data_run": str(smoke_run)}
    run("04_yolo_training", tmp_path / "04.ipynb", **values)
    manifest = read_manifest(own / "04_yolo_training" / "baseline-seed0", "")
    first = read_manifest(smoke_run / "04_yolo_training" / "baseline-seed0", "")
    assert manifest["inputs"] == first["inputs"] and manifest["replaced"] == {}
    # With a catalog of its own and nothing translated, the comparison has less to show.
    shutil.copytree(smoke_run / "01_data_analysis", own / "01_data_analysis")
    run("05_result_visualization", tmp_path / "05.ipynb", run=str(own))
    page = (own / "report.html").read_text()
    assert "Where does it help?" in page and "Do the labels still hold?" not in page


@pytest.mark.notebooks
def test_a_notebook_tells_mlflow_what_it_made_where_it_is_asked_to(
    smoke_run: Path, tmp_path: Path
) -> None:
    own = {"run": str(tmp_path / "own"), "data_run": str(smoke_run), "mlflow": True}
    done = run("04_yolo_training", tmp_path / "04.ipynb", **own)
    said = "".join(output.get("text", "") for output in done.cells[-1].outputs)
    assert "In MLflow: sim2real/own" in said
    store = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = store.get_experiment_by_name("sim2real/own")
    (one,) = store.search_runs([experiment.experiment_id])
    assert one.data.tags["arm"] == "baseline" and "loss/box" in one.data.metrics
    assert "mlflow" not in read_manifest(Path(one.data.tags["folder"]), "")["params"]


@pytest.mark.notebooks
def test_a_server_that_does_not_answer_stops_a_notebook_before_any_work(tmp_path: Path) -> None:
    own = {"run": str(tmp_path / "own"), "mlflow": "http://127.0.0.1:9"}
    said = failure("02_cyclegan_training", tmp_path / "out.ipynb", **own)
    assert "Look at the parameter mlflow" in said
    assert not (tmp_path / "own").exists()


@pytest.mark.notebooks
def test_nothing_is_written_outside_the_run(smoke_run: Path) -> None:
    beside = {path.name for path in smoke_run.parent.iterdir()}
    assert beside == {"run", *(path.name for path in smoke_run.parent.glob("*.ipynb"))}


@pytest.mark.notebooks
@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("01_data_analysis", {"frames_per_scnee": 3}, "did you mean 'frames_per_scene'"),
        ("02_cyclegan_training", {"style": "fogg"}, "style is 'fogg', must be one of 'fog'"),
        ("04_yolo_training", {"arm": "cyclgan"}, "must be one of baseline, cyclegan, nst, oracle"),
        ("04_yolo_training", {"iterations": "many"}, "iterations is 'many'"),
    ],
)
def test_a_wrong_parameter_stops_the_notebook_with_one_line(
    tmp_path: Path, name: str, values: dict, message: str
) -> None:
    assert message in failure(name, tmp_path / "out.ipynb", run=str(tmp_path / "run"), **values)
    assert not (tmp_path / "run").exists()


@pytest.mark.notebooks
@pytest.mark.parametrize("name", list(NOTEBOOKS)[1:])
def test_a_notebook_whose_predecessor_has_not_run_says_which(tmp_path: Path, name: str) -> None:
    said = failure(name, tmp_path / "out.ipynb", run=str(tmp_path / "run"))
    assert "Run notebook 0" in said


@pytest.mark.notebooks
def test_a_missing_data_set_stops_01_before_any_work(tmp_path: Path) -> None:
    roots = {f"{name}_root": str(tmp_path / name) for name in ("kitti", "vkitti2", "bdd100k")}
    said = failure(
        "01_data_analysis",
        tmp_path / "out.ipynb",
        run=str(tmp_path / "run"),
        data="folders",
        **roots,
    )
    assert str(tmp_path / "kitti") in said
    assert not (tmp_path / "run" / "01_data_analysis" / "manifest.json").exists()


@pytest.mark.notebooks
def test_an_unreadable_image_stops_01_by_name(smoke_run: Path, tmp_path: Path) -> None:
    import shutil

    (world,) = (smoke_run / "minidrive").iterdir()
    shutil.copytree(world, tmp_path / "world")
    broken = next((tmp_path / "world" / "kitti").rglob("*.png"))
    broken.write_bytes(broken.read_bytes()[:-200])
    roots = {f"{n}_root": str(tmp_path / "world" / n) for n in ("kitti", "vkitti2", "bdd100k")}
    said = failure(
        "01_data_analysis",
        tmp_path / "out.ipynb",
        run=str(tmp_path / "run"),
        data="folders",
        **roots,
    )
    assert f"{broken}: not a readable image" in said
