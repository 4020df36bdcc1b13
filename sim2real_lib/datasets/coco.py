"""COCO: data sets that you bring with their boxes in JSON files, one for each split.

    root/annotations/instances_<split>*.json  with images in root/<split>*   COCO
    root/annotations/<split>.json             with images in root/images     many tools
    root/<split>/_annotations.coco.json       with images beside it          Roboflow

Format: cocodataset.org, "Data format", object detection.
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.datasets import _own
from sim2real_lib.datasets._common import SIDES, assemble, folder, stay_inside
from sim2real_lib.errors import InputError
from sim2real_lib.files import read_bytes

LABELS = ("annotations/instances_{}*.json", "annotations/{}.json", "{}/_annotations.coco.json")
TREE = (
    "Expected <root>/annotations/instances_<split>*.json, <root>/annotations/<split>.json or "
    "<root>/<split>/_annotations.coco.json for train, val (or valid) or test; else name the files "
    "in `labels`"
)

LARGEST_JSON = 1 << 33  # bytes; the largest such file in use, of Objects365, has 2**32

RECORDS = {"images": "image", "annotations": "annotation", "categories": "category"}
PLACE = re.compile(rf"\$\.({'|'.join(RECORDS)})\[(\d+)\]")  # a record, as the decoder names it
NOT_JSON = re.compile(rb"(?<=[\s:,\[])(NaN|-?Infinity)(?=[\s,\]}])")  # but Python writes them
# Damage or another type; text that is not UTF-8; brackets within brackets without end
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Id = int | str
Flag = Annotated[int, msgspec.Meta(ge=0, le=1)] | bool | None


class _Conditions(msgspec.Struct, gc=False):
    weather: str | None = None
    timeofday: str | None = None
    scene: str | None = None


class _Image(_Conditions, gc=False, kw_only=True):
    id: Id
    file_name: str
    width: int | None = None
    height: int | None = None
    attributes: _Conditions | None = None


class _Flags(msgspec.Struct, gc=False):
    occluded: Flag = None
    truncated: Flag = None


class _Annotation(_Flags, gc=False, kw_only=True):
    id: Id | None = None
    image_id: Id
    category_id: Id
    bbox: tuple[float, float, float, float]  # left, top, width, height in pixels
    iscrowd: Flag = None
    ignore: Flag = None
    attributes: _Flags | None = None


class _Category(msgspec.Struct, gc=False):
    id: Id
    name: Annotated[str, msgspec.Meta(pattern=r"\S")]


class _Content(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


def read(
    root: Path, *, source: str, labels: Mapping[str, str] | None = None,
    images: Mapping[str, str] | None = None, sequence_pattern: str = "",
    weather: str = "undefined", timeofday: str = "undefined", scene: str = "undefined",
) -> Catalog:  # fmt: skip
    """The listed images that are on disk; those without annotations are kept.

    Names of classes as section `own` of the taxonomy has them; crowds and annotations with `ignore`
    become ignore areas. `occluded` and `truncated` are read from an annotation or its `attributes`,
    `weather`, `timeofday` and `scene` from an image or its `attributes`. Dropped, with the image's
    or annotation's number in its list counted from 1 as its line: images that are not on disk, and
    boxes without area or far outside of their image.

    Args:
        root: the data set's folder.
        source: the name that its frames carry, such as "gta5".
        labels: split -> JSON file below the root; None: where the layouts above have it.
        images: split -> folder below the root that the file names count from; None: the first that
            holds any of them: one named like the JSON file or the split, beside the JSON file's
            folder or in `images`; the JSON file's own; one whose name begins like the split;
            `images`; the root.
        sequence_pattern, weather, timeofday, scene: see `_own.About`.

    Raises:
        InputError: for a missing file or folder, damaged JSON, a record that is not as the format
            has it, is there twice or refers to nothing, a size that is not the image's, or a path
            that leads out of the root.
    """
    about = _own.About(source, sequence_pattern, weather, timeofday, scene)
    root = folder(Path(root), TREE)
    paths = _label_files(root, _own.by_split(labels, "labels"))
    places = _own.by_split(images, "images")
    for split in places.keys() - paths.keys():
        raise InputError(f"there are no labels of {split}", where="images", remedy=TREE)
    listed: list[_own.Listed] = []
    said: list[tuple[_Image, str]] = []
    boxes: list[pd.DataFrame] = []
    dropped: list[tuple[str, int, str]] = []
    for split, path in paths.items():
        content = _decode(path)
        names = _names(content, path)
        there = _find(names, root, path, split, places.get(split))
        ids = [f"{source}/{split}/{_own.stem(name)}" for name in names]
        for number, (image, name) in enumerate(zip(content.images, names, strict=True), 1):
            if name not in there:
                reason = f"{ids[number - 1]}: its image is not on disk"
                dropped.append((str(path), number, reason))
                continue
            where = f"{path}: image {number}"
            conditions = about.conditions(where, image, image.attributes)
            listed.append(_own.Listed(split, name, str(there[name]), *conditions))
            said.append((image, where))
        boxes.append(_boxes(content, path, ids, [name in there for name in names]))
    catalog = assemble(_own.frames(listed, about), pd.concat(boxes, ignore_index=True), dropped)
    _check_sizes(catalog.frames, said)
    return catalog


def _label_files(root: Path, asked: Mapping[str, str]) -> dict[str, Path]:
    """Split -> its JSON file, absolute."""
    if asked:
        paths = {split: stay_inside(root / name, root) for split, name in asked.items()}
        for path in paths.values():
            if not path.is_file():
                raise InputError("there is no such file", where=path, remedy=TREE)
        return paths
    found: dict[str, set[Path]] = {}
    for spelt, split in _own.SPLITS.items():
        for pattern in LABELS:
            for path in root.glob(pattern.format(spelt)):
                found.setdefault(split, set()).add(stay_inside(path, path.parent, root))
    for split, several in found.items():
        if len(several) > 1:
            names = ", ".join(sorted(str(path.relative_to(root)) for path in several))
            remedy = "Choose one in `labels`"
            raise InputError(f"{split} has several: {names}", where=root, remedy=remedy)
    if not found:
        raise InputError("there are no COCO labels here", where=root, remedy=TREE)
    return {split: paths.pop() for split, paths in found.items()}


def _decode(path: Path) -> _Content:
    try:
        data = read_bytes(path, LARGEST_JSON).removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise InputError((error.strerror or "it cannot be read").lower(), where=path) from error
    try:
        return msgspec.json.decode(data, type=_Content)
    except UNREADABLE as error:
        what, place = str(error), PLACE.search(str(error))
        if not place and NOT_JSON.search(data):
            what, place = "NaN or Infinity is no number", _not_a_number(data)
        if not place:
            raise InputError(f"not a COCO file ({what})", where=path, remedy=TREE) from error
        where = f"{path}: {RECORDS[place[1]]} {int(place[2]) + 1}"
        raise InputError(f"not as COCO has it ({what})", where=where) from error


def _not_a_number(data: bytes) -> re.Match[str] | None:
    """Where NaN or Infinity stands: with null in its place, the decoder names the record."""
    try:
        msgspec.json.decode(NOT_JSON.sub(b"null", data), type=_Content)
    except UNREADABLE as error:
        return PLACE.search(str(error))
    return None


def _names(content: _Content, path: Path) -> list[str]:
    """The images' names as paths below their folder; no two may make the same frame."""
    names: list[str] = []
    first: dict[str, int] = {}  # stem -> number of the image
    for number, image in enumerate(content.images, 1):
        where = f"{path}: image {number}"
        name = _own.inside(image.file_name, where)
        if not name:
            raise InputError(f"{image.file_name!r} is no name of an image", where=where)
        same = first.setdefault(_own.stem(name), number)
        if same != number:
            what = f"{image.file_name!r} is, suffix aside, image {same}'s name, too"
            raise InputError(what, where=where)
        names.append(name)
    return names


