"""Whole tables of detections matched with their objects, in either convention of `ap`.

Within a frame and class, detections claim in order of confidence. Frames do not depend on each
other, so all frames' first candidates claim at once, then all second ones, and so on.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import positions
from sim2real_lib.evaluation.ap import IG, IOUS, TP, Convention, inside

SIDES = ["left", "top", "right", "bottom"]
COCO_IOUS = np.linspace(0.5, 0.95, 10)
COCO_MOST = 100  # detections of a class in an image that COCO looks at
CHUNK = 2_000_000  # pairs of boxes held at once


def match_tables(
    detections: pd.DataFrame,
    objects: pd.DataFrame,
    areas: pd.DataFrame,
    classes: Sequence[str],
    *,
    convention: Convention = "ultralytics",
    off_slice: np.ndarray | None = None,
    outside: np.ndarray | None = None,
    most: int = COCO_MOST,
) -> pd.DataFrame:
    """Which detections are right, which wrong and which neither, at each threshold.

    `ultralytics` matches once whatever the slice, and a detection that claimed an object off it is
    neither. `coco` is COCOeval: an object on the slice is preferred to one off it.

    Args:
        detections: frame_id, class, confidence, left, top, right, bottom (pixels); for equal
            confidences the order of the rows decides.
        objects: frame_id, class, left, top, right, bottom.
        areas: the same: areas to ignore, for every class.
        classes: the classes of detections and objects; others match nothing.
        convention: see `ap`.
        off_slice: (objects,) boolean: tolerated, neither to be found nor wrong to be found.
        outside: (detections,) boolean: unmatched, these are no errors; COCO's area rule.
        most: detections of a class in an image that `coco` looks at, the most confident ones.

    Returns:
        the detections with boolean columns `TP`, `IG` (neither right nor wrong at this threshold)
        and `ignored`: an area to ignore accounts for it (`ap.inside`), for unmatched ones.
    """
    pairs = pair(detections, objects, areas, classes, convention=convention, most=most)
    judged = outcome(pairs, off_slice=off_slice, outside=outside)
    correct = np.zeros((len(detections), len(IOUS)), bool)
    correct[judged.rows] = judged.correct
    neither = np.repeat(judged.excused[:, None], len(IOUS), axis=1)
    neither[judged.rows] = judged.neither
    table = np.column_stack([correct, pairs.excused, neither])
    kept = detections.drop(columns=[*TP, *IG, "ignored"], errors="ignore")
    return kept.join(pd.DataFrame(table, columns=[*TP, "ignored", *IG], index=kept.index))


@dataclass(frozen=True)
class Pairs:
    """Detections, and the objects and areas that each may claim: overlap of at least .5.

    Attributes:
        convention: of `ap`.
        detections: number of detections, n.
        objects: number of objects, m; areas follow them in `target`.
        areas: number of areas.
        detection: (p,) row of the detection.
        target: (p,) row of the object, or m + row of the area.
        overlap: (p,) intersection over union; for an area over the detection.
        turn: (p,) how many candidates of its frame and class claim before the detection.
        excused: (n,) boolean: `inside` an area to ignore, whatever the convention.
        beyond: (n,) boolean: too many of a class in an image, and not looked at.
    """

    convention: Convention
    detections: int
    objects: int
    areas: int
    detection: np.ndarray
    target: np.ndarray
    overlap: np.ndarray
    turn: np.ndarray
    excused: np.ndarray
    beyond: np.ndarray


def pair(
    detections: pd.DataFrame,
    objects: pd.DataFrame,
    areas: pd.DataFrame,
    classes: Sequence[str],
    *,
    convention: Convention = "ultralytics",
    most: int = COCO_MOST,
) -> Pairs:
    """What each detection may claim, whatever the slice; arguments as in `match_tables`."""
    coco = convention == "coco"
    names = pd.Series(classes, dtype="str")
    known = pd.Series(detections["frame_id"].unique(), dtype="str")
    tables = (detections, objects, areas)
    frames, object_frames, area_frames = (positions(table["frame_id"], known) for table in tables)
    kinds, object_kinds = (positions(table["class"], names) for table in tables[:2])
    keys = _keys(frames, kinds, len(names))
    object_keys = _keys(object_frames, object_kinds, len(names))
    boxes, object_boxes, area_boxes = (
        table[SIDES].to_numpy(float if coco else np.float32) for table in tables
    )
    confidence = detections["confidence"].to_numpy()
    beyond = _beyond(keys, confidence, most) if coco else np.zeros(len(keys), bool)
    keys = np.where(beyond, -1, keys)
    found = [_meet(boxes, keys, object_boxes, object_keys, crowd=False, eps=0 if coco else 1e-7)]
    if coco:
        looked_at = np.where(beyond | (kinds < 0), -1, frames)
        detection, target, overlap = _meet(
            boxes, looked_at, area_boxes, area_frames, crowd=True, eps=0
        )
        found.append((detection, target + len(objects), overlap))
    detection, target, overlap = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Pairs(
        convention,
        len(detections),
        len(objects),
        len(areas),
        detection,
        target,
        overlap,
        _turns(detection, keys, confidence),
        _excused(boxes, frames, area_boxes, area_frames),
        beyond,
    )


@dataclass(frozen=True)
class Outcome:
    """What became of n detections at each of t thresholds.

    Attributes:
        rows: (k,) those that are right somewhere, and others that had something to claim.
        correct: (k, t) boolean.
        neither: (k, t) boolean: neither right nor wrong.
        excused: (n,) boolean: all other rows are wrong, but for these, which are neither.
    """

    rows: np.ndarray
    correct: np.ndarray
    neither: np.ndarray
    excused: np.ndarray


def outcome(
    pairs: Pairs, *, off_slice: np.ndarray | None = None, outside: np.ndarray | None = None
) -> Outcome:
    """What is right, wrong and neither; arguments as in `match_tables`."""
    off = np.ones(pairs.objects + pairs.areas, bool)
    off[: pairs.objects] = False if off_slice is None else off_slice
    excused = pairs.beyond if pairs.convention == "coco" else pairs.excused
    if outside is not None:
        excused = excused | outside
    rows, claimed = claim(pairs, off)
    made, tolerated = claimed >= 0, np.append(off, False)[claimed]
    neither = np.where(made, tolerated, excused[rows, None])
    return Outcome(rows, made & ~tolerated, neither, excused)


def claim(pairs: Pairs, off: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What each detection claims at each threshold.

    Args:
        pairs: from `pair`.
        off: (objects + areas,) boolean: what does not count; in `coco`, claimed only where nothing
            else is left.

    Returns:
        (k,) rows of the detections that have a candidate, and (k, 10) which object (or, counted on
        from the objects, area) they claim; -1 where none.
    """
    coco = pairs.convention == "coco"
    thresholds = COCO_IOUS if coco else IOUS
    # What a detection likes best is the same at every threshold: only what is free differs.
    first = -pairs.target if coco else pairs.target
    later = off[pairs.target] & coco
    order = np.lexsort((first, -pairs.overlap, later, pairs.detection, pairs.turn))
    detection, target, overlap = (
        part[order] for part in (pairs.detection, pairs.target, pairs.overlap)
    )
    starts = np.flatnonzero(np.diff(detection, prepend=-1))  # of each detection's candidates
    rows, claimed = detection[starts], np.full((len(starts), len(thresholds)), -1)
    free = np.ones((len(off), len(thresholds)), bool)
    turns = pairs.turn[order][starts]
    ends = np.append(starts, len(target))
    for low, high in _runs(turns):
        begin, end = ends[low], ends[high]
        here = np.append(target[begin:end], -1)
        fits = (overlap[begin:end, None] >= thresholds) & free[here[:-1]]
        place = np.where(fits, np.arange(end - begin)[:, None], end - begin)
        best = here[np.minimum.reduceat(place, starts[low:high] - begin, axis=0)]
        claimed[low:high] = best
        taken, threshold = np.nonzero((best >= 0) & (best < pairs.objects))  # areas stay free
        free[best[taken, threshold], threshold] = False
    return rows, claimed


