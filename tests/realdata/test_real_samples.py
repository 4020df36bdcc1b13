"""What is known of the real data sets, checked on small samples of them where they are present."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from sim2real_lib.catalog import Catalog
from sim2real_lib.catalog.clean import find_faults
from sim2real_lib.catalog.summary import occluded_count
from sim2real_lib.catalog.tables import FRAMES
from sim2real_lib.datasets import bdd100k, kitti, vkitti2
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT

SAMPLES = ROOT.parent / "shared" / "realdata"
pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="no samples of the real data sets beside the project"
)

VKITTI_TEXT = "vkitti_2.0.3_textgt/Scene01"
VKITTI_RGB = "vkitti_2.0.3_rgb/Scene01/{}/frames/rgb/Camera_0"


def copy(source: Path, target: Path) -> Path:
    """Copied, not linked: a file of a data set must not lead out of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(source, target))


def digest(catalog: Catalog, root: Path) -> str:
    """SHA-256 of frames and boxes as text, images relative to the root: any change shows."""
    relative = [str(Path(path).relative_to(root)) for path in catalog.frames["image"]]
    frames = catalog.frames[list(FRAMES.columns)].assign(image=relative)
    lines = [
        ",".join("" if pd.isna(value) else str(value) for value in row)
        for table in (frames, catalog.boxes)
        for row in [table.columns, *table.to_numpy(object)]
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@pytest.fixture
def tracking_root(tmp_path: Path) -> Path:
    """The whole drive 0001: the sample's two images stand for all of its 447."""
    sample = SAMPLES / "kitti/tracking/training"
    copy(sample / "label_02/0001.txt", tmp_path / "training/label_02/0001.txt")
    pictures = tmp_path / "training/image_02/0001"
    for number in range(447):
        image = f"{number % 2:06d}.png"
        if number < 2:
            copy(sample / "image_02/0001" / image, pictures / image)
        else:
            (pictures / f"{number:06d}.png").symlink_to(image)
    return tmp_path


@pytest.fixture
def vkitti2_root(tmp_path: Path) -> Path:
    """The sample with stand-ins for the images of frames 0 to 9, which it lacks."""
    for name in ("bbox.txt", "info.txt"):
        place = f"{VKITTI_TEXT}/clone/{name}"
        copy(SAMPLES / "vkitti2" / place, tmp_path / place)
    pictures = tmp_path / VKITTI_RGB.format("clone")
    pictures.mkdir(parents=True)
    for number in range(10):
        Image.new("RGB", (1242, 375)).save(pictures / f"rgb_{number:05d}.jpg")
    return tmp_path


@pytest.fixture
def turned_root(tmp_path: Path) -> Path:
    """The two whole frames of 15-deg-left, with the first rows of its table."""
    place = f"{VKITTI_TEXT}/15-deg-left"
    copy(SAMPLES / "vkitti2" / place / "bbox_head.txt", tmp_path / place / "bbox.txt")
    copy(SAMPLES / "vkitti2" / VKITTI_TEXT / "clone/info.txt", tmp_path / place / "info.txt")
    pictures = VKITTI_RGB.format("15-deg-left")
    (tmp_path / pictures).parent.mkdir(parents=True)
    (tmp_path / pictures).symlink_to(SAMPLES / "vkitti2" / pictures)
    return tmp_path


@pytest.fixture
def bdd100k_root(tmp_path: Path) -> Callable[[str, list[str]], Path]:
    """Makes a root of one of the sample's label files and stand-ins for its images."""

    def make(labels: str, names: list[str]) -> Path:
        copy(SAMPLES / "bdd100k/labels" / labels, tmp_path / "labels/det_20/det_train.json")
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


def test_a_whole_drive_of_kitti_tracking_is_read_and_lies_in_its_images(
    tracking_root: Path,
) -> None:
    catalog = kitti.read(tracking_root)
    assert (len(catalog), len(catalog.boxes), len(catalog.dropped)) == (447, 4271, 0)
    assert dict(catalog.boxes["raw_class"].value_counts()) == {
        "Car": 2681, "DontCare": 1241, "Van": 140, "Pedestrian": 112, "Truck": 77, "Misc": 20,
    }  # fmt: skip
    assert catalog.boxes["right"].max() <= 1242
    assert catalog.boxes["bottom"].max() <= 375
    assert occluded_count(catalog, ["car", "van", "truck"]).sum() == 1843


def test_kitti_tracking_boxes_reach_the_very_border(tracking_root: Path) -> None:
    boxes = kitti.read(tracking_root).boxes
    assert ((boxes["right"] == 1242).sum(), (boxes["bottom"] == 375).sum()) == (67, 28)


def test_kitti_tracking_gives_levels_of_truncation_and_occlusion(tracking_root: Path) -> None:
    boxes = kitti.read(tracking_root).boxes
    cared_for = boxes[~boxes["ignore"]]
    assert cared_for["truncated"].sum() == 266 + 135  # levels 1 and 2
    assert cared_for["occluded"].sum() == 1012 + 890  # levels 1 and 2
    assert cared_for["occluded"].isna().sum() == 108  # level 3
    assert boxes.loc[boxes["ignore"], ["truncated", "occluded"]].isna().all(axis=None)


def test_none_of_the_sampled_tracking_frames_is_one_of_its_object_images() -> None:
    # Of the first 31 frames of the drive 30 are, but under numbers that the sample lacks.
    contents = [path.read_bytes() for path in (SAMPLES / "kitti").rglob("*.png")]
    assert len(contents) == len(set(contents)) == 5


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


def test_virtual_kitti_tracks_are_not_in_order(vkitti2_root: Path) -> None:
    info = pd.read_csv(vkitti2_root / VKITTI_TEXT / "clone/info.txt", sep=" ")
    assert len(info) == 41
    assert not info["trackID"].is_monotonic_increasing


def test_a_turned_camera_of_virtual_kitti_sees_the_same_tracks_elsewhere(turned_root: Path) -> None:
    catalog = vkitti2.read(turned_root, variants=["15-deg-left"])
    frames, boxes = catalog.frames, catalog.boxes
    assert set(zip(frames["width"], frames["height"], strict=True)) == {(1242, 375)}
    assert (len(frames), len(boxes), boxes["frame_id"].nunique()) == (2, 6, 1)
    assert list(boxes["left"])[:3] == [988, 927, 897]
    assert list(boxes["truncated"])[:2] == [True, False]


def test_virtual_kitti_tables_hold_both_cameras_and_end_with_the_last_vehicle() -> None:
    excerpt = SAMPLES / "vkitti2" / VKITTI_TEXT / "15-deg-left/bbox_first7cols_excerpt.txt"
    words = [line.split() for line in excerpt.read_text().splitlines()]
    places = {(int(row[1]), int(row[2])) for row in words if len(row) == 8}  # frame, camera
    assert {camera for _, camera in places} == {0, 1}
    assert max(frame for frame, _ in places) == 425  # of 447 frames


def test_virtual_kitti_poses_give_width_before_height() -> None:
    poses = pd.read_csv(SAMPLES / "vkitti2" / VKITTI_TEXT / "clone/pose_head.txt", sep=" ")
    assert poses.shape[1] == 19
    assert list(poses.columns[4:7]) == ["width", "height", "length"]


def test_version_1_of_virtual_kitti_counts_the_same_pixels_in_the_same_boxes() -> None:
    # l t r b and occupr of tracks 1, 2, 3, 9 and 17 in frame 0 of vkitti_1.3.1_motgt/0001_clone.txt
    version1 = {
        (722, 186, 866, 281): 0.3971491, (696, 185, 771, 246): 0.4609836,
        (394, 201, 474, 256): 0.5759091, (547, 190, 570, 209): 0.1624714,
        (576, 190, 591, 202): 0.5722222,
    }  # fmt: skip
    rows = pd.read_csv(SAMPLES / "vkitti2" / VKITTI_TEXT / "clone/bbox.txt", sep=" ")
    boxes = rows[rows["frame"] == 0].set_index(["left", "top", "right", "bottom"])
    for (left, top, right, bottom), filled in version1.items():
        pixels = boxes.loc[(left, top, right, bottom), "number_pixels"]
        assert pixels == round(filled * (right - left) * (bottom - top))


def test_another_tables_excerpt_is_not_taken_for_virtual_kitti_boxes(turned_root: Path) -> None:
    place = f"{VKITTI_TEXT}/15-deg-left"
    excerpt = SAMPLES / "vkitti2" / place / "bbox_first7cols_excerpt.txt"
    copy(excerpt, turned_root / place / "bbox.txt")
    with pytest.raises(InputError, match="the header is not"):
        vkitti2.read(turned_root, variants=["15-deg-left"])


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


def test_what_is_read_of_kitti_object_has_not_changed() -> None:
    root = SAMPLES / "kitti/object"
    assert (
        digest(kitti.read(root), root)
        == "15c9719a1aaa66fd0b65641283f265ee35d7b156d579de5298d197d1c2b9601e"
    )


def test_what_is_read_of_kitti_tracking_has_not_changed(tracking_root: Path) -> None:
    assert (
        digest(kitti.read(tracking_root), tracking_root)
        == "69c11b1dc4bcb2814f8ff77a22a67f519393ede01e0fd5ac2b41c2e63b57b877"
    )


def test_what_is_read_of_virtual_kitti_has_not_changed(vkitti2_root: Path) -> None:
    catalog = vkitti2.read(vkitti2_root, variants=["clone"])
    assert (
        digest(catalog, vkitti2_root)
        == "237f3a5eea247e932bb5184826d9d468e4377b443e7dea8f652685735df6e3f9"
    )


def test_what_is_read_of_virtual_kitti_turned_has_not_changed(turned_root: Path) -> None:
    catalog = vkitti2.read(turned_root, variants=["15-deg-left"])
    assert (
        digest(catalog, turned_root)
        == "f4420ed652c1a27f62f292a48bed93364c323a8286cf751821ad793d06eba362"
    )


def test_what_is_read_of_bdd100k_has_not_changed() -> None:
    root = SAMPLES / "bdd100k"
    assert (
        digest(bdd100k.read(root, splits=["train"]), root)
        == "ed7bfdea6bef0d39b1e02e76c86b7d5c131314f48ea698268eb5d804e3dbf771"
    )
