"""`python -m sim2real_lib.batch demo`: a profile's notebooks through Snakemake, and how it ended.

Snakemake does all the scheduling; this only chooses its options and prints the answer in the end.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from sim2real_lib import locks, params, tracking
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.arm_names import BASELINE
from sim2real_lib.files import MANIFEST, ROOT, read_manifest, resolve
from sim2real_lib.run_folder import failures
from sim2real_lib.soundness import refuse_damaged

DRY = {"-n", "--dry-run", "--dryrun"}


def main(profile: str, *options: str) -> int:
    """Run `params/<profile>`; further options go to Snakemake. Returns the exit status."""
    file = Path("params") / profile / "run.yaml"
    dry = not DRY.isdisjoint(options)
    try:
        run = params.Run.from_yaml(file)
        tracking.check(run)
        # Snakemake's own lock outlives a kill, and is removed by whichever run ends first.
        held = [] if dry else _locks(run)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    folders = _folders(run)
    for path in [] if dry else refuse_damaged(*folders):
        print(f"{path}: damaged or gone; what it belongs to is made again", file=sys.stderr)
    report = run.folder / "report.html"
    before = report.stat().st_mtime_ns if report.exists() else None
    # The baseline waits for no translation: what is wrong with the detector shows at once.
    first = [f"{run.run}/04_yolo_training/{BASELINE}-seed{n}/manifest.json" for n in run.seeds]
    started = time.perf_counter()
    command = [
        *(sys.executable, "-m", "snakemake", "--configfile", str(file)),
        *("--cores", "all", "--rerun-incomplete", "--keep-going"),
        *("--quiet", "rules", "host", "reason"),
        *("--resources", f"gpu={gpu_jobs()}"),
        *("--scheduler", "greedy"),  # the other one gives up on what has to go first, and says so
        *("--prioritize", *first),
        *(["--nolock"] if held else []),
        *options,
    ]
    # Snakemake holds the locks, too: should this process be killed alone, it works on.
    status = subprocess.run(command, cwd=ROOT, check=False, pass_fds=held).returncode
    tracking.log_run(run)  # what its jobs could not, or made before it was switched on
    if status:
        print(f"\nStopped; what is finished is kept. See the notebooks in {run.run}/notebooks/")
        for name, what in (f for folder in folders for f in failures(folder / "notebooks")):
            print(f"\n{name}: {what}", file=sys.stderr)
        return status
    minutes = (time.perf_counter() - started) / 60
    results = run.folder / "05_result_visualization"
    if dry or not (report.is_file() and (results / MANIFEST).is_file()):  # a part was asked for
        return 0
    if before == report.stat().st_mtime_ns:
        print("\nNothing to do: everything is up to date.")
    else:
        print(f"\nDone in {minutes:.1f} minutes.")
    remedy = f"Run: make demo PROFILE={profile}"
    manifest = read_manifest(results, remedy)
    print(f"\n{manifest['answer']}\n")
    print(pd.read_csv(run.folder / "results.csv").to_string(index=False))
    print(f"\nReport: {run.run}/report.html")
    return 0


def _folders(run: params.Run) -> list[Path]:
    """The run that has the data, and the run itself, mostly the same."""
    return list(dict.fromkeys([resolve(run.data_run or run.run), run.folder]))


def _locks(run: params.Run) -> list[int]:
    """Let nobody else run this run, or remake the data that it shares with others.

    Raises:
        InputError: when somebody does.
    """
    held = [locks.hold(f, shared=f != run.folder, patience=0) for f in _folders(run)]
    return [file for file in held if file is not None]


def gpu_jobs() -> int:
    """How many jobs that use a GPU may run at once: they all take the first, so one; without a GPU
    the cores decide."""
    if shutil.which("nvidia-smi") is None:
        return 1000
    import torch  # here, since it takes seconds

    return 1 if torch.cuda.is_available() else 1000


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
