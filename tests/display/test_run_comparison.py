"""What is promised of `make compare`: two runs on one page, honestly held against each other."""

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

from sim2real_lib.display import executed, run_comparison
from sim2real_lib.display.flip import Flip
from sim2real_lib.display.pictures import to_png
from sim2real_lib.display.report import Picture, Section, write_report
from sim2real_lib.display.style import Encoded
from sim2real_lib.errors import InputError
from sim2real_lib.files import MANIFEST, Artifact
from sim2real_lib.params import NOTEBOOKS, YOLOTraining

HOSTILE = "<script>alert(1)</script>"


def png(colour: tuple[int, int, int]) -> bytes:
    return to_png(np.full((40, 80, 3), colour, np.uint8))


def executed_notebook(path: Path, colour: tuple[int, int, int]) -> None:
    """Two sections with a chart each: one of the run's colour, one the same in every run."""
    cells = [nbformat.v4.new_markdown_cell("# 05 · Results", id="title")]
    for name, pixels in (("own", colour), ("same", (9, 9, 9))):
        bundle = {"image/png": to_base64(png(pixels)), "text/plain": "<Chart>"}
        size = {"image/png": {"width": 80, "height": 40}}
        output = nbformat.v4.new_output("display_data", data=bundle, metadata=size)
        cells.append(nbformat.v4.new_markdown_cell(f"## The {name} one\n\nWords.", id=f"{name}-h"))
        cells.append(nbformat.v4.new_code_cell("chart()", outputs=[output], id=name))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def make(run: Path, *, best: float = 0.2, colour: tuple[int, int, int] = (200, 30, 30)) -> Path:
    """A small finished run as the notebooks leave it."""
    for name, changes in (
        ("01_data_analysis", {}),
        ("04_yolo_training/baseline-seed0", {}),
        ("04_yolo_training/nst-seed0", {"arm": "nst"}),
        ("05_result_visualization", {}),
    ):
        values = NOTEBOOKS[name.split("/")[0]](run=str(run)).model_dump(mode="json")
        Artifact(run / name, values | changes).seal(
            answer="A.", verdict="V.", caveats="", data="minidrive"
        )
    (run / "01_data_analysis" / "catalog").mkdir(parents=True)
    for name in ("frames", "boxes"):
        table = pd.DataFrame({"frame_id": ["a", "b"], "image": [f"{run}/a.png", f"{run}/b.png"]})
        table.to_parquet(run / "01_data_analysis" / "catalog" / f"{name}.parquet")
    arms = ["baseline", "nst", "oracle"]
    results = pd.DataFrame({"arm": arms, "0-5": [0.3, 0.1, 0.5], "0-all": [0.1, best, 0.4]})
    results.to_csv(run / "results.csv", index=False)
    slices = pd.DataFrame({"slice": "0-all", "arm": arms, "map50": results["0-all"]})
    slices = slices.assign(low=slices["map50"] - 0.02, high=slices["map50"] + 0.02)
    made = run / "05_result_visualization"
    slices.to_csv(made / "intervals.csv", index=False)
    gains = slices.rename(columns={"map50": "gain"})[1:]
    gains.to_csv(made / "gains.csv", index=False)
    lost = pd.DataFrame({"variant": ["nst-fog"], "lost": [best]})
    lost.to_csv(made / "preservation.csv", index=False)
    (run / "report.html").write_text("<html>")
    executed_notebook(run / "notebooks" / "05_result_visualization.ipynb", colour)
    return run


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    return make(tmp_path / "x"), make(tmp_path / "y", best=0.25, colour=(30, 30, 200))


def page_of(runs: tuple[Path, Path]) -> str:
    return run_comparison.write(*runs, runs[0].parent).read_text()


def change(run: Path, name: str, **values: object) -> None:
    path = run / name / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["params"] |= values
    path.write_text(json.dumps(manifest))


