"""What is promised of what is installed: exact files, known licences, looked up for faults."""

import re

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sim2real_lib import licences_page
from sim2real_lib.files import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BLOCKS = [block for block in re.split(r"\n(?=\S)", LOCK) if not block.startswith("#")]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))


def locked() -> dict[str, Requirement]:
    wanted = [Requirement(block.split("\\")[0].strip()) for block in BLOCKS]
    return {canonicalize_name(one.name): one for one in wanted}


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(name): version for name, version in (x.split("==") for x in lines)}


def test_every_locked_package_has_hashes_of_its_files() -> None:
    assert len(BLOCKS) > 200
    for block in BLOCKS:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block[:80]


def test_the_lock_has_the_versions_that_the_constraints_name() -> None:
    versions = pinned()
    for name, wanted in locked().items():
        assert str(wanted.specifier) == f"=={versions.get(name, '')}" or name not in versions
    assert versions.keys() <= locked().keys(), "Run: make lock"


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(("system", "machine"), PLATFORMS)
def test_the_lock_holds_what_the_project_asks_for_on_every_platform(
    system: str, machine: str, python: str
) -> None:
    place = {"python_version": python, "python_full_version": f"{python}.6", "sys_platform": system,
             "platform_machine": machine, "platform_system": system.title(),
             "platform_python_implementation": "CPython",
             "implementation_name": "cpython"}  # fmt: skip
    there = {
        name for name, wanted in locked().items()
        if not wanted.marker or Marker(str(wanted.marker)).evaluate(place)
    }  # fmt: skip
    assert {"torch", "numpy", "ultralytics", "jupyterlab", "setuptools", "pytest"} <= there
    assert ("nvidia-cublas" in there) == (system == "linux")


def test_the_environment_is_made_of_files_whose_hashes_are_known() -> None:
    (rule,) = re.findall(r"^\$\(READY\):.*\n((?:\t.*\n)+)", MAKEFILE, re.M)
    installs = [line for line in rule.splitlines() if "pip install" in line]
    assert len(installs) == 2
    assert "--require-hashes --requirement requirements.lock" in installs[0]
    assert "--no-deps --no-build-isolation --editable ." in installs[1]


def test_the_page_of_licences_has_the_pinned_versions() -> None:
    page = licences_page.PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", page, re.M)[1:])
    assert {canonicalize_name(name): version for name, version in rows.items()} == pinned(), (
        "Run: make docs"
    )


def test_the_page_of_licences_calls_out_every_agpl_and_gpl() -> None:
    page = licences_page.PAGE.read_text(encoding="utf-8")
    (called,) = re.findall(r"\*\*AGPL and GPL\.\*\* (.*?)\. ultralytics trains", page, re.S)
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", page, re.M)
    strong = [name for name, licence in rows if licences_page.STRONG.search(licence)]
    assert "ultralytics" in strong
    for name in strong:
        assert name in called


def test_known_vulnerabilities_are_printed_by_ci_and_stop_nothing() -> None:
    # What is published tomorrow changes nothing in a commit: taking another version is a choice.
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^audit=\$\(.*make audit 2>&1\) \|\| ", script, re.M)
