"""The chart of distances shows each translation's way to the target, and where it could end."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from sim2real_lib.display import distance_plots
from sim2real_lib.display.style import INK, MUTED, PAPER, Chart, arm_colour
from sim2real_lib.evaluation.domain_distance import MEASURES, compare


def row(style: str, translator: str, measure: str, before: float, after: float) -> dict:
    values = {"before": before, "after": after, "floor": 0.1, "gap": before - 0.1}
    values |= {"closed": before - after, "share": (before - after) / (before - 0.1)}
    bounds = {
        f"{name}_{end}": value + side
        for name, value in values.items()
        for end, side in (("low", -0.05), ("high", 0.08))
    }
    return {"style": style, "translator": translator, "measure": measure} | values | bounds


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        [
            row(style, translator, measure, 0.9, after)
            for style in ("fog", "rain")
            for translator, after in (("nst", 1.1), ("cyclegan", 0.3))
            for measure in MEASURES
        ]
    )


def rows_of(figure: Chart) -> dict[str, float]:
    axes = figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    return dict(zip(names, axes.get_yticks(), strict=True))


def dots(axes: Axes) -> list[tuple[float, float, str]]:
    """x, y and filling of each."""
    return [
        (line.get_xdata()[0], line.get_ydata()[0], to_hex(line.get_markerfacecolor()))
        for line in axes.lines
        if line.get_marker() == "o"
    ]


def spans(axes: Axes) -> list[np.ndarray]:
    return [segment for lines in axes.collections for segment in lines.get_segments()]


def beside(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts if text.get_text()]


def test_a_panel_for_each_measure_and_a_row_for_each_translation(table: pd.DataFrame) -> None:
    figure = distance_plots.distances(table)
    assert [axes.get_title(loc="left").partition(":")[0] for axes in figure.axes] == list(MEASURES)
    assert all(axes.get_xlabel() for axes in figure.axes)
    assert figure.axes[0].get_ylabel()
    rows = rows_of(figure)
    assert list(rows) == ["fog · cyclegan", "fog · nst", "rain · cyclegan", "rain · nst"]
    assert rows["rain · cyclegan"] - rows["fog · nst"] > rows["fog · nst"] - rows["fog · cyclegan"]
    assert figure.axes[0].yaxis_inverted()


def test_a_row_goes_from_the_hollow_original_to_the_filled_translation(
    table: pd.DataFrame,
) -> None:
    figure = distance_plots.distances(table)
    y = rows_of(figure)["rain · nst"]
    own = [(x, fill) for x, at, fill in dots(figure.axes[0]) if abs(at - y) < 0.5]
    assert own == [(0.9, PAPER), (1.1, arm_colour("nst"))]
    arrows = [text for text in figure.axes[0].texts if text.arrow_patch is not None]
    assert [(a.xyann[0], a.xy[0]) for a in arrows] == [(0.9, 1.1), (0.9, 0.3)] * 2


def test_intervals_and_the_floor_are_drawn_where_the_table_has_them(table: pd.DataFrame) -> None:
    figure = distance_plots.distances(table)
    y = rows_of(figure)["fog · cyclegan"]
    own = [span for span in spans(figure.axes[1]) if abs(span[:, 1].mean() - y) < 0.4]
    flat = sorted(span[:, 0].round(3).tolist() for span in own if np.ptp(span[:, 1]) == 0)
    assert flat == [[0.25, 0.38], [0.85, 0.98]]
    (floor,) = [span for span in own if np.ptp(span[:, 1])]
    assert floor[:, 0].tolist() == [0.1, 0.1]


def test_the_share_closed_stands_beside_its_row_where_it_is_known(table: pd.DataFrame) -> None:
    table.loc[table["style"] == "fog", "share"] = np.nan
    texts = beside(distance_plots.distances(table).axes[2])
    assert sorted(texts) == sorted(["closed", "–", "–", "75 %", "−25 %"])


def test_a_share_that_may_be_nothing_is_grey(table: pd.DataFrame) -> None:
    table.loc[table["style"] == "fog", "closed_low"] = -2.0
    table.loc[table["style"] == "fog", "closed_high"] = 2.0
    texts = distance_plots.distances(table).axes[0].texts
    colours = [text.get_color() for text in texts if "%" in text.get_text()]
    assert sorted(colours) == sorted([MUTED, MUTED, INK, INK])


def test_what_compare_gives_can_be_drawn_also_where_frames_were_too_few() -> None:
    rng = np.random.default_rng(0)
    made = []
    for frames, style in ((6, "fog"), (2, "overcast")):
        before, target = rng.normal(size=(frames, 5)) + 1, rng.normal(size=(8, 5))
        found = compare(before, before - 0.5, target).reset_index()
        made.append(found.assign(style=style, translator="cyclegan"))
    figure = distance_plots.distances(pd.concat(made))
    assert list(rows_of(figure)) == ["fog · cyclegan", "overcast · cyclegan"]
    assert "too few frames" not in beside(figure.axes[0])
    alone = distance_plots.distances(made[1])
    assert all("too few frames" in beside(axes) for axes in alone.axes)
