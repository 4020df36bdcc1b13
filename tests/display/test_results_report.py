"""The report of a whole run: the answer first, and every table on disk."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markupsafe import escape
from stored_arms import CLASSES, street, write

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.display import result_tables, results_report, style
from sim2real_lib.display.evidence import Evidence
from sim2real_lib.evaluation import comparison, errors, slices
from sim2real_lib.evaluation.arm_names import arm_of
from sim2real_lib.files import Artifact
from sim2real_lib.images import write_rgb
from sim2real_lib.params import ResultVisualization, YOLOTraining


def evidence(p: ResultVisualization, home: Path, **more) -> Evidence:
    """What the notebook finds, without translations."""
    (home / "arms").mkdir(parents=True)
    stored = write(home / "arms", p.convention, **more)
    frames, _ = street()
    write_rgb(home / "grey.png", np.full((100, 320, 3), 128, np.uint8))
    frames = frames.assign(
        image=str(home / "grey.png"), split="test", index=0, variant="original", scene="undefined"
    )
    asked = Catalog(frames, pd.DataFrame(columns=["frame_id"]))
    occluded = pd.Series(np.arange(24) % 12, pd.Index(frames["frame_id"]))
    bins = slices.by_occlusion(occluded)
    compared = comparison.compare(
        stored, stored.objects, bins, CLASSES, resamples=20, convention=p.convention
    )
    weathers = slices.by_weather(frames)
    weathers.pop("all")
    names = ["map by bin", "differences", "slices", "errors", "errors by weather", "curves"]
    names += ["calibration", "frames"] + ["gap closed"] * bool(len(compared.gaps))
    return Evidence(
        data=asked, asked=asked, drawn="images", compared=compared,
        times=pd.DataFrame({"train s": [7]}, index=pd.Index(["baseline"], name="arm")),
        scored=result_tables.all_scores(stored, frames, frames, (5, 10), occluded),
        mistakes=errors.error_table(stored, stored.objects, weathers | bins, CLASSES),
        shown=pd.DataFrame(), labels=None, distances=None, notice="",
        charts={name: style.chart(1, 1) for name in names},
    )  # fmt: skip


def reported(home: Path, convention: str = "ultralytics", **more) -> Evidence:
    p = ResultVisualization(
        run=str(home), test_weathers=["clear", "foggy", "rainy"], convention=convention
    )
    Artifact(home / "01_data_analysis", {"data": "minidrive"}).seal()
    found = evidence(p, home, **more)
    trained = {path.parent.name: path for path in (home / "arms").glob("*/detections.parquet")}
    for name in trained:
        own = YOLOTraining(run=str(home), arm=arm_of(name)).model_dump(mode="json")
        Artifact(home / "04_yolo_training" / name, own).seal(frames=24, translated=[])
    artifact = Artifact(home / "05_result_visualization", p.model_dump(), inputs=trained)
    assert results_report.write(p, artifact, found) == home / "report.html"
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evidence, Path]:
    home = tmp_path_factory.mktemp("run")
    return reported(home, "coco"), home


@pytest.mark.parametrize(
    "more",
    [
        {"runs": {"baseline-seed0": 20}},
        {"runs": {"baseline-seed0": 20, "oracle-seed0": 4}},
        {"runs": {"baseline-seed0": 20, "nst-seed1": 4}},
        {"runs": {"baseline-seed0": 20, "nst-seed0": 20}, "most": 0},
    ],
    ids=["baseline alone", "nothing translated", "no seed in common", "nothing detected"],
)
def test_a_run_with_little_to_show_is_reported_too(tmp_path: Path, more: dict) -> None:
    found = reported(tmp_path, **more)
    assert found.compared.verdict in (tmp_path / "report.html").read_text()
    assert (tmp_path / "results.csv").is_file()


def test_no_table_of_an_earlier_run_with_other_arms_stays(tmp_path: Path) -> None:
    made = tmp_path / "05_result_visualization"
    made.mkdir()
    for name in ("gaps", "preservation"):
        (made / f"{name}.csv").write_text("of a run with an oracle and a translated arm")
    reported(tmp_path, runs={"baseline-seed0": 20, "nst-seed0": 4})
    assert (made / "gains.csv").is_file()
    assert not (made / "gaps.csv").exists() and not (made / "preservation.csv").exists()


def test_the_first_lines_say_answer_seeds_frames_and_that_it_is_minidrive(
    run: tuple[Evidence, Path],
) -> None:
    found, home = run
    page = (home / "report.html").read_text()
    head = page[page.index("<header>") : page.index("</header>")]
    for said in (found.compared.verdict, found.compared.caveats, found.compared.answer):
        assert str(escape(said)) in head
    for words in ("MiniDrive", "24 test frames (clear, foggy, rainy)", "1 to 2 seeds", "coco"):
        assert words in head


def test_the_story_goes_from_the_answer_to_why(run: tuple[Evidence, Path]) -> None:
    titles = re.findall("<h2>([^<]+)", (run[1] / "report.html").read_text())
    assert titles == [
        "The answer",
        "How sure is it?",
        "Where does it help?",
        "Why?",
        "The data",
        "The run",
    ]


def test_the_reader_learns_of_data_arms_and_every_parameter(run: tuple[Evidence, Path]) -> None:
    found, home = run
    page = (home / "report.html").read_text()
    data = page[page.index("<h2>The data<") : page.index("<h2>The run<")]
    counts = found.data.frames.groupby("split").size()
    assert f'<td class="">{counts["test"]}</td>' in data
    assert set(re.findall(r'<td class="text">(nst|cut|baseline|oracle)<', data)) == {
        "nst", "cut", "baseline", "oracle",
    }  # fmt: skip
    told = page[page.index("<h2>The run<") :]
    for notebook in ("01_data_analysis", "04_yolo_training", "05_result_visualization"):
        assert f"Parameters of {notebook}" in told
    assert "<dt>convention</dt><dd>coco</dd>" in told and "<dt>inception</dt><dd>–</dd>" in told


def test_every_caption_that_shows_ap_names_its_convention(run: tuple[Evidence, Path]) -> None:
    page = (run[1] / "report.html").read_text()
    captions = re.findall(r'<(?:figcaption|p class="caption")>([^<]+)', page)
    about_ap = [caption for caption in captions if re.search(r"\bm?AP", caption)]
    assert len(about_ap) >= 7
    assert all("coco" in caption or "TIDE" in caption for caption in about_ap)


def test_the_published_figures_are_set_apart(run: tuple[Evidence, Path]) -> None:
    page = (run[1] / "report.html").read_text()
    rows = re.findall(r'<tr class="([^"]*)"><td class="[^"]*">(published[^<]+)', page)
    assert rows[:3] == [
        ("aside elsewhere", f"published: {arm}") for arm in ("baseline", "cyclegan", "nst")
    ]
    assert {kind for kind, _ in rows} == {"aside elsewhere"}


def test_every_table_lies_on_disk(run: tuple[Evidence, Path]) -> None:
    _, home = run
    results = pd.read_csv(home / "results.csv", index_col="arm")
    assert list(results.columns) == ["0-5", "0-10", "0-all", "train s"]
    exact = pd.read_parquet(home / "results.parquet")
    pd.testing.assert_frame_equal(exact.round(4), results)
    made = home / "05_result_visualization"
    keys = {
        "gains": ["slice", "arm"],
        "gaps": ["slice", "arm"],
        "intervals": ["slice", "arm"],
        "seeds": ["slice", "arm"],
        "scores": ["arm", "seed", "kind", "slice", "class"],
        "errors": ["arm", "slice", "error"],
    }
    for name, columns in keys.items():
        table = pd.read_csv(made / f"{name}.csv")
        assert list(table.columns[: len(columns)]) == columns and len(table)
        assert not table.duplicated(columns).any()
    manifest = json.loads((made / "manifest.json").read_text())
    assert manifest["verdict"] and manifest["answer"] and manifest["data"] == "minidrive"
    of_run = json.loads((home / "manifest.json").read_text())
    assert {name: of_run[name] for name in manifest if name in ("answer", "verdict", "code")} == {
        name: manifest[name] for name in ("answer", "verdict", "code")
    }
