"""The comparison widget in a real JupyterLab: every control changes the pixels that it should.

Original, translation and target are flat red, blue and green with a white square in the middle, so
that one pixel tells which picture is seen, and how near.
"""

import io
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
from own_jupyterlab import TOKEN, served
from PIL import Image

from sim2real_lib.evaluation.matching import match_tables
from sim2real_lib.files import ROOT
from sim2real_lib.images import write_rgb

CHROMIUM = shutil.which("chromium")
SETTINGS = Path(sys.prefix) / "share/jupyter/lab/settings/overrides.json"
IDLE = """() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status
    === 'idle'"""
EXECUTE = """async (code) => { await window.jupyterapp.shell.currentWidget.sessionContext.session
    .kernel.requestExecute({code}).done; }"""
SLOW = "import time; swift = tests.facts; tests.facts = lambda wish: time.sleep(3) or swift(wish)"
CELLS = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
RUN = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"
FRAMES, WIDTH, HEIGHT = 4, 640, 360
RED, BLUE, GREEN, WHITE = (200, 0, 0), (0, 0, 200), (0, 140, 0), (255, 255, 255)
FOUND, MISSED = (61, 220, 132), (255, 225, 77)  # changed_frames.LOOKS
CAR, TRUCK = (56, 182, 255), (255, 92, 138)  # style.CLASSES
CELL = """
import pandas as pd
from pathlib import Path
from sim2real_lib.display.comparison_widget import ArmsSeen, Comparison
from sim2real_lib.evaluation.stored import Stored
home = Path({home!r})
tables = {{name: pd.read_parquet(home / f"{{name}}.parquet") for name in
          ("pairs", "boxes", "scores", "detections")}}
targets = {{"fog": [str(home / "target.png")]}}
arms = {{name: home / name for name in ("baseline-seed0", "nst-seed0")}}
tests = ArmsSeen(pd.read_parquet(home / "tests.parquet"), Stored.read(arms, ["car", "truck"]))
Comparison(**tables, targets=targets, tests=tests, rejected=home / "rejected_frames.csv")
"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("notebooks"),
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]


def flat(path: Path, colour: tuple[int, int, int]) -> str:
    """A picture of one colour with a white square in its middle."""
    image = np.full((HEIGHT, WIDTH, 3), colour, np.uint8)
    image[HEIGHT // 2 - 20 : HEIGHT // 2 + 20, WIDTH // 2 - 20 : WIDTH // 2 + 20] = 255
    write_rgb(path, image)
    return str(path)


def write_tables(home: Path) -> None:
    """Four frames, translated to fog twice and to rain once, with one box and two detections."""
    original, translated = flat(home / "original.png", RED), flat(home / "translated.png", BLUE)
    flat(home / "target.png", GREEN)
    made = [("fog", "nst"), ("fog", "reinhard"), ("rain", "nst")]
    ids = [f"vkitti2/0001/clone/{number:05d}" for number in range(FRAMES)]
    pairs = pd.DataFrame(
        [(name, *pair, original, translated) for name in ids for pair in made],
        columns=["frame_id", "style", "translator", "original", "translated"],
    )
    pairs.to_parquet(home / "pairs.parquet")
    scores = pairs[["frame_id", "style", "translator"]].copy()
    scores["agreement"] = (
        scores["frame_id"].str[-1].astype(int).map([0.8, 0.9, 0.1, 0.5].__getitem__)
    )
    scores.to_parquet(home / "scores.parquet")
    car = {"left": 64.0, "top": 72.0, "right": 224.0, "bottom": 288.0}  # shares .1 .2 .35 .8
    truck = {"left": 448.0, "top": 72.0, "right": 576.0, "bottom": 288.0}  # .7 .2 .9 .8
    known = {"occluded": True, "occlusion": 0.4, "truncated": False, "ignore": False}
    rows = [{"frame_id": name, "class": "car", **car, **known} for name in ids]
    many = [row for row in rows if row["frame_id"] == ids[1] for _ in range(7)]
    pd.DataFrame([*rows, *many]).to_parquet(home / "boxes.parquet")
    found = [
        {"frame_id": frame_id, "class": "truck", "confidence": confidence, **truck}
        for name in ids
        for frame_id, confidence in ((name, 0.9), (f"nst-fog/{name}", 0.4))
    ]
    pd.DataFrame(found).to_parquet(home / "detections.parquet")
    write_arms(home, car)


def write_arms(home: Path, car: dict[str, float]) -> None:
    """Two foggy test frames with a car: the baseline finds only the second one, nst both."""
    image = str(home / "target.png")
    rows = [(name, image, WIDTH, HEIGHT, "foggy") for name in ("t/0", "t/1")]
    frames = pd.DataFrame(rows, columns=["frame_id", "image", "width", "height", "weather"])
    frames.to_parquet(home / "tests.parquet")
    there = pd.DataFrame([{"frame_id": name, "class": "car", **car} for name in ("t/0", "t/1")])
    there = there.assign(occluded=False, truncated=False, occlusion=0.0)
    for arm, first in (("baseline", 1), ("nst", 0)):
        folder = home / f"{arm}-seed0"
        folder.mkdir()
        found = there.iloc[first:].assign(confidence=0.8)
        matched = match_tables(found, there, there.iloc[:0], ["car", "truck"])
        matched.to_parquet(folder / "detections.parquet")
        there.to_parquet(folder / "objects.parquet")
        there.iloc[:0].to_parquet(folder / "areas.parquet")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tables and a notebook that shows the widget."""
    home = tmp_path_factory.mktemp("widget")
    write_tables(home)
    cells = [nbformat.v4.new_code_cell(CELL.format(home=str(home)))]
    kernel = {"name": "python3", "display_name": "Python 3"}  # else JupyterLab asks for one
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, home / "widget.ipynb")
    return home


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """Of a JupyterLab of our own, with settings that are nobody's."""
    with served(home, home, os.environ | {"PYTHONPATH": str(ROOT)}) as address:
        yield f"{address}/lab/tree/widget.ipynb?token={TOKEN}"


