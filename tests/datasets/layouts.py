"""Small data sets in the three real layouts, for the readers' tests."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

INFO_HEADER = "trackID label model color"
BBOX_HEADER = (
    "frame cameraID trackID left right top bottom "
    "number_pixels truncation_ratio occupancy_ratio isMoving"
)


def image(path: Path, size: tuple[int, int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size).save(path)


def text(path: Path, lines: Sequence[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def kitti_line(
    left: float, top: float, right: float, bottom: float,
    *, name: str = "Car", truncated: object = 0, occluded: object = 0,
) -> str:  # fmt: skip
    return f"{name} {truncated} {occluded} -1.5 {left} {top} {right} {bottom} 1 2 3 4 5 6 0.5"


def kitti_tracking(
    root: Path, lines: Sequence[str], *, sequence: str = "0001", frames: int = 2,
    size: tuple[int, int] = (100, 40),
) -> Path:  # fmt: skip
    for number in range(frames):
        image(root / f"training/image_02/{sequence}/{number:06d}.png", size)
    return text(root / f"training/label_02/{sequence}.txt", lines)


def kitti_object(root: Path, labels: Mapping[str, Sequence[str]]) -> None:
    for name, lines in labels.items():
        image(root / f"training/image_2/{name}.png", (100, 40))
        text(root / f"training/label_2/{name}.txt", lines)


def vkitti2(
    root: Path, rows: Sequence[str], *, info: Sequence[str] = ("0 Car SUV Black",),
    scene: str = "Scene01", variant: str = "clone", frames: int = 2,
) -> Path:  # fmt: skip
    pictures = root / f"vkitti_2.0.3_rgb/{scene}/{variant}/frames/rgb/Camera_0"
    for number in range(frames):
        image(pictures / f"rgb_{number:05d}.jpg", (100, 40))
    place = root / f"vkitti_2.0.3_textgt/{scene}/{variant}"
    text(place / "info.txt", [INFO_HEADER, *info])
    return text(place / "bbox.txt", [BBOX_HEADER, *rows])


def bdd100k(root: Path, labels: Any, *, split: str = "train", pictures: Sequence[str]) -> Path:
    for name in pictures:
        image(root / "images/100k" / split / name, (128, 72))
    path = root / f"labels/det_20/det_{split}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(labels if isinstance(labels, str) else json.dumps(labels))
    return path


def bdd_label(
    left: float, top: float, right: float, bottom: float, *, category: str = "car", **flags: bool
) -> dict[str, Any]:
    box = {"x1": left, "y1": top, "x2": right, "y2": bottom}
    return {"id": "7", "category": category, "attributes": flags, "box2d": box}
