from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from catalogs import picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim2real_lib.catalog import appearance
from sim2real_lib.catalog.appearance import MEASURES, SURVEY_COLUMNS, survey
from sim2real_lib.errors import InputError
from sim2real_lib.files import sha256
from sim2real_lib.images import RGB, write_rgb


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three JPEGs and a PNG."""
    for number in range(3):
        write_rgb(tmp_path / "images" / f"{number}.jpg", picture(number))
    write_rgb(tmp_path / "images" / "3.png", picture(3))
    return tmp_path


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the images that were decoded."""
    names: list[str] = []
    look = appearance.look

    def counted(path: str) -> tuple:
        names.append(Path(path).name)
        return look(path)

    monkeypatch.setattr(appearance, "look", counted)
    return names


def frames_in(folder: Path) -> pd.DataFrame:
    images = sorted(folder.glob("images/*"))
    return pd.DataFrame(
        {"frame_id": [f"frame {path.name}" for path in images], "image": [str(p) for p in images]}
    )


def surveyed(folder: Path) -> pd.DataFrame:
    return survey(frames_in(folder), folder / "store", progress=False)


def measured(folder: Path, image: RGB, name: str = "a.png") -> pd.Series:
    write_rgb(folder / name, image)
    return pd.Series(appearance.look(str(folder / name)), SURVEY_COLUMNS)


def test_every_frame_has_a_row_in_the_order_of_the_frames(folder: Path) -> None:
    frames = frames_in(folder).iloc[::-1]
    found = survey(frames, folder / "store", progress=False)
    assert list(found.columns) == ["frame_id", *SURVEY_COLUMNS]
    assert list(found["frame_id"]) == list(frames["frame_id"])
    assert list(found["digest"]) == [sha256(Path(image)) for image in frames["image"]]
    assert found["hash"].dtype == np.uint64
    assert {len(thumbnail) for thumbnail in found["thumbnail"]} == {256}


def test_no_frames_give_no_rows(tmp_path: Path) -> None:
    found = survey(pd.DataFrame({"frame_id": [], "image": []}), tmp_path, progress=False)
    assert (len(found), list(found.columns)) == (0, ["frame_id", *SURVEY_COLUMNS])


def test_plain_pictures_measure_what_they_are(tmp_path: Path) -> None:
    grey = measured(tmp_path, np.full((90, 160, 3), 51, np.uint8))
    assert list(grey[list(MEASURES)]) == pytest.approx([0.2, 0, 0, -2])
    red = measured(tmp_path, np.full((400, 300, 3), (255, 0, 0), np.uint8))
    assert list(red[["brightness", "saturation"]]) == pytest.approx([76 / 255, 1])
    halves = np.zeros((360, 640, 3), np.uint8)
    halves[:, 320:] = 255
    assert list(measured(tmp_path, halves)[["brightness", "contrast"]]) == pytest.approx([0.5, 0.5])


def test_a_blurred_picture_is_less_sharp_and_otherwise_alike(tmp_path: Path) -> None:
    sharp = measured(tmp_path, picture(0, width=640, height=360))
    blurred = measured(tmp_path, cv2.GaussianBlur(picture(0, width=640, height=360), (0, 0), 4))
    assert blurred["sharpness"] < sharp["sharpness"] - 0.3
    assert blurred["brightness"] == pytest.approx(sharp["brightness"], abs=0.01)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
