"""The image tree that ultralytics sees: ours, so that it can never write into a data set.

ultralytics rewrites JPEGs that carry trailing bytes and leaves `.cache` files beside the labels.
"""

import hashlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from sim2real_lib import images
from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.errors import InputError
from sim2real_lib.files import write_text

SIDES = ["left", "top", "right", "bottom"]


def write_tree(arm: Catalog, folder: Path, classes: Sequence[str]) -> Path:
    """Write `images/`, `labels/`, two lists and `data.yaml`, which it returns the path of.

    Images are symbolic links (copies where those cannot be made). File names begin with the
    frame's position in the arm, because ultralytics sorts them: so two arms of the same places
    meet every shuffle in the same order. Boxes of other classes and areas to ignore get no label.

    Raises:
        InputError: when an image does not decode, or one place in a frame has two boxes, which
            ultralytics would drop or train on silently.
    """
    images.verify(arm.frames["image"].unique(), progress=False)
    labels = label_lines(arm, classes)
    for old in ("images", "labels"):
        shutil.rmtree(folder / old, ignore_errors=True)
        (folder / old).mkdir(parents=True)
    (folder / "labels.cache").unlink(missing_ok=True)
    fingerprint, paths = hashlib.sha256(repr(list(classes)).encode()), []
    for position, (frame_id, image) in enumerate(
        arm.frames[["frame_id", "image"]].itertuples(index=False)
    ):
        name = f"{position:06d}_{re.sub(r'[^A-Za-z0-9-]+', '_', frame_id)}"
        path = folder.absolute() / "images" / f"{name}{Path(image).suffix.lower()}"
        content = Path(image).read_bytes()
        _place(Path(image).absolute(), content, path)
        text = labels.get(frame_id, "")
        (folder / "labels" / f"{name}.txt").write_text(text, encoding="utf-8")
        fingerprint.update(f"{path.name}\n{text}\n".encode())
        fingerprint.update(content)
        paths.append(str(path))
    write_text(folder / "train.txt", "\n".join(paths) + "\n")
    # ultralytics demands a validation list; nothing is chosen by it, so one frame will do.
    write_text(folder / "val.txt", paths[0] + "\n")
    description = {
        "path": str(folder.absolute()),
        "train": "train.txt",
        "val": "val.txt",
        "names": dict(enumerate(classes)),
        "frames": len(arm),
        "fingerprint": fingerprint.hexdigest(),
    }
    write_text(folder / "data.yaml", yaml.safe_dump(description, sort_keys=False))
    return folder / "data.yaml"


def check(data: Path) -> dict[str, Any]:
    """Whether ultralytics will accept the whole tree: it drops a frame that it dislikes.

    Returns:
        what `data.yaml` says.

    Raises:
        InputError: for a missing image or label file, a line that is not a class and four shares
            of 1, a class that does not exist, a box without a size, two boxes in one place, or not
            one box in the whole tree.
    """
    if not data.is_file():
        raise InputError("there is no such tree", where=data)
    tree = yaml.safe_load(data.read_text(encoding="utf-8"))
    count = 0
    for line in (data.parent / tree["train"]).read_text(encoding="utf-8").splitlines():
        image = Path(line)
        label = image.parent.parent / "labels" / f"{image.stem}.txt"
        for path in (image, label):
            if not path.is_file():
                raise InputError("there is no such file", where=path)
        count += _check_label(label, len(tree["names"]))
    if not count:
        raise InputError(
            f"no frame has a box of {', '.join(tree['names'].values())}",
            where=data,
            remedy="Train on other classes or frames",
        )
    return tree


def _check_label(label: Path, classes: int) -> int:
    """How many boxes a label file has, all of them sound."""
    places = set()
    for number, line in enumerate(label.read_text(encoding="utf-8").splitlines(), 1):
        where = f"{label}, line {number}"
        try:
            name, *shares = (float(word) for word in line.split())
        except ValueError as error:
            raise InputError(f"not a label ({line!r})", where=where) from error
        if len(shares) != 4 or not all(0 <= share <= 1 for share in shares):
            raise InputError(f"not a class and four shares of 1 ({line!r})", where=where)
        if name not in range(classes):
            raise InputError(f"there is no class {name:g}, only 0 to {classes - 1}", where=where)
        if min(shares[2:]) <= 0:
            raise InputError("a box without a width or a height", where=where)
        if tuple(shares) in places:
            raise InputError("two boxes coincide", where=where)
        places.add(tuple(shares))
    return len(places)


def objects(catalog: Catalog, classes: Sequence[str]) -> pd.DataFrame:
    """The boxes that count as objects: of these classes, not ignored, clipped to their image.

    Returns:
        the columns of `BOXES` with the frame's `width` and `height` in pixels.
    """
    boxes = catalog.boxes
    kept = boxes[boxes["class"].isin(classes) & ~boxes["ignore"]]
    kept = kept.merge(catalog.frames[["frame_id", "width", "height"]], on="frame_id")
    for side, limit in zip(SIDES, ("width", "height") * 2, strict=True):
        kept[side] = kept[side].clip(0, kept[limit])
    return kept[(kept["right"] > kept["left"]) & (kept["bottom"] > kept["top"])]


def label_lines(catalog: Catalog, classes: Sequence[str]) -> dict[str, str]:
    """Frame id -> its label file's text, `class x y width height` with centres and shares of 1.

    Raises:
        InputError: when two boxes of a frame coincide.
    """
    kept = objects(catalog, classes)
    same = kept.duplicated(["frame_id", *SIDES], keep=False)
    if same.any():
        pair = kept[same].iloc[:2]
        raise InputError(
            f"two boxes coincide ({' and '.join(pair['class'])})",
            where=pair["frame_id"].iloc[0],
            remedy="Run 01_data_analysis again, which removes such boxes",
        )
    number = {name: place for place, name in enumerate(classes)}
    table = pd.DataFrame(
        {
            "frame_id": kept["frame_id"],
            "class": kept["class"].map(number),
            "x": (kept["left"] + kept["right"]) / 2 / kept["width"],
            "y": (kept["top"] + kept["bottom"]) / 2 / kept["height"],
            "width": (kept["right"] - kept["left"]) / kept["width"],
            "height": (kept["bottom"] - kept["top"]) / kept["height"],
        }
    )
    lines: dict[str, list[str]] = {}
    for frame_id, *values in table.itertuples(index=False):
        lines.setdefault(frame_id, []).append("{:d} {:.9f} {:.9f} {:.9f} {:.9f}".format(*values))
    return {frame_id: "\n".join(rows) + "\n" for frame_id, rows in lines.items()}


def _place(source: Path, content: bytes, path: Path) -> None:
    """Put an image into the tree: linked, unless ultralytics would write through the link."""
    if content.startswith(images.JPEG_START) and not content.endswith(images.JPEG_END):
        path.write_bytes(content + images.JPEG_END)  # decoders stop at the first end marker
        return
    try:
        path.symlink_to(source)
    except OSError:  # a file system or Windows account that may not
        shutil.copyfile(source, path)
