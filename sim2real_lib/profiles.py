"""What the notebooks' parameters say of a run: what a profile plans, and how two runs differ."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT, resolve
from sim2real_lib.params import NOTEBOOKS, Run, YOLOTraining, translation_folder

ANALYSIS, DETECTORS, RESULTS = "01_data_analysis", "04_yolo_training", "05_result_visualization"
# Parameters that say where a notebook works and which of its artifacts it makes, not how.
VARIANT = {"translator", "style", "source", "places"}
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
    """Name, the run's folder and planned artifacts of each profile in params/ that is sound."""
    for path in sorted((ROOT / "params").glob("*/run.yaml")):
        try:
            run = Run.from_yaml(path)
            yield path.parent.name, run.folder, planned(run)
        except InputError:
            continue  # `make check` says what is wrong with it


def planned(run: Run) -> list[str]:
    """The artifacts that a profile leaves in its own run's folder."""
    detector = YOLOTraining.from_yaml(run.file(DETECTORS))
    variants = [v for arm in run.arms for v in detector.with_values(arm=arm).translated]
    folders = [translation_folder(Path(), variant) for variant in variants]
    shared = [] if run.data_run else [ANALYSIS, *(folder.as_posix() for folder in folders)]
    trained = [f"{DETECTORS}/{arm}-seed{seed}" for arm in run.arms for seed in run.seeds]
    return list(dict.fromkeys([*shared, *trained, RESULTS]))


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
