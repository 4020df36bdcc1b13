"""Charts and close-ups of what translation did to the labels show what the tables say."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.display import preservation_plots as plots
from sim2real_lib.display.pictures import rgb255
from sim2real_lib.display.style import INK, MUTED, Chart, arm_colour, class_colour

VARIANTS = ["cyclegan-fog", "cyclegan-rain", "nst-fog"]


def scores(**means: float) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    parts = [
        pd.DataFrame({"variant": name.replace("_", "-"), "agreement": rng.normal(mean, 0.05, 200)})
        for name, mean in means.items()
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def summary() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "recall_before": 0.6, "recall_after": [0.3, 0.5, 0.6], "lost": [0.5, 0.2, np.nan],
            "low": [0.4, 0.1, np.nan], "high": [0.6, 0.3, np.nan],
            "hallucinated": [0.5, 0.0, 0.25], "below": [0.3, 0.1, np.nan],
        },
        index=pd.Index(VARIANTS, name="variant"),
    )  # fmt: skip


@pytest.fixture
def frames(catalog: Catalog) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four clones, and the same in fog as their translations."""
    own = catalog.frames[catalog.frames["source"] == "vkitti2"]
    clones = own[own["variant"] == "clone"].reset_index(drop=True)
    fog = own[own["variant"] == "fog"].reset_index(drop=True)
    return clones, clones.assign(frame_id="nst-fog/" + clones["frame_id"], image=fog["image"])


