"""A run as its folder tells of it: what is finished, what is missing, what it found and cost."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pandas as pd

from sim2real_lib.errors import InputError, printable
from sim2real_lib.evaluation.arm_names import ORACLE
from sim2real_lib.files import MANIFEST, read_manifest, resolve, sha256
from sim2real_lib.params import NOTEBOOKS, translation_folder
from sim2real_lib.plan import ANALYSIS, DETECTORS, RESULTS
from sim2real_lib.profiles import (
    NOTHING,
    WHICH,
    Changed,
    differing,
    expectations,
    flat,
    how,
    profiles,
)

KERNEL_DIED = (
    "its kernel died: somebody ended it, or memory ran out. Run it again, where memory is short "
    "with fewer jobs at once (--cores 1)"
)


@dataclass(frozen=True)
class RunFolder:
    """A run, as its folder tells of it.

    Attributes:
        folder: where it lies, absolute.
        manifests: finished artifact, such as "04_yolo_training/nst-seed0" -> its manifest.
        begun: artifacts without a manifest.
        failed: file name and error of each executed notebook that stopped with one.
    """

    folder: Path
    manifests: Mapping[str, Mapping[str, Any]]
    begun: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Look at a run's folder; one without any artifact is no run, see `is_run`.

        Raises:
            InputError: when a manifest is damaged.
        """
        one, several = [ANALYSIS, RESULTS], [name for name in NOTEBOOKS if name in WHICH]
        found = [folder / name for name in one if (folder / name).is_dir()]
        homes = [folder / name for name in several if name not in one]
        found += [f for home in homes for f in home.glob("*/") if not f.name.startswith(".")]
        names = {f: f.relative_to(folder).as_posix() for f in sorted(found)}
        done = [f for f in names if (f / MANIFEST).is_file()]
        return cls(
            folder=folder,
            manifests={names[f]: read_manifest(f, "Run its notebook again") for f in done},
            begun=tuple(name for f, name in names.items() if f not in done),
            failed=tuple(failures(folder / "notebooks")),
        )

    @property
    def is_run(self) -> bool:
        """Whether there is anything of a run."""
        return bool(self.manifests or self.begun or self.failed)

    @property
    def state(self) -> str:
        """ "failed", "unfinished" or "finished"."""
        if self.failed:
            return "failed"
        return "unfinished" if self.missing else "finished"

    @cached_property
    def missing(self) -> list[str]:
        """What is still to be made: of the profile, what was begun, and the results."""
        planned = self.profile[1] if self.profile else [RESULTS]
        wanted = [name for name in (*planned, *self.begun) if name not in self.manifests]
        reported = RESULTS not in planned or (self.folder / "report.html").is_file()
        return [*sorted(set(wanted)), *([] if reported else ["report.html"])]

    @cached_property
    def profile(self) -> tuple[str, list[str]] | None:
        """The profile that writes here and its artifacts; of several, the one nearest to done."""
        plans = {name: plan for name, home, plan in profiles() if plan and home == self.folder}
        if not plans:
            return None
        return min(plans.items(), key=lambda item: len(set(item[1]) - set(self.manifests)))

    @cached_property
    def results(self) -> pd.DataFrame | None:
        """mAP@0.5 by arm and bin of occluded vehicles; None before 05 has finished."""
        path = self.folder / "results.csv"
        if RESULTS not in self.manifests or not path.is_file():
            return None
        try:
            table = pd.read_csv(path, index_col="arm")
            kept = [name for name in table.columns if not name.endswith(" s")]  # but the seconds
            return table[kept].astype(float)
        except Exception as error:  # pandas has a dozen for what is no table
            raise InputError(f"not a table of results ({error})", where=path) from error

    @property
    def best(self) -> tuple[str, float] | None:
        """The arm of the highest mAP@0.5 in the last bin, the oracle apart; None where the test
        frames have no object."""
        if self.results is None:
            return None
        last = self.results.iloc[:, -1].drop(ORACLE, errors="ignore").dropna()
        return None if last.empty else (str(last.idxmax()), float(last.max()))

    @property
    def detectors(self) -> list[tuple[str, str]]:
        """Arm and seed of each finished detector."""
        own = (name.partition("/") for name in self.manifests)
        parts = [name.rpartition("-seed") for home, _, name in own if home == DETECTORS]
        return [(arm, seed) for arm, _, seed in parts]

    @cached_property
    def data_folder(self) -> Path:
        """The run that holds its catalog and translations: itself, or the one it shares."""
        asked = [m["params"].get("data_run") for m in self.manifests.values()]
        named = [name for name in asked if name and isinstance(name, str)]
        homes = (self.folder, *map(resolve, named))
        return next((h for h in homes if (h / ANALYSIS / MANIFEST).is_file()), self.folder)

    @property
    def data(self) -> str:
        """Which data set 01 worked on; "" where nothing says."""
        analysed = self.data_folder / ANALYSIS
        if not (analysed / MANIFEST).is_file():
            return ""
        return read_manifest(analysed, "Run notebook 01 again")["params"].get("data", "")

    @property
    def seconds(self) -> float:
        """Of all its artifacts together: computing time, which several jobs spend at once."""
        return sum(manifest["seconds"] for manifest in self.manifests.values())

    @property
    def when(self) -> str:
        """Date and time (UTC) of the last finished artifact, "" without any."""
        last = max((m["finished"] for m in self.manifests.values()), default="")
        return last[:16].replace("T", " ")

    @cached_property
    def params(self) -> dict[str, dict[str, str]]:
        """Notebook -> parameter -> value, nested ones as `outer.inner`.

        Values that several artifacts of a notebook differ in stand beside each other.
        """
        found: dict[str, dict[str, str]] = {}
        for notebook in NOTEBOOKS:
            of_it = [m for name, m in self.manifests.items() if name.split("/")[0] == notebook]
            each = [flat(how(notebook, manifest["params"])) for manifest in of_it]
            names = dict.fromkeys(name for values in each for name in values)
            if each:
                found[notebook] = {
                    name: " or ".join(dict.fromkeys(values.get(name, NOTHING) for values in each))
                    for name in names
                }
        return found

    def changed(self) -> list[Changed]:
        """The parameters that differ from the profile's, or from the notebooks' own."""
        expected = expectations(self.profile[0] if self.profile else None)
        return differing(self.params, expected)


