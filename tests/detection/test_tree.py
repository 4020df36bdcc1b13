"""The tree that ultralytics sees: its labels, its links, and that data sets stay untouched."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from toy import box

from sim2real_lib import images
from sim2real_lib.detection.compose import compose
from sim2real_lib.detection.tree import check, write_tree
from sim2real_lib.errors import InputError

CLASSES = ["car", "van", "truck"]


def label(data: Path) -> list[str]:
    return next((data.parent / "labels").glob("*.txt")).read_text().splitlines()


def test_labels_are_centres_and_sizes_in_shares_of_the_image(one_frame, tmp_path):
    data = write_tree(one_frame(box("a/b", "van", 24, 16, 72, 32)), tmp_path / "tree", CLASSES)
    assert label(data) == ["1 0.500000000 0.375000000 0.500000000 0.250000000"]


def test_other_classes_and_areas_to_ignore_get_no_label(one_frame, tmp_path):
    arm = one_frame(
        box("a/b", "bus", 0, 0, 9, 9), box("a/b", "car", 0, 0, 5, 5, ignore=True),
        box("a/b", "truck", 10, 10, 20, 20),
    )  # fmt: skip
    assert [line[0] for line in label(write_tree(arm, tmp_path / "tree", CLASSES))] == ["2"]


def test_boxes_are_clipped_to_their_image(one_frame, tmp_path):
    data = write_tree(one_frame(box("a/b", "car", 48, 32, 200, 70)), tmp_path / "tree", CLASSES)
    assert [float(x) for x in label(data)[0].split()] == [0, 0.75, 0.75, 0.5, 0.5]


def test_a_frame_without_a_box_has_an_empty_label(one_frame, tmp_path):
    assert label(write_tree(one_frame(), tmp_path / "tree", CLASSES)) == []


def test_two_boxes_in_one_place_are_refused(one_frame, tmp_path):
    arm = one_frame(box("a/b", "car", 1, 2, 3, 4), box("a/b", "van", 1, 2, 3, 4))
    with pytest.raises(InputError, match=r"a/b: two boxes coincide \(car and van\)"):
        write_tree(arm, tmp_path / "tree", CLASSES)


def test_an_unreadable_image_is_refused_before_anything_is_written(one_frame, tmp_path):
    arm = one_frame()
    Path(arm.frames["image"][0]).write_bytes(b"\xff\xd8 no image")
    with pytest.raises(InputError, match="not a readable image"):
        write_tree(arm, tmp_path / "tree", CLASSES)
    assert not (tmp_path / "tree").exists()


def test_arms_of_the_same_places_sort_alike(streets, tmp_path):
    arms = [compose(streets), compose(streets, replace={"fog": "cyclegan-fog"})]
    names = []
    for number, arm in enumerate(arms):
        data = write_tree(arm, tmp_path / f"{number}", CLASSES)
        names.append([Path(p).name for p in (data.parent / "train.txt").read_text().splitlines()])
    assert names[0] == sorted(names[0]) and names[1] == sorted(names[1])
    different = [a != b for a, b in zip(*names, strict=True)]
    assert different == (arms[0].frames["frame_id"] != arms[1].frames["frame_id"]).tolist()


def test_images_are_links_except_where_ultralytics_would_write_through_them(one_frame, tmp_path):
    arm = one_frame()
    source = Path(arm.frames["image"][0])
    linked = write_tree(arm, tmp_path / "linked", CLASSES).parent / "images"
    assert next(linked.iterdir()).resolve() == source
    pixels = images.read_rgb(source)
    source.write_bytes(source.read_bytes() + b"trailing")
    copied = next((write_tree(arm, tmp_path / "copied", CLASSES).parent / "images").iterdir())
    assert not copied.is_symlink() and copied.read_bytes().endswith(b"\xff\xd9")
    assert np.array_equal(images.read_rgb(copied), pixels)


def test_where_links_are_impossible_images_are_copied(one_frame, tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    arm = one_frame(suffix=".png")
    copied = next((write_tree(arm, tmp_path / "tree", CLASSES).parent / "images").iterdir())
    assert copied.read_bytes() == Path(arm.frames["image"][0]).read_bytes()


def test_the_fingerprint_follows_images_and_labels(one_frame, tmp_path):
    def fingerprint(arm):
        return yaml.safe_load(write_tree(arm, tmp_path / "t", CLASSES).read_text())["fingerprint"]

    arm = one_frame(box("a/b", "car", 1, 2, 30, 40))
    before = fingerprint(arm)
    assert fingerprint(arm) == before
    assert fingerprint(one_frame(box("a/b", "car", 1, 2, 30, 41))) != before
    images.write_rgb(Path(arm.frames["image"][0]), np.zeros((64, 96, 3), np.uint8))
    assert fingerprint(arm) != before


def test_writing_again_leaves_nothing_of_the_last_arm(streets, one_frame, tmp_path):
    write_tree(compose(streets), tmp_path / "tree", CLASSES)
    write_tree(one_frame(), tmp_path / "tree", CLASSES)
    assert len(list((tmp_path / "tree" / "images").iterdir())) == 1
    assert len(list((tmp_path / "tree" / "labels").iterdir())) == 1


def test_a_sound_tree_is_described(streets, tmp_path):
    tree = check(write_tree(compose(streets), tmp_path / "tree", CLASSES))
    assert tree["frames"] == 14 and tree["names"] == dict(enumerate(CLASSES))


BAD_LABELS = {
    "0 0.5 0.5 0.1": "line 1: not a class and four shares of 1",
    "0 0.5 0.5 0.1 0.1 0.9": "line 1: not a class and four shares of 1",
    "0 0.5 0.5 1.01 0.1": "line 1: not a class and four shares of 1",
    "0 -0.1 0.5 0.1 0.1": "line 1: not a class and four shares of 1",
    "0 nan 0.5 0.1 0.1": "line 1: not a class and four shares of 1",
    "car 0.5 0.5 0.1 0.1": "line 1: not a label",
    "": "line 1: not a label",
    "3 0.5 0.5 0.1 0.1": "line 1: there is no class 3, only 0 to 2",
    "-1 0.5 0.5 0.1 0.1": "line 1: there is no class -1",
    "0.5 0.5 0.5 0.1 0.1": "line 1: there is no class 0.5",
    "0 0.5 0.5 0 0.1": "line 1: a box without a width or a height",
    "0 0.5 0.5 0.1 0.1\n2 0.50 0.5 0.1 0.1": "line 2: two boxes coincide",
}


@pytest.mark.parametrize("text", BAD_LABELS)
def test_a_label_that_ultralytics_would_drop_or_misread_names_its_line(one_frame, tmp_path, text):
    data = write_tree(one_frame(box("a/b", "car", 1, 2, 30, 40)), tmp_path / "tree", CLASSES)
    next((data.parent / "labels").glob("*.txt")).write_text(text + "\n")
    with pytest.raises(InputError) as error:
        check(data)
    assert BAD_LABELS[text] in str(error.value)


def test_a_tree_without_one_box_is_refused(one_frame, tmp_path):
    data = write_tree(one_frame(box("a/b", "bus", 1, 2, 30, 40)), tmp_path / "tree", CLASSES)
    with pytest.raises(InputError, match="no frame has a box of car, van, truck"):
        check(data)


@pytest.mark.parametrize("folder", ["images", "labels"])
def test_a_missing_file_is_named(one_frame, tmp_path, folder):
    data = write_tree(one_frame(box("a/b", "car", 1, 2, 30, 40)), tmp_path / "tree", CLASSES)
    lost = next((data.parent / folder).iterdir())
    lost.unlink()
    with pytest.raises(InputError, match=f"{lost.name}: there is no such file"):
        check(data)


def test_a_missing_tree_is_named(tmp_path):
    with pytest.raises(InputError, match=r"data\.yaml: there is no such tree"):
        check(tmp_path / "data.yaml")
