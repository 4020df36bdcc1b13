"""One undisturbed run for all tests of faults, which each hurt a copy of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from project import ARMS, Project


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project after a whole run that nothing went wrong in, remembered as "whole"."""
    project = Project.make(tmp_path_factory.mktemp("faults"))
    project.write_params(run=ARMS)
    status, said = project.make_demo()
    assert status == 0, said
    project.keep("whole")
    return project


@pytest.fixture
def project(undisturbed: Project) -> Iterator[Project]:
    """The project as the whole run left it. Whatever a test does, no byte of a data set changes."""
    undisturbed.restore("whole")
    before = undisturbed.data_bytes()
    yield undisturbed
    assert undisturbed.changed_data(before) == []


@pytest.fixture
def whole(project: Project) -> dict[str, str]:
    """What the undisturbed run made."""
    return project.results()


@pytest.fixture
def edited(project: Project, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The project's notebook 03, which is put back after the test."""
    path = project.root / "notebooks" / "03_nst_generation.ipynb"
    text = path.read_text(encoding="utf-8")
    yield path
    path.write_text(text, encoding="utf-8")
