"""The report's chapters on the translations: pictures, labels, distances."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from sim2real_lib import catalog
from sim2real_lib.catalog import Catalog
from sim2real_lib.detection import judge
from sim2real_lib.display.report import Beside, Block, Picture, Section, Table, Wipe
from sim2real_lib.display.result_tables import with_interval
from sim2real_lib.display.style import Chart
from sim2real_lib.evaluation import preservation
from sim2real_lib.files import read_manifest
from sim2real_lib.params import STYLES, Variant, translation_folder
from sim2real_lib.translation import structure
from sim2real_lib.translation.domains import pairs

CAPTION_KEPT = (
    "lost: share of the objects found before that are not found after; hallucinated: detections a "
    "frame where nothing was; edges agree: the median of the boxes; edges gone: share of the boxes "
    "that agree too little; of one mind: how often detector and edges say the same."
)
NAMES_KEPT = {
    "frames": "frames",
    "boxes": "boxes",
    "recall_before": "found before",
    "recall_after": "found after",
    "lost (95%)": "lost (95%)",
    "hallucinated": "hallucinated",
    "agreement": "edges agree",
    "below": "edges gone",
    "agree": "of one mind",
}


def translations(run: Path, data: Catalog) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Every translated frame of a run beside its original, and style -> images of the target."""
    found = []
    targets: dict[str, list[str]] = {}
    for variant, folder in judge.finished_translations(run).items():
        made = Variant.of(variant)
        manifest = read_manifest(folder, f"Run notebook {made.notebook} again")
        found.append(pairs(data, catalog.load(folder / "catalog")))
        targets.setdefault(made.style, manifest["targets"])
    columns = ["frame_id", "place", "variant", "style", "translator", "original", "translated"]
    return pd.concat(found or [pd.DataFrame(columns=columns)], ignore_index=True), targets


def frame_scores(run: Path, pairs: pd.DataFrame, labels: judge.Labels | None) -> pd.DataFrame:
    """How well each translated frame of a run kept its labels, for the comparison widget.

    Args:
        run: the translations' run.
        pairs: its translated frames, from `translations`.
        labels: what the detector saw, in the places that it looked at; None: it was not asked.

    Returns:
        `pairs`' columns frame_id, variant, style and translator, with agreement (of the edges),
        and from the detector lost and hallucinated (see `preservation.by_frame`); not a number
        where it is not known.
    """
    table = pairs[["frame_id", "variant", "style", "translator"]].reset_index(drop=True)
    names = table["variant"] + "/" + table["frame_id"]
    table["agreement"] = float("nan")
    for variant, rows in table.groupby("variant").groups.items():
        boxes = structure.load(translation_folder(run, str(variant)))
        scores = structure.frame_scores(boxes, pd.DataFrame({"frame_id": names[rows]}))
        judged = scores["score"].where(scores["boxes"] > 0)
        table.loc[rows, "agreement"] = judged.to_numpy()
    if labels is None:
        return table
    seen = preservation.by_frame(labels.boxes, labels.hallucinations)
    return table.merge(seen, "left", on=["variant", "frame_id"])


def pictures(shown: pd.DataFrame, charts: Mapping[str, Chart]) -> Section:
    """Wipes and a gallery of each style."""
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
                labels=("original", str(pair.translator)),
                caption=f"{pair.frame_id} → {style}",
            )
            for pair in first.itertuples()
        ]
        blocks.append(Beside(wipes))
        caption = f"{style}: original, translated, target"
        blocks.append(Picture(charts[f"gallery {style}"], caption=caption))
    return Section("Original and translated", blocks, lead="Drag the line between the two.")


def labels(kept: pd.DataFrame, charts: Mapping[str, Chart]) -> Section:
    """Whether the labels survived translation; `kept` is the summary of `judge.Labels`."""
    lost = with_interval(kept.rename(columns={"lost": "value"}), "{:.0%}".format)
    shown = kept.assign(**{"lost (95%)": lost})[list(NAMES_KEPT)].rename(columns=NAMES_KEPT)
    return Section(
        "Do the labels still hold?",
        [
            Picture(charts["lost"]),
            Table(shown.reset_index(), caption=CAPTION_KEPT, decimals=2),
            Picture(charts["agreements"]),
            Picture(
                charts["worst"],
                caption="The boxes that were kept worst: original left, translation right.",
            ),
        ],
        lead="The baseline's detector, which no translation has changed, looks for every object "
        "before and after; the edges in each box need no detector.",
    )


def distances(table: pd.DataFrame, notice: str, charts: Mapping[str, Chart]) -> Section:
    """How far each translation still is from its target; `notice` says in whose features."""
    caption = (
        "The originals' distance → their translations' (the target's from itself), and what of the "
        f"way is gone. {notice}"
    )
    return Section(
        "How far is the domain closed?",
        [Picture(charts["distances"]), Table(_a_row_a_translation(table), caption=caption)],
        lead="Originals and translations against the target's training frames in that weather.",
    )


def _a_row_a_translation(table: pd.DataFrame) -> pd.DataFrame:
    """The distances as text, style by style: a column a measure, and another for its share."""
    rows = table.sort_values("style", key=lambda own: own.map(list(STYLES).index), kind="stable")
    rows = rows.set_index(["style", "translator"])
    wide = pd.DataFrame(index=rows.index.unique())
    for measure, own in rows.groupby("measure", sort=False):
        before, after = (own[name].map("{:#.3g}".format) for name in ("before", "after"))
        ways = before.str.rstrip(".") + "\u00a0→\u00a0" + after.str.rstrip(".")
        wide[measure] = (ways + own["floor"].map(" ({:.2f})".format)).str.replace("-", "−")
        wide[f"{measure}, gone"] = own["share"].astype(object).map(_percent, na_action="ignore")
    return wide.reset_index()


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("-", "−")
