"""Which translated frames are looked at, and in what order: the comparison widget's list."""

from pathlib import Path

import pandas as pd

from sim2real_lib.errors import InputError
from sim2real_lib.translation import rejections

COLUMNS = ("frame_id", "style", "translator", "original", "translated")
REMEDY = "Run the translation of this style first, or leave its rows out of the table"

EVERY, REJECTED = "all frames", "rejected"
# By how many objects of the frame are occluded, as in the experiment, or are there at all: of
# Virtual KITTI's nobody knows whether they are occluded. Column, and from how many to how many.
BINS: dict[str, tuple[str, float, float]] = {
    f"{words} {column}": (column, low, high)
    for column in ("occluded", "objects")
    for words, low, high in (("0–5", 0, 5), ("6–10", 6, 10), ("over 10", 11, float("inf")))
}
SCORES = ["agreement", "lost", "hallucinated"]
AS_DRIVEN = "as driven"
# What may be sorted by, the worst first: column and whether low values are the bad ones.
ORDERS = {
    "edges agree least first": ("agreement", True),
    "most labels lost first": ("lost", False),
    "most hallucinated first": ("hallucinated", False),
    "most occluded first": ("occluded", False),
    "most objects first": ("objects", False),
}
PAIR = ["style", "translator", "frame_id"]


def table(
    pairs: pd.DataFrame, boxes: pd.DataFrame, scores: pd.DataFrame | None = None
) -> pd.DataFrame:
    """A row a pair of original and translation, with what it can be filtered and sorted by.

    Args:
        pairs: columns frame_id, style, translator, and variant where it is not
            "<translator>-<style>".
        boxes: the catalog's boxes of the original frames.
        scores: columns frame_id, style, translator and any of `SCORES`.

    Returns:
        `pairs`, sorted by style, translator and frame_id, with columns variant, objects (how many
        are to be detected), occluded (how many of them), agreement, lost, hallucinated (not a
        number: unknown) and number (0 for the first of a style and translator, and so on).
    """
    rows = pairs.sort_values(PAIR, ignore_index=True)
    if "variant" not in rows:
        rows["variant"] = rows["translator"] + "-" + rows["style"]
    counts = _counts(boxes)
    for name in counts:
        rows[name] = rows["frame_id"].map(counts[name])
    rows["objects"] = rows["objects"].fillna(0)
    if scores is not None:
        known = [name for name in SCORES if name in scores]
        rows = rows.merge(scores[[*PAIR, *known]].drop_duplicates(PAIR), "left", on=PAIR)
    for name in SCORES:
        rows[name] = rows[name].astype(float) if name in rows else float("nan")
    rows["number"] = rows.groupby(PAIR[:2]).cumcount()
    return rows


def check(pairs: pd.DataFrame) -> None:
    """Whether there is something to compare.

    Raises:
        InputError: when there are no pairs, a column or an image of the first pair is missing, or
            a pair is there twice.
    """
    missing = [name for name in COLUMNS if name not in pairs.columns]
    if missing:
        raise InputError(f"the table of pairs has no column {', '.join(missing)}")
    if pairs.empty:
        raise InputError("there are no pairs to compare", remedy=REMEDY)
    twice = pairs.duplicated(["style", "translator", "frame_id"])
    if twice.any():
        row = pairs[twice].iloc[0]
        raise InputError(
            f"frame {row['frame_id']!r} appears twice for {row['style']!r} by {row['translator']!r}"
        )
    for path in pairs[["original", "translated"]].iloc[0]:  # of 100,000 it takes minutes on NFS
        if not Path(path).is_file():
            raise InputError("there is no such image", where=path, remedy=REMEDY)


def rejected(rows: pd.DataFrame, by_hand: pd.DataFrame) -> pd.Series:
    """Which rows of `table` are among the rejected frames of `rejections.read`, boolean."""
    keys = pd.MultiIndex.from_frame(rows[rejections.COLUMNS])
    return pd.Series(keys.isin(pd.MultiIndex.from_frame(by_hand[rejections.COLUMNS])), rows.index)


def bins(rows: pd.DataFrame, *, choose: bool) -> list[str]:
    """What the list can be narrowed to: bins that have frames, and the rejected frames.

    Args:
        rows: of one style and translator, from `table`.
        choose: whether frames can be rejected at all.
    """
    return [
        EVERY,
        *(name for name in BINS if _within(rows, name).any()),
        *([REJECTED] if choose else []),
    ]


def orders(rows: pd.DataFrame) -> list[str]:
    """What the rows of one style and translator can be sorted by: scores that are known."""
    known = [name for name, (column, _) in ORDERS.items() if rows[column].notna().any()]
    return [AS_DRIVEN, *known]


def listed(rows: pd.DataFrame, show: str, order: str, by_hand: pd.DataFrame) -> pd.DataFrame:
    """The rows of one style and translator that are to be looked at, in their order.

    Args:
        rows: from `table`.
        show: one of `bins`.
        order: one of `orders`; frames whose score is unknown come last.
        by_hand: the rejected frames.
    """
    if show == REJECTED:
        rows = rows[rejected(rows, by_hand)]
    elif show != EVERY:
        rows = rows[_within(rows, show)]
    if order == AS_DRIVEN:
        return rows
    column, ascending = ORDERS[order]
    return rows.sort_values(column, ascending=ascending, kind="stable")


def _counts(boxes: pd.DataFrame) -> pd.DataFrame:
    """Objects, and how many are occluded, by frame; unknown where no box of the frame tells."""
    wanted = boxes[~boxes["ignore"].astype(bool)]
    frames = wanted["occluded"].astype("boolean").groupby(wanted["frame_id"])
    return pd.DataFrame(
        {"objects": frames.size(), "occluded": frames.sum(min_count=1).astype("Float64")}
    ).astype(float)


def _within(rows: pd.DataFrame, name: str) -> pd.Series:
    column, low, high = BINS[name]
    return rows[column].between(low, high)
