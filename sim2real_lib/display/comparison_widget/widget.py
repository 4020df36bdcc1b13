"""The comparison widget: original, translation and target, frame by frame.

The kernel sends a frame's pictures once; wiping, blending, zooming and the rest happen in the
browser, in the scripts beside this module.
"""

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets
from IPython.display import display

from sim2real_lib.display.boxes import draw_boxes
from sim2real_lib.display.comparison_widget import frame_list
from sim2real_lib.display.comparison_widget.arms_seen import ArmsSeen
from sim2real_lib.display.comparison_widget.by_hand import ByHand
from sim2real_lib.display.comparison_widget.frame_facts import Facts
from sim2real_lib.display.comparison_widget.sent import Sent
from sim2real_lib.display.pictures import fit, label, load, to_png
from sim2real_lib.display.style import class_colour, ordered
from sim2real_lib.display.wipe import CHIP, CHIP_INK, mark_sides
from sim2real_lib.display.wipe import wipe as wiped
from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB, read_rgb, size
from sim2real_lib.params import STYLES

HERE = Path(__file__).parent
# The browser gets one module: these files, one after the other, share one scope. Without a build
# step, and without a request that a notebook's page could not make offline.
SCRIPTS = (
    "dom",
    "difference",
    "marks",
    "camera",
    "pane",
    "frames",
    "beside",
    "keys",
    "bars",
    "view",
)
STILL = 960  # pixels, at most: the width of a picture that stands in for the widget


