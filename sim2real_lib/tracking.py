"""What a run made, in MLflow: each finished artifact is a run of the experiment `sim2real/<run>`.

`mlflow` in run.yaml, or in a notebook's parameters, switches it on. All that is logged is read
from the artifact's folder once its manifest is written: logging changes no result, may fail
without loss, and can be done later. MLflow is imported only here, and only where it is on.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.verdict import decide
from sim2real_lib.files import MANIFEST, key, read_manifest, resolve, sha256
from sim2real_lib.plan import ANALYSIS, DETECTORS, RESULTS, Plan
from sim2real_lib.profiles import WHICH, flat
from sim2real_lib.run_folder import RunFolder
from sim2real_lib.strict import Params

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

INSTALL = ".venv/bin/pip install --constraint constraints.txt --editable '.[tracking]'"
# MLflow sends its makers usage data unless the first is set before it is imported.
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
# Its own patience with a server that is gone is many minutes.
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
# The file that tells two results of the same parameters and inputs apart.
MADE = {
    ANALYSIS: "catalog/frames.parquet",
    "02_cyclegan_training": "preservation.parquet",
    "03_nst_generation": "preservation.parquet",
    DETECTORS: "weights.pt",
    RESULTS: "intervals.csv",
}
POINTS = 1000  # of a loss curve, at most
LARGEST = 50_000_000  # bytes of a file that is logged; the others stay in the folder alone


def check(p: Params) -> None:
    """Stop before any work where what `mlflow` asks for cannot be had.

    A job of a batch does not ask the server again: one that has gone since costs no training.

    Raises:
        InputError: MLflow is not installed, its file cannot be written, or the server not reached.
    """
    if not p.mlflow:
        return
    if not all(map(find_spec, ("mlflow", "alembic"))):
        raise InputError("needs MLflow", where="mlflow", remedy=f"Run: {INSTALL}")
    if "SIM2REAL_BATCH" not in os.environ:
        with _opened(p):
            pass


def log(p: Params, folder: Path) -> None:
    """Log a finished artifact unless it has been; where that fails, say so and go on.

    Args:
        p: the notebook's parameters; without `mlflow` nothing happens.
        folder: the artifact's, below the run's.
    """
    if p.mlflow:
        _logged(p, [folder])


def log_run(plan: Plan) -> None:
    """Log all that is finished of a run, and of the run whose data it shares, as `log` does."""
    homes = dict.fromkeys([plan.data, *plan.homes.values()]) if plan.run.mlflow else ()
    for home in homes:
        if not _logged(plan.run.with_values(run=home)):
            return


def _logged(p: Params, folders: Sequence[Path] = ()) -> bool:
    """Whether artifacts, all that are finished if none is named, are in MLflow; prints it."""
    try:
        with _opened(p) as (client, experiment):
            for folder in folders or map(p.folder.joinpath, RunFolder.read(p.folder).manifests):
                _log(client, experiment, p, folder)
    except InputError as error:
        print(f"Not in MLflow, though finished and on disk; to run it again logs it. {error}")
        return False
    print(f"In MLflow: {_name(p)}, {_uri(p)}")
    if p.mlflow is True:
        viewer = f"uvx mlflow=={version('mlflow-skinny')} ui --backend-store-uri '{_uri(p)}'"
        print(f"To look at it: MLFLOW_DISABLE_TELEMETRY=true {viewer}")
    return True


def _uri(p: Params) -> str:
    """The server, or the file beside the run's folder."""
    return f"sqlite:///{p.folder.parent / 'mlflow.db'}" if p.mlflow is True else str(p.mlflow)


def _name(p: Params) -> str:
    return f"sim2real/{p.folder.name}"


def _experiment(client: "MlflowClient", p: Params) -> str:
    """The id of the run's experiment, which is made if need be."""
    if known := client.get_experiment_by_name(_name(p)):
        return known.experiment_id
    beside = (p.folder.parent / "mlflow-artifacts").as_uri() if p.mlflow is True else None
    return client.create_experiment(_name(p), beside)


