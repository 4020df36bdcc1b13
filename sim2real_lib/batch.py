"""`python -m sim2real_lib.batch demo`: a profile's notebooks through Snakemake, and how it ended.

Snakemake does all the scheduling, as `profiles/local` says or another `--profile`; this only says
what goes first, and prints the answer in the end.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from sim2real_lib import params, tracking
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.arm_names import BASELINE
from sim2real_lib.files import ROOT, read_manifest, resolve
from sim2real_lib.run_folder import failures


def main(profile: str, *options: str) -> int:
    """Run `params/<profile>`; further options go to Snakemake. Returns the exit status."""
    file = Path("params") / profile / "run.yaml"
    try:
        run = params.Run.from_yaml(file)
        tracking.check(run)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    report = run.folder / "report.html"
    before = report.stat().st_mtime_ns if report.exists() else None
    # The baseline waits for no translation: what is wrong with the detector shows at once.
    first = [f"{run.run}/04_yolo_training/{BASELINE}-seed{n}/manifest.json" for n in run.seeds]
    started = time.perf_counter()
    command = [
        *(sys.executable, "-m", "snakemake", "--configfile", str(file)),
        *(() if "--profile" in options else ("--profile", "profiles/local")),
        *("--prioritize", *first),
        *options,
    ]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    tracking.log_run(run)  # what its jobs could not, or made before it was switched on
    if status:
        print(f"\nStopped; what is finished is kept. See the notebooks in {run.run}/notebooks/")
        folders = dict.fromkeys([resolve(run.data_run or run.run), run.folder])
        for name, what in (f for folder in folders for f in failures(folder / "notebooks")):
            print(f"\n{name}: {what}", file=sys.stderr)
        return status
    minutes = (time.perf_counter() - started) / 60
    if not {"-n", "--dry-run", "--dryrun"}.isdisjoint(options):
        return 0
    if before == report.stat().st_mtime_ns:
        print("\nNothing to do: everything is up to date.")
    else:
        print(f"\nDone in {minutes:.1f} minutes.")
    remedy = f"Run: make demo PROFILE={profile}"
    manifest = read_manifest(run.folder / "05_result_visualization", remedy)
    print(f"\n{manifest['answer']}\n")
    print(pd.read_csv(run.folder / "results.csv").to_string(index=False))
    print(f"\nReport: {run.run}/report.html")
    return 0


def gpu_jobs() -> int:
    """How many jobs that use a GPU may run at once: they all take the first, so one; without a GPU
    the cores decide."""
    if shutil.which("nvidia-smi") is None:
        return 1000
    import torch  # here, since it takes seconds

    return 1 if torch.cuda.is_available() else 1000


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