class Comparison(anywidget.AnyWidget):
    """Original and translation over one another, a target image beside, boxes and detections.

    Where no widget can live (an exported page, an untrusted notebook), `still()` shows instead.

    Args:
        pairs: columns frame_id, style, translator, original, translated (the last two are paths);
            one row for each frame, style and translator. A column variant tells what `rejected`
            calls the translation, else it is "<translator>-<style>".
        boxes: the catalog's boxes of the original frames.
        targets: style -> images of the target domain, to be shown beside.
        scores: columns frame_id (the original's), style, translator and any of agreement (of the
            edges, -1 to 1), lost (share of the labels, 0 to 1) and hallucinated (how many).
        detections: as `detection.predict` stores them: the originals' by their frame_id, the
            translations' by "<variant>/<frame_id>".
        tests: the test frames and what each arm finds in them, to be shown beside as well.
        rejected: the CSV where rejected frames are kept, see `translation.rejections`; without it
            none can be rejected.
        width: pixels that a picture is shown with, at most.
        remembered: how many pictures are kept at most.

    Raises:
        InputError: when there are no pairs, a column is missing, an image does not exist, or the
            file of rejected frames is not understood.
    """

    _esm = "\n".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    _css = HERE / "widget.css"

    # What is looked at: style, translator, show and order, each one of `offered`.
    chosen = traitlets.Dict().tag(sync=True)
    position = traitlets.Int(0).tag(sync=True)  # in the list of frames, from 0
    # What can be chosen, how many frames are listed, and the list's own number.
    offered = traitlets.Dict().tag(sync=True)
    colours = traitlets.Dict().tag(sync=True)  # class -> colour

    def __init__(
        self,
        pairs: pd.DataFrame,
        boxes: pd.DataFrame,
        *,
        targets: Mapping[str, Sequence[str | Path]] | None = None,
        scores: pd.DataFrame | None = None,
        detections: pd.DataFrame | None = None,
        tests: ArmsSeen | None = None,
        rejected: str | Path | None = None,
        width: int = 1280,
        remembered: int = 12,
    ) -> None:
        frame_list.check(pairs)
        self._by_hand = ByHand(rejected)
        rows = frame_list.table(pairs, boxes, scores)
        groups = rows.groupby(["style", "translator"])
        self._lists: dict[tuple, pd.DataFrame] = dict(list(groups))
        self._rows = rows
        keys = rows[frame_list.PAIR].itertuples(index=False, name=None)
        self._row_of = {key: row for row, key in enumerate(keys)}
        self._facts = Facts(rows, boxes, detections)
        self._targets = {style: list(paths) for style, paths in (targets or {}).items()}
        self._tests = tests
        self._width = width
        self._sent = Sent(width, remembered)
        self._listed, self._serial = rows.iloc[:0], 0
        self._seen = False  # whether a browser shows it
        super().__init__(colours={name: class_colour(name) for name in self._facts.classes})
        self.on_msg(self._answer)
        self.chosen = {}

    def picture(
        self,
        frame_id: str | None = None,
        style: str | None = None,
        translator: str | None = None,
        *,
        wipe: float = 0.5,
        boxes: bool = True,
    ) -> RGB:
        """Original left, translation right of the line; what is not given is as chosen now."""
        pair = self._pair(frame_id, style, translator)
        return self._drawn(pair, self._width, wipe, boxes)

    def still(
        self,
        frame_id: str | None = None,
        style: str | None = None,
        translator: str | None = None,
        *,
        wipe: float = 0.5,
        boxes: bool = True,
    ) -> bytes:
        """The same picture and its target as PNG bytes, for runs without a screen."""
        pair = self._pair(frame_id, style, translator)
        picture = self._drawn(pair, min(self._width, STILL), wipe, boxes)
        path = self._target(pair)
        if path is None or not Path(path).is_file():
            return to_png(picture)
        height, gap = picture.shape[0], np.full((picture.shape[0], 8, 3), 255, np.uint8)
        target = read_rgb(path)
        beside = fit(target, math.ceil(target.shape[1] * height / target.shape[0]))[:height]
        text_size = max(10, height // 21)
        margin, text = text_size // 2, f"target · {pair['style']}"
        beside = np.ascontiguousarray(beside)
        label(beside, text, margin, margin, size=text_size, fill=CHIP, ink=CHIP_INK)
        return to_png(np.hstack([picture, gap, beside]))

    def _ipython_display_(self) -> None:
        """The still as an output of its own, which the live widget hides: an exported page without
        a network prefers the widget to a picture in the same output, and shows neither."""
        still = {"image/png": b64encode(self.still()).decode(), "text/plain": "(comparison)"}
        display(still, raw=True)
        data, metadata = self._repr_mimebundle_() or ({}, {})
        display(data, metadata=metadata, raw=True)

    @traitlets.validate("chosen")
    def _possible(self, proposal: Any) -> dict[str, str]:
        """The choice with what it leaves open as before, and what is not on offer replaced."""
        wish = {**self.chosen, **proposal["value"]}
        style = _one_of(wish.get("style"), self._styles())
        translator = _one_of(wish.get("translator"), self._translators(style))
        rows = self._lists[style, translator]
        show = _one_of(wish.get("show"), self._bins(rows))
        order = _one_of(wish.get("order"), frame_list.orders(rows))
        return {"style": style, "translator": translator, "show": show, "order": order}

    @traitlets.observe("chosen")
    def _follow(self, _: Any) -> None:
        """Make the list of the choice; the frame that is looked at stays where it is listed."""
        now = self.chosen
        rows = self._lists[now["style"], now["translator"]]
        before = self._listed["frame_id"].iloc[self._place : self._place + 1].tolist()
        self._listed = frame_list.listed(rows, now["show"], now["order"], self._by_hand.table)
        self._serial += 1
        kept = np.flatnonzero(self._listed["frame_id"].isin(before))
        with self.hold_sync():
            self.position = int(kept[0]) if len(kept) else 0
            self.offered = {
                "style": self._styles(),
                "translator": self._translators(now["style"]),
                "show": self._bins(rows),
                "order": frame_list.orders(rows),
                "count": len(self._listed),
                "serial": self._serial,
                "choose": self._by_hand.possible,
                "detections": self._facts.has_detections,
                "tests": self._tests and self._tests.offered,
                "follows": self._seen,  # its first frame, unasked: that spares the way back
            }
        if self._seen and len(self._listed):
            self._send_frame(self._place)

    @property
    def _place(self) -> int:
        return min(max(0, self.position), max(0, len(self._listed) - 1))

    def _answer(self, _: Any, content: Any, __: Any) -> None:
        """What a browser asks: {"get": position}, {"reject": bool, "at": position}, or {"test": …}
        as in `ArmsSeen.facts`."""
        if "test" in content and self._tests:
            self._send_test(self._tests, content["test"])
        place = content.get("get", content.get("at"))
        known = isinstance(place, int) and 0 <= place < len(self._listed)
        if content.get("serial") != self._serial or not known:
            return  # of a list that is no longer shown
        if "get" in content:
            self._seen = True
            self._send_frame(place)
        elif self._by_hand.possible:
            self._reject(self._listed.iloc[place], place, bool(content.get("reject")))

    def _send_frame(self, place: int) -> None:
        facts, pictures = self._frame(self._listed.iloc[place])
        self.send({"frame": {**facts, "at": place, "serial": self._serial}}, pictures)

    def _send_test(self, tests: ArmsSeen, wish: Mapping[str, Any]) -> None:
        """A test frame and what an arm finds in it; its picture, unless the browser has it."""
        facts: dict[str, Any] = {"number": wish.get("number")}
        pictures = []
        try:
            facts = tests.facts(wish)
            if facts["frame_id"] not in (None, wish.get("known")):
                pictures = [data for data, _ in self._sent.of([tests.image(facts["frame_id"])])]
        except InputError as error:
            facts["error"] = str(error)
        self.send({"test": facts}, pictures)

    def _frame(self, pair: pd.Series) -> tuple[dict[str, Any], list[bytes]]:
        """What the browser needs of one frame: facts, and the bytes of its pictures."""
        target = self._target(pair)
        shown = [target] if target and Path(target).is_file() else []  # it may have moved since
        paths = [pair["original"], pair["translated"], *shown]
        facts = self._facts.of(pair) | {"rejected": pair in self._by_hand}
        try:
            sent = self._sent.of(paths)
        except InputError as error:  # a file that vanished or broke since the check at the start
            return facts | {"error": str(error)}, []
        sizes = [shape for _, shape in sent]
        if sizes[0] != sizes[1]:
            wrong = "original and translation differ in size: translate it again"
            return facts | {"error": f"{pair['translated']}: {wrong}"}, []
        return facts | {"width": sizes[0][0], "height": sizes[0][1]}, [data for data, _ in sent]

    def _reject(self, pair: pd.Series, place: int, reject: bool) -> None:
        """Save the choice at once, and tell the browser what is true now."""
        error = self._by_hand.change(pair, reject=reject)
        now = {"at": place, "serial": self._serial, "frame_id": str(pair["frame_id"])}
        now["rejected"] = pair in self._by_hand
        self.send({"choice": {**now, "error": error, "count": len(self._by_hand)}})

    def _styles(self) -> list[str]:
        found = {style for style, _ in self._lists}
        return [*(style for style in STYLES if style in found), *sorted(found - set(STYLES))]

    def _translators(self, style: str) -> list[str]:
        return ordered([made for own, made in self._lists if own == style], "arm")

    def _bins(self, rows: pd.DataFrame) -> list[str]:
        return frame_list.bins(rows, choose=self._by_hand.possible)

    def _pair(self, frame_id: str | None, style: str | None, translator: str | None) -> pd.Series:
        style, translator = style or self.chosen["style"], translator or self.chosen["translator"]
        if frame_id is None:
            listed = self._listed if len(self._listed) else self._lists[style, translator]
            frame_id = listed["frame_id"].iloc[self._place]
        row = self._row_of.get((style, translator, frame_id))
        if row is None:
            asked = f"to {style!r} by {translator!r}"
            raise InputError(f"frame {frame_id!r} was not translated {asked}")
        return self._rows.iloc[row]

    def _drawn(self, pair: pd.Series, width: int, wipe: float, boxes: bool) -> RGB:
        picture = wiped(*self._both(pair, width), wipe)
        if boxes:
            scale = width / size(pair["original"])[0]
            picture = draw_boxes(picture, self._facts.boxes(pair["frame_id"]), scale=scale)
        mark_sides(picture, wipe, _sides(pair))
        return picture

    def _both(self, pair: pd.Series, width: int) -> tuple[RGB, RGB]:
        return load(pair["original"], width), load(pair["translated"], width)

    def _target(self, pair: pd.Series) -> str | Path | None:
        paths = self._targets.get(pair["style"])
        return paths[pair["number"] % len(paths)] if paths else None


def _sides(pair: pd.Series) -> tuple[str, str]:
    return "original", f"{pair['translator']} · {pair['style']}"


def _one_of(wish: str | None, options: list[str]) -> str:
    return wish if wish in options else options[0]
