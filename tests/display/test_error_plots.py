"""Charts of errors and calibration say what the tables say, for few arms and for many."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from sim2real_lib.display.calibration_plots import FEW, reliability
from sim2real_lib.display.error_plots import errors_by_arm, errors_by_slice
from sim2real_lib.display.style import ARMS, Chart, arm_colour
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.errors import ERRORS, SUMS

SLICES = ["0-5", "0-all"]


def errors(arms: list[str]) -> pd.DataFrame:
    rows = pd.MultiIndex.from_product(
        [arms, SLICES, [*ERRORS, *SUMS]], names=["arm", "slice", "error"]
    )
    gains = np.random.default_rng(0).uniform(0, 0.2, len(rows))
    return pd.DataFrame({"count": 3.0, "per_image": 0.5, "dap": gains}, rows)


def bins(arms: list[str]) -> pd.DataFrame:
    own = pd.DataFrame(
        {
            "low": [0.0, 0.5], "high": [0.5, 1.0], "count": [FEW, FEW - 1],
            "confidence": [0.25, 0.75], "precision": [0.5, 0.75],
        }
    )  # fmt: skip
    return pd.concat(dict.fromkeys(arms, own), names=["arm", "bin"])


def titles(figure: Chart) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.axison]


@pytest.mark.parametrize("arms", [["nst", "baseline"], list(ARMS)], ids=["two", "all"])
@pytest.mark.parametrize("draw", [errors_by_arm, errors_by_slice])
def test_there_is_a_panel_for_each_error_and_a_row_for_each_arm(draw, arms: list[str]) -> None:
    figure = draw(errors(arms))
    assert set(ERRORS) <= set(titles(figure))
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert shown == [arm for arm in ARMS if arm in arms]
    assert figure.axes[0].get_ylabel() and figure.axes[-1].get_xlabel()


def test_bars_are_of_the_slice_asked_for_in_the_arms_colours() -> None:
    table = errors(["baseline", "nst"])
    for slice_, name in ((None, "0-all"), ("0-5", "0-5")):
        axes = errors_by_arm(table, slice_).axes[1]
        expected = table["dap"].xs((name, ERRORS[1]), level=("slice", "error"))
        assert [bar.get_width() for bar in axes.patches] == pytest.approx(expected.tolist())
        colours = [to_hex(bar.get_facecolor()) for bar in axes.patches]
        assert colours == [arm_colour("baseline"), arm_colour("nst")]
        assert [text.get_text() for text in axes.texts] == [f"{v:.3f}"[1:] for v in expected]


def test_errors_share_a_scale_and_their_sums_another() -> None:
    table = errors(["baseline"])
    table.loc[(slice(None), slice(None), list(SUMS)), "dap"] *= 4
    limits = [axes.get_xlim() for axes in errors_by_arm(table).axes]
    assert len(set(limits[:6])) == 1 and len(set(limits[6:])) == 1
    assert limits[6] > limits[0]


def test_a_cell_for_each_arm_and_slice_and_a_hole_where_nothing_is_known() -> None:
    table = errors(["baseline", "nst"])
    table.loc[("nst", "0-5"), "dap"] = np.nan
    figure = errors_by_slice(table)
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == SLICES
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert len(shown) == 4 and shown.count("–") == 1


def test_a_slice_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="no errors of slice 'snow'"):
        errors_by_arm(errors(["nst"]), "snow")
    with pytest.raises(InputError, match="no errors to show"):
        errors_by_slice(errors(["nst"]).head(0))


@pytest.mark.parametrize("arms", [["nst"], ["nst", "baseline"], list(ARMS)])
def test_every_arm_has_its_curve_and_its_error(arms: list[str]) -> None:
    figure = reliability(bins(arms))
    named = [title for title in titles(figure) if title]
    # Half of .25 is .127 with 30 and 29 detections.
    assert named == [f"{arm} · error .127" for arm in ARMS if arm in arms]


def test_bins_with_few_detections_are_hollow_and_all_are_counted() -> None:
    curve, counts = reliability(bins(["nst"])).axes
    (points,) = [drawn for drawn in curve.collections if len(drawn.get_offsets()) == 2]
    assert points.get_offsets().tolist() == [[0.25, 0.5], [0.75, 0.75]]
    assert [to_hex(colour) for colour in points.get_facecolors()] == [arm_colour("nst"), "#ffffff"]
    assert [bar.get_height() for bar in counts.patches] == [FEW, FEW - 1]


@pytest.mark.filterwarnings("error")
def test_an_arm_without_detections_has_an_empty_panel_and_no_arm_at_all_is_refused() -> None:
    empty = bins(["nst"]).assign(count=0, confidence=np.nan, precision=np.nan)
    assert titles(reliability(empty))[0] == "nst · error –"
    with pytest.raises(InputError, match="no detections"):
        reliability(empty.head(0))
