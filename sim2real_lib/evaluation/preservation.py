"""Do the labels still hold after translation? What a frozen detector says, and what the edges say.

One table of boxes goes through all of it: `translation.structure.agreement` makes it, `recall` adds
what a detector finds before and after. Only what it finds in the original and no more in the
translation speaks against the translation: what it never finds is its own fault.
"""

import numpy as np
import pandas as pd

from sim2real_lib.evaluation.ap import box_iou

SIDES = ["left", "top", "right", "bottom"]
SMALLEST = 8.0  # pixels: in smaller boxes, `structure.TRUSTED`, edges agree or not by chance
CONFIDENCE = 0.25  # from which a detection counts
BARELY = 0.5  # of the confidence asked for: what was seen so surely in the original is not new


def kept(scores: pd.DataFrame, threshold: float) -> pd.Index:
    """The ids of the translated frames that score at least the threshold.

    Args:
        scores: from `translation.structure.frame_scores`.
        threshold: -1 to 1.
    """
    return scores.index[scores["score"] >= threshold]


def recall(
    before: pd.DataFrame,
    after: pd.DataFrame,
    boxes: pd.DataFrame,
    *,
    confidence: float = CONFIDENCE,
    iou: float = 0.5,
) -> pd.DataFrame:
    """Which boxes a frozen detector finds in the original frame, and which in the translated one.

    Detections are matched as `matching` does: the most confident first claims the free box of its
    class that it overlaps most.

    Args:
        before: detections on the original frames, as `predict` stores them.
        after: the same detector's on the translated frames, whose ids are `<variant>/<original>`.
        boxes: one row a box and variant: frame_id (the original's), variant, class, left, top,
            right, bottom in pixels; only of classes that the detector knows.
        confidence: detections below it do not count.
        iou: overlap from which a box is found, 0 to 1.

    Returns:
        `boxes` with found_before and found_after (bool).
    """
    table = boxes.reset_index(drop=True)
    translated = _translated_ids(table)
    sure = [_by_frame(own[own["confidence"] >= confidence]) for own in (before, after)]
    found = np.zeros((2, len(table)), bool)
    for rows in table.groupby(translated).indices.values():
        for hit, detections, ids in zip(found, sure, (table["frame_id"], translated), strict=True):
            own = detections.get(str(ids.iat[rows[0]]))
            if own is not None:
                hit[rows] = _claimed(table.iloc[rows], own, iou)
    return table.assign(found_before=found[0], found_after=found[1])


def hallucinated(
    before: pd.DataFrame,
    after: pd.DataFrame,
    boxes: pd.DataFrame,
    frames: pd.DataFrame,
    *,
    confidence: float = CONFIDENCE,
    iou: float = 0.1,
) -> pd.DataFrame:
    """How many objects the detector sees in each translated frame where there is nothing.

    Such a detection overlaps neither a label, of whatever class, nor anything that the detector saw
    in the original. The overlap is that of TIDE's background errors (Bolya et al. 2020): a badly
    placed box is not one out of nothing. What lies in an area to ignore does not count.

    Args:
        before, after, boxes, confidence: as in `recall`; boxes of any class.
        frames: the translated frames: frame_id, variant.
        iou: overlap from which something was there, 0 to 1.

    Returns:
        One row a translated frame: frame_id, variant, detections and hallucinated (how many).
    """
    found = _by_frame(after[(after["confidence"] >= confidence) & ~after["ignored"]])
    seen = _by_frame(before[before["confidence"] >= BARELY * confidence])
    labels = _by_frame(boxes.assign(frame_id=_translated_ids(boxes)))
    rows = []
    for frame_id, variant in frames[["frame_id", "variant"]].itertuples(index=False):
        own = found.get(frame_id, after.head(0))
        known = (labels.get(frame_id), seen.get(frame_id.removeprefix(f"{variant}/")))
        there = [table[SIDES].to_numpy(float) for table in known if table is not None]
        overlaps = box_iou(np.concatenate([np.zeros((0, 4)), *there]), own[SIDES].to_numpy(float))
        rows.append((frame_id, variant, len(own), (overlaps < iou).all(0).sum()))
    return pd.DataFrame(rows, columns=["frame_id", "variant", "detections", "hallucinated"])


def by_frame(boxes: pd.DataFrame, hallucinations: pd.DataFrame) -> pd.DataFrame:
    """What the detector says of each translated frame by itself.

    Args:
        boxes: from `recall`.
        hallucinations: from `hallucinated`, of all translated frames.

    Returns:
        A row a translated frame: variant, frame_id (the original's), lost, the share of its boxes
        found before that are not found after, not a number where none was, and hallucinated.
    """
    was = boxes[boxes["found_before"]]
    lost = (~was["found_after"]).groupby(_translated_ids(was)).mean()
    pairs = zip(hallucinations["variant"], hallucinations["frame_id"], strict=True)
    return pd.DataFrame(
        {
            "variant": hallucinations["variant"],
            "frame_id": [frame_id.removeprefix(f"{variant}/") for variant, frame_id in pairs],
            "lost": hallucinations["frame_id"].map(lost).astype(float),
            "hallucinated": hallucinations["hallucinated"],
        }
    )


