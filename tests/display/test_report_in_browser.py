"""The report opened from disk in a real Chromium."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from sim2real_lib.display.report import Picture, Section, Table, Wipe, write_report
from sim2real_lib.display.style import chart

pytestmark = pytest.mark.browser

RED = np.full((90, 300, 3), (220, 30, 30), np.uint8)
BLUE = np.full((90, 300, 3), (30, 30, 220), np.uint8)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    figure = chart(4, 2)
    figure.subplots().plot([1, 2])
    table = pd.DataFrame({"arm": ["baseline", "<b>x</b>"], "mAP@0.5": [0.3, 0.4]})
    wide = pd.DataFrame({"arm": ["baseline"]} | {f"car {n}-{n + 5}": [0.125] for n in range(9)})
    blocks = [Table(table, best="max"), Picture(figure), Wipe(RED, BLUE), Table(wide)]
    return write_report(
        tmp_path_factory.mktemp("report") / "report.html",
        title="run", question="Does it help?", answer="Yes.", notice="not real data",
        sections=[Section("Results", blocks)],
    )  # fmt: skip


def middle_row(wipe: Any) -> np.ndarray:
    """RGB along the wipe at three quarters of its height: below names and grip."""
    shot = cv2.imdecode(np.frombuffer(wipe.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    return shot[round(0.8 * len(shot)), :, ::-1].astype(int)


def share_of_red(wipe: Any) -> float:
    row = middle_row(wipe)
    return float((row[:, 0] > row[:, 2] + 100).mean())


def test_it_opens_without_an_error_or_a_request(browser: Any, report: Path) -> None:
    page = browser.new_page()
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(report.as_uri())
    broken = page.evaluate(
        "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    )
    assert broken == 0
    assert complaints == []
    assert [url for url in requests if not url.startswith("data:")] == [report.as_uri()]
    assert page.locator("td", has_text="<b>x</b>").count() == 1
    page.close()


def test_the_wipe_follows_mouse_and_keyboard(browser: Any, report: Path) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    wipe = page.locator(".wipe")
    wipe.scroll_into_view_if_needed()
    assert share_of_red(wipe) == pytest.approx(0.5, abs=0.02)
    area = wipe.bounding_box()
    page.mouse.click(area["x"] + 0.2 * area["width"], area["y"] + 0.5 * area["height"])
    assert share_of_red(wipe) == pytest.approx(0.2, abs=0.03)
    page.keyboard.press("End")
    assert share_of_red(wipe) > 0.97
    page.close()


def test_where_scripts_are_forbidden_the_corner_still_wipes(browser: Any, report: Path) -> None:
    strict = report.with_name("strict.html")
    policy = '<meta http-equiv="Content-Security-Policy" content="script-src \'none\'">'
    strict.write_text(report.read_text().replace("<head>", f"<head>{policy}"))
    page = browser.new_page()
    page.goto(strict.as_uri())
    wipe = page.locator(".wipe")
    wipe.scroll_into_view_if_needed()
    assert page.locator(".wipe-live").count() == 0
    left = page.locator(".wipe-left").bounding_box()
    corner = left["x"] + left["width"] - 5, left["y"] + left["height"] - 5
    page.mouse.move(*corner)
    page.mouse.down()
    page.mouse.move(corner[0] - 0.25 * wipe.bounding_box()["width"], corner[1], steps=4)
    page.mouse.up()
    assert share_of_red(wipe) == pytest.approx(0.25, abs=0.03)
    page.close()


def test_dark_pages_are_dark_and_narrow_ones_do_not_overflow(browser: Any, report: Path) -> None:
    page = browser.new_page(color_scheme="dark", viewport={"width": 390, "height": 800})
    page.goto(report.as_uri())
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, background.removeprefix("rgb(").removesuffix(")").split(","))) < 60
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_printed_on_paper_no_table_is_cut_and_nothing_is_only_for_screens(
    browser: Any, report: Path
) -> None:
    page = browser.new_page(viewport={"width": 673, "height": 1000})  # A4 within 16 mm, 96 dpi
    page.emulate_media(media="print")
    page.goto(report.as_uri())
    cut = "all => all.map(own => own.scrollWidth - own.parentElement.clientWidth)"
    assert max(page.locator("table").evaluate_all(cut)) <= 0
    assert not page.locator("nav").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.close()
