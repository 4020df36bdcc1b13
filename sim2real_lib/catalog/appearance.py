"""What every image looks like: read once, measured at one common height, remembered."""

import hashlib
import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from sim2real_lib import images
from sim2real_lib.errors import InputError
from sim2real_lib.files import ROOT, key, whole_file
from sim2real_lib.images import REMEDY
from sim2real_lib.progress import progress_bar
from sim2real_lib.workers import mapper

HEIGHT = 180  # pixels; all images are measured at this height, whatever their own
THUMBNAIL = 16  # pixels a side
MEASURES = ("brightness", "contrast", "saturation", "sharpness")
SURVEY_COLUMNS = ("digest", *MEASURES, "hash", "thumbnail")

FILE = ["path", "size", "mtime_ns"]  # a file that agrees in these has not changed
VERSION = 1  # of the measures; parts of another version are passed over
PART = 1_000  # images between two writes to the store
BATCH = 16  # images a task
FEW = 1_000  # images that are measured sooner than worker processes start

_DCT_SIDE = 32
# Without the constant, from coarse to fine: the coarse ones survive scaling and compression.
_FREQUENCIES = sorted(
    ((row, column) for row in range(_DCT_SIDE) for column in range(_DCT_SIDE) if row or column),
    key=lambda place: (sum(place), place),
)[:64]
_ROWS, _COLUMNS = np.array(_FREQUENCIES).T
_FLAT = 1.0  # grey levels; a thumbnail that varies less shows nothing to recognise


def survey(
    frames: pd.DataFrame, store: Path, *, workers: int | None = None, progress: bool = True
) -> pd.DataFrame:
    """Read every image once: is it whole, which file is it, what does it look like.

    Images are decoded at the least scale that leaves `HEIGHT` rows, which for a JPEG of 1280x720
    takes half the time, and then brought to that height by averaging. So sources of different sizes
    compare: in images of KITTI, Virtual KITTI 2 and BDD100K, scaled by 0.5 to 1.5 (Lanczos) and
    saved anew, sharpness moved by less than 0.06, where the sources lie 0.3 apart, and the others
    by less than 0.02. An image lower than `HEIGHT` is enlarged, and counts as blurred as it then
    is. What is finer than a 180th of the image's height (sensor noise, JPEG blocks) is not
    measured.

    A second call reads only images that are new or changed (path, size and time of change), also
    after a kill or an error.

    Args:
        frames: columns `frame_id` and `image`; frames may share an image file.
        store: the folder that remembers, a parquet part each 1,000 images; damaged parts are
            passed over.
        workers: processes; None for one a CPU, or none beside this one for less than a thousand.
        progress: show a progress bar.

    Returns:
        One row a frame, in the order of `frames`, with columns
        `frame_id`;
        `digest`: hexadecimal SHA-256 of the file;
        `brightness`: mean luma (ITU-R BT.601), 0-1;
        `contrast`: standard deviation of luma, 0-0.5;
        `saturation`: mean S of HSV, 0-1;
        `sharpness`: log10 of the variance of luma's Laplacian in grey levels (the measure LAPV of
        Pertuz et al. 2013), about 1 in fog to 3.5, never below -2;
        `hash`: 64 bits, uint64, the signs of luma's lowest frequencies (Zauner 2010's pHash without
        its median): copies of a picture differ in few bits;
        `thumbnail`: 256 bytes, 16x16 grey, stretched to 0-255 so that a night scene keeps its
        detail; all zero where there is nothing to recognise, as in a black frame.

    Raises:
        InputError: naming the first image that is missing or does not decode whole.
    """
    files = _files(frames["image"].drop_duplicates())
    known = _known(store)
    new = files.merge(known[FILE], how="left", on=FILE, indicator=True)
    new = new.loc[new["_merge"] == "left_only", files.columns]
    if len(new):
        _measure(new, store, workers, progress)
        known = _known(store)
    rows = files.merge(known, how="left", on=FILE).set_index("image").loc[frames["image"]]
    found = rows[list(SURVEY_COLUMNS)].reset_index(drop=True)
    found.insert(0, "frame_id", frames["frame_id"].to_numpy())
    return found


