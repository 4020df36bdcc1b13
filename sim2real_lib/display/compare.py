"""The comparison widget: choose a frame and a translation, wipe between before and after."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sim2real_lib.display.boxes import draw_boxes
from sim2real_lib.display.pictures import fit, label, load, to_jpeg, to_png
from sim2real_lib.display.style import ordered
from sim2real_lib.display.wipe import CHIP, CHIP_INK, mark_sides, wipe_html
from sim2real_lib.display.wipe import wipe as wiped
from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB, size

COLUMNS = ("frame_id", "style", "translator", "original", "translated")
REMEDY = "Run the translation of this style first, or leave its rows out of the table"


class Comparison(widgets.VBox):
    """Original and translation under a wipe, a target image beside, boxes on and off.

    Where no widget can live (an exported page, an untrusted notebook), `still()` shows instead.

    Args:
        pairs: columns frame_id, style, translator, original, translated (the last two are paths);
            one row for each frame, style and translator.
        boxes: the catalog's boxes of the original frames.
        targets: style -> images of the target domain, to be shown beside.
        width: pixels that a picture is decoded to.
        remembered: how many decoded pictures are kept at most.

    Raises:
        InputError: when there are no pairs, a column is missing or an image does not exist.
    """

    def __init__(
        self,
        pairs: pd.DataFrame,
        boxes: pd.DataFrame,
        *,
        targets: Mapping[str, Sequence[str | Path]] | None = None,
        width: int = 960,
        remembered: int = 12,
    ) -> None:
        _check(pairs)
        self._pairs = pairs.set_index(["style", "translator", "frame_id"]).sort_index()
        self._boxes = dict(list(boxes.groupby("frame_id")))
        self._no_boxes = boxes.iloc[:0]
        self._targets = {style: list(paths) for style, paths in (targets or {}).items()}
        self._width = width
        self._decoded = lru_cache(maxsize=remembered)(load)
        self._make_controls()
        picture = widgets.HBox([self._picture, self._target])
        picture.layout = widgets.Layout(width="100%", align_items="flex-start", grid_gap="8px")
        super().__init__(
            [
                widgets.HBox([self._style, self._translator, self._with_boxes]),
                picture,
                self._wipe,
                self._frame,
                self._caption,
            ]
        )
        self._follow()

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
        key = self._key(frame_id, style, translator)
        picture = wiped(*self._both(key), wipe)
        if boxes:
            scale = self._width / size(str(self._pairs.at[key, "original"]))[0]
            picture = draw_boxes(picture, self._boxes.get(key[2], self._no_boxes), scale=scale)
        mark_sides(picture, wipe, ("original", f"{key[1]} · {key[0]}"))
        return picture

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
        key = self._key(frame_id, style, translator)
        picture = self.picture(key[2], key[0], key[1], wipe=wipe, boxes=boxes)
        target = self._target_picture(key)
        if target is None:
            return to_png(picture)
        height, gap = picture.shape[0], np.full((picture.shape[0], 8, 3), 255, np.uint8)
        beside = fit(target, round(target.shape[1] * height / target.shape[0]))[:height]
        return to_png(np.hstack([picture, gap, beside]))

    def html(
        self,
        frame_id: str | None = None,
        style: str | None = None,
        translator: str | None = None,
    ) -> str:
        """The same pair as HTML that wipes without a kernel."""
        key = self._key(frame_id, style, translator)
        return wipe_html(*self._both(key), labels=("original", f"{key[1]} · {key[0]}"))

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = super()._repr_mimebundle_(**kwargs)
        return {**bundle, "image/png": b64encode(self.still()).decode()}

    def _make_controls(self) -> None:
        styles = ordered(self._pairs.index.get_level_values("style"), "weather")
        self._style = widgets.Dropdown(options=styles, description="style")
        self._translator = widgets.ToggleButtons(
            style=widgets.ToggleButtonsStyle(button_width="auto")
        )
        self._with_boxes = widgets.Checkbox(value=True, description="boxes", indent=False)
        wide = widgets.Layout(width="100%")
        self._frame = widgets.SelectionSlider(
            options=[("", "")], description="frame", layout=wide, readout=True
        )
        self._wipe = widgets.FloatSlider(
            value=0.5, min=0, max=1, step=0.01, description="wipe", layout=wide,
            readout_format=".0%",
        )  # fmt: skip
        self._picture = widgets.Image(format="jpeg", layout=widgets.Layout(flex="3 1 0"))
        self._target = widgets.Image(format="jpeg", layout=widgets.Layout(flex="1 1 0"))
        for image in (self._picture, self._target):
            image.layout.min_width, image.layout.max_width = "0", f"{self._width}px"
        self._caption = widgets.HTML()
        self._following = False
        for control in (self._style, self._translator):
            control.observe(self._follow, "value")
        for control in (self._frame, self._wipe, self._with_boxes):
            control.observe(self._show, "value")

    def _follow(self, _: Any = None) -> None:
        """Offer the translators of the chosen style and their frames, keeping what can be kept."""
        if self._following:
            return
        self._following = True  # setting options sets values, which would call back here
        try:
            translators = self._pairs.loc[self._style.value].index.get_level_values("translator")
            _offer(self._translator, ordered(translators, "arm"))
            frames = list(self._pairs.loc[(self._style.value, self._translator.value)].index)
            count = len(frames)
            _offer(self._frame, [(f"{n} / {count}", name) for n, name in enumerate(frames, 1)])
        finally:
            self._following = False
        self._show()

    def _show(self, _: Any = None) -> None:
        if self._following:
            return
        key = self._key(None, None, None)
        try:
            picture = self.picture(wipe=self._wipe.value, boxes=self._with_boxes.value)
            target = self._target_picture(key)
        except InputError as error:  # a file that vanished or broke since the check at the start
            self._caption.value = f"<b>{escape(str(error))}</b>"
            return
        self._picture.value = to_jpeg(picture)
        self._target.layout.display = "none" if target is None else None
        if target is not None:
            self._target.value = to_jpeg(target)
        count = len(self._boxes.get(key[2], self._no_boxes))
        self._caption.value = f"<code>{escape(key[2])}</code> · {count} boxes"

    def _key(
        self, frame_id: str | None, style: str | None, translator: str | None
    ) -> tuple[str, str, str]:
        key = (
            style or self._style.value,
            translator or self._translator.value,
            frame_id or self._frame.value,
        )
        if key not in self._pairs.index:
            raise InputError(f"frame {key[2]!r} was not translated to {key[0]!r} by {key[1]!r}")
        return key

    def _both(self, key: tuple[str, str, str]) -> tuple[RGB, RGB]:
        original, translated = (str(self._pairs.at[key, side]) for side in COLUMNS[3:])
        return self._decoded(original, self._width), self._decoded(translated, self._width)

    def _target_picture(self, key: tuple[str, str, str]) -> RGB | None:
        paths = self._targets.get(key[0])
        if not paths:
            return None
        position = [value for _, value in self._frame.options].index(self._frame.value)
        target = self._decoded(paths[position % len(paths)], self._width // 2).copy()
        text_size = max(10, target.shape[0] // 16)
        margin = text_size // 2
        text = f"target · {key[0]}"
        label(target, text, margin, margin, size=text_size, fill=CHIP, ink=CHIP_INK)
        return target


def _offer(control: Any, options: list) -> None:
    """Set a selection's options without losing the chosen value where it is still on offer."""
    chosen = control.value
    values = [option[1] if isinstance(option, tuple) else option for option in options]
    control.options = options
    control.value = chosen if chosen in values else values[0]


def _check(pairs: pd.DataFrame) -> None:
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
    for path in pd.unique(pairs[["original", "translated"]].to_numpy().ravel()):
        if not Path(path).is_file():
            raise InputError("there is no such image", where=path, remedy=REMEDY)
