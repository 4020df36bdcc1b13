"""Pictures of the frames that an arm gained and lost most, both arms' detections side by side."""

from collections.abc import Sequence

import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.transforms import ScaledTranslation

from sim2real_lib.catalog.tables import belongs
from sim2real_lib.display.picture_grid import THUMBNAIL, show
from sim2real_lib.display.pictures import fit
from sim2real_lib.display.style import INK, Chart, chart, headline, themed
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.errors import SIDES, diagnose
from sim2real_lib.evaluation.frame_changes import best_confidence
from sim2real_lib.images import read_rgb

WIDE = 4.4  # inches of a picture
RAISED = 17  # points that a heading stands over its pictures
# Bright, for they lie over photographs; told apart by their dashes where colours are not seen.
LOOKS = {
    "true": ("#3ddc84", "-"),
    "false": ("#ff6b5c", (0, (4, 2))),
    "missed": ("#ffe14d", (0, (1, 1.5))),
}


@themed
def gained_and_lost(
    frames: pd.DataFrame,
    changes: pd.DataFrame,
    baseline: pd.DataFrame,
    arm: pd.DataFrame,
    objects: pd.DataFrame,
    classes: Sequence[str],
    *,
    each: int = 3,
    names: tuple[str, str] = ("baseline", "arm"),
) -> Chart:
    """The frames that gained most, then those that lost most, a row each: baseline left, arm right.

    Each arm's detections are those at the confidence at which its F1 over all frames is best.

    Args:
        frames: frame_id, image, weather.
        changes: from `frame_changes.changes`.
        baseline, arm: detections of one seed of either, as `predict` stores them.
        objects: those to be found: frame_id, class, left, top, right, bottom.
        classes: as in `changes`.
        each: how many frames that gained, and as many that lost.
        names: how the two arms are called.

    Raises:
        InputError: when no frame's contribution changed.
    """
    ranked = changes.sort_values("change", ascending=False, kind="stable")
    gained = ranked[ranked["change"] > 0].head(each)
    lost = ranked[ranked["change"] < 0].iloc[::-1].head(each)
    rows = pd.concat([gained, lost])
    if rows.empty:
        raise InputError(f"{names[1]} changes no frame")
    known = frames.set_index("frame_id").loc[list(rows["frame_id"])]
    frame_ids = pd.Index(changes["frame_id"])
    there = set(objects.loc[belongs(objects["frame_id"], changes["frame_id"]), "class"])
    present = [name for name in classes if name in there]
    boxes = []
    for found in (baseline, arm):
        least = best_confidence(found, objects, frame_ids, classes)
        boxes.append(_boxes(found[found["confidence"] >= least], objects, rows, present))
    shape = float((known["height"] / known["width"]).max())
    figure = chart(2 * WIDE, 0.35 + len(rows) * (WIDE * shape + 0.5), pictures=True)
    panels = figure.subplots(len(rows), 2, squeeze=False)
    for cells, (_, row) in zip(panels, rows.iterrows(), strict=True):
        frame = known.loc[row["frame_id"]]
        image = fit(read_rgb(frame["image"]), 2 * THUMBNAIL)
        scale = image.shape[1] / frame["width"]
        for axes, name, own in zip(cells, names, boxes, strict=True):
            here = own[own["frame_id"] == row["frame_id"]]
            show(axes, image)
            _draw(axes, here, scale)
            counts = here["verdict"].value_counts()
            axes.set_title(
                f"\n\n{name}: " + ", ".join(f"{counts.get(word, 0)} {word}" for word in LOOKS),
                fontsize=8.5, pad=4, weight="normal",
            )  # fmt: skip
        # Over both pictures, in the titles' empty lines; it must not widen the left column.
        cells[0].annotate(
            _heading(row, frame), (0, 1), xytext=(0, RAISED), xycoords="axes fraction",
            textcoords="offset points", va="bottom", fontsize=9.5, weight="bold", in_layout=False,
        )  # fmt: skip
    _legend(figure, panels[0, 1])
    headline(figure, f"Where {names[1]} gains and loses most against {names[0]}")
    return figure


def _boxes(
    detections: pd.DataFrame, objects: pd.DataFrame, rows: pd.DataFrame, classes: Sequence[str]
) -> pd.DataFrame:
    """What is drawn into these frames: frame_id, sides and `verdict`, one of `LOOKS`."""
    ours, theirs = (
        table[belongs(table["frame_id"], rows["frame_id"])] for table in (detections, objects)
    )
    known = diagnose(ours, theirs, classes)
    found = known.detections[known.detections["kind"] != "ignored"]
    verdict = (found["kind"] == "true").map({True: "true", False: "false"})
    missed = known.objects[~known.objects["found"]].assign(verdict="missed")
    columns = ["frame_id", *SIDES, "verdict"]
    # True ones last: they must not hide under the many around them.
    drawn = found.assign(verdict=verdict).sort_values("verdict", kind="stable")
    return pd.concat([missed[columns], drawn[columns]], ignore_index=True)


def _draw(axes: Axes, boxes: pd.DataFrame, scale: float) -> None:
    for verdict, own in boxes.groupby("verdict", sort=False):
        colour, dashes = LOOKS[str(verdict)]
        for left, top, right, bottom in scale * own[SIDES].to_numpy(float) - 0.5:
            axes.add_patch(
                Rectangle(
                    (left, top), right - left, bottom - top, fill=False, edgecolor=colour,
                    linestyle=dashes, linewidth=1.5, path_effects=_edged(),
                )
            )  # fmt: skip


def _edged() -> list:
    """A dark edge under the colour keeps it readable on fog."""
    return [patheffects.Stroke(linewidth=2.6, foreground=INK, alpha=0.55), patheffects.Normal()]


def _heading(row: pd.Series, frame: pd.Series) -> str:
    sign = "gained" if row["change"] > 0 else "lost"
    return f"{sign} {abs(row['change']):.4f} mAP · {frame['weather']} · {row['frame_id']}"


def _legend(figure: Chart, axes: Axes) -> None:
    handles = [
        Rectangle((0, 0), 1, 1, fill=False, edgecolor=colour, linestyle=dashes, linewidth=1.5,
                  path_effects=_edged(), label=word)
        for word, (colour, dashes) in LOOKS.items()
    ]  # fmt: skip
    beside_the_heading = ScaledTranslation(0, RAISED / 72, figure.dpi_scale_trans)
    axes.legend(
        handles=handles, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, borderpad=0,
        bbox_transform=axes.transAxes + beside_the_heading, ncols=3, columnspacing=1.2,
        handletextpad=0.5, fontsize=8.5,
    ).set_in_layout(False)  # fmt: skip
