"""A frame that somebody rejected stays rejected, and a line that means nothing is named."""

import multiprocessing
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from sim2real_lib.errors import InputError
from sim2real_lib.translation import rejections

CLONE, FOG = "vkitti2/0001/clone/00002", "vkitti2/0001/fog/00002"
FRAMES = pd.DataFrame({"frame_id": [CLONE, FOG], "variant": ["clone", "fog"]})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "run" / rejections.FILE


def test_without_a_file_nothing_is_rejected(file: Path) -> None:
    assert rejections.read(file).columns.tolist() == ["variant", "frame_id"]
    assert rejections.read(file, FRAMES).empty


def test_a_choice_is_in_the_file_at_once_and_can_be_taken_back(file: Path) -> None:
    rejections.change(file, "nst-fog", CLONE, reject=True)
    rejections.change(file, "pyramid-fog-from-fog", FOG, reject=True)
    rejections.change(file, "nst-fog", CLONE, reject=True)  # twice is once
    lines = file.read_text().splitlines()
    assert lines == ["variant,frame_id", f"pyramid-fog-from-fog,{FOG}", f"nst-fog,{CLONE}"]
    assert len(rejections.read(file, FRAMES)) == 2
    left = rejections.change(file, "pyramid-fog-from-fog", FOG, reject=False)
    assert left.to_numpy().tolist() == [["nst-fog", CLONE]]
    assert rejections.change(file, "nst-fog", CLONE, reject=False).empty
    assert [path for path in file.parent.iterdir() if path.suffix != ".lock"] == [file]


def reject_many(path: Path, scene: str) -> None:
    for number in range(20):
        rejections.change(path, "nst-fog", f"vkitti2/{scene}/clone/{number:05d}", reject=True)


def test_two_processes_that_reject_at_once_lose_nothing(file: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    both = [spawn.Process(target=reject_many, args=(file, scene)) for scene in ("0001", "0002")]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    assert len(rejections.read(file)) == 40


def test_who_waits_too_long_for_another_process_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejections, "PATIENCE", 0.1)
    file.parent.mkdir()
    with (
        FileLock(file.with_name(f".{file.name}.lock")),
        pytest.raises(InputError, match="another process is saving"),
    ):
        rejections.change(file, "nst-fog", CLONE, reject=True)
    assert len(rejections.change(file, "nst-fog", CLONE, reject=True)) == 1


def test_a_spreadsheets_file_is_understood(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(f"\ufeffvariant,frame_id\r\nnst-fog,{CLONE}\r\n\r\n".encode())
    assert rejections.read(file, FRAMES).to_numpy().tolist() == [["nst-fog", CLONE]]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (f"nst-fgo,{CLONE}", "'nst-fgo' is no translated variant"),
        ("nst-fog,vkitti2/0001/clone/99999", "'vkitti2/0001/clone/99999' is no clone frame"),
        (f"nst-fog,{FOG}", "is no clone frame that nst-fog could be made of"),
        (f"nst-rain-from-fog,{CLONE}", "is no fog frame"),
        ("nst-fog", "there are 1 values, must be 2"),
    ],
)
def test_a_line_that_names_no_frame_or_variant_is_named(file: Path, line: str, wrong: str) -> None:
    file.parent.mkdir()
    file.write_text(f"variant,frame_id\nnst-fog,{CLONE}\n{line}\n")
    with pytest.raises(InputError, match=wrong) as caught:
        rejections.read(file, FRAMES)
    assert str(caught.value).startswith(f"{file}, line 3: ")
    assert "delete it to keep the frame" in caught.value.remedy


def test_other_columns_are_refused(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("frame,why\na,b\n")
    with pytest.raises(InputError, match="the columns are frame, why, must be variant") as caught:
        rejections.read(file)
    assert caught.value.where == f"{file}, line 1"


@pytest.mark.parametrize("damaged", [b"variant,frame_id\nnst-fog,\xff\xfe\n", b"\xff\xfev\x00"])
def test_a_file_that_is_no_text_is_named(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / rejections.FILE).write_bytes(damaged)
    with pytest.raises(InputError, match=f"{rejections.FILE}.*not readable as CSV"):
        rejections.read(tmp_path / rejections.FILE)
