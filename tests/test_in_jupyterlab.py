"""What is promised of JupyterLab: open a notebook, Run All, see pictures and no error.

All notebooks are opened one after another in one JupyterLab, on one run of the smoke profile.
"""

import base64
import io
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import nbformat
import numpy as np
import pytest
from nbconvert import HTMLExporter
from own_jupyterlab import TOKEN, served
from PIL import Image

from sim2real_lib import params
from sim2real_lib.files import ROOT, read_manifest

CHROMIUM = shutil.which("chromium")
STEPS: dict[str, dict[str, str]] = {  # notebook -> what differs from its smoke parameters
    "01_data_analysis": {},
    "02_cyclegan_training": {"style": "fog"},
    "03_nst_generation": {"style": "fog", "translator": "adain"},  # one that learns first
    "04_yolo_training": {"arm": "baseline"},
    "05_result_visualization": {},
}
# Every cell of a notebook is on the page, not only those in sight.
SETTINGS = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}

CELLS = "window.jupyterapp.shell.currentWidget.content.widgets.filter(c => c.model.type === 'code')"
IDLE = """() => {
    const widget = window.jupyterapp?.shell.currentWidget;
    return widget?.sessionContext?.session?.kernel?.status === 'idle';
}"""
RUN_ALL = "() => void window.jupyterapp.commands.execute('notebook:run-all-cells')"
DONE = f"""() => {{
    const cells = {CELLS};
    const failed = cells.some(cell =>
        cell.model.outputs.toJSON().some(output => output.output_type === 'error'));
    return failed || cells[cells.length - 1].model.executionCount !== null;
}}"""
OUTPUTS = f"() => {CELLS}.flatMap(cell => cell.model.outputs.toJSON())"
PICTURES = """() => [...document.querySelectorAll('.jp-OutputArea-output img')]
    .map(img => img.complete && img.naturalWidth > 0)"""
SAVE = "() => window.jupyterapp.commands.execute('docmanager:save')"
SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("notebooks"),
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]