class Widget:
    """The widget on its page: what a person can do, and what is then seen."""

    def __init__(self, page: Any) -> None:
        self.page, self.root = page, page.locator(".s2r")
        self.complaints: list[str] = []
        self.elsewhere: list[str] = []
        self.asked: list[int] = []  # rows, of the kernel
        page.on("websocket", lambda socket: socket.on("framesent", self.heard))
        page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "request",
            lambda r: (
                r.url.startswith("http")
                and "//127.0.0.1:" not in r.url
                and self.elsewhere.append(r.url)
            ),
        )

    def heard(self, payload: str | bytes) -> None:
        text = payload if isinstance(payload, str) else payload.decode("latin-1")
        self.asked += map(int, re.findall(r'"get":\s*(\d+)', text))

    def run(self) -> None:
        """Run the notebook, and wait until the first frame is painted."""
        self.page.wait_for_function(IDLE, timeout=120_000)
        self.page.evaluate(RUN)
        self.page.wait_for_selector(".s2r[data-at]", timeout=120_000)
        self.page.wait_for_function(IDLE, timeout=60_000)

    def fresh(self) -> None:
        """As it was at first: nothing pressed that a test before may have left."""
        self.button("Fit").click()
        for name, on in (("Hand", False), ("Boxes", True), ("Detections", False), ("Target", True)):
            if (self.button(name).get_attribute("aria-pressed") == "true") != on:
                self.button(name).click()
        self.press("1")
        self.slide("wipe", 0.5)
        self.choose("show", "all frames")
        self.choose("order", "as driven")
        # A list that is still to come keeps the frame that is seen.
        self.until(self.first, "the first frame of the whole list")

    def first(self) -> bool:
        self.slide("frame", 0)
        return self.count() == f"1 of {FRAMES}" and self.frame() == "0"

    def button(self, text: str) -> Any:
        return self.root.locator(f"button:text-is('{text}')")

    def press(self, *keys: str) -> None:
        self.root.locator(".s2r-stage").focus()
        for key in keys:
            self.page.keyboard.press(key)

    def slide(self, name: str, value: float) -> None:
        slider = self.root.locator(f"input[type=range][aria-label={name}]")
        slider.evaluate(
            "(own, value) => { own.value = value; own.dispatchEvent(new Event('input')); }", value
        )

    def choose(self, name: str, text: str) -> None:
        self.root.locator(f"select[name={name}]").select_option(text)
        self.until(lambda: self.root.locator(f"select[name={name}]").input_value() == text)

    def count(self) -> str:
        return self.root.locator(".s2r-count").inner_text()

    def frame(self) -> str:
        return self.root.locator(".s2r-name").inner_text()[-1:]

    def at(self, x: float, y: float, pane: str = "main") -> tuple[float, float]:
        """A share of a pane as a place on the page."""
        box = self.root.locator(f".s2r-{pane}").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def picture(self, pane: str) -> np.ndarray:
        shot = self.root.locator(f".s2r-{pane}").screenshot()
        return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)

    def pixel(self, x: float, y: float, pane: str = "main") -> np.ndarray:
        image = self.picture(pane)
        high, wide = image.shape[:2]
        return image[min(high - 1, round(y * high)), min(wide - 1, round(x * wide))]

    def looks(self, x: float, y: float, colour: tuple[int, int, int], pane: str = "main") -> None:
        """Wait until a pixel has the colour: painting comes with the browser's next frame."""
        self.until(
            lambda: np.abs(self.pixel(x, y, pane) - colour).max() < 40, f"{colour} at {x}, {y}"
        )

    def has(
        self, colour: tuple[int, int, int], area: tuple[float, ...], pane: str = "main"
    ) -> bool:
        """Whether some pixels in an area (shares: left, top, right, bottom) have the colour."""
        image = self.picture(pane)
        high, wide = image.shape[:2]
        left, top, right, bottom = np.round(np.multiply(area, (wide, high, wide, high))).astype(int)
        part = image[top:bottom, left:right]
        return bool((np.abs(part - colour).max(-1) < 40).sum() > 4)

    def until(self, true: Callable[[], object], what: str = "") -> None:
        for _ in range(60):
            if true():
                return
            self.page.wait_for_timeout(150)
        seen = self.root.inner_text().replace("\n", " ")
        raise AssertionError(f"never became true: {what}; the widget shows: {seen}")


