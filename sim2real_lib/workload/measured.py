"""What this machine's own finished runs say: how much faster or slower than the committed rates."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, cast

from sim2real_lib.errors import InputError
from sim2real_lib.files import MANIFEST, ROOT, read_manifest, resolve
from sim2real_lib.params import (
    NOTEBOOKS,
    DataAnalysis,
    Downstream,
    ResultVisualization,
    Run,
    YOLOTraining,
)
from sim2real_lib.params.translation import Translation
from sim2real_lib.plan import ANALYSIS, RESULTS
from sim2real_lib.profiles import flat, how
from sim2real_lib.strict import Params
from sim2real_lib.workload.frames import Frames
from sim2real_lib.workload.jobs import (
    Artifact,
    Job,
    analysis_jobs,
    detector_jobs,
    results_jobs,
    translation_jobs,
)
from sim2real_lib.workload.rates import SECONDS

Corrections = Mapping[str, list[float]]  # rate of jobs -> measured over committed seconds, of each


def corrections(outputs: Path) -> Corrections:
    """Of every finished artifact in a folder of runs; one of an older version is passed over."""
    found: dict[str, list[float]] = defaultdict(list)
    threads = _threads()
    for path in sorted(_manifests(outputs)):
        try:
            manifest = read_manifest(path.parent, "Run its notebook again")
            jobs = _jobs(path, manifest)
        except (InputError, KeyError):
            continue
        for job, seconds in _took(jobs, manifest):
            if seconds > 0 and job.seconds > 0:
                home = path.parents[1 if job.rate in ("analysis", "results") else 2]
                found[job.rate].append(seconds * threads.get(home, 1) / job.seconds)
    return found


def corrected(job: Job, by: Corrections) -> float:
    """What a job's seconds are multiplied by: the median of its like, 1 where there are none."""
    return median(by.get(job.rate) or [1.0])


def finished(artifact: Artifact, done: Mapping[str, bool]) -> bool:
    """Whether an artifact is there, made with these parameters of what is finished itself."""
    path = resolve(artifact.folder) / MANIFEST
    if not path.is_file() or not all(done[folder] for folder in artifact.needs):
        return False
    manifest = read_manifest(path.parent, "Run its notebook again")
    notebook = next(name for name in NOTEBOOKS if name in path.parts)
    asked = artifact.params.model_dump(mode="json")
    had, now = (flat(how(notebook, values)) for values in (manifest["params"], asked))
    same = all(now[name] == had[name] for name in now.keys() & had.keys())
    which = ("arms", "seeds") if notebook == RESULTS else ()
    return same and all(manifest["params"].get(name) == asked[name] for name in which)


def _manifests(outputs: Path) -> Iterator[Path]:
    for notebook in NOTEBOOKS:
        own = MANIFEST if notebook in (ANALYSIS, RESULTS) else f"*/{MANIFEST}"
        for depth in ("*", "*/*"):  # a run of several detectors holds a folder of each
            yield from outputs.glob(f"{depth}/{notebook}/{own}")


def _took(jobs: tuple[Job, ...], manifest: Mapping[str, Any]) -> Iterator[tuple[Job, float]]:
    """What each part of a notebook took: its training as timed, all else together."""
    trained = manifest["timings"].get("train", 0.0)
    if len(jobs) == 2:
        yield jobs[0], trained
    yield jobs[-1], manifest["seconds"] - trained + SECONDS["start"]


def _jobs(path: Path, manifest: Mapping[str, Any]) -> tuple[Job, ...]:
    """The work of a finished artifact.

    Raises:
        InputError: when its parameters are no longer known, or its data is gone.
    """
    notebook = next(name for name in NOTEBOOKS if name in path.parts)
    home = Path(*path.parts[: path.parts.index(notebook)])
    p: Params = NOTEBOOKS[notebook].parse(manifest["params"])
    shared = isinstance(p, Downstream) and p.data_run and resolve(p.data_run) != p.folder
    data = resolve(cast(Downstream, p).data_run) if shared else home
    frames = _frames(data)
    if isinstance(p, DataAnalysis):
        return analysis_jobs(p, frames)
    if isinstance(p, Translation):
        return translation_jobs(p, frames)
    if isinstance(p, YOLOTraining):
        return detector_jobs(p, frames)
    assert isinstance(p, ResultVisualization)
    made = [read_manifest(m.parent, "")["frames"] for m in data.glob(f"0[23]_*/*/{MANIFEST}")]
    first = next(home.glob(f"04_*/*/{MANIFEST}"), None)
    if first is None:
        raise InputError("there is no detector", where=home)
    detector = YOLOTraining.parse(read_manifest(first.parent, "")["params"])
    return results_jobs(p, frames, len(p.arms) * len(p.seeds), sum(made), detector)


@cache
def _frames(data: Path) -> Frames:
    manifest = read_manifest(data / ANALYSIS, "Run notebook 01 first")
    return Frames.of(DataAnalysis.parse({**manifest["params"], "run": str(data)}))


def _threads() -> dict[Path, int]:
    """Run's folder -> threads of each of its jobs, as the profiles have it."""
    found = {}
    for path in (ROOT / "params").glob("*/run.yaml"):
        try:
            run = Run.from_yaml(path)
        except InputError:
            continue
        found[run.folder] = run.threads
    return found
