"""A run's results as tables for the charts, and as the one page that someone can mail."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sim2real_lib import catalog
from sim2real_lib.catalog import Catalog
from sim2real_lib.detection.judge import Labels, finished_translations
from sim2real_lib.display import distance_plots, galleries, preservation_plots, result_plots
from sim2real_lib.display.report import (
    Beside,
    Block,
    Facts,
    Picture,
    Section,
    Table,
    Wipe,
    write_report,
)
from sim2real_lib.evaluation.comparison import BASELINE, ORACLE, Comparison, arm_of
from sim2real_lib.files import Artifact, read_manifest, whole_file
from sim2real_lib.params import STYLES, TRANSLATORS, ResultVisualization, translation_folder
from sim2real_lib.translation.domains import pairs

QUESTION = (
    "Does translating the synthetic weather help a detector in real fog, rain and under grey skies?"
)
NOTICE = "MiniDrive, a procedural street world: these are not results on real data."
# mAP@0.5 on BDD100K as the original team published it (Phot0Synthesis/sim2real, June 2022).
PUBLISHED = pd.DataFrame(
    {"0-5": [0.379, 0.413, 0.376], "0-10": [0.358, 0.387, 0.355], "0-all": [0.342, 0.365, 0.336]},
    index=pd.Index(["baseline", "cyclegan", "nst"], name="arm"),
)


CAPTION_KEPT = (
    "lost: share of the objects found before that are not found after, with its 95% interval; "
    "hallucinated: detections a frame where nothing was; agreement: of the edges, the median; "
    "below: share of boxes whose edges agree too little; agree: how often both say the same."
)


def long(compared: Comparison) -> pd.DataFrame:
    """Columns arm, bin, map50: for `result_plots.map_by_bin`."""
    return melted(compared.results, "bin")


def melted(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """A row an (arm, column): columns arm, `name`, map50."""
    return table.reset_index().melt("arm", var_name=name, value_name="map50")


def differences(compared: Comparison) -> pd.DataFrame:
    """Columns bin, arm, difference, low, high: for `result_plots.difference_forest`."""
    gains = compared.gains.reset_index()
    return gains.rename(columns={"slice": "bin", "gain": "difference"})


def seconds(run: Path, folders: Mapping[str, Path]) -> pd.DataFrame:
    """What each arm cost: columns `translate` (networks trained and frames translated), `train`
    and `test`, in seconds of wall time, the mean over seeds."""
    rows = []
    for name, folder in folders.items():
        manifest = read_manifest(folder, "Run notebook 04_yolo_training again")
        variants = sorted(manifest.get("replaced", {}).values())
        made = [read_manifest(translation_folder(run, v), "Run it again") for v in variants]
        spent = sum(sum(each["timings"].values()) for each in made)
        rows.append(
            (arm_of(name), spent, manifest["timings"]["train"], manifest["timings"]["test"])
        )
    table = pd.DataFrame(rows, columns=["arm", "translate s", "train s", "test s"])
    return table.groupby("arm", sort=False).mean().round().astype(int)


def translations(run: Path, data: Catalog) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Every translated frame of a run beside its original, and style -> images of the target."""
    found = []
    targets: dict[str, list[str]] = {}
    for variant, folder in finished_translations(run).items():
        translator, _, style = variant.partition("-")
        manifest = read_manifest(folder, f"Run notebook {TRANSLATORS[translator]} again")
        found.append(pairs(data, catalog.load(folder / "catalog")))
        targets.setdefault(style, manifest["targets"])
    columns = ["frame_id", "style", "translator", "original", "translated"]
    return pd.concat(found or [pd.DataFrame(columns=columns)], ignore_index=True), targets


def write(
    p: ResultVisualization,
    artifact: Artifact,
    compared: Comparison,
    table: pd.DataFrame,
    weathers: pd.DataFrame,
    shown: pd.DataFrame,
    targets: Mapping[str, list[str]],
    labels: Labels | None,
    distances: pd.DataFrame | None,
    notice: str,
) -> Path:
    """Write `results.csv` and `report.html` into the run's folder and seal the artifact.

    Args:
        p: the notebook's parameters.
        artifact: where the manifest goes.
        compared: the comparison.
        table: a row an arm: mAP@0.5 by bin, and its seconds.
        weathers: mAP@0.5 by weather.
        shown: translated frames beside their originals, as `translations` gives.
        targets: style -> images of the target.
        labels: whether they survived translation; None: nothing was translated.
        distances: of each translation from its target, as `judge.distances` gives, and `notice`,
            in whose features.
    """
    analysed = read_manifest(
        p.data_folder / "01_data_analysis", "Run notebook 01_data_analysis again"
    )
    minidrive = analysed["params"]["data"] == "minidrive"
    with whole_file(p.folder / "results.csv") as temporary:
        table.round(4).to_csv(temporary)
    tables = {"gains": compared.gains}
    translated = []
    if labels is not None and distances is not None:
        tables["preservation"] = labels.summary(p.lost_below)
        tables["distances"] = distances.set_index(["style", "translator", "measure"])
        translated = [_pictures(p, shown, targets), _labels(p, labels)]
        translated += [_distances(distances, notice)]
    for name, each in tables.items():
        with whole_file(artifact.folder / f"{name}.csv") as temporary:
            each.round(4).to_csv(temporary)
    manifest = artifact.seal(answer=compared.answer, data=analysed["params"]["data"])
    report = write_report(
        p.folder / "report.html",
        title=f"sim2real · {p.folder.name}",
        question=QUESTION,
        answer=compared.answer,
        notice=NOTICE if minidrive else "",
        sections=[
            _results(compared, table),
            _weathers(compared, weathers),
            *translated,
            _run(p, manifest, minidrive),
        ],
    )
    return report


