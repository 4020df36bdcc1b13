"""Which frames an arm gained most on, against the baseline, and which it lost most on.

A frame's change is its part in the gain in mean AP@0.5. All parts add up to the gain, so nothing is
left unexplained or counted twice, and no confidence has to be chosen. (A frame's own F1 would be
ruled by frames with one object, the number of its errors by crowded ones, and both by the
confidence.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import belongs, positions
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.ap import rank
from sim2real_lib.evaluation.arm_names import BASELINE, arm_of

COUNTS = ["true", "false", "missed"]


def changes(
    arms: Mapping[str, pd.DataFrame],
    objects: pd.DataFrame,
    frame_ids: pd.Index,
    classes: Sequence[str],
    *,
    arm: str,
    baseline: str = BASELINE,
) -> pd.DataFrame:
    """What each frame adds to an arm's gain over the baseline.

    AP is the mean of the precisions at the ranks of the true positives, not interpolated. Both
    arms' detections are valued on one curve, halfway between the two: a true positive earns the
    precision at its rank and a share in what it lifts from there on, a false one pays for what it
    lowers, the more the higher its rank. A frame that looks the same to both arms so changes
    nothing, whatever they do elsewhere. These values are Aumann and Shapley's (Values of Non-Atomic
    Games, 1974) on the way from the baseline's detections to the arm's, rank by rank; AP is
    quadratic along it, which makes the values halfway add up exactly.

    Args:
        arms: arm or "<arm>-seed<n>" -> its detections, as `predict` stores them; where there are
            several seeds, the mean over all pairs.
        objects: those to be found: frame_id, class.
        frame_ids: the frames that the mean AP is of.
        classes: the mean is over those that these frames have.
        arm, baseline: which two to compare.

    Returns:
        A row a frame, the one that gained most first: frame_id; before and after, what the two
        arms' detections in it are worth, parts of the mean AP; change, their difference, whose sum
        over the frames is the gain; and true_before, true_after, false_before, false_after,
        missed_before, missed_after, how many detections and objects at each arm's
        `best_confidence`.

    Raises:
        InputError: when one of the two arms is not there, or no frame has an object.
    """
    sides = []
    for which in (baseline, arm):
        own = [arms[name] for name in arms if which in (name, arm_of(name))]
        if not own:
            raise InputError(f"there are no detections of arm {which!r}")
        sides.append([_ranked(found, objects, frame_ids, classes) for found in own])
    if not len(sides[0][0].objects):
        raise InputError(f"no frame has an object of class {', '.join(classes)}")
    worth = np.mean([_worth(before, after) for before, after in product(*sides)], axis=0)
    counts = [np.mean([_counts(one) for one in side], axis=0) for side in sides]
    numbers = {
        f"{name}_{when}": count[:, place]
        for place, name in enumerate(COUNTS)
        for when, count in zip(("before", "after"), counts, strict=True)
    }
    parts = {"before": worth[0], "after": worth[1], "change": worth[1] - worth[0]}
    table = pd.DataFrame({"frame_id": frame_ids, **parts, **numbers})
    return table.sort_values("change", ascending=False, kind="stable", ignore_index=True)


def best_confidence(
    detections: pd.DataFrame, objects: pd.DataFrame, frame_ids: pd.Index, classes: Sequence[str]
) -> float:
    """The confidence from which up the detections of all classes together have the best F1.

    Arguments as in `changes`, of one arm and seed.

    Returns:
        0 to 1; 1 where nothing is detected.
    """
    return _best_confidence(_ranked(detections, objects, frame_ids, classes))


@dataclass(frozen=True)
class _Ranked:
    """One arm and seed on the frames that are compared.

    Attributes:
        frames: how many.
        confidence, label, correct, at: (n,) of each detection that counts, most confident first;
            its class and frame as numbers.
        objects: (m, 2) class and frame of each object.
    """

    frames: int
    confidence: np.ndarray
    label: np.ndarray
    correct: np.ndarray
    at: np.ndarray
    objects: np.ndarray


def _ranked(
    detections: pd.DataFrame, objects: pd.DataFrame, frame_ids: pd.Index, classes: Sequence[str]
) -> _Ranked:
    known = pd.Series(frame_ids)
    ours, theirs = (table[belongs(table["frame_id"], known)] for table in (detections, objects))
    present = pd.Series([name for name in classes if (theirs["class"] == name).any()], dtype="str")
    ours, theirs = (table[belongs(table["class"], present)] for table in (ours, theirs))
    found = rank(ours)
    label, at = positions(found["class"], present), positions(found["frame_id"], known)
    there = positions(theirs["class"], present), positions(theirs["frame_id"], known)
    confidence, correct = found["confidence"].to_numpy(), found["correct"].to_numpy(bool)
    return _Ranked(len(known), confidence, label, correct, at, np.stack(there, axis=1))


def _best_confidence(found: _Ranked) -> float:
    if not len(found.correct):
        return 1.0
    everything = np.arange(1, len(found.correct) + 1) + len(found.objects)
    return float(found.confidence[(2 * found.correct.cumsum() / everything).argmax()])


def _counts(found: _Ranked) -> np.ndarray:
    """(f, 3) true and false detections and missed objects of each frame, of `COUNTS`."""
    sure = found.confidence >= _best_confidence(found)
    true, false, there = (
        np.bincount(places, minlength=found.frames)
        for places in (
            found.at[sure & found.correct], found.at[sure & ~found.correct], found.objects[:, 1]
        )
    )  # fmt: skip
    return np.stack([true, false, there - true], axis=1)


def _worth(before: _Ranked, after: _Ranked) -> np.ndarray:
    """(2, f) what the two arms' detections in each frame are worth, see `changes`."""
    worth = np.zeros((2, before.frames))
    sought = np.bincount(before.objects[:, 0])
    for label, count in enumerate(sought):
        lists = [own.label == label for own in (before, after)]
        size = max(int(own.sum()) for own in lists)
        correct = np.zeros((2, size), bool)
        for side, found, own in zip(correct, (before, after), lists, strict=True):
            side[: own.sum()] = found.correct[own]
        ranks = np.arange(1, size + 1)
        precision = correct.cumsum(1).mean(0) / ranks
        # What weight on a detection does to the precisions from its rank on, at the true positives.
        lifted, lowered = (
            (correct.mean(0) / ranks * change)[::-1].cumsum()[::-1]
            for change in (1 - precision, precision)
        )
        values = np.where(correct, precision + lifted, -lowered) / count
        for total, value, found, own in zip(worth, values, (before, after), lists, strict=True):
            total += np.bincount(found.at[own], value[: own.sum()], before.frames)
            # The shorter list goes on with false detections of no frame: each bears its part.
            total += value[own.sum() :].sum() / before.frames
    return worth / len(sought)
