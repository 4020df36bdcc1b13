"""What a run folder that somebody mailed can do: be shown, or be refused by one clear error."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sim2real_lib import catalog, runs
from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.display import executed, run_comparison
from sim2real_lib.errors import InputError, printable
from sim2real_lib.files import MANIFEST, Artifact, read_manifest
from sim2real_lib.run_folder import RunFolder, failures
from sim2real_lib.translation import rejections

DEEP = "[" * 100_000 + "]" * 100_000
ESCAPE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r"


NOTEBOOKS = (
    "", "[]", "{}", DEEP, '{"cells": 1}', '{"cells": [1]}', '{"cells": [{"outputs": 1}]}',
    '{"cells": [{"outputs": [{}]}]}',
    '{"cells": [{"outputs": [{"data": {"image/png": 1}}], "source": "", "cell_type": "code"}]}',
)  # fmt: skip


def sealed(folder: Path) -> Path:
    Artifact(folder, {"seed": 0}).seal(answer="A.", verdict="V.", caveats="", data="minidrive")
    return folder


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "1", "{}", "{", "\xff", DEEP, '{"params":' + DEEP + "}", "\x00",
             '{"finished": 1e400}', '"' + "x" * 1000 + '"'],
)  # fmt: skip
def test_a_manifest_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match="damaged manifest"):
        read_manifest(tmp_path, "Run it again")


@pytest.mark.parametrize("value", [None, "x", 1, [1], float("nan"), {"a": {"b": []}}])
@pytest.mark.parametrize(
    "name", ["finished", "seconds", "timings", "params", "inputs", "code", "packages", "platform"]
)
def test_a_manifest_with_another_type_of_value_is_refused_or_right(
    name: str, value: Any, tmp_path: Path
) -> None:
    path = sealed(tmp_path) / MANIFEST
    right = json.loads(path.read_text())
    path.write_text(json.dumps(right | {name: value}))
    sound = isinstance(value, type(right[name])) and value == value
    if sound or (name, value) == ("seconds", 1):
        assert read_manifest(tmp_path, "")[name] == value
    else:
        with pytest.raises(InputError, match=f"damaged manifest.*{name}"):
            read_manifest(tmp_path, "")


@pytest.mark.parametrize("table", ["", "arm\n", "arm,0-all\nx,y\n", "\x00", "a,b\n1,2\n", '"'])
def test_results_that_are_no_table_are_refused(table: str, tmp_path: Path) -> None:
    sealed(tmp_path / "05_result_visualization")
    (tmp_path / "results.csv").write_text(table)
    run = RunFolder.read(tmp_path)
    if table == "arm\n":
        assert run.results is not None and run.results.empty
        return
    with pytest.raises(InputError, match=r"results\.csv"):
        _ = run.results


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_an_executed_notebook_that_is_none_is_named_and_not_shown(
    notebook: str, tmp_path: Path
) -> None:
    path = tmp_path / "01.ipynb"
    path.write_text(notebook + '  "output_type": "error"')
    assert list(failures(tmp_path)) == [("01.ipynb", "it was killed, or is damaged")]
    path.write_text(notebook)
    if notebook.startswith('{"cells": [{"outputs": [{}]}'):
        return
    with pytest.raises(InputError, match="not readable as a notebook"):
        executed.pictures(path)


def test_what_a_notebook_says_in_its_error_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    sealed(run / "01_data_analysis")
    output = {"output_type": "error", "ename": ESCAPE, "evalue": ESCAPE}
    (run / "notebooks").mkdir()
    (run / "notebooks/05.ipynb").write_text(json.dumps({"cells": [{"outputs": [output]}]}))
    runs.main(str(tmp_path))
    said = capsys.readouterr()
    assert "stopped" in said.out and r"\x1b" in said.out
    assert said.out + said.err == printable(said.out + said.err)


def test_no_error_can_steer_the_terminal_or_fill_it() -> None:
    said = str(InputError(ESCAPE + "x" * 10**6, where=ESCAPE, remedy=ESCAPE))
    assert said.isprintable() and len(said) < 5000
    assert printable("가 – “x” …\n\t$") == "가 – “x” …\n\t$"


def frames(**changes: Any) -> pd.DataFrame:
    row = {
        "frame_id": "mine/train/a", "source": "mine", "split": "train", "sequence": "a", "index": 0,
        "variant": "original", "image": "/a.png", "width": 8, "height": 8, "weather": "clear",
        "timeofday": "daytime", "scene": "",
    }  # fmt: skip
    return pd.DataFrame([row | changes])


@pytest.mark.parametrize(
    "table",
    [pd.DataFrame(), frames(image=1), frames(image=None), frames(frame_id="../../x"),
     frames(frame_id="a/\x00"), frames(frame_id="x" * 300), frames(width="x"), frames(width=-1),
     frames(index=-1), frames(weather="<b>"), frames(frame_id=None), frames(image=b"x"),
     frames().drop(columns="image"), frames().assign(more=1), pd.concat([frames(), frames()])],
)  # fmt: skip
def test_a_catalog_of_another_schema_is_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    empty = pd.DataFrame(columns=["frame_id"])
    Catalog(frames(), empty.iloc[:0]).save(tmp_path)
    table.to_parquet(tmp_path / "frames.parquet", index=False)
    with pytest.raises(InputError):
        catalog.load(tmp_path)


def test_a_catalog_whose_file_is_damaged_anywhere_is_refused_or_read(tmp_path: Path) -> None:
    Catalog(frames(), pd.DataFrame(columns=["frame_id"])).save(tmp_path)
    path = tmp_path / "frames.parquet"
    whole = path.read_bytes()
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            assert len(catalog.load(tmp_path)) == 1
        except InputError as error:
            assert str(tmp_path) in error.where


@pytest.mark.parametrize(
    "text", ["\x00", "variant,frame_id\n\x00,\x00", '"', "variant,frame_id\nnst-fog," + "x" * 10**6,
             "variant,frame_id\n../../x,a", "variant,frame_id\n<b>,a,b", "variant;frame_id"],
)  # fmt: skip
def test_a_list_of_rejected_frames_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "rejected_frames.csv"
    path.write_text(text)
    with pytest.raises(InputError, match="rejected_frames"):
        rejections.read(path, frames())


@pytest.mark.parametrize("file", ["intervals.csv", "gains.csv", "manifest.json"])
@pytest.mark.parametrize("text", ["", "\x00", "a,b\n1,2\n", "{}", "slice,arm\n0-all,x\n"])
def test_comparing_with_a_run_of_damaged_tables_ends_in_one_line(
    file: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("x", "y"):
        for part in ("01_data_analysis", "05_result_visualization"):
            sealed(tmp_path / name / part)
        (tmp_path / name / "results.csv").write_text("arm,0-all\nbaseline,0.5\n")
        (tmp_path / name / "report.html").write_text("")
    for name in ("intervals.csv", "gains.csv", file):
        (tmp_path / "x/05_result_visualization" / name).write_text(text)
        if name != MANIFEST:
            (tmp_path / "y/05_result_visualization" / name).write_text("slice,arm,low,high\n")
    assert run_comparison.main(str(tmp_path / "x"), str(tmp_path / "y")) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