@pytest.fixture(scope="module")
def shared(address: str) -> Iterator[Widget]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)
        widget = Widget(page)
        page.goto(address)
        widget.run()
        yield widget
        browser.close()


@pytest.fixture
def widget(shared: Widget) -> Widget:
    shared.fresh()
    return shared


def test_the_line_is_moved_by_mouse_keys_and_slider(widget: Widget) -> None:
    widget.looks(0.45, 0.95, RED)
    widget.looks(0.55, 0.95, BLUE)
    widget.page.mouse.move(*widget.at(0.5, 0.6))
    widget.page.mouse.down()
    widget.page.mouse.move(*widget.at(0.8, 0.6), steps=3)
    widget.page.mouse.up()
    widget.looks(0.75, 0.95, RED)
    widget.looks(0.85, 0.95, BLUE)
    widget.press("Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft")
    widget.looks(0.45, 0.95, BLUE)
    widget.press(*["ArrowRight"] * 5)
    widget.looks(0.45, 0.95, RED)
    widget.slide("wipe", 0)
    widget.looks(0.02, 0.95, BLUE)
    widget.looks(0.5, 0.95, GREEN, "target")


def test_each_mode_shows_what_it_is_called(widget: Widget) -> None:
    widget.button("Blend").click()
    widget.looks(0.5, 0.95, (100, 0, 100))
    widget.slide("blend", 1)
    widget.looks(0.5, 0.95, BLUE)
    widget.press(*["Shift+ArrowLeft"] * 10)
    widget.looks(0.5, 0.95, RED)

    widget.press("3")
    for colour in (RED, BLUE, RED):  # by itself
        widget.looks(0.5, 0.95, colour)
    widget.press(" ")
    seen = widget.pixel(0.5, 0.95)
    for _ in range(4):
        widget.page.wait_for_timeout(200)
        assert np.abs(widget.pixel(0.5, 0.95) - seen).max() < 10
    widget.button("Play").click()
    widget.looks(0.5, 0.95, BLUE if seen[0] > 100 else RED)

    widget.button("Difference").click()
    # Luminance 42.5 and 14.4: 28 grey levels, a fifth of the ramp. White is no difference at all.
    widget.looks(0.7, 0.95, (72, 16, 106))
    widget.looks(0.5, 0.5, (0, 0, 4))
    widget.until(lambda: widget.root.locator(".s2r-legend").is_visible())

    widget.press("5")
    widget.looks(0.5, 0.95, RED)
    widget.looks(0.5, 0.95, BLUE, "second")
    widget.press("1")
    widget.until(lambda: not widget.root.locator(".s2r-second").is_visible())


