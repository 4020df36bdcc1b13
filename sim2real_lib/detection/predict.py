"""One pass over the test frames; everything that a result needs goes into tables.

The steps are those of ultralytics' validator with `rect=False`, whose mAP the tables give exactly,
with two differences that a result must not depend on: no time limit in the non-maximum
suppression, and no tree or label files for the test frames.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from sim2real_lib import images
from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.detection import checkpoint
from sim2real_lib.detection.tree import SIDES, objects
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.ap import TP
from sim2real_lib.evaluation.matching import match_tables
from sim2real_lib.files import whole_file
from sim2real_lib.progress import progress_bar

GREY = 114  # ultralytics' padding
PLACE = ["frame_id", "class", *SIDES]


def predict(
    weights: Path,
    catalog: Catalog,
    folder: Path,
    *,
    image_size: int,
    classes: Sequence[str],
    confidence: float = 0.001,
    iou: float = 0.7,
    max_detections: int = 300,
    batch: int = 16,
    device: str = "auto",
    threads: int = 0,
    workers: int = 0,
) -> Path:
    """Detect in every frame, match with its boxes, and write three tables.

    `detections.parquet` has a row a detection: frame_id, class, confidence, left, top, right,
    bottom (pixels of the frame, not clipped to it), whether it is a true positive at each IoU
    (tp50, tp55, … tp95), and `ignored`: an area to ignore accounts for it, so unmatched it is no
    error. `objects.parquet` has a row an object to be found: frame_id, class, left, top, right,
    bottom, occluded, truncated (missing: unknown), occlusion (0 to 1). `areas.parquet` has a row an
    area to ignore, for detections of every class: frame_id, class, left, top, right, bottom.

    Args:
        weights: from `train`.
        catalog: the test frames with their boxes.
        folder: where to write.
        image_size: side in pixels of the square that each frame is fitted into.
        classes: as in training.
        confidence: detections below it are dropped; raising it lowers mAP.
        iou: overlap above which the non-maximum suppression drops the lesser of two boxes.
        max_detections: how many detections an image may keep.
        batch: images at once.
        device: "auto", "cpu", or a GPU's number.
        threads: torch's threads on a CPU; 0 leaves them alone.
        workers: processes that decode images; 0 decodes in this one.

    Returns:
        the path of `detections.parquet`.

    Raises:
        InputError: when the weights are missing, damaged or of other classes, or an image does not
            decode.
    """
    remedy = "Give the weights that notebook 04 made"
    network = checkpoint.network(weights, folder / "ultralytics", remedy)
    import torch
    import torchvision  # noqa: F401  once it is imported, ultralytics takes its compiled NMS
    from ultralytics.utils.nms import non_max_suppression

    if list(network.names.values()) != list(classes):
        raise InputError(
            f"trained on {', '.join(network.names.values())}, not on {', '.join(classes)}",
            where=weights,
        )
    if threads:
        torch.set_num_threads(threads)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    place = torch.device(f"cuda:{device}" if device.isdigit() else device)
    network = network.fuse(verbose=False).float().eval().to(place)
    rows: Any = list(catalog.frames[["frame_id", "image"]].itertuples(index=False))
    loader: Any = torch.utils.data.DataLoader(
        rows,
        batch_size=batch,
        num_workers=workers,
        collate_fn=_Fit(image_size),
    )
    truth, areas = objects(catalog, classes).reset_index(drop=True), areas_to_ignore(catalog)
    where: list[str] = []
    detected = [np.empty((0, 6), np.float32)]
    bar = progress_bar(total=len(catalog), desc="testing", unit="images", mininterval=1)
    for frame_ids, pixels, fits in loader:
        with torch.inference_mode():
            raw = network(torch.from_numpy(pixels).to(place).float() / 255)
            # The time limit would make a slow machine's results differ from a fast one's.
            kept = non_max_suppression(
                raw,
                confidence,
                iou,
                multi_label=True,
                max_det=max_detections,
                max_time_img=math.inf,
            )
        for frame_id, found, fit in zip(frame_ids, kept, fits, strict=True):
            rows = found.cpu().numpy()
            boxes = rows[:, :4].astype(np.float64)
            boxes[:, [0, 2]] = (boxes[:, [0, 2]] - fit[2]) / fit[0]
            boxes[:, [1, 3]] = (boxes[:, [1, 3]] - fit[3]) / fit[1]
            where += [frame_id] * len(rows)
            detected.append(np.column_stack([boxes, rows[:, 4:]]).astype(np.float32))
        bar.update(len(frame_ids))
    bar.close()
    values = np.concatenate(detected)
    table = pd.DataFrame({"frame_id": pd.Series(where, dtype="str")})
    table["class"] = pd.Series(classes, dtype="str").take(values[:, 5].astype(int)).array
    table["confidence"] = values[:, 4]
    table[SIDES] = values[:, :4]
    matched = match_tables(table, truth, areas, classes)
    tables = {
        "objects": truth[[*PLACE, "occluded", "truncated", "occlusion"]],
        "areas": areas[PLACE],
        "detections": matched[[*table.columns, *TP, "ignored"]],
    }
    for name, made in tables.items():
        with whole_file(folder / f"{name}.parquet") as temporary:
            made.to_parquet(temporary, index=False)
    return folder / "detections.parquet"


def areas_to_ignore(catalog: Catalog) -> pd.DataFrame:
    """The boxes in which a detection of any class is no error, clipped to their image as objects.

    Returns:
        the columns of `BOXES` with the frame's `width` and `height` in pixels.
    """
    areas = catalog.boxes[catalog.boxes["ignore"]]
    as_objects = Catalog(catalog.frames, areas.assign(ignore=False))
    return objects(as_objects, areas["class"].unique().tolist())


class _Fit:
    """Decodes a batch of frames and fits each into a square, as ultralytics does.

    Returns frame ids, (n, 3, side, side) RGB uint8, and for each frame how its pixels map into
    the square: (horizontal scale, vertical scale, left, top).
    """

    def __init__(self, side: int) -> None:
        self.side = side

    def __call__(self, rows: Sequence[Any]) -> tuple[list[str], np.ndarray, list[tuple]]:
        square = np.full((len(rows), self.side, self.side, 3), GREY, np.uint8)
        fits = []
        for row, target in zip(rows, square, strict=True):
            image = images.read_rgb(row.image)
            height, width = image.shape[:2]
            ratio = self.side / max(height, width)
            size = [min(math.ceil(length * ratio), self.side) for length in (width, height)]
            if ratio != 1:
                image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
            left, top = (round((self.side - length) / 2 - 0.1) for length in size)
            target[top : top + size[1], left : left + size[0]] = image
            fits.append((size[0] / width, size[1] / height, left, top))
        chw = np.ascontiguousarray(square.transpose(0, 3, 1, 2))
        return [row.frame_id for row in rows], chw, fits
