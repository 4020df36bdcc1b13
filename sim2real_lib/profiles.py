"""What the notebooks' parameters say of a run: what a profile plans, and how two runs differ."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT, resolve
from sim2real_lib.params import NOTEBOOKS, Run
from sim2real_lib.plan import DETECTORS, RESULTS, Plan

# Parameters that say where a notebook works and which of its artifacts it makes, not how.
VARIANT = {"translator", "style", "source", "places", "tag"}
WHICH = {
    "02_cyclegan_training": VARIANT,
    "03_nst_generation": VARIANT,
    DETECTORS: {"arm", "seed"},
    RESULTS: {"arms", "seeds"},
}
WHERE = {"run", "data_run"}
NOTHING = "–"

Changed = tuple[str, str, str, str]  # notebook, parameter, one value, the other value


def profiles() -> Iterator[tuple[str, Path, list[str]]]:
    """Name, folder and planned artifacts of each profile in params/ that is sound; one that has
    several detectors leaves theirs in folders below its own."""
    for path in sorted((ROOT / "params").glob("*/run.yaml")):
        try:
            plan = Plan.of(Run.from_yaml(path), where=path)
        except InputError:
            continue  # `make check` says what is wrong with it
        for home in dict.fromkeys([plan.run.run, *plan.homes.values()]):
            yield path.parent.name, resolve(home), plan.artifacts(home)


def expectations(profile: str | None) -> dict[str, dict[str, str]]:
    """Notebook -> parameter -> value, of a profile; the notebooks' own without one."""
    run = Run.from_yaml(Path("params") / profile / "run.yaml") if profile else None
    expected = {}
    for notebook, model in NOTEBOOKS.items():
        there = run is not None and resolve(run.file(notebook)).is_file()
        values = model.from_yaml(run.file(notebook)) if run and there else model()
        expected[notebook] = flat(how(notebook, values.model_dump(mode="json")))
    return expected


def differing(
    ours: Mapping[str, Mapping[str, str]], theirs: Mapping[str, Mapping[str, str]]
) -> list[Changed]:
    """Notebook, parameter and both values of each that differs; "–" where there is none."""
    rows = []
    for notebook in (name for name in ours if name in theirs):
        one, two = ours[notebook], theirs[notebook]
        for name in dict.fromkeys([*one, *two]):
            if one.get(name) != two.get(name):
                rows.append((notebook, name, one.get(name, NOTHING), two.get(name, NOTHING)))
    return rows


def how(notebook: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that say how a notebook works, without where and which."""
    left_out = WHERE | WHICH.get(notebook, set())
    return {name: value for name, value in values.items() if name not in left_out}


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Values as a person writes them, nested ones under `outer.inner`."""
    rows: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            rows |= flat(value, f"{prefix}{name}.")
        else:
            rows[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value)
    return rows
