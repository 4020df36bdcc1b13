"""Is the object still in its box after translation? How well edges inside the box agree.

Weather fades, darkens and recolours an object, but leaves its edges where they were. So a box is
judged by the direction of its gradients: the correlation of the original's gradient vectors with
the translation's, which no brightness and no gain changes (as in the gradient correlation of image
registration, Tzimiropoulos et al. 2010; Scharstein 1994).
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import Catalog, positions
from sim2real_lib.errors import InputError
from sim2real_lib.files import whole_file
from sim2real_lib.images import RGB, read_rgb
from sim2real_lib.progress import progress_bar
from sim2real_lib.workers import mapper

FILE = "preservation.parquet"  # beside a translation's catalog
SIDES = ["left", "top", "right", "bottom"]
COLUMNS = ["frame_id", "variant", "box", "class", *SIDES, "agreement"]

DETAIL = 32  # pixels: a larger box is shrunk to this side (geometric mean) before it is judged
BLUR = 0.5  # pixels, sigma, after shrinking; more would keep boxes alive that were blurred away
FLAT = 0.5  # grey levels a pixel, root mean square: less of a gradient is no structure
TRUSTED = 8  # pixels, geometric mean of the sides: below it chance decides too much
# On training frames (`structure_trials.validate`) 99 % of honest boxes lie above and 92 % of the
# damaged ones below; most of the rest are mirrored cars, which look much like themselves.
THRESHOLD = 0.5
MANY = 100  # frames that are worth starting processes for
FRAMES_A_TASK = 8  # enough that sending tasks to processes costs nothing


def agreement(
    originals: Catalog,
    translated: Catalog,
    *,
    margin: float = 0.0,
    workers: int | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """How well the edges in each box agree before and after translation.

    Args:
        originals: the frames that were translated, with their boxes.
        translated: of `apply.translate`, of any number of variants.
        margin: how far to look beyond a box, as a share of its side (the geometric mean); a pixel
            is always looked at, because an outline lies on the box itself.
        workers: processes; None for one a CPU, or none beside this one for less than a hundred
            frames.
        progress: show a progress bar.

    Returns:
        One row a box that is to be detected, in the order of `translated.frames`, columns frame_id
        (the original's), variant, box (its row among the original frame's boxes, from 0), class,
        left, top, right, bottom (pixels) and agreement: 1 for the same structure, about 0 for
        another or none, down to -1 for light and dark exchanged; not a number where the original
        shows no structure itself. Unrelated boxes scatter around 0 with a deviation of .1 from 24
        pixels on, .15 at 8 (`TRUSTED`) and .25 at 5: so small a box proves nothing by itself.

    Raises:
        InputError: when a translated frame has no original, another size, or does not decode.
    """
    frames = translated.frames
    ids = originals_of(frames)
    at = positions(ids, originals.frames["frame_id"])
    if (at < 0).any():
        raise InputError(
            f"no frame {ids[at < 0].iloc[0]!r} was given that this could be translated from",
            where=frames.loc[at < 0, "frame_id"].iloc[0],
        )
    before = originals.frames["image"].to_numpy()[at]
    boxes = wanted(originals)
    jobs = [
        (old, new, sides, margin)
        for old, new, sides in zip(before, frames["image"], sides_of(ids, boxes), strict=True)
    ]
    scores = run(_judge, jobs, workers, progress, "comparing")
    keys = pd.DataFrame({"frame_id": ids, "variant": frames["variant"]})
    # One original may have several translations: its boxes are repeated in each one's place.
    table = keys.merge(boxes, on="frame_id", how="inner", sort=False)
    return table.assign(agreement=np.concatenate([np.zeros(0), *scores]))[COLUMNS]


def trusted(boxes: pd.DataFrame) -> pd.DataFrame:
    """The boxes that are large enough for a single one's agreement to mean something."""
    return boxes[side_of(boxes) >= TRUSTED]


def save(boxes: pd.DataFrame, folder: Path) -> None:
    """Write `agreement`'s table beside a translation's catalog, whole or not at all."""
    with whole_file(folder / FILE) as temporary:
        boxes.to_parquet(temporary, index=False)


def load(folder: Path) -> pd.DataFrame:
    """The table that `save` wrote.

    Raises:
        InputError: when there is none.
    """
    if not (folder / FILE).is_file():
        remedy = f"Delete {folder} and run its notebook again"
        raise InputError("nobody looked whether its labels hold", where=folder, remedy=remedy)
    return pd.read_parquet(folder / FILE)


def frame_scores(boxes: pd.DataFrame, frames: pd.DataFrame) -> pd.DataFrame:
    """How well a translated frame as a whole kept its objects.

    A box weighs as much as the pixels that judged it, up to `DETAIL` squared: the more there are,
    the less chance is in its agreement, and a dozen far cars do not outvote a near one.

    Args:
        boxes: from `agreement`.
        frames: the translated frames: frame_id, variant.

    Returns:
        A row a translated frame (index frame_id, the translation's): score, the weighted mean
        agreement of its boxes, 1 where there is none to judge; boxes, how many were judged; worst,
        the lowest agreement of a box of `TRUSTED` pixels or more, not a number without one.
    """
    known = boxes[boxes["agreement"].notna()]
    weight = side_of(known).clip(upper=DETAIL) ** 2
    table = pd.DataFrame(
        {
            "frame_id": known["variant"] + "/" + known["frame_id"],
            "weight": weight,
            "weighted": weight * known["agreement"],
            "worst": known["agreement"].where(side_of(known) >= TRUSTED),
        }
    )
    groups = table.groupby("frame_id")
    sums = groups[["weight", "weighted"]].sum()
    found = pd.DataFrame(
        {
            "score": sums["weighted"] / sums["weight"],
            "boxes": groups.size(),
            "worst": groups["worst"].min(),
        }
    ).reindex(pd.Index(frames["frame_id"], name="frame_id"))
    return found.fillna({"score": 1.0, "boxes": 0}).astype({"boxes": int})


