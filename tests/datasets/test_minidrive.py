"""What MiniDrive promises: the real layouts, labels that agree with masks, and equal bytes."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from sim2real_lib.datasets import minidrive
from sim2real_lib.datasets.minidrive import layouts, scene, weather, writer
from sim2real_lib.datasets.minidrive.geometry import Material
from sim2real_lib.datasets.minidrive.render import (
    SUPERSAMPLE,
    instance_mask,
    painters_order,
    render,
)
from sim2real_lib.datasets.minidrive.shade import materials
from sim2real_lib.datasets.minidrive.world import BDD_WEATHERS, VKITTI_VARIANTS
from sim2real_lib.errors import InputError

TINY = minidrive.World(
    seed=3,
    scenes=("0001", "0018"),
    frames_per_scene=2,
    kitti_size=(160, 48),
    bdd_size=(160, 90),
    bdd_train_per_weather=1,
    bdd_val_per_weather=1,
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("minidrive")
    minidrive.write(folder, TINY, workers=1, progress=False)
    return folder


@pytest.fixture(scope="module")
def frames():
    """Frames of every kind at sizes where vehicles have some pixels."""
    world = minidrive.World(seed=2, frames_per_scene=9)
    drive = scene.sequence(world, "0006")
    return [
        *(render(drive, number) for number in (0, 8)),
        *(render(scene.single(world, "val", sky, 1), 0) for sky in BDD_WEATHERS),
    ]


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def table(path: Path) -> list[dict[str, str]]:
    header, *rows = path.read_text().splitlines()
    return [dict(zip(header.split(), row.split(), strict=True)) for row in rows]


def textgt(root: Path, name: str = "Scene01", variant: str = "clone") -> Path:
    return root / "vkitti2" / "vkitti_2.0.3_textgt" / name / variant


# Layouts


def test_the_tree_is_that_of_the_real_datasets(root):
    for name in ("0001", "0018"):
        assert (root / "kitti/training/label_02" / f"{name}.txt").is_file()
        for number in range(2):
            assert (root / f"kitti/training/image_02/{name}/{number:06d}.png").is_file()
        for variant in VKITTI_VARIANTS:
            clone = f"Scene{name[2:]}/{variant}"
            rgb = root / f"vkitti2/vkitti_2.0.3_rgb/{clone}/frames/rgb/Camera_0"
            assert sorted(p.name for p in rgb.iterdir()) == [f"rgb_{i:05d}.jpg" for i in range(2)]
            texts = root / f"vkitti2/vkitti_2.0.3_textgt/{clone}"
            assert {p.stem for p in texts.iterdir()} == {
                "bbox", "info", "pose", "colors", "extrinsic", "intrinsic",
            }  # fmt: skip
    for split, number in (("train", 4), ("val", 4)):
        images = list((root / "bdd100k/images/100k" / split).iterdir())
        assert len(images) == number
        frames = json.loads((root / f"bdd100k/labels/det_20/det_{split}.json").read_text())
        assert sorted(p.name for p in images) == [frame["name"] for frame in frames]
    assert json.loads((root / "world.json").read_text()) == TINY.as_dict()


def test_images_have_the_size_that_was_asked_for(root):
    for pattern, size in (("kitti/**/*.png", (48, 160)), ("vkitti2/**/*.jpg", (48, 160)),
                          ("bdd100k/**/*.jpg", (90, 160))):  # fmt: skip
        for path in root.glob(pattern):
            assert cv2.imread(str(path)).shape == (*size, 3)


def test_virtual_kitti_texts_have_the_real_headers_and_columns(root):
    folder = textgt(root)
    headers = {path.stem: path.read_text().splitlines()[0] for path in folder.iterdir()}
    assert headers["bbox"] == (
        "frame cameraID trackID left right top bottom number_pixels truncation_ratio "
        "occupancy_ratio isMoving"
    )
    assert headers["info"] == "trackID label model color"
    assert headers["pose"].split()[:7] == [
        "frame", "cameraID", "trackID", "alpha", "width", "height", "length",
    ]  # fmt: skip
    assert headers["intrinsic"] == "frame cameraID K[0,0] K[1,1] K[0,2] K[1,2]"
    assert len(headers["pose"].split()) == 19 and len(headers["extrinsic"].split()) == 18
    for path in folder.iterdir():
        table(path)  # as many columns as the header, in every row


def test_occupancy_is_the_share_of_its_box_that_an_object_fills(root):
    rows = table(textgt(root) / "bbox.txt")
    assert rows
    for row in rows:
        width = int(row["right"]) - int(row["left"])
        height = int(row["bottom"]) - int(row["top"])
        expected = int(row["number_pixels"]) / (width * height)
        assert float(row["occupancy_ratio"]) == pytest.approx(expected, rel=1e-6)
        assert 0 <= int(row["left"]) < int(row["right"]) <= 159
        assert 0 <= int(row["top"]) < int(row["bottom"]) <= 47
        assert row["isMoving"] in ("True", "False")


def test_every_variant_has_the_same_labels_and_another_picture(root):
    first = textgt(root)
    pictures = set()
    for variant in VKITTI_VARIANTS:
        other = textgt(root, variant=variant)
        for path in first.iterdir():
            assert path.read_bytes() == (other / path.name).read_bytes()
        rgb = f"vkitti2/vkitti_2.0.3_rgb/Scene01/{variant}/frames/rgb/Camera_0/rgb_00000.jpg"
        pictures.add((root / rgb).read_bytes())
    assert len(pictures) == len(VKITTI_VARIANTS)


def test_classes_are_given_for_each_scene_and_ids_restart(root):
    one = {r["trackID"]: r["label"] for r in table(textgt(root) / "info.txt")}
    other = {r["trackID"]: r["label"] for r in table(textgt(root, "Scene18") / "info.txt")}
    shared = one.keys() & other.keys()
    assert shared and any(one[track] != other[track] for track in shared)
    assert {*one.values(), *other.values()} <= {"Car", "Van", "Truck"}


def test_kitti_lines_are_tracking_lines(root):
    lines = (root / "kitti/training/label_02/0001.txt").read_text().splitlines()
    kinds = set()
    for line in lines:
        fields = line.split(" ")
        assert len(fields) == 17
        kinds.add(fields[2])
        if fields[2] == "DontCare":
            assert fields[1] == fields[3] == fields[4] == "-1"
            assert [float(v) for v in fields[10:]] == [-1000, -1000, -1000, -10, -1, -1, -1]
        else:
            assert fields[3] in "012" and fields[4] in "0123"
            assert -np.pi <= float(fields[5]) <= np.pi
    assert "DontCare" in kinds and "Car" in kinds


def test_kitti_and_virtual_kitti_share_boxes_frame_by_frame(root):
    real = {}
    for line in (root / "kitti/training/label_02/0018.txt").read_text().splitlines():
        fields = line.split()
        real[int(fields[0]), int(fields[1])] = [float(v) for v in fields[6:10]]
    clone = {
        (int(r["frame"]), int(r["trackID"])): [
            int(r[k]) for k in ("left", "top", "right", "bottom")
        ]
        for r in table(textgt(root, "Scene18") / "bbox.txt")
    }
    tracked = {key: box for key, box in real.items() if key[1] >= 0}
    assert tracked.keys() <= clone.keys() and tracked
    for key, (left, top, right, bottom) in tracked.items():
        inclusive = np.add(clone[key], (0, 0, 1, 1))
        assert np.abs(inclusive - (left, top, right, bottom)).max() < 1


def test_bdd_calls_vans_cars_and_says_the_weather(frames):
    view = layouts.view_of(frames[0])
    assert {"Car", "Van"} <= {s.vehicle.label for s in view.sightings}
    conditions = weather.draw_conditions("clear", scene.random_for(1))
    frame = layouts.bdd_frame("a.jpg", "highway", view, conditions, None)
    assert {label["category"] for label in frame["labels"]} <= {"car", "truck"}
    assert frame["attributes"] == {
        "weather": "clear", "timeofday": "daytime", "scene": "highway",
    }  # fmt: skip
    for label in frame["labels"]:
        assert list(label["box2d"]) == ["x1", "y1", "x2", "y2"]
        assert isinstance(label["attributes"]["occluded"], bool)


def test_label_faults_are_planted_and_can_be_left_out(frames):
    views = [layouts.view_of(render(scene.sequence(minidrive.World(), "0006"), 0))]
    rows = {}
    for faults in (True, False):
        text = layouts.vkitti_texts(views, faults)["bbox"]
        boxes = [tuple(line.split()[3:]) for line in text.splitlines()[1:]]
        rows[faults] = len(boxes) - len(set(boxes))
    assert rows[True] >= 1 and rows[False] == 0
    view = layouts.view_of(frames[2])
    clear = weather.draw_conditions("clear", scene.random_for(1))
    once, twice = (layouts.bdd_frame("a", "b", view, clear, d)["labels"] for d in (None, 0.5))
    assert len(twice) == len(once) + 1
    assert len({tuple(label["box2d"].values()) for label in twice}) == len(once)
    assert len({label["id"] for label in twice}) == len(twice)


# Labels agree with masks


def test_boxes_enclose_masks_and_equal_them_where_nothing_is_hidden(frames):
    compared = 0
    for frame in frames:
        for sighting in frame.sightings:
            v, u = np.nonzero(instance_mask(frame, sighting.index))
            assert len(u) == sighting.visible * SUPERSAMPLE**2
            mask = np.array([u.min(), v.min(), u.max() + 1, v.max() + 1]) / SUPERSAMPLE
            left, top, right, bottom = sighting.box
            assert left <= mask[0] and top <= mask[1]
            assert right >= mask[2] and bottom >= mask[3]
            if sighting.occlusion == 0:
                assert np.array_equal(mask, sighting.box)
                compared += 1
    assert compared > 5


def test_positions_project_into_their_boxes(frames):
    for frame in frames:
        for sighting in frame.sightings:
            if sighting.truncation or sighting.position[2] < 5:
                continue
            middle = sighting.position - (0, sighting.vehicle.dimensions[0] / 2, 0)
            u, v = frame.camera.project(middle)
            left, top, right, bottom = sighting.box
            assert left - 1 <= u <= right + 1 and top - 1 <= v <= bottom + 1


def test_depth_agrees_with_positions(frames):
    for frame in frames:
        near = frame.sightings[0]
        mask = instance_mask(frame, near.index)[::SUPERSAMPLE, ::SUPERSAMPLE]
        reach = max(near.vehicle.dimensions) / 2 + 0.5
        assert np.abs(frame.depth[mask] - near.position[2]).max() < reach


def test_what_stands_before_the_camera_on_its_side_is_painted_last():
    # A long truck on the left reaches past a short car on the right; the viewer is on the right.
    truck, car, far = (-3, -1, 5, 15), (0, 2, 4, 8), (-1, 1, 30, 34)
    order = painters_order(np.array([truck, car, far], float), x=1.5)
    assert order == [2, 0, 1]


# Weather


def test_each_weather_changes_the_picture_as_it_should(frames):
    contrast, brightness, colour = {}, {}, {}
    for sky in BDD_WEATHERS:
        rows = []
        for i, frame in enumerate(frames[2:]):
            conditions = weather.draw_conditions(sky, scene.random_for(i))
            image = weather.photograph(frame, conditions, scene.random_for(i)).astype(float)
            road = materials(frame) == Material.ROAD
            chroma = image.max(axis=2) - image.min(axis=2)
            rows.append((far_contrast(frame, image), image[road].mean(), chroma.mean()))
        contrast[sky], brightness[sky], colour[sky] = np.mean(rows, axis=0)
    assert contrast["foggy"] < 0.4 * contrast["clear"]  # far things vanish in fog
    assert contrast["foggy"] < contrast["rainy"] < 0.8 * contrast["overcast"]
    assert brightness["rainy"] < 0.8 * brightness["overcast"]  # wet asphalt is dark
    assert brightness["overcast"] < brightness["clear"]
    assert colour["foggy"] < colour["overcast"] < colour["clear"]


def far_contrast(frame, image):
    """Spread of grey 40 to 120 m away, without the sensor's noise and slow drifts of the fog."""
    far = (frame.depth > 40) & (frame.depth < 120)
    grey = image.astype(float).mean(axis=2)
    return (cv2.blur(grey, (4, 4)) - cv2.blur(grey, (40, 40)))[far].std()


