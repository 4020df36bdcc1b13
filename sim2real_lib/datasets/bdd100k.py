"""BDD100K: the 100K images and their detection labels, in each of the forms they came out in.

    root/images/100k/<split>/<name>.jpg
    root/labels/det_20/det_<split>.json                 det_20: a list, or {frames: list, config: …}
    root/labels/bdd100k_labels_images_<split>.json      2018: a list, with lanes and drivable areas
    root/labels/100k/<split>/<name>.json                100k: a file for each image

Format: `_scalabel`. What the names mean: `taxonomy.yaml`.
"""

import re
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from itertools import chain, compress, count
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
from msgspec.structs import astuple

from sim2real_lib.catalog.tables import FRAMES, TIMES_OF_DAY, WEATHERS, Catalog
from sim2real_lib.datasets import _json_list, taxonomy
from sim2real_lib.datasets._common import (
    SIDES,
    assemble,
    choose,
    files,
    folder,
    stay_inside,
)
from sim2real_lib.datasets._scalabel import (
    Conditions,
    Flags,
    Frame,
    Head,
    Label,
    Moment,
    Picture,
    Placed,
)
from sim2real_lib.errors import InputError
from sim2real_lib.files import read_bytes
from sim2real_lib.progress import progress_bar

SPLITS = ("train", "val")  # no labels are published for BDD100K's test images
# The forms of the labels: det_20 corrects 2018, and 100k is 2018 in 80,000 files
LABELS = {
    "det_20": ("labels/det_20/det_{}.json", "labels/det_20/det_v2_{}_release.json"),
    "2018": ("labels/bdd100k_labels_images_{}.json",),
    "100k": ("labels/100k/{}",),
}
NAMES = taxonomy.of("bdd100k")
FRAME_COLUMNS = [name for name in FRAMES.columns if name not in ("width", "height")]
BATCH, MANY = 500, 5000  # files of the 100k form: at a time, and from how many on with progress
LARGEST_PICTURE = 1 << 26  # bytes; theirs have 2**15
IMAGE = re.compile(r"[^/\\]+\.\w+")

TREE = (
    "Expected <root>/images/100k/<split>/*.jpg and <root>/labels/det_20/det_<split>.json (or "
    "labels/bdd100k_labels_images_<split>.json, or labels/100k/<split>/*.json), as BDD100K unpacks"
)


class _Row(NamedTuple):
    """A labelled frame."""

    frame_id: str
    split: str
    sequence: str
    position: int  # in the sequence
    image: str
    here: bool  # the image is on disk
    weather: str
    timeofday: str
    scene: str
    file: str
    line: int


def read(root: Path, *, splits: Sequence[str] = SPLITS, labels: str | None = None) -> Catalog:
    """BDD100K's labelled frames whose image is on disk; those without objects are kept.

    Names follow the official detection classes of 2020 (bike, motor and person are renamed, van and
    caravan are cars); other vehicle, other person, trailer and crowds become ignore areas of the
    official class that they could be taken for. Lanes and drivable areas are passed over. Dropped,
    with the record's number in the file as its line (0 where each image has a file): frames whose
    image is not on disk, objects without a box, boxes without area or far beyond their image.

    Args:
        root: the folder that holds `images` and `labels`.
        splits: "train" and "val", the data set's own.
        labels: which of `LABELS`; for each split the first of them that is there when None.

    Raises:
        InputError: for a missing folder or file, a split without a single labelled image, damaged
            JSON, or a frame that is not as the format has it.
    """
    rows: list[_Row] = []
    boxes = _Boxes()
    for some, labelled in _walk(root, splits, labels, Frame):
        boxes.add(labelled, len(rows))
        rows += some
    dropped = [
        (row.file, row.line, f"{row.frame_id}: its image is not on disk")
        for row in rows
        if not row.here
    ]
    dropped += [
        (rows[row].file, rows[row].line, f"{rows[row].frame_id}: a {name} without a box")
        for row, name in boxes.without
        if rows[row].here
    ]
    found = _table(rows)
    return assemble(found.loc[found["here"], FRAME_COLUMNS], boxes.table(found), dropped)


