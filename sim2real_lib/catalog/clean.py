"""Label faults that mislead a detector: found, reported by rule and source, taken out.

A box that repeats another goes. A box of something that is there, and that nobody could be asked to
find, becomes an area to ignore: no label to train on, and no error to detect what is in it.
"""

import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import BOXES, Catalog, positions
from sim2real_lib.errors import InputError

SIDES = ["left", "top", "right", "bottom"]
PLACE = ["frame", *SIDES]
# In the order of precedence: a box that breaks several rules is counted under the first.
RULES = ("two classes", "exact duplicate", "near duplicate", "few visible pixels", "tiny")
# Something is there all the same.
UNJUDGED = ("two classes", "few visible pixels", "tiny")
SLACK = 0.01  # pixels by which the order of boxes may be wrong


def find_faults(
    catalog: Catalog,
    *,
    min_visible_pixels: int = 10,
    min_side: float = 3.0,
    near_duplicate_iou: float = 0.9,
) -> pd.DataFrame:
    """One row a faulty box, ignore areas exempt.

    Rules: `two classes`, all boxes of a place in a frame that carries more than one class (nobody
    can tell which is right, so none stays an object, as in the original experiment); `exact
    duplicate`, all boxes of one place and class but the most visible; `near duplicate`, a box that
    another of its class, more visible or, where that is equal or unknown, larger, covers but for a
    sliver (greedy, as in non-maximum suppression: what removes another box stays itself); `few
    visible pixels`, an object of which the data set counts fewer than `min_visible_pixels`; `tiny`,
    a box with a side below `min_side`.

    Args:
        catalog: any catalog.
        min_visible_pixels: fewest pixels of an object that must be seen, where they are counted.
        min_side: shortest width and height of a box in pixels.
        near_duplicate_iou: least intersection over union of near duplicates, above 0; at 1 there
            are none.

    Returns:
        Columns `box` (its index in `catalog.boxes`), `rule`, and the columns of `BOXES`.

    Raises:
        InputError: for a `near_duplicate_iou` out of range.
    """
    if not 0 < near_duplicate_iou <= 1:
        raise InputError(
            f"{near_duplicate_iou} is not above 0 and at most 1",
            where="near_duplicate_iou",
            remedy="Try 0.9",
        )
    objects = np.flatnonzero(~catalog.boxes["ignore"])
    boxes = catalog.boxes[["frame_id", "class", *SIDES, "visible_pixels"]].take(objects)
    # Numbers alone from here on: a million strings are slow to group and to sort.
    table = boxes[SIDES].assign(
        frame=positions(boxes["frame_id"], catalog.frames["frame_id"]),
        kind=pd.factorize(boxes["class"])[0],
        seen=boxes["visible_pixels"].to_numpy(dtype=float, na_value=np.nan),
    )
    broken = dict(zip(RULES, _same_place(table), strict=False))
    once = ~(broken["two classes"] | broken["exact duplicate"])
    broken["near duplicate"] = once & _near(table, once, near_duplicate_iou)
    broken["few visible pixels"] = table["seen"].to_numpy() < min_visible_pixels
    left, top, right, bottom = table[SIDES].to_numpy().T
    broken["tiny"] = np.minimum(right - left, bottom - top) < min_side
    first = np.select([broken[rule] for rule in RULES], range(len(RULES)), default=-1)
    faults = catalog.boxes.take(objects[first >= 0]).rename_axis("box").reset_index()
    faults["rule"] = pd.Series(RULES, dtype="str").take(first[first >= 0]).array
    return faults[["box", "rule", *BOXES.columns]]


