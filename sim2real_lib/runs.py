"""`python -m sim2real_lib.runs`: the runs in outputs/, how far each is, what it found and cost.

A run is a folder of artifacts. All that is said of it stands in their manifests, in its results
and, where a notebook stopped, in the executed notebook.
"""

import sys
from collections.abc import Iterator

import pandas as pd

from sim2real_lib.errors import InputError, printable
from sim2real_lib.files import resolve
from sim2real_lib.run_folder import RunFolder

SHOWN = 6  # differing parameters of a run
WIDEST = 48  # characters of a value


def row(name: str, run: RunFolder) -> dict[str, str]:
    """Its line: name, state, data, arms, seeds, best arm and its mAP, minutes, when."""
    arms = dict.fromkeys(arm for arm, _ in run.detectors)
    seeds = dict.fromkeys(seed for _, seed in run.detectors)
    arm, score = run.best or ("", None)
    return {
        "run": name, "state": run.state, "data": run.data,
        "arms": _short(" ".join(arms)), "seeds": " ".join(seeds), "best": arm,
        "mAP@0.5": "" if score is None else f"{score:.3f}",
        "minutes": f"{run.seconds / 60:.1f}", "last made (UTC)": run.when,
    }  # fmt: skip


def main(outputs: str = "outputs") -> int:
    """Print the runs in a folder, and what is to be said of each. Returns the exit status.

    A run of several detectors holds a run of each. Damaged ones are named after all others.
    """
    home = resolve(outputs)
    rows, damaged = [], []
    notes: dict[str, list[str]] = {}
    for folder in sorted(f for depth in ("*/", "*/*/") for f in home.glob(depth)):
        name = folder.relative_to(home).as_posix()
        try:
            if name[0] != "." and (run := RunFolder.read(folder)).is_run:
                rows.append(row(name, run))
                notes[name] = list(_notes(run))
        except InputError as error:
            damaged.append(str(error))
    if rows:
        print(printable(_left(pd.DataFrame(rows))))
    elif not damaged:
        print(f"No runs in {outputs}. The first: make demo")
    for name, lines in notes.items():
        if lines:
            print(printable("\n  ".join([f"\n{name}", *lines])))
    for text in damaged:
        print(text, file=sys.stderr)
    return 2 if damaged else 0


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
