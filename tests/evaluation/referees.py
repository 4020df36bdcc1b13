"""What a plain loop, ultralytics and pycocotools say of tables, and tables hard to judge."""

import contextlib
import io
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sim2real_lib.evaluation.ap import IOUS, TP

SIDES = ["left", "top", "right", "bottom"]
CLASSES = ["car", "truck"]


def match(
    ious: np.ndarray,
    box_classes: np.ndarray,
    detection_classes: np.ndarray,
    thresholds: np.ndarray = IOUS,
) -> np.ndarray:
    """Which detections are true positives at each threshold.

    Each detection, most confident first, claims the free box of its class that it overlaps most,
    if by at least the threshold; a box is claimed once. (ultralytics `match_predictions`.)

    Args:
        ious: (m, n) overlap of m boxes and n detections, the latter most confident first.
        box_classes: (m,).
        detection_classes: (n,).
        thresholds: (t,), 0 to 1.

    Returns:
        (n, t) boolean.
    """
    correct = np.zeros((len(detection_classes), len(thresholds)), bool)
    if not len(box_classes):
        return correct
    ious = np.where(box_classes[:, None] == detection_classes, ious, 0)
    free = np.ones((len(box_classes), len(thresholds)), bool)
    every = np.arange(len(thresholds))
    for n in np.flatnonzero((ious >= thresholds.min()).any(0)):
        available = np.where(free, ious[:, n, None], 0)
        best = available.argmax(0)
        correct[n] = available[best, every] >= thresholds
        free[best, every] &= ~correct[n]
    return correct


def ultralytics_matches(detections: pd.DataFrame, objects: pd.DataFrame) -> np.ndarray:
    """(n, 10) right or not, by the validator's own matching, frame by frame."""
    import torch
    from ultralytics.models.yolo.detect import DetectionValidator

    validator = DetectionValidator.__new__(DetectionValidator)
    validator.iouv = torch.linspace(0.5, 0.95, 10)
    validator.niou = 10
    correct = np.zeros((len(detections), 10), bool)
    places = pd.Series(np.arange(len(detections)))
    for frame_id, own in places.groupby(detections["frame_id"].to_numpy()):
        own = own.iloc[np.argsort(-detections["confidence"].to_numpy()[own], kind="stable")]
        found, there = detections.iloc[own], objects[objects["frame_id"] == frame_id]
        ours, theirs = (
            {
                "cls": torch.tensor([CLASSES.index(name) for name in table["class"]]),
                "bboxes": torch.tensor(table[SIDES].to_numpy(np.float32)).reshape(-1, 4),
            }
            for table in (found, there)
        )
        correct[own] = validator._process_batch(ours, theirs)["tp"]
    return correct


