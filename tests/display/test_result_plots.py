"""Charts of results show every arm, its interval, and what does not compete."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from sim2real_lib.display import difference_plots, result_plots
from sim2real_lib.display.style import PAPER, arm_colour
from sim2real_lib.errors import InputError

RESULTS = pd.DataFrame(
    [
        {"arm": arm, "bin": bin_, "map50": value, "low": value - 0.02, "high": value + 0.03}
        for arm, value in (("baseline", 0.38), ("cyclegan", 0.41))
        for bin_ in ("0-5", "0-10", "0-all")
    ]
)
DIFFERENCES = pd.DataFrame(
    {"arm": ["cyclegan", "nst", "oracle"], "bin": "0-all", "difference": [0.03, 0.01, 0.4],
     "low": [0.01, -0.01, 0.35], "high": [0.05, 0.03, 0.45]}
)  # fmt: skip


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def points(axes: Axes) -> dict[str, str]:
    """Marker -> its fill, of the dots and arrows from above."""
    lines = [line for line in axes.lines if line.get_marker() in ("o", ">", "<")]
    return {f"{n} {line.get_marker()}": line.get_markerfacecolor() for n, line in enumerate(lines)}


def test_every_arm_keeps_its_colour_and_its_interval() -> None:
    figure = result_plots.map_by_bin(RESULTS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["0-5", "0-10", "0-all"]
    axes = figure.axes[0]
    bars = [bar.get_facecolor()[:3] for bar in axes.patches]
    assert bars == [pytest.approx(to_rgb(arm_colour(arm))) for arm in ("baseline", "cyclegan")]
    spans = [line for lines in axes.collections for line in lines.get_segments()]
    assert spans[0][:, 0] == pytest.approx([0.36, 0.41])
    assert texts(axes) == [".380", ".410"]


def test_a_table_without_intervals_has_none() -> None:
    figure = result_plots.map_by_bin(RESULTS[["arm", "bin", "map50"]])
    assert not figure.axes[0].collections


def test_an_arm_without_a_result_is_a_dash() -> None:
    table = RESULTS.assign(map50=RESULTS["map50"].where(RESULTS["arm"] == "baseline"))
    assert texts(result_plots.map_by_bin(table[["arm", "bin", "map50"]]).axes[0]) == [".380", "–"]


def test_the_quantity_is_named_with_its_convention() -> None:
    figure = result_plots.map_by_bin(RESULTS, quantity="mAP@0.5 (coco)")
    assert {axes.get_xlabel() for axes in figure.axes} == {"mAP@0.5 (coco)"}


def test_a_difference_that_may_be_zero_is_hollow() -> None:
    axes = difference_plots.difference_forest(DIFFERENCES).axes[0]
    assert list(points(axes).values())[:2] == [arm_colour("cyclegan"), PAPER]


def test_over_seeds_too_a_difference_must_not_reach_zero() -> None:
    wide = DIFFERENCES.assign(low_all=[-0.01, -0.05, np.nan], high_all=[0.08, 0.06, np.nan])
    axes = difference_plots.difference_forest(wide).axes[0]
    assert next(iter(points(axes).values())) == PAPER


def test_the_oracle_is_an_arrow_where_it_would_squeeze_the_others() -> None:
    axes = difference_plots.difference_forest(DIFFERENCES).axes[0]
    assert list(points(axes)) == ["0 o", "1 o", "2 >"]
    assert axes.get_xlim()[1] < 0.1
    assert "+0.400" in texts(axes)
    alone = difference_plots.difference_forest(DIFFERENCES[DIFFERENCES["arm"] == "oracle"])
    assert list(points(alone.axes[0])) == ["0 o"]


def test_every_seed_is_a_dot() -> None:
    seeds = pd.DataFrame(
        {"bin": "0-all", "arm": ["cyclegan"] * 3, "difference": [0.02, 0.03, 0.04]}
    )
    axes = difference_plots.difference_forest(DIFFERENCES, seeds).axes[0]
    (dots,) = [each for each in axes.collections if len(each.get_offsets()) == 3]
    assert dots.get_offsets()[:, 0].tolist() == [0.02, 0.03, 0.04]


def test_nothing_to_compare_is_said() -> None:
    figure = difference_plots.difference_forest(DIFFERENCES.iloc[:0])
    assert texts(figure.axes[0]) == ["there is no other arm to compare with"]


def test_the_gap_is_closed_in_percent_and_none_is_said() -> None:
    table = pd.DataFrame(
        {"bin": "0-all", "arm": ["cyclegan", "nst"], "share": [0.5, -9.0], "low": [0.3, -12.0],
         "high": [0.7, -7.0]}
    )  # fmt: skip
    axes = difference_plots.gap_closed(table).axes[0]
    assert texts(axes) == ["50 %", "−900 %"]
    assert list(points(axes)) == ["0 o", "1 <"] and axes.get_xlim()[0] == -1
    nothing = difference_plots.gap_closed(table.assign(share=np.nan))
    assert "no gap to close" in texts(nothing.axes[0])[0]


def slices(**kinds: list[str]) -> pd.DataFrame:
    values = {"baseline": 0.3, "nst": 0.4, "oracle": 0.6}
    return pd.DataFrame(
        [
            {"kind": kind, "slice": name, "arm": arm, "objects": 1234, "map50": value}
            for kind, names in kinds.items()
            for name in names
            for arm, value in values.items()
        ]
    )


def test_the_best_of_a_slice_is_bold_and_the_oracle_never() -> None:
    axes = result_plots.heat_table(slices(weather=["foggy", "rainy"])).axes[0]
    bold = [text.get_text() for text in axes.texts if text.get_weight() == "bold"]
    assert bold == [".400", ".400"]
    assert [t.get_text() for t in axes.get_xticklabels()] == ["foggy\n1,234", "rainy\n1,234"]


def test_kinds_go_on_in_a_new_row_where_the_page_ends() -> None:
    table = slices(weather=list("abcdefg"), size=["small", "large"], time=list("tuvwxyz"))
    figure = result_plots.heat_table(table)
    tops = [round(axes.get_position().y1, 2) for axes in figure.axes]
    assert tops[0] == tops[1] > tops[2]


def test_a_slice_without_objects_is_a_hole() -> None:
    table = slices(weather=["foggy"], size=["small", "large"])
    table.loc[table["slice"] == "small", "map50"] = np.nan
    assert "–" in texts(result_plots.heat_table(table).axes[1])
    with pytest.raises(InputError, match="no slices"):
        result_plots.heat_table(table.iloc[:0])


def test_a_curve_has_a_panel_for_each_class_the_mean_first() -> None:
    curves = pd.DataFrame(
        [
            {"class": name, "arm": arm, "recall": recall, "precision": 1 - recall}
            for name in ("car", "truck", "all")
            for arm in ("baseline", "nst")
            for recall in (0.0, 0.5, 1.0)
        ]
    )
    figure = result_plots.precision_recall(curves)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["mean over the 2 classes", "car", "truck"]
    assert all(len(axes.lines) == 2 for axes in figure.axes)
