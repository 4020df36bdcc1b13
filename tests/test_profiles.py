"""What is promised of Snakemake's profiles: each speaks of every rule, and all are taken."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sim2real_lib.files import ROOT

PROFILES = sorted(path.parent.name for path in (ROOT / "profiles").glob("*/config.yaml"))
CLUSTERS = ["kubernetes", "slurm"]
SNAKEFILE = (ROOT / "Snakefile").read_text(encoding="utf-8")
RULES = dict(re.findall(r"^rule (\w+):(.*?\n\n)", SNAKEFILE + "\n", re.M | re.S))
JOBS = set(RULES) - {"all"}
WITH_GPU = {name for name in JOBS if "gpu=1" in RULES[name]}


def profile(name: str) -> dict:
    return yaml.safe_load((ROOT / "profiles" / name / "config.yaml").read_text(encoding="utf-8"))


def test_there_is_one_for_this_machine_and_one_for_each_kind_of_cluster() -> None:
    assert PROFILES == ["kubernetes", "local", "slurm"]


@pytest.mark.parametrize("name", CLUSTERS)
def test_every_rule_has_its_threads_memory_time_and_gpus(name: str) -> None:
    threads, resources = profile(name)["set-threads"], profile(name)["set-resources"]
    assert set(threads) == set(resources) == JOBS
    for rule, asked in resources.items():
        assert threads[rule] > 0 and asked["mem_mb"] > 0 and asked["runtime"] > 0, rule
        assert asked.get("gpu", 0) == (rule in WITH_GPU), rule


@pytest.mark.parametrize("name", PROFILES)
def test_all_schedule_and_go_on_in_the_same_way(name: str) -> None:
    same = ("scheduler", "rerun-incomplete", "keep-going")
    assert [profile(name)[key] for key in same] == [profile("local")[key] for key in same]


@pytest.mark.parametrize("name", ["local", "slurm"])  # kubernetes: cluster/test_kubernetes.py
def test_snakemake_takes_it(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "params" / "smoke", tmp_path / "params")
    for path in (tmp_path / "params").glob("*.yaml"):
        text = path.read_text().replace("outputs/smoke", str(tmp_path / "run"))
        path.write_text(text.replace("params/smoke", str(tmp_path / "params")))
    command = [sys.executable, "-m", "snakemake", "--profile", f"profiles/{name}", "--dry-run"]
    dry = subprocess.run(
        [*command, "--configfile", str(tmp_path / "params" / "run.yaml")],
        cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert dry.returncode == 0, dry.stderr
    assert "analysis" in dry.stdout + dry.stderr
