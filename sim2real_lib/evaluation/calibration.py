"""Is a detection at confidence .8 right 8 times out of 10?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import belongs
from sim2real_lib.evaluation.ap import rank
from sim2real_lib.evaluation.arm_names import arm_of

# Below it lie most detections of a low-confidence pass; nobody would use them, they are rightly
# unsure, and by their number they would hide every error of the others.
LEAST = 0.05


def reliability(
    arms: Mapping[str, pd.DataFrame],
    objects: pd.DataFrame,
    frame_ids: pd.Index,
    classes: Sequence[str],
    *,
    bins: int = 10,
    least: float = LEAST,
    iou: float = 0.5,
) -> pd.DataFrame:
    """How confident detections are, and how often they are right, in bins of equal width.

    Args:
        arms: arm or "<arm>-seed<n>" -> its detections, as `predict` stores them; those of an arm's
            seeds count together.
        objects: those to be found: frame_id, class.
        frame_ids: the frames to look at.
        classes: detections of classes that these frames do not have are left out, as in mAP.
        bins: how many, of confidences 0 to 1; a confidence on an edge is in the bin above it.
        least: detections less confident are left out.
        iou: overlap from which a detection is right, one of .5, .55, … .95.

    Returns:
        Rows (arm, bin): low and high, the bin's edges; count; confidence and precision, the means
        over its detections, not a number where it has none. What lies in an area to ignore does not
        count, unless it is right.
    """
    known = pd.Series(frame_ids)
    present = set(objects.loc[belongs(objects["frame_id"], known), "class"]) & set(classes)
    edges = np.linspace(0, 1, bins + 1)
    names: dict[str, list[str]] = {}
    for name in arms:
        names.setdefault(arm_of(name) or name, []).append(name)
    tables = {}
    for arm, own in names.items():
        found = pd.concat([arms[name] for name in own])
        kept = belongs(found["frame_id"], known).to_numpy() & found["class"].isin(present)
        found = rank(found[kept & (found["confidence"] >= least)], iou)
        confidence = found["confidence"].to_numpy(float)
        at = np.searchsorted(edges[1:-1], confidence, side="right")
        count = np.bincount(at, minlength=bins)
        sums = [
            np.bincount(at, values, bins)
            for values in (confidence, found["correct"].to_numpy(float))
        ]
        with np.errstate(invalid="ignore"):
            means = [total / count for total in sums]
        values = [edges[:-1], edges[1:], count, *means]
        columns = ["low", "high", "count", "confidence", "precision"]
        tables[arm] = pd.DataFrame(dict(zip(columns, values, strict=True)))
    return pd.concat(tables, names=["arm", "bin"])


def calibration_error(table: pd.DataFrame) -> pd.Series:
    """How far confidence and precision lie apart, on average over the detections.

    The expected calibration error of Guo et al. (On Calibration of Modern Neural Networks, 2017),
    with precision for accuracy: Küppers et al.'s D-ECE by confidence alone (Multivariate Confidence
    Calibration for Object Detection, 2020). It depends on the bins and on the least confidence.

    Args:
        table: from `reliability`.

    Returns:
        arm -> error, 0 to 1; not a number where an arm has no detections.
    """
    apart = (table["precision"] - table["confidence"]).abs() * table["count"]
    arms = pd.DataFrame({"apart": apart, "count": table["count"]}).groupby("arm", sort=False).sum()
    return (arms["apart"] / arms["count"]).rename("error")