def test_all_pictures_are_zoomed_and_moved_together(widget: Widget) -> None:
    beside = (0.44, 0.44)  # just outside the white square, which is a sixteenth of the width
    widget.looks(*beside, RED)
    widget.looks(*beside, GREEN, "target")
    widget.press("+", "+", "+")
    widget.looks(*beside, WHITE)
    widget.looks(*beside, WHITE, "target")
    widget.until(lambda: widget.root.locator(".s2r-zoom").inner_text() == "338%")
    widget.press("h", "ArrowRight", "ArrowRight")  # a fifth of what is seen goes by
    widget.looks(*beside, RED)
    widget.looks(0.3, 0.5, WHITE)
    widget.looks(0.3, 0.5, WHITE, "target")
    widget.page.mouse.move(*widget.at(0.3, 0.6))
    widget.page.mouse.down()
    widget.page.mouse.move(*widget.at(0.5, 0.6), steps=3)
    widget.page.mouse.up()
    widget.looks(*beside, WHITE)
    widget.press("0")
    widget.looks(*beside, RED)

    widget.page.mouse.move(*widget.at(0.5, 0.5))
    widget.page.mouse.wheel(0, -800)
    widget.looks(*beside, WHITE)
    widget.looks(*beside, WHITE, "target")
    widget.button("Fit").click()
    widget.looks(*beside, GREEN, "target")
    widget.until(lambda: widget.root.locator(".s2r-zoom").inner_text() == "100%")


def test_boxes_and_detections_are_drawn_and_told(widget: Widget) -> None:
    around_car, around_truck = (0.08, 0.15, 0.37, 0.82), (0.68, 0.15, 0.92, 0.88)
    widget.until(lambda: widget.has(CAR, around_car))
    widget.page.mouse.move(*widget.at(0.2, 0.5))
    widget.until(lambda: "car, 40% occluded" in widget.root.locator(".s2r-tip").inner_text())
    widget.press("b")
    widget.until(lambda: not widget.has(CAR, around_car))

    assert not widget.has(TRUCK, around_truck)
    widget.button("Detections").click()
    widget.until(lambda: widget.has(TRUCK, around_truck))  # right of the line: the translation's
    widget.slide("confidence", 0.6)
    widget.until(lambda: not widget.has(TRUCK, around_truck))
    widget.slide("wipe", 1)
    widget.until(lambda: widget.has(TRUCK, around_truck))  # the original's is surer
    widget.slide("confidence", 0.25)
    widget.slide("wipe", 0.5)

    width = widget.root.locator(".s2r-main").bounding_box()["width"]
    widget.press("t")
    widget.until(lambda: widget.root.locator(".s2r-main").bounding_box()["width"] > 1.2 * width)
    widget.until(lambda: not widget.root.locator(".s2r-target").is_visible())


def test_each_arms_finds_in_the_test_frames_stand_beside(widget: Widget) -> None:
    around_car = (0.08, 0.15, 0.37, 0.82)
    beside = widget.root.locator(".s2r-beside")
    name = widget.root.locator(".s2r-target .s2r-left")
    widget.until(lambda: name.inner_text() == "target · fog, training")
    widget.press("r")
    widget.until(lambda: name.inner_text() == "test · baseline")
    widget.until(lambda: "0 found" in beside.inner_text() and "1 missed" in beside.inner_text())
    widget.until(lambda: widget.has(MISSED, around_car, "target"))
    widget.press("a")
    widget.until(lambda: name.inner_text() == "test · nst")
    widget.until(lambda: widget.has(FOUND, around_car, "target"))
    assert not widget.has(MISSED, around_car, "target")
    widget.page.mouse.move(*widget.at(0.2, 0.5, "target"))
    widget.until(lambda: widget.root.locator(".s2r-tip").inner_text() == "found: car 80%")
    widget.press("n")
    widget.until(lambda: "2 of 2" in beside.inner_text() and "t/1" in beside.inner_text())
    widget.choose("style", "rain")  # of which there are no test frames
    widget.until(lambda: "none" in beside.inner_text())
    widget.choose("style", "fog")
    widget.until(lambda: "1 of 2" in beside.inner_text())
    widget.press("r")
    widget.until(lambda: name.inner_text() == "target · fog, training")
    widget.looks(0.5, 0.95, GREEN, "target")


