"""What the arms of a run detected, and what there was to detect, as `predict` stored it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd
import pyarrow.parquet as pq

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.ap import Convention
from sim2real_lib.evaluation.arm_names import arm_of, seed_of
from sim2real_lib.evaluation.matching import match_tables

SINCE = ["occluded", "truncated", "occlusion"]  # what earlier runs did not store of an object


@dataclass(frozen=True, eq=False)
class Stored(Mapping[str, pd.DataFrame]):
    """ "<arm>-seed<n>" -> its detections, read when asked for: all arms at once may be too large.

    Attributes:
        folders: "<arm>-seed<n>" -> the folder of its tables.
        objects: those to be found, the same for every arm.
        areas: where a detection is no error, likewise.
        classes: what is detected.
        convention: in which the detections are matched; that on disk is ultralytics'.
    """

    folders: Mapping[str, Path]
    objects: pd.DataFrame
    areas: pd.DataFrame
    classes: Sequence[str]
    convention: Convention = "ultralytics"

    @classmethod
    def read(
        cls,
        folders: Mapping[str, Path],
        classes: Sequence[str],
        convention: Convention = "ultralytics",
    ) -> Self:
        """The tables of finished arms.

        Raises:
            InputError: when a table is missing, of an earlier version, or two arms were not tested
                on the same objects.
        """
        names = iter(folders)
        first = next(names)
        objects = _objects(first, folders[first])
        for name in names:
            if not _objects(name, folders[name]).equals(objects):
                raise InputError(
                    f"{name} and {first} were not tested on the same objects",
                    where=folders[name],
                    remedy=_again(name),
                )
        areas = _table(first, folders[first], "areas")
        return cls(folders, objects, areas, classes, convention)

    def __getitem__(self, name: str) -> pd.DataFrame:
        found = _table(name, self.folders[name], "detections")
        if self.convention == "ultralytics":
            return found
        return match_tables(
            found, self.objects, self.areas, self.classes, convention=self.convention
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.folders)

    def __len__(self) -> int:
        return len(self.folders)


def _objects(name: str, folder: Path) -> pd.DataFrame:
    table = _table(name, folder, "objects")
    missing = [column for column in SINCE if column not in table]
    if missing:
        raise InputError(
            f"an earlier version wrote it, without {', '.join(missing)}",
            where=folder / "objects.parquet",
            remedy=_again(name),
        )
    return table


def _table(name: str, folder: Path, table: str) -> pd.DataFrame:
    path = folder / f"{table}.parquet"
    if not path.is_file():
        raise InputError("there is no such table", where=path, remedy=_again(name))
    # Of millions of detections each name once, and a number a row: half of the memory.
    names = ["frame_id", "class"] if table == "detections" else []
    return pq.read_table(path, read_dictionary=names).to_pandas()


def _again(name: str) -> str:
    return f"Run notebook 04_yolo_training with arm {arm_of(name)}, seed {seed_of(name)} again"
