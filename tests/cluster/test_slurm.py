"""What is promised on Slurm: the same command, every job an sbatch of its own, and nothing lost
when a node drains or a job is cancelled. On a real Slurm of one node, see one_node_slurm.py.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import one_node_slurm
import pytest
from one_node_slurm import Slurm

from sim2real_lib.files import ROOT

pytestmark = [
    pytest.mark.notebooks,
    pytest.mark.xdist_group("slurm"),
    pytest.mark.skipif(bool(one_node_slurm.lacking()), reason=one_node_slurm.lacking()),
]

# This machine is small, and a test has no time to wait between two looks at its jobs.
OPTIONS = [
    *("--profile", "profiles/slurm", "--max-threads", "1"),
    *("--default-resources", "slurm_partition=main"),
    *("--slurm-status-command", "squeue", "--seconds-between-status-checks", "1"),
    *("--slurm-init-seconds-before-status-checks", "1"),
]


@dataclass
class Run:
    """A profile that runs in a folder of its own, and what came of each command.

    Attributes:
        home: holds `params` and, later, `run`.
        said: what each command printed, in order.
        status: its exit status.
        jobs: the jobs that it had Slurm do, rule with wildcards -> last state.
        pending: the state of each job while the node was drained.
        drawn: when the cancelled training drew its first sample, in nanoseconds.
    """

    home: Path
    slurm: Slurm
    said: list[str] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    jobs: list[dict[str, str]] = field(default_factory=list)
    pending: dict[str, str] = field(default_factory=dict)
    drawn: int = 0

    def command(self, meanwhile: Callable[[], None] = lambda: None) -> None:
        """`make demo ON=slurm` of this profile, and what somebody does while it runs."""
        before = self.states()
        out = self.home / f"command{len(self.said)}.txt"
        command = [sys.executable, "-m", "sim2real_lib.batch", str(self.home / "params"), *OPTIONS]
        with out.open("w") as stream:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.slurm.env, stdin=subprocess.DEVNULL,
                stdout=stream, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                meanwhile()
                self.status.append(process.wait(1800))
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
        self.said.append(out.read_text())
        new = {job: state for job, state in self.states().items() if job not in before}
        self.jobs.append({name: state for _, name, state in new.values()})

    def states(self) -> dict[str, tuple[str, str, str]]:
        """Job id -> (id, rule with wildcards, state) of all jobs that Slurm remembers."""
        table = self.slurm.ask("squeue", "--states=all", "--noheader", "--format=%i|%k|%T")
        folder = str(self.home / "run").replace("/", "_")  # a wildcard of some rules
        rows = [line.strip().replace(folder, "run").split("|") for line in table.splitlines()]
        return {job: (job, name.removeprefix("rule_"), state) for job, name, state in rows}

    def job(self, rule: str, state: str) -> str:
        """The id of a rule's job in a state, "" when there is none."""
        jobs = [i for i, name, is_in in self.states().values() if rule in name and is_in == state]
        return jobs[-1] if jobs else ""

    def first_sample(self) -> Path:
        """What a translator's training draws before its first step, and never again."""
        (training,) = (self.home / "run/02_cyclegan_training/cyclegan-fog").glob("training-*")
        return training / "samples" / "step_000000.png"