@pytest.mark.parametrize("height", [180, 200, 270, 375, 540, 720])
def test_measures_do_not_depend_on_the_size_at_which_a_picture_is_stored(
    tmp_path: Path, height: int, name: str
) -> None:
    whole = picture(5, width=1280, height=720)
    scaled = cv2.resize(whole, (height * 16 // 9, height), interpolation=cv2.INTER_AREA)
    here, there = measured(tmp_path, whole), measured(tmp_path, scaled, name)
    assert list(there[list(MEASURES)]) == pytest.approx(list(here[list(MEASURES)]), abs=0.1)


def test_a_night_scene_has_a_thumbnail_and_a_black_frame_has_none(tmp_path: Path) -> None:
    night = measured(tmp_path, picture(0) // 20)
    stretched = np.frombuffer(night["thumbnail"], np.uint8)
    assert (stretched.min(), stretched.max()) == (0, 255)
    noise = np.random.default_rng(0).integers(0, 3, (180, 320, 3), dtype=np.uint8)
    assert not any(measured(tmp_path, noise)["thumbnail"])


def test_frames_that_share_an_image_are_decoded_once(folder: Path, looked: list[str]) -> None:
    frames = pd.concat([frames_in(folder), frames_in(folder).assign(frame_id=list("abcd"))])
    found = survey(frames, folder / "store", progress=False)
    assert looked == ["0.jpg", "1.jpg", "2.jpg", "3.png"]
    assert list(found["hash"][:4]) == list(found["hash"][4:])


def test_a_second_call_reads_only_what_changed(folder: Path, looked: list[str]) -> None:
    first = surveyed(folder)
    looked.clear()
    pd.testing.assert_frame_equal(surveyed(folder), first)
    assert looked == []
    write_rgb(folder / "images" / "1.jpg", picture(9))
    again = surveyed(folder)
    assert looked == ["1.jpg"]
    assert list(again["digest"] != first["digest"]) == [False, True, False, False]


def test_images_below_the_project_are_known_after_it_moved(
    folder: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appearance, "ROOT", folder / "old")
    (folder / "images").rename(folder / "old")
    old = pd.DataFrame({"frame_id": ["f"], "image": [str(folder / "old" / "0.jpg")]})
    survey(old, folder / "store", progress=False)
    (folder / "old").rename(folder / "new")
    monkeypatch.setattr(appearance, "ROOT", folder / "new")
    new = old.assign(image=str(folder / "new" / "0.jpg"))
    survey(new, folder / "store", progress=False)
    assert looked == ["0.jpg"]


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"PAR1" * 500])
def test_a_damaged_part_is_done_again(folder: Path, looked: list[str], damage: bytes) -> None:
    first = surveyed(folder)
    (part,) = (folder / "store").iterdir()
    part.write_bytes(damage or part.read_bytes()[:-100])
    looked.clear()
    pd.testing.assert_frame_equal(surveyed(folder), first)
    assert len(looked) == 4
    surveyed(folder)
    assert len(looked) == 4


def test_parts_may_repeat_each_other(folder: Path) -> None:
    first = surveyed(folder)
    (part,) = (folder / "store").iterdir()
    part.with_stem(f"{part.stem}-again").write_bytes(part.read_bytes())
    pd.testing.assert_frame_equal(surveyed(folder), first)


def test_an_unreadable_image_is_named_and_what_was_measured_before_it_is_kept(
    folder: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appearance, "BATCH", 1)
    damaged = folder / "images" / "2.jpg"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="not a readable image") as error:
        surveyed(folder)
    assert error.value.where == str(damaged)
    assert "Download or generate it again" in str(error.value)
    damaged.write_bytes(whole)
    looked.clear()
    assert len(surveyed(folder)) == 4
    assert looked == ["2.jpg", "3.png"]


def test_a_missing_image_is_named(folder: Path) -> None:
    frames = frames_in(folder)
    (folder / "images" / "1.jpg").unlink()
    with pytest.raises(InputError, match=r"1\.jpg: there is no such image"):
        survey(frames, folder / "store", progress=False)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(["0.jpg", "3.png"]), st.floats(0, 0.99))
def test_a_truncated_image_is_refused_wherever_it_ends(
    folder: Path, name: str, share: float
) -> None:
    whole = (folder / "images" / name).read_bytes()
    cut = folder / f"cut-{name}"
    cut.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="not a readable image"):
        appearance.look(str(cut))


def test_parts_are_written_while_the_work_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appearance, "BATCH", 1)
    monkeypatch.setattr(appearance, "PART", 2)
    surveyed(folder)
    parts = list((folder / "store").iterdir())
    assert sorted(len(pd.read_parquet(part)) for part in parts) == [2, 2]
    assert not [part for part in parts if "tmp" in part.name]


def test_worker_processes_find_and_refuse_the_same(
    folder: Path, looked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appearance, "BATCH", 1)
    alone = surveyed(folder)
    looked.clear()
    last = folder / "images" / "3.png"
    whole = last.read_bytes()
    last.write_bytes(b"no image")
    with pytest.raises(InputError, match=r"3\.png: not a readable image"):
        survey(frames_in(folder), folder / "other", workers=2, progress=False)
    last.write_bytes(whole)
    pd.testing.assert_frame_equal(
        survey(frames_in(folder), folder / "other", progress=False), alone
    )
    assert looked == ["3.png"]
