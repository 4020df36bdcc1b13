"""What is promised of the arms of a run: what is missing is named with the notebook to run."""

from pathlib import Path

import pandas as pd
import pytest

from sim2real_lib.catalog import Catalog
from sim2real_lib.detection import arms
from sim2real_lib.errors import InputError
from sim2real_lib.files import write_json
from sim2real_lib.params import YOLOTraining


def finish(run: Path, *names: str) -> None:
    for name in names:
        write_json(run / "04_yolo_training" / name / "manifest.json", {})


def test_every_finished_arm_and_seed_is_found(tmp_path: Path) -> None:
    finish(tmp_path, "baseline-seed0", "nst-seed0", "nst-seed1")
    (tmp_path / "04_yolo_training" / "cyclegan-seed0").mkdir()  # begun, not finished
    assert list(arms.finished(tmp_path)) == ["baseline-seed0", "nst-seed0", "nst-seed1"]
    assert list(arms.finished(tmp_path, seeds=[0])) == ["baseline-seed0", "nst-seed0"]


def test_arms_that_translations_are_part_of_are_told_by_their_manifests(tmp_path: Path) -> None:
    finish(tmp_path, "baseline-seed0", "real-seed0")
    for name in ("mine-seed0", "mine-seed1"):
        manifest = {"translated": ["nst-fog"]}
        write_json(tmp_path / "04_yolo_training" / name / "manifest.json", manifest)
    assert arms.translated(arms.finished(tmp_path)) == ["mine"]


def test_named_arms_come_in_the_order_named(tmp_path: Path) -> None:
    finish(tmp_path, "baseline-seed0", "nst-seed0")
    assert list(arms.finished(tmp_path, ["nst", "baseline"], [0])) == [
        "nst-seed0",
        "baseline-seed0",
    ]


def test_a_named_arm_that_is_not_finished_is_named(tmp_path: Path) -> None:
    finish(tmp_path, "baseline-seed0")
    with pytest.raises(InputError, match="04_yolo_training with arm nst, seed 0"):
        arms.finished(tmp_path, ["baseline", "nst"], [0])


def test_without_a_baseline_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    finish(tmp_path, "nst-seed0")
    with pytest.raises(InputError, match="no finished baseline"):
        arms.finished(tmp_path)


def test_a_translation_that_has_not_run_is_named_with_its_style(tmp_path: Path) -> None:
    frames = pd.DataFrame(columns=["frame_id"])
    Catalog(frames, frames).save(tmp_path / "01_data_analysis" / "catalog")
    write_json(tmp_path / "01_data_analysis" / "manifest.json", {})
    with pytest.raises(InputError, match="with translator cyclegan, style fog, source clone first"):
        arms.gather(YOLOTraining(run=str(tmp_path), arm="cyclegan"))
