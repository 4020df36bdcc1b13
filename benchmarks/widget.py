"""How long the comparison widget takes, from an input to the painted picture, in a real JupyterLab.

Frames of 1280x720 as noisy as photographs: the originals and targets are JPEG files, the
translations PNG. A real Chromium gets real keys, clicks and choices; a measurement begins with the
event's own time stamp and ends in the first animation frame after the picture was drawn. A jump on
the slider goes to a frame that was not at hand when the pointer came there: it is pressed at once,
which no hand does, and after the pointer lay still for a moment, as a hand does. Another filter is
chosen at once, and by somebody who looked at the frame before. Another order keeps the frame. Needs
Debian's chromium and Playwright.

Run: .venv/bin/python benchmarks/widget.py [--times 30]
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import nbformat
import numpy as np
import pandas as pd

from sim2real_lib.files import ROOT
from sim2real_lib.images import write_rgb

sys.path.insert(0, str(ROOT / "tests"))
from own_jupyterlab import TOKEN, served

FRAMES, WIDTH, HEIGHT = 60, 1280, 720
BOXES, DETECTIONS = 12, 30  # a frame
LIMIT = 100  # ms
PAUSE = 350  # ms between two actions: the neighbours are at hand
HOVER = 150  # ms from coming to a place of the slider to pressing there
LOOK = 1500  # ms that a frame is looked at before another filter is chosen
CELL = """
import pandas as pd
from pathlib import Path
from sim2real_lib.display.comparison_widget import Comparison
home = Path({home!r})
names = "pairs", "boxes", "scores", "detections"
tables = {{name: pd.read_parquet(home / f"{{name}}.parquet") for name in names}}
Comparison(**tables, targets={{"fog": sorted(home.glob("target*.jpg"))}})
"""
# The time of the last input, and when what it asked for was seen: the frame after the painting.
CLOCK = """() => {
    const root = document.querySelector('.s2r');
    for (const name of ['keydown', 'change', 'pointermove', 'pointerdown', 'click'])
        root.addEventListener(name, (event) => (window.began ??= event.timeStamp), true);
    root.addEventListener('s2r-painted', () => requestAnimationFrame((now) =>
        window.seen.push([performance.now(), {...root.dataset}])));
    window.seen = [];
}"""
START = "() => { window.began = undefined; window.seen = []; }"
IDLE = """() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status
    === 'idle'"""
RUN = "() => window.jupyterapp.commands.execute('notebook:run-all-cells')"


def photograph(rng: np.random.Generator) -> np.ndarray:
    """Clouds of every size, the smaller the fainter, under grain: compresses as a photograph."""
    image = np.full((HEIGHT, WIDTH, 3), 120, np.float32)
    for octave in range(9):
        cells = 2**octave
        layer = rng.normal(0, 60 / 1.6**octave, (cells + 1, 2 * cells, 3)).astype(np.float32)
        image += cv2.resize(layer, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    image += rng.normal(0, 4, image.shape)
    return image.clip(0, 255).astype(np.uint8)


def boxes_of(rng: np.random.Generator, count: int) -> pd.DataFrame:
    left, top = rng.uniform(0, WIDTH - 200, count), rng.uniform(0, HEIGHT - 150, count)
    sides = {"left": left, "top": top, "right": left + 150, "bottom": top + 100}
    return pd.DataFrame(sides).assign(**{"class": rng.choice(["car", "truck"], count)})


def write(home: Path) -> None:
    """The widget's tables, their pictures, and a notebook that shows them."""
    rng = np.random.default_rng(0)
    pairs, boxes, found = [], [], []
    for number in range(FRAMES):
        name = f"vkitti2/0001/clone/{number:05d}"
        image = photograph(rng)
        original, made = home / f"original{number}.jpg", home / f"made{number}.png"
        write_rgb(original, image)
        write_rgb(made, cv2.addWeighted(image, 0.5, np.full_like(image, 200), 0.5, 0))
        if number < 8:
            write_rgb(home / f"target{number}.jpg", photograph(rng))
        pairs.append((name, "fog", "nst", str(original), str(made)))
        known = {"occluded": True, "occlusion": 0.4, "truncated": False, "ignore": False}
        boxes.append(boxes_of(rng, rng.integers(2, BOXES)).assign(frame_id=name, **known))
        for seen in (name, f"nst-fog/{name}"):
            confidence = rng.uniform(0.1, 1, DETECTIONS)
            found.append(boxes_of(rng, DETECTIONS).assign(frame_id=seen, confidence=confidence))
    columns = ["frame_id", "style", "translator", "original", "translated"]
    table = pd.DataFrame(pairs, columns=columns)
    scores = table[columns[:3]].assign(agreement=rng.permutation(FRAMES) / FRAMES)
    tables = {"pairs": table, "boxes": pd.concat(boxes), "scores": scores}
    for key, own in (tables | {"detections": pd.concat(found)}).items():
        own.to_parquet(home / f"{key}.parquet", index=False)
    cells = [nbformat.v4.new_code_cell(CELL.format(home=str(home)))]
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, home / "widget.ipynb")


