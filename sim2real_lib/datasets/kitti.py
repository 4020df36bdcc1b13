"""KITTI: the tracking and the object benchmark's training images and 2D boxes.

    root/training/image_02/<sequence>/<frame>.png   root/training/label_02/<sequence>.txt   tracking
    root/training/image_2/<id>.png                  root/training/label_2/<id>.txt          object

Formats: the readme.txt of each benchmark's development kit (cvlibs.net/datasets/kitti).
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.datasets._common import (
    assemble,
    choose,
    folder,
    numbered_images,
    read_table,
    refuse,
    refuse_inverted,
)
from sim2real_lib.errors import InputError

# The tracking benchmark calls a sitting person `Person`, the object benchmark `Person_sitting`.
CLASSES = {
    "Car": "car", "Van": "van", "Truck": "truck", "Tram": "tram", "Misc": "misc",
    "Pedestrian": "pedestrian", "Person": "person sitting", "Person_sitting": "person sitting",
    "Cyclist": "cyclist", "DontCare": "dontcare",
}  # fmt: skip
OBJECT_FIELDS: dict[str, type] = {
    "type": str, "truncated": float, "occluded": int, "alpha": float,
    "left": float, "top": float, "right": float, "bottom": float,
    "h": float, "w": float, "l": float, "x": float, "y": float, "z": float, "ry": float,
}  # fmt: skip
TRACKING_FIELDS: dict[str, type] = {"frame": int, "trackID": int, **OBJECT_FIELDS}
UNKNOWN_OCCLUSION = (-1, 3)  # -1: not given; 3: the development kit's own "unknown"

IMAGE = r"(\d{6})\.png"
TREE = (
    "Expected <root>/training/image_02/<sequence>/<frame>.png with label_02/<sequence>.txt "
    "(tracking), or training/image_2/<id>.png with label_2/<id>.txt (object), as KITTI unpacks"
)


def read(root: Path, *, sequences: Sequence[str] | None = None) -> Catalog:
    """KITTI's labelled training frames; frames in which nothing is labelled are kept.

    The tracking layout is read where both are there. Boxes keep KITTI's fractions of a pixel and
    are clipped to their image, each of which has its own size. `DontCare` becomes an ignore area.
    Occluded means partly or largely (levels 1 and 2); 3 and -1 are unknown. Truncated means more
    than 0; -1 is unknown. An image of the object benchmark is a sequence by itself: which of them
    come from one drive is not in its tree.

    Args:
        root: the folder that holds `training`.
        sequences: names of tracking sequences ("0001"), all when None.

    Raises:
        InputError: for a missing folder or file, an unknown sequence, or a malformed line.
    """
    training = folder(Path(root) / "training", TREE)
    if (training / "image_02").is_dir():
        return _tracking(training, sequences)
    if not (training / "image_2").is_dir():
        raise InputError("there are no KITTI images here", where=training, remedy=TREE)
    if sequences is not None:
        raise InputError(
            "the object benchmark has no sequences", where=training, remedy="Leave them out"
        )
    return _object(training)


def _tracking(training: Path, sequences: Sequence[str] | None) -> Catalog:
    drives = training / "image_02"
    found = (path.name for path in drives.iterdir() if path.is_dir())
    frames, boxes = [], []
    for sequence in choose(sequences, found, "sequence", drives):
        pictures = numbered_images(drives / sequence, training, IMAGE, TREE)
        frames.append(_frames(f"kitti/{sequence}/", pictures).assign(sequence=sequence))
        labels = read_table(
            [training / "label_02" / f"{sequence}.txt"], TRACKING_FIELDS, remedy=TREE
        )
        refuse(labels, labels["frame"] < 0, "frame {frame} is negative")
        boxes.append(_boxes(labels, f"kitti/{sequence}/" + _padded(labels["frame"])))
    return assemble(pd.concat(frames), pd.concat(boxes))


def _object(training: Path) -> Catalog:
    pictures = numbered_images(training / "image_2", training, IMAGE, TREE)
    paths = {path.stem: path for path in sorted(folder(training / "label_2", TREE).glob("*.txt"))}
    frames = _frames("kitti/object/", pictures)
    frames["sequence"] = _padded(frames["index"])
    # Such an image is not an empty street: nobody has said what is in it.
    labelled = frames["sequence"].isin(paths)
    if not labelled.any():
        raise InputError("none of the images has labels", where=training / "label_2", remedy=TREE)
    unlabelled = frames[~labelled]
    dropped = [
        (image, 0, f"{frame_id}: it has no label file")
        for image, frame_id in zip(unlabelled["image"], unlabelled["frame_id"], strict=True)
    ]
    labels = read_table(list(paths.values()), OBJECT_FIELDS, remedy=TREE)
    frame_id = "kitti/object/" + labels["file"].map(lambda file: Path(file).stem)
    return assemble(frames[labelled], _boxes(labels, frame_id), dropped)


def _frames(prefix: str, pictures: dict[int, Path]) -> pd.DataFrame:
    index = pd.Series(pictures.keys(), dtype="int64")
    return pd.DataFrame(
        {
            "frame_id": prefix + _padded(index), "source": "kitti", "split": "train",
            "index": index, "variant": "original", "image": [str(p) for p in pictures.values()],
            "weather": "clear", "timeofday": "daytime", "scene": "undefined",
        }
    )  # fmt: skip


def _boxes(labels: pd.DataFrame, frame_id: pd.Series) -> pd.DataFrame:
    refuse(
        labels, ~labels["type"].isin(CLASSES), "there is no KITTI class {type!r}",
        f"There are: {', '.join(CLASSES)}",
    )  # fmt: skip
    refuse(labels, ~labels["occluded"].isin([-1, 0, 1, 2, 3]), "occluded is {occluded}, not -1…3")
    refuse(labels, ~labels["truncated"].between(-1, 2), "truncated is {truncated}, not -1…2")
    refuse_inverted(labels)
    occluded = (labels["occluded"] >= 1).astype("boolean")
    truncated = (labels["truncated"] > 0).astype("boolean")
    return labels[["file", "line", "left", "top", "right", "bottom"]].assign(
        frame_id=frame_id,
        **{"class": labels["type"].map(CLASSES)},
        raw_class=labels["type"],
        occluded=occluded.mask(labels["occluded"].isin(UNKNOWN_OCCLUSION)),
        occlusion=float("nan"),
        truncated=truncated.mask(labels["truncated"] < 0),
        visible_pixels=None,
        ignore=labels["type"] == "DontCare",
    )


def _padded(number: pd.Series) -> pd.Series:
    return number.astype("str").str.zfill(6)
