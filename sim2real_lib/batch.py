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

from sim2real_lib import locks, params, storage, tracking
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.arm_names import BASELINE
from sim2real_lib.files import MANIFEST, ROOT, read_manifest, resolve
from sim2real_lib.plan import DETECTORS, RESULTS, Plan
from sim2real_lib.run_folder import failures
from sim2real_lib.soundness import refuse_damaged

DRY = {"-n", "--dry-run", "--dryrun"}


def main(profile: str = "demo", *options: str) -> int:
    """Run `params/<profile>`; further options go to Snakemake. Returns the exit status."""
    file = Path("params") / profile / "run.yaml"
    dry = not DRY.isdisjoint(options)
    try:
        plan = Plan.of(params.Run.from_yaml(file), where=file)
        tracking.check(plan.run)
        # Snakemake's own lock outlives a kill, and is removed by whichever run ends first.
        held = [] if dry else _locks(plan)
        homes = plan.homes.values()
        folders = dict.fromkeys([plan.data, plan.run.run, *homes])
        for path in [] if dry else refuse_damaged(*map(resolve, folders)):
            print(f"{path}: damaged or gone; what it belongs to is made again", file=sys.stderr)
        if not dry:
            storage.fetch(plan, file)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    before = {home: _made(home) for home in homes}
    # The baseline waits for no translation: what is wrong with the detector shows at once.
    trained = [f"{DETECTORS}/{BASELINE}-seed{seed}" for seed in plan.run.seeds]
    first = [f"{home}/{name}/{MANIFEST}" for home in homes for name in trained]
    started = time.perf_counter()
    command = [
        *(sys.executable, "-m", "snakemake", "--configfile", str(file)),
        *(() if "--profile" in options else ("--profile", "profiles/local")),
        *("--prioritize", *first),
        *(["--nolock"] if held else []),
        *options,
    ]
    # Snakemake holds the locks, too: should this process be killed alone, it works on.
    status = subprocess.run(command, cwd=ROOT, check=False, pass_fds=held).returncode
    if not dry:
        tracking.log_run(plan)  # what its jobs could not, or made before it was switched on
    if status:
        places = [f"{home}/notebooks/" for home in dict.fromkeys([plan.data, *homes])]
        print("\nStopped; what is finished is kept. See the notebooks in", " and ".join(places))
        for name, what in (failed for place in places for failed in failures(resolve(place))):
            print(f"\n{name}: {what}", file=sys.stderr)
        return status
    minutes = (time.perf_counter() - started) / 60
    made = {home: _made(home) for home in homes}
    if dry or None in made.values():  # or only a part was asked for
        return 0
    if made == before:
        print("\nNothing to do: everything is up to date.")
    else:
        print(f"\nDone in {minutes:.1f} minutes.")
    for detector, home in plan.homes.items():
        manifest = read_manifest(resolve(home) / RESULTS, f"Run: make demo PROFILE={profile}")
        print(f"\n{f'{detector}: ' if detector else ''}{manifest['answer']}\n")
        print(pd.read_csv(resolve(home) / "results.csv").to_string(index=False))
        print(f"\nReport: {home}/report.html")
    return 0


def _made(home: str) -> int | None:
    """When a folder's results were made, in nanoseconds; None without them or their report."""
    files = [resolve(home) / RESULTS / MANIFEST, resolve(home) / "report.html"]
    return max(file.stat().st_mtime_ns for file in files) if all(map(Path.is_file, files)) else None


def _locks(plan: Plan) -> list[int]:
    """Let nobody else run this run, or remake the data that it shares with others.

    Raises:
        InputError: when somebody does.
    """
    own = dict.fromkeys(map(resolve, [plan.run.run, *plan.homes.values()]))
    data = resolve(plan.data)
    held = [locks.hold(folder, patience=0) for folder in own]
    held += [] if data in own else [locks.hold(data, shared=True, patience=0)]
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
