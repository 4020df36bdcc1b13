"""The report is one file that calls nowhere and trusts no text."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.display.report import Beside, Facts, Picture, Section, Table, Wipe, write_report
from sim2real_lib.display.style import chart
from sim2real_lib.errors import InputError

HOSTILE = "<script>alert(1)</script>\" onerror='x'"


def report(path: Path, *blocks, **changes) -> str:
    words = {"title": "run", "question": "Does it help?", "answer": "Yes.", "notice": "MiniDrive"}
    sections = [Section("Results", blocks, lead="What came out.")]
    return write_report(path / "r.html", **(words | changes), sections=sections).read_text()


def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (60, 100, 3), np.uint8)


def test_question_answer_and_notice_stand_at_the_top(tmp_path: Path) -> None:
    page = report(tmp_path)
    head = page[page.index("<header>") : page.index("</header>")]
    for words in ("Does it help?", "Yes.", "MiniDrive"):
        assert words in head


def test_what_the_answer_stands_on_follows_it(tmp_path: Path) -> None:
    page = report(tmp_path, details=["Three seeds.", HOSTILE])
    head = page[page.index("<header>") : page.index("</header>")]
    assert head.index("Yes.") < head.index("Three seeds.") < head.index("&lt;script&gt;")
    assert "<script" not in page


def test_rows_of_other_data_are_marked_and_never_the_best(tmp_path: Path) -> None:
    table = pd.DataFrame({"arm": ["ours", "worse", "oracle", "theirs"], "x": [0.2, 0.1, 0.3, 0.4]})
    page = report(
        tmp_path, Table(table, best="max", aside=("oracle", "theirs"), elsewhere=("theirs",))
    )
    assert re.findall(r'<tr class="([^"]*)">', page) == ["", "", "aside", "aside elsewhere"]
    assert re.findall(r'<td class="best">([^<]+)', page) == ["0.200"]


def test_text_from_data_is_escaped_everywhere(tmp_path: Path) -> None:
    table = pd.DataFrame({HOSTILE: [HOSTILE], "map50": [0.5]})
    page = report(
        tmp_path,
        Table(table, HOSTILE),
        Picture(image(), HOSTILE),
        Beside([Wipe(image(), image(), (HOSTILE, HOSTILE), HOSTILE)]),
        Facts({HOSTILE: {HOSTILE: [HOSTILE]}}, HOSTILE),
        title=HOSTILE, question=HOSTILE, answer=HOSTILE, notice=HOSTILE,
    )  # fmt: skip
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 15
    assert "\" onerror='" not in page


def test_nothing_outside_the_file_is_asked_for(tmp_path: Path) -> None:
    figure = chart(2, 1)
    figure.subplots().plot([1, 2])
    page = report(tmp_path, Picture(figure), Picture(image()), Wipe(image(), image()))
    sources = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", page)
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"@import|url\(|https?:|<link|<script", page)
    assert list(tmp_path.iterdir()) == [tmp_path / "r.html"]


def test_the_best_of_each_column_stands_out_and_the_oracle_does_not_compete(
    tmp_path: Path,
) -> None:
    table = pd.DataFrame(
        {"arm": ["baseline", "cyclegan", "nst", "oracle"], "0-5": [0.379, 0.413, 0.376, 0.5],
         "0-all": [0.342, np.nan, 0.336, 0.5], "frames": [2126, 2126, 2126, 2126]}
    )  # fmt: skip
    page = report(tmp_path, Table(table, best="max", aside=("oracle",)))
    assert re.findall(r'<td class="best">([^<]+)', page) == ["0.342", "0.413"]
    assert '<td class="">–</td>' in page and "2,126" in page


def test_values_equal_in_every_row_are_not_the_best_of_anything(tmp_path: Path) -> None:
    page = report(tmp_path, Table(pd.DataFrame({"arm": ["a", "b"], "x": [0.5, 0.5]}), best="min"))
    assert 'class="best"' not in page


def test_nested_parameters_are_written_flat(tmp_path: Path) -> None:
    page = report(tmp_path, Facts({"yolo": {"epochs": 30, "styles": ["fog", "rain"]}}))
    assert "<dt>yolo.epochs</dt><dd>30</dd>" in page
    assert "<dt>yolo.styles</dt><dd>fog, rain</dd>" in page


def test_large_photographs_are_embedded_small(tmp_path: Path) -> None:
    large = np.tile(image(), (40, 40, 1))
    assert len(report(tmp_path, Picture(large))) < 1_500_000


def test_a_chart_appears_as_the_notebook_showed_it(tmp_path: Path) -> None:
    figure = chart(2, 1)
    figure.subplots().plot([1, 2])
    bundle, _ = figure._repr_mimebundle_()
    figure.clear()
    assert bundle["image/png"] in report(tmp_path, Picture(figure))


def test_a_chart_that_nobody_has_seen_is_drawn(tmp_path: Path) -> None:
    figure = chart(2, 1)
    figure.subplots().imshow(image())
    assert re.search('<img class="photo" src="data:image/jpeg', report(tmp_path, Picture(figure)))


def test_a_missing_picture_leaves_no_half_report(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such image"):
        report(tmp_path, Picture(tmp_path / "none.png"))
    assert not list(tmp_path.iterdir())
