"""What the readers of data sets that you bring share: paths, conditions, sequences, class names."""

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sim2real_lib.catalog.tables import TIMES_OF_DAY, WEATHERS
from sim2real_lib.datasets import taxonomy
from sim2real_lib.datasets._common import files, stay_inside
from sim2real_lib.errors import InputError

SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
TAKEN = ("kitti", "vkitti1", "vkitti2", "bdd100k")  # each has a reader and a source of its own
CONDITIONS = {"weather": WEATHERS, "timeofday": TIMES_OF_DAY, "scene": ()}  # (): any words

# A backslash is another system's separator; the others no table, page or terminal can hold.
NOT_IN_NAMES = re.compile(r"[\\\x00-\x1f\x7f\ud800-\udfff]")
LONGEST, LONGEST_PART = 1000, 255  # of a path; Linux takes parts of so many bytes
MOST_DIGITS = 18  # of a frame's number, which is kept in 64 bits


@dataclass(frozen=True)
class About:
    """What a person says of a whole data set; an `InputError` names the parameter at fault.

    Attributes:
        source: the name that its frames carry, such as "gta5".
        sequence_pattern: searched in each file name: group 1 is the sequence, group 2, where there
            is one, the frame's number; "": sequences are the subfolders.
        weather: of every image that does not say it itself, one of `WEATHERS`.
        timeofday: likewise, one of `TIMES_OF_DAY`.
        scene: likewise, any words.
    """

    source: str
    sequence_pattern: str
    weather: str
    timeofday: str
    scene: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9_-]+", self.source):
            remedy = "Use the letters a to z, digits, _ and -, such as gta5"
            raise InputError(f"{self.source!r} is not a plain word", where="source", remedy=remedy)
        if self.source in TAKEN:
            remedy = "Choose another name"
            raise InputError(f"{self.source!r} is another data set", where="source", remedy=remedy)
        self.conditions("parameters")

    def conditions(self, where: object, *given: object) -> list[str]:
        """Weather, time of day and scene of an image: the first that is given, else the data set's.

        Args:
            where: what a complaint names.
            given: objects with these attributes, any of them None or "".
        """
        found = []
        for name, known in CONDITIONS.items():
            value = next(filter(None, (getattr(part, name, "") for part in given)), "")
            found.append(value or getattr(self, name))
            if known and found[-1] not in known:
                remedy = f"There are: {', '.join(known)}"
                raise InputError(f"there is no {name} {found[-1]!r}", where=where, remedy=remedy)
        return found


class Listed(NamedTuple):
    """An image of the data set; `name` is its path below the split's folder, suffix and all."""

    split: str
    name: str
    image: str  # absolute
    weather: str
    timeofday: str
    scene: str


def by_split(given: Mapping[str, str] | None, parameter: str) -> dict[str, str]:
    """A parameter's splits as we spell them, with their paths relative to the root."""
    found: dict[str, str] = {}
    for name, path in (given or {}).items():
        if name not in SPLITS or SPLITS[name] in found:
            what = "is there twice" if name in SPLITS else "is no split"
            remedy = "Splits are train, val and test"
            raise InputError(f"{name!r} {what}", where=parameter, remedy=remedy)
        found[SPLITS[name]] = inside(path, parameter)
    return found


def inside(text: str, where: object, *, base: str = "", root: Path | None = None) -> str:
    """A path as data or parameters give it, relative to the root and without dots.

    Args:
        text: the path, with "/"; the root itself is "".
        where: what a complaint names.
        base: the folder, relative to the root, that the path counts from.
        root: when given, an absolute path below it is welcome, too.

    Raises:
        InputError: when it leads out of the root, or is no path.
    """
    below = f"{root}/"
    if root is not None and text.startswith(below):
        base, text = "", text.removeprefix(below)
    path = posixpath.normpath(posixpath.join(base, text))
    what = ""
    if NOT_IN_NAMES.search(text):
        what = "has a backslash or an invisible character"
    elif len(path) > LONGEST or max(len(part.encode()) for part in path.split("/")) > LONGEST_PART:
        what = "is longer than paths are"
    elif path.startswith("/") or path.split("/")[0] == "..":
        what = "leads out of the data set"
    if what:
        remedy = "Paths count from the data set's own folders, are written with /, and stay inside"
        raise InputError(f"{text!r} {what}", where=where, remedy=remedy)
    return "" if path == "." else path