def until(true: Callable[[], object], seconds: float = 600) -> None:
    """Wait for something that a running command does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    with one_node_slurm.running() as one:
        yield one


@pytest.fixture(scope="module")
def run(slurm: Slurm, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three times the same command. During the first the node is drained and resumed, and later
    the training of CycleGAN is cancelled, once it has a checkpoint."""
    home = tmp_path_factory.mktemp("slurm")
    shutil.copytree(ROOT / "params" / "smoke", home / "params")
    for path in (home / "params").glob("*.yaml"):
        text = path.read_text().replace("outputs/smoke", str(home / "run"))
        text = text.replace("params/smoke", str(home / "params"))
        text = text.replace("[baseline, cyclegan, nst, oracle]", "[baseline, cyclegan, nst]")
        path.write_text(text.replace("constant: 2", "constant: 400"))  # long enough to be cancelled
    with (home / "params" / "run.yaml").open("a") as stream:
        stream.write("\nmlflow: true\n")
    run = Run(home, slurm)

    def drain_then_cancel() -> None:
        node = ("scontrol", "update", f"NodeName={slurm.node}")
        until(lambda: run.job("analysis", "RUNNING"))
        slurm.ask(*node, "State=DRAIN", "Reason=test")
        until(lambda: run.job("cyclegan", "PENDING"))
        time.sleep(3)
        run.pending.update({name: state for _, name, state in run.states().values()})
        slurm.ask(*node, "State=RESUME")
        checkpoint = "run/02_cyclegan_training/cyclegan-fog/training-*/checkpoints/last.ckpt"
        until(lambda: list(home.glob(checkpoint)))
        slurm.ask("scancel", run.job("cyclegan", "RUNNING"))

    run.command(drain_then_cancel)
    run.drawn = run.first_sample().stat().st_mtime_ns
    run.command()
    run.command()
    return run


def test_a_drained_node_finishes_its_job_and_takes_no_other(run: Run) -> None:
    others = {name: state for name, state in run.pending.items() if name != "analysis"}
    assert run.pending["analysis"] == "COMPLETED"
    assert len(others) >= 2
    assert set(others.values()) == {"PENDING"}


def test_a_resumed_node_goes_on_with_what_waited(run: Run) -> None:
    done = {name for name, state in run.jobs[0].items() if state == "COMPLETED"}
    assert done == {
        "analysis",
        "nst_wildcards_nst-fog",
        "detector_wildcards_run_baseline_0",
        "detector_wildcards_run_nst_0",
    }


def test_a_cancelled_job_is_named_and_the_others_are_finished(run: Run) -> None:
    assert run.jobs[0]["cyclegan_wildcards_cyclegan-fog"] == "CANCELLED"
    assert run.status[0] == 1
    assert "SLURM status is: 'CANCELLED'" in run.said[0]
    assert "Stopped; what is finished is kept." in run.said[0]
    assert "Traceback" not in run.said[0]


def test_the_next_command_does_only_what_is_missing(run: Run) -> None:
    assert run.status[1] == 0, run.said[1][-3000:]
    assert run.jobs[1] == {
        "cyclegan_wildcards_cyclegan-fog": "COMPLETED",
        "detector_wildcards_run_cyclegan_0": "COMPLETED",
        "results_wildcards_run": "COMPLETED",
    }
    assert (run.home / "run" / "report.html").is_file()
    assert f"Report: {run.home}/run/report.html" in run.said[1]


def test_a_cancelled_training_goes_on_from_its_checkpoint(run: Run) -> None:
    assert run.first_sample().stat().st_mtime_ns == run.drawn


def test_when_all_is_done_nothing_is_submitted(run: Run) -> None:
    assert run.status[2] == 0
    assert run.jobs[2] == {}
    assert "Nothing to do: everything is up to date." in run.said[2]


def test_jobs_get_what_the_profile_asks_for(run: Run) -> None:
    jobs = (run.slurm.home / "jobs.log").read_text()
    assert "TimeLimit=2880" in jobs and "mem=32000M" in jobs  # 04
    (training,) = [job for job, name, _ in run.states().values() if name.endswith("nst-fog")]
    assert "TresPerJob=gres:gpu:1" in run.slurm.ask("scontrol", "show", "job", training)


def test_jobs_hear_of_mlflow(run: Run) -> None:
    executed = sorted((run.home / "run" / "notebooks").glob("*.ipynb"))
    assert len(executed) == 7
    for path in executed:
        asked = json.loads(path.read_text())["metadata"]["papermill"]["parameters"]
        assert asked["mlflow"] is True, path.name