def failures(notebooks: Path) -> Iterator[tuple[str, str]]:
    """(file name, error) of each executed notebook that stopped with one.

    A notebook that was run again by hand is forgiven: its artifact is younger.
    """
    for path in sorted(notebooks.glob("*.ipynb")):
        log = path.with_suffix(".log")
        died = log.is_file() and b"DeadKernelError" in log.read_bytes()
        if not died and b'"output_type": "error"' not in path.read_bytes():
            continue  # most have none, and reading megabytes of pictures takes seconds
        manifest = notebooks.parent / artifact_of(path.stem) / MANIFEST
        if manifest.is_file() and manifest.stat().st_mtime > path.stat().st_mtime:
            continue
        if died:
            yield path.name, KERNEL_DIED
            continue
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            outputs = [output for cell in cells for output in cell.get("outputs", [])]
            errors = [o for o in outputs if o["output_type"] == "error"]
            said = [printable(f"{error['ename']}: {error['evalue']}") for error in errors]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            said = ["it was killed, or is damaged"]
        yield from ((path.name, words) for words in said)


def artifact_of(notebook: str) -> str:
    """ "04_yolo_training/nst-seed0" of the executed notebook "04_yolo_training-nst-seed0"."""
    for name in NOTEBOOKS:
        if notebook.startswith(f"{name}-"):
            return f"{name}/{notebook.removeprefix(f'{name}-')}"
    return notebook


def run_manifest(folder: Path, data_folder: Path) -> dict[str, Any]:
    """The run's own `manifest.json`: what its answer stands on, in one file.

    Args:
        folder: the run, whose results are finished.
        data_folder: the run that holds its catalog and translated frames, mostly the same.

    Returns:
        the manifest: answer, verdict and caveats, code, packages and platform as 05 recorded them;
        the parameters of every notebook; each artifact with its folder (seen from the run's), its
        own parameters (arm and seed, or translator and style), code, time and the hash of its
        manifest.
    """
    run, shared = RunFolder.read(folder), RunFolder.read(data_folder)
    result = run.manifests[RESULTS]
    trained = [f"{DETECTORS}/{name}" for name in result["inputs"]]
    variants = [v for name in trained for v in run.manifests[name].get("translated", [])]
    made = [translation_folder(Path(), v).as_posix() for v in dict.fromkeys(variants)]
    used = RunFolder(folder, {
        **{name: shared.manifests[name] for name in (ANALYSIS, *made)},
        **{name: run.manifests[name] for name in (*trained, RESULTS)},
    })  # fmt: skip
    homes = {name: data_folder if name in (ANALYSIS, *made) else folder for name in used.manifests}
    facts = ("finished", "answer", "verdict", "caveats", "data", "code", "packages", "platform")
    return {name: result[name] for name in facts} | {
        "run": folder.name,
        "seconds": round(used.seconds, 2),
        "params": used.params,
        "artifacts": {
            name: {
                "folder": os.path.relpath(homes[name] / name, folder),
                "params": {
                    key: value for key, value in one["params"].items()
                    if key in WHICH.get(name.split("/")[0], set())
                },
                **{key: one[key] for key in ("code", "finished", "seconds")},
                "sha256": sha256(homes[name] / name / MANIFEST),
            }
            for name, one in used.manifests.items()
        },
    }  # fmt: skip