def frames(
    root: Path, *, splits: Sequence[str] = SPLITS, labels: str | None = None
) -> pd.DataFrame:
    """The frames that `read` finds, without their sizes and boxes: a look in half of the time.

    Arguments and errors as for `read`, but that what a frame's labels hold is not looked at.

    Returns:
        Columns of `FRAMES` but width and height.
    """
    found = _table([row for some, _ in _walk(root, splits, labels, Head) for row in some])
    return found.loc[found["here"], FRAME_COLUMNS].reset_index(drop=True)


def _table(rows: list[_Row]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=_Row._fields).rename(columns={"position": "index"})
    return found.assign(source="bdd100k", variant="original")


def _walk(
    root: Path, splits: Sequence[str], labels: str | None, kind: type[Head]
) -> Iterator[tuple[list[_Row], list[Sequence[Label]]]]:
    """The splits' frames, a batch at a time, and the labels of each when they are `Frame`s."""
    root = folder(Path(root), TREE)
    if labels is not None:
        choose([labels], LABELS, "form of the labels", root)
    for split in choose(splits, SPLITS, "labelled split", root):
        images = root / "images" / "100k" / split
        there = files(images, root, TREE)
        seen: set[str] = set()
        here = 0
        for batch in _batches(root, split, labels, kind):
            rows = [_row(placed, split, images, there, seen) for placed in batch]
            here += sum(row.here for row in rows)
            yield rows, [p.frame.labels or () for p in batch if isinstance(p.frame, Frame)]
        if not here:
            raise InputError(
                f"none of the {len(seen)} labelled images is there", where=images, remedy=TREE
            )


def _batches(
    root: Path, split: str, labels: str | None, kind: type[Head]
) -> Iterator[list[Placed]]:
    """A split's frames in the order of their file or files."""
    patterns = LABELS.values() if labels is None else [LABELS[labels]]
    candidates = [root / pattern.format(split) for pattern in chain.from_iterable(patterns)]
    for path in candidates:
        if path.suffix and path.is_file():
            numbers = count(1)
            stay_inside(path, path.parent, root)
            for batch in _json_list.batches(path, kind, "labelled frame", TREE):
                yield [Placed(str(path), next(numbers), frame) for frame in batch]
            return
        if not path.suffix and path.is_dir():
            yield from _pictures(path, root)
            return
    raise InputError("there are no such labels", where=candidates[0], remedy=TREE)


def _pictures(place: Path, root: Path) -> Iterator[list[Placed]]:
    """The frames of a folder with a file for each image."""
    found = sorted(path for path in files(place, root, TREE).values() if path.suffix == ".json")
    decoder = msgspec.json.Decoder(Picture)
    for first in progress_bar(
        range(0, len(found), BATCH), desc=f"labels of {place.name}", unit=f"{BATCH} files",
        disable=len(found) < MANY,
    ):  # fmt: skip
        some = found[first : first + BATCH]
        yield [Placed(str(path), 0, _frame(path, decoder)) for path in some]


def _frame(path: Path, decoder: msgspec.json.Decoder[Picture]) -> Frame:
    """The frame of an image that has a file of its own."""
    try:
        picture = decoder.decode(read_bytes(path, LARGEST_PICTURE))
    except OSError as error:
        what = (error.strerror or "it cannot be read").lower()
        raise InputError(what, where=path, remedy=TREE) from error
    except _json_list.UNREADABLE as error:
        raise InputError(f"not a labelled frame ({error})", where=path) from error
    if picture.name.removesuffix(".jpg") != path.stem:
        raise InputError(f"these are the labels of {picture.name!r}", where=path)
    moments = picture.frames or [Moment()]
    return Frame(f"{path.stem}.jpg", attributes=picture.attributes, labels=moments[0].objects)


