"""What is known of the real data sets, checked on small samples of them where they are present."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from sim2real_lib.catalog.clean import find_faults
from sim2real_lib.catalog.summary import occluded_count
from sim2real_lib.datasets import bdd100k, kitti, vkitti2
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT

SAMPLES = ROOT.parent / "shared" / "realdata"
pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="no samples of the real data sets beside the project"
)

VKITTI_TEXT = "vkitti_2.0.3_textgt/Scene01"
VKITTI_RGB = "vkitti_2.0.3_rgb/Scene01/{}/frames/rgb/Camera_0"


def link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source)


@pytest.fixture
def vkitti2_root(tmp_path: Path) -> Path:
    """The sample with stand-ins for the images of frames 0 to 9, which it lacks."""
    for name in ("bbox.txt", "info.txt"):
        place = f"{VKITTI_TEXT}/clone/{name}"
        link(SAMPLES / "vkitti2" / place, tmp_path / place)
    pictures = tmp_path / VKITTI_RGB.format("clone")
    pictures.mkdir(parents=True)
    for number in range(10):
        Image.new("RGB", (1242, 375)).save(pictures / f"rgb_{number:05d}.jpg")
    return tmp_path


@pytest.fixture
def bdd100k_root(tmp_path: Path) -> Callable[[str, list[str]], Path]:
    """Makes a root of one of the sample's label files and stand-ins for its images."""

    def make(labels: str, names: list[str]) -> Path:
        link(SAMPLES / "bdd100k/labels" / labels, tmp_path / "labels/det_20/det_train.json")
        (tmp_path / "images/100k/train").mkdir(parents=True)
        for name in names:
            Image.new("RGB", (1280, 720)).save(tmp_path / "images/100k/train" / name)
        return tmp_path

    return make


def test_kitti_object_images_differ_in_size() -> None:
    frames = kitti.read(SAMPLES / "kitti/object").frames
    assert list(zip(frames["width"], frames["height"], strict=True)) == [
        (1224, 370), (1242, 375), (1242, 375),
    ]  # fmt: skip


def test_kitti_object_labels_are_read() -> None:
    boxes = kitti.read(SAMPLES / "kitti/object").boxes
    assert list(boxes["class"]) == [
        "pedestrian",
        "truck", "car", "cyclist", "dontcare", "dontcare", "dontcare", "dontcare",
        "misc", "car",
    ]  # fmt: skip
    assert list(boxes.index[boxes["ignore"]]) == [4, 5, 6, 7]
    assert boxes.loc[boxes["class"] == "cyclist", "occluded"].isna().all()  # level 3


def test_a_whole_drive_of_kitti_tracking_is_read_and_lies_in_its_images(tmp_path: Path) -> None:
    sample = SAMPLES / "kitti/tracking/training"
    link(sample / "label_02/0001.txt", tmp_path / "training/label_02/0001.txt")
    pictures = tmp_path / "training/image_02/0001"
    for number in range(447):
        link(sample / f"image_02/0001/{number % 2:06d}.png", pictures / f"{number:06d}.png")
    catalog = kitti.read(tmp_path)
    assert (len(catalog), len(catalog.boxes), len(catalog.dropped)) == (447, 4271, 0)
    assert dict(catalog.boxes["raw_class"].value_counts()) == {
        "Car": 2681, "DontCare": 1241, "Van": 140, "Pedestrian": 112, "Truck": 77, "Misc": 20,
    }  # fmt: skip
    assert catalog.boxes["right"].max() <= 1242
    assert catalog.boxes["bottom"].max() <= 375
    assert occluded_count(catalog, ["car", "van", "truck"]).sum() == 1843


def test_labels_of_kitti_images_that_the_sample_lacks_are_reported() -> None:
    catalog = kitti.read(SAMPLES / "kitti/tracking", sequences=["0001"])
    assert len(catalog) == 2
    assert catalog.dropped["reason"].str.contains("not on disk").sum() == 445


def test_virtual_kitti_classes_come_from_the_scene_itself(vkitti2_root: Path) -> None:
    boxes = vkitti2.read(vkitti2_root, variants=["clone"]).boxes
    assert len(boxes) == 195
    assert set(boxes["class"]) == {"car", "van"}


