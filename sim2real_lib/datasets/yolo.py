"""YOLO: data sets that you bring with a text file of boxes for each image.

    root/data.yaml                   names of classes; each split's folder of images, or its list
    root/images/<split>/<name>.jpg   or root/<split>/images/<name>.jpg, as Roboflow has it
    root/labels/<split>/<name>.txt   or root/<split>/labels/<name>.txt

Format: docs.ultralytics.com, "Object Detection Datasets Overview".
"""

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow

from sim2real_lib import yaml_text
from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.datasets import _own
from sim2real_lib.datasets._common import (
    SIDES,
    assemble,
    folder,
    refuse,
    stay_inside,
    text_lines,
)
from sim2real_lib.errors import InputError
from sim2real_lib.images import sizes

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
NO_LABELS = "classes.txt"  # some tools put the names of the classes there, among the labels
NO_IMAGE = "its image is not on disk"
LEAST, MOST = -0.01, 1.01  # of a coordinate: Ultralytics grants as much
TREE = (
    "Expected <root>/data.yaml with `names` and with `train`, `val` or `test`, each a folder of "
    "images or a list of them; and labels in a folder `labels` beside the one called `images`"
)
LINE = "A line is: class x y width height, or class x1 y1 x2 y2 x3 y3 …, as parts of the image"

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
FIELDS = ("class", "x", "y", "width", "height")  # x, y: of the centre

Places = str | list[str] | None
Dropped = tuple[str, int, str]
Name = Annotated[str, msgspec.Meta(pattern=r"\S")]
Number = Annotated[int, msgspec.Meta(ge=0, le=1 << 31)]
Present = Callable[[str], dict[str, Path]]  # folder below the root -> its files by name


class _Content(msgspec.Struct):
    names: list[Name] | dict[Number, Name]
    path: str | None = None
    train: Places = None
    val: Places = None
    valid: Places = None
    validation: Places = None
    test: Places = None
    nc: int | None = None
    kpt_shape: Any = None


class _Image(NamedTuple):
    split: str
    name: str  # below the split's folder
    path: str  # below the root
    label: str  # its label file, likewise
    file: str  # what names it: the image itself, or a list
    line: int  # of the list, else 0


def read(
    root: Path, *, source: str, data: str | None = None, sequence_pattern: str = "",
    weather: str = "undefined", timeofday: str = "undefined", scene: str = "undefined",
) -> Catalog:  # fmt: skip
    """Each split's images; one whose label file is empty or missing is kept without boxes.

    Names of classes as section `own` of the taxonomy has them. Polygons become the boxes around
    them. An image's name is its path below its split's folder; below the folder that holds them
    all, where a split has several or a list. Dropped: images of a list that are not on disk, label
    files of a folder that have no image, boxes without area or far outside of their image.

    Args:
        root: the data set's folder.
        source: the name that its frames carry, such as "gta5".
        data: the YAML file, below the root; None: data.yaml, else the only one that is there.
        sequence_pattern, weather, timeofday, scene: see `_own.About`.

    Raises:
        InputError: for a missing file or folder, a YAML file that is not as the format has it, a
            malformed line, a folder none of whose images has labels, two images with the same label
            file, or a path that leads out of the root.
    """
    about = _own.About(source, sequence_pattern, weather, timeofday, scene)
    root = folder(Path(root), TREE)
    config = _config_file(root, data)
    content, names = _content(config)
    present: Present = cache(lambda place: _own.present(root / place, root, root))
    splits = dict.fromkeys(_own.SPLITS.values())
    images = [i for split in splits for i in _images(split, content, config, root, present)]
    _check_labels(images, root, present)
    listed: list[_own.Listed] = []
    labels: list[Path | None] = []
    dropped = list(_without_image(images, present))
    conditions = about.conditions("parameters")
    for image in images:
        if _file(image.path, present):
            listed.append(_own.Listed(image.split, image.name, f"{root}/{image.path}", *conditions))
            labels.append(_file(image.label, present))
        else:
            frame_id = f"{source}/{image.split}/{_own.stem(image.name)}"
            dropped.append((image.file, image.line, f"{frame_id}: {NO_IMAGE}"))
    if not listed:
        raise InputError("it names no image that is on disk", where=config, remedy=TREE)
    frames = _own.frames(listed, about)
    return assemble(frames, _boxes(labels, frames, names), dropped)


def _config_file(root: Path, data: str | None) -> Path:
    there = sorted(path.name for path in root.iterdir() if path.suffix in (".yaml", ".yml"))
    only = there[0] if len(there) == 1 else "data.yaml"
    path = stay_inside(root / _own.inside(data or only, "data"), root)
    if not path.is_file():
        remedy = f"Choose one in `data`: {', '.join(there)}" if there else TREE
        raise InputError("there is no such file", where=path, remedy=remedy)
    return path