def _row(placed: Placed, split: str, images: Path, there: Container[str], seen: set[str]) -> _Row:
    """A frame's row, once it has a place in the folder of images, and one that no other has."""
    frame = placed.frame
    if not IMAGE.fullmatch(frame.name):
        raise InputError(f"{frame.name!r} is not the plain name of an image", where=placed.where)
    stem = frame.name.rpartition(".")[0]
    if stem in seen:
        raise InputError(f"{frame.name!r} is labelled a second time", where=placed.where)
    seen.add(stem)
    given = frame.attributes or Conditions()
    return _Row(
        f"bdd100k/{split}/{stem}", split, frame.video or stem, frame.index or 0,
        f"{images}/{frame.name}", frame.name in there,
        _known("weather", given.weather, WEATHERS, placed),
        _known("timeofday", given.timeofday, TIMES_OF_DAY, placed),
        given.scene or "undefined", placed.file, placed.line,
    )  # fmt: skip


def _known(name: str, value: str | None, values: Sequence[str], placed: Placed) -> str:
    found = value or "undefined"
    if found not in values:
        remedy = f"There are: {', '.join(values)}"
        raise InputError(f"there is no {name} {found!r}", where=placed.where, remedy=remedy)
    return found


class _Boxes:
    """Boxes as they are found, in numbers; what these stand for is looked up once, at the end.

    Attributes:
        names: raw name -> its number.
        flags: an object's `Flags`, or None -> their number.
        parts: of each batch, row (of the table of frames), name and flags (numbers), and sides
            (left, top, right, bottom in pixels).
        without: row and raw name of each object that should have a box and has none.
    """

    def __init__(self) -> None:
        self.names: dict[str, int] = defaultdict(count().__next__)
        self.flags: dict[Flags | None, int] = defaultdict(count().__next__)
        self.parts: list[dict[str, np.ndarray]] = []
        self.without: list[tuple[int, str]] = []

    def add(self, labelled: Sequence[Sequence[Label]], first: int) -> None:
        """Add what is labelled in the frames that are rows `first`, `first` + 1, …"""
        labels = list(chain.from_iterable(labelled))
        row = np.repeat(np.arange(len(labelled)), [len(some) for some in labelled]) + first
        bare = {label.category for label in labels if label.box2d is None}
        if bare := {name for name in bare if not name.lower().startswith(NAMES.not_boxes)}:
            self.without += [
                (at, label.category)
                for at, label in zip(row.tolist(), labels, strict=True)
                if label.box2d is None and label.category in bare
            ]
        boxed = [label.box2d is not None for label in labels]
        labels = list(compress(labels, boxed))
        sides = [astuple(label.box2d) for label in labels if label.box2d is not None]
        self.parts.append(
            {
                "row": row[np.array(boxed, bool)],
                "name": np.array([self.names[label.category] for label in labels], np.int32),
                "flags": np.array([self.flags[label.attributes] for label in labels], np.int32),
                "sides": np.fromiter(chain.from_iterable(sides), float).reshape(-1, len(SIDES)),
            }
        )

    def table(self, frames: pd.DataFrame) -> pd.DataFrame:
        """Columns of `BOXES`, and file and line; without the boxes of frames that are not here."""
        found = {key: np.concatenate([part[key] for part in self.parts]) for key in self.parts[0]}
        here = frames["here"].to_numpy()[found["row"]]
        if not here.all():
            found = {key: column[here] for key, column in found.items()}
        row, name, flags = found["row"], found["name"], found["flags"]
        raw = pd.Series(list(self.names), dtype="str")
        meant = NAMES.resolve(raw)
        given = [some or Flags() for some in self.flags]
        crowd = np.array([some.is_crowd or False for some in given], bool)
        columns = dict(zip(SIDES, found["sides"].T, strict=True)) | {
            "frame_id": frames["frame_id"].array.take(row),
            "file": frames["file"].astype("category").array.take(row),
            "line": frames["line"].array.take(row),
            "class": meant.classes.array.take(name),
            "raw_class": raw.array.take(name),
            "ignore": meant.ignore.to_numpy()[name] | crowd[flags],
            "occluded": pd.array([some.is_occluded for some in given], "boolean").take(flags),
            "truncated": pd.array([some.is_truncated for some in given], "boolean").take(flags),
            "visible_pixels": pd.array([pd.NA], "Int64").repeat(len(row)),
        }
        return pd.DataFrame(columns, copy=False).assign(occlusion=np.nan)
