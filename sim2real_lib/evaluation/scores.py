"""Every score of every arm in every slice, from one set of detections an arm."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from sim2real_lib.catalog.summary import occluded_per_frame
from sim2real_lib.catalog.tables import belongs, positions
from sim2real_lib.evaluation import slices
from sim2real_lib.evaluation.ap import TP, Convention, area_under, by_confidence
from sim2real_lib.evaluation.matching import Outcome, claim, outcome, pair

ALL = "all"
KINDS = [
    "occlusion", "occlusion bin", "weather", "time of day", "box size", "truncation", "occluded",
]  # fmt: skip
MEASURES = ["map50", "map50_95", "precision", "recall"]
CONFIDENCES = np.linspace(0, 1, 1000)  # at which ultralytics looks for the best F1
SMOOTHING = 101  # of them, in its moving mean


def scores(
    arms: Mapping[str, pd.DataFrame],
    objects: pd.DataFrame,
    areas: pd.DataFrame,
    frames: pd.DataFrame,
    classes: Sequence[str],
    *,
    thresholds: Sequence[int] = (5, 10),
    occluded: pd.Series | None = None,
    sides: tuple[float, float] = slices.COCO_SIDES,
    kinds: Collection[str] = KINDS,
    convention: Convention = "ultralytics",
) -> pd.DataFrame:
    """What each arm scores, by occlusion, weather, time of day, box size and truncation.

    In `ultralytics` the stored matches serve all slices of frames. In `coco` the detections are
    matched anew from their boxes, once an arm and once a slice of objects.

    Args:
        arms: arm -> its detections, as `predict` stores them; looked at one after the other.
        objects, areas: what is to be found and where to ignore, as `predict` stores them; those of
            other frames do not count.
        frames: the catalog's frames that are tested on.
        classes: which classes to report.
        thresholds: upper ends of the occlusion bins.
        occluded: frame id -> number of occluded objects; None counts those among `objects`.
        sides: see `slices.by_box_size`.
        kinds: which of `KINDS` to slice by.
        convention: see `ap`.

    Returns:
        A row an arm, kind, slice and class that the slice has, then one of class "all", the mean
        over them, as in the original experiment. Columns arm, kind, slice, class; images and
        objects (counts); map50 and map50_95 (AP at IoU .5 and its mean from .5 to .95), precision
        and recall (at IoU .5 and the confidence with the best mean F1, as ultralytics reports
        them), all 0 to 1, and not numbers where a slice has no object.
    """
    frame_ids = frames["frame_id"].reset_index(drop=True)
    own = belongs(objects["frame_id"], frame_ids) & objects["class"].isin(classes)
    objects = objects[own].reset_index(drop=True)
    if occluded is None:
        flagged = objects if "occluded" in objects else objects.assign(occluded=False)
        counts = occluded_per_frame(frames, flagged.assign(ignore=False))
        occluded = pd.Series(counts, pd.Index(frame_ids))
    of_frames = {
        "occlusion": slices.by_occlusion(occluded, thresholds),
        "occlusion bin": slices.by_occlusion_bin(occluded, thresholds),
        "weather": slices.by_weather(frames),
        "time of day": slices.by_time_of_day(frames),
    }
    of_objects = {
        "box size": slices.by_box_size(objects, sides),
        "truncation": slices.by_truncation(objects),
        "occluded": slices.by_occluded(objects),
    }
    of_frames = {kind: own for kind, own in of_frames.items() if kind in kinds}
    of_objects = {kind: own for kind, own in of_objects.items() if kind in kinds}
    parts = []
    for arm, detections in arms.items():
        matched = _Matched(detections, objects, areas, frame_ids, classes, convention)
        done: dict[bytes, pd.DataFrame] = {}  # many a slice is all frames
        for kind, by_name in of_frames.items():
            for name, ids in by_name.items():
                member = belongs(frame_ids, ids.to_series()).to_numpy()
                if (key := member.tobytes()) not in done:
                    done[key] = matched.in_frames(member)
                parts.append(done[key].assign(arm=arm, kind=kind, slice=name))
        for kind, chosen in of_objects.items():
            for name, one in chosen.items():
                parts.append(matched.on_slice(one).assign(arm=arm, kind=kind, slice=name))
    columns = ["arm", "kind", "slice", "class", "images", "objects", *MEASURES]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def ap_per_class(
    confidence: np.ndarray,
    labels: np.ndarray,
    correct: np.ndarray,
    neither: np.ndarray,
    counts: np.ndarray,
    convention: Convention = "ultralytics",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """AP, precision and recall of each class, as ultralytics' `ap_per_class` has them.

    Precision and recall are at IoU .5 and the one confidence, of 1,000 from 0 to 1, at which the
    mean F1 over the classes present, smoothed, is highest. pycocotools has no such numbers; in
    `coco` they are the same from COCO's matches.

    Args:
        confidence: (n,) 0 to 1, float32 as detectors give it.
        labels: (n,) number of the class.
        correct: (n, t) boolean, the first threshold being IoU .5.
        neither: (n, t) boolean: neither right nor wrong.
        counts: (c,) objects of each class.

    Returns:
        (c, t) AP, (c,) precision, (c,) recall; not numbers for a class without an object.
    """
    rows = np.flatnonzero((correct | neither).any(1))
    outcome = Outcome(rows, correct[rows], neither[rows], np.zeros(len(labels), bool))
    order = by_confidence(confidence, convention)
    return _judge(order, confidence, labels, outcome, counts, convention)


class _Matched:
    """An arm's detections as arrays, and what they matched."""

    def __init__(
        self,
        detections: pd.DataFrame,
        objects: pd.DataFrame,
        areas: pd.DataFrame,
        frame_ids: pd.Series,
        classes: Sequence[str],
        convention: Convention,
    ) -> None:
        names = pd.Series(classes, dtype="str")
        frames = positions(detections["frame_id"], frame_ids)
        if (frames < 0).any():
            detections, frames = detections[frames >= 0], frames[frames >= 0]
        self.detections, self.frames = detections, frames
        self.labels = positions(detections["class"], names).astype(np.int16)
        self.confidence = detections["confidence"].to_numpy()
        self.area = slices.area(detections)
        self.object_frames = positions(objects["frame_id"], frame_ids)
        self.object_labels = positions(objects["class"], names)
        self.images, self.classes, self.convention = len(frame_ids), list(classes), convention
        self.everywhere = by_confidence(self.confidence, convention)
        if convention == "coco":
            self.pairs = pair(detections, objects, areas, classes, convention=convention)
            self.outcome = outcome(self.pairs)
            return
        correct, ignored = detections[TP].to_numpy(bool), detections["ignored"].to_numpy(bool)
        # What is right somewhere claimed an object. These are few, and quickly matched again.
        hits = np.flatnonzero(correct.any(1))
        correct = correct[hits]
        self.outcome = Outcome(hits, correct, ~correct & ignored[hits, None], ignored)
        pairs = pair(detections.iloc[hits], objects, areas.iloc[:0], classes)
        rows, claimed = claim(pairs, np.zeros(len(objects), bool))
        self.claimed = np.full(correct.shape, -1)
        self.claimed[rows] = claimed

    def in_frames(self, member: np.ndarray) -> pd.DataFrame:
        """The scores over some of the frames, (frames,) boolean."""
        order = self.everywhere
        if not member.all():
            rows = np.flatnonzero(member[self.frames])
            order = rows[by_confidence(self.confidence[rows], self.convention)]
        labels = self.object_labels[member[self.object_frames]]
        return self._table(order, self.outcome, labels, int(member.sum()))

    def on_slice(self, one: slices.ObjectSlice) -> pd.DataFrame:
        """The scores over some of the objects, in all frames."""
        off, outside = ~one.members, one.outside(self.area)
        if self.convention == "coco":
            judged = outcome(self.pairs, off_slice=off, outside=outside)
        else:
            all_of_them, excused = self.outcome, self.outcome.excused | outside
            tolerated = np.append(off, False)[self.claimed]  # False for -1, which is nothing
            neither = np.where(all_of_them.correct, tolerated, excused[all_of_them.rows, None])
            correct = all_of_them.correct & ~tolerated
            judged = Outcome(all_of_them.rows, correct, neither, excused)
        labels = self.object_labels[one.members]
        return self._table(self.everywhere, judged, labels, self.images)

    def _table(
        self,
        order: np.ndarray,
        judged: Outcome,
        object_labels: np.ndarray,
        images: int,
    ) -> pd.DataFrame:
        counts = np.bincount(object_labels, minlength=len(self.classes))
        ap, precision, recall = _judge(
            order, self.confidence, self.labels, judged, counts, self.convention
        )
        here = np.flatnonzero(counts)
        ap, precision, recall = ap[here], precision[here], recall[here]
        table = pd.DataFrame(
            {
                "class": [*(self.classes[label] for label in here), ALL],
                "images": images,
                "objects": [*counts[here], counts.sum()],
            }
        )
        if not len(here):
            return table.assign(**dict.fromkeys(MEASURES, np.nan))
        mean = [ap[:, 0].mean(), ap.mean(), precision.mean(), recall.mean()]
        values = [*zip(ap[:, 0], ap.mean(1), precision, recall, strict=True), mean]
        return table.join(pd.DataFrame(values, columns=MEASURES))