@contextmanager
def _opened(p: Params) -> Iterator[tuple["MlflowClient", str]]:
    """MLflow's client and the id of the run's experiment.

    Raises:
        InputError: whatever goes wrong, here or in the block: were it to stop the notebook,
            Snakemake would take the finished artifact for a failed one.
    """
    os.environ |= QUIET | {name: os.environ.get(name, IMPATIENT[name]) for name in IMPATIENT}
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # it prints whole tracebacks
    try:
        if p.mlflow is True:
            _refuse_unwritable(p.folder.parent / "mlflow.db")
        client = MlflowClient(_uri(p))
        yield client, _experiment(client, p)
    except InputError:
        raise
    except Exception as error:
        said = shorten(f"{type(error).__name__}: {error}", 180, placeholder="…")
        remedy = "Look at the parameter mlflow: True, False, or a server's address"
        raise InputError(f"MLflow failed: {said}", where=_uri(p), remedy=remedy) from error


def _refuse_unwritable(file: Path) -> None:
    """Fail at once where MLflow's file is locked, read-only or no database: MLflow itself goes on
    trying for minutes, and opens a file that it cannot write."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(file)) as database:  # it waits 5 seconds for a lock
        database.execute("BEGIN IMMEDIATE")
        database.execute("CREATE TABLE never_kept (x)")  # a read-only file lets one begin


def _log(client: "MlflowClient", experiment: str, p: Params, folder: Path) -> str:
    """Log an artifact unless it has been; what was cut short is completed.

    Returns:
        the id of its run in MLflow.
    """
    from mlflow.entities import Metric, Param

    manifest = read_manifest(folder, "Run its notebook again")
    name = folder.relative_to(p.folder).as_posix()
    notebook, _, own = name.partition("/")
    # Of what was asked and made, not of when: a notebook that is run again makes the same.
    made = sha256(folder / MADE[notebook])
    identity = key(name, manifest["params"], manifest["inputs"], made)
    found = client.search_runs([experiment], f"tags.artifact = '{identity}'", max_results=1)
    if found and found[0].info.status == "FINISHED":
        return found[0].info.run_id
    end = int(datetime.fromisoformat(manifest["finished"]).timestamp() * 1000)
    run_id = found[0].info.run_id if found else client.create_run(
        experiment,
        start_time=end - int(manifest["seconds"] * 1000),
        tags=_tags(p, notebook, manifest) | {"artifact": identity, "folder": str(folder)},
        run_name=own or notebook,
    ).info.run_id  # fmt: skip
    params = (Param(_allowed(name), value) for name, value in flat(manifest["params"]).items())
    for some in _batches(params):
        client.log_batch(run_id, params=some)
    figures = _figures(manifest) | (_results(folder) if notebook == RESULTS else {})
    _log_metrics(client, run_id, (Metric(name, value, end, 0) for name, value in figures.items()))
    _log_metrics(client, run_id, _curves(folder / manifest.get("training", ""), end))
    for path in _small_files(p, folder, notebook, manifest):
        client.log_artifact(run_id, str(path))
    if notebook == RESULTS:
        for detector, scores in _scores(folder).items():
            its = _log(client, experiment, p, p.folder / DETECTORS / detector)
            _log_metrics(client, its, (Metric(name, v, end, 0) for name, v in scores.items()))
    client.set_terminated(run_id, end_time=end)
    return run_id


def _allowed(name: str) -> str:
    """A parameter's name as MLflow takes it: a class such as "van (large)" is part of some."""
    return re.sub(r"[^\w. -]", "_", name)