def _results(compared: Comparison, table: pd.DataFrame) -> Section:
    gains = compared.gains.reset_index().rename(
        columns={"slice": "bin", "mean_ap": "mAP@0.5", "low": "95% from", "high": "to"}
    )
    blocks: list[Block] = [
        Table(
            table.reset_index(),
            caption="mAP@0.5 on the test frames, cumulative by occluded vehicles in the image",
            best="max",
            aside=[ORACLE],
        ),
        Picture(result_plots.map_by_bin(long(compared))),
        Picture(
            result_plots.difference_forest(differences(compared)),
            caption="Paired bootstrap over images: each resample draws the same images for all.",
        ),
        Table(gains, caption=f"Difference from {BASELINE}"),
        Table(
            PUBLISHED.reset_index(),
            caption="For orientation: the original team's mAP@0.5 on BDD100K itself (June 2022). "
            "Other data, other training: not comparable with the rows above.",
        ),
    ]
    if len(compared.gaps):
        gaps = compared.gaps.dropna().reset_index()
        gaps = gaps.rename(columns={"slice": "bin", "low": "95% from", "high": "to"})
        blocks.insert(4, Table(gaps, caption="Share of the gap from baseline to oracle closed"))
    return Section("Results", blocks)


def _weathers(compared: Comparison, weathers: pd.DataFrame) -> Section:
    by_class = compared.by_class.dropna().reset_index()
    return Section(
        "By weather and class",
        [
            Picture(result_plots.map_by_weather(melted(weathers, "weather"))),
            Table(by_class, caption="AP@0.5 of each class", best=None),
        ],
    )


def _pictures(
    p: ResultVisualization, shown: pd.DataFrame, targets: Mapping[str, list[str]]
) -> Section:
    blocks: list[Block] = []
    for style in STYLES:
        own = shown[shown["style"] == style]
        if own.empty:
            continue
        first = own.groupby("translator", sort=False).first().reset_index()
        wipes = [
            Wipe(
                str(pair.original),
                str(pair.translated),
                labels=("Virtual KITTI clone", f"{pair.translator}, {style}"),
                caption=str(pair.frame_id),
            )
            for pair in first.itertuples()
        ]
        blocks.append(Beside(wipes))
        gallery = galleries.translation_gallery(
            own, style, targets=targets.get(style, []), rows=p.gallery_frames
        )
        blocks.append(Picture(gallery, caption=f"{style}: original, translated, target"))
    return Section("Original and translated", blocks, lead="Drag the line between the two.")


def _labels(p: ResultVisualization, labels: Labels) -> Section:
    kept = labels.summary(p.lost_below)
    agreements = preservation_plots.agreements(
        labels.trusted, labels.references, threshold=p.lost_below
    )
    return Section(
        "Do the labels still hold?",
        [
            Picture(preservation_plots.losses(kept)),
            Table(kept.reset_index(), caption=CAPTION_KEPT, best=None),
            Picture(agreements),
            Picture(
                preservation_plots.worst(
                    labels.originals.frames, labels.translated.frames, labels.trusted
                ),
                caption="The boxes that were kept worst: original left, translation right.",
            ),
        ],
        lead="The baseline's detector, which no translation has changed, looks for every object "
        "before and after; the edges in each box need no detector.",
    )


def _distances(table: pd.DataFrame, notice: str) -> Section:
    shown = table[["style", "translator", "measure", "before", "after", "floor", "share"]]
    return Section(
        "How far is the domain closed?",
        [Picture(distance_plots.distances(table)), Table(shown, caption=notice, best=None)],
        lead="Clones and their translations against BDD100K's training frames in that weather.",
    )


def _run(p: ResultVisualization, manifest: dict, minidrive: bool) -> Section:
    data = "MiniDrive (procedural)" if minidrive else "KITTI, Virtual KITTI 2, BDD100K"
    facts = {"data": data, **p.model_dump(), "packages": manifest["packages"]}
    facts |= {"code": manifest["code"], "platform": manifest["platform"]}
    return Section("The run", [Facts({k: str(v) if isinstance(v, list) else v
                                      for k, v in facts.items()})])  # fmt: skip
