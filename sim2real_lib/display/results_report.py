"""A run's results as files, and as the one page that someone can mail."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sim2real_lib.catalog import Catalog
from sim2real_lib.display import data_plots, result_sections, translation_sections
from sim2real_lib.display.evidence import Evidence
from sim2real_lib.display.report import Facts, Picture, Section, Table, write_report
from sim2real_lib.display.result_tables import in_short
from sim2real_lib.evaluation.arm_names import arm_of
from sim2real_lib.files import MANIFEST, Artifact, read_manifest, whole_file, write_json
from sim2real_lib.params import ResultVisualization
from sim2real_lib.profiles import DETECTORS
from sim2real_lib.run_folder import run_manifest

QUESTION = (
    "Does translating the synthetic weather help a detector in real fog, rain and under grey skies?"
)
NOTICE = "MiniDrive, a procedural street world: these are not results on real data."


def write(p: ResultVisualization, artifact: Artifact, found: Evidence) -> Path:
    """Seal the artifact and write the run's `results`, `report.html` and, last, `manifest.json`.

    The results come as CSV, rounded, and as parquet, as they were computed.

    Args:
        p: the notebook's parameters.
        artifact: where the other tables and the manifest go.
        found: what to report.

    Returns:
        the report.
    """
    analysed = read_manifest(
        p.data_folder / "01_data_analysis", "Run notebook 01_data_analysis again"
    )
    minidrive = analysed["params"]["data"] == "minidrive"
    compared = found.compared
    kept = None if found.labels is None else found.labels.summary(p.lost_below)
    tables = _tables(p, artifact.folder, found, kept)
    for path in set(artifact.folder.glob("*.csv")) - set(tables):
        path.unlink()  # of an earlier run with other arms: a gap without an oracle, for one
    for path, table in tables.items():
        with whole_file(path) as temporary:
            table.round(4).to_csv(temporary)
    with whole_file(p.folder / "results.parquet") as temporary:
        compared.results.join(found.times).to_parquet(temporary)
    artifact.seal(
        answer=compared.answer,
        verdict=compared.verdict,
        caveats=compared.caveats,
        data=analysed["params"]["data"],
    )
    of_run = run_manifest(p.folder, p.data_folder)
    trained = [name for name in of_run["artifacts"] if name.startswith(DETECTORS)]
    detectors = {
        name.split("/")[1]: read_manifest(p.folder / name, "Run 04_yolo_training again")
        for name in trained
    }
    standing = in_short(compared, len(found.asked), p.test_weathers, found.drawn, p.convention)
    sections = result_sections.all_of_them(p, found)
    if kept is not None and found.distances is not None:
        sections += [
            translation_sections.pictures(found.shown, found.charts),
            translation_sections.labels(kept, found.charts),
            translation_sections.distances(found.distances, found.notice, found.charts),
        ]
    report = write_report(
        p.folder / "report.html",
        title=f"sim2real · {p.folder.name}",
        question=QUESTION,
        answer=compared.verdict,
        details=[
            compared.caveats,
            f"In {compared.results.columns[-1]}: {compared.answer}",
            standing,
        ],
        notice=NOTICE if minidrive else "",
        sections=[*sections, _data(found.data, detectors), _run(of_run, found.times)],
    )
    write_json(p.folder / MANIFEST, of_run)
    return report


def _tables(
    p: ResultVisualization, folder: Path, found: Evidence, kept: pd.DataFrame | None
) -> dict[Path, pd.DataFrame]:
    """File -> what is written there."""
    compared = found.compared
    tables = {
        "gains": compared.gains,
        "intervals": compared.intervals,
        "seeds": compared.seeds,
        "scores": found.scored.set_index(["arm", "seed", "kind", "slice", "class"]),
        "errors": found.mistakes,
    }
    if len(compared.gaps):
        tables["gaps"] = compared.gaps
    if kept is not None and found.distances is not None:
        tables["preservation"] = kept
        tables["distances"] = found.distances.set_index(["style", "translator", "measure"])
    results = {p.folder / "results.csv": compared.results.join(found.times)}
    return results | {folder / f"{name}.csv": table for name, table in tables.items()}


def _data(data: Catalog, detectors: Mapping[str, Mapping[str, Any]]) -> Section:
    """What there was to learn from and to be tested on, and what each arm made of it.

    Args:
        data: the catalog.
        detectors: "nst-seed0" -> its manifest.
    """
    objects = data.boxes.loc[~data.boxes["ignore"], "frame_id"].value_counts()
    counted = data.frames.assign(objects=data.frames["frame_id"].map(objects).fillna(0))
    each = counted.groupby(["source", "split"], sort=False)
    there = each.agg(drives=("sequence", "nunique"), frames=("frame_id", "size"))
    there["objects"] = each["objects"].sum().astype(int)
    there["weathers"] = each["weather"].unique().map(", ".join)
    arms = {
        arm_of(name): (made["frames"], ", ".join(made.get("translated", [])) or "–")
        for name, made in detectors.items()
    }
    rows = [(arm, *values) for arm, values in arms.items()]
    return Section(
        "The data",
        [
            Table(there.reset_index(), caption="Frames and labelled objects by data set and split"),
            Table(
                pd.DataFrame(rows, columns=["arm", "frames", "translated"]),
                caption="What each arm trained on",
            ),
            Picture(data_plots.weather_by_time(data.frames)),
        ],
    )


def _run(manifest: Mapping[str, Any], times: pd.DataFrame) -> Section:
    """What it cost, on what, and every parameter."""
    cost = "Seconds of wall time, the mean over seeds: translators trained and frames translated, "
    where = {name: manifest[name] for name in ("code", "platform")} | manifest["packages"]
    return Section(
        "The run",
        [
            Table(times.reset_index(), caption=f"{cost}the detector trained, and tested"),
            Facts(where, caption="Code and packages"),
            *(
                Facts(values, caption=f"Parameters of {notebook}")
                for notebook, values in manifest["params"].items()
            ),
        ],
    )
