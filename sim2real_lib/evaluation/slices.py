"""The test frames and their objects in slices, and the results table over frames.

Slices are fixed before any result is seen. One set of matches serves all slices of frames: what a
detector found in a frame does not depend on the slice that the frame is in. A slice of objects
keeps every frame and every object: those off it are tolerated, neither to be found nor wrong to be
found. Dropped, they would turn the detections that find them into false alarms.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.ap import Convention, class_ap

Slices = Mapping[str, pd.Index]  # name -> frame ids

COCO_SIDES = (32.0, 96.0)  # pixels; COCO's medium objects are as large as squares of these
COCO_HEIGHT = 480  # pixels of an ordinary image in COCO


@dataclass(frozen=True)
class ObjectSlice:
    """Some of the objects.

    Attributes:
        members: (objects,) boolean: which rows of the table of objects.
        sizes: least and largest area in pixels², both included, where the slice is about size: an
            unmatched detection of another size is then no error (COCO's area rule). Else none.
    """

    members: np.ndarray
    sizes: tuple[float, float] | None = None

    def outside(self, area: np.ndarray) -> np.ndarray:
        """(n,) which detections, of so many pixels², are of another size than its objects."""
        low, high = self.sizes or (0, np.inf)
        return (area < low) | (area > high)


def area(boxes: pd.DataFrame) -> np.ndarray:
    """(n,) pixels² of boxes with left, top, right, bottom."""
    left, top, right, bottom = (
        boxes[side].to_numpy(float) for side in ("left", "top", "right", "bottom")
    )
    return (right - left) * (bottom - top)


def by_occlusion(occluded: pd.Series, thresholds: Sequence[int] = (5, 10)) -> dict[str, pd.Index]:
    """The original experiment's cumulative bins: frames with at most so many occluded objects.

    Args:
        occluded: frame id -> number of occluded objects in the frame.
        thresholds: upper ends of the bins, both ends included; "all" follows by itself.

    Returns:
        {"0-5": …, "0-10": …, "0-all": …}
    """
    bins = {f"0-{most}": occluded.index[occluded <= most] for most in sorted(thresholds)}
    return bins | {"0-all": occluded.index}


def by_occlusion_bin(
    occluded: pd.Series, thresholds: Sequence[int] = (5, 10)
) -> dict[str, pd.Index]:
    """The same bins, disjoint; arguments as in `by_occlusion`.

    Returns:
        {"0-5": …, "6-10": …, "11-all": …}
    """
    ends = sorted(thresholds)
    starts = [0, *(end + 1 for end in ends)]
    names = [f"{low}-{high}" for low, high in zip(starts, [*ends, "all"], strict=True)]
    bin_of = np.searchsorted(ends, occluded.to_numpy())
    return {name: occluded.index[bin_of == place] for place, name in enumerate(names)}


def by_weather(frames: pd.DataFrame) -> dict[str, pd.Index]:
    """Frame ids of each weather that the frames have, and of all."""
    return _by(frames, "weather")


def by_time_of_day(frames: pd.DataFrame) -> dict[str, pd.Index]:
    """Frame ids of each time of day that the frames have, and of all."""
    return _by(frames, "timeofday")


def by_box_size(
    objects: pd.DataFrame, sides: tuple[float, float] = COCO_SIDES
) -> dict[str, ObjectSlice]:
    """Small, medium and large objects, by the area of their boxes.

    As in COCO, an object exactly on a limit is on both sides of it.

    Args:
        objects: left, top, right, bottom in pixels.
        sides: of the squares that are as large as the smallest and largest medium object, pixels;
            see `sides_for`.
    """
    if not 0 < sides[0] < sides[1]:
        raise InputError(f"{sides} does not ascend from above 0", where="sides", remedy="(32, 96)")
    limits = [0.0, *(side**2 for side in sides), np.inf]
    ranges = zip(("small", "medium", "large"), itertools.pairwise(limits), strict=True)
    size = area(objects)
    return {
        name: ObjectSlice((size >= low) & (size <= high), (low, high))
        for name, (low, high) in ranges
    }


def sides_for(frames: pd.DataFrame) -> tuple[float, float]:
    """Limits for `by_box_size` in images that are not as large as COCO's.

    In 256x144 pixels, as in the demo, hardly an object is large by COCO's own limits: scaled with
    the images' height they are 9.6 and 28.8 pixels.

    Args:
        frames: height in pixels.
    """
    scale = float(frames["height"].median()) / COCO_HEIGHT
    return COCO_SIDES[0] * scale, COCO_SIDES[1] * scale


def by_truncation(objects: pd.DataFrame) -> dict[str, ObjectSlice]:
    """Objects that the image's edge cuts, and whole ones; see `by_flag`."""
    return by_flag(objects, "truncated", ("truncated", "whole"))


def by_occluded(objects: pd.DataFrame) -> dict[str, ObjectSlice]:
    """Objects that something hides in part, and unhidden ones; see `by_flag`."""
    return by_flag(objects, "occluded", ("occluded", "unhidden"))


def by_flag(objects: pd.DataFrame, column: str, names: tuple[str, str]) -> dict[str, ObjectSlice]:
    """Objects of which a column says yes, and of which it says no.

    Where it says nothing, the object is on neither slice. Where it says nothing of any object, or
    there is no such column, there is no slice.
    """
    if column not in objects or objects[column].isna().all():
        return {}
    flags = objects[column].astype("boolean")
    return {
        name: ObjectSlice((flags == value).fillna(False).to_numpy(bool))
        for name, value in zip(names, (True, False), strict=True)
    }


def class_table(
    arms: Mapping[str, pd.DataFrame],
    boxes: pd.DataFrame,
    slices: Slices,
    classes: Sequence[str],
    iou: float = 0.5,
    convention: Convention = "ultralytics",
) -> pd.DataFrame:
    """AP by arm, class and slice.

    Args:
        arms: arm -> its detections, as `predict` stores them.
        boxes: the objects to be found (frame_id, class), as `predict` stores them.
        slices: name -> frame ids.
        classes: which classes to report.
        iou: one of .5, .55, … .95.
        convention: see `ap`; the one that the detections were matched in.

    Returns:
        rows (arm, class), a column a slice; not a number where a slice has no such object.
    """
    rows = pd.MultiIndex.from_product([arms, classes], names=["arm", "class"])
    table = pd.DataFrame(index=rows, columns=list(slices), dtype=float)
    for name, frame_ids in slices.items():
        objects = boxes[boxes["frame_id"].isin(frame_ids)]
        for arm, found in arms.items():
            here = found[found["frame_id"].isin(frame_ids)]
            for label, value in class_ap(here, objects, classes, iou, convention).items():
                table.loc[(arm, label), name] = value
    return table


def results_table(
    arms: Mapping[str, pd.DataFrame],
    boxes: pd.DataFrame,
    slices: Slices,
    classes: Sequence[str],
    iou: float = 0.5,
    convention: Convention = "ultralytics",
) -> pd.DataFrame:
    """The original's table: a row an arm, a column a slice, the mean AP over classes present.

    Arguments as in `class_table`.
    """
    table = class_table(arms, boxes, slices, classes, iou, convention)
    return table.groupby("arm", sort=False).mean()


def _by(frames: pd.DataFrame, column: str) -> dict[str, pd.Index]:
    groups = frames.set_index("frame_id").groupby(column)
    slices = {str(value): group.index for value, group in groups}
    return slices | {"all": pd.Index(frames["frame_id"])}
