"""The gap's charts stand every measure in its place, the largest gap first."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from sim2real_lib.display import gap_plots
from sim2real_lib.display.style import MUTED, SEQUENTIAL, Chart, source_colour
from sim2real_lib.errors import InputError

DISTANCES = pd.DataFrame(
    [
        ("brightness", "bdd100k", "kitti", 0.2, 0.9),
        ("brightness", "kitti", "vkitti2", 0.9, 0.4),
        ("sharpness", "bdd100k", "kitti", 0.4, None),
        ("sharpness", "kitti", "vkitti2", 1.6, 0.1),
        ("aspect", "kitti", "vkitti2", 0.1, 1.0),
    ],
    columns=["measure", "a", "b", "distance", "overlap"],
)


def values(measure: str, source: str, numbers: object, variant: str = "original") -> pd.DataFrame:
    return pd.DataFrame(
        {"source": source, "variant": variant, "measure": measure, "value": numbers}
    )


@pytest.fixture(scope="module")
def measures() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.concat(
        [
            values("box size", "kitti", rng.lognormal(4, 0.5, 900)),
            values("box size", "bdd100k", rng.lognormal(3, 0.5, 900)),
            values("box size, share of image height", "kitti", rng.lognormal(-2, 0.5, 900)),
            values("boxes an image", "kitti", rng.poisson(5, 500)),
            values("boxes an image", "bdd100k", rng.poisson(12, 500)),
            values("sharpness", "bdd100k", [*rng.normal(2, 0.1, 999), 500.0]),
        ]
    )


def hills(axes: Axes) -> dict[str, tuple[float, np.ndarray]]:
    """Where each filled hill stands, and how high its steps are, by colour."""
    return {
        to_hex(patch.get_facecolor()): (patch.get_data().baseline, patch.get_data().values)
        for patch in axes.patches
        if patch.get_fill()
    }


def medians(axes: Axes) -> list[float]:
    return [line.get_segments()[0][0, 0] for line in axes.collections]


def cells(figure: Chart) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def test_every_measure_has_its_panel_and_its_unit(measures: pd.DataFrame) -> None:
    figure = gap_plots.distributions(measures)
    assert [(axes.get_title(loc="left"), axes.get_xlabel()) for axes in figure.axes] == [
        ("box size", "pixels"), ("box size", "share of image height"),
        ("boxes an image", "boxes"), ("sharpness", "lg variance of Laplacian"),
    ]  # fmt: skip
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["bdd100k", "kitti"], "not from below as drawn"


def test_a_hill_stands_in_its_sources_row_and_colour_with_its_median(
    measures: pd.DataFrame,
) -> None:
    sizes, _, counts, sharpness = gap_plots.distributions(measures).axes
    kitti, bdd = hills(sizes)[source_colour("kitti")], hills(sizes)[source_colour("bdd100k")]
    assert (kitti[0], bdd[0]) == (1, 0)
    assert kitti[1].max() - 1 == pytest.approx(bdd[1].max()), "one hill is higher"
    assert bdd[1].argmax() < kitti[1].argmax() - 1
    assert medians(counts) == [5, 12]
    assert list(hills(sharpness)) == [source_colour("bdd100k")]


def test_sizes_are_compared_by_ratios_and_all_else_by_differences(measures: pd.DataFrame) -> None:
    scales = [axes.get_xscale() for axes in gap_plots.distributions(measures).axes]
    assert scales == ["log", "log", "linear", "linear"]


def test_one_odd_value_does_not_squeeze_the_others(measures: pd.DataFrame) -> None:
    assert gap_plots.distributions(measures).axes[3].get_xlim()[1] < 3


def test_every_bin_takes_in_as_many_whole_numbers(measures: pd.DataFrame) -> None:
    for numbers in (range(12), range(200)):
        figure = gap_plots.distributions(values("boxes an image", "kitti", numbers))
        ((_, heights),) = hills(figure.axes[0]).values()
        assert np.ptp(heights[:-4]) < 1e-9, "equal counts make a comb"


def test_variants_of_one_source_have_its_colour_and_shared_ones_none() -> None:
    measured = pd.concat(
        [
            values("contrast", "vkitti2", [0.1, 0.2, 0.3], "fog"),
            values("contrast", "kitti", [0.2, 0.3, 0.4]),
            values("contrast", "bdd100k", [0.2, 0.3, 0.5]),
        ]
    )
    figure = gap_plots.distributions(measured, by="variant")
    assert list(hills(figure.axes[0])) == [source_colour("vkitti2"), MUTED]
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["original", "fog"]
    assert figure.axes[0].get_ylabel() == "variant"


@pytest.mark.filterwarnings("error")
def test_constants_and_gaps_are_drawn_too() -> None:
    measured = pd.concat(
        [values(name, "kitti", [0.5] * 3) for name in ("aspect", "contrast", "boxes an image")]
        + [values("contrast", "bdd100k", [np.nan, 0.4])]
    )
    assert medians(gap_plots.distributions(measured).axes[1]) == [0.5, 0.4]


def test_nothing_measured_is_refused(measures: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="nothing was measured"):
        gap_plots.distributions(measures.assign(value=np.nan))


def test_the_largest_gaps_stand_first() -> None:
    axes = gap_plots.distance_table(DISTANCES).axes[0]
    assert axes.yaxis_inverted()
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "sharpness", "brightness", "aspect",
    ]  # fmt: skip
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "kitti –\nvkitti2", "kitti –\nbdd100k",
    ]  # fmt: skip


def test_every_cell_has_its_number_and_what_is_shared() -> None:
    figure = gap_plots.distance_table(DISTANCES)
    assert cells(figure) == [
        "1.60", "10 % shared", "0.40",
        "0.90", "40 % shared", "0.20", "90 % shared",
        "0.10", "100 % shared", "–",
    ]  # fmt: skip
    assert "standard deviations of the two together" in figure.axes[0].get_title(loc="left")
    assert "overlap" in figure.axes[0].get_title(loc="left")


def test_without_overlaps_none_are_spoken_of() -> None:
    figure = gap_plots.distance_table(DISTANCES.drop(columns="overlap"))
    assert len(cells(figure)) == 6
    assert "overlap" not in figure.axes[0].get_title(loc="left")


def test_small_gaps_are_pale() -> None:
    def darkest(distances: pd.DataFrame) -> float:
        (mesh,) = gap_plots.distance_table(distances).axes[0].collections
        mesh.update_scalarmappable()
        drawn = mesh.get_facecolors()
        return drawn[drawn[:, 3] > 0, :3].sum(axis=1).min()

    assert darkest(DISTANCES) == pytest.approx(sum(SEQUENTIAL(1.0)[:3]))
    assert darkest(DISTANCES.assign(distance=0.05)) > 2.5


def test_an_infinite_distance_is_as_dark_as_the_largest() -> None:
    figure = gap_plots.distance_table(DISTANCES.assign(distance=[np.inf, 1, 2, 3, 0.5]))
    (mesh,) = figure.axes[0].collections
    assert mesh.get_array().max() == 3
    assert cells(figure)[0] == "∞"


def test_a_single_source_has_nothing_to_compare_with() -> None:
    figure = gap_plots.distance_table(DISTANCES.head(0))
    assert cells(figure) == ["there is no second source to compare with"]
