"""What the comparison widget says of a frame beside its pictures: boxes, detections, scores."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from sim2real_lib.display.boxes import LOWEST
from sim2real_lib.display.style import ordered

SIDES = ["left", "top", "right", "bottom"]
MOST = 100  # detections of a picture, the most confident ones
LEAST = 0.05  # confidence: weaker ones are never looked at


class Facts:
    """Looks up what is known of a frame.

    Args:
        rows: from `frame_list.table`.
        boxes: the catalog's; those of other frames are not kept.
        detections: as `detection.predict` stores them, if there are any.

    Attributes:
        classes: of the boxes and detections, in their palette's order.
        has_detections: whether a detector was asked at all.
    """

    def __init__(
        self, rows: pd.DataFrame, boxes: pd.DataFrame, detections: pd.DataFrame | None
    ) -> None:
        self._boxes = boxes[boxes["frame_id"].isin(rows["frame_id"].unique())]
        self._boxes_of = self._boxes.groupby("frame_id").indices
        self.has_detections = detections is not None
        self._judged = bool(rows["hallucinated"].notna().any())  # where the detector looked
        columns = ["frame_id", "class", "confidence", *SIDES]
        found = pd.DataFrame(columns=columns) if detections is None else detections[columns]
        found = found[found["confidence"] >= LEAST]
        self._found = found.sort_values("confidence", ascending=False, kind="stable")
        self._found_in = self._found.groupby("frame_id").indices
        wanted = self._boxes.loc[~self._boxes["ignore"].astype(bool), "class"]
        self.classes = ordered([*wanted.unique(), *found["class"].unique()], "class")

    def boxes(self, frame_id: str) -> pd.DataFrame:
        """The boxes of one original frame."""
        return self._boxes.iloc[self._boxes_of.get(frame_id, [])]

    def of(self, pair: pd.Series) -> dict[str, Any]:
        """What the browser is told of a row of `frame_list.table`; pixels are the original's.

        Returns:
            frame_id, variant, style, translator; boxes; detections of both pictures, None where no
            detector looked; figures: name, value and meaning of each score that is known.
        """
        frame_id = pair["frame_id"]
        names = {"original": frame_id, "translated": f"{pair['variant']}/{frame_id}"}
        return {
            **{name: str(pair[name]) for name in ("frame_id", "variant", "style", "translator")},
            "boxes": [_plain(row) for row in records(self.boxes(frame_id))],
            "detections": {side: self._detections(name) for side, name in names.items()}
            if pd.notna(pair["hallucinated"]) or not self._judged
            else None,
            "lowest": LOWEST,
            "figures": _figures(pair),
        }

    def _detections(self, name: str) -> list[dict[str, Any]]:
        own = self._found.iloc[self._found_in.get(name, [])[:MOST]]
        return [
            {"class": row["class"], "confidence": round(float(row["confidence"]), 3)} | corners(row)
            for row in records(own)
        ]


def records(table: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows as dicts, column -> value: `to_dict("records")` takes three times as long."""
    columns = (table[name].tolist() for name in table.columns)
    return (dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True))


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A box as JSON can carry it; what is not known of its occlusion is null."""
    occluded, share = row["occluded"], row["occlusion"]
    return {
        "class": row["class"],
        "ignore": bool(row["ignore"]),
        "occluded": None if pd.isna(occluded) else bool(occluded),
        "occlusion": None if pd.isna(share) else round(float(share), 3),
    } | corners(row)


def corners(row: Mapping[Any, Any]) -> dict[str, float]:
    """Where a box lies: pixels, to the hundredth."""
    return {side: round(float(row[side]), 2) for side in SIDES}


def _figures(pair: pd.Series) -> list[dict[str, str]]:
    """The scores that are known, as they are to be read."""
    known = [
        ("agreement", "edges agree", "{:.2f}", "1: the same structure in every box, 0: none"),
        ("lost", "labels lost", "{:.0%}", "found in the original, not in the translation"),
        ("hallucinated", "hallucinated", "{:.0f}", "detections where nothing was"),
        ("objects", "objects", "{:.0f}", "labelled, to be detected"),
        ("occluded", "occluded", "{:.0f}", "objects that something hides in part"),
    ]
    return [
        {"name": name, "value": form.format(pair[column]), "meaning": meaning}
        for column, name, form, meaning in known
        if pd.notna(pair[column])
    ]
