"""One palette and one theme: a source, weather, arm or class has its colour on every page.

The hues descend from Okabe and Ito's palette, so they stay apart for colour-blind readers too
(a test simulates it).
"""

import io
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, NamedTuple, ParamSpec

import matplotlib as mpl
import seaborn as sns
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

INK, MUTED, FAINT, PAPER = "#1c2430", "#66707f", "#e4e8ee", "#ffffff"

SOURCES = {"kitti": "#0072b2", "vkitti2": "#e69f00", "vkitti1": "#882255", "bdd100k": "#009e73"}
ARMS = {
    "baseline": "#4b5563",
    "cyclegan": "#0072b2",
    "nst": "#d55e00",
    "fda": "#cc79a7",
    "reinhard": "#56b4e9",
    "histogram": "#f0c419",
    "cut": "#2a1fa8",
    "fastcut": "#5a6bf0",
    "adain": "#781800",
    "wct2": "#78c878",
    "pyramid": "#ac089a",
    "mixed": "#4a0d5c",
    "more": "#9f7334",
    "clear-only": "#b1b7b9",
    "oracle": "#009e73",
}
WEATHERS = {
    "clear": "#f2b134",
    "partly cloudy": "#4fb3e8",
    "overcast": "#717c8c",
    "foggy": "#d5b3d0",
    "rainy": "#1d4f91",
    "snowy": "#2ca58d",
    "undefined": "#e0e4e9",
}
# Brighter than the rest: these are read on top of photographs.
CLASSES = {
    "car": "#38b6ff",
    "van": "#ffb000",
    "truck": "#ff5c8a",
    "bus": "#a583ff",
    "pedestrian": "#3ddc84",
}
SPARE = ("#8c564b", "#6699cc", "#999933", "#44aa99", "#aa4499")

SEQUENTIAL = LinearSegmentedColormap.from_list("paper-to-ink", ["#f3f7fb", "#7fb2d9", "#0b3c6f"])

THEME: Any = {
    **sns.axes_style("whitegrid"),
    **sns.plotting_context("notebook", font_scale=0.88),
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "figure.facecolor": PAPER,
    "figure.titlesize": 12.5,
    "figure.titleweight": "bold",
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same picture on every machine
    "grid.color": FAINT,
    "legend.frameon": False,
    "lines.solid_capstyle": "round",
    "savefig.facecolor": PAPER,
    "text.color": INK,
    "text.parse_math": False,  # names of data are no formulas, whatever their dollars say
    "xtick.color": MUTED,
    "ytick.color": MUTED,
}

SCREEN_DPI = 96  # what a browser takes an inch to be
SHARPNESS = 2  # image pixels for each screen pixel, so that text is crisp on any display

P = ParamSpec("P")


class Chart(Figure):
    """A figure that shows itself once, sharp and in its own size, in any notebook front end.

    It never enters pyplot's registry: nothing to close, and no second copy under the cell.

    Attributes:
        shown: the picture that a notebook showed last, for a report to show the same.
    """

    shown: "Encoded | None" = None

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        self.shown = mime, data, width, height = encode(self)
        return {mime: b64encode(data).decode()}, {mime: {"width": width, "height": height}}


def chart(width: float, height: float, *, pictures: bool = False) -> Chart:
    """An empty figure of this many inches; grids of `pictures` are packed closely."""
    figure = Chart(figsize=(width, height), layout="constrained", dpi=SCREEN_DPI)
    if pictures:
        engine = ConstrainedLayoutEngine(
            compress=True, w_pad=0.03, h_pad=0.03, wspace=0.0, hspace=0.0
        )
        figure.set_layout_engine(engine)
    return figure


def themed(draw: Callable[P, Chart]) -> Callable[P, Chart]:
    """Draw under the project's theme without changing anybody's matplotlib settings."""

    @wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Chart:
        with mpl.rc_context(THEME):
            figure = draw(*args, **kwargs)
            _powers(figure)
            # Ticks are made at the first drawing and take the settings of that moment.
            figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it is laid out: doing so again is half of an encoding
        return figure

    return styled


def _powers(figure: Figure) -> None:
    """Numbers on logarithmic axes are matplotlib's own formulas, 10² and the like."""
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        for label in axis.get_ticklabels(which="both") if axis.get_scale() == "log" else ():
            label.set_parse_math(True)


def headline(figure: Figure, text: str) -> None:
    """A title for the whole figure, flush left."""
    figure.suptitle(text, x=0.004, ha="left")


def has_photographs(figure: Figure) -> bool:
    """Whether there is more in it than lines, areas and words."""
    return any(axes.images for axes in figure.axes)


class Encoded(NamedTuple):
    """An image file's bytes, and how large it is meant to be seen."""

    mime: str
    data: bytes
    width: int  # screen pixels
    height: int


def encode(figure: Figure) -> Encoded:
    """A figure as PNG, or as JPEG where there are photographs in it."""
    raw, file = io.BytesIO(), io.BytesIO()
    options: dict[str, Any] = {"dpi": SCREEN_DPI * SHARPNESS, "bbox_inches": "tight"}
    figure.savefig(raw, format="tiff", pil_kwargs={"compression": None}, **options)
    image = Image.open(raw).convert("RGB")
    width, height = (pixels // SHARPNESS for pixels in image.size)
    if has_photographs(figure):
        image.save(file, format="jpeg", quality=85)
        return Encoded("image/jpeg", file.getvalue(), width, height)
    image.save(file, format="png")
    return Encoded("image/png", file.getvalue(), width, height)


def source_colour(name: str) -> str:
    """The colour of a data set."""
    return _colour(SOURCES, name)


def weather_colour(name: str) -> str:
    """The colour of a weather."""
    return _colour(WEATHERS, name)


def arm_colour(name: str) -> str:
    """The colour of an arm of the experiment."""
    return _colour(ARMS, name)


def class_colour(name: str) -> str:
    """The colour of an object class, as drawn over photographs."""
    return _colour(CLASSES, name)


def _colour(palette: Mapping[str, str], name: str) -> str:
    """A name that nobody foresaw keeps one spare colour, chosen by the name itself."""
    return palette.get(name, SPARE[zlib.crc32(name.encode()) % len(SPARE)])


COLOURS: dict[str, Callable[[str], str]] = {
    "source": source_colour,
    "weather": weather_colour,
    "arm": arm_colour,
    "class": class_colour,
}


def ordered(names: Any, by: str) -> list[str]:
    """Distinct names in their palette's order, unforeseen ones last in the alphabet's."""
    palette = {"source": SOURCES, "weather": WEATHERS, "arm": ARMS, "class": CLASSES}.get(by, {})
    rank = {name: position for position, name in enumerate(palette)}
    return sorted(dict.fromkeys(names), key=lambda name: (rank.get(name, len(rank)), name))
