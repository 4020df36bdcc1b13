"""`python -m sim2real_lib.display.run_comparison outputs/a outputs/b`: two runs on one page."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sim2real_lib.display import executed, run_plots
from sim2real_lib.display.flip import Flip
from sim2real_lib.display.report import Block, Picture, Section, Table, write_report
from sim2real_lib.display.style import Chart, Encoded, ordered
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.arm_names import ORACLE
from sim2real_lib.files import resolve
from sim2real_lib.plan import ANALYSIS, RESULTS
from sim2real_lib.profiles import differing
from sim2real_lib.run_folder import RunFolder

QUESTION = "What differs between two runs, and what came of it?"
BASELINE = "baseline"
EXECUTED = f"notebooks/{RESULTS}.ipynb"
RULES = ("classes", "test_weathers", "occlusion_thresholds", "convention")  # of 05
UNPAIRED = (
    "Each interval is of its own run, over its own test frames: two that overlap may still differ."
)


@dataclass(frozen=True)
class Pair:
    """Two finished runs and what the page calls them."""

    a: RunFolder
    b: RunFolder
    names: tuple[str, str]

    @classmethod
    def read(cls, a: Path, b: Path) -> "Pair":
        """Both runs, checked.

        Raises:
            InputError: when one is not there or not finished, or both are the same.
        """
        if a.resolve() == b.resolve():
            raise InputError("is both runs", where=a, remedy="Give two: make compare A=… B=…")
        names = a.name, b.name
        if a.name == b.name:
            names = f"{a.parent.name}-{a.name}", f"{b.parent.name}-{b.name}"
        if names[0] == names[1]:
            names = f"A-{names[0]}", f"B-{names[1]}"
        return cls(finished(a), finished(b), names)

    @property
    def runs(self) -> tuple[RunFolder, RunFolder]:
        return self.a, self.b

    def tables(self, name: str) -> pd.DataFrame | None:
        """A table of 05 of both runs, with a column `run`, 0 or 1; None where one has none."""
        paths = [run.folder / RESULTS / f"{name}.csv" for run in self.runs]
        if not all(path.is_file() for path in paths):
            return None
        return pd.concat([pd.read_csv(path).assign(run=n) for n, path in enumerate(paths)])

    def beside(self, one: pd.Series, two: pd.Series, what: str = "") -> dict[str, pd.Series]:
        """Both runs' columns and their difference, by heading."""
        before = f"{what} " if what else ""
        return {
            f"{before}{self.names[0]}": one,
            f"{before}{self.names[1]}": two,
            f"{before}change": two - one,
        }


def finished(folder: Path) -> RunFolder:
    """A run whose results there are to compare.

    Raises:
        InputError: when it is not there or not finished, saying what is missing.
    """
    run = RunFolder.read(folder)
    if not run.is_run:
        raise InputError("there is no run here", where=folder, remedy="The runs: make runs")
    if run.results is None:
        lack = f": {len(run.missing)} artifacts are missing" if run.missing else ""
        raise InputError(
            f"this run is not finished{lack}", where=folder, remedy="What is missing: make runs"
        )
    return run


def write(a: Path, b: Path, outputs: Path) -> Path:
    """Write `compare-<a>-<b>.html` into `outputs`, whole or not at all.

    Args:
        a: the run that the other is held against.
        b: the other.
        outputs: the folder of the page.

    Raises:
        InputError: when a run is not there or not finished.
    """
    pair = Pair.read(a, b)
    data = [run.data for run in pair.runs]
    return write_report(
        outputs / f"compare-{pair.names[0]}-{pair.names[1]}.html",
        title=f"sim2real · {pair.names[0]} and {pair.names[1]}",
        question=QUESTION,
        answer=answer(pair),
        details=[f"{tested(pair)} {trained(pair)}"],
        notice="MiniDrive, a procedural street world" if "minidrive" in data else "",
        sections=[parameters(pair), results(pair), *pictures(pair), environment(pair)],
    )


def answer(pair: Pair) -> str:
    """The best arm of each run and its mAP."""
    a, b = pair.names
    if pair.a.best is None or pair.b.best is None:
        return f"Nothing can be said: the test frames of {b if pair.a.best else a} have no object."
    (one, first), (two, second) = pair.a.best, pair.b.best
    if one == two:
        return f"{one} is best in both runs: mAP@0.5 {first:.3f} in {a}, {second:.3f} in {b}."
    return f"In {a} {one} is best with mAP@0.5 {first:.3f}, in {b} {two} with {second:.3f}."


def tested(pair: Pair) -> str:
    """Whether the two can be held against each other at all."""
    scored = [{name: run.params[RESULTS].get(name) for name in RULES} for run in pair.runs]
    lacking = [
        n for n, run in zip(pair.names, pair.runs, strict=True) if not _catalog(run).is_dir()
    ]
    if lacking:
        return (
            f"The catalog of {' and '.join(lacking)} is not here: whether both were tested on the "
            "same frames is not known."
        )
    if not _same_catalog(pair):
        return (
            "Their catalogs differ, so the frames that arms were trained and tested on may too: "
            "a change between the runs is the data's as well as the parameters'."
        )
    if scored[0] != scored[1]:
        return (
            "Both have the same catalog but judge it differently (see 05's parameters): their "
            "scores are not the same quantity."
        )
    return "Both have the same catalog and judge it by the same rules."


def trained(pair: Pair) -> str:
    """Which detectors one run has and the other has not."""
    arms = [set(run.detectors) for run in pair.runs]
    said = [
        f"Only in {name}: {', '.join(f'{arm}, seed {seed}' for arm, seed in sorted(own - other))}."
        for name, own, other in zip(pair.names, arms, arms[::-1], strict=True)
        if own - other
    ]
    return " ".join(said) or "Both have the same arms and seeds."