class Stopwatch:
    """Does something in the widget and tells how long it took until it was seen."""

    def __init__(self, page: Any) -> None:
        self.page = page
        page.evaluate(CLOCK)

    def time(
        self,
        act: Callable[[], Any],
        seen: Callable[[dict], bool] | None = None,
        *,
        after: int = PAUSE,
        first: Callable[[], Any] = lambda: None,
    ) -> float:
        """ms until a painting for which `seen` is true of the widget's data attributes.

        Args:
            act: what begins it.
            seen: of which painting is meant; None: the first.
            after: ms of rest before.
            first: what is done after the rest, and is not measured.
        """
        self.page.wait_for_timeout(after)
        first()
        self.page.evaluate(START)
        act()
        while True:
            for at, data in self.page.evaluate("() => window.seen"):
                if seen is None or seen(data):
                    return float(at - self.page.evaluate("() => window.began"))
            self.page.wait_for_timeout(20)


def actions(page: Any, watch: Stopwatch, times: int) -> Iterator[tuple[str, list[float]]]:
    """Name and milliseconds of each."""
    stage = page.locator(".s2r-stage")
    scrub = page.locator(".s2r input[aria-label=frame]")
    order = page.locator(".s2r select[name=order]")
    show = page.locator(".s2r select[name=show]")

    def key(name: str) -> Callable[[], Any]:
        return lambda: page.keyboard.press(name)

    def at(position: int) -> Callable[[dict], bool]:
        return lambda data: data.get("at") == str(position)

    stage.focus()
    yield "next frame", [watch.time(key("j"), at(n + 1)) for n in range(times)]
    yield (
        "wipe step",
        [watch.time(key("ArrowRight" if n % 2 else "ArrowLeft")) for n in range(times)],
    )
    for number, mode in ((2, "blend"), (4, "difference"), (5, "side"), (1, "wipe")):
        spent = []
        for _ in range(times // 3):
            page.keyboard.press("j")  # whose difference was not computed yet
            spent.append(watch.time(key(str(number)), lambda data, m=mode: data["mode"] == m))
            page.keyboard.press("1" if mode != "wipe" else "2")
        yield f"mode: {mode}", spent
    yield "zoom", [watch.time(key("+" if n % 2 else "-")) for n in range(times)]
    page.keyboard.press("0")
    scrub.focus()
    page.keyboard.press("Home")
    watch.page.wait_for_timeout(800)
    # The slider's own keys, a tenth of the way or to an end: none of them goes to a neighbour.
    keys = ["End", "PageDown", "PageDown", "Home", "PageUp", "PageUp", "PageUp", "PageUp"]

    def asked(data: dict) -> bool:
        return data.get("at") == scrub.input_value()

    spent = [watch.time(key(keys[n % len(keys)]), asked) for n in range(times)]
    yield "slider: its keys", spent
    stage.focus()
    track = scrub.bounding_box()

    def pointed(hover: int) -> list[float]:
        spent = []
        page.mouse.click(track["x"] + 1, track["y"] + track["height"] / 2)
        for share in np.random.default_rng(0).permutation(np.linspace(0.1, 0.9, times)):
            page.mouse.move(track["x"] + 20, track["y"] + 200)  # off the slider
            place = track["x"] + share * track["width"], track["y"] + track["height"] / 2

            def come(place: tuple[float, float] = place) -> None:
                page.mouse.move(*place)
                page.wait_for_timeout(hover)

            spent.append(watch.time(press, asked, first=come))
        return spent

    def press() -> None:
        page.mouse.down()
        page.mouse.up()

    yield "slider: at once", pointed(0)
    yield f"slider: {HOVER} ms", pointed(HOVER)

    def pick(own: Any, texts: list[str], after: int = PAUSE) -> list[float]:
        spent = []
        for n in range(times):
            page.evaluate("() => document.querySelector('.s2r-stage').focus()")
            page.keyboard.press("j")
            old, text = page.locator(".s2r").get_attribute("data-serial"), texts[n % len(texts)]
            spent.append(
                watch.time(
                    lambda text=text: own.select_option(text),
                    lambda data, old=old: data["serial"] != old,
                    after=after,
                )
            )
        return spent

    yield "sort", pick(order, ["edges agree least first", "as driven"])
    filters = ["0–5 occluded", "6–10 occluded", "all frames"]
    yield "filter: at once", pick(show, filters)
    yield f"filter: {LOOK} ms", pick(show, filters, LOOK)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=30)
    times = parser.parse_args().times
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if not chromium:
        print("Needs Debian's chromium and Playwright (make setup): left out")
        return
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        home = Path(folder)
        write(home)
        with served(home, home, os.environ | {"PYTHONPATH": str(ROOT)}) as address:
            browser = engine.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(f"{address}/lab/tree/widget.ipynb?token={TOKEN}")
            page.wait_for_function(IDLE, timeout=120_000)
            page.evaluate(RUN)
            page.wait_for_selector(".s2r[data-at]", timeout=120_000)
            page.wait_for_timeout(2000)
            print(f"{WIDTH}x{HEIGHT}, {times} times each, load {os.getloadavg()[0]:.1f}")
            print(f"{'ms':<18}{'median':>8}{'p95':>8}{'most':>8}")
            for name, spent in actions(page, Stopwatch(page), times):
                middle, high, most = np.percentile(spent, [50, 95, 100])
                late = "" if high <= LIMIT else f"  over {LIMIT}"
                print(f"{name:<18}{middle:>8.0f}{high:>8.0f}{most:>8.0f}{late}", flush=True)
            browser.close()


if __name__ == "__main__":
    main()
