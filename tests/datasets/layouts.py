"""Small data sets in the real layouts, and ways to damage them, for the readers' tests."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from sim2real_lib.catalog import Catalog
from sim2real_lib.errors import InputError

INFO_HEADER = "trackID label model color"
BBOX_HEADER = (
    "frame cameraID trackID left right top bottom "
    "number_pixels truncation_ratio occupancy_ratio isMoving"
)
MOTGT_HEADER = (
    "frame tid label truncated occluded alpha l t r b w3d h3d l3d x3d y3d z3d ry rx rz "
    "truncr occupr orig_label moving model color"
)
DAMAGE = ("nan", "inf", "-inf", "word", "1e30", "missing", "extra", "swapped", "byte", "cut")


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


def kitti_object(
    root: Path, labels: Mapping[str, Sequence[str]], *, size: tuple[int, int] = (100, 40)
) -> None:
    for name, lines in labels.items():
        image(root / f"training/image_2/{name}.png", size)
        text(root / f"training/label_2/{name}.txt", lines)


def kitti_mapping(
    root: Path, mapping: Sequence[str], order: str, *, place: str = "devkit/mapping"
) -> Path:
    text(root / place / "train_mapping.txt", mapping)
    return text(root / place / "train_rand.txt", [order])


def image_sets(root: Path, **lists: Sequence[str]) -> Path:
    for name, lines in lists.items():
        text(root / f"ImageSets/{name}.txt", lines)
    return root / "ImageSets"


def vkitti1(
    root: Path, rows: Sequence[str], *, scene: str = "0001", variant: str = "clone",
    frames: int = 2, size: tuple[int, int] = (100, 40),
) -> Path:  # fmt: skip
    for number in range(frames):
        image(root / f"vkitti_1.3.1_rgb/{scene}/{variant}/{number:05d}.png", size)
    return text(root / f"vkitti_1.3.1_motgt/{scene}_{variant}.txt", [MOTGT_HEADER, *rows])


def vkitti2(
    root: Path, rows: Sequence[str], *, info: Sequence[str] = ("0 Car SUV Black",),
    scene: str = "Scene01", variant: str = "clone", frames: int = 2,
    rgb: str = "vkitti_2.0.3_rgb", textgt: str = "vkitti_2.0.3_textgt",
) -> Path:  # fmt: skip
    pictures = root / rgb / f"{scene}/{variant}/frames/rgb/Camera_0"
    for number in range(frames):
        image(pictures / f"rgb_{number:05d}.jpg", (100, 40))
    place = root / textgt / f"{scene}/{variant}"
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


def damaged(lines: Sequence[str], row: int, field: int, how: str, swap: tuple[int, int]) -> bytes:
    """The file of these lines with one of its fields damaged, `how` being one of `DAMAGE`.

    Args:
        lines: whole lines, the header included.
        row: which line; the last one for "cut", which ends the file in this field.
        field: which of its fields.
        how: a word to put there, or another kind of damage.
        swap: the fields that trade places for "swapped": left and right.
    """
    row = len(lines) - 1 if how == "cut" else row
    words = lines[row].split(" ")
    if how == "missing":
        del words[field]
    elif how == "extra":
        words.insert(field, "0")
    elif how == "swapped":
        words[swap[0]], words[swap[1]] = words[swap[1]], words[swap[0]]
    elif how == "byte":
        words[field] += "\udcff"  # becomes the byte ff, which UTF-8 does not have
    elif how == "cut":
        words = [*words[:field], words[field][:1]]
    else:
        words[field] = how
    end = "" if how == "cut" else "\n"
    whole = "\n".join([*lines[:row], " ".join(words), *lines[row + 1 :]]) + end
    return whole.encode(errors="surrogateescape")


def records(boxes: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Rows of a table as tuples, None where something is missing."""
    return [tuple(None if pd.isna(v) else v for v in row) for row in boxes.to_numpy(object)]


def named_or_harmless(read: Callable[[], Catalog], where: str, written: pd.DataFrame) -> None:
    """Check what a reader makes of a damaged file: it names file and line, or nothing untrue."""
    try:
        catalog = read()
    except InputError as error:
        assert error.where == where
        return
    found = records(catalog.boxes)
    assert set(found) <= set(records(written))
    assert len(found) + len(catalog.dropped) == len(written)
