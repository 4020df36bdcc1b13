"""What is promised of docs/parameters.md: every parameter stands there, as the models have it."""

import pytest
from pydantic import BaseModel

from sim2real_lib import parameters_page, params

MODELS: list[type[BaseModel]] = [*params.NOTEBOOKS.values(), params.Run, params.Own]


@pytest.fixture(scope="module")
def page() -> str:
    return parameters_page.page()


def test_the_committed_page_is_what_make_docs_writes(page) -> None:
    assert parameters_page.PAGE.read_text(encoding="utf-8") == page, "Run: make docs"


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_every_parameter_is_described_in_a_line_or_two(model: type[BaseModel]) -> None:
    found = parameters_page.descriptions(model)
    assert found.keys() == model.model_fields.keys()
    for name, text in found.items():
        assert text.endswith(".") and 5 < len(text) < 220, f"{name}: {text!r}"


@pytest.mark.parametrize("notebook", params.NOTEBOOKS)
def test_every_parameter_of_a_notebook_has_one_line_in_its_table(page, notebook: str) -> None:
    section = page.split(f"\n## {notebook}\n")[1].split("\n## ")[0]
    rows = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert rows == list(params.NOTEBOOKS[notebook].model_fields)


def test_choices_ranges_and_the_papers_other_values_stand_in_the_table(page) -> None:
    lines = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert lines["generator"].startswith("| `generator` | `resnet`, `unet` | `resnet` |  |")
    assert lines["beta"].startswith("| `beta` | number ≥ 0, ≤ 0.5 | `0.01` |  |")
    assert lines["image_size"].startswith(
        "| `image_size` | integer ≥ 32, multiple of 32 | `256` | `1248` |"
    )
    assert lines["role"].startswith("| `role` | `target`, `look` | `look` |")


def test_every_line_of_a_table_has_as_many_cells_as_its_head(page) -> None:
    width = 0
    for line in page.replace("\\|", "").splitlines():
        width = (width or line.count("|")) if line.startswith("|") else 0
        assert line.count("|") == width, line