def ultralytics_scores(
    detections: pd.DataFrame, objects: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """AP (classes present, 10), precision and recall (classes present,), and those classes."""
    from ultralytics.utils.metrics import ap_per_class

    kinds, targets = (
        np.array([CLASSES.index(name) for name in table["class"]], float)
        for table in (detections, objects)
    )
    tp, confidence = detections[TP].to_numpy(bool), detections["confidence"].to_numpy(np.float32)
    _, _, p, r, _, ap, present, *_ = ap_per_class(tp, confidence, kinds, targets)
    return ap, p, r, [CLASSES[n] for n in present]


def pycocotools_ap(
    detections: pd.DataFrame,
    objects: pd.DataFrame,
    areas: pd.DataFrame,
    *,
    sizes: tuple[float, float] = (0, 1e10),
    most: int = 100,
) -> pd.DataFrame:
    """AP by class (rows) and threshold (columns .5 to .95) for objects of these sizes in px².

    Images are numbered in the order in which the detections name them. A class without an object of
    that size is absent.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    every = pd.concat([t["frame_id"] for t in (detections, objects, areas)])
    image = {frame_id: number for number, frame_id in enumerate(every.unique(), 1)}
    crowds = pd.concat([areas.assign(**{"class": name}) for name in CLASSES])
    truth = [
        {"iscrowd": crowd, "area": width * height} | record
        for crowd, table in enumerate((objects, crowds))
        for record in _records(table, image)
        for width, height in [record["bbox"][2:]]
    ]
    found = _records(detections, image)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = {
            "images": [{"id": number} for number in image.values()],
            "categories": [{"id": number + 1} for number in range(len(CLASSES))],
            "annotations": [{"id": n} | record for n, record in enumerate(truth, 1)],
        }
        coco.createIndex()
        theirs = COCO()
        if found:
            theirs = coco.loadRes(found)
        else:
            theirs.dataset = coco.dataset | {"annotations": []}
            theirs.createIndex()
        judge = COCOeval(coco, theirs, "bbox")
        judge.params.areaRng, judge.params.areaRngLbl = [list(sizes)], ["these"]
        judge.params.maxDets = [most]
        judge.evaluate()
        judge.accumulate()
    precision = judge.eval["precision"][:, :, :, 0, 0]  # (10, 101, classes), -1 where absent
    table = pd.DataFrame(precision.mean(1).T, index=CLASSES)
    return table[(precision > -1).all((0, 1))]


def _records(table: pd.DataFrame, image: dict[str, int]) -> list[dict]:
    scores = table.get("confidence", pd.Series(0.0, table.index))
    columns = zip(
        table["frame_id"], table["class"], scores, *(table[s] for s in SIDES), strict=True
    )
    return [
        {
            "image_id": image[frame_id],
            "category_id": CLASSES.index(name) + 1,
            "bbox": [float(left), float(top), float(right) - float(left), float(low) - float(top)],
            "score": float(score),
        }
        for frame_id, name, score, left, top, right, low in columns
    ]


def hard_case(
    seed: int,
    *,
    frames: int = 3,
    objects: int = 8,
    noise: int = 10,
    duplicates: int = 2,
    areas: int = 1,
    levels: int = 5,
    crowded: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Detections, objects and areas to ignore with everything that two judges could disagree on.

    Whole pixels, so that many overlaps are equal or fall exactly on a threshold; few levels of
    confidence, so that many are tied; objects found several times, in the wrong class or not at
    all; frames without objects, without detections, without both.

    Args:
        objects, noise, areas: at most so many in a frame; noise are detections of nothing.
        duplicates: at most so many detections of an object.
        levels: different confidences there are; 0: none equals another.
        crowded: all objects of a frame lie over one another.
    """
    rng = np.random.default_rng(seed)
    tables: list[list[tuple]] = [[], [], []]
    for frame_id in (f"f{number}" for number in range(frames)):
        middle = rng.integers(0, 4 if crowded else 60, (rng.integers(0, objects + 1), 2))
        size = rng.integers(4, 24, middle.shape)
        truth = np.hstack([middle, middle + size])
        kinds = rng.integers(0, 2, len(truth))
        tables[1] += [(frame_id, CLASSES[k], *box) for k, box in zip(kinds, truth, strict=True)]
        again = np.repeat(np.arange(len(truth)), rng.integers(0, duplicates + 1, len(truth)))
        found = truth[again] + rng.integers(-2, 3, (len(again), 4)) * (rng.random(4) < 0.6)
        wrong = rng.random(len(again)) < 0.15
        corner = rng.integers(0, 60, (rng.integers(0, noise + 1), 2))
        alarms = np.hstack([corner, corner + rng.integers(3, 24, corner.shape)])
        found_kinds = [*np.where(wrong, 1 - kinds[again], kinds[again]), *(alarms[:, 0] % 2)]
        boxes = np.vstack([found, alarms]).astype(float)
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        tables[0] += [
            (frame_id, CLASSES[k], *box) for k, box in zip(found_kinds, boxes, strict=True)
        ]
        corner = rng.integers(0, 50, (rng.integers(0, areas + 1), 2))
        extent = rng.integers(5, 40, corner.shape)
        tables[2] += [(frame_id, "dontcare", *row) for row in np.hstack([corner, corner + extent])]
    columns = ["frame_id", "class", *SIDES]
    kinds_of = dict.fromkeys(columns[:2], "str") | dict.fromkeys(SIDES, float)
    made = [pd.DataFrame(rows, columns=columns).astype(kinds_of) for rows in tables]
    count = len(made[0])
    drawn = (
        rng.permutation(count) / max(count, 1) if not levels else rng.integers(1, levels + 1, count)
    )
    confidence = (drawn / max(levels, 1)).astype(np.float32)
    detections = made[0].assign(confidence=confidence, ignored=False)
    order = np.lexsort((-confidence, detections["frame_id"].str[1:].astype(int)))
    return detections.iloc[order].reset_index(drop=True), made[1], made[2]


def mean_of(values: Sequence[float] | np.ndarray) -> float:
    """The mean, 0 where there is nothing: as both report it."""
    return float(np.mean(values)) if len(values) else 0.0