def _content(config: Path) -> tuple[_Content, dict[int, str]]:
    """What is read of the YAML file, and the names of classes by number."""
    text = "\n".join(text_lines(config, TREE))
    try:
        content = msgspec.convert(yaml_text.load(text), _Content)
        names = content.names if isinstance(content.names, dict) else dict(enumerate(content.names))
        "".join(names.values()).encode()  # fails where half a character was written as its number
    except Exception as error:  # PyYAML has a dozen for values that are not as their tag says
        what = " ".join(str(error).split())
        remedy = "Names that are numbers, yes or no need quotation marks"
        raise InputError(f"not as YOLO has it ({what})", where=config, remedy=remedy) from error
    if content.nc not in (None, len(names)):
        what = f"nc is {content.nc}, but there are {len(names)} names"
        raise InputError(what, where=config)
    if content.kpt_shape is not None:
        what = "its labels have key points (kpt_shape), which can look like corners of polygons"
        raise InputError(what, where=config, remedy="Convert them to boxes")
    return content, names


def _images(
    split: str, content: _Content, config: Path, root: Path, present: Present
) -> Iterator[_Image]:
    """The images of a split, with those of a list that are not on disk."""
    base = posixpath.dirname(config.relative_to(root).as_posix())
    base = _place(content.path or "", base, config, root)
    found: list[tuple[str, str, int]] = []
    homes: set[str] = set()
    for entry in _entries(content, split):
        place = _place(entry, base, config, root)
        if (root / place).is_dir():
            images = [(path, f"{root}/{path}", 0) for path in _walk(place, root, present)]
            homes.add(place)
        else:
            images = list(_lines(place, base, root, present))
            homes |= {posixpath.dirname(path) for path, _, _ in images}
        if not images:
            raise InputError("there are no images here", where=root / place, remedy=TREE)
        found += images
    home = posixpath.commonpath(list(homes)) if homes else ""
    for path, file, line in found:
        name = path.removeprefix(home).lstrip("/")
        yield _Image(split, name, path, _label(path), file, line)


def _entries(content: _Content, split: str) -> list[str]:
    """The folders and lists of a split, under each of its spellings."""
    given = [getattr(content, spelt) or [] for spelt, ours in _own.SPLITS.items() if ours == split]
    return [entry for part in given for entry in ([part] if isinstance(part, str) else part)]


def _place(text: str, base: str, config: Path, root: Path) -> str:
    """A folder or file that the YAML file names, relative to the root."""
    # Roboflow writes ../train/images where it means train/images.
    for candidate in (text, text.removeprefix("../")):
        with suppress(InputError):
            path = _own.inside(candidate, config, base=base, root=root)
            if (root / path).exists():
                break
    else:
        _own.inside(text, config, base=base, root=root)
        raise InputError(f"there is no folder or list {text!r}", where=config, remedy=TREE)
    stay_inside(root / path, root)
    return path


def _walk(place: str, root: Path, present: Present) -> Iterator[str]:
    """The images in and below a folder, relative to the root."""
    where = root / place
    for name in sorted(present(place)):
        if name.lower().endswith(SUFFIXES) and not name.startswith("."):
            yield _own.inside(name, where, base=place)
    with os.scandir(where) as entries:
        below = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    for name in below:
        path = _own.inside(name, where, base=place)
        if (root / path).is_symlink():
            remedy = "Put the folder itself there, or name it in the YAML file"
            raise InputError("this is a link to a folder", where=root / path, remedy=remedy)
        yield from _walk(path, root, present)


def _lines(place: str, base: str, root: Path, present: Present) -> Iterator[tuple[str, str, int]]:
    """The images that a list names, relative to the root, with the list and the line."""
    for number, line in enumerate(text_lines(root / place, TREE), 1):
        text, where = line.strip(), f"{root / place}:{number}"
        if text and not text.lower().endswith(SUFFIXES):
            raise InputError(f"{text!r} is not the name of an image", where=where, remedy=TREE)
        if text:
            path = _own.inside(text, where, base=posixpath.dirname(place), root=root)
            if not text.startswith(".") and not _file(path, present):
                path = _own.inside(text, where, base=base, root=root)
            yield path, str(root / place), number


def _file(path: str, present: Present) -> Path | None:
    below, _, name = path.rpartition("/")
    return present(below).get(name)


def _label(path: str) -> str:
    """The label file of an image: in `labels` instead of the last `images`, else beside it."""
    before, images, after = f"/{path}".rpartition("/images/")
    return _own.stem(f"{before}/labels/{after}" if images else path).lstrip("/") + ".txt"


