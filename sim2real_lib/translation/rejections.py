"""Translated frames that somebody looked at and rejected: a small table that arms leave out."""

import csv
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from sim2real_lib.errors import InputError
from sim2real_lib.files import whole_file
from sim2real_lib.params import Variant

FILE = "rejected_frames.csv"  # in the folder of the run that the translations belong to
COLUMNS = ["variant", "frame_id"]
PATIENCE = 10  # seconds that another process may take to save its own choice


def read(path: Path, frames: pd.DataFrame | None = None) -> pd.DataFrame:
    """The rejected frames, none where there is no file.

    Args:
        path: a CSV with the columns variant ("nst-fog") and frame_id (the original's).
        frames: the catalog's; where given, each row must name one that its variant is made of.

    Returns:
        Columns variant and frame_id, each pair once, in the file's order.

    Raises:
        InputError: naming the file and the line that is not understood.
    """
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS, dtype="str")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        remedy = "Save it as CSV in UTF-8, or delete it to keep every frame"
        raise InputError(f"not readable as CSV ({error})", where=path, remedy=remedy) from error
    head = rows[0][1] if rows else []
    if head != COLUMNS:
        raise InputError(
            f"the columns are {', '.join(head) or 'missing'}, must be {', '.join(COLUMNS)}",
            where=f"{path}, line 1",
            remedy="Correct the line, or delete the file to keep every frame",
        )
    lines = [(number, row) for number, row in rows[1:] if row]
    sources = None
    if frames is not None:
        sources = dict(zip(frames["frame_id"], frames["variant"], strict=True))
    for number, row in lines:
        wrong = _wrong(row, sources)
        if wrong:
            remedy = "Correct the line, or delete it to keep the frame"
            raise InputError(wrong, where=f"{path}, line {number}", remedy=remedy)
    table = pd.DataFrame([row for _, row in lines], columns=COLUMNS, dtype="str")
    return table.drop_duplicates(ignore_index=True)


def change(path: Path, variant: str, frame_id: str, *, reject: bool) -> pd.DataFrame:
    """Reject one frame or keep it again, and save that at once, whole or not at all.

    The file is read anew, and nobody else changes it meanwhile: two notebooks do not undo one
    another's choices. A hidden file beside it is the lock, and stays.

    Returns:
        The table as it is now, as from `read`.

    Raises:
        InputError: when the file is not understood, or another process holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f".{path.name}.lock")
    try:
        with FileLock(lock, timeout=PATIENCE):
            return _changed(path, variant, frame_id, reject)
    except Timeout as error:
        remedy = "Try again; if it stays so, end the other notebook's kernel"
        raise InputError("another process is saving", where=path, remedy=remedy) from error


def _changed(path: Path, variant: str, frame_id: str, reject: bool) -> pd.DataFrame:
    table = read(path)
    own = (table["variant"] == variant) & (table["frame_id"] == frame_id)
    table = table[~own]
    if reject:
        added = pd.DataFrame([(variant, frame_id)], columns=COLUMNS, dtype="str")
        table = pd.concat([table, added], ignore_index=True)
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False)
    return table


def _wrong(row: list[str], sources: dict[str, str] | None) -> str:
    """What is wrong with a line; nothing if it is empty."""
    if len(row) != len(COLUMNS):
        return f"there are {len(row)} values, must be {len(COLUMNS)}"
    variant, frame_id = row
    made = Variant.parse(variant)
    if made is None:
        return f"{variant!r} is no translated variant, as nst-fog or pyramid-rain-from-rain are"
    if sources is not None and sources.get(frame_id) != made.source:
        return f"{frame_id!r} is no {made.source} frame that {variant} could be made of"
    return ""