def test_virtual_kitti_occupancy_is_how_much_of_its_box_an_object_fills() -> None:
    rows = pd.read_csv(SAMPLES / "vkitti2" / VKITTI_TEXT / "clone/bbox.txt", sep=" ")
    area = (rows["right"] - rows["left"]) * (rows["bottom"] - rows["top"])
    filled = rows["number_pixels"] / area
    assert (filled - rows["occupancy_ratio"]).abs().max() < 1e-6


def test_a_third_of_virtual_kitti_boxes_show_ten_pixels_or_fewer(vkitti2_root: Path) -> None:
    catalog = vkitti2.read(vkitti2_root, variants=["clone"])
    specks = catalog.boxes.index[catalog.boxes["visible_pixels"] <= 10]
    assert len(specks) == 64
    assert set(find_faults(catalog, min_visible_pixels=11)["box"]) == set(specks)


def test_virtual_kitti_frames_without_a_vehicle_are_kept(vkitti2_root: Path) -> None:
    catalog = vkitti2.read(vkitti2_root, variants=["clone"])
    assert len(catalog) == 10
    assert catalog.boxes["frame_id"].nunique() == 5  # the sampled rows end with frame 4
    assert (catalog.boxes["right"].max(), catalog.boxes["bottom"].max()) == (1242, 375)


def test_another_tables_excerpt_is_not_taken_for_virtual_kitti_boxes(tmp_path: Path) -> None:
    place = f"{VKITTI_TEXT}/15-deg-left"
    link(SAMPLES / "vkitti2" / place / "bbox_first7cols_excerpt.txt", tmp_path / place / "bbox.txt")
    pictures = VKITTI_RGB.format("15-deg-left")
    link(SAMPLES / "vkitti2" / pictures, tmp_path / pictures)
    with pytest.raises(InputError, match="the header is not"):
        vkitti2.read(tmp_path, variants=["15-deg-left"])


def test_bdd100k_detection_labels_are_read() -> None:
    catalog = bdd100k.read(SAMPLES / "bdd100k", splits=["train"])
    frames, boxes = catalog.frames, catalog.boxes
    assert (len(frames), len(boxes), len(catalog.dropped)) == (2, 13, 0)
    assert set(frames["width"]) == {1280}
    assert list(frames["timeofday"]) == ["daytime", "dawn/dusk"]
    assert dict(boxes["class"].value_counts()) == {
        "traffic sign": 6, "pedestrian": 3, "traffic light": 2, "car": 2,
    }  # fmt: skip


def test_a_split_whose_images_the_sample_lacks_is_refused() -> None:
    with pytest.raises(InputError, match="no such folder"):
        bdd100k.read(SAMPLES / "bdd100k", splits=["val"])


def test_bdd100k_videos_with_capital_flags_and_null_labels_are_read(bdd100k_root) -> None:
    names = ["00091078-875c1f73-0000166.jpg", "00091078-875c1f73-0000167.jpg"]
    root = bdd100k_root("other/bdd_example_ignore_annotation.json", names)
    catalog = bdd100k.read(root, splits=["train"])
    assert list(catalog.frames["index"]) == [0, 1]
    assert set(catalog.frames["sequence"]) == {"00091078-875c1f73"}
    assert list(catalog.boxes["class"]) == ["pedestrian", "pedestrian"]
    assert list(catalog.boxes["ignore"]) == [True, False]  # other person, person
    assert catalog.boxes["occluded"].all()


def test_scalabel_files_with_null_shapes_and_whole_number_ids_are_read(bdd100k_root) -> None:
    root = bdd100k_root("other/scalabel_det.json", ["b1c66a42-6f7d68ca.jpg"])
    catalog = bdd100k.read(root, splits=["train"])
    assert list(catalog.frames["weather"]) == ["overcast"]
    assert list(catalog.boxes["class"]) == ["traffic sign"] * 4


def test_bdd100k_image_tags_are_read_as_frames_without_boxes(bdd100k_root) -> None:
    root = bdd100k_root("other/tag_gts.json", ["b1cac6a7-04e33135.jpg"])
    catalog = bdd100k.read(root, splits=["train"])
    assert list(catalog.frames["weather"]) == ["rainy"]
    assert len(catalog.dropped) == 9