def rows(page: str, heading: str) -> list[list[str]]:
    section = page[page.index(f"<h2>{heading}</h2>") :].split("</section>")[0]
    return [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in section.split("<tr")[1:]]


def test_the_answer_names_the_best_arm_of_both(runs: tuple[Path, Path]) -> None:
    page = page_of(runs)
    assert "nst is best in both runs: mAP@0.5 0.200 in x, 0.250 in y." in page
    assert "the same catalog and judge it by the same rules. Both have the same arms" in page


def test_scores_stand_side_by_side_with_their_change(runs: tuple[Path, Path]) -> None:
    table = rows(page_of(runs), "Results")
    assert ["nst", "0.100", "0.100", "+0.000", "0.200", "0.250", "+0.050"] in table
    assert ["nst-fog", "0.200", "0.250", "+0.050"] in table


def test_only_parameters_that_differ_are_listed(runs: tuple[Path, Path]) -> None:
    assert "No parameter differs." in page_of(runs)
    before = str(YOLOTraining().iterations)
    for name in ("baseline-seed0", "nst-seed0"):
        change(runs[1], f"04_yolo_training/{name}", iterations=99)
    page = page_of(runs)
    assert rows(page, "Parameters")[1:] == [["04_yolo_training", "iterations", before, "99"]]
    assert "1 differs; all others are the same." in page


def test_runs_on_other_frames_or_rules_say_so(runs: tuple[Path, Path]) -> None:
    change(runs[1], "05_result_visualization", convention="coco")
    assert "are not the same quantity" in page_of(runs)
    table = pd.DataFrame({"frame_id": ["a", "c"]})
    table.to_parquet(runs[1] / "01_data_analysis" / "catalog" / "frames.parquet")
    assert "Their catalogs differ" in page_of(runs)


def test_arms_of_one_run_alone_are_named_and_leave_a_dash(runs: tuple[Path, Path]) -> None:
    shutil.rmtree(runs[1] / "04_yolo_training" / "nst-seed0")
    table = pd.read_csv(runs[1] / "results.csv")
    table[table["arm"] != "nst"].to_csv(runs[1] / "results.csv", index=False)
    page = page_of(runs)
    assert "Only in x: nst, seed 0." in page
    assert ["nst", "0.100", "–", "–", "0.200", "–", "–"] in rows(page, "Results")
    assert "In x nst is best with mAP@0.5 0.200, in y baseline with 0.100." in page


def test_pictures_stand_in_one_place_and_equal_ones_once(runs: tuple[Path, Path]) -> None:
    page = page_of(runs)
    own = page[page.index("<h2>The own one</h2>") : page.index("<h2>The same one</h2>")]
    assert to_base64(png((200, 30, 30))) in own and to_base64(png((30, 30, 200))) in own
    assert own.count('type="radio"') == 2
    same = page[page.index("<h2>The same one</h2>") : page.index("<h2>How they were made</h2>")]
    assert same.count("<img") == 1 and "The same in both runs." in same


def test_runs_from_jupyterlab_have_no_pictures_and_still_a_page(runs: tuple[Path, Path]) -> None:
    shutil.rmtree(runs[0] / "notebooks")
    page = page_of(runs)
    assert "The own one" not in page and "<h2>How they were made</h2>" in page


def test_the_page_asks_for_nothing_and_trusts_no_text(tmp_path: Path) -> None:
    hostile = make(tmp_path / "a<b>"), make(tmp_path / "y")
    change(hostile[1], "01_data_analysis", kitti_root=HOSTILE)
    page = page_of(hostile)
    assert "<script" not in page and "<b>," not in page and "&lt;script&gt;" in page
    sources = re.findall(r"""(?:src|href)\s*=\s*["']?([^"'\s>]+)""", page)
    assert all(source.startswith(("data:", "#")) for source in sources)


def test_runs_of_one_name_are_told_apart(tmp_path: Path) -> None:
    page = run_comparison.write(make(tmp_path / "a/demo"), make(tmp_path / "b/demo"), tmp_path)
    assert page.name == "compare-a-demo-b-demo.html"


