"""What the detector really sees: the first batch of a training, as one small picture."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sim2real_lib.images import RGB

FILE = "batch.png"  # in a training's folder
COLUMNS, MOST = 4, 8  # images
WIDTH = 320  # pixels an image, at most
# One colour a class, told apart by colour-blind eyes as well (Okabe and Ito 2008).
COLOURS = [(230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (213, 94, 0)]


def drawn_samples(folder: Path) -> dict[str, Path]:
    """What it shows -> the picture, of a training's folder."""
    return {"The first batch, as the detector sees it": folder / FILE}


def picture(batch: dict[str, Any]) -> RGB:
    """A batch's first images side by side, after all augmentation, with their boxes.

    Args:
        batch: ultralytics' batch: `img` (n, 3, height, width) in 0..1, RGB; `bboxes` (m, 4) centre
            and size in shares of the image; `cls` (m, 1) and `batch_idx` (m,).

    Returns:
        (height, width, 3) RGB, uint8: rows of four, the last one filled up with white.
    """
    images = batch["img"][:MOST].detach().float().mul(255).round().byte().cpu()
    owner = batch["batch_idx"].cpu().numpy().astype(int)
    boxes = batch["bboxes"].cpu().numpy()
    classes = batch["cls"].cpu().numpy().reshape(-1).astype(int)
    drawn = [
        _with_boxes(image, boxes[owner == place], classes[owner == place])
        for place, image in enumerate(images.permute(0, 2, 3, 1).numpy())
    ]
    columns = min(COLUMNS, len(drawn))
    white = np.full_like(drawn[0], 255)
    drawn += [white] * (-len(drawn) % columns)
    rows = [np.hstack(drawn[first : first + columns]) for first in range(0, len(drawn), columns)]
    return np.vstack(rows)


def _with_boxes(image: RGB, boxes: np.ndarray, classes: np.ndarray) -> RGB:
    if image.shape[1] > WIDTH:
        height = round(image.shape[0] * WIDTH / image.shape[1])
        image = cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA)
    image = np.ascontiguousarray(image)
    size = np.array(image.shape[1::-1])
    for box, number in zip(boxes, classes, strict=True):
        centre, half = box[:2] * size, box[2:] * size / 2
        first, last = (np.rint(centre + side).astype(int).tolist() for side in (-half, half))
        cv2.rectangle(image, first, last, COLOURS[number % len(COLOURS)], 1)
    return image
