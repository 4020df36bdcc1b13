"""What the comparison widget's list of frames is chosen by, and where each choice leads."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sim2real_lib.display.comparison_widget import frame_list
from sim2real_lib.display.comparison_widget.by_hand import ByHand
from sim2real_lib.display.style import ordered
from sim2real_lib.params import STYLES

Choice = dict[str, str]  # style, translator, show and order


class Choices:
    """Makes the list of frames of a choice.

    Args:
        rows: from `frame_list.table`.
        by_hand: the rejected frames.
    """

    def __init__(self, rows: pd.DataFrame, by_hand: ByHand) -> None:
        self._lists: dict[tuple, pd.DataFrame] = dict(list(rows.groupby(["style", "translator"])))
        self._by_hand = by_hand
        # The same whatever is chosen or rejected: asked for again and again, and worth remembering.
        self._bins = {
            key: frame_list.bins(own, choose=by_hand.possible) for key, own in self._lists.items()
        }
        self._orders = {key: frame_list.orders(own) for key, own in self._lists.items()}

    def possible(self, wish: Mapping[str, Any]) -> Choice:
        """The wish with what cannot be had, or is left open, replaced."""
        style = _one_of(wish.get("style"), self._styles())
        translator = _one_of(wish.get("translator"), self._translators(style))
        show = _one_of(wish.get("show"), self._bins[style, translator])
        order = _one_of(wish.get("order"), self._orders[style, translator])
        return {"style": style, "translator": translator, "show": show, "order": order}

    def offered(self, choice: Choice) -> dict[str, list[str]]:
        """What each part of a choice can be changed to."""
        style, translator = choice["style"], choice["translator"]
        return {
            "style": self._styles(),
            "translator": self._translators(style),
            "show": self._bins[style, translator],
            "order": self._orders[style, translator],
        }

    def frames(self, choice: Choice) -> pd.DataFrame:
        """The rows of the table that are listed, in their order."""
        rows = self._lists[choice["style"], choice["translator"]]
        return frame_list.listed(rows, choice["show"], choice["order"], self._by_hand.table)

    def leads(self, choice: Choice, frame_id: str) -> list[int]:
        """The numbers of the rows that are seen first when one part of the choice is changed.

        Args:
            choice: as it is now.
            frame_id: the frame that is looked at. Another order leads to the same one.
        """
        found, offered = [], self.offered(choice)
        for name in ("show", "translator", "style"):
            for value in offered[name]:
                if value == choice[name]:
                    continue
                frames = self.frames(self.possible({**choice, name: value}))
                if len(frames):
                    found.append(int(frames.index[place(frames, frame_id)]))
        return list(dict.fromkeys(found))

    def _styles(self) -> list[str]:
        found = {style for style, _ in self._lists}
        return [*(style for style in STYLES if style in found), *sorted(found - set(STYLES))]

    def _translators(self, style: str) -> list[str]:
        return ordered([made for own, made in self._lists if own == style], "arm")


def place(frames: pd.DataFrame, frame_id: str | None) -> int:
    """Where a frame stands in a list, from 0; if it is not there, the list's begin."""
    kept = np.flatnonzero(frames["frame_id"] == frame_id)
    return int(kept[0]) if len(kept) else 0


def _one_of(wish: Any, options: list[str]) -> str:
    return wish if wish in options else options[0]