def parameters(pair: Pair) -> Section:
    """The parameters that differ, notebook by notebook."""
    rows = differing(pair.a.params, pair.b.params)
    title, count = "Parameters", len(rows)
    if not rows:
        return Section(title, [], lead="No parameter differs.")
    frame = pd.DataFrame(rows, columns=["notebook", "parameter", *pair.names])
    lead = f"{count} {'differs' if count == 1 else 'differ'}; all others are the same."
    return Section(title, [Table(frame)], lead=lead)


def results(pair: Pair) -> Section:
    """The scores side by side, as a chart and as tables."""
    one, two = (run.results for run in pair.runs)
    assert one is not None and two is not None
    arms = ordered([*one.index, *two.index], "arm")
    bins = [name for name in one.columns if name in two.columns]
    blocks: list[Block] = []
    chart = _chart(pair, bins[-1]) if bins else None
    if chart is not None:
        blocks.append(Picture(chart, f"Frames of bin {bins[-1]}. {UNPAIRED}"))
    columns: dict[str, pd.Series] = {}
    for name in bins:
        columns |= pair.beside(one[name].reindex(arms), two[name].reindex(arms), name)
    scores = pd.DataFrame(columns, index=arms).rename_axis("arm").reset_index()
    signed = [name for name in columns if name.endswith(" change")]
    about = f"{_quantity(pair)} by occluded vehicles in the image"
    blocks.append(Table(scores, about, signed=signed))
    lost = pair.tables("preservation")
    if lost is not None:
        share = lost.set_index(["variant", "run"])["lost"].unstack("run")
        held = pd.DataFrame(pair.beside(share[0], share[1])).rename_axis("variant").reset_index()
        caption = "Share of the objects that each run's own baseline loses in translated frames"
        blocks.append(Table(held, caption, signed=[held.columns[-1]]))
    return Section("Results", blocks)


def pictures(pair: Pair) -> list[Section]:
    """05's charts and galleries, one run's in the other's place, in 05's own sections."""
    executions = [
        executed.pictures(run.folder / EXECUTED, run.manifests[RESULTS]["finished"])
        for run in pair.runs
    ]
    shown = [{picture.place: picture for picture in execution} for execution in executions]
    sections: dict[str, list[Block]] = {}
    for place, one in shown[0].items():
        other = shown[1].get(place)
        if other is not None:
            block = _both(one.picture, other.picture, pair.names, f"picture-{len(sections)}-"
                          f"{len(sections.get(one.section, []))}")  # fmt: skip
            sections.setdefault(one.section, []).append(block)
    return [Section(title, blocks) for title, blocks in sections.items()]


def environment(pair: Pair) -> Section:
    """What the two were made with, and what they cost."""
    manifests = [run.manifests[RESULTS] for run in pair.runs]
    facts = [
        {
            "folder": str(run.folder),
            "last made (UTC)": run.when,
            "computing time": f"{run.seconds / 60:.1f} minutes",
            "code": ", ".join(sorted({m["code"] for m in run.manifests.values()})),
            "platform": manifest["platform"],
            **manifest["packages"],
        }
        for run, manifest in zip(pair.runs, manifests, strict=True)
    ]
    names = dict.fromkeys([*facts[0], *facts[1]])
    rows = [(name, *(each.get(name, "–") for each in facts)) for name in names]
    return Section("How they were made", [Table(pd.DataFrame(rows, columns=["", *pair.names]))])


def _catalog(run: RunFolder) -> Path:
    return run.data_folder / ANALYSIS / "catalog"


def _same_catalog(pair: Pair) -> bool:
    folders = [_catalog(run) for run in pair.runs]
    for name in ("frames", "boxes"):
        # Where an image lies differs between two runs that drew the same.
        one, two = (
            pd.read_parquet(folder / f"{name}.parquet").drop(columns="image", errors="ignore")
            for folder in folders
        )
        if not one.equals(two):
            return False
    return True


def _quantity(pair: Pair) -> str:
    one, two = (run.params[RESULTS]["convention"] for run in pair.runs)
    return f"mAP@0.5 ({one})" if one == two else "mAP@0.5"


def _chart(pair: Pair, last: str) -> Chart | None:
    intervals, gains = pair.tables("intervals"), pair.tables("gains")
    if intervals is None or gains is None:
        return None
    scores = intervals.rename(columns={"map50": "value"})
    gains = gains.rename(columns={"gain": "value"})
    return run_plots.two_runs(
        scores[scores["slice"] == last],
        gains[(gains["slice"] == last) & (gains["arm"] != ORACLE)],
        names=pair.names,
        quantity=f"{_quantity(pair)}, {last}",
    )


def _both(one: Encoded, two: Encoded, names: tuple[str, str], key: str) -> Block:
    if one.data == two.data:
        return Picture(one, "The same in both runs.")
    return Flip(Picture(one), Picture(two), labels=names, key=key)


def _written(a: Path, b: Path) -> Path:
    try:
        return write(a, b, resolve("outputs"))
    except (LookupError, ValueError, TypeError, AttributeError, OSError) as error:
        what = f"one of the runs is not as its notebooks leave it ({error!r})"
        remedy = "Finish both anew: make report PROFILE=…"
        raise InputError(what, where=f"{a}, {b}", remedy=remedy) from error


def main(a: str = "", b: str = "") -> int:
    """Write the page of two runs and print where it lies. Returns the exit status."""
    try:
        if not (a and b):
            raise InputError("two runs are wanted", remedy="make compare A=outputs/x B=outputs/y")
        page = _written(resolve(a), resolve(b))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Comparison: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
