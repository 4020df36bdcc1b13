"""What is promised of the other ways to an environment: conda's file and the dev container."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from sim2real_lib.files import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^(\w+):", MAKEFILE, re.M))


def conda() -> dict:
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def pip_list() -> list[str]:
    (listed,) = [part["pip"] for part in conda()["dependencies"] if isinstance(part, dict)]
    return listed


def constraints() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def test_conda_takes_its_python_and_pip_from_one_free_channel() -> None:
    assert conda()["channels"] == ["conda-forge"]
    assert "pip" in conda()["dependencies"]


def test_conda_and_the_package_ask_for_the_same_python() -> None:
    (python,) = [part for part in conda()["dependencies"] if str(part).startswith("python")]
    assert SpecifierSet(python.removeprefix("python")) == SpecifierSet(PROJECT["requires-python"])


def test_every_requirement_has_one_exact_version_that_satisfies_it() -> None:
    pinned = constraints()
    optional = PROJECT["optional-dependencies"].values()
    wanted_ones = map(Requirement, [*PROJECT["dependencies"], *itertools.chain(*optional)])
    for wanted in (one for one in wanted_ones if one.name != PROJECT["name"]):
        version = pinned[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), f"{wanted}, pinned to {version}"


def test_pip_accepts_condas_list_as_a_requirements_file_in_the_ymls_own_folder(tmp_path) -> None:
    # As conda does it; nothing is installed or asked of an index.
    pytest.importorskip(
        "setuptools", "77", reason="without a network pip cannot get the build tool"
    )
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "sim2real_lib").mkdir()
    file = tmp_path / "condaenv.requirements.txt"
    file.write_text("\n".join(pip_list()), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "-r", file.name, "--dry-run", "--quiet"]
    offline = ["--ignore-installed", "--no-deps", "--no-index", "--no-build-isolation"]
    done = subprocess.run([*pip, *offline, "--report", "-"], cwd=tmp_path, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["install"]
    assert found["metadata"]["name"] == "sim2real" and found["requested_extras"] == ["dev"]


def test_pip_refuses_condas_list_where_the_constraints_are_not(tmp_path) -> None:
    (tmp_path / "condaenv.requirements.txt").write_text("\n".join(pip_list()), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "-r"]
    done = subprocess.run([*pip, "condaenv.requirements.txt"], cwd=tmp_path, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode and "constraints.txt" in done.stderr


@pytest.fixture(scope="module")
def container() -> dict:
    return json.loads(Path(ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))


def test_the_dev_containers_python_is_new_enough(container) -> None:
    version = container["image"].split(":")[1].split("-")[0]
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)


def test_the_dev_container_installs_the_libraries_that_the_makefile_names(container) -> None:
    (named,) = re.findall(r"apt-get install ([\w. -]+)\"", MAKEFILE)
    assert container["onCreateCommand"].endswith(f"apt-get install -y {named}")


def test_the_dev_container_runs_commands_that_the_makefile_has(container) -> None:
    for step in ("postCreateCommand", "postAttachCommand"):
        program, target = container[step].split()
        assert program == "make" and target in TARGETS


def test_the_dev_container_forwards_jupyterlabs_port(container) -> None:
    assert container["forwardPorts"] == [8888] == [int(p) for p in container["portsAttributes"]]


def test_tests_of_one_group_run_in_one_worker(tmp_path: Path) -> None:
    # Two makings of one run, two Slurms or two JupyterLabs at once are slow, or fail.
    (tmp_path / "test_group.py").write_text(
        "import pytest\n"
        "@pytest.mark.xdist_group('one')\n"
        "@pytest.mark.parametrize('number', range(6))\n"
        "def test(number, worker_id): assert print(f'in {worker_id}.') is None\n"
    )
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-rP", tmp_path]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert "6 passed" in done.stdout
    assert len(set(re.findall(r"in (gw\d)\.", done.stdout))) == 1
