"""One pass: its tables give ultralytics' own mAP exactly."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from toy import box, catalog, frame

from sim2real_lib.catalog.tables import concat
from sim2real_lib.detection.compose import compose
from sim2real_lib.detection.predict import predict
from sim2real_lib.detection.train import train
from sim2real_lib.detection.tree import write_tree
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.ap import TP, class_ap, mean_ap
from sim2real_lib.evaluation.matching import match_tables
from sim2real_lib.images import read_rgb, write_rgb

CLASSES = ["car", "van", "truck"]
SETTINGS = {"image_size": 64, "classes": CLASSES, "device": "cpu", "threads": 1}


@pytest.fixture(scope="module")
def weights(streets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    data = write_tree(compose(streets), folder / "tree", CLASSES)
    return train(
        data, folder, image_size=64, batch=14, iterations=100, learning_rate=1e-2,
        augmentation={"mosaic": 0, "scale": 0.1, "hsv_s": 0.1}, device="cpu", threads=1,
    )  # fmt: skip


def of_many_shapes(streets, tmp_path):
    """The validation drive, and frames of odd sizes, to be sure of the letterbox."""
    frames = []
    for number, (width, height) in enumerate([(96, 64), (64, 96), (50, 41), (131, 47)]):
        row, boxes = frame(f"odd/{number}", tmp_path / f"data/{number}.png", 900 + number)
        write_rgb(Path(row["image"]), np.resize(read_rgb(row["image"]), (height, width, 3)))
        kept = [b for b in boxes if b["left"] < width - 4 and b["top"] < height - 4]
        frames.append((row | {"width": width, "height": height}, kept))
    drive = streets.where((streets.frames["split"] == "val") & (streets.frames["index"] < 9))
    return concat([drive, catalog(frames)])


def test_the_tables_give_ultralytics_own_map_exactly(streets, weights, tmp_path):
    from ultralytics import YOLO
    from ultralytics.utils import LOGGER

    test = of_many_shapes(streets, tmp_path)
    found = pd.read_parquet(predict(weights, test, tmp_path / "out", **SETTINGS))
    truth = pd.read_parquet(tmp_path / "out" / "objects.parquet")

    data = write_tree(test, tmp_path / "tree", CLASSES)
    data.write_text(data.read_text().replace("val.txt", "train.txt"))
    LOGGER.setLevel(logging.ERROR)
    official = YOLO(weights).val(
        data=str(data), imgsz=64, batch=16, rect=False, conf=0.001, iou=0.7, max_det=300,
        device="cpu", plots=False, verbose=False, workers=0, project=str(tmp_path / "val"),
    )  # fmt: skip
    assert official.box.map50 > 0.1, "an untrained detector proves nothing"
    assert mean_ap(found, truth, CLASSES) == official.box.map50
    assert class_ap(found, truth, CLASSES).tolist() == official.box.ap50.tolist()
    every = [mean_ap(found, truth, CLASSES, iou) for iou in np.arange(50, 100, 5) / 100]
    assert np.mean(every) == pytest.approx(official.box.map, abs=1e-12)


def test_boxes_come_back_in_the_pixels_of_their_frame(streets, weights, tmp_path):
    test = streets.where(streets.frames["frame_id"].str.startswith("vkitti2/0001/clone"))
    found = pd.read_parquet(predict(weights, test, tmp_path, **SETTINGS))
    sure = found[found["tp75"]]
    assert len(sure)
    assert sure["right"].max() > 64  # wider than the square that the network saw
    assert sure[["right", "bottom"]].max().to_numpy() == pytest.approx([96, 64], abs=40)


def test_a_frame_is_judged_alike_in_any_batch(streets, weights, tmp_path):
    test = streets.where(streets.frames["split"] == "test")
    one, all_ = (
        pd.read_parquet(predict(weights, test, tmp_path / f"{n}", **SETTINGS, batch=n))
        for n in (1, 8)
    )
    truth = pd.read_parquet(tmp_path / "1" / "objects.parquet")
    assert mean_ap(one, truth, CLASSES) == pytest.approx(mean_ap(all_, truth, CLASSES), abs=1e-6)


def test_a_false_alarm_in_an_area_to_ignore_is_marked(streets, weights, tmp_path):
    test = streets.frames[streets.frames["split"].eq("test")].to_dict("records")
    areas = [[box(own["frame_id"], "dontcare", 0, 0, 96, 64, ignore=True)] for own in test]
    covered = catalog(list(zip(test, areas, strict=True)))
    found = pd.read_parquet(predict(weights, covered, tmp_path, **SETTINGS))
    assert not found[TP].any(axis=None)
    sides = found[["left", "top", "right", "bottom"]].to_numpy(float)
    size, seen = (
        (each[:, 2] - each[:, 0]) * (each[:, 3] - each[:, 1])
        for each in (sides, sides.clip(0, [96, 64, 96, 64]))
    )
    within = seen > 0.5 * size
    assert within.any() and found["ignored"].tolist() == within.tolist()


def test_the_tables_say_what_is_occluded_and_where_to_ignore(streets, weights, tmp_path):
    test = streets.where(streets.frames["frame_id"].eq("bdd100k/0012"))
    boxes = [
        box("bdd100k/0012", "car", 10, 10, 40, 90) | {"occluded": True, "truncated": None},
        box("bdd100k/0012", "dontcare", 50, 0, 99, 20, ignore=True),
        box("bdd100k/0012", "truck", 60, 30, 62, 32, ignore=True),
        box("bdd100k/0012", "pedestrian", 60, 30, 70, 40),
    ]
    predict(weights, catalog([(test.frames.iloc[0].to_dict(), boxes)]), tmp_path, **SETTINGS)
    truth, areas = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("objects", "areas"))
    place = ["frame_id", "class", "left", "top", "right", "bottom"]
    assert list(areas.columns) == place
    assert list(truth.columns) == [*place, "occluded", "truncated", "occlusion"]
    assert truth["bottom"].tolist() == [64]  # clipped to the image
    assert bool(truth["occluded"].item()) and truth["truncated"].isna().all()
    assert areas[place[1:]].to_numpy().tolist() == [
        ["dontcare", 50, 0, 96, 20], ["truck", 60, 30, 62, 32],
    ]  # fmt: skip


def test_matching_the_stored_tables_again_gives_what_is_stored(streets, weights, tmp_path):
    test = streets.where(streets.frames["split"] == "test")
    found = pd.read_parquet(predict(weights, test, tmp_path, **SETTINGS))
    truth, areas = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("objects", "areas"))
    assert found[TP].any(axis=None)
    again = match_tables(found, truth, areas, CLASSES)
    assert again[found.columns].equals(found)


def test_frames_without_any_box_are_allowed(streets, weights, tmp_path):
    test = streets.where(streets.frames["frame_id"].eq("bdd100k/0012"))
    empty = catalog([(test.frames.iloc[0].to_dict(), [])])
    found = pd.read_parquet(predict(weights, empty, tmp_path, **SETTINGS))
    assert not found[TP].any(axis=None) and not found["ignored"].any()


def test_a_detector_that_finds_nothing_has_0(streets, weights, tmp_path):
    test = streets.where(streets.frames["split"] == "test")
    path = predict(weights, test, tmp_path, **SETTINGS, confidence=1.0)
    truth = pd.read_parquet(tmp_path / "objects.parquet")
    assert mean_ap(pd.read_parquet(path), truth, CLASSES) == 0


def test_weights_of_other_classes_are_refused(streets, weights, tmp_path):
    with pytest.raises(InputError, match="trained on car, van, truck, not on car"):
        predict(weights, streets, tmp_path, image_size=64, classes=["car"])
