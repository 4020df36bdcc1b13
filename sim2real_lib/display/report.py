"""The report: one HTML file with everything in it, to be opened anywhere, mailed or printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from sim2real_lib.display.pictures import data_uri, fit, to_jpeg
from sim2real_lib.display.style import Chart, Encoded, encode, has_photographs
from sim2real_lib.display.wipe import wipe_html
from sim2real_lib.files import write_text
from sim2real_lib.images import RGB, read_rgb

PHOTO_WIDTH = 1280  # pixels across at most: a report is read on a page, and mailed
MANY = 10  # facts, from which on they stand in two columns


class Block(Protocol):
    """Anything that can stand in a section."""

    def html(self) -> Markup:
        """Itself as HTML, with all text from data escaped."""
        ...


@dataclass(frozen=True)
class Section:
    """A headed part of the report.

    Attributes:
        title: its heading, also in the page's navigation.
        blocks: what stands in it, from above.
        lead: a sentence or two under the heading.
    """

    title: str
    blocks: Sequence[Block]
    lead: str = ""


@dataclass(frozen=True)
class Table:
    """A pandas table as it stands, index left out.

    Attributes:
        frame: the rows; reset the index first where it carries meaning.
        caption: what it shows.
        best: whether the highest or the lowest value of each column of fractions stands out.
        aside: first-column values that do not compete for it, such as the oracle.
        elsewhere: those of them that were measured on other data; a dashed line parts them off.
        decimals: of numbers that are not whole.
        signed: columns of differences, written with their sign.
    """

    frame: pd.DataFrame
    caption: str = ""
    best: Literal["max", "min"] | None = None
    aside: Sequence[str] = ()
    elsewhere: Sequence[str] = ()
    decimals: int = 3
    signed: Sequence[str] = ()

    def html(self) -> Markup:
        kinds = ["" if _is_number(self.frame[name]) else "text" for name in self.frame.columns]
        marked = [self._best(name) for name in self.frame.columns]
        head = Markup("").join(
            Markup('<th class="{}">{}</th>').format(kind, name)
            for kind, name in zip(kinds, self.frame.columns, strict=True)
        )
        rows = Markup("").join(
            Markup('<tr class="{}">{}</tr>').format(
                self._apart(row[0]),
                Markup("").join(
                    Markup('<td class="{}">{}</td>').format(
                        "best" if value == best and row[0] not in self.aside else kind,
                        self._text(value, "+" if name in self.signed else ""),
                    )
                    for name, value, kind, best in zip(
                        self.frame.columns, row, kinds, marked, strict=True
                    )
                ),
            )
            for row in self.frame.itertuples(index=False, name=None)
        )
        caption = Markup('<p class="caption">{}</p>').format(self.caption) if self.caption else ""
        return Markup(
            '<div class="block">{}<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
        ).format(caption, head, rows)

    def _apart(self, name: Any) -> str:
        names = {"aside": self.aside, "elsewhere": self.elsewhere}
        return " ".join(kind for kind, rows in names.items() if name in rows)

    def _best(self, name: Any) -> float | None:
        column = self.frame.loc[~self.frame.iloc[:, 0].isin(list(self.aside)), name]
        if self.best is None or not pd.api.types.is_float_dtype(column) or column.nunique() < 2:
            return None
        return column.max() if self.best == "max" else column.min()

    def _text(self, value: Any, sign: str = "") -> str:
        if pd.api.types.is_scalar(value) and pd.isna(value):
            return "–"
        if isinstance(value, (float, np.floating)):
            return f"{value:{sign},.{self.decimals}f}".replace("-", "−")
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            return f"{value:,}"
        return str(value)


@dataclass(frozen=True)
class Picture:
    """A figure or a photograph.

    Attributes:
        image: a matplotlib figure, RGB pixels, an image file, or one that is encoded already. A
            `Chart` that a notebook has shown appears as it was shown.
        caption: what to see in it.
    """

    image: Figure | Encoded | RGB | str | Path
    caption: str = ""

    def html(self) -> Markup:
        width, kind = Markup(""), "photo"
        if isinstance(self.image, Figure):
            shown = self.image.shown if isinstance(self.image, Chart) else None
            mime, data, wide, _ = shown or encode(self.image)
            width = Markup(' width="{}"').format(wide)
            # A dark page inverts charts; photographs would become negatives.
            kind = "photo" if has_photographs(self.image) else "chart"
        elif isinstance(self.image, Encoded):
            mime, data, wide, _ = self.image
            width = Markup(' width="{}"').format(wide)
            kind = "photo" if mime == "image/jpeg" else "chart"
        else:
            pixels = self.image if isinstance(self.image, np.ndarray) else read_rgb(self.image)
            mime, data = "image/jpeg", to_jpeg(fit(pixels, min(PHOTO_WIDTH, pixels.shape[1])))
        return Markup(
            '<figure><img class="{}" src="{}" alt="{}"{}>{}</figure>'
        ).format(
            kind, data_uri(mime, data), self.caption or "figure",
            width, _figcaption(self.caption),
        )  # fmt: skip


@dataclass(frozen=True)
class Wipe:
    """Two pictures of one size under a wipe.

    Attributes:
        original, translated: RGB pixels or image files.
        labels: what is written over each.
        caption: which frame this is.
    """

    original: RGB | str | Path
    translated: RGB | str | Path
    labels: tuple[str, str] = ("original", "translated")
    caption: str = ""

    def html(self) -> Markup:
        pictures = [
            image if isinstance(image, np.ndarray) else read_rgb(image)
            for image in (self.original, self.translated)
        ]
        made = Markup(wipe_html(*pictures, labels=self.labels))  # escapes its labels itself
        return Markup("<figure>{}{}</figure>").format(made, _figcaption(self.caption))


@dataclass(frozen=True)
class Facts:
    """Names and values: parameters, environment. Nested values are written as `outer.inner`."""

    values: Mapping[str, Any]
    caption: str = ""

    def html(self) -> Markup:
        rows = Markup("").join(
            Markup("<dt>{}</dt><dd>{}</dd>").format(name, value)
            for name, value in _flat(self.values)
        )
        caption = Markup('<p class="caption">{}</p>').format(self.caption) if self.caption else ""
        kind = "block many" if len(self.values) > MANY else "block"
        return Markup('<div class="{}">{}<dl>{}</dl></div>').format(kind, caption, rows)


@dataclass(frozen=True)
class Beside:
    """Blocks side by side where the page is wide enough."""

    blocks: Sequence[Block]

    def html(self) -> Markup:
        inner = Markup("").join(block.html() for block in self.blocks)
        return Markup('<div class="pair">{}</div>').format(inner)


def write_report(
    path: Path,
    *,
    title: str,
    question: str,
    answer: str,
    sections: Sequence[Section],
    details: Sequence[str] = (),
    notice: str = "",
) -> Path:
    """Write one HTML file that needs nothing beside it, whole or not at all.

    Args:
        path: where to.
        title: the run's name, small at the top.
        question: what the run set out to answer.
        answer: the answer, in plain sentences; the largest words of the page.
        sections: what follows.
        details: what the answer stands on, a paragraph each, right under it.
        notice: what nobody may miss, such as that the data are not real.

    Raises:
        InputError: when an image of a section is missing or unreadable.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    page = environment.get_template("report.html.j2").render(
        title=title, question=question, answer=answer, details=details, sections=sections,
        notice=notice,
    )  # fmt: skip
    write_text(path, page + "\n")
    return path


def _figcaption(caption: str) -> Markup:
    return Markup("<figcaption>{}</figcaption>").format(caption) if caption else escape("")


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, (list, tuple)):
            rows.append((f"{prefix}{name}", ", ".join(map(str, value))))
        else:
            rows.append((f"{prefix}{name}", str(value) or "–"))
    return rows
