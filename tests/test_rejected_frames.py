"""A rejected frame has the arms that used it trained again, and no other."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sim2real_lib.files import ROOT, write_json, write_text
from sim2real_lib.translation import rejections

ARMS = ["baseline", "nst", "reinhard", "oracle"]
FRAME = "vkitti2/0001/clone/00001"

pytestmark = pytest.mark.xdist_group("batch")  # Snakemake locks the project's folder


def snakemake(home: Path, *options: str) -> str:
    """What it says, of a copy of params/smoke whose run lies beside."""
    command = [sys.executable, "-m", "snakemake", "--configfile", str(home / "params" / "run.yaml")]
    done = subprocess.run(
        [*command, "--cores", "1", *options],
        cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that Snakemake takes for finished: its outputs are there, though empty."""
    home = tmp_path_factory.mktemp("rejected")
    shutil.copytree(ROOT / "params" / "smoke", home / "params")
    for path in (home / "params").glob("*.yaml"):
        text = path.read_text().replace("outputs/smoke", str(home / "run"))
        text = text.replace("params/smoke", str(home / "params"))
        text = text.replace("[baseline, cyclegan, nst, oracle]", f"[{', '.join(ARMS)}]")
        path.write_text(text)
    planned = snakemake(home, "--dry-run")
    for path in re.findall(rf"{re.escape(str(home))}/run/\S+/manifest\.json", planned):
        write_json(Path(path), {})
    write_text(home / "run" / "report.html", "")
    snakemake(home, "--touch", "--forceall")
    return home


@pytest.fixture
def trained_again(home: Path) -> Callable[..., list[str]]:
    """The arms that a run would train when these (variant, frame) are rejected."""

    def ask(*rejected: tuple[str, str]) -> list[str]:
        file = home / "run" / rejections.FILE
        for variant, frame in rejected:
            rejections.change(file, variant, frame, reject=True)
        try:
            said = snakemake(home, "--dry-run")
        finally:
            file.unlink(missing_ok=True)
        assert not re.search(r"^(analysis|cyclegan|nst) +\d", said, re.M), "nothing else is redone"
        return sorted(set(re.findall(r"train and test arm (\S+),", said)))

    return ask


def test_as_long_as_nothing_is_rejected_nothing_is_trained(trained_again: Callable) -> None:
    assert trained_again() == []


def test_the_arms_that_used_a_rejected_frame_are_trained_again(trained_again: Callable) -> None:
    assert trained_again(("nst-fog", FRAME)) == ["nst"]


def test_a_variant_that_no_arm_uses_concerns_none(trained_again: Callable) -> None:
    assert trained_again(("fda-fog", FRAME)) == []


def test_every_arm_is_concerned_by_its_own_variants(trained_again: Callable) -> None:
    assert trained_again(("nst-fog", FRAME), ("reinhard-fog", FRAME)) == ["nst", "reinhard"]