def side_of(boxes: pd.DataFrame) -> pd.Series:
    """The side in pixels of a square as large as each box."""
    area = (boxes["right"] - boxes["left"]) * (boxes["bottom"] - boxes["top"])
    return area**0.5


def originals_of(frames: pd.DataFrame) -> pd.Series:
    """The id of the frame that each translated one was made of."""
    pairs = zip(frames["frame_id"], frames["variant"], strict=True)
    return pd.Series([own.removeprefix(f"{variant}/") for own, variant in pairs], dtype="str")


def wanted(catalog: Catalog) -> pd.DataFrame:
    """The boxes to be detected, each with its row number in its frame."""
    boxes = catalog.boxes.assign(box=catalog.boxes.groupby("frame_id").cumcount())
    return boxes.loc[~boxes["ignore"], ["frame_id", "box", "class", *SIDES]]


def sides_of(ids: pd.Series, boxes: pd.DataFrame) -> list[np.ndarray]:
    """(n, 4) sides of each frame's boxes."""
    found = {name: own[SIDES].to_numpy() for name, own in boxes.groupby("frame_id")}
    return [found.get(name, np.zeros((0, 4))) for name in ids]


def run(
    work: Callable[..., Any],
    jobs: Sequence[tuple],
    workers: int | None,
    progress: bool,
    name: str,
) -> list[Any]:
    """`work(*job)` of every job, in order, over so many processes."""
    if workers is None:
        workers = (os.cpu_count() or 1) if len(jobs) >= MANY else 1
    tasks = [jobs[at : at + FRAMES_A_TASK] for at in range(0, len(jobs), FRAMES_A_TASK)]
    done: list[Any] = []
    with (
        mapper(min(workers, len(tasks))) as over,
        progress_bar(total=len(jobs), desc=name, unit="image", disable=not progress) as bar,
    ):
        for results in over(partial(_task, work), tasks):
            done += results
            bar.update(len(results))
    return done


def _task(work: Callable[..., Any], jobs: Sequence[tuple]) -> list[Any]:
    return [work(*job) for job in jobs]


def _judge(original: str, translated: str, sides: np.ndarray, margin: float) -> np.ndarray:
    """(n,) agreement of the boxes of one frame."""
    if not len(sides):
        return np.zeros(0)
    before, after = read_rgb(original), read_rgb(translated)
    if before.shape != after.shape:
        raise InputError(
            f"{after.shape[1]}x{after.shape[0]} pixels, "
            f"the original has {before.shape[1]}x{before.shape[0]}",
            where=translated,
            remedy="Boxes hold for a translation of the original's exact size only",
        )
    return agreements(before, after, sides, margin)


def agreements(before: RGB, after: RGB, sides: np.ndarray, margin: float = 0.0) -> np.ndarray:
    """`agreement` of one frame's boxes, on its pixels.

    Args:
        before: (height, width, 3) the original.
        after: its translation, likewise.
        sides: (n, 4) left, top, right, bottom in pixels.
        margin: as in `agreement`.

    Returns:
        (n,) -1 to 1, or not a number.
    """
    old, new = (cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (before, after))
    return np.array([_of_box(old, new, box, margin) for box in sides])


def _of_box(before: np.ndarray, after: np.ndarray, box: np.ndarray, margin: float) -> float:
    side = float(np.sqrt((box[2:] - box[:2]).prod()))
    reach = max(1.0, margin * side)
    left, top = np.floor(box[:2] - reach).clip(0).astype(int)
    right, bottom = np.ceil(box[2:] + reach).astype(int)
    old, new = (_edges(grey[top:bottom, left:right], DETAIL / side) for grey in (before, after))
    if old is None:
        return np.nan
    if new is None:
        return 0.0
    return float((old * new).sum() / np.sqrt((old**2).sum() * (new**2).sum()))


def _edges(grey: np.ndarray, scale: float) -> np.ndarray | None:
    """(2, height, width) horizontal and vertical slopes of a crop, or none where it is flat."""
    if scale < 1:
        size = [max(2, round(length * scale)) for length in grey.shape[::-1]]
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(
        grey.astype(np.float32), (0, 0), BLUR, borderType=cv2.BORDER_REPLICATE
    )
    slopes = np.stack(
        [
            cv2.Sobel(smooth, cv2.CV_32F, *axis, scale=1 / 8, borderType=cv2.BORDER_REPLICATE)
            for axis in ((1, 0), (0, 1))
        ]
    )
    energy = (slopes**2).sum(0)
    if energy.mean() < FLAT**2:
        return None
    # Steep ones are shortened: one lamp or streak must not decide for the whole box.
    return slopes / np.sqrt(energy + energy.mean())