@dataclass
class Seen:
    """What a person sees of a notebook after Run All, and what the browser did meanwhile."""

    outputs: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[bool] = field(default_factory=list)  # whether each one is really there
    complaints: list[str] = field(default_factory=list)  # errors in the console
    elsewhere: list[str] = field(default_factory=list)  # addresses off this machine


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the notebooks, the smoke profile's values in their parameters cells."""
    home = tmp_path_factory.mktemp("lab")
    (home / "notebooks").mkdir()
    for name, changes in STEPS.items():
        notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
        smoke = params.NOTEBOOKS[name].from_yaml(f"params/smoke/{name}.yaml")
        values = smoke.model_dump(mode="json") | changes | {"run": str(home / "run")}
        (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
        cell.source = "\n".join(f"{key} = {value!r}" for key, value in values.items())
        nbformat.write(notebook, home / "notebooks" / f"{name}.ipynb")
    return home


@pytest.fixture(scope="module")
def lab(home: Path) -> Iterator[str]:
    """The address of a JupyterLab of our own, with settings that are nobody's."""
    overrides = home / "JUPYTER_CONFIG_DIR" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    overrides.write_text(json.dumps(SETTINGS))
    environment = {k: v for k, v in os.environ.items() if k != "SIM2REAL_BATCH"}
    with served(home, home / "notebooks", environment) as address:
        yield f"{address}/lab/tree/{{}}?token={TOKEN}&reset"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        launched = engine.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        launched.close()


def watched(browser: Any, seen: Seen, **settings: Any) -> Any:
    """A page that notes what goes wrong."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000}, **settings)
    page.on("console", lambda m: seen.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("request", lambda r: seen.elsewhere.append(r.url) if r.url.startswith(("http", "ws"))
            and "://127.0.0.1:" not in r.url else None)  # fmt: skip
    return page


def opened(browser: Any, address: str, seen: Seen) -> Any:
    """A page with a notebook whose kernel is ready."""
    page = watched(browser, seen)
    page.goto(address)
    page.wait_for_function(IDLE, timeout=180_000)
    return page


@pytest.fixture(scope="module")
def seen(browser: Any, lab: str) -> dict[str, Seen]:
    """Every notebook after Run All, in the order that they need each other."""
    found = {}
    for name in STEPS:
        found[name] = seen = Seen()
        page = opened(browser, lab.format(f"{name}.ipynb"), seen)
        page.evaluate(RUN_ALL)
        page.wait_for_function(DONE, timeout=300_000)
        page.wait_for_function(IDLE, timeout=60_000)
        seen.outputs, seen.pictures = page.evaluate(OUTPUTS), page.evaluate(PICTURES)
        page.evaluate(SAVE)
        page.evaluate(SHUT_DOWN)
        page.close()
    return found


each_notebook = pytest.mark.parametrize("name", STEPS)


@each_notebook
def test_it_runs_all_without_an_error(seen: dict[str, Seen], name: str) -> None:
    errors = [o for o in seen[name].outputs if o["output_type"] == "error"]
    assert errors == []
    assert seen[name].complaints == []


@each_notebook
def test_it_shows_its_pictures(seen: dict[str, Seen], name: str) -> None:
    least = {"01_data_analysis": 5, "05_result_visualization": 5}.get(name, 3)
    assert len(seen[name].pictures) >= least and all(seen[name].pictures)


@each_notebook
def test_it_asks_nothing_of_the_world_outside(seen: dict[str, Seen], name: str) -> None:
    assert seen[name].elsewhere == []


@pytest.mark.parametrize("name", ["02_cyclegan_training", "03_nst_generation", "04_yolo_training"])
def test_a_training_leaves_how_long_it_took_and_how_fast_it_was(
    seen: dict[str, Seen], name: str
) -> None:
    texts = ["".join(o["data"].get("text/plain", "")) for o in seen[name].outputs if "data" in o]
    (status,) = [text for text in texts if "images/s" in text]
    assert " taken, " in status and " GB memory" in status


def test_the_run_is_whole(seen: dict[str, Seen], home: Path) -> None:
    assert read_manifest(home / "run" / "01_data_analysis", "")["leaks"] == 0
    assert (home / "run" / "report.html").is_file()


def pixels(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def test_the_exported_results_show_the_widgets_picture_without_a_network(
    seen: dict[str, Seen], browser: Any, home: Path, tmp_path: Path
) -> None:
    path = home / "notebooks" / "05_result_visualization.ipynb"
    notebook = nbformat.read(path, as_version=4)
    outputs = [o.get("data", {}) for cell in notebook.cells for o in cell.get("outputs", [])]
    (live,) = [n for n, o in enumerate(outputs) if "application/vnd.jupyter.widget-view+json" in o]
    still = "".join(outputs[live - 1]["image/png"].split())
    # Without the scripts that such a page asks a server for, which no cell of the notebook needs.
    html, _ = HTMLExporter(require_js_url="", mathjax_url="").from_notebook_node(notebook)
    (tmp_path / "results.html").write_text(html, encoding="utf-8")

    alone = Seen()
    page = watched(browser, alone, offline=True)
    page.goto((tmp_path / "results.html").as_uri(), wait_until="load")
    find = "(end) => [...document.images].filter(i => i.src.endsWith(end))"
    assert page.evaluate(f"(end) => ({find})(end).length", still[-500:]) == 1
    picture = page.evaluate_handle(f"(end) => ({find})(end)[0]", still[-500:]).as_element()
    shown = pixels(picture.screenshot())
    page.close()
    meant = Image.open(io.BytesIO(base64.b64decode(still))).convert("RGB")
    assert shown.shape[1] > 600 and shown.std() > 15  # neither a thumbnail nor blank
    resized = np.asarray(meant.resize((shown.shape[1], shown.shape[0]))).astype(int)
    assert np.abs(shown - resized).mean() < 10
    assert alone == Seen()


TRAINING = """
    import time
    from pathlib import Path
    import numpy as np
    import pandas as pd
    from sim2real_lib.display.live import LiveTraining
    from sim2real_lib.images import write_rgb
    from sim2real_lib.progress import Progress

    watch = LiveTraining("a toy", every=0.3)
    started = time.monotonic()
    for step in range(1, 61):
        picture = Path(f"sample{step // 20}.png")
        write_rgb(picture, np.full((60, 90, 3), step, np.uint8))
        losses = {"box": 1 / step, "cls": 2 / step, "dfl": 3 / step}
        samples = {f"step {step // 20 * 20}": picture}
        seconds = time.monotonic() - started
        watch(Progress(step, 80, losses, seconds, Path(), 4, pd.DataFrame(), samples))
        time.sleep(0.1)
"""
WATCH = """() => {
    window.frames_seen = [];
    const look = () => {
        const area = document.querySelector('.jp-CodeCell .jp-OutputArea');
        const pictures = [...area.querySelectorAll('img')];
        window.frames_seen.push({
            height: area.offsetHeight,
            outputs: area.querySelectorAll('.jp-OutputArea-output').length,
            text: area.innerText,
            curves: area.querySelectorAll('polyline')[1]?.getAttribute('points'),
            pictures: pictures.map(img => img.src.length),
        });
        requestAnimationFrame(look);
    };
    look();
}"""


def test_a_training_is_drawn_over_in_place_and_nothing_jumps(
    browser: Any, lab: str, home: Path
) -> None:
    notebook = nbformat.read(home / "notebooks" / "01_data_analysis.ipynb", as_version=4)
    notebook.cells = [nbformat.v4.new_code_cell(dedent(TRAINING).strip())]
    nbformat.write(notebook, home / "notebooks" / "live.ipynb")
    seen = Seen()
    page = opened(browser, lab.format("live.ipynb"), seen)
    page.evaluate(WATCH)
    page.evaluate(RUN_ALL)
    page.wait_for_function(DONE, timeout=180_000)
    page.wait_for_function(IDLE, timeout=60_000)
    frames = page.evaluate("() => window.frames_seen")
    page.close()
    assert seen == Seen()
    assert max(frame["outputs"] for frame in frames) == 3
    assert len({tuple(frame["pictures"]) for frame in frames}) > 2  # none, and samples of steps
    assert len({frame.get("curves") for frame in frames}) > 3
    assert len({frame["text"] for frame in frames}) > 3
    heights = [frame["height"] for frame in frames]
    assert heights == sorted(heights)  # never collapses, not for a single frame
    assert "step" in frames[-1]["text"] and "images/s" in frames[-1]["text"]
