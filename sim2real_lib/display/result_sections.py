"""The report's chapters on the detectors: the answer, how sure it is, where it holds, and why."""

from sim2real_lib.display import (
    calibration_plots,
    changed_frames,
    difference_plots,
    error_plots,
    result_plots,
)
from sim2real_lib.display import result_tables as tables
from sim2real_lib.display.evidence import Evidence
from sim2real_lib.display.report import Block, Picture, Section, Table
from sim2real_lib.evaluation.comparison import BASELINE
from sim2real_lib.params import ResultVisualization

PUBLISHED = (
    f"“{tables.MARK.strip()}” are the original team's own figures (Phot0Synthesis/sim2real, June "
    "2022) on real BDD100K: other data and another training, not to be compared with the rest."
)


def all_of_them(p: ResultVisualization, found: Evidence) -> list[Section]:
    """The four sections in the order of the story."""
    return [answer(p, found), sure(p, found), where(p, found), why(p, found)]


def answer(p: ResultVisualization, found: Evidence) -> Section:
    """The original's two tables."""
    results, classes = tables.results_table(found.compared), tables.class_table(found.compared)
    quantity = tables.quantity(p.convention)
    blocks: list[Block] = [
        Table(
            results.reset_index(),
            caption=f"{quantity} on the test frames, by occluded vehicles in the image. Bins are "
            "cumulative, the mean is over the classes that the test frames have",
            best="max",
            aside=tables.aside(results),
            elsewhere=tables.elsewhere(results),
        ),
        Table(
            classes.reset_index(),
            caption=f"{quantity.removeprefix('m')} of each class; a dash where the test frames "
            "have none, as BDD100K has no van, or nothing was published",
            best="max",
            aside=tables.aside(classes),
            elsewhere=tables.elsewhere(classes),
        ),
    ]
    lead = f"In italics what does not compete; below the dashed line, other data. {PUBLISHED}"
    return Section("The answer", blocks, lead=lead)


def sure(p: ResultVisualization, found: Evidence) -> Section:
    """Intervals of every arm, of every difference and of the share of the gap."""
    compared, quantity = found.compared, tables.quantity(p.convention)
    seeds = tables.seed_differences(found.scored)
    forest = (
        f"Paired bootstrap over {found.drawn}: each resample draws the same for all arms, so "
        "intervals of the differences are narrower than those of the arms. Hollow: zero is inside. "
        "An arrow: the oracle lies beyond. "
    )
    several = (
        "A small dot is one seed's difference; the thin line is the interval over "
        f"{found.drawn} and seeds together."
    )
    single = "One seed: another training may differ by more than these intervals say."
    blocks: list[Block] = [
        Picture(
            result_plots.map_by_bin(tables.intervals(compared), quantity=quantity),
            caption=f"{quantity} with each arm's own 95% interval, over {found.drawn}.",
        ),
        Picture(
            difference_plots.difference_forest(
                tables.differences(compared), seeds, quantity=quantity
            ),
            caption=forest + (several if len(seeds) else single),
        ),
    ]
    if len(compared.gaps):
        gaps = tables.shares(compared)
        blocks.append(
            Picture(
                difference_plots.gap_closed(gaps, quantity=quantity),
                caption=f"Share of the gap in {quantity} that an arm closes, with its 95% interval "
                f"over {found.drawn}. The oracle trains on labelled target frames.",
            )
        )
    blocks.append(
        Table(
            tables.in_numbers(compared),
            caption=f"{compared.results.columns[-1]} in numbers: {quantity}, its difference from "
            f"{BASELINE}, the share of the gap closed, and 95% intervals over {found.drawn}",
        )
    )
    return Section("How sure is it?", blocks)


def where(p: ResultVisualization, found: Evidence) -> Section:
    """Every slice."""
    quantity = tables.quantity(p.convention)
    chart = result_plots.heat_table(tables.slice_table(found.scored), quantity=quantity)
    caption = (
        f"{quantity}: blue beats {BASELINE}, orange loses to it, bold is the best but for the "
        "oracle. Small, medium and large are COCO's, scaled with the images' height. Weathers are "
        "those of all test frames, all else is of the frames that the answer is about."
    )
    return Section("Where does it help?", [Picture(chart, caption=caption)])


def why(p: ResultVisualization, found: Evidence) -> Section:
    """Errors, curves, confidences, and the frames that changed most."""
    weathers = tables.of_slices(found.mistakes, found.asked.frames["weather"])
    blocks: list[Block] = [
        Picture(
            error_plots.errors_by_arm(found.mistakes),
            caption="TIDE's errors, and what mAP@0.5 (TIDE's: COCO's 101 points) would gain "
            "without each: which cost an arm the most.",
        ),
        Picture(error_plots.errors_by_slice(weathers), caption="The same by weather (TIDE's AP)."),
        Picture(
            result_plots.precision_recall(found.curves),
            caption=f"Interpolated as AP is ({p.convention}), the mean over seeds.",
        ),
        Picture(
            calibration_plots.reliability(found.confidences),
            caption="Above the diagonal an arm is too modest, below it too bold.",
        ),
    ]
    best = found.compared.best
    if best is not None and found.moved is not None:
        drawn = changed_frames.gained_and_lost(
            found.asked.frames, found.moved, tables.first_seed(found.stored, BASELINE),
            tables.first_seed(found.stored, best), found.stored.objects, found.stored.classes,
            names=(BASELINE, best),
        )  # fmt: skip
        caption = f"What each frame adds to the gain of {best}; all frames' parts add up to it."
        blocks.append(Picture(drawn, caption=caption))
    return Section("Why?", blocks)