@pytest.fixture
def boxes(catalog: Catalog, frames: tuple[pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    own = catalog.boxes[catalog.boxes["frame_id"].isin(frames[0]["frame_id"])]
    return own.reset_index(drop=True).assign(
        variant="nst-fog", agreement=np.linspace(-0.2, 0.9, len(own))
    )


def says_that_there_is_nothing(chart: object) -> bool:
    (axes,) = chart.axes
    return ["no box" in text.get_text() for text in axes.texts] == [True]


def row_names(figure: Chart) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def titles(figure: Chart) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.images]


def test_every_variant_has_a_hill_and_references_stand_below() -> None:
    references = scores(fog=0.8, mirrored=0.2).assign(
        damaged=lambda table: table["variant"] == "mirrored"
    )
    figure = plots.agreements(scores(nst_fog=0.9, cyclegan_fog=0.6), references, threshold=0.5)
    assert row_names(figure)[::-1] == [
        "cyclegan-fog",
        "nst-fog",
        "weather: fog",
        "damage: mirrored",
    ]
    colours = dict.fromkeys(
        to_hex(patch.get_facecolor()) for patch in figure.axes[0].patches if patch.fill
    )
    assert list(colours)[::-1] == [arm_colour("cyclegan"), arm_colour("nst"), MUTED, INK]


def test_beside_a_hill_stands_what_share_is_below_the_threshold() -> None:
    figure = plots.agreements(scores(nst_fog=0.9, cyclegan_fog=0.1), threshold=0.5)
    assert [text.get_text() for text in figure.axes[0].texts][::-1] == ["100 %", "0 %"]
    (line,) = figure.axes[0].lines
    assert line.get_xdata()[0] == 0.5


@pytest.mark.filterwarnings("error")
def test_unknown_agreements_are_left_out_and_none_at_all_is_said() -> None:
    table = scores(nst_fog=0.9, cyclegan_fog=0.1)
    table.loc[table["variant"] == "nst-fog", "agreement"] = np.nan
    assert row_names(plots.agreements(table, threshold=0.5)) == ["cyclegan-fog"]
    for empty in (table.assign(agreement=np.nan), table.head(0)):
        assert says_that_there_is_nothing(plots.agreements(empty, threshold=0.5))


@pytest.mark.filterwarnings("error")
def test_both_verdicts_stand_side_by_side(summary: pd.DataFrame) -> None:
    figure = plots.losses(summary)
    found, lost, hallucinated, below = figure.axes
    assert row_names(figure) == VARIANTS
    assert [text.get_text() for text in found.texts] == [
        "0.60 → 0.30", "0.60 → 0.50", "0.60 → 0.60",
    ]  # fmt: skip
    assert [text.get_text() for text in lost.texts] == ["50 %", "20 %", "–"]
    assert [bar.get_width() for bar in hallucinated.patches] == [0.5, 0.0, 0.25]
    assert [text.get_text() for text in below.texts] == ["30 %", "10 %", "–"]


def test_the_interval_is_drawn_around_the_lost(summary: pd.DataFrame) -> None:
    lines = plots.losses(summary).axes[1].collections[0].get_segments()
    assert [line[:, 0].tolist() for line in lines[:2]] == [[0.4, 0.6], [0.1, 0.3]]


def test_translators_stand_in_the_arms_order(summary: pd.DataFrame) -> None:
    assert row_names(plots.losses(summary.iloc[::-1])) == VARIANTS
    assert says_that_there_is_nothing(plots.losses(summary.head(0)))


def test_the_worst_box_of_each_frame_comes_first_and_says_what_was_found(
    frames: tuple[pd.DataFrame, pd.DataFrame], boxes: pd.DataFrame
) -> None:
    boxes = boxes.assign(found_before=True, found_after=False)
    shown = titles(plots.worst(*frames, boxes, most=3))
    assert len(shown) == 3
    assert shown[0].endswith("agreement −0.20 · found → not found")
    assert shown[0].startswith(f"nst-fog · {boxes['class'][0]}, ")
    worst = boxes.groupby("frame_id")["agreement"].min().sort_values().head(3)
    drawn = [float(title.split("agreement ")[1].split(" ")[0].replace("−", "-")) for title in shown]
    assert drawn == pytest.approx(list(worst), abs=0.006)


def test_without_a_detector_only_the_edges_are_spoken_of(
    frames: tuple[pd.DataFrame, pd.DataFrame], boxes: pd.DataFrame
) -> None:
    shown = titles(plots.worst(*frames, boxes, most=50))
    assert len(shown) == boxes["frame_id"].nunique()
    assert not any("found" in title for title in shown)


def test_a_close_up_shows_the_box_in_the_original_and_in_the_translation(
    frames: tuple[pd.DataFrame, pd.DataFrame], boxes: pd.DataFrame
) -> None:
    figure = plots.worst(*frames, boxes, most=1)
    (image,) = (np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images)
    colour = rgb255(class_colour(boxes["class"][0]))
    halves = image[:, : plots.SIDE], image[:, -plots.SIDE :]
    assert not np.array_equal(*halves)
    for half in halves:
        assert (np.abs(half.astype(int) - colour).max(axis=2) < 25).sum() > 200


def test_a_box_at_the_images_edge_has_white_beyond_it(
    frames: tuple[pd.DataFrame, pd.DataFrame], boxes: pd.DataFrame
) -> None:
    corner = boxes.head(1).assign(left=0.0, top=0.0, right=30.0, bottom=20.0)
    figure = plots.worst(*frames, corner)
    image = np.asarray(next(axes for axes in figure.axes if axes.images).images[0].get_array())
    assert image.shape[0] == plots.SIDE
    assert (image[:20, :20] == 255).all()


def test_names_of_the_data_are_text_and_never_a_formula(
    frames: tuple[pd.DataFrame, pd.DataFrame], boxes: pd.DataFrame, summary: pd.DataFrame
) -> None:
    name = r"$\frac{x$"
    plots.worst(*frames, boxes.assign(**{"class": name}))
    plots.losses(summary.set_axis([name, *VARIANTS[1:]]))
    plots.agreements(scores(nst_fog=0.9).assign(variant=name), threshold=0.5)


def test_without_a_box_there_is_no_gallery(
    frames: tuple[pd.DataFrame, pd.DataFrame], boxes: pd.DataFrame
) -> None:
    assert says_that_there_is_nothing(plots.worst(*frames, boxes.head(0)))
