"""`python -m sim2real_lib.costs paper`: what a profile's run would take, before it starts.

Options: `--frames 100000` for so many training frames, `--jobs 4` at once, `--tflops 4` for the
rate that a GPU is assumed to sustain.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from sim2real_lib.errors import InputError
from sim2real_lib.files import resolve
from sim2real_lib.params import DataAnalysis, Run
from sim2real_lib.plan import ANALYSIS, Plan
from sim2real_lib.workload.frames import Frames
from sim2real_lib.workload.jobs import Artifact, Job, artifacts
from sim2real_lib.workload.measured import Corrections, corrected, corrections, finished
from sim2real_lib.workload.rates import RATES

TFLOPS = 4.0  # a second: between the two trainings whose time was published
APART = 2**0.5  # a time is told as from the estimate over this to the estimate times this
LITTLE = 0.1  # GPU hours: of less, what a GPU would take is not told
FAR = 100_000.0  # seconds; the rates were measured on jobs of minutes
UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "days": 86400.0, "years": 365 * 86400.0}
HEAD = ("work", "jobs", "each", "time here", "GPU h", "disk", "files")


@dataclass(frozen=True)
class Estimate:
    """What a run's jobs take on this machine.

    Attributes:
        made: artifacts that are still to be made, in order.
        kept: those that are finished.
        by: corrections of the committed rates.
        tflops: that a GPU is assumed to sustain, TFLOP/s.
        threads: of each job of 02 to 04.
    """

    made: Sequence[Artifact]
    kept: Sequence[Artifact]
    by: Corrections
    tflops: float
    threads: int

    @classmethod
    def of(cls, plan: Plan, frames: Frames, by: Corrections, tflops: float = TFLOPS) -> "Estimate":
        """Of a plan, divided into what is finished and what is not."""
        done: dict[str, bool] = {}
        sides: dict[bool, list[Artifact]] = {True: [], False: []}
        for artifact in artifacts(plan, frames):
            done[artifact.folder] = finished(artifact, done)
            sides[done[artifact.folder]].append(artifact)
        threads = min(plan.run.threads, os.cpu_count() or 1)
        return cls(sides[False], sides[True], by, tflops, threads)

    def seconds(self, job: Job) -> float:
        """Of a job on this machine; its threads are taken to share it evenly."""
        whole = job.rate in ("analysis", "results")
        return job.seconds * corrected(job, self.by) / (1 if whole else self.threads)

    def gpu_hours(self, job: Job) -> float:
        """Of what a GPU is for, at the assumed rate."""
        return job.tera / self.tflops / 3600

    def on_gpu(self, job: Job) -> float:
        """A job's seconds where a GPU takes what one is for."""
        other = job.other / job.seconds if job.seconds else 0.0
        return self.seconds(job) * other + 3600 * self.gpu_hours(job)

    def wall(self, jobs: int, gpu: bool = False) -> float:
        """Seconds from start to end with so many jobs at once, each with a GPU or none.

        01 comes before all others, and 05 has all cores. Between them every translation and every
        detector is a job, which ends after those that it waits for.
        """
        time = self.on_gpu if gpu else self.seconds
        took = {a.folder: sum(map(time, a.jobs)) for a in self.made}
        alone = [a for a in self.made if a.jobs[0].rate in ("analysis", "results")]
        beside = [a for a in self.made if a not in alone]
        waits = {a.folder: max((took.get(n, 0.0) for n in a.needs[1:]), default=0) for a in beside}
        longest = max((took[folder] + wait for folder, wait in waits.items()), default=0.0)
        shared = sum(took[a.folder] for a in beside) / jobs
        return sum(took[a.folder] for a in alone) + max(longest, shared)