def test_real_fog_is_denser_than_simulated_fog(frames):
    simulated, real = [], []
    for i, frame in enumerate(frames):
        conditions = weather.draw_conditions("foggy", scene.random_for(i))
        assert conditions.beta > weather.SIM_FOG[0]
        photograph = weather.photograph(frame, conditions, scene.random_for(i))
        real.append(far_contrast(frame, photograph))
        simulated.append(far_contrast(frame, weather.simulate(frame, "fog", scene.random_for(i))))
    assert np.mean(real) < 0.8 * np.mean(simulated)


def test_every_weather_has_images_with_few_some_and_many_occluded_vehicles():
    world = minidrive.World()
    for sky in BDD_WEATHERS:
        bins = np.zeros(3, int)
        for index in range(12):
            frame = render(scene.single(world, "val", sky, index), 0)
            conditions = weather.draw_conditions(sky, scene.random_for(index))
            entry = layouts.bdd_frame("a", "b", layouts.view_of(frame), conditions, None)
            occluded = sum(label["attributes"]["occluded"] for label in entry["labels"])
            bins[np.digitize(occluded, (6, 11))] += 1
        assert (bins > 0).all(), f"{sky}: {bins}"


# Writing


def test_the_same_world_gives_the_same_bytes_whatever_the_workers(root, tmp_path):
    minidrive.write(tmp_path, TINY, workers=2, progress=False)
    assert digests(tmp_path) == digests(root)


