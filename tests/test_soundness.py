"""What is finished stays believed only as long as it is whole."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.files import MANIFEST, Artifact
from sim2real_lib.images import write_rgb
from sim2real_lib.soundness import damaged, refuse_damaged
from sim2real_lib.translation.records import Records, source_of

VARIANT = "nst-fog"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with one finished artifact: a table, weights and a translated image."""
    folder = tmp_path / "03_nst_generation" / VARIANT
    artifact = Artifact(folder, {})
    source, image = tmp_path / "source.png", folder / "images" / "a" / "0.png"
    for path in (source, image):
        write_rgb(path, np.zeros((4, 6, 3), np.uint8))
    Records(folder).add("a/0", source_of(source), "look", image)
    (folder / "weights.pt").write_bytes(b"weights")
    (folder / "catalog").mkdir()
    frames = pd.DataFrame({"frame_id": [f"{VARIANT}/a/0"], "image": [str(image)]})
    frames.to_parquet(folder / "catalog" / "frames.parquet")
    artifact.seal()
    return tmp_path


def test_what_is_whole_is_left_alone(run: Path) -> None:
    assert refuse_damaged(run) == []
    assert list(run.glob(f"*/*/{MANIFEST}"))


@pytest.mark.parametrize(
    "name", [MANIFEST, "weights.pt", "catalog/frames.parquet", "images/a/0.png"]
)
@pytest.mark.parametrize("left", [None, 0.0, 0.5])
def test_what_was_cut_short_or_removed_is_named_and_no_longer_done(
    run: Path, name: str, left: float | None
) -> None:
    folder = run / "03_nst_generation" / VARIANT
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    if left is not None:
        path.write_bytes(content[: int(left * len(content))])
    elif name == MANIFEST:
        assert refuse_damaged(run) == []  # it is unfinished already
        return
    assert refuse_damaged(run) == [path]
    assert not (folder / MANIFEST).exists()


def test_records_of_frames_that_the_catalog_lacks_are_no_damage(run: Path) -> None:
    folder = run / "03_nst_generation" / VARIANT
    with (folder / "records.jsonl").open("ab") as file:
        file.write((folder / "records.jsonl").read_bytes().replace(b'"a/0"', b'"a/1"'))
    assert list(damaged(folder)) == []


def test_a_manifest_of_an_earlier_version_lists_no_files(run: Path) -> None:
    old = run / "01_data_analysis"
    old.mkdir()
    (old / MANIFEST).write_text('{"params": {}}')
    assert list(damaged(old)) == []


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("01_data_analysis", []),
        (f"03_nst_generation/{VARIANT}", ["01_data_analysis", "04_yolo_training/baseline-seed0"]),
        (
            "04_yolo_training/nst-seed0",
            [
                "01_data_analysis",
                f"03_nst_generation/{VARIANT}",
                "04_yolo_training/baseline-seed0",
            ],
        ),
    ],
)
def test_what_was_made_of_damaged_results_is_made_again_and_nothing_else(
    run: Path, name: str, left: list[str]
) -> None:
    Artifact(run / "01_data_analysis", {}).seal()
    Artifact(run / "04_yolo_training" / "baseline-seed0", {}).seal(translated=[])
    Artifact(run / "04_yolo_training" / "nst-seed0", {}).seal(translated=[VARIANT])
    Artifact(run / "05_result_visualization", {}).seal()
    (run / name / MANIFEST).write_text("{")
    assert refuse_damaged(run) == [run / name / MANIFEST]
    found = sorted(path.parent for path in run.rglob(MANIFEST))
    assert found == [run / folder for folder in left]