def summary(
    boxes: pd.DataFrame,
    hallucinations: pd.DataFrame,
    *,
    threshold: float,
    smallest: float = SMALLEST,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """What each translation did to the labels, as the detector says and as the edges say.

    Args:
        boxes: from `recall`, with column agreement.
        hallucinations: from `hallucinated`, of all translated frames.
        threshold: agreement below it counts as lost.
        smallest: boxes below it are not judged by their edges; pixels, the geometric mean of a
            box's sides.
        resamples, seed: of the bootstrap over frames.
        level: the share of resamples within the interval.

    Returns:
        A row a variant: frames; boxes; recall_before and recall_after; lost, the share of boxes
        found before that are not found after, with its interval low to high; hallucinated, mean a
        frame; agreement, the median of the boxes judged by their edges; below, the share of these
        under the threshold; agree, how often detector and edges say the same of a box found before.
        Not a number where there is nothing to take a share of. What the detector loses it may also
        lose because it has never seen such weather: compare with a rendering of that weather.
    """
    rows = {}
    for variant, frames in hallucinations.groupby("variant", sort=False):
        own = boxes[boxes["variant"] == variant]
        judged = _judged(own, smallest)
        was = own["found_before"]
        low, high = _interval(_lost_by_frame(own, frames), resamples, seed, level)
        rows[variant] = {
            "frames": len(frames),
            "boxes": len(own),
            "recall_before": was.mean(),
            "recall_after": own["found_after"].mean(),
            "lost": (~own.loc[was, "found_after"]).mean(),
            "low": low,
            "high": high,
            "hallucinated": frames["hallucinated"].mean(),
            "agreement": judged["agreement"].median(),
            "below": (judged["agreement"] < threshold).mean(),
            "agree": _agree(verdicts(own, threshold, smallest=smallest)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("variant")


def verdicts(boxes: pd.DataFrame, threshold: float, *, smallest: float = SMALLEST) -> pd.DataFrame:
    """How the two verdicts on the boxes that were found before go together.

    Args:
        boxes, threshold, smallest: as in `summary`.

    Returns:
        Rows edges (kept, lost), columns detector (kept, lost): how many boxes.
    """
    judged = _judged(boxes[boxes["found_before"]], smallest)
    words = pd.CategoricalDtype(["kept", "lost"])
    edges, detector = (
        pd.Series(np.where(lost, "lost", "kept"), dtype=words)
        for lost in (judged["agreement"] < threshold, ~judged["found_after"])
    )
    return pd.crosstab(edges, detector, rownames=["edges"], colnames=["detector"], dropna=False)


def _judged(boxes: pd.DataFrame, smallest: float) -> pd.DataFrame:
    area = (boxes["right"] - boxes["left"]) * (boxes["bottom"] - boxes["top"])
    return boxes[boxes["agreement"].notna() & (area >= smallest**2)]


def _agree(table: pd.DataFrame) -> float:
    counts = table.to_numpy(float)
    return float(np.trace(counts) / counts.sum()) if counts.any() else np.nan


def _by_frame(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {str(frame_id): own for frame_id, own in table.groupby("frame_id")}


def _translated_ids(boxes: pd.DataFrame) -> pd.Series:
    return boxes["variant"] + "/" + boxes["frame_id"]


def _claimed(boxes: pd.DataFrame, detections: pd.DataFrame, iou: float) -> np.ndarray:
    """(m,) which of one frame's boxes a detection claims: `matching` seen from the boxes."""
    ranked = detections.sort_values("confidence", ascending=False, kind="stable")
    overlaps = box_iou(boxes[SIDES].to_numpy(float), ranked[SIDES].to_numpy(float))
    overlaps[boxes["class"].to_numpy()[:, None] != ranked["class"].to_numpy()] = 0
    claimed = np.zeros(len(boxes), bool)
    for column in overlaps.T:
        free = np.where(claimed, 0, column)
        best = free.argmax()
        claimed[best] |= free[best] >= iou
    return claimed


def _lost_by_frame(boxes: pd.DataFrame, frames: pd.DataFrame) -> np.ndarray:
    """(2, f) how many of each frame's boxes were found before, and how many of those are lost."""
    was = boxes[boxes["found_before"]]
    places = pd.Index(frames["frame_id"]).get_indexer(_translated_ids(was))
    lost = places[~was["found_after"].to_numpy()]
    return np.stack([np.bincount(at, minlength=len(frames)) for at in (places, lost)])


def _interval(counts: np.ndarray, resamples: int, seed: int, level: float) -> tuple[float, float]:
    """Where the share of lost boxes lies when frames are drawn again and again."""
    size = counts.shape[1]
    weights = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), resamples)
    found, lost = counts @ weights.T
    shares = lost[found > 0] / found[found > 0]
    if not len(shares):
        return np.nan, np.nan
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
