"""What the arms on_disk is read as it lies, and nothing unfair is compared."""

from pathlib import Path

import pandas as pd
import pytest
from referees import CLASSES, hard_case

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation import ap
from sim2real_lib.evaluation.matching import match_tables
from sim2real_lib.evaluation.stored import Stored

NAMES = ["baseline-seed0", "nst-seed1"]


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Two arms' tables as `predict` stores them, on the same objects."""
    _, objects, areas = hard_case(0)
    objects = objects.assign(occluded=True, truncated=False, occlusion=0.5)
    for seed, name in enumerate(NAMES):
        folder = tmp_path / name
        folder.mkdir()
        found = match_tables(hard_case(seed)[0], objects, areas, CLASSES).drop(columns=ap.IG)
        for table, rows in {"detections": found, "objects": objects, "areas": areas}.items():
            rows.to_parquet(folder / f"{table}.parquet", index=False)
    return {name: tmp_path / name for name in NAMES}


def plain(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({"frame_id": "str", "class": "str"})


def test_detections_are_read_when_they_are_asked_for(folders: dict[str, Path]) -> None:
    stored = Stored.read(folders, CLASSES)
    assert list(stored) == NAMES and len(stored) == 2
    on_disk = pd.read_parquet(folders["nst-seed1"] / "detections.parquet")
    pd.testing.assert_frame_equal(plain(stored["nst-seed1"]), on_disk)
    assert (stored["nst-seed1"].dtypes[["frame_id", "class"]] == "category").all()  # half as large
    (folders["nst-seed1"] / "detections.parquet").unlink()
    with pytest.raises(InputError, match="arm nst, seed 1 again"):
        stored["nst-seed1"]


def test_in_coco_they_are_matched_anew(folders: dict[str, Path]) -> None:
    stored = Stored.read(folders, CLASSES, "coco")
    on_disk = pd.read_parquet(folders["nst-seed1"] / "detections.parquet")
    asked = match_tables(on_disk, stored.objects, stored.areas, CLASSES, convention="coco")
    pd.testing.assert_frame_equal(plain(stored["nst-seed1"]), asked)
    assert set(ap.IG) <= set(stored["nst-seed1"]), "in coco areas to ignore depend on the threshold"


@pytest.mark.parametrize("table", ["objects", "areas"])
def test_a_missing_table_names_the_arm_to_run_again(folders: dict[str, Path], table: str) -> None:
    (folders["baseline-seed0"] / f"{table}.parquet").unlink()
    with pytest.raises(InputError, match=f"{table}.parquet.*04_yolo_training.*baseline, seed 0"):
        Stored.read(folders, CLASSES)


def test_a_table_of_an_earlier_version_is_refused(folders: dict[str, Path]) -> None:
    path = folders["nst-seed1"] / "objects.parquet"
    pd.read_parquet(path).drop(columns="occlusion").to_parquet(path, index=False)
    with pytest.raises(InputError, match=r"an earlier version.*arm nst, seed 1 again"):
        Stored.read(folders, CLASSES)


def test_arms_that_were_tested_on_other_objects_are_not_compared(
    folders: dict[str, Path],
) -> None:
    path = folders["nst-seed1"] / "objects.parquet"
    pd.read_parquet(path).iloc[1:].to_parquet(path, index=False)
    with pytest.raises(
        InputError, match="nst-seed1 and baseline-seed0 were not tested on the same"
    ):
        Stored.read(folders, CLASSES)