def clean(
    catalog: Catalog,
    *,
    min_visible_pixels: int = 10,
    min_side: float = 3.0,
    near_duplicate_iou: float = 0.9,
) -> tuple[Catalog, pd.DataFrame]:
    """The catalog without its faulty objects, and how many went.

    Duplicates vanish. What is too small or hidden to be judged, and a place with two classes (one
    area for all of its boxes), becomes an area to ignore. Every frame stays, with or without boxes.
    Parameters as in `find_faults`.

    Returns:
        The clean catalog; and a table of the objects that it lacks, one row a rule and one column a
        source.
    """
    faults = find_faults(
        catalog,
        min_visible_pixels=min_visible_pixels,
        min_side=min_side,
        near_duplicate_iou=near_duplicate_iou,
    )
    source = catalog.frames.set_index("frame_id")["source"]
    report = pd.crosstab(faults["rule"], faults["frame_id"].map(source)).reindex(
        index=pd.Index(RULES, name="rule"),
        columns=pd.Index(source.unique(), name="source"),
        fill_value=0,
    )
    unjudged = faults[faults["rule"].isin(UNJUDGED)]
    again = (unjudged["rule"] == "two classes") & unjudged.duplicated(["frame_id", *SIDES, "rule"])
    areas = catalog.boxes.index.isin(unjudged.loc[~again, "box"])
    gone = catalog.boxes.index.isin(faults["box"]) & ~areas
    boxes = catalog.boxes.assign(ignore=catalog.boxes["ignore"] | areas)[~gone]
    return Catalog(catalog.frames, boxes, catalog.dropped), report


def _same_place(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Which boxes break the first two rules."""
    # By hash, four times faster; a chance collision is told apart below. -0.0 becomes 0.0.
    shared = pd.util.hash_pandas_object(table[PLACE] + 0.0, index=False).duplicated(keep=False)
    twins = table[shared].sort_values("seen", ascending=False, kind="stable")
    several = twins.groupby(PLACE)["kind"].transform("nunique") > 1
    again = twins.duplicated([*PLACE, "kind"])
    two, exact = (found.reindex(table.index, fill_value=False) for found in (several, again))
    return two.to_numpy(dtype=bool), exact.to_numpy(dtype=bool)


def _near(table: pd.DataFrame, candidates: np.ndarray, least_iou: float) -> np.ndarray:
    """Which of the candidates are near duplicates of another one."""
    places = np.flatnonzero(candidates)
    own = table.iloc[places]
    corners = own[SIDES].to_numpy().T
    group = own["frame"].to_numpy() * (table["kind"].max() + 1) + own["kind"].to_numpy()
    involved, pairs = np.unique(_overlapping(corners, group, least_iou), return_inverse=True)
    left, top, right, bottom = corners[:, involved]
    seen = own["seen"].fillna(-1).to_numpy()[involved]
    best_first = np.lexsort(((left - right) * (bottom - top), -seen))
    rank = np.empty_like(best_first)
    rank[best_first] = np.arange(len(rank))
    better, worse = np.sort(rank[pairs.reshape(2, -1)], axis=0)
    order = np.lexsort((worse, better))
    gone = np.zeros(len(rank), dtype=bool)  # by rank
    for winner, loser in zip(better[order].tolist(), worse[order].tolist(), strict=True):
        gone[loser] |= not gone[winner]
    found = np.zeros(len(table), dtype=bool)
    found[places[involved[best_first[gone]]]] = True
    return found


def _overlapping(corners: np.ndarray, group: np.ndarray, least_iou: float) -> np.ndarray:
    """(2, n) pairs of boxes of one group whose intersection over union is large enough.

    Each box meets those that begin to its right, one more in each round, while they are in reach:
    a million boxes take a few rounds over ever fewer.

    Args:
        corners: (4, n) left, top, right, bottom, pixels.
        group: (n,) whole numbers.
        least_iou: above 0.
    """
    # One number to sort by, ten times faster than two; its rounding stays within the slack.
    order = np.argsort(group * (corners[0].max(initial=0) + 1) + corners[0])
    (left, top, right, bottom), group = corners[:, order], group[order]
    area = (right - left) * (bottom - top)
    # Two boxes that share so much of their hull cannot begin further apart.
    reach = left + (right - left) * (1 - least_iou) / least_iou + SLACK
    first, found = np.arange(len(left)), [np.empty((2, 0), dtype=np.int64)]
    for step in range(1, len(left)):
        first = first[first + step < len(left)]
        second = first + step
        close = (group[second] == group[first]) & (left[second] <= reach[first])
        first, second = first[close], second[close]
        if not len(first):
            break
        width = np.minimum(right[first], right[second]) - np.maximum(left[first], left[second])
        height = np.minimum(bottom[first], bottom[second]) - np.maximum(top[first], top[second])
        shared = width.clip(0) * height.clip(0)
        enough = shared >= least_iou * (area[first] + area[second] - shared)
        found.append(order[np.stack([first, second])[:, enough]])
    return np.concatenate(found, axis=1)