def _find(
    names: Sequence[str], root: Path, path: Path, split: str, place: str | None
) -> dict[str, Path]:
    """Those of the names that are on disk, all from one folder."""
    spelt = [name for name, meant in _own.SPLITS.items() if meant == split]
    beside = root if path.parent == root else path.parent.parent
    homes = (beside, beside / "images")
    exact = (path.stem.removeprefix("instances_"), *spelt)
    alike = {found for home in homes for name in spelt for found in home.glob(f"{name}*")}
    choices = [[home / name] for name in exact for home in homes]
    choices += [[path.parent], sorted(alike), [beside / "images"], [root / "images"], [root]]
    if place is not None:
        choices = [[stay_inside(root / place, root)]]
    for group in choices:
        there = {home: found for home in group if (found := _own.among(names, home, root))}
        if len(there) > 1:
            several = ", ".join(str(home.relative_to(root)) for home in there)
            remedy = "Choose one in `images`"
            raise InputError(f"its images may be in {several}", where=path, remedy=remedy)
        if there:
            return there.popitem()[1]
    looked = dict.fromkeys(str(home.relative_to(root)) for group in choices for home in group)
    raise InputError(
        f"none of the {len(names)} listed images is there", where=path,
        remedy=f"Looked in {', '.join(looked)}; `images` can name another folder",
    )  # fmt: skip