def test_every_control_is_reached_by_the_tab_key_and_seen_to_be(widget: Widget) -> None:
    widget.press("r", "d", "3")
    widget.until(lambda: widget.root.locator("select[name=arm]").is_visible())
    controls = ".s2r :is(button, select, input, [tabindex])"
    seen = (
        f"[...document.querySelectorAll('{controls}')].filter(e => e.offsetParent && !e.disabled)"
    )
    count = widget.page.evaluate(f"() => {seen}.length")
    widget.root.locator("select[name=style]").focus()
    for place in range(count):
        state = widget.page.evaluate(
            f"""() => {{ const own = document.activeElement, style = getComputedStyle(own);
            return {{place: {seen}.indexOf(own), ring: style.outlineStyle, wide: style.outlineWidth,
                     name: own.getAttribute('aria-label') || own.textContent}}; }}"""
        )
        assert state["place"] == place, state
        assert state["name"] and (state["ring"], state["wide"]) == ("solid", "2px"), state
        widget.page.keyboard.press("Tab")
    widget.press("r", "d", "1")


def test_frames_are_walked_through_filtered_and_sorted(widget: Widget) -> None:
    cells = widget.page.evaluate(CELLS)
    widget.until(lambda: widget.count() == "1 of 4")
    widget.press("j", "j")
    widget.until(lambda: (widget.count(), widget.frame()) == ("3 of 4", "2"))
    widget.press("k", "PageDown", "PageDown", "PageDown")
    widget.until(lambda: (widget.count(), widget.frame()) == ("4 of 4", "3"))
    widget.press("PageUp")
    widget.until(lambda: widget.frame() == "2")
    widget.until(lambda: "0.10" in widget.root.locator(".s2r-figures").inner_text())
    widget.choose("order", "edges agree least first")
    widget.until(lambda: (widget.count(), widget.frame()) == ("1 of 4", "2"))
    widget.slide("frame", 3)
    widget.until(lambda: widget.frame() == "1")
    widget.choose("show", "6–10 occluded")
    widget.until(lambda: (widget.count(), widget.frame()) == ("1 of 1", "1"))
    widget.choose("translator", "reinhard")
    widget.until(lambda: "reinhard" in widget.root.locator(".s2r-right").first.inner_text())
    widget.choose("style", "rain")  # which has no target, and one translator
    widget.until(lambda: "nst · rain" in widget.root.locator(".s2r-right").first.inner_text())
    widget.until(lambda: not widget.root.locator(".s2r-target").is_visible())
    widget.choose("style", "fog")
    widget.until(lambda: widget.root.locator(".s2r-target").is_visible())
    assert widget.page.evaluate(CELLS) == cells


def test_whoever_moves_on_before_a_list_is_there_is_not_kept_waiting(widget: Widget) -> None:
    for name, at in (("reinhard", 3), ("nst", 1)):
        widget.page.wait_for_timeout(500)
        widget.page.evaluate(
            """([name, at]) => {
                const chosen = document.querySelector(".s2r select[name=translator]");
                const scrub = document.querySelector(".s2r input[aria-label=frame]");
                chosen.value = [...chosen.options].find((own) => own.text === name).value;
                chosen.dispatchEvent(new Event("change"));
                scrub.value = at;
                scrub.dispatchEvent(new Event("input"));
            }""",
            [name, at],
        )
        widget.until(lambda name=name: name in widget.root.locator(".s2r-right").first.inner_text())
        widget.until(lambda at=at: widget.frame() == str(at))


def test_a_frame_is_fetched_before_the_slider_is_pressed_there(widget: Widget) -> None:
    scrub = widget.root.locator("input[aria-label=frame]")
    box = scrub.bounding_box()
    widget.page.wait_for_timeout(1500)  # neighbours and other lists' frames are there
    widget.asked.clear()
    end = box["x"] + box["width"] - 5, box["y"] + box["height"] / 2
    widget.page.mouse.move(*end)
    widget.until(lambda: 3 in widget.asked)
    widget.page.wait_for_timeout(500)
    widget.page.mouse.click(*end)
    widget.until(lambda: widget.frame() == "3")
    assert widget.asked.count(3) == 1


