"""What the readers share: one policy for bad input, text tables, and the last step to a catalog.

The policy. A file that is not what it should be (a missing folder, a wrong number of fields, a word
where a number belongs, a box inside out where columns go by position, a track without a class) is
*refused*: whatever else was read from it would be doubtful. A record that is sound but describes
nothing usable (its image is not on disk, its box has no area inside the image) is *dropped*, and
listed in `Catalog.dropped` with file, line, reason.

Links. A data set's root and the folders that its layout names may be links; a file in them that
leads out of both is refused, so that an unpacked archive cannot reach the rest of the disk.
"""

import csv
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real_lib import images
from sim2real_lib.catalog.tables import BOXES, DROPPED_COLUMNS, Catalog, positions
from sim2real_lib.errors import InputError

Fields = Mapping[str, type]  # a text table's columns in order: name -> str, int or float

SIDES = ("left", "top", "right", "bottom")
# Annotators overshoot an image's border by a little; a box further out is not of this image, and
# clipping it would make a box that nobody drew.
MOST_OUTSIDE = 0.05  # of the image's width or height


def folder(path: Path, remedy: str) -> Path:
    """`path`, absolute, when it is a folder; else an `InputError`."""
    if not path.is_dir():
        raise InputError("there is no such folder", where=path, remedy=remedy)
    return path.absolute()


def choose(asked: Sequence[str] | None, found: Iterable[str], what: str, where: Path) -> list[str]:
    """The names asked for (None: all), sorted, once each; all of them must be among those found."""
    there = sorted(found)
    chosen = there if asked is None else sorted(set(asked))
    unknown = [name for name in chosen if name not in there]
    if unknown or not chosen:
        raise InputError(
            f"there is no {what} {unknown[0]!r}" if unknown else f"no {what} to read",
            where=where,
            remedy=f"There are: {', '.join(there) or 'none'}",
        )
    return chosen


def files(path: Path, root: Path, remedy: str) -> dict[str, Path]:
    """The files of a folder by name; none of them may be a link that leads out of the data set.

    Folders whose names the layout gives may be links, as people spread data over disks; what lies
    in them is data, and data must not make the workbench read what its owner did not point to.

    Args:
        path: a folder of the layout, such as root/training/image_02/0001.
        root: the data set's.
        remedy: what to do when there is no such folder.

    Raises:
        InputError: when it is no folder, or holds a link to a file outside of it and of the root.
    """
    found: dict[str, Path] = {}
    place = folder(path, remedy)
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_symlink():
                stay_inside(Path(entry.path), place, root)
            if entry.is_file():
                found[entry.name] = place / entry.name
    return found


def stay_inside(path: Path, *homes: Path) -> Path:
    """`path` itself, when what it leads to lies in one of these folders; else an `InputError`."""
    target = path.resolve()
    if not any(target.is_relative_to(home.resolve()) for home in homes):
        raise InputError(
            f"this leads out of the data set, to {target}",
            where=path,
            remedy="Put the file itself there, or name the folder that holds it as the root",
        )
    return path


def numbered_images(path: Path, root: Path, pattern: str, remedy: str) -> dict[int, Path]:
    """The images of a folder by number, ascending; group 1 of `pattern` is the number."""
    matches = [
        (re.fullmatch(pattern, name), file) for name, file in files(path, root, remedy).items()
    ]
    numbered = {int(match[1]): file for match, file in matches if match}
    if not numbered:
        raise InputError("there are no images in this folder", where=path, remedy=remedy)
    return dict(sorted(numbered.items()))


def read_table(
    paths: Sequence[Path], fields: Fields, *, remedy: str, header: bool = False
) -> pd.DataFrame:
    """Space-separated text files as one table, with two more columns: file and line.

    Args:
        paths: files of the same format; blank lines are passed over.
        fields: the columns in order, each with its type; numbers must be finite.
        remedy: what to do when a file is missing or is not such a table.
        header: whether each file begins with the columns' names.

    Raises:
        InputError: naming the first bad line.
    """
    lines: list[str] = []
    places: list[tuple[str, int]] = []
    for path in paths:
        rows = [
            (number, line) for number, line in enumerate(_text(path, remedy), 1) if line.strip()
        ]
        if header:
            names = rows.pop(0)[1].split() if rows else []
            if names != list(fields):
                raise InputError(
                    f"the header is not {' '.join(fields)!r}", where=f"{path}:1", remedy=remedy
                )
        lines += [line for _, line in rows]
        places += [(str(path), number) for number, _ in rows]
    table = _parse(lines, places, fields, remedy)
    table["file"] = pd.Series([file for file, _ in places], dtype="str")
    table["line"] = [number for _, number in places]
    return table


