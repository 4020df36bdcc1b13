"""The test frames in slices, and the results table over them.

Slices are fixed before any result is seen. One set of matches serves them all: what a detector
found in a frame does not depend on the slice that the frame is in.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from sim2real_lib.evaluation.ap import class_ap

Slices = Mapping[str, pd.Index]  # name -> frame ids


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


def by_weather(frames: pd.DataFrame) -> dict[str, pd.Index]:
    """Frame ids of each weather that the frames have, and of all."""
    groups = frames.set_index("frame_id").groupby("weather")
    slices = {str(weather): group.index for weather, group in groups}
    return slices | {"all": pd.Index(frames["frame_id"])}


def class_table(
    arms: Mapping[str, pd.DataFrame],
    boxes: pd.DataFrame,
    slices: Slices,
    classes: Sequence[str],
    iou: float = 0.5,
) -> pd.DataFrame:
    """AP by arm, class and slice.

    Args:
        arms: arm -> its detections, as `predict` stores them.
        boxes: the objects to be found (frame_id, class), as `predict` stores them.
        slices: name -> frame ids.
        classes: which classes to report.
        iou: one of .5, .55, … .95.

    Returns:
        rows (arm, class), a column a slice; not a number where a slice has no such object.
    """
    rows = pd.MultiIndex.from_product([arms, classes], names=["arm", "class"])
    table = pd.DataFrame(index=rows, columns=list(slices), dtype=float)
    for name, frame_ids in slices.items():
        objects = boxes[boxes["frame_id"].isin(frame_ids)]
        for arm, found in arms.items():
            here = found[found["frame_id"].isin(frame_ids)]
            for label, value in class_ap(here, objects, classes, iou).items():
                table.loc[(arm, label), name] = value
    return table


def results_table(
    arms: Mapping[str, pd.DataFrame],
    boxes: pd.DataFrame,
    slices: Slices,
    classes: Sequence[str],
    iou: float = 0.5,
) -> pd.DataFrame:
    """The original's table: a row an arm, a column a slice, the mean AP over classes present.

    Arguments as in `class_table`.
    """
    return class_table(arms, boxes, slices, classes, iou).groupby("arm", sort=False).mean()