def test_a_frame_that_is_at_hand_is_at_hand_in_another_order(widget: Widget) -> None:
    widget.page.wait_for_timeout(1500)
    widget.asked.clear()
    widget.choose("order", "edges agree least first")
    widget.until(lambda: (widget.count(), widget.frame()) == ("3 of 4", "0"))
    assert 0 not in widget.asked


def test_who_waits_for_an_arm_is_told(widget: Widget) -> None:
    status, beside = (widget.root.locator(f".s2r-{name}") for name in ("status", "beside"))
    widget.page.evaluate(EXECUTE, SLOW)
    widget.press("r")
    widget.until(lambda: re.search("judging what (baseline|nst) finds", status.inner_text()))
    widget.until(lambda: status.inner_text() == "", "the arm is judged")
    assert "missed" in beside.inner_text()
    widget.page.evaluate(EXECUTE, "tests.facts = swift")
    widget.press("r")


def test_a_rejected_frame_is_marked_and_saved_and_no_cell_is_cut(
    widget: Widget, home: Path
) -> None:
    file, cells = home / "rejected_frames.csv", widget.page.evaluate(CELLS)
    widget.slide("frame", 1)
    widget.until(lambda: widget.frame() == "1")
    widget.press("x")
    widget.until(lambda: file.is_file() and "00001" in file.read_text())
    widget.looks(0.3, 0.985, (217, 45, 32))
    widget.choose("show", "rejected")
    widget.until(lambda: (widget.count(), widget.frame()) == ("1 of 1", "1"))
    widget.button("Rejected").click()
    widget.until(lambda: file.read_text() == "variant,frame_id\n")
    widget.choose("show", "all frames")
    assert widget.page.evaluate(CELLS) == cells


def test_a_key_held_down_rejects_once(widget: Widget, home: Path) -> None:
    file = home / "rejected_frames.csv"
    widget.root.locator(".s2r-stage").focus()
    for _ in range(4):  # the browser's own repetition
        widget.page.keyboard.down("x")
    widget.page.keyboard.up("x")
    widget.until(lambda: file.is_file() and file.read_text().count("00000") == 1)
    widget.button("Rejected").click()
    widget.until(lambda: file.read_text() == "variant,frame_id\n")


def test_whoever_wants_less_motion_gets_no_flicker_unasked(shared: Widget) -> None:
    shared.page.emulate_media(reduced_motion="reduce")
    shared.run()
    shared.page.wait_for_function("() => document.querySelectorAll('.s2r').length === 1")
    shared.press("3")
    shared.until(lambda: shared.button("Play").is_visible())
    for _ in range(4):
        shared.looks(0.5, 0.95, RED)
        shared.page.wait_for_timeout(200)
    shared.button("Play").click()
    shared.looks(0.5, 0.95, BLUE)


@pytest.mark.skipif(not SETTINGS.is_file(), reason="this environment is not make setup's")
def test_jupyterlab_does_not_ask_for_leave_to_fetch_news(shared: Widget) -> None:
    assert shared.page.locator("text=Jupyter news").count() == 0


def test_nothing_was_complained_of_and_nothing_asked_for_elsewhere(shared: Widget) -> None:
    assert shared.complaints == []
    assert shared.elsewhere == []


def test_a_saved_notebook_opened_again_shows_the_still_until_its_cell_is_run(
    shared: Widget,
) -> None:
    page = shared.page
    page.evaluate(
        """async () => {
            const { commands } = window.jupyterapp;
            await commands.execute("@jupyter-widgets/jupyterlab-manager:saveWidgetState");
            await commands.execute("docmanager:save");
            await commands.execute("kernelmenu:shutdown");
        }"""
    )
    page.reload()
    page.wait_for_selector(".s2r", state="attached", timeout=120_000)
    page.wait_for_selector(".s2r-status:has-text('run this cell again')", timeout=60_000)
    assert page.locator(".jp-RenderedImage img").is_visible()
    assert not page.locator(".s2r-stage").is_visible()
    page.wait_for_function(IDLE, timeout=120_000)
    page.evaluate(RUN)
    page.wait_for_selector(".s2r-alive .s2r-stage", timeout=120_000)
    assert not page.locator(".jp-RenderedImage img").is_visible()
