"""What is promised of JupyterLab: open a notebook, Run All, see pictures and no error."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from sim2real_lib import params
from sim2real_lib.files import ROOT, read_manifest

CHROMIUM = shutil.which("chromium")
TOKEN = "sim2real-test"
IDLE = """() => {
    const widget = window.jupyterapp?.shell.currentWidget;
    return widget?.sessionContext?.session?.kernel?.status === 'idle';
}"""
DONE = """() => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets
        .filter(cell => cell.model.type === 'code');
    const failed = cells.some(cell =>
        cell.model.outputs.toJSON().some(output => output.output_type === 'error'));
    return failed || cells[cells.length - 1].model.executionCount !== null;
}"""
OUTPUTS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === 'code')
    .flatMap(cell => cell.model.outputs.toJSON())"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("notebooks"),
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed"),
]


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    """01 with the smoke profile's values in its parameters cell, away from the project."""
    source = nbformat.read(ROOT / "notebooks" / "01_data_analysis.ipynb", as_version=4)
    smoke = params.DataAnalysis.from_yaml("params/smoke/01_data_analysis.yaml")
    values = smoke.model_dump(mode="json") | {"run": str(tmp_path / "run")}
    (cell,) = [c for c in source.cells if "parameters" in c.metadata.get("tags", [])]
    cell.source = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    path = tmp_path / "notebooks" / "01_data_analysis.ipynb"
    path.parent.mkdir()
    nbformat.write(source, path)
    return path


@pytest.fixture
def lab(notebook: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a JupyterLab of our own, with settings that are nobody's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own = {name: str(tmp_path / name) for name in folders}
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ip", "127.0.0.1", "--port", str(port), "--notebook-dir", str(notebook.parent)),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"),
        "--LabApp.extension_manager=readonly",
    ]
    with (tmp_path / "lab.log").open("w") as log:
        server = subprocess.Popen(
            command, env=os.environ | own | {"JUPYTER_TOKEN": TOKEN}, stdout=log, stderr=log
        )
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=2)
                break
            except OSError:
                assert server.poll() is None, (tmp_path / "lab.log").read_text()
                time.sleep(0.5)
        yield f"{address}/lab/tree/{notebook.name}?token={TOKEN}"
    finally:
        server.terminate()
        server.wait(20)


def test_01_runs_all_in_jupyterlab_and_shows_pictures(lab: str, notebook: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        elsewhere: list[str] = []
        page.on("request", lambda r: elsewhere.append(r.url) if "127.0.0.1" not in r.url
                and r.url.startswith("http") else None)  # fmt: skip
        page.goto(lab)
        page.wait_for_function(IDLE, timeout=90_000)
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.wait_for_function(DONE, timeout=240_000)
        page.wait_for_function(IDLE, timeout=60_000)
        outputs = page.evaluate(OUTPUTS)
        browser.close()
    assert [o for o in outputs if o["output_type"] == "error"] == []
    pictures = [o for o in outputs if {"image/png", "image/jpeg"} & set(o.get("data", {}))]
    assert len(pictures) >= 5
    assert elsewhere == []
    run = notebook.parent.parent / "run"
    assert read_manifest(run / "01_data_analysis", "")["leaks"] == 0
