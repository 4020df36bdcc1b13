"""Notebooks under git: what `make setup` configures, and what a commit may hold.

    python -m sim2real_lib.notebook_git setup           # once a clone: nbdime diffs and merges
    python -m sim2real_lib.notebook_git check *.ipynb   # refuse outputs, counts, papermill's marks

`diff` is what git itself calls.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

KEPT = {"kernelspec", "language_info"}  # of a notebook's metadata
KEPT_OF_CELL = {"tags"}


def setup() -> int:
    """Configure the clone in the working directory; `.gitattributes` names these two drivers.

    The commands name this Python by its absolute path: git needs no environment on PATH.
    """
    python = f'"{sys.executable}" -m'
    for name, value in {
        "diff.jupyternotebook.command": f"{python} sim2real_lib.notebook_git diff",
        "merge.jupyternotebook.name": "notebook merge driver (nbdime)",
        "merge.jupyternotebook.driver": (
            f"{python} nbdime.vcs.git.mergedriver merge %O %A %B %L %P"
        ),
    }.items():
        subprocess.run(["git", "config", name, value], check=True)
    return 0


def diff(*arguments: str) -> int:
    """nbdime's diff driver; a pager that is closed early is no error."""
    from nbdime.vcs.git import diffdriver

    try:
        status = diffdriver.main(["diff", *arguments])
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered goes nowhere, or the interpreter would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def check(*paths: str) -> int:
    """Print what each notebook holds that only a run puts there. Returns 1 if there is any."""
    found = [f"{path}: {what}" for path in paths for what in traces(Path(path))]
    print(*found, sep="\n", end="\n" if found else "")
    if found:
        print('Clear them with "Edit > Clear Outputs of All Cells" in JupyterLab, or: git restore')
    return int(bool(found))


def traces(path: Path) -> Iterator[str]:
    """What a run left in a notebook: outputs, execution counts, metadata of papermill and others.

    Args:
        path: the notebook.

    Yields:
        one clause each, with the cell's id.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        yield f"not a notebook ({error})"
        return
    yield from _metadata(notebook, KEPT, "the notebook")
    for number, cell in enumerate(notebook["cells"], 1):
        where = f"cell {number} ({cell.get('id', 'without an id')})"
        yield from _metadata(cell, KEPT_OF_CELL, where)
        if "injected-parameters" in cell["metadata"].get("tags", []):
            yield f"{where} was injected by papermill"
        if cell.get("outputs"):
            yield f"{where} has outputs"
        if cell.get("execution_count") is not None:
            yield f"{where} has an execution count"


def _metadata(holder: dict, kept: set[str], where: str) -> Iterator[str]:
    left = sorted(set(holder["metadata"]) - kept)
    if left:
        yield f"{where} has metadata: {', '.join(left)}"


if __name__ == "__main__":
    command = {"setup": setup, "diff": diff, "check": check}[sys.argv[1]]
    sys.exit(command(*sys.argv[2:]))