def _tags(p: Params, notebook: str, manifest: Mapping[str, Any]) -> dict[str, str]:
    """What one looks for a run by: run, notebook, which artifact, data, code and input hashes."""
    params = manifest["params"]
    analysed = resolve(params.get("data_run") or p.folder) / ANALYSIS
    tags = {
        "run": p.folder.name,
        "notebook": notebook,
        "data": read_manifest(analysed, "Run notebook 01 again")["params"]["data"],
        "code": manifest["code"],
        **flat({name: params[name] for name in WHICH.get(notebook, ()) if name in params}),
        **{f"input/{name}": digest for name, digest in manifest["inputs"].items()},
    }
    if "verdict" in manifest:
        said = (manifest[name] for name in ("verdict", "caveats", "answer"))
        tags["mlflow.note.content"] = "\n\n".join(said)
    return tags


def _figures(manifest: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a manifest: seconds, in all and by step, frames and the like."""
    timings = {f"seconds/{step}": taken for step, taken in manifest["timings"].items()}
    return timings | {name: v for name, v in manifest.items() if isinstance(v, int | float)}


def _results(folder: Path) -> dict[str, float]:
    """mAP, difference from baseline and share of the gap, by bin and arm, with their intervals."""
    tables = {
        name: pd.read_csv(path, index_col=["slice", "arm"])
        for name in ("intervals", "gains", "gaps", "seeds")
        if (path := folder / f"{name}.csv").is_file()
    }
    gains = decide(tables["gains"], tables["seeds"])
    asked = {
        "mAP50": tables["intervals"][["map50", "low", "high"]],
        "difference": gains[["gain", "low", "high"]],
        "gap closed": tables["gaps"][["share", "low", "high"]] if "gaps" in tables else gains[:0],
    }
    return {
        f"results/{what} {where} {arm}{end}": float(value)
        for what, table in asked.items()
        for (where, arm), *row in table.itertuples(name=None)
        for end, value in zip(("", " low", " high"), row, strict=True)
        if pd.notna(value)
    }


def _scores(folder: Path) -> dict[str, dict[str, float]]:
    """Detector such as "nst-seed0" -> its own mAP in each bin of occluded vehicles."""
    table = pd.read_csv(folder / "scores.csv")
    bins = table[(table["kind"] == "occlusion") & (table["class"] == "all")].dropna(subset="map50")
    return {
        f"{arm}-seed{seed}": dict(zip("mAP50/" + rows["slice"], rows["map50"], strict=True))
        for (arm, seed), rows in bins.groupby(["arm", "seed"])
    }


def _curves(folder: Path, at: int) -> Iterator["Metric"]:
    """The losses of a training, by step or epoch; a long one's thinned out evenly."""
    from mlflow.entities import Metric

    if not (folder / "losses.csv").is_file():
        return
    losses = pd.read_csv(folder / "losses.csv").drop(columns="seconds", errors="ignore")
    some = losses.iloc[:: len(losses) // POINTS + 1]
    step, *names = some.columns
    for name in names:
        for number, value in zip(some[step], some[name], strict=True):
            yield Metric(f"loss/{name}", float(value), at, int(number))


def _small_files(
    p: Params, folder: Path, notebook: str, manifest: Mapping[str, Any]
) -> Iterator[Path]:
    """Manifest, tables, pictures and the report; no weights and no images."""
    trained = folder / manifest.get("training", "")
    files = [folder / MANIFEST, *folder.glob("*.csv"), *folder.glob("*.png")]
    if trained != folder:
        files += [trained / "losses.csv", *sorted(trained.glob("samples/*.png"))[-1:]]
    if notebook == RESULTS:
        files += [p.folder / "report.html", p.folder / "results.csv"]
    return (path for path in files if path.is_file() and path.stat().st_size <= LARGEST)


def _log_metrics(client: "MlflowClient", run_id: str, metrics: Iterator["Metric"]) -> None:
    for some in _batches(metrics, 1000):
        client.log_batch(run_id, metrics=some)


def _batches(items: Iterator[Any], size: int = 100) -> Iterator[list[Any]]:
    """As many at once as MLflow takes: 100 parameters, 1000 metrics."""
    while some := list(islice(items, size)):
        yield some
