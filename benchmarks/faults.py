"""Runs that are killed at random moments, and whether the next `make` ends as if nobody had.

    python benchmarks/faults.py --kills 20 --stages 01 02 03 04 05 --seed 1

A run of five notebooks on data sets in folders, see `tests/faults/project.py`. Each stage is
killed again and again: its kernel, papermill, or `make` with all it has started; every other time
by SIGTERM instead of SIGKILL; when the kernel has had a random share of the CPU time that the
stage takes. After every fourth kill the stage is let finish, and compared with the undisturbed
run: tables, images and weights, bit for bit. So are all data sets' bytes.
"""

import argparse
import math
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "faults"))
from project import STAGES, VICTIMS, Project

IN_A_ROW = 4  # kills, before a stage is let finish
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
Kind = tuple[str, signal.Signals]


def prepare(home: Path, wanted: Iterable[str]) -> tuple[Project, dict[str, float]]:
    """A project after one undisturbed run, and the CPU seconds of each stage's kernel."""
    project = Project.make(home)
    took = {}
    for stage, artifact in STAGES.items():
        if stage == "05":  # what else it needs
            project.make_demo("--until", "detector")
        took[stage] = project.work(artifact)
    project.keep("whole")
    return project, {stage: took[stage] for stage in wanted}


def killed_and_finished(
    project: Project, stage: str, seconds: float, kinds: Iterator[Kind], drawn: random.Random
) -> list[dict]:
    """Kill a stage some times, let it finish, and compare; a row a kill."""
    project.restore("whole")
    artifact = STAGES[stage]
    whole = project.results(artifact)
    project.forget(artifact)
    rows: list[dict] = []
    while len(rows) < IN_A_ROW:
        victim, number = next(kinds)
        share = drawn.random()
        if not project.kill(artifact, victim, number, share * seconds):
            project.forget(artifact)  # it was done before
            continue
        unfinished = not (project.run / artifact / "manifest.json").exists()
        row = {"stage": stage, "victim": victim, "signal": number.name, "share": share}
        rows.append(row | {"unfinished": unfinished})
    status, said = project.make_demo(*project.until(artifact))
    if status:
        print(said[-3000:], file=sys.stderr)
    found = project.results(artifact)
    differ = sorted(n for n in whole.keys() | found.keys() if whole.get(n) != found.get(n))
    left = project.left_running()
    for text in (*differ, *left):
        print(f"{stage}: {text}", file=sys.stderr)
    ending = {"finished": status == 0, "equal": not differ, "left": len(left)}
    return [row | ending for row in rows]


def counted(rows: list[dict]) -> str:
    """A line a stage and signal."""
    return (
        pd.DataFrame(rows)
        .groupby(["stage", "signal"])
        .agg(
            tries=("share", "size"),
            unfinished=("unfinished", "sum"),
            finished_afterwards=("finished", "sum"),
            equal=("equal", "sum"),
            left_running=("left", "sum"),
        )
        .to_string()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="of each stage")
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=STAGES)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    options = parser.parse_args()
    print(f"seed {options.seed}")
    home = Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        project, seconds = prepare(home, options.stages)
        print("CPU seconds of each kernel:", {s: round(t, 1) for s, t in seconds.items()})
        drawn, data, rows = random.Random(options.seed), project.data_bytes(), []
        kinds = {
            stage: cycle([(victim, number) for number in SIGNALS for victim in VICTIMS])
            for stage in options.stages
        }
        for _ in range(math.ceil(options.kills / IN_A_ROW)):
            for stage in options.stages:
                rows += killed_and_finished(project, stage, seconds[stage], kinds[stage], drawn)
            print(counted(rows), flush=True)
        changed = project.changed_data(data)
        print(f"bytes of the data sets changed in {len(changed)} files")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