def _boxes(
    content: _Content, path: Path, ids: Sequence[str], there: Sequence[bool]
) -> pd.DataFrame:
    """Columns of `BOXES`, file and line, of those images that are there."""
    rows = content.annotations
    _numbered([row.id for row in rows], path, "annotation")
    images = _numbered([image.id for image in content.images], path, "image")
    categories = _numbered([category.id for category in content.categories], path, "category")
    owner = _positions([row.image_id for row in rows], images, path, "image")
    kind = _positions([row.category_id for row in rows], categories, path, "category")
    corners = np.array([row.bbox for row in rows], dtype=float).reshape(-1, 4)
    with np.errstate(over="ignore"):  # an infinite side is outside of every image
        corners[:, 2:] += corners[:, :2]
    boxes = _own.meanings([category.name for category in content.categories]).take(kind)
    boxes = boxes.reset_index(drop=True).assign(
        **dict(zip(SIDES, corners.T, strict=True)),
        frame_id=pd.Series(ids, dtype="str").take(owner).array,
        occluded=pd.array([_flag(row, "occluded") for row in rows], dtype="boolean"),
        occlusion=float("nan"),
        truncated=pd.array([_flag(row, "truncated") for row in rows], dtype="boolean"),
        visible_pixels=None,
        ignore=lambda b: b["ignore"] | np.array([bool(r.iscrowd or r.ignore) for r in rows], bool),
        file=str(path),
        line=np.arange(1, len(rows) + 1),
    )
    return boxes[np.array(there, dtype=bool)[owner]]


def _flag(row: _Annotation, name: str) -> bool | None:
    value = getattr(row, name)
    if value is None:
        value = getattr(row.attributes, name, None)
    return None if value is None else bool(value)


def _numbered(ids: Sequence[Id | None], path: Path, record: str) -> dict[Id, int]:
    """Id -> its place in the list; no id may be there twice."""
    found: dict[Id, int] = {}
    for place, key in enumerate(ids):
        if key is not None and found.setdefault(key, place) != place:
            what = f"its id {key!r} is {record} {found[key] + 1}'s, too"
            raise InputError(what, where=f"{path}: {record} {place + 1}")
    return found


def _positions(asked: Sequence[Id], known: Mapping[Id, int], path: Path, record: str) -> np.ndarray:
    """Where each annotation's image or category stands in its list."""
    found = np.array([known.get(key, -1) for key in asked], dtype=int)
    if (found < 0).any():
        place = int(np.flatnonzero(found < 0)[0])
        what = f"there is no {record} with the id {asked[place]!r}"
        raise InputError(what, where=f"{path}: annotation {place + 1}")
    return found


def _check_sizes(frames: pd.DataFrame, said: Sequence[tuple[_Image, str]]) -> None:
    """Refuse sizes that are not the images': the boxes are in the pixels of other images."""
    for (image, where), width, height in zip(said, frames["width"], frames["height"], strict=True):
        given = (
            width if image.width is None else image.width,
            height if image.height is None else image.height,
        )
        if given != (width, height):
            raise InputError(
                f"{given[0]}x{given[1]} pixels, but {image.file_name!r} has {width}x{height}",
                where=where,
                remedy="Its boxes are in the pixels of another size: take the labelled images",
            )
