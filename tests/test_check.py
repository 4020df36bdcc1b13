"""What is promised of `make check`: in seconds, what is found, what is missing and where it is."""

import shutil
from pathlib import Path

import pytest
import yaml

from sim2real_lib import check, params
from sim2real_lib.datasets import minidrive
from sim2real_lib.files import ROOT

WORLD = minidrive.World(
    seed=5, scenes=("0001", "0002"), frames_per_scene=14, kitti_size=(64, 36), bdd_size=(64, 36),
    bdd_train_per_weather=3, bdd_val_per_weather=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three data sets in their real layouts, small and drawn."""
    home = tmp_path_factory.mktemp("data")
    minidrive.write(home, WORLD, progress=False)
    return home


@pytest.fixture
def profile(data: Path, tmp_path: Path) -> Path:
    """params/paper, on that data, which each test may damage."""
    shutil.copytree(data, tmp_path / "data", symlinks=True)
    folder = tmp_path / "params"
    shutil.copytree(ROOT / "params" / "paper", folder)
    change(folder / "run.yaml", params=str(folder))
    roots = {
        f"{name}_root": str(tmp_path / "data" / name) for name in ("kitti", "vkitti2", "bdd100k")
    }
    change(folder / "01_data_analysis.yaml", sequences=["0001", "0002"], **roots)
    return folder


def change(path: Path, **values: object) -> None:
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))


def said(profile: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = check.main(str(profile))
    return status, capsys.readouterr().out


def test_a_complete_profile_is_ready_and_its_frames_are_counted(profile: Path, capsys) -> None:
    status, text = said(profile, capsys)
    assert status == 0, text
    assert "✗" not in text
    assert "✓ kitti      28 frames, 2 sequences" in text
    assert "✓ vkitti2    168 frames, 2 sequences" in text
    for arm in ("baseline", "cyclegan", "nst", "oracle"):
        assert f"arm  {arm:12} 14 training frames" in text
    assert "cyclegan-fog 2, morning 2, cyclegan-overcast 2" in text
    assert "overcast 3" in text
    assert "Test frames: 8" in text
    assert text.rstrip().endswith(f"Ready: make demo PROFILE={profile}")


@pytest.mark.parametrize(
    ("lost", "archive"),
    [
        ("kitti", "data_tracking_image_2.zip"),
        ("kitti/training/label_02", "data_tracking_label_2.zip"),
        ("vkitti2", "vkitti_2.0.3_textgt.tar.gz"),
        ("bdd100k/labels", "bdd100k_det_20_labels_trainval.zip"),
    ],
)
def test_what_is_missing_is_named_with_where_to_get_it(
    profile: Path, capsys, lost: str, archive: str
) -> None:
    place = profile.parent / "data" / lost
    shutil.rmtree(place)
    status, text = said(profile, capsys)
    assert status == 1
    assert f"✗ {lost.split('/')[0]}" in text
    assert str(place) in text
    assert archive in text
    assert "https://" in text
    assert text.rstrip().endswith("Something is missing.")


def test_the_frames_that_an_arm_adds_are_counted(profile: Path, capsys) -> None:
    change(profile / "04_yolo_training.yaml", arms={"baseline": {}, "more": {"add": ["rain"]}})
    change(profile / "run.yaml", arms=["baseline", "more"])
    _, text = said(profile, capsys)
    assert "arm  baseline     14 training frames" in text
    assert "arm  more         28 training frames" in text


def test_a_missing_variant_is_named_before_anything_runs(profile: Path, capsys) -> None:
    shutil.rmtree(profile.parent / "data/vkitti2/vkitti_2.0.3_rgb/Scene02/fog")
    status, text = said(profile, capsys)
    assert status == 1
    assert "Scene02/fog" in text


def test_a_damaged_label_is_named_with_file_and_line(profile: Path, capsys) -> None:
    path = profile.parent / "data/kitti/training/label_02/0001.txt"
    path.write_text(path.read_text() + "0 1 Car 0\n")
    status, text = said(profile, capsys)
    assert status == 1
    assert f"{path}:" in text


def test_the_detectors_profiles_are_checked_on_the_papers_data(capsys) -> None:
    check.main("paper-detectors")
    text = capsys.readouterr().out
    assert text.startswith("Profile paper-detectors: params/paper-detectors, params/paper,")
    for root in ("data/kitti_tracking", "data/vkitti2", "data/bdd100k"):
        assert root in text


def test_a_profile_that_draws_its_own_world_needs_nothing(profile: Path, capsys) -> None:
    change(profile / "01_data_analysis.yaml", data="minidrive", run=str(profile.parent / "run"))
    status, text = said(profile, capsys)
    assert status == 0
    assert "nothing to download" in text


def test_an_unknown_profile_is_one_line_that_names_the_known_ones(capsys) -> None:
    assert check.main("papre") == 1
    said = capsys.readouterr().err
    assert "no such params file" in said
    assert "paper" in said
    assert len(said.splitlines()) == 1


def test_nothing_is_written(profile: Path, capsys) -> None:
    before = sorted(profile.parent.rglob("*"))
    said(profile, capsys)
    assert sorted(profile.parent.rglob("*")) == before
    run = params.Run.from_yaml(profile / "run.yaml")
    assert not run.folder.exists()
