"""Charts and close-ups of what a translation did to the labels."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim2real_lib.display.boxes import draw_boxes
from sim2real_lib.display.chart_parts import nothing_here, percent
from sim2real_lib.display.picture_grid import Titled, grid, in_rows
from sim2real_lib.display.pictures import fit
from sim2real_lib.display.style import (
    INK,
    MUTED,
    PAPER,
    Chart,
    arm_colour,
    chart,
    headline,
    ordered,
    themed,
)
from sim2real_lib.images import RGB, read_rgb

BINS = np.linspace(-1, 1, 81)
HILL = 0.84  # of the room between two rows
SURROUNDINGS = 2.5  # sides of the box that a close-up is wide
SMALLEST = 28  # pixels of the frame that a close-up shows at least
SIDE = 260  # pixels of a close-up
SIDES = ["left", "top", "right", "bottom"]


@themed
def agreements(
    boxes: pd.DataFrame, references: pd.DataFrame | None = None, *, threshold: float
) -> Chart:
    """How the boxes' agreement is distributed: a hill for each variant, all equally high.

    Args:
        boxes: from `structure.agreement`; small ones scatter, see `structure.TRUSTED`.
        references: from `structure_trials.references`, drawn below for comparison: honest weather
            grey, damage black.
        threshold: drawn as a line; how many boxes lie below it stands at the right.
    """
    rows = [
        (variant, boxes.loc[boxes["variant"] == variant, "agreement"], _colour(variant))
        for variant in _variants(boxes["variant"])
    ]
    if references is not None:
        for (damaged, name), own in references.groupby(["damaged", "variant"], sort=False):
            kind, colour = ("damage", INK) if damaged else ("weather", MUTED)
            rows.append((f"{kind}: {name}", own["agreement"], colour))
    rows = [(name, values.dropna(), colour) for name, values, colour in rows]
    rows = [row for row in rows if len(row[1])]
    if not rows:
        return _nothing()
    figure = chart(8.2, 1.1 + 0.36 * len(rows))
    axes = figure.subplots()
    lowest = min(values.quantile(0.005) for _, values, _ in rows)
    for place, (_, values, colour) in enumerate(reversed(rows)):
        counts, _ = np.histogram(values, BINS)
        heights = place + HILL * counts / counts.max()
        axes.stairs(heights, BINS, baseline=place, fill=True, color=colour, alpha=0.35)
        axes.stairs(heights, BINS, baseline=place, color=colour, linewidth=1.3)
        below = percent(float((values < threshold).mean()))
        axes.text(1.03, place + 0.3, below, va="center", fontsize=8, color=INK)
    axes.axvline(threshold, color=INK, linewidth=1.1, linestyle=(0, (4, 3)))
    axes.set_yticks(np.arange(len(rows)) + 0.3, [name for name, _, _ in reversed(rows)])
    axes.set(xlim=(max(-1.0, min(-0.25, lowest)), 1.0), ylim=(-0.05, len(rows)))
    axes.set(xlabel="agreement of the edges in a box, 1: the same", ylabel="variant")
    axes.set_title(f"below {threshold:g}", loc="right", fontsize=8, color=MUTED, weight="normal")
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(axis="y", visible=False)
    headline(figure, "Are the objects still in their boxes?")
    return figure


@themed
def losses(summary: pd.DataFrame) -> Chart:
    """What each translation did to the labels: the detector's verdict, and the edges' beside it.

    Args:
        summary: from `preservation.summary`.
    """
    if summary.empty:
        return _nothing()
    variants = _variants(summary.index)
    table = summary.loc[variants]
    figure = chart(11.0, 1.5 + 0.36 * len(table))
    panels = figure.subplots(1, 4, sharey=True, gridspec_kw={"width_ratios": (5, 5, 4, 4)})
    places = np.arange(len(table))
    colours = [_colour(variant) for variant in variants]
    _recalls(panels[0], table, colours)
    panels[1].hlines(places, table["low"], table["high"], color=colours, linewidth=2.4)
    panels[1].scatter(table["lost"], places, 50, color=colours, zorder=3)
    _numbers(panels[1], table["high"], table["lost"], percent)
    for axes, column, text in (
        (panels[2], "hallucinated", "{:.2f}".format),
        (panels[3], "below", percent),
    ):
        axes.barh(places, table[column], 0.6, color=colours)
        _numbers(axes, table[column], table[column], text)
    for axes, title, label in zip(
        panels,
        ("Found, before and after", "Lost to the detector", "Hallucinated", "Edges gone"),
        ("recall", "share of those found before", "detections a frame", "share of boxes judged"),
        strict=True,
    ):
        axes.set_title(title)
        axes.set_xlabel(label)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.grid(axis="y", visible=False)
    for axes in (panels[0], panels[1], panels[3]):
        axes.set_xlim(-0.03, 1.03)
        axes.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    panels[2].set_xlim(0, max(0.1, 1.3 * float(table["hallucinated"].max())))
    panels[2].xaxis.set_major_locator(MaxNLocator(3))
    panels[0].set_yticks(places, variants)
    panels[0].set(ylabel="variant", ylim=(len(table) - 0.5, -0.6))
    headline(figure, "What translation did to the labels")
    return figure


@themed
def worst(
    originals: pd.DataFrame,
    translated: pd.DataFrame,
    boxes: pd.DataFrame,
    *,
    most: int = 12,
    columns: int = 3,
) -> Chart:
    """Close-ups of the boxes that agree least, original beside translation, the worst first.

    At most one of a translated frame, so that one bad frame does not hide the others.

    Args:
        originals: frames: frame_id, image.
        translated: frames: frame_id (`<variant>/<original>`), image.
        boxes: from `structure.agreement`, those to choose among; with found_before and found_after
            of `preservation.recall` the captions say what the detector found.
        most: how many boxes to show.
    """
    ranked = boxes.dropna(subset="agreement").sort_values("agreement", kind="stable")
    chosen = ranked.drop_duplicates(["variant", "frame_id"]).head(most)
    if chosen.empty:
        return _nothing()
    before, after = (frames.set_index("frame_id")["image"] for frames in (originals, translated))
    pictures: list[Titled] = []
    for _, box in chosen.iterrows():
        paths = before[box["frame_id"]], after[f"{box['variant']}/{box['frame_id']}"]
        left, right = (_close_up(read_rgb(path), box) for path in paths)
        gap = np.full((SIDE, 8, 3), 255, np.uint8)
        pictures.append((_caption(box), np.hstack([left, gap, right])))
    return grid(in_rows(pictures, columns), widest=3.6)


def _nothing() -> Chart:
    """A chart that says that there is nothing to show: no reason to lose a run."""
    figure = chart(8.2, 1.2)
    nothing_here(figure.subplots(), "no box is large enough for its edges to be judged")
    return figure


def _variants(names: pd.Series | pd.Index) -> list[str]:
    """Distinct variants, their translators in the arms' order."""
    translators = ordered((str(name).partition("-")[0] for name in names), "arm")
    return sorted(
        (str(name) for name in names.unique()),
        key=lambda name: (translators.index(name.partition("-")[0]), name),
    )


