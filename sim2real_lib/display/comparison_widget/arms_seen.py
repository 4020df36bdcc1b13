"""What each arm finds in the test frames: for the comparison widget, frame by frame."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import pandas as pd

from sim2real_lib.catalog.tables import belongs
from sim2real_lib.display.changed_frames import LOOKS
from sim2real_lib.display.comparison_widget.frame_facts import corners, records
from sim2real_lib.display.style import ordered
from sim2real_lib.evaluation.arm_names import BASELINE, arm_of
from sim2real_lib.evaluation.errors import SIDES, diagnose
from sim2real_lib.evaluation.frame_changes import best_confidence, changes
from sim2real_lib.evaluation.stored import Stored
from sim2real_lib.params import STYLES

AS_LISTED, MOST_MISSED = "as listed", "most missed first"
MOST_GAINED, MOST_LOST = "gained most first", "lost most first"
VERDICTS = {"right": "true", "false": "false", "missed": "missed"}  # and how charts call them
REMEMBERED = 16  # arms


class Seen(NamedTuple):
    """One arm on the test frames.

    Attributes:
        marks: frame_id, class, confidence (of a missed object not a number), left, top, right,
            bottom, verdict.
        missed: by frame_id, how many objects; 0 where the frame is not there.
        change: by frame_id, its part of the gain in mAP over the baseline; of that itself None.
        least: the confidence of a detection that counts: the arm's best F1 over all frames.
    """

    marks: pd.DataFrame
    missed: pd.Series
    change: pd.Series | None
    least: float


class ArmsSeen:
    """Looks up what an arm finds in a test frame, what it misses, and what is not there.

    Args:
        frames: the catalog's, all of them test frames.
        stored: the arms' detections; of each arm the first seed's are looked at.
    """

    def __init__(self, frames: pd.DataFrame, stored: Stored) -> None:
        self._frames = frames[frames["weather"].isin(STYLES.values())].set_index("frame_id")
        self._stored = stored
        names = {arm_of(name): name for name in reversed(list(stored))}
        self._names = {arm: names[arm] for arm in ordered(names, "arm")}
        objects = stored.objects
        self._objects = objects[belongs(objects["frame_id"], self._frames.index.to_series())]
        self._seen = lru_cache(maxsize=REMEMBERED)(self._judge)

    @property
    def offered(self) -> dict[str, Any]:
        """What the browser can choose from: arms; and verdict -> colour."""
        looks = {verdict: LOOKS[name][0] for verdict, name in VERDICTS.items()}
        return {"arms": list(self._names), "looks": looks}

    def image(self, frame_id: str) -> str:
        """The path of a frame's picture."""
        return str(self._frames.loc[frame_id, "image"])

    def facts(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """What the browser is told of a test frame; what it wishes and cannot have is replaced.

        Args:
            wish: any of style, arm, order, at (position in the list), stay (at the frame that is
                known, wherever it is listed now) and number, which comes back as it is.

        Returns:
            number, style, arm, order, orders, at, count (of the list), frame_id (None: there is
            none), width, height, marks and figures.
        """
        arm = wish.get("arm") if wish.get("arm") in self._names else next(iter(self._names))
        seen = self._seen(arm)
        orders = [AS_LISTED, MOST_MISSED]
        orders += [] if seen.change is None else [MOST_GAINED, MOST_LOST]
        order = str(wish["order"]) if wish.get("order") in orders else AS_LISTED
        style = str(wish.get("style"))
        listed = self._listed(style, seen, order)
        asked = wish.get("at")
        if wish.get("stay") and wish.get("known") in listed:
            asked = list(listed).index(wish["known"])
        at = min(max(0, asked), len(listed) - 1) if isinstance(asked, int) and len(listed) else 0
        facts = {"number": wish.get("number"), "style": style, "arm": arm, "order": order,
                 "orders": orders, "at": at, "count": len(listed)}  # fmt: skip
        if not len(listed):
            return facts | {"frame_id": None, "width": 1, "height": 1, "marks": [], "figures": []}
        frame_id = listed[at]
        width, height = (int(self._frames.loc[frame_id, name]) for name in ("width", "height"))
        own = seen.marks[seen.marks["frame_id"] == frame_id]
        figures = _figures(seen, frame_id)
        known = {"frame_id": frame_id, "width": width, "height": height}
        return facts | known | {"marks": _plain(own), "figures": figures}

    def _listed(self, style: str, seen: Seen, order: str) -> pd.Index:
        frames = self._frames.index[self._frames["weather"] == STYLES.get(style)]
        if order == AS_LISTED:
            return frames
        values = seen.missed if order == MOST_MISSED else seen.change
        assert values is not None  # else the order is not offered
        values = values.reindex(frames, fill_value=0)
        return values.sort_values(ascending=order == MOST_LOST, kind="stable").index

    def _judge(self, arm: str) -> Seen:
        objects, classes, ids = self._objects, self._stored.classes, self._frames.index
        found = self._found(arm)
        least = best_confidence(found, objects, ids, classes)
        known = diagnose(found[found["confidence"] >= least], objects, classes)
        kept = known.detections[known.detections["kind"] != "ignored"]
        verdict = (kept["kind"] == "true").map({True: "right", False: "false"})
        missed = known.objects[~known.objects["found"]]
        missed = missed.assign(verdict="missed", confidence=float("nan"))
        columns = ["frame_id", "class", "confidence", *SIDES, "verdict"]
        # Right ones last: they must not hide under the many around them.
        drawn = kept.assign(verdict=verdict).sort_values("verdict", kind="stable")
        marks = pd.concat([missed[columns], drawn[columns]], ignore_index=True)
        change = None
        if arm != BASELINE and BASELINE in self._names and len(objects):
            both = {BASELINE: self._found(BASELINE), arm: found}
            parts = changes(both, objects, ids, classes, arm=arm)
            change = parts.set_index("frame_id")["change"]
        return Seen(marks, missed["frame_id"].value_counts(), change, least)

    def _found(self, arm: str) -> pd.DataFrame:
        found = self._stored[self._names[arm]]
        return found[belongs(found["frame_id"], self._frames.index.to_series())]


def _plain(marks: pd.DataFrame) -> list[dict[str, Any]]:
    """Marks as JSON can carry them."""
    return [
        {
            "class": row["class"],
            "verdict": row["verdict"],
            "confidence": None if pd.isna(row["confidence"]) else round(row["confidence"], 3),
        }
        | corners(row)
        for row in records(marks)
    ]


def _figures(seen: Seen, frame_id: str) -> list[dict[str, str]]:
    """What is known of a frame beside its marks, as it is to be read."""
    sure = {"name": "sure from", "value": f"{seen.least:.0%}",
            "meaning": "confidence at which the arm's F1 over all frames is best"}  # fmt: skip
    if seen.change is None:
        return [sure]
    change = {"name": "mAP", "value": f"{seen.change[frame_id]:+.4f}",
              "meaning": "this frame's part of the gain over the baseline, first seed"}  # fmt: skip
    return [change, sure]
