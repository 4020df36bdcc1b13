"""What the readers share: one policy for bad input, text tables, and the last step to a catalog.

The policy. A file that is not what it should be (a missing folder, a wrong number of fields, a word
where a number belongs, a box inside out where columns go by position, a track without a class) is
*refused*: whatever else was read from it would be doubtful. A record that is sound but describes
nothing usable (its image is not on disk, its box has no area inside the image or reaches far beyond
it) is *dropped*, and listed in `Catalog.dropped` with file, line, reason.

Links. A data set's root and the folders that its layout names may be links; a file in them that
leads out of both is refused, so that an unpacked archive cannot reach the rest of the disk.
"""

import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.csv

from sim2real_lib import images
from sim2real_lib.catalog.tables import BOXES, DROPPED_COLUMNS, FRAMES, Catalog, positions, unsound
from sim2real_lib.datasets import taxonomy
from sim2real_lib.errors import InputError
from sim2real_lib.files import read_bytes

Fields = Mapping[str, type]  # a text table's columns in order: name -> str, int or float
Dropped = tuple[str, int, str]  # file, line (0: the whole file), reason

ARROW = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
WHOLE = r"-?[0-9]{1,18}"  # what fits into 64 bits
# No text holds them, but a cut-off archive does, and some parsers end a word there.
CONTROL = bytes(set(range(32)) - set(b"\t\n\r")) + b"\x7f"