def test_another_seed_gives_another_world():
    cameras = [scene.sequence(replace(TINY, seed=s), "0001").cameras[1] for s in (3, 4)]
    assert not np.allclose(cameras[0].position, cameras[1].position)


def test_a_killed_call_is_resumed_and_ends_with_the_same_files(root, tmp_path, monkeypatch):
    real, calls = writer._write_image, []

    def killed(path, draw):
        calls.append(path)
        if len(calls) > 15:
            raise KeyboardInterrupt
        real(path, draw)

    monkeypatch.setattr(writer, "_write_image", killed)
    with pytest.raises(KeyboardInterrupt):
        minidrive.write(tmp_path, TINY, workers=1, progress=False)
    monkeypatch.undo()
    assert not (tmp_path / "world.json").exists()
    kept = {path: path.stat().st_mtime_ns for path in calls[:15]}
    with pytest.raises(InputError, match="another MiniDrive world"):
        minidrive.write(tmp_path, replace(TINY, seed=4), workers=1, progress=False)
    minidrive.write(tmp_path, TINY, workers=1, progress=False)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert digests(tmp_path) == digests(root)


def test_a_finished_world_is_left_alone_and_another_one_refused(root):
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    minidrive.write(root, TINY, workers=1, progress=False)
    with pytest.raises(InputError, match="label_faults differ"):
        minidrive.write(root, replace(TINY, label_faults=False), workers=1, progress=False)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_somebody_elses_dataset_is_never_written_into(tmp_path):
    (tmp_path / "kitti").mkdir()
    with pytest.raises(InputError, match="did not write"):
        minidrive.write(tmp_path, TINY, workers=1, progress=False)