def _judge(
    order: np.ndarray,
    confidence: np.ndarray,
    labels: np.ndarray,
    outcome: Outcome,
    counts: np.ndarray,
    convention: Convention,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`ap_per_class` of the rows in `order`, most confident first.

    Of many detections few are right; the others matter by their number and confidence alone.
    """
    thresholds = outcome.correct.shape[1]
    ap = np.full((len(counts), thresholds), np.nan)
    at_confidence = np.full((2, len(counts), len(CONFIDENCES)), np.nan)  # precision, recall
    special, place = np.zeros((2, len(labels)), bool), np.zeros(len(labels), np.int32)
    special[0, outcome.rows], place[outcome.rows] = True, np.arange(len(outcome.rows))
    special[1] = outcome.excused & ~special[0]
    ordered = labels[order]
    for label in np.flatnonzero(counts):
        rows = order[ordered == label]
        candidates, excused = (np.flatnonzero(each[rows]) for each in special)
        own = place[rows[candidates]]
        correct, neither = outcome.correct[own], outcome.neither[own]
        passed = candidates + 1 - np.searchsorted(excused, candidates)
        for t in reversed(range(thresholds)):
            ranks = (passed - np.cumsum(neither[:, t]))[correct[:, t]]
            ap[label, t] = area_under(ranks, counts[label], convention)
        # The ranks are now those of the first threshold.
        left_out = np.concatenate([excused, candidates[neither[:, 0]]])
        counted = confidence[np.delete(rows, left_out) if len(left_out) else rows]
        at_confidence[:, label] = _curves(counted, ranks, counts[label])
    present = counts > 0
    precision, recall = at_confidence
    if present.any():
        p, r = precision[present], recall[present]
        mean_f1 = (2 * p * r / (p + r + 1e-16)).mean(0)
        best = _smooth(mean_f1).argmax()
        return ap, precision[:, best], recall[:, best]
    return ap, precision[:, 0], recall[:, 0]


def _curves(confidence: np.ndarray, ranks: np.ndarray, count: int) -> np.ndarray:
    """(2, 1000) precision and recall of a class over `CONFIDENCES`, as ultralytics draws them.

    Linear between detections, so only those next to one of the 1,000 need looking at.

    Args:
        confidence: (n,) of the counted detections, descending.
        ranks: (h,) of the right ones, from 1.
        count: number of objects.
    """
    if not len(confidence):
        return np.zeros((2, len(CONFIDENCES)))
    falling = -confidence
    before = np.searchsorted(falling, -CONFIDENCES, side="right") - 1
    last = len(falling) - 1
    near = np.unique(np.concatenate([[0, last], before, before + 1]).clip(0, last))
    found = np.searchsorted(ranks, near + 1, side="right")
    precision = np.interp(-CONFIDENCES, falling[near], found / (near + 1), left=1)
    recall = np.interp(-CONFIDENCES, falling[near], found / count, left=0)
    return np.stack([precision, recall])


def _smooth(values: np.ndarray) -> np.ndarray:
    """The moving mean, the ends repeated: ultralytics' `smooth`."""
    ends = np.ones(SMOOTHING // 2)
    padded = np.concatenate([ends * values[0], values, ends * values[-1]])
    return np.convolve(padded, np.ones(SMOOTHING) / SMOOTHING, mode="valid")