def present(folder: Path, home: Path, root: Path) -> dict[str, Path]:
    """The files of a folder that data name, none when it is not there; no link may lead out.

    Args:
        folder: the folder or one below it, named by data.
        home: a folder of the layout, which may be a link to another disk.
        root: the data set's.
    """
    return files(stay_inside(folder, home, root), root, "") if folder.is_dir() else {}


def among(names: Iterable[str], home: Path, root: Path) -> dict[str, Path]:
    """Those of the names, which may have folders, that are files below `home`."""
    folders: dict[str, dict[str, Path]] = {}
    found: dict[str, Path] = {}
    for name in names:
        below, _, last = name.rpartition("/")
        if below not in folders:
            folders[below] = present(home / below, home, root)
        if last in folders[below]:
            found[name] = folders[below][last]
    return found


def stem(name: str) -> str:
    """A file's name with its folders and without its suffix."""
    return posixpath.splitext(name)[0]


def frames(listed: Sequence[Listed], about: About) -> pd.DataFrame:
    """Columns of `FRAMES` without width and height, a row for each image, in the order given.

    A sequence is what the pattern says, else the subfolder, else the image by itself: its stem, or
    <split>/<stem> where several splits have that stem. Without a number in the name, an image's
    index is its place among its sequence's names of all splits in order.

    Raises:
        InputError: for an image that is in two splits, a name that the pattern does not match, or
            a pattern that is none.
    """
    table = pd.DataFrame(listed, columns=list(Listed._fields))
    twice = table["image"].duplicated()
    if twice.any():
        image = table["image"][twice].iloc[0]
        splits = table["split"][table["image"] == image]
        raise InputError(
            f"it is in {' and in '.join(splits)}", where=image,
            remedy="A detector must not be tested on what it was trained on: list it once",
        )  # fmt: skip
    stems = table["name"].map(stem).astype("str")
    if about.sequence_pattern:
        table["sequence"], numbers = _matched(table, about.sequence_pattern)
    else:
        single = stems.mask(stems.duplicated(keep=False), table["split"] + "/" + stems)
        folders = table["name"].map(posixpath.dirname).astype("str")
        table["sequence"], numbers = folders.mask(folders == "", single), None
    order = table.sort_values(["name", "split"]).groupby("sequence").cumcount()
    return table.drop(columns="name").assign(
        frame_id=f"{about.source}/" + table["split"] + "/" + stems,
        source=about.source,
        index=order if numbers is None else numbers,
        variant="original",
    )


def meanings(names: Sequence[str]) -> pd.DataFrame:
    """Columns class, raw_class, ignore; a row for each name of a class."""
    raw = pd.Series(names, dtype="str")
    named = taxonomy.of("own").resolve(raw)
    return pd.DataFrame({"class": named.classes, "raw_class": raw, "ignore": named.ignore})


def _matched(table: pd.DataFrame, pattern: str) -> tuple[list[str], list[int] | None]:
    """Each image's sequence and, where the pattern has a second group, number."""
    what = f"sequence_pattern {pattern!r}"
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(f"{pattern!r}: {error}", where="sequence_pattern") from error
    if not compiled.groups:
        remedy = r"Put what names the sequence in parentheses, such as ^(\w+)_(\d+)"
        raise InputError(f"{pattern!r} has no group", where="sequence_pattern", remedy=remedy)
    sequences, numbers = [], []
    for name, image in zip(table["name"], table["image"], strict=True):
        match = compiled.search(name)
        if match is None or not match[1]:
            raise InputError(f"{what} finds no sequence in {name!r}", where=image)
        sequences.append(match[1])
        if compiled.groups > 1:
            digits = match[2] or ""
            if not digits.isdecimal() or len(digits) > MOST_DIGITS:
                raise InputError(f"{what} finds no number in {name!r}: {digits!r}", where=image)
            numbers.append(int(digits))
    return sequences, numbers if compiled.groups > 1 else None
