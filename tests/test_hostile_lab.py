"""`make lab` serves this machine alone, and there only those who have its token."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from sim2real_lib.files import ROOT

SETTINGS = "c.ServerApp.open_browser = False\nc.ServerApp.allow_root = True\n"  # for the test alone
FOLDERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")


class Lab(NamedTuple):
    """A JupyterLab as `make lab` starts it."""

    process: psutil.Process
    address: str
    token: str


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    home = tmp_path_factory.mktemp("lab")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\t@?\$\(BIN\)/(jupyter lab .*)$", makefile, re.M)
    program, *words = shlex.split(command)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {name: str(home / name) for name in FOLDERS} | {"JUPYTER_PORT": str(port)}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    (home / "JUPYTER_CONFIG_DIR").mkdir()
    (home / "JUPYTER_CONFIG_DIR" / "jupyter_server_config.py").write_text(SETTINGS)
    with (home / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [str(Path(sys.executable).with_name(program)), *words],
            cwd=ROOT, env=clean | own, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        for _ in range(600):  # a busy machine takes minutes
            found = list((home / "JUPYTER_RUNTIME_DIR").glob("jpserver-*.json"))
            if found and _answers(port):
                break
            assert server.poll() is None, (home / "lab.log").read_text()
            time.sleep(0.5)
        told = json.loads(found[0].read_text())
        yield Lab(psutil.Process(server.pid), f"http://127.0.0.1:{port}", told["token"])
    finally:
        server.terminate()
        server.wait(300)  # a busy machine takes minutes


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def status(lab: Lab, path: str, headers: Mapping[str, str] | None = None) -> int:
    """The HTTP status of a page, redirections not followed."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    request = urllib.request.Request(lab.address + path, headers=dict(headers or {}))
    try:
        return urllib.request.build_opener(Stay).open(request, timeout=60).status
    except urllib.error.HTTPError as error:
        return error.code


def test_it_listens_on_this_machine_alone(lab: Lab) -> None:
    family = [lab.process, *lab.process.children(recursive=True)]
    sockets = []
    for process in family:
        with suppress(psutil.NoSuchProcess):  # a helper of the server's start, done by now
            sockets += process.net_connections(kind="inet")
    listening = {c.laddr.ip for c in sockets if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


@pytest.mark.parametrize(
    "path", ["/api/contents", "/api/kernels", "/api/sessions", "/files/README.md"]
)
def test_without_the_token_nothing_is_told(lab: Lab, path: str) -> None:
    assert status(lab, path) in (302, 403)
    assert status(lab, f"{path}?token=wrong") in (302, 403)
    assert status(lab, "/api/contents") == 403


def test_the_page_itself_asks_for_the_token_first(lab: Lab) -> None:
    assert status(lab, "/lab") == 302


def test_with_the_token_everything_is_there(lab: Lab) -> None:
    assert len(lab.token) >= 40
    for path in ("/api/contents", "/lab", "/files/README.md"):
        assert status(lab, f"{path}?token={lab.token}") == 200


def test_a_page_of_the_web_cannot_reach_it_under_its_own_name(lab: Lab) -> None:
    # DNS rebinding: a name that was the page's own comes to mean 127.0.0.1.
    headers = {"Host": "page.example", "Authorization": f"token {lab.token}"}
    assert status(lab, "/api/contents", headers) == 403
