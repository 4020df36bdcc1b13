"""A killed call goes on where it was, and ends as if nobody had killed it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from torch import Tensor

from sim2real_lib.catalog import tables
from sim2real_lib.catalog.tables import Catalog, concat
from sim2real_lib.translation.apply import Output, translate_all

COPIES = 12  # of the catalog's four frames


class Slow:
    """Inverts, and takes a moment for it, so that a kill meets it at work."""

    identity = "slow"

    def translate(self, images: Tensor) -> Tensor:
        time.sleep(0.02)
        return 1 - images


def work(catalog: Catalog, folder: Path) -> None:
    outputs = [Output(Slow(), folder / name, name, "rainy") for name in ("one", "two")]
    translate_all(catalog, outputs, batch=2, progress=False)


def recorded(folder: Path) -> set[tuple[str, str, int]]:
    lines = (folder / "records.jsonl").read_bytes().splitlines()
    found = [msgspec.json.decode(line) for line in lines]
    assert len(found) == len({record["frame_id"] for record in found})
    return {(record["frame_id"], record["translator"], record["bytes"]) for record in found}


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".jsonl"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture
def copies(catalog: Catalog, pictures: Callable[..., list[Path]]) -> Catalog:
    def copy(number: int) -> Catalog:
        frames = catalog.frames.assign(frame_id=f"{number}/" + catalog.frames["frame_id"])
        return Catalog(frames, catalog.boxes.iloc[:0])

    return concat(copy(number) for number in range(COPIES))


def test_a_killed_call_ends_with_the_same_files_and_records(
    copies: Catalog, tmp_path: Path
) -> None:
    work(copies, tmp_path / "whole")
    copies.save(tmp_path / "catalog")
    out = tmp_path / "killed"
    records = out / "one" / "records.jsonl"
    child = subprocess.Popen([sys.executable, __file__, tmp_path / "catalog", out])
    deadline = time.monotonic() + 120
    while not records.is_file() or records.read_bytes().count(b"\n") < 5:
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.001)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert 5 <= len(files(out / "one")) < len(copies)
    (out / "one" / "images" / ".half.1234.tmp.png").write_bytes(b"what a kill may leave")
    work(copies, out)
    assert files(out) == files(tmp_path / "whole")
    for name in ("one", "two"):
        assert recorded(out / name) == recorded(tmp_path / "whole" / name)


if __name__ == "__main__":
    work(tables.load(Path(sys.argv[1])), Path(sys.argv[2]))
