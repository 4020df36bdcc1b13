"""Notebooks killed at random moments, many times: is the next try equal to an undisturbed run?

    python benchmarks/killed_cells.py --kills 20 --stages 01 02 03 04 05 --seed 1

As `benchmarks/faults.py`, without `make` and papermill, so that a try takes seconds: the cells run
in a fork of this process, which has imported everything. Every other fork gets SIGTERM instead of
SIGKILL, when it has had a random share of the CPU time that the stage takes. The next fork goes on
and must end with the same tables, images and weights, bit for bit; all data sets' bytes must be
as they were.
"""

import argparse
import importlib
import json
import os
import pkgutil
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

import pandas as pd
import psutil
import yaml
from IPython.core.interactiveshell import InteractiveShell

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "faults"))
from project import STAGES, Project

import sim2real_lib
from sim2real_lib.detection import offline
from sim2real_lib.files import ROOT

WHICH = {"02": {"style": "fog"}, "03": {"style": "fog"}, "04": {"arm": "nst"}, "05": {}, "01": {}}
SIGNALS = (signal.SIGKILL, signal.SIGTERM)


def import_everything() -> None:
    """What would take a fork longer than its work."""
    for module in pkgutil.walk_packages(sim2real_lib.__path__, "sim2real_lib."):
        importlib.import_module(module.name)
    for name in ("lightning_fabric", "torchvision", "ultralytics", "ultralytics.models.yolo"):
        importlib.import_module(name)


def run(project: Project, stage: str, **more: object) -> int:
    """Begin a stage's notebook in a fork; return its process id."""
    name = next(path.stem for path in (ROOT / "notebooks").glob(f"{stage}_*.ipynb"))
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    values = yaml.safe_load((project.root / "params" / "faults" / f"{name}.yaml").read_text())
    values |= {"run": str(project.run)} | WHICH[stage] | more
    if (child := os.fork()) != 0:
        return child
    try:
        os.dup2(os.open(project.home / "said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        shell = InteractiveShell.instance()
        for number, cell in enumerate(cells):
            if not shell.run_cell(cell).success:
                os._exit(1)
            if number == 0:
                shell.user_ns.update(values)
        sys.stdout.flush()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def worked(child: int, seconds: float = float("inf")) -> tuple[bool, float]:
    """Wait for so many seconds of CPU time, or the end: whether it still runs; the time it had."""
    process, had = psutil.Process(child), 0.0
    while had < seconds:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False, had
        had = sum(process.cpu_times()[:2])
        time.sleep(0.005)
    return True, had


def finish(project: Project, stage: str, **more: object) -> float:
    """Run a stage to its end; return the CPU time that it took.

    Raises:
        RuntimeError: with what it said, when it fails.
    """
    child = run(project, stage, **more)
    took = worked(child)[1]
    if os.waitpid(child, 0)[1]:
        raise RuntimeError(project.said.read_text()[-3000:])
    return took


def one_kill(project: Project, stage: str, number: signal.Signals, moment: float) -> dict | None:
    """Kill a stage at a moment and run it again; None when it was done before."""
    artifact = STAGES[stage]
    manifest = project.run / artifact / "manifest.json"
    expected = project.results(artifact)
    project.forget(artifact)
    child = run(project, stage)
    running, _ = worked(child, moment)
    os.kill(child, number)
    os.waitpid(child, 0)
    if not running:
        return None
    row = {"stage": stage, "signal": number.name, "unfinished": not manifest.exists()}
    try:
        finish(project, stage)
    except RuntimeError as error:
        print(error, file=sys.stderr, flush=True)
        project.restore("whole")
        return row | {"finished": False, "equal": False}
    found = project.results(artifact)
    differ = [n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n)]
    print(stage, number.name, round(moment, 2), differ, file=sys.stderr, flush=True)
    if differ:
        project.restore("whole")
    return row | {"finished": True, "equal": not differ}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20, help="of each stage")
    parser.add_argument("--stages", nargs="+", default=list(STAGES), choices=STAGES)
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        project = Project.make(home)
        project.write_params(run={"arms": ["baseline", "nst"]})
        (project.root / ".snakemake").mkdir()
        offline.prepare(home / "ultralytics")  # before anything imports ultralytics
        import_everything()
        from sim2real_lib.detection import trainer

        trainer.CHECKPOINT_SECONDS = 0  # a checkpoint an epoch
        took = {stage: finish(project, stage) for stage in ("01", "02", "03", "04")}
        finish(project, "04", arm="baseline")
        took["05"] = finish(project, "05")
        project.keep("whole")
        data, drawn, rows = project.data_bytes(), random.Random(options.seed), []
        for turn in range(options.kills):
            for stage in options.stages:
                row = None
                while row is None:
                    moment = drawn.uniform(0, took[stage])
                    row = one_kill(project, stage, SIGNALS[turn % 2], moment)
                rows.append(row)
            counts = pd.DataFrame(rows).groupby(["stage", "signal"])
            table = counts.agg({"unfinished": ["size", "sum"], "finished": "sum", "equal": "sum"})
            table.columns = ["tries", "without a manifest", "finished afterwards", "equal"]
            print(table.to_string(), flush=True)
        changed = project.changed_data(data)
        print(f"seed {options.seed}; bytes of the data sets changed in {len(changed)} files")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