@pytest.mark.parametrize("size", [(64, 32), (161, 47), (620, 188)])
def test_any_size_works_and_geometry_scales_with_it(size):
    world = replace(TINY, kitti_size=size, bdd_size=size)
    frame = render(scene.sequence(world, "0001"), 1)
    image = weather.simulate(frame, "rain", scene.random_for(1))
    assert image.shape == (size[1], size[0], 3) and image.dtype == np.uint8
    wet = weather.photograph(frame, weather.draw_conditions("rainy", scene.random_for(1)),
                             scene.random_for(1))  # fmt: skip
    assert wet.shape == image.shape
    nearest = frame.sightings[0]
    reference = render(scene.sequence(TINY, "0001"), 1).sightings[0]
    assert nearest.vehicle.track == reference.vehicle.track
    scale = np.tile([size[0] / 160, size[1] / 48], 2)
    centre = np.array(nearest.box) / scale - np.array(reference.box)
    assert np.abs(centre).max() < 0.08 * 160


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"scenes": ()},
        {"scenes": ("1",)},
        {"scenes": ("0001", "0001")},
        {"frames_per_scene": 0},
        {"bdd_val_per_weather": 1.5},
        {"kitti_size": (10, 10)},
        {"bdd_size": (320, 180, 3)},
    ],
)
def test_a_world_that_cannot_be_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        minidrive.World(**wrong)


def test_a_world_read_from_yaml_equals_the_one_that_was_written():
    read = minidrive.World(scenes=["0001"], kitti_size=[310, 94])
    assert read == minidrive.World(scenes=("0001",), kitti_size=(310, 94))