def _check_labels(images: Sequence[_Image], root: Path, present: Present) -> None:
    """Refuse images that share a label file, and folders of labels that have none of theirs."""
    owners: dict[str, _Image] = {}
    labelled: dict[tuple[str, str], bool] = {}  # split, folder of labels
    for image in images:
        first = owners.setdefault(image.label, image)
        if first is not image:
            raise InputError(
                f"{image.path} ({image.split}) has the labels of {first.path} ({first.split})",
                where=f"{image.file}:{image.line}" if image.line else image.file,
                remedy="An image belongs to one split, and its label file to one image",
            )
        place = (image.split, posixpath.dirname(image.label))
        labelled[place] = labelled.get(place, False) or _file(image.label, present) is not None
    for (split, below), some in labelled.items():
        if not some:
            remedy = "Where there are no objects, one empty label file has to say so"
            what = f"none of the images of {split} has labels here"
            raise InputError(what, where=root / below, remedy=remedy)


def _without_image(images: Sequence[_Image], present: Present) -> Iterator[Dropped]:
    """Label files without an image, where a whole folder was read and labels lie in their own."""
    labels = {image.label for image in images}
    places = {
        posixpath.dirname(image.label)
        for image in images
        if not image.line and "/images/" in f"/{image.path}"
    }
    for place in sorted(places):
        for name, path in sorted(present(place).items()):
            if name.endswith(".txt") and name != NO_LABELS and f"{place}/{name}" not in labels:
                yield str(path), 0, f"{_own.stem(name)}: {NO_IMAGE}"


def _boxes(
    labels: Sequence[Path | None], frames: pd.DataFrame, names: Mapping[int, str]
) -> pd.DataFrame:
    """Columns of `BOXES`, file and line; each frame's label file is at the frame's place."""
    table = _table(labels)
    for name in FIELDS[1:]:
        bad = ~table[name].between(LEAST, MOST)
        refuse(table, bad, f"{name} is {{{name}}}, not a part of the image", LINE)
    numbers = sorted(names)
    refuse(table, ~table["class"].isin(numbers), "the YAML file has no name for class {class:g}")
    kind = _own.meanings([names[number] for number in numbers])
    kind = kind.take(np.searchsorted(numbers, table["class"])).reset_index(drop=True)
    size = sizes(frames["image"].tolist())[table["frame"]]
    centre, half = table[["x", "y"]].to_numpy(), table[["width", "height"]].to_numpy() / 2
    corners = np.hstack([(centre - half) * size, (centre + half) * size])
    return kind.assign(
        **dict(zip(SIDES, corners.T, strict=True)),
        frame_id=frames["frame_id"].take(table["frame"].to_numpy()).array,
        occluded=None, occlusion=float("nan"), truncated=None, visible_pixels=None,
        file=table["file"], line=table["line"],
    )  # fmt: skip


def _table(labels: Sequence[Path | None]) -> pd.DataFrame:
    """Columns `FIELDS`, frame (its place), file and line; a row for each line that is not blank."""
    words: list[str] = []
    frames: list[int] = []
    lines: list[int] = []
    for place, path in enumerate(labels):
        for number, line in enumerate(text_lines(path, LINE) if path else (), 1):
            if found := line.split():
                words += found if len(found) == 5 else _around(found, f"{path}:{number}")
                frames.append(place)
                lines.append(number)
    try:
        values = pyarrow.array(words, pyarrow.large_string()).cast(pyarrow.float64()).to_numpy()
    except pyarrow.ArrowInvalid as error:
        bad = next((n for n, word in enumerate(words) if not NUMBER.fullmatch(word)), 0)
        where = f"{labels[frames[bad // 5]]}:{lines[bad // 5]}"
        raise InputError(f"{words[bad]!r} is not a number", where=where, remedy=LINE) from error
    table = pd.DataFrame(values.reshape(-1, 5), columns=list(FIELDS))
    table["frame"], table["line"] = np.array([frames, lines], dtype=int)
    files = pd.Series([str(path) for path in labels], dtype="str")
    return table.assign(file=files.take(table["frame"].to_numpy()).array)


def _around(words: Sequence[str], where: str) -> list[str]:
    """The line of the box around the polygon that a line gives."""
    if len(words) < 7 or len(words) % 2 == 0:
        what = "; a confidence belongs to predictions" if len(words) == 6 else ""
        raise InputError(f"{len(words)} numbers in a line{what}", where=where, remedy=LINE)
    for word in words[1:]:
        if not NUMBER.fullmatch(word) or not LEAST <= float(word) <= MOST:
            raise InputError(f"{word!r} is not a part of the image", where=where, remedy=LINE)
    points = np.array(words[1:], dtype=float).reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    return [words[0], *(repr(float(value)) for value in (*(low + high) / 2, *high - low))]
