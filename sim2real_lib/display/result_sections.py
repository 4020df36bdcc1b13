"""The report's chapters on the detectors: the answer, how sure it is, where it holds, and why."""

from sim2real_lib.display import result_tables as tables
from sim2real_lib.display.evidence import Evidence
from sim2real_lib.display.report import Block, Picture, Section, Table
from sim2real_lib.evaluation.arm_names import BASELINE
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
    compared, quantity, charts = found.compared, tables.quantity(p.convention), found.charts
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
    seeds = several if len(tables.seed_differences(found.scored)) else single
    alone = " Without a line there is no telling: all objects of the bin are of one of these."
    unknown = alone if compared.intervals["low"].isna().any() else ""
    blocks: list[Block] = [
        Picture(
            charts["map by bin"],
            caption=f"{quantity} with each arm's own 95% interval, over {found.drawn}.{unknown}",
        ),
        Picture(charts["differences"], caption=forest + seeds + unknown),
    ]
    if "gap closed" in charts:
        closed = (
            f"Share of the gap in {quantity} that an arm closes, with its 95% interval over "
            f"{found.drawn}. The oracle trains on labelled target frames."
        )
        blocks.append(Picture(charts["gap closed"], caption=closed))
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
    caption = (
        f"{tables.quantity(p.convention)}: blue beats {BASELINE}, orange loses to it, bold is the "
        "best but for the oracle. Small, medium and large are COCO's, scaled with the images' "
        "height. Weathers are those of all test frames, all else is of the frames that the answer "
        "is about."
    )
    return Section("Where does it help?", [Picture(found.charts["slices"], caption=caption)])


def why(p: ResultVisualization, found: Evidence) -> Section:
    """Errors, curves, confidences, and the frames that changed most."""
    captions = {
        "errors": "TIDE's errors, and what mAP@0.5 (TIDE's: COCO's 101 points) would gain without "
        "each: which cost an arm the most.",
        "errors by weather": "The same by weather (TIDE's AP).",
        "curves": f"Interpolated as AP is ({p.convention}), the mean over seeds.",
        "calibration": "Above the diagonal an arm is too modest, below it too bold.",
        "frames": f"What each frame adds to the gain of {found.compared.best}; all frames' parts "
        "add up to it.",
    }
    shown = (name for name in captions if name in found.charts)
    return Section("Why?", [Picture(found.charts[name], captions[name]) for name in shown])