def test_runs_of_one_name_in_folders_of_one_name_keep_all_their_figures(tmp_path: Path) -> None:
    one, two = make(tmp_path / "mine/outputs/demo"), make(tmp_path / "yours/outputs/demo", best=0.3)
    change(two, "01_data_analysis", seed=5)
    page = run_comparison.write(one, two, tmp_path).read_text()
    nst = ["nst", "0.100", "0.100", "+0.000", "0.200", "0.300", "+0.100"]
    assert nst in rows(page, "Results")
    assert ["01_data_analysis", "seed", "0", "5"] in rows(page, "Parameters")
    assert "in A-outputs-demo, 0.300 in B-outputs-demo" in page


def test_a_run_that_came_without_its_catalog_is_compared_and_says_so(
    runs: tuple[Path, Path],
) -> None:
    shutil.rmtree(runs[1] / "01_data_analysis" / "catalog")
    assert "The catalog of y is not here" in page_of(runs)


def test_without_an_object_in_the_test_frames_nothing_is_said(runs: tuple[Path, Path]) -> None:
    table = pd.read_csv(runs[1] / "results.csv")
    table.assign(**{"0-all": float("nan")}).to_csv(runs[1] / "results.csv", index=False)
    assert "the test frames of y have no object" in page_of(runs)


def test_pictures_of_an_earlier_execution_do_not_stand_beside_newer_figures(
    runs: tuple[Path, Path],
) -> None:
    path = runs[0] / "notebooks" / "05_result_visualization.ipynb"
    notebook = nbformat.read(path, 4)
    for ended, shown in (("2000-01-01", False), ("2999-01-01", True)):
        notebook.metadata["papermill"] = {"end_time": f"{ended}T00:00:00.5+00:00"}
        nbformat.write(notebook, path)
        assert ("<h2>The own one</h2>" in page_of(runs)) is shown


def test_what_cannot_be_compared_is_refused_with_a_remedy(
    runs: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = runs
    with pytest.raises(InputError, match="there is no run here"):
        run_comparison.write(one, tmp_path / "none", tmp_path)
    with pytest.raises(InputError, match="is both runs"):
        run_comparison.write(one, one, tmp_path)
    (two / "05_result_visualization" / MANIFEST).unlink()
    with pytest.raises(InputError, match="not finished"):
        run_comparison.write(one, two, tmp_path)
    assert not list(tmp_path.glob("*.html"))
    assert run_comparison.main("outputs/demo") == 2
    assert "make compare A=outputs/x B=outputs/y" in capsys.readouterr().err


def test_a_damaged_executed_notebook_is_named(runs: tuple[Path, Path]) -> None:
    path = runs[0] / "notebooks" / "05_result_visualization.ipynb"
    path.write_text("{")
    with pytest.raises(InputError, match="not readable as a notebook"):
        executed.pictures(path)


@pytest.mark.browser
def test_a_flip_follows_mouse_and_keyboard_and_prints_both(browser: Any, tmp_path: Path) -> None:
    one, two = (Picture(Encoded("image/png", png(c), 80, 40)) for c in ((9, 0, 0), (0, 9, 0)))
    path = write_report(
        tmp_path / "r.html", title="t", question="q", answer="a",
        sections=[Section("s", [Flip(one, two, ("x", HOSTILE), key="k")])],
    )  # fmt: skip
    page = browser.new_page()
    page.goto(path.as_uri())

    def visible() -> list[bool]:
        return [page.locator(f".flip>div.{side}").is_visible() for side in ("one", "two")]

    assert visible() == [True, False]
    page.get_by_text(HOSTILE).first.click()
    assert visible() == [False, True]
    page.keyboard.press("ArrowLeft")
    assert visible() == [True, False]
    page.emulate_media(media="print")
    assert visible() == [True, True]
    page.close()
