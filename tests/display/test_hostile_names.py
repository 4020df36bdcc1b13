"""Names from a stranger's data reach charts, pages and tables as text: nothing in them runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.display import data_plots
from sim2real_lib.display.flip import Flip
from sim2real_lib.display.report import Facts, Picture, Section, Table, Wipe, write_report
from sim2real_lib.display.style import Chart, chart, encode, themed
from sim2real_lib.display.wipe import wipe_html

SCRIPT = "<script>window.ran=1</script>"
IMAGE = '"><img src=x onerror="window.ran=1">\'><svg onload=window.ran=1>'
LINK = "[x](javascript:window.ran=1)`</style></title>{{7*7}}"
FORMULA = r"$\frac{ $x$ \$ $\undefined{a}$ _^%#"
NAMES = (SCRIPT, IMAGE, LINK, FORMULA)
PIXELS = np.full((30, 60, 3), 90, np.uint8)


def catalog(name: str) -> Catalog:
    """Two sources whose every free word is the name."""
    frames = pd.DataFrame(
        [
            {"frame_id": f"{source}/{n}", "source": source, "split": "train", "sequence": name,
             "index": n, "variant": "original", "image": "/a.png", "width": 60, "height": 30,
             "weather": "clear", "timeofday": "daytime", "scene": name}
            for source in ("kitti", "mine") for n in range(3)
        ]
    )  # fmt: skip
    boxes = pd.DataFrame(
        [
            {"frame_id": frame_id, "class": name.lower(), "left": 5.0, "top": 5.0, "right": 25.0,
             "bottom": 20.0, "occluded": True, "occlusion": None, "truncated": False,
             "visible_pixels": None, "ignore": False, "raw_class": name}
            for frame_id in frames["frame_id"]
        ]
    )  # fmt: skip
    return Catalog(frames, boxes)


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_writes_any_name_as_it_is(name: str) -> None:
    made = catalog(name)
    figure = data_plots.class_counts(made.frames, made.boxes)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [name.lower()]
    encode(figure)
    encode(data_plots.scenes(made.frames))


def test_no_text_of_a_themed_chart_is_a_formula() -> None:
    @themed
    def drawn() -> Chart:
        figure = chart(3, 2)
        axes = figure.subplots()
        axes.plot([0, 1], label=FORMULA)
        axes.set_title(FORMULA)
        axes.set_xlabel(FORMULA)
        axes.annotate(FORMULA, (0, 0))
        axes.set_xticks([0, 1], [FORMULA, FORMULA])
        axes.legend(title=FORMULA)
        figure.suptitle(FORMULA)
        return figure

    encode(drawn())


def test_a_logarithmic_axis_still_has_its_powers_of_ten() -> None:
    @themed
    def drawn() -> Chart:
        figure = chart(3, 2)
        axes = figure.subplots()
        axes.plot([1, 1000], [1, 1000])
        axes.set_xscale("log")
        axes.set_yscale("log")
        return figure

    (axes,) = drawn().axes
    for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        assert label.get_parse_math() or "$" not in label.get_text()


def ran(browser: Any, path: Path) -> bool:
    """Whether a script of the data ran in the page, or the page asked for anything."""
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_timeout(300)
    found = page.evaluate("window.ran === 1")
    page.close()
    return bool(found) or any(not url.startswith(("file:", "data:")) for url in asked)


@pytest.mark.browser
def test_the_browser_test_would_notice_a_script(browser: Any, tmp_path: Path) -> None:
    for name in (SCRIPT, IMAGE):
        path = tmp_path / "bad.html"
        path.write_text(f'<p title="{name}">{name}</p>')
        assert ran(browser, path)


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_a_report_full_of_hostile_names_runs_none_of_them(
    name: str, browser: Any, tmp_path: Path
) -> None:
    figure = chart(2, 1)
    figure.suptitle("x")
    table = pd.DataFrame({name: [name, "b"], f"{name} 2": [0.1, 0.2]})
    blocks = [
        Table(table, best="max", caption=name), Picture(PIXELS, name),
        Wipe(PIXELS, PIXELS, (name, name), name),
        Flip(Picture(PIXELS, name), Picture(PIXELS, name), labels=(name, name), key="k"),
        Facts({name: name, "list": [name]}, name),
    ]  # fmt: skip
    path = write_report(
        tmp_path / "report.html", title=name, question=name, answer=name, details=[name],
        notice=name, sections=[Section(name, blocks, name)],
    )  # fmt: skip
    assert not ran(browser, path)
    assert path.read_text().count(SCRIPT) == 0
    assert "49" not in path.read_text().split("</style>")[-1] or "{{" not in name


@pytest.mark.browser
@pytest.mark.parametrize("name", NAMES)
def test_what_notebooks_show_runs_no_name(name: str, browser: Any, tmp_path: Path) -> None:
    shown = [
        wipe_html(PIXELS, PIXELS, labels=(name, name)),
        pd.DataFrame({name: [name]}, index=[name])._repr_html_(),
    ]
    path = tmp_path / "shown.html"
    path.write_text("<meta charset=utf-8>" + "".join(shown))
    assert not ran(browser, path)
