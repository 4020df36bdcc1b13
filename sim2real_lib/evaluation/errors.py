"""What kind of error costs how much AP, as TIDE sorts and weighs errors.

Bolya, Foley, Hays and Hoffman: TIDE: A General Toolbox for Identifying Object Detection Errors,
ECCV 2020. Counts and dAP are those of their program (tidecv 1.0.1), with two differences. What lies
in an area to ignore is no error, where theirs counts it as one. And the mean is over the classes
that the objects have, as everywhere here; theirs counts a class that is only detected as AP 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import positions
from sim2real_lib.evaluation.ap import box_iou
from sim2real_lib.evaluation.arm_names import arm_of
from sim2real_lib.evaluation.bootstrap import every_frame
from sim2real_lib.evaluation.slices import Slices

FOUND, NEAR = 0.5, 0.1  # overlaps from which an object is found, and from which it was meant
SIDES = ["left", "top", "right", "bottom"]
# A detection is of the first kind that fits.
TRUE, LOCALISATION, CLASSIFICATION, DUPLICATE, BACKGROUND, BOTH, IGNORED = range(7)
OF_DETECTIONS = (
    "true", "localisation", "classification", "duplicate", "background", "both", "ignored",
)  # fmt: skip
ERRORS = ("classification", "localisation", "both", "duplicate", "background", "missed")
SUMS = ("false positive", "false negative")
RECALLS = np.arange(101) / 100  # TIDE's: some differ from `ap.RECALLS` in the last bit


@dataclass(frozen=True)
class Diagnosis:
    """What became of every detection and of every object.

    Attributes:
        detections: the detections in their own order, with kind (one of `OF_DETECTIONS`); object
            (the row in `objects` that it found, or that its error is about, else -1); and mends
            (bool: without its error, it would be the one to find that object).
        objects: the objects in their own order, with found and missed (bool). An object that is not
            found is missed, unless a wrong class or a wrong place accounts for it.
    """

    detections: pd.DataFrame
    objects: pd.DataFrame


def diagnose(detections: pd.DataFrame, objects: pd.DataFrame, classes: Sequence[str]) -> Diagnosis:
    """Sort the detections and objects of all frames into what is right and TIDE's errors.

    An unmatched detection is, by the object that it overlaps most and the first that fits:
    localisation, right class but IoU .1 to .5; classification, IoU at least .5 but another class;
    duplicate, right class and IoU at least .5, but the object is taken by a more confident one;
    background, no IoU above .1; both, what is left: another class, IoU .1 to .5.

    Args:
        detections: one arm's, as `predict` stores them, at whatever confidence; equally confident
            ones of a frame claim in the order of the table.
        objects: frame_id, class, left, top, right, bottom; those to be found.
        classes: detections and objects of other classes are left out.
    """
    ours = detections[positions(detections["class"], pd.Series(classes)) >= 0]
    theirs = objects[positions(objects["class"], pd.Series(classes)) >= 0]
    ours, theirs = ours.reset_index(drop=True), theirs.reset_index(drop=True)
    kind = np.where(ours["ignored"], IGNORED, BACKGROUND).astype(np.int8)
    target = np.full(len(ours), -1)
    mends = np.zeros(len(ours), bool)
    found, blamed = np.zeros((2, len(theirs)), bool)
    boxes = [table[SIDES].to_numpy(float) for table in (ours, theirs)]
    names = [positions(table["class"], pd.Series(classes)) for table in (ours, theirs)]
    ignored = ours["ignored"].to_numpy(bool)
    for here, there in _frames(ours, theirs):
        ious = box_iou(boxes[1][there], boxes[0][here])
        near = ~(ious.max(0) < NEAR)  # all others are background, or ignored, already
        here, ious = here[near], ious[:, near]
        same = names[1][there][:, None] == names[0][here]
        own_kind, own_target, claimed = _sort_frame(ious, same, ignored[here])
        kind[here], found[there] = own_kind, claimed
        target[here] = np.where(own_target >= 0, there[own_target], -1)
        aimed = (own_kind == LOCALISATION) | (own_kind == CLASSIFICATION)
        aimed &= ~claimed[own_target]
        wanted, first = np.unique(own_target[aimed], return_index=True)
        mends[here[np.flatnonzero(aimed)[first]]] = True
        blamed[there[wanted]] = True
    words = pd.Categorical.from_codes(kind, pd.Index(OF_DETECTIONS))
    return Diagnosis(
        ours.assign(kind=words, object=target, mends=mends),
        theirs.assign(found=found, missed=~found & ~blamed),
    )


def error_rows(
    detections: pd.DataFrame, objects: pd.DataFrame, classes: Sequence[str]
) -> pd.DataFrame:
    """Every error by itself: what a picture of it needs.

    Arguments as in `diagnose`; leave out unsure detections first, or there are thousands.

    Returns:
        A row an error: frame_id, kind (one of `ERRORS`), class, confidence (not a number where an
        object is missed), left, top, right, bottom in pixels.
    """
    known = diagnose(detections, objects, classes)
    columns = ["frame_id", "kind", "class", "confidence", *SIDES]
    wrong = known.detections[known.detections["kind"].isin(ERRORS)]
    missed = known.objects[known.objects["missed"]].assign(kind="missed", confidence=np.nan)
    wrong = wrong.assign(kind=wrong["kind"].astype("str"))
    return pd.concat([wrong[columns], missed[columns]], ignore_index=True)


def error_table(
    arms: Mapping[str, pd.DataFrame], objects: pd.DataFrame, slices: Slices, classes: Sequence[str]
) -> pd.DataFrame:
    """How often each error is made in each slice, and what AP would gain without it.

    Args:
        arms: arm or "<arm>-seed<n>" -> its detections; an arm's seeds are averaged.
        objects, classes: as in `diagnose`.
        slices: name -> frame ids.

    Returns:
        Rows (arm, slice, error), errors those of `ERRORS` and their `SUMS`: count; per_image; dap,
        by how much the mean AP@0.5 would rise if this error alone were mended, 0 to 1. The gains of
        several errors do not add up to that of mending them all. AP is TIDE's: COCO's 101 points.
        Counts depend on the least confidence that was stored, dap hardly does.
    """
    rows: dict[tuple[str, str, str], tuple[float, ...]] = {}
    frames = every_frame(slices).to_series()
    for name, found in arms.items():
        ours, theirs = _coded(diagnose(found, objects, classes), frames, classes)
        for slice_, frame_ids in slices.items():
            within = np.zeros(len(frames) + 1, bool)  # the last is for frames of no slice, at -1
            within[positions(pd.Series(frame_ids), frames)] = True
            here, there = (table[within[table["frame"]]] for table in (ours, theirs))
            counts, gains = _counts(here, there), _gains(here, there, len(classes))
            for error in (*ERRORS, *SUMS):
                count = counts[error]
                per_image = count / len(frame_ids) if len(frame_ids) else np.nan
                rows[name, slice_, error] = (count, per_image, gains[error])
    index = pd.MultiIndex.from_tuples(rows, names=["arm", "slice", "error"])
    table = pd.DataFrame(list(rows.values()), index, ["count", "per_image", "dap"], float)
    arm = [arm_of(name) or name for name in index.get_level_values("arm")]
    keys = [arm, index.get_level_values("slice"), index.get_level_values("error")]
    return table.groupby(keys, sort=False).mean().rename_axis(index.names)


def _frames(ours: pd.DataFrame, theirs: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rows of each frame that has both detections, most confident first, and objects."""
    frame_ids = pd.Series(theirs["frame_id"].unique())
    at = [positions(table["frame_id"], frame_ids) for table in (ours, theirs)]
    orders = [np.lexsort((-ours["confidence"].to_numpy(), at[0])), at[1].argsort(kind="stable")]
    ends = [
        np.searchsorted(places[order], np.arange(len(frame_ids) + 1))
        for places, order in zip(at, orders, strict=True)
    ]
    here, there = (
        [order[low:high] for low, high in pairwise(end)]
        for order, end in zip(orders, ends, strict=True)
    )
    return [(ours, theirs) for ours, theirs in zip(here, there, strict=True) if len(ours)]


