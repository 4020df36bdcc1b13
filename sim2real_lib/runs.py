"""`python -m sim2real_lib.runs`: the runs in outputs/, how far each is, what it found and cost.

A run is a folder of artifacts. All that is said of it stands in their manifests, in its results
and, where a notebook stopped, in the executed notebook.
"""

import sys
from collections.abc import Iterator, Mapping

import pandas as pd

from sim2real_lib.errors import InputError, printable
from sim2real_lib.files import resolve
from sim2real_lib.run_folder import RunFolder

SHOWN = 6  # differing parameters of a run
WIDEST = 48  # characters of a value


def table(runs: Mapping[str, RunFolder]) -> pd.DataFrame:
    """A row a run: name, state, data, arms, seeds, best arm and its mAP, minutes, when."""
    rows = []
    for name, run in runs.items():
        arms = dict.fromkeys(arm for arm, _ in run.detectors)
        seeds = dict.fromkeys(seed for _, seed in run.detectors)
        arm, score = run.best or ("", None)
        rows.append({
            "run": name, "state": run.state, "data": run.data,
            "arms": _short(" ".join(arms)), "seeds": " ".join(seeds), "best": arm,
            "mAP@0.5": "" if score is None else f"{score:.3f}",
            "minutes": f"{run.seconds / 60:.1f}", "last made (UTC)": run.when,
        })  # fmt: skip
    return pd.DataFrame(rows)


def main(outputs: str = "outputs") -> int:
    """Print the runs in a folder, and what is to be said of each. Returns the exit status.

    A run of several detectors holds a run of each.
    """
    home = resolve(outputs)
    folders = sorted(f for depth in ("*/", "*/*/") for f in home.glob(depth))
    names = {f: f.relative_to(home).as_posix() for f in folders}
    try:
        found = {name: RunFolder.read(f) for f, name in names.items() if name[0] != "."}
        runs = {name: run for name, run in found.items() if run.is_run}
        if not runs:
            print(f"No runs in {outputs}. The first: make demo")
            return 0
        print(printable(_left(table(runs))))
        for name, run in runs.items():
            lines = list(_notes(run))
            if lines:
                print(printable("\n  ".join([f"\n{name}", *lines])))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _left(rows: pd.DataFrame) -> str:
    """The table as text, every column flush left."""
    columns = [[str(name), *rows[name]] for name in rows]
    padded = [[text.ljust(max(map(len, column))) for text in column] for column in columns]
    return "\n".join("  ".join(line).rstrip() for line in zip(*padded, strict=True))


def _notes(run: RunFolder) -> Iterator[str]:
    for notebook, error in run.failed:
        yield f"stopped: {notebook}: {error}"
    if run.missing:
        yield f"missing: {', '.join(run.missing)}"
    rows = run.changed()
    origin = f"params/{run.profile[0]}" if run.profile else "notebook"
    for notebook, name, own, expected in rows[:SHOWN]:
        yield f"{notebook}: {name} {_short(own)} ({origin}: {_short(expected)})"
    if len(rows) > SHOWN:
        yield f"and {len(rows) - SHOWN} more parameters differ from {origin}'s"


def _short(text: str) -> str:
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
