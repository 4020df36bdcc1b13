"""The comparison widget: original, translation and target, frame by frame.

The kernel sends a frame's pictures once; wiping, blending, zooming and the rest happen in the
browser, in the scripts beside this module.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import pandas as pd
import traitlets
from IPython.display import display

from sim2real_lib.display.comparison_widget import frame_list, still
from sim2real_lib.display.comparison_widget.arms_seen import ArmsSeen
from sim2real_lib.display.comparison_widget.by_hand import ByHand
from sim2real_lib.display.comparison_widget.choices import Choices, place
from sim2real_lib.display.comparison_widget.frame_facts import Facts
from sim2real_lib.display.comparison_widget.sent import Sent
from sim2real_lib.display.pictures import to_png
from sim2real_lib.display.style import class_colour
from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB

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
    "status",
    "paint",
    "view",
)


class Comparison(anywidget.AnyWidget):
    """Original and translation over one another, a target image beside, boxes and detections.

    Where no widget can live (an exported page, an untrusted notebook) or no kernel answers it,
    `still()` shows instead.

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
        remembered: how many pictures the kernel keeps at most; the browser has its own limit.

    Raises:
        InputError: when there are no pairs, a column is missing, an image of the first pair does
            not exist, or the file of rejected frames is not understood. Of other images the
            widget says so where they are to be shown.
    """

    _esm = "\n".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
    _css = HERE / "widget.css"

    # What is looked at: style, translator, show and order, each one of `offered`.
    chosen = traitlets.Dict().tag(sync=True)
    position = traitlets.Int(0).tag(sync=True)  # in the list of frames, from 0
    # What can be chosen, how many frames are listed, and the list's own number.
    offered = traitlets.Dict().tag(sync=True)
    # The listed frames in their order: rows of the table, four bytes each, the lowest first. A
    # frame that the browser has is at hand in every list, wherever it stands there.
    listed = traitlets.Bytes().tag(sync=True)
    # Rows that a browser has as it chooses another list.
    have: traitlets.List[int] = traitlets.List().tag(sync=True)
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
        self._choices = Choices(rows, self._by_hand)
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
        return self._drawn(self._pair(frame_id, style, translator), self._width, wipe, boxes)

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
        picture = self._drawn(pair, min(self._width, still.WIDEST), wipe, boxes)
        path = self._target(pair)
        if path is not None and Path(path).is_file():
            picture = still.beside(picture, path, pair["style"])
        return to_png(picture)

    def _ipython_display_(self) -> None:
        """The still as an output of its own, which the live widget hides: an exported page without
        a network prefers the widget to a picture in the same output, and shows neither."""
        dead = {"image/png": b64encode(self.still()).decode(), "text/plain": "(comparison)"}
        display(dead, raw=True)
        data, metadata = self._repr_mimebundle_() or ({}, {})
        display(data, metadata=metadata, raw=True)

    @traitlets.validate("chosen")
    def _possible(self, proposal: Any) -> dict[str, str]:
        """The choice with what it leaves open as before, and what is not on offer replaced."""
        return self._choices.possible({**self.chosen, **proposal["value"]})

    @traitlets.observe("chosen")
    def _follow(self, _: Any) -> None:
        """Make the list of the choice; the frame that is looked at stays where it is listed."""
        before = self._listed["frame_id"].iloc[self._place : self._place + 1].tolist()
        self._listed = self._choices.frames(self.chosen)
        self._serial += 1
        at = place(self._listed, before[0] if before else None)
        first = self._listed.index[at : at + 1]
        # Its first frame, unasked, unless it is there: that spares the way back.
        sends = self._seen and len(first) > 0 and first[0] not in self.have
        with self.hold_sync():
            self.position = at
            self.listed = self._listed.index.to_numpy("<u4").tobytes()
            self.offered = self._choices.offered(self.chosen) | {
                "count": len(self._listed),
                "serial": self._serial,
                "choose": self._by_hand.possible,
                "detections": self._facts.has_detections,
                "tests": self._tests and self._tests.offered,
                "follows": int(first[0]) if sends else None,
            }
        if sends:
            self._send_frame(int(first[0]))

    @property
    def _place(self) -> int:
        return min(max(0, self.position), max(0, len(self._listed) - 1))

    def _answer(self, _: Any, content: Any, __: Any) -> None:
        """What a browser asks, by row of the table: {"get": row}; {"leads": row}, where other
        choices lead from there; {"reject": bool, "row": row}. Or {"test": …} as in
        `ArmsSeen.facts`."""
        if "test" in content and self._tests:
            self._send_test(self._tests, content["test"])
        row = content.get("get", content.get("leads", content.get("row")))
        if not isinstance(row, int) or not 0 <= row < len(self._rows):
            return
        if "get" in content:
            self._seen = True
            self._send_frame(row)
        elif "leads" in content:
            leads = self._choices.leads(self.chosen, self._rows["frame_id"].iloc[row])
            self.send({"leads": leads})
        elif self._by_hand.possible:
            self._reject(row, bool(content.get("reject")))

    def _send_frame(self, row: int) -> None:
        facts, pictures = self._frame(self._rows.iloc[row])
        self.send({"frame": {**facts, "row": row}}, pictures)

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

    def _reject(self, row: int, reject: bool) -> None:
        """Save the choice at once, and tell the browser what is true now."""
        pair = self._rows.iloc[row]
        error = self._by_hand.change(pair, reject=reject)
        now = {"row": row, "frame_id": str(pair["frame_id"]), "rejected": pair in self._by_hand}
        self.send({"choice": {**now, "error": error, "count": len(self._by_hand)}})

    def _pair(self, frame_id: str | None, style: str | None, translator: str | None) -> pd.Series:
        style, translator = style or self.chosen["style"], translator or self.chosen["translator"]
        if frame_id is None:
            wish = {"style": style, "translator": translator}
            listed = self._listed
            if not len(listed):
                listed = self._choices.frames(self._choices.possible(wish))
            frame_id = listed["frame_id"].iloc[self._place]
        row = self._row_of.get((style, translator, frame_id))
        if row is None:
            asked = f"to {style!r} by {translator!r}"
            raise InputError(f"frame {frame_id!r} was not translated {asked}")
        return self._rows.iloc[row]

    def _drawn(self, pair: pd.Series, width: int, wipe: float, boxes: bool) -> RGB:
        known = self._facts.boxes(pair["frame_id"]) if boxes else None
        return still.both_sides(pair, width, wipe, known)

    def _target(self, pair: pd.Series) -> str | Path | None:
        paths = self._targets.get(pair["style"])
        return paths[pair["number"] % len(paths)] if paths else None
