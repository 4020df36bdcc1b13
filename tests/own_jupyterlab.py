"""A JupyterLab of our own for browser tests, as `make lab` starts it, with nobody's settings."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

TOKEN = "sim2real-test"
FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")


@contextmanager
def served(home: Path, notebooks: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The server's address; its settings and its log lie in `home`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {name: str(home / name) for name in FOLDERS} | {"JUPYTER_TOKEN": TOKEN}
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ip", "127.0.0.1", "--port", str(port), "--notebook-dir", str(notebooks)),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"),
        "--LabApp.extension_manager=readonly",
        "--ServerApp.kernel_websocket_connection_class=sim2real_lib.lab.PromptConnection",
    ]
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(command, env={**environment, **own}, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(400):  # a busy machine takes minutes
            try:
                urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=2)
                break
            except OSError:
                assert server.poll() is None, (home / "lab.log").read_text()
                time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait(20)
