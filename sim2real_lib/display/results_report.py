"""A run's results as files, and as the one page that someone can mail."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sim2real_lib.display import result_sections, translation_sections
from sim2real_lib.display.evidence import Evidence
from sim2real_lib.display.report import Facts, Section, Table, write_report
from sim2real_lib.display.result_tables import in_short
from sim2real_lib.files import Artifact, read_manifest, whole_file
from sim2real_lib.params import ResultVisualization
from sim2real_lib.run_folder import write_manifest

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
    for path, table in _tables(p, artifact.folder, found).items():
        with whole_file(path) as temporary:
            table.round(4).to_csv(temporary)
    with whole_file(p.folder / "results.parquet") as temporary:
        compared.results.join(found.times).to_parquet(temporary)
    manifest = artifact.seal(
        answer=compared.answer, verdict=compared.verdict, data=analysed["params"]["data"]
    )
    standing = in_short(compared, len(found.asked), p.test_weathers, found.drawn, p.convention)
    sections = result_sections.all_of_them(p, found)
    if found.labels is not None and found.distances is not None:
        sections += [
            translation_sections.pictures(found.shown, found.charts),
            translation_sections.labels(found.labels.summary(p.lost_below), found.charts),
            translation_sections.distances(found.distances, found.notice, found.charts),
        ]
    report = write_report(
        p.folder / "report.html",
        title=f"sim2real · {p.folder.name}",
        question=QUESTION,
        answer=compared.verdict,
        details=[f"In {compared.results.columns[-1]}: {compared.answer}", standing],
        notice=NOTICE if minidrive else "",
        sections=[*sections, _run(p, manifest, found.times, minidrive)],
    )
    write_manifest(p.folder, p.data_folder)
    return report


def _tables(p: ResultVisualization, folder: Path, found: Evidence) -> dict[Path, pd.DataFrame]:
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
    if found.labels is not None and found.distances is not None:
        tables["preservation"] = found.labels.summary(p.lost_below)
        tables["distances"] = found.distances.set_index(["style", "translator", "measure"])
    results = {p.folder / "results.csv": compared.results.join(found.times)}
    return results | {folder / f"{name}.csv": table for name, table in tables.items()}


def _run(
    p: ResultVisualization, manifest: Mapping, times: pd.DataFrame, minidrive: bool
) -> Section:
    data = "MiniDrive (procedural)" if minidrive else "KITTI, Virtual KITTI 2, BDD100K"
    facts = {"data": data, **p.model_dump(), "packages": manifest["packages"]}
    facts |= {"code": manifest["code"], "platform": manifest["platform"]}
    cost = "Seconds of wall time, the mean over seeds: translators trained and frames translated, "
    return Section(
        "The run",
        [
            Table(times.reset_index(), caption=f"{cost}the detector trained, and tested"),
            Facts(facts),
        ],
    )
