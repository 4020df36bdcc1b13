"""What is promised of notebooks under git, in a real clone with the environment off PATH."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from sim2real_lib import notebook_git
from sim2real_lib.files import ROOT

NOTEBOOK = "notebooks/01_data_analysis.ipynb"
GIT = shutil.which("git")

pytestmark = [
    pytest.mark.xdist_group("git"),
    pytest.mark.skipif(
        GIT is None or not (ROOT / ".git").exists(), reason="this is no clone, or git is missing"
    ),
]


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this repository, configured as `make setup` does."""
    clone = tmp_path_factory.mktemp("git") / "clone"
    done = subprocess.run(
        [str(GIT), "clone", "--quiet", "--depth=1", ROOT.as_uri(), str(clone)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # What is not committed yet is tested too.
    shutil.copy(notebook_git.__file__, clone / "sim2real_lib" / "notebook_git.py")
    for name in ("nbdime_config.json", ".gitattributes", ".pre-commit-config.yaml"):
        shutil.copy(ROOT / name, clone / name)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "as it is")
    ran = [sys.executable, "-m", "sim2real_lib.notebook_git", "setup"]
    subprocess.run(ran, cwd=clone, env=outside(), check=True)
    return clone


@pytest.fixture
def clone(origin: Path, tmp_path: Path) -> Path:
    """A copy of that clone, for one test to change."""
    return shutil.copytree(origin, tmp_path / "clone", symlinks=True)


def outside() -> dict[str, str]:
    """A shell's environment in which nothing of this Python is on PATH."""
    path = os.pathsep.join(dict.fromkeys([str(Path(str(GIT)).parent), "/usr/bin", "/bin"]))
    people = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER")
              for what in ("NAME", "EMAIL")}  # fmt: skip
    return {"PATH": path, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **people}


def git(clone: Path, *arguments: str, fails: bool = False) -> str:
    """What git says, both streams."""
    done = subprocess.run(
        [str(GIT), *arguments], cwd=clone, env=outside(), text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


def edit(clone: Path, change: Callable[[dict], object], name: str = NOTEBOOK) -> None:
    path = clone / name
    notebook = json.loads(path.read_text())
    change(notebook)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def rerun(notebook: dict) -> None:
    """What JupyterLab and papermill leave in a notebook."""
    notebook["metadata"]["papermill"] = {"duration": 3.2, "parameters": {}}
    notebook["metadata"]["widgets"] = {}
    for count, cell in enumerate(code_cells(notebook), 1):
        cell["execution_count"] = count
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "done\n"}]
        cell["metadata"] |= {"papermill": {"status": "completed"}, "execution": {"shell": "now"}}


def append(position: int, line: str) -> Callable[[dict], None]:
    """A change that adds a line to the code cell at a position."""

    def change(notebook: dict) -> None:
        code_cells(notebook)[position]["source"] += f"\n{line}"

    return change


def branch(clone: Path, name: str, change: Callable[[dict], object]) -> None:
    git(clone, "switch", "--quiet", "--create", name, "main-line")
    edit(clone, change)
    git(clone, "commit", "--quiet", "--all", "--message", name)


def merged(clone: Path, ours: int, theirs: int, *, fails: bool) -> str:
    """What git says of a merge of two branches, each with a line more in one code cell."""
    git(clone, "branch", "main-line")
    branch(clone, "theirs", append(theirs, "print('theirs')"))
    branch(clone, "ours", append(ours, "print('ours')"))
    return git(clone, "merge", "--no-edit", "theirs", fails=fails)


def test_the_environment_is_off_path(origin: Path) -> None:
    assert shutil.which("git-nbdiffdriver", path=outside()["PATH"]) is None


def test_a_rerun_notebook_gives_an_empty_diff(clone: Path) -> None:
    edit(clone, rerun)
    assert NOTEBOOK in git(clone, "status", "--short")
    assert git(clone, "diff", "HEAD") == ""


def test_make_diff_is_that_diff() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert "\n\t@git diff HEAD\n" in makefile
    assert "notebook_git setup" in makefile


def test_a_changed_cell_shows_just_that(clone: Path) -> None:
    edit(clone, rerun)
    edit(clone, append(2, "print('new')"))
    shown = git(clone, "diff", "HEAD")
    assert "print('new')" in shown
    assert shown.count("## modified /cells/") == 1
    assert "outputs" not in shown and "execution_count" not in shown and "papermill" not in shown


def test_a_pager_that_is_closed_early_ends_in_no_traceback(clone: Path) -> None:
    edit(clone, append(1, "x = 1\n" * 40_000))  # more than a pipe holds
    done = subprocess.run(
        f"'{GIT}' diff HEAD | head -n 1", shell=True, cwd=clone, env=outside(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.startswith("nbdiff")
    assert done.stderr == ""


def test_branches_that_change_different_cells_merge(clone: Path) -> None:
    merged(clone, 2, 4, fails=False)
    cells = code_cells(json.loads((clone / NOTEBOOK).read_text()))
    assert cells[2]["source"][-1] == "print('ours')"
    assert cells[4]["source"][-1] == "print('theirs')"


def test_branches_that_change_one_cell_conflict_in_a_valid_notebook(clone: Path) -> None:
    assert "CONFLICT" in merged(clone, 2, 2, fails=True)
    assert git(clone, "status", "--short") == f"UU {NOTEBOOK}\n"
    notebook = nbformat.read(clone / NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    (cell,) = [cell for cell in notebook.cells if "<<<<<<<" in cell.source]
    conflict = cell.source[cell.source.index("<<<<<<<") :].splitlines()
    sides = ["<<<<<<< local", "print('ours')", "=======", "print('theirs')", ">>>>>>> remote"]
    assert conflict == sides


def test_a_commit_of_a_notebook_with_outputs_is_refused(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    hook = [sys.executable, "-m", "pre_commit", "install"]
    environment = outside() | {"PRE_COMMIT_HOME": str(clone.parent / "pre-commit")}
    subprocess.run(hook, cwd=clone, env=environment, check=True, capture_output=True)
    edit(clone, rerun)
    git(clone, "add", NOTEBOOK)
    before = git(clone, "rev-parse", "HEAD")
    refused = git(clone, "commit", "--message", "with outputs", fails=True)
    assert f"{NOTEBOOK}: cell 2" in refused
    for words in ("has outputs", "has an execution count", "has metadata: execution, papermill"):
        assert words in refused
    assert git(clone, "rev-parse", "HEAD") == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (rerun, "the notebook has metadata: papermill, widgets"),
        (lambda n: n["cells"][0]["metadata"].update(papermill={}), "cell 1 (01-00) has metadata"),
        (lambda n: code_cells(n)[0].update(execution_count=1), "has an execution count"),
        (
            lambda n: n["cells"][1]["metadata"].update(tags=["injected-parameters"]),
            "was injected by papermill",
        ),
    ],
)
def test_each_trace_of_a_run_is_named(
    tmp_path: Path, change: Callable[[dict], object], said: str, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "notebooks").mkdir()
    shutil.copy(ROOT / NOTEBOOK, tmp_path / NOTEBOOK)
    assert notebook_git.check(str(tmp_path / NOTEBOOK)) == 0
    edit(tmp_path, change)
    assert notebook_git.check(str(tmp_path / NOTEBOOK)) == 1
    assert said in capsys.readouterr().out