def _sort_frame(
    ious: np.ndarray, same: np.ndarray, ignored: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One frame's verdicts.

    Args:
        ious: (m, n) overlap of m objects and n detections, the latter most confident first.
        same: (m, n) whether their classes are the same.
        ignored: (n,) whether a detection, if unmatched, is no error.

    Returns:
        kind (n,); the object that each detection found or is about, or -1 (n,); and which objects
        are found (m,).
    """
    own, others = np.where(same, ious, 0), np.where(same, 0, ious)
    kind, target = np.full(ious.shape[1], BOTH, np.int8), np.full(ious.shape[1], -1)
    free = np.ones(len(ious), bool)
    for n in np.flatnonzero((own >= FOUND).any(0)):  # as `matching` does
        available = np.where(free, own[:, n], 0)
        best = available.argmax()
        if available[best] >= FOUND:
            free[best], target[n], kind[n] = False, best, TRUE
    nearest, most = own.argmax(0), own.max(0)
    taken = np.where(free[:, None], 0, own)
    fits = {
        TRUE: (kind == TRUE, target),
        IGNORED: (ignored, -1),
        LOCALISATION: ((most >= NEAR) & (most <= FOUND), nearest),
        CLASSIFICATION: (others.max(0) >= FOUND, others.argmax(0)),
        DUPLICATE: (taken.max(0) >= FOUND, taken.argmax(0)),
        BACKGROUND: (ious.max(0) <= NEAR, -1),
    }
    kind, target = np.full_like(kind, BOTH), np.full_like(target, -1)
    for code, (fit, about) in reversed(fits.items()):  # of several that fit the first stays
        kind, target = np.where(fit, np.int8(code), kind), np.where(fit, about, target)
    return kind, target, ~free


def _coded(
    known: Diagnosis, frames: pd.Series, classes: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What counts, in numbers, which are fast to select: detections, most confident first, without
    those that are ignored (frame, label, aimed: the class of their object, kind, mends); and
    objects (frame, label, found, missed)."""
    ours, theirs = known.detections, known.objects
    frame, label = (
        [positions(table[column], of) for table in (ours, theirs)]
        for column, of in (("frame_id", frames), ("class", pd.Series(classes)))
    )
    target = ours["object"].to_numpy()
    aimed = np.append(label[1], -1)[target]
    objects = theirs[["found", "missed"]].assign(frame=frame[1], label=label[1])
    kind = ours["kind"].cat.codes.to_numpy()
    order = np.argsort(-ours["confidence"].to_numpy(), kind="stable")
    order = order[kind[order] != IGNORED]
    columns = {"frame": frame[0], "label": label[0].astype(np.int16)}
    columns |= {"aimed": aimed.astype(np.int16), "kind": kind, "mends": ours["mends"].to_numpy()}
    return pd.DataFrame({name: values[order] for name, values in columns.items()}), objects


def _counts(detections: pd.DataFrame, objects: pd.DataFrame) -> dict[str, int]:
    kinds = np.bincount(detections["kind"], minlength=len(OF_DETECTIONS))
    counts = {error: int(kinds[OF_DETECTIONS.index(error)]) for error in ERRORS[:-1]}
    counts["false positive"] = sum(counts.values())
    counts["missed"] = int(objects["missed"].sum())
    counts["false negative"] = int((~objects["found"]).sum())
    return counts


def _gains(ranked: pd.DataFrame, objects: pd.DataFrame, classes: int) -> dict[str, float]:
    """What the mean AP would gain if each error were mended.

    A wrong class or place is mended for the most confident one that is about an object that nothing
    finds; all other false positives go away. A missed object need not be found any more.

    Args:
        ranked, objects: from `_coded`.
        classes: how many.
    """
    label, aimed, kind, mends = (
        ranked[column].to_numpy() for column in ("label", "aimed", "kind", "mends")
    )
    sought = objects["label"].to_numpy()
    missed, found = objects["missed"].to_numpy(), objects["found"].to_numpy()
    present = np.flatnonzero(np.bincount(sought, minlength=classes))
    true = kind == TRUE

    def mean_ap(kept: np.ndarray, mended: np.ndarray, spared: np.ndarray) -> float:
        own_label, correct = np.where(mended, aimed, label)[kept], (true | mended)[kept]
        counts = np.bincount(sought[~spared], minlength=classes)
        aps = []
        for code in present:
            own = correct[own_label == code]
            if counts[code] or len(own):  # a class of which nothing is left has no AP
                aps.append(_average_precision(own, counts[code]))
        return float(np.mean(aps)) if aps else np.nan

    all_of, none = np.ones(len(ranked), bool), np.zeros(len(ranked), bool)
    nothing = np.zeros(len(objects), bool)
    start = mean_ap(all_of, none, nothing)
    gains = {}
    for error in ERRORS[:-1]:
        own = kind == OF_DETECTIONS.index(error)
        gains[error] = mean_ap(~own | mends, own & mends, nothing) - start
    gains["missed"] = mean_ap(all_of, none, missed) - start
    gains["false positive"] = mean_ap(true, none, nothing) - start
    gains["false negative"] = mean_ap(all_of, none, ~found) - start
    return {error: max(gain, 0.0) if gain == gain else np.nan for error, gain in gains.items()}


def _average_precision(correct: np.ndarray, count: int) -> float:
    """COCO's AP of (n,) detections, most confident first: the mean of 101 precisions."""
    hits = np.flatnonzero(correct)
    if not count or not len(hits):
        return 0.0
    found = np.arange(1, len(hits) + 1)
    # Precision never falls between two true positives, so these are all that is needed.
    envelope = np.maximum.accumulate((found / (hits + 1))[::-1])[::-1]
    places = np.searchsorted(found / count, RECALLS)
    return float(np.append(envelope, 0)[places].mean())