def _keys(frames: np.ndarray, kinds: np.ndarray, count: int) -> np.ndarray:
    """One number for each frame and class, -1 where either is unknown."""
    return np.where((frames < 0) | (kinds < 0), -1, frames.astype(np.int64) * count + kinds)


def _beyond(keys: np.ndarray, confidence: np.ndarray, most: int) -> np.ndarray:
    """Which detections are not among the most confident ones of their key."""
    size = np.append(np.bincount(keys[keys >= 0]), 0)
    rows = np.flatnonzero(size[keys] > most)
    beyond = np.zeros(len(keys), bool)
    beyond[rows] = _place_in_group(keys[rows], confidence[rows]) >= most
    return beyond


def _turns(detection: np.ndarray, keys: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    rows, pair_of = np.unique(detection, return_inverse=True)
    return _place_in_group(keys[rows], confidence[rows])[pair_of]


def _place_in_group(keys: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """How many of the same key come before, the most confident first."""
    order = np.lexsort((-confidence, keys))
    starts = np.flatnonzero(np.diff(keys[order], prepend=-2))
    size = np.diff(np.append(starts, len(keys)))
    place = np.empty(len(keys), int)
    place[order] = np.arange(len(keys)) - np.repeat(starts, size)
    return place


def _runs(values: np.ndarray) -> list[tuple[int, int]]:
    """Beginnings and ends of runs of equal values."""
    edges = [*np.flatnonzero(np.diff(values, prepend=-1)).tolist(), len(values)]
    return list(itertools.pairwise(edges))


def _meet(
    boxes: np.ndarray,
    keys: np.ndarray,
    others: np.ndarray,
    other_keys: np.ndarray,
    *,
    crowd: bool,
    eps: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of one key that overlap by at least the lowest threshold.

    Args:
        boxes: (n, 4), the detections.
        keys: (n,), -1 meets nothing.
        others: (m, 4).
        other_keys: (m,), likewise.
        crowd: divide by the detection's area instead of the union.
        eps: added to the union.

    Returns:
        (p,) rows of `boxes`, (p,) rows of `others`, (p,) overlaps.
    """
    usable = np.flatnonzero(other_keys >= 0)
    sorted_others = usable[np.argsort(other_keys[usable], kind="stable")]
    size = np.bincount(other_keys[usable], minlength=keys.max(initial=0) + 1)
    size = np.append(size, 0)  # for -1
    count, start = size[keys], (np.cumsum(size) - size)[keys]
    total = np.cumsum(count)
    last = int(total[-1]) if len(total) else 0
    edges = np.searchsorted(total, np.arange(CHUNK, last, CHUNK)) + 1
    found = [(np.empty(0, int), np.empty(0, int), np.empty(0, boxes.dtype))]
    for low, high in zip([0, *edges], [*edges, len(keys)], strict=True):
        each = count[low:high]
        row = np.repeat(np.arange(low, high), each)
        step = np.arange(len(row)) - np.repeat(np.cumsum(each) - each, each)
        other = sorted_others[np.repeat(start[low:high], each) + step]
        a, b = boxes[row], others[other]
        width = (np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])).clip(0)
        height = (np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])).clip(0)
        shared, area = width * height, (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
        whole = area if crowd else area + (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) - shared + eps
        # Most pairs do not touch, and some boxes have no area to divide by.
        touching = np.flatnonzero(shared > 0)
        overlap = shared[touching] / whole[touching]
        enough = overlap >= 0.5
        kept = touching[enough]
        found.append((row[kept], other[kept], overlap[enough]))
    row, other, overlap = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return row, other, overlap


def _excused(
    boxes: np.ndarray, frames: np.ndarray, areas: np.ndarray, area_frames: np.ndarray
) -> np.ndarray:
    """Which detections are `inside` an area of their frame."""
    excused = np.zeros(len(boxes), bool)
    rows_of, areas_of = (pd.Series(each).groupby(each).indices for each in (frames, area_frames))
    for frame in areas_of.keys() & rows_of.keys() - {-1}:
        excused[rows_of[frame]] = inside(boxes[rows_of[frame]], areas[areas_of[frame]])
    return excused
