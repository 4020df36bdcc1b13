"""`python -m sim2real_lib.batch demo`: a profile's notebooks through Snakemake, and how it ended.

Snakemake does all the scheduling; this only chooses its options and prints the answer in the end.
"""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from sim2real_lib import params, storage, tracking
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.arm_names import BASELINE
from sim2real_lib.files import MANIFEST, ROOT, read_manifest, resolve
from sim2real_lib.plan import DETECTORS, RESULTS, Plan
from sim2real_lib.run_folder import failures


def main(profile: str, *options: str) -> int:
    """Run `params/<profile>`; further options go to Snakemake. Returns the exit status."""
    file = Path("params") / profile / "run.yaml"
    dry = not {"-n", "--dry-run", "--dryrun"}.isdisjoint(options)
    try:
        plan = Plan.of(params.Run.from_yaml(file), where=file)
        tracking.check(plan.run)
        if not dry:
            storage.fetch(plan, file)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    homes = plan.homes.values()
    before = {home: _made(home) for home in homes}
    # The baseline waits for no translation: what is wrong with the detector shows at once.
    trained = [f"{DETECTORS}/{BASELINE}-seed{seed}" for seed in plan.run.seeds]
    first = [f"{home}/{name}/{MANIFEST}" for home in homes for name in trained]
    started = time.perf_counter()
    command = [
        *(sys.executable, "-m", "snakemake", "--configfile", str(file)),
        *("--cores", "all", "--rerun-incomplete", "--keep-going"),
        *("--quiet", "rules", "host", "reason"),
        *("--resources", f"gpu={gpu_jobs()}"),
        *("--scheduler", "greedy"),  # the other one gives up on what has to go first, and says so
        *("--prioritize", *first),
        *options,
    ]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    tracking.log_run(plan)  # what its jobs could not, or made before it was switched on
    if status:
        places = [f"{home}/notebooks/" for home in dict.fromkeys([plan.data, *homes])]
        print("\nStopped; what is finished is kept. See the notebooks in", " and ".join(places))
        for name, what in (failed for place in places for failed in failures(resolve(place))):
            print(f"\n{name}: {what}", file=sys.stderr)
        return status
    minutes = (time.perf_counter() - started) / 60
    if dry:
        return 0
    if before == {home: _made(home) for home in homes}:
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
    """When a folder's report was made, in nanoseconds; None without one."""
    report = resolve(home) / "report.html"
    return report.stat().st_mtime_ns if report.exists() else None


def gpu_jobs() -> int:
    """How many jobs that use a GPU may run at once: they all take the first, so one; without a GPU
    the cores decide."""
    if shutil.which("nvidia-smi") is None:
        return 1000
    import torch  # here, since it takes seconds

    return 1 if torch.cuda.is_available() else 1000


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