def main(*arguments: str) -> int:
    """Print what a profile would take. Returns 0, or 2 for one that cannot be."""
    asked = _asked(arguments)
    folder = Path(asked.profile) if "/" in asked.profile else Path("params") / asked.profile
    try:
        file = folder / "run.yaml"
        plan = Plan.of(Run.from_yaml(file), where=file)
        p = cast(DataAnalysis, plan.notebooks[ANALYSIS]).with_values(run=plan.data)
        frames = Frames.of(p)
        if asked.frames:
            frames = frames.scaled(asked.frames)
        by = corrections(resolve("outputs"))
        estimate = Estimate.of(plan, frames, by, asked.tflops)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    jobs = asked.jobs or max(1, (os.cpu_count() or 1) // plan.run.threads)
    print(f"Profile {asked.profile}: {frames.train:,} training frames, {frames.test:,} test frames")
    print(f"Frames: {frames.origin}\n")
    if not estimate.made:
        print("Everything is finished: it would cost nothing.")
        return 0
    print("\n".join([table(estimate), "", *notes(estimate, jobs)]))
    return 0


def table(estimate: Estimate) -> str:
    """A row a kind of work, and the sum."""
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in (job for artifact in estimate.made for job in artifact.jobs):
        groups.setdefault((job.kind, job.what), []).append(job)
    rows = [_row(kind, what, jobs, estimate) for (kind, what), jobs in sorted(groups.items())]
    every = [job for jobs in groups.values() for job in jobs]
    rows.append(_row("in all", f"{len(estimate.made)} notebooks", every, estimate))
    columns = list(zip(HEAD, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    right = {"jobs", "GPU h", "disk", "files"}
    return "\n".join(
        "  ".join(
            text.rjust(width) if head in right else text.ljust(width)
            for head, text, width in zip(HEAD, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def notes(estimate: Estimate, jobs: int) -> Iterable[str]:
    """What has to be said beside the table."""
    every = [job for artifact in estimate.made for job in artifact.jobs]
    gpu = sum(map(estimate.gpu_hours, every)) >= LITTLE
    beside = f"{jobs} jobs at once" if jobs > 1 else "one job after the other"
    with_gpu = f"; {span(estimate.wall(jobs, gpu=True))} with a GPU for each" if gpu else ""
    yield f"From start to end, {beside}: {span(estimate.wall(jobs))} here{with_gpu}."
    if estimate.kept:
        kept = [job for artifact in estimate.kept for job in artifact.jobs]
        saved = sum(map(estimate.seconds, kept))
        yield f"Finished already, and free: {len(estimate.kept)} notebooks, {span(saved)}."
    yield f"Rates: {RATES['machine']}, {RATES['date']}."
    own = {job.rate: estimate.by[job.rate] for job in every if job.rate in estimate.by}
    if own:
        said = (f"{rate} x{corrected_by(ratios)} ({len(ratios)})" for rate, ratios in own.items())
        yield f"Corrected by the finished jobs in outputs/: {', '.join(said)}."
    if any(estimate.seconds(job) > FAR for job in every):
        yield "They were measured on jobs of minutes: times of days are orders of magnitude."
    if gpu:
        yield f"GPU h: an ASSUMPTION, no GPU was measured: FLOPs at {estimate.tflops:g} TFLOP/s."
        yield "Trainings whose time was published, by the same count:"
        for known in RATES["published"]:
            times = estimate.tflops / known["tflops"]
            yield f"  {known['tflops']:g} TFLOP/s, so {times:.2g} times the GPU h: {known['what']}"


def span(seconds: float) -> str:
    """ "9–18 min": from and to, a factor of two apart."""
    low, high = seconds / APART, seconds * APART
    unit = max((u for u in UNITS if UNITS[u] <= max(high, 1)), key=lambda u: UNITS[u])
    return f"{_two(low / UNITS[unit])}–{_two(high / UNITS[unit])} {unit}"


def size(count: float) -> str:
    """Bytes as a person says them: "1.4 GB"."""
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 999.5:
            return f"{_two(count)} {unit}"
    return f"{_two(count / 1000)} TB"


def corrected_by(ratios: Sequence[float]) -> str:
    """The correction of some jobs, as a person says it."""
    return _two(sorted(ratios)[len(ratios) // 2])


def _row(kind: str, what: str, jobs: Sequence[Job], estimate: Estimate) -> tuple[str, ...]:
    hours = sum(map(estimate.gpu_hours, jobs))
    files = sum(job.files for job in jobs)
    counts = [f"{count:,}" for count in sorted({job.count for job in jobs})]
    of_one = kind != "in all"
    return (
        kind,
        f"{len(jobs):,}" if of_one else "",
        f"{'–'.join(counts[:: max(1, len(counts) - 1)])} {what}" if of_one else what,
        span(sum(map(estimate.seconds, jobs))),
        _two(hours) if hours >= LITTLE else "–" if not hours else f"<{LITTLE}",
        size(sum(job.size for job in jobs)),
        f"{files:,}",
    )


def _two(number: float) -> str:
    """Two digits that count; no more are known."""
    if number >= 10:
        digits = len(str(int(number))) - 2
        return f"{round(number, -digits):,.0f}"
    return f"{number:.1f}" if number >= 0.095 else f"{number:.1g}"


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sim2real_lib.costs", description=__doc__)
    parser.add_argument("profile", help="a folder of params/, or one by its path")
    for name, kind in {"frames": int, "jobs": int, "tflops": float}.items():
        parser.add_argument(f"--{name}", type=kind, default=TFLOPS if name == "tflops" else 0)
    asked = parser.parse_args(arguments)
    if min(asked.frames, asked.jobs) < 0 or asked.tflops <= 0:
        parser.error("frames and jobs must be 1 or more, tflops above 0")
    return asked


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