def look(path: str) -> tuple[Any, ...]:
    """One image's values of `SURVEY_COLUMNS`.

    Raises:
        InputError: when the image is missing or does not decode whole.
    """
    images.size(path)  # before room is made for what the header says
    try:
        data = Path(path).read_bytes()
        with Image.open(io.BytesIO(data), formats=images.FORMATS) as image:
            image.draft("RGB", (1, HEIGHT))
            rgb = _at_common_height(image if image.mode == "RGB" else image.convert("RGB"))
    except Exception as error:  # a damaged image makes Pillow raise nearly anything
        raise InputError(f"not a readable image ({error})", where=path, remedy=REMEDY) from error
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    brightness, contrast = _mean_and_deviation(luma)
    saturation, _ = _mean_and_deviation(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)[..., 1])
    _, detail = _mean_and_deviation(cv2.Laplacian(luma, cv2.CV_32F))
    small = cv2.resize(luma, (_DCT_SIDE, _DCT_SIDE), interpolation=cv2.INTER_AREA)
    return (
        hashlib.sha256(data).hexdigest(),
        brightness / 255,
        contrast / 255,
        saturation / 255,
        2 * math.log10(max(detail, 0.1)),
        int(np.packbits(cv2.dct(small)[_ROWS, _COLUMNS] > 0).view(np.uint64)[0]),
        _thumbnail(small).tobytes(),
    )


def _at_common_height(image: Image.Image) -> np.ndarray:
    size = max(1, round(image.width * HEIGHT / image.height)), HEIGHT
    if image.height < HEIGHT:
        return cv2.resize(np.asarray(image), size, interpolation=cv2.INTER_CUBIC)
    # Pillow's box takes whole pixels: other averages blur more, the less there is to reduce.
    return np.asarray(image.resize(size, Image.Resampling.BOX, reducing_gap=1))


def _mean_and_deviation(values: np.ndarray) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(values)  # in double precision, three times faster than numpy
    return mean.item(), deviation.item()


def _thumbnail(small: np.ndarray) -> np.ndarray:
    grey = cv2.resize(small, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    if grey.std() < _FLAT:
        return np.zeros_like(grey, dtype=np.uint8)
    grey = grey - grey.min()
    return np.rint(grey * (255 / grey.max())).astype(np.uint8)


def _files(images: pd.Series) -> pd.DataFrame:
    """Columns image and `FILE`, one row an image; paths below the project relative to it."""
    stats = []
    for image in images:
        try:
            stats.append(os.stat(image))  # noqa: PTH116 (twice as fast as Path's)
        except OSError as error:
            raise InputError("there is no such image", where=image, remedy=REMEDY) from error
    return pd.DataFrame(
        {
            "image": images.to_numpy(),
            "path": images.astype("str").str.removeprefix(f"{ROOT}/").to_numpy(),
            "size": np.array([stat.st_size for stat in stats], dtype=np.int64),
            "mtime_ns": np.array([stat.st_mtime_ns for stat in stats], dtype=np.int64),
        }
    )


def _known(store: Path) -> pd.DataFrame:
    """What earlier calls measured: columns `FILE` and `SURVEY_COLUMNS`."""
    parts = [_table([])]
    for path in sorted(store.glob(f"{VERSION}-*.parquet")):
        try:
            parts.append(pd.read_parquet(path, columns=list(parts[0].columns)))
        except (OSError, ValueError):
            continue  # what it held is measured again
    return pd.concat(parts, ignore_index=True).drop_duplicates(FILE)  # two calls at a time


def _table(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*FILE, *SURVEY_COLUMNS])
    kinds = {"path": "str", "size": "int64", "mtime_ns": "int64", "digest": "str", "hash": "uint64"}
    return table.astype(kinds | dict.fromkeys(MEASURES, "float64"))


def _measure(files: pd.DataFrame, store: Path, workers: int | None, progress: bool) -> None:
    """Measure the files and write what is found, a part each `PART` of them."""
    rows = list(files.itertuples(index=False, name=None))
    tasks = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    if workers is None:
        workers = 1 if len(rows) < FEW else os.cpu_count() or 1
    done: list[tuple[Any, ...]] = []
    with (
        mapper(min(workers, len(tasks))) as run,
        progress_bar(
            total=len(rows), unit="image", desc="looking at images", disable=not progress
        ) as bar,
    ):
        try:
            for found in run(_look_at, tasks):
                done += found
                bar.update(len(found))
                if len(done) >= PART:
                    _write(store, done)
                    done = []
        finally:  # a damaged image must not cost what was measured before it
            if done:
                _write(store, done)


def _look_at(task: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return [(*file, *look(image)) for image, *file in task]


def _write(store: Path, rows: list[tuple[Any, ...]]) -> None:
    name = key([row[: len(FILE)] for row in rows])
    with whole_file(store / f"{VERSION}-{name}.parquet") as temporary:
        _table(rows).to_parquet(temporary, index=False)