def refuse(table: pd.DataFrame, bad: pd.Series, what: str, remedy: str = "") -> None:
    """Raise an `InputError` for the first row that is bad; `what` may name columns as {column}."""
    if bad.any():
        row = table[bad].iloc[0]
        raise InputError(
            what.format_map(row.to_dict()), where=f"{row['file']}:{row['line']}", remedy=remedy
        )


def refuse_inverted(table: pd.DataFrame) -> None:
    """Columns known by position alone: a box inside out means that they are in another order."""
    for low, high in (("left", "right"), ("top", "bottom")):
        refuse(
            table,
            table[high] < table[low],
            f"{high} {{{high}}} is less than {low} {{{low}}}",
            "The columns may be in another format's order",
        )


def assemble(
    frames: pd.DataFrame, boxes: pd.DataFrame, dropped: Sequence[tuple[str, int, str]] = ()
) -> Catalog:
    """Read the images' sizes, clip boxes to them, drop what lies outside or has no area.

    Args:
        frames: columns of `FRAMES` without width and height.
        boxes: columns of `BOXES`, and file and line.
        dropped: what the reader itself dropped: file, line, reason.
    """
    sizes = images.sizes(frames["image"].tolist())
    frames = frames.assign(width=sizes[:, 0], height=sizes[:, 1])
    owner = positions(boxes["frame_id"], frames["frame_id"])
    orphans = boxes[owner < 0].groupby("frame_id", sort=False)[["file", "line"]].first()
    orphans = orphans.reset_index().assign(
        reason=lambda o: o["frame_id"] + ": its image is not on disk"
    )

    boxes, size = boxes[owner >= 0], sizes[owner[owner >= 0]]
    corners = boxes[list(SIDES)].to_numpy(float)
    limits = np.hstack([size, size])
    outside = np.maximum(-corners, corners - limits) / limits
    far = ~(outside <= MOST_OUTSIDE).all(axis=1)  # also where a corner is not a number
    corners = corners.clip(0, limits)
    flat = ~far & (corners[:, 2:] <= corners[:, :2]).any(axis=1)
    tables = [pd.DataFrame(list(dropped), columns=DROPPED_COLUMNS), orphans]
    for bad, what in ((far, "reaches far beyond its image"), (flat, "has no area in its image")):
        lost = boxes[bad]
        reason = lost["frame_id"] + ": a " + lost["raw_class"] + " " + what
        tables.append(lost.assign(reason=reason))
    kept = boxes.assign(**dict(zip(SIDES, corners.T, strict=True)))[~far & ~flat]
    return Catalog(
        frames,
        kept[list(BOXES.columns)],
        pd.concat([table[list(DROPPED_COLUMNS)] for table in tables], ignore_index=True),
    )


def _text(path: Path, remedy: str) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        what = (error.strerror or "it cannot be read").lower()
        raise InputError(what, where=path, remedy=remedy) from error
    except UnicodeDecodeError as error:
        raise InputError("this is not a text file", where=path, remedy=remedy) from error


def _parse(
    lines: list[str], places: list[tuple[str, int]], fields: Fields, remedy: str
) -> pd.DataFrame:
    if not lines:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in fields.items()})
    try:
        table = pd.read_csv(
            StringIO("\n".join(lines)), sep=r"\s+", header=None, quoting=csv.QUOTE_NONE,
            dtype=dict(enumerate(fields.values())), keep_default_na=False,
        )  # fmt: skip
    except (ValueError, OverflowError) as error:
        _name_bad_line(lines, places, fields, remedy)
        raise InputError(f"unreadable table ({error})", where=places[0][0]) from error
    short = table.isna() | table.isin([""])  # pandas fills up a line with too few fields
    finite = np.isfinite(table.select_dtypes("number").to_numpy())
    if table.shape[1] != len(fields) or short.to_numpy().any() or not finite.all():
        _name_bad_line(lines, places, fields, remedy)
    return table.set_axis(list(fields), axis=1)


def _name_bad_line(
    lines: list[str], places: list[tuple[str, int]], fields: Fields, remedy: str
) -> None:
    """The slow way through a table that the fast way refused, to say which line and why."""
    for line, (file, number) in zip(lines, places, strict=True):
        words, where = line.split(), f"{file}:{number}"
        if len(words) != len(fields):
            what = f"{len(words)} fields where {len(fields)} belong ({' '.join(fields)})"
            raise InputError(what, where=where, remedy=remedy)
        for word, (name, kind) in zip(words, fields.items(), strict=True):
            if kind is not str and not _is_number(word, kind):
                noun = "a whole number" if kind is int else "a finite number"
                raise InputError(f"{name} is {word!r}, not {noun}", where=where, remedy=remedy)


def _is_number(word: str, kind: type) -> bool:
    try:
        return math.isfinite(kind(word))
    except ValueError:
        return False