def _colour(variant: str) -> str:
    return arm_colour(variant.partition("-")[0])


def _recalls(axes: Axes, table: pd.DataFrame, colours: list[str]) -> None:
    """Hollow before, filled after, a line between them."""
    places = np.arange(len(table))
    before, after = table["recall_before"], table["recall_after"]
    axes.hlines(places, before, after, color=colours, linewidth=2.4, alpha=0.5)
    axes.scatter(before, places, 46, color=PAPER, edgecolors=colours, linewidths=1.8, zorder=3)
    axes.scatter(after, places, 50, color=colours, zorder=4)
    for place, pair in zip(
        places, table[["recall_before", "recall_after"]].to_numpy(), strict=True
    ):
        axes.annotate(
            "{:.2f} → {:.2f}".format(*pair), (pair.mean(), place), xytext=(0, 6),
            textcoords="offset points", ha="center", fontsize=7.5, color=INK,
        )  # fmt: skip


def _numbers(axes: Axes, ends: pd.Series, values: pd.Series, text: Callable[[float], str]) -> None:
    for place, (end, value) in enumerate(zip(ends, values, strict=True)):
        known = pd.notna(value)
        axes.annotate(
            text(value) if known else "–", (end if known else 0, place), xytext=(6, 0),
            textcoords="offset points", va="center", fontsize=8, color=INK if known else MUTED,
            bbox={"fc": PAPER, "lw": 0, "pad": 0.8, "alpha": 0.8},
        )  # fmt: skip


def _caption(box: pd.Series) -> str:
    size = f"{box['right'] - box['left']:.0f} × {box['bottom'] - box['top']:.0f} px"
    lines = [f"{box['variant']} · {box['class']}, {size}", f"agreement {box['agreement']:.2f}"]
    if "found_before" in box.index:
        was, still = (
            "found" if box[f"found_{when}"] else "not found" for when in ("before", "after")
        )
        lines[1] += f" · {was} → {still}"
    return "\n".join(lines).replace(" -", " −")


def _close_up(image: RGB, box: pd.Series) -> RGB:
    """A square around the box, the box drawn into it; white where the image ends."""
    left, top, right, bottom = box[SIDES].to_numpy(float)
    side = round(max(SMALLEST, SURROUNDINGS * max(right - left, bottom - top)))
    x, y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    height, width = image.shape[:2]
    seen = image[max(0, y) : y + side, max(0, x) : x + side]
    margins = [
        (max(0, -y), max(0, y + side - height)), (max(0, -x), max(0, x + side - width)), (0, 0)
    ]  # fmt: skip
    canvas = fit(np.pad(seen, margins, constant_values=255), SIDE)
    own = pd.DataFrame([box]).assign(
        left=left - x, right=right - x, top=top - y, bottom=bottom - y, ignore=False, occluded=False
    )
    return draw_boxes(canvas, own, scale=SIDE / side, labels=False)
