"""What a stranger's data set can do to a reader: be read into a sound catalog, or be refused.

`benchmarks/fuzz.py` tries many thousands of what is tried a hundred of here.
"""

import os
from pathlib import Path
from random import Random

import pytest
from hostile import TARGETS, Target, attempt, check, damaged
from hypothesis import given, settings
from hypothesis import strategies as st
from layouts import bdd100k as write_bdd100k
from layouts import image
from own_layouts import coco as write_coco
from own_layouts import labelled, listed, pictures, yolo

from sim2real_lib.datasets import _common, _json_list, bdd100k, coco
from sim2real_lib.datasets import yolo as yolo_reader
from sim2real_lib.errors import InputError

every_reader = pytest.mark.parametrize("name", list(TARGETS))
FAT = "x" * 181


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A data set of each reader."""
    roots = {name: tmp_path_factory.mktemp("root") for name in TARGETS}
    for name, root in roots.items():
        TARGETS[name].write(root)
    return roots


@every_reader
def test_what_is_damaged_here_is_sound_when_it_is_whole(
    name: str, written: dict[str, Path]
) -> None:
    catalog = TARGETS[name].read(written[name])
    check(catalog)
    assert len(catalog.boxes)


@every_reader
def test_damaged_files_are_refused_by_one_clear_error_or_read_into_a_sound_catalog(
    name: str, written: dict[str, Path]
) -> None:
    target, root = TARGETS[name], written[name]
    whole = {file: (root / file).read_bytes() for file in target.files}

    @settings(derandomize=True, database=None, max_examples=100, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def holds(number: int) -> None:
        rng = Random(f"{name} {number}")
        file = rng.choice(target.files)
        assert attempt(target, root, file, damaged(rng, whole[file])) in ("read", "refused")

    holds()


@every_reader
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    for file in target.files:
        root = tmp_path / file.replace("/", "-")
        root.mkdir()
        target.write(root)
        (root / file).unlink()
        os.mkfifo(root / file)
        with pytest.raises(InputError):
            read_all(target, root)


def read_all(target: Target, root: Path) -> None:
    """Where a pipe is passed over the frame has no labels, which is said, too."""
    catalog = target.read(root)
    if len(catalog.dropped) or not len(catalog.boxes):
        raise InputError("some of it is passed over")


@every_reader
def test_a_link_that_leads_to_itself_is_refused(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    target.write(tmp_path)
    path = tmp_path / target.files[0]
    path.unlink()
    path.symlink_to(path.name)
    with pytest.raises(InputError):
        target.read(tmp_path)


@every_reader
def test_a_link_to_a_file_outside_is_refused(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    target.write(tmp_path / "root")
    path = tmp_path / "root" / target.files[0]
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(InputError, match=r"leads out|no such"):
        target.read(tmp_path / "root")


@pytest.mark.parametrize("name", ["...jpg", f"{FAT}.jpg", f"{'가' * 61}.jpg"])
def test_a_frame_that_could_not_be_stored_under_its_name_is_refused_before_any_work(
    name: str, tmp_path: Path
) -> None:
    write_bdd100k(tmp_path, [{"name": name, "labels": []}], pictures=["a.jpg"])
    (tmp_path / "images/100k/train/a.jpg").rename(tmp_path / "images/100k/train" / name)
    with pytest.raises(InputError, match="no name of a frame"):
        bdd100k.read(tmp_path, splits=["train"])


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.jpg", "/etc/passwd.jpg", "..\\a.jpg", "a\x00.jpg", "a" * 300]
)
def test_a_name_in_coco_cannot_lead_out_of_the_root(name: str, tmp_path: Path) -> None:
    pictures(tmp_path / "root/train", "a.jpg")
    image(tmp_path / "etc/passwd.jpg", (8, 8))
    write_coco(tmp_path / "root/annotations/instances_train.json", [listed(1, name)])
    with pytest.raises(InputError, match=r"path|leads out|backslash|none of"):
        coco.read(tmp_path / "root", source="mine")


@pytest.mark.parametrize("key", ["path", "train"])
@pytest.mark.parametrize("place", ["../..", "/etc", "images/train/../../.."])
def test_a_folder_in_yolos_yaml_cannot_lead_out_of_the_root(
    key: str, place: str, tmp_path: Path
) -> None:
    labelled(tmp_path / "root", {"a.jpg": ["0 .5 .5 .2 .2"]})
    yolo(tmp_path / "root", **{"train": "images/train", key: place})
    with pytest.raises(InputError):
        yolo_reader.read(tmp_path / "root", source="mine")


def test_yolos_yaml_is_told_about_aliases_of_aliases(tmp_path: Path) -> None:
    labelled(tmp_path, {"a.jpg": ["0 .5 .5 .2 .2"]})
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    (tmp_path / "data.yaml").write_text("\n".join([*lines, "names: *a19", "train: images/train"]))
    with pytest.raises(InputError, match="aliases spelt out"):
        yolo_reader.read(tmp_path, source="mine")


def test_a_file_that_claims_more_bytes_than_any_data_set_has_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((_common, "LARGEST_TEXT"), (coco, "LARGEST_JSON"), (_json_list, "MOST")):
        monkeypatch.setattr(module, name, 1 << 20)
    for name in ("kitti tracking", "coco", "bdd100k det_20"):
        root = tmp_path / name
        root.mkdir()
        TARGETS[name].write(root)
        os.truncate(root / TARGETS[name].files[0], 1 << 21)  # takes no room on disk
        with pytest.raises(InputError, match="bytes are more than"):
            TARGETS[name].read(root)
