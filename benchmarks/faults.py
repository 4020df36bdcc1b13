"""Runs that are killed at random moments, and whether the next `make` ends as if nobody had.

    python benchmarks/faults.py --kills 20 --stages 01 02 03 04 05 --seed 1

A run of five notebooks on data sets in folders, see `tests/faults/project.py`. Each stage is
killed again and again: its kernel, papermill, or `make` with all it has started; every other time
by SIGTERM instead of SIGKILL; when the kernel has had a random share of the CPU time that the
stage takes. After every fourth kill the stage is let finish, and compared with the undisturbed
run: tables, images and weights, bit for bit. So are all data sets' bytes.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable
from itertools import cycle
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "faults"))
from project import STAGES, VICTIMS, Project

IN_A_ROW = 4  # kills, before a stage is let finish
SIGNALS = (signal.SIGKILL, signal.SIGTERM)


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


def killed_stage(
    project: Project, stage: str, seconds: float, kills: int, drawn: random.Random
) -> list[dict]:
    """Kill a stage so many times; a row a kill."""
    project.restore("whole")
    artifact = STAGES[stage]
    whole = project.results(artifact)
    project.forget(artifact)
    kinds = cycle([(victim, number) for number in SIGNALS for victim in VICTIMS])
    rows: list[dict] = []
    while len(rows) < kills:
        victim, number = next(kinds)
        share = drawn.random()
        if not project.kill(artifact, victim, number, share * seconds):
            print(f"  {stage} was done before {share:.2f}", file=sys.stderr, flush=True)
            project.forget(artifact)
            continue
        row = {"stage": stage, "victim": victim, "signal": number.name, "share": round(share, 2)}
        row["unfinished"] = not (project.run / artifact / "manifest.json").exists()
        rows.append(row)
        print(row, file=sys.stderr, flush=True)
        if len(rows) % IN_A_ROW and len(rows) < kills:
            continue
        status, said = project.make_demo(*project.until(artifact))
        found = project.results(artifact)
        differ = sorted(n for n in whole.keys() | found.keys() if whole.get(n) != found.get(n))
        for row in rows[-(len(rows) % IN_A_ROW or IN_A_ROW) :]:
            row |= {"finished": status == 0, "equal": not differ}
        print(stage, status, differ, file=sys.stderr, flush=True)
        if status:
            print(said[-3000:], file=sys.stderr, flush=True)
        project.forget(artifact)
    return rows


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
        for stage in options.stages:
            rows += killed_stage(project, stage, seconds[stage], options.kills, drawn)
        project.restore("whole")
        table = pd.DataFrame(rows)
        counts = table.groupby(["stage", "signal"]).agg(
            tries=("share", "size"), finished=("finished", "sum"), equal=("equal", "sum")
        )
        print(counts.to_string())
        changed = {n for n, digest in project.data_bytes().items() if data.get(n) != digest}
        print(f"bytes of the data sets changed in {len(changed)} files")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