LARGEST_TEXT = 1 << 28  # bytes; the largest of the data sets' text files has 2**24

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
        InputError: when it is no folder, or holds a pipe or the like, or a link to a file outside
            of it and of the root.
    """
    found: dict[str, Path] = {}
    place = folder(path, remedy)
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_symlink():
                stay_inside(Path(entry.path), place, root)
            if entry.is_file():
                found[entry.name] = place / entry.name
            elif not entry.is_dir() and not entry.is_symlink():  # one that leads nowhere: missing
                raise InputError("this is no plain file", where=entry.path, remedy="Remove it")
    return found


def stay_inside(path: Path, *homes: Path) -> Path:
    """`path` itself, when what it leads to lies in one of these folders; else an `InputError`."""
    try:
        target = path.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: Python up to 3.12, for a loop
        raise InputError("this link leads nowhere", where=path, remedy="Remove it") from error
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


def text_lines(path: Path, remedy: str) -> list[str]:
    """The lines of a UTF-8 text file, without their ends; a trailing one is empty.

    Raises:
        InputError: when the file cannot be read, or holds bytes that are not text: names the line.
    """
    try:
        data = read_bytes(path, LARGEST_TEXT)
        text = data.decode("utf-8-sig")
    except OSError as error:
        what = (error.strerror or "it cannot be read").lower()
        raise InputError(what, where=path, remedy=remedy) from error
    except UnicodeDecodeError as error:
        _refuse_bytes(path, data[: error.start], remedy)
    if len(data.translate(None, CONTROL)) < len(data):
        first = next(place for place, byte in enumerate(data) if byte in CONTROL)
        _refuse_bytes(path, data[:first], remedy)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n")


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
    numbers: list[int] = []
    counts = []
    for path in paths:
        found = text_lines(path, remedy)
        kept = [number for number, line in enumerate(found, 1) if line.strip(" \t")]
        if header:
            names = found[kept.pop(0) - 1].split() if kept else []
            if names != list(fields):
                raise InputError(
                    f"the header is not {' '.join(fields)!r}", where=f"{path}:1", remedy=remedy
                )
        lines += [found[number - 1] for number in kept]
        numbers += kept
        counts.append(len(kept))
    origin = pd.DataFrame(
        {
            "file": pd.Series([str(path) for path in paths], dtype="str").repeat(counts).array,
            "line": pd.Series(numbers, dtype="int64"),
        }
    )
    table = _parse(lines, fields)
    if table is None:
        _name_bad_line(lines, origin, fields, remedy)
    return table.join(origin)


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


def resolve_classes(table: pd.DataFrame, column: str, section: str) -> taxonomy.Named:
    """Canonical classes of a column of raw names; one that the taxonomy lacks is refused.

    Args:
        table: rows of `read_table`.
        column: where the raw names stand.
        section: the part of `taxonomy.yaml` that says what they mean.
    """
    known = taxonomy.of(section)
    named = known.resolve(table[column])
    refuse(
        table, ~table[column].isin(known.names), f"there is no class {{{column}!r}}",
        f"There are: {', '.join(known.names)}. They are listed in {taxonomy.FILE}",
    )  # fmt: skip
    return named


def assemble(frames: pd.DataFrame, boxes: pd.DataFrame, dropped: Sequence[Dropped] = ()) -> Catalog:
    """Read the images' sizes, clip boxes to them, drop what lies outside or has no area.

    Args:
        frames: columns of `FRAMES` without width and height.
        boxes: columns of `BOXES`, and file and line.
        dropped: what the reader itself dropped: file, line, reason.
    """
    bad = unsound(frames["frame_id"])
    if bad.any():
        named = frames[bad].iloc[0]
        remedy = "Its translation could not be stored under this name: rename it, in at most 180"
        raise InputError(
            f"{named['frame_id']!r} is no name of a frame", where=named["image"],
            remedy=f"{remedy} bytes",
        )  # fmt: skip
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
    flat = (corners[:, 2:] <= corners[:, :2]).any(axis=1)
    bad = far | flat
    what = np.where(far[bad], " reaches far beyond its image", " has no area in its image")
    lost = boxes[bad]
    lost = lost.assign(reason=lost["frame_id"] + ": a " + lost["raw_class"] + what)
    kept = boxes.assign(**dict(zip(SIDES, corners.T, strict=True)))[~bad]
    tables = [pd.DataFrame(list(dropped), columns=DROPPED_COLUMNS), orphans, lost]
    return Catalog(
        frames[list(FRAMES.columns)],
        kept[list(BOXES.columns)],
        pd.concat([table[list(DROPPED_COLUMNS)] for table in tables], ignore_index=True),
    )


def _refuse_bytes(path: Path, before: bytes, remedy: str) -> NoReturn:
    line = before.count(b"\n") + 1
    raise InputError("this is not a text file", where=f"{path}:{line}", remedy=remedy)


def _parse(lines: list[str], fields: Fields) -> pd.DataFrame | None:
    """The table, or None when one of its lines is not as it should be."""
    if not lines:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in fields.items()})
    text = "\n".join(["", *lines, ""])
    if any(uneven in text for uneven in ("\t", "  ", " \n", "\n ")):
        text = "\n".join(" ".join(_words(line)) for line in lines)
    types = {name: ARROW[kind] for name, kind in fields.items()}
    try:
        # Exact to the last digit, and stricter than pandas, for which "1e5" is a whole number.
        table = pyarrow.csv.read_csv(
            pyarrow.py_buffer(text.encode()),
            pyarrow.csv.ReadOptions(column_names=list(fields), use_threads=False),
            pyarrow.csv.ParseOptions(delimiter=" ", quote_char=False),
            pyarrow.csv.ConvertOptions(column_types=types, null_values=[]),
        ).to_pandas()
    except pyarrow.ArrowInvalid:
        return None
    finite = np.isfinite(table.select_dtypes("float").to_numpy()).all()
    return table if finite else None


def _words(line: str) -> list[str]:
    return [word for word in line.replace("\t", " ").split(" ") if word]


def _name_bad_line(lines: list[str], origin: pd.DataFrame, fields: Fields, remedy: str) -> NoReturn:
    """The slow way through a table that the fast way refused, to say which line and why."""
    for line, file, number in zip(lines, origin["file"], origin["line"], strict=True):
        words, where = _words(line), f"{file}:{number}"
        if len(words) != len(fields):
            what = f"{len(words)} fields where {len(fields)} belong ({' '.join(fields)})"
            raise InputError(what, where=where, remedy=remedy)
        for word, (name, kind) in zip(words, fields.items(), strict=True):
            if not _is_valid(word, kind):
                noun = "a whole number" if kind is int else "a finite number"
                raise InputError(f"{name} is {word!r}, not {noun}", where=where, remedy=remedy)
    raise InputError("this is no such table", where=origin["file"].iloc[0], remedy=remedy)


def _is_valid(word: str, kind: type) -> bool:
    """Whether Arrow, too, takes the word for a value of this kind."""
    if kind is not float:
        return kind is str or re.fullmatch(WHOLE, word) is not None
    try:
        finite = math.isfinite(float(word))
    except ValueError:
        return False
    return finite and word.isascii() and "_" not in word  # Python takes some liberties
