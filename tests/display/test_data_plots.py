"""Charts of a catalog count what they say, and say what they do not know."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.display import data_plots, occlusion_plots
from sim2real_lib.display.occlusion_plots import HIDDEN, SEEN
from sim2real_lib.display.style import Chart, source_colour
from sim2real_lib.errors import InputError


def only(catalog: Catalog, *sources: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    own = catalog.where(catalog.frames["source"].isin(sources))
    return own.frames, own.boxes


def texts(figure: Chart) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def rows(figure: Chart) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def legend(figure: Chart) -> list[str]:
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def bars(figure: Chart, panel: int = 0) -> list[Rectangle]:
    return [bar for bar in figure.axes[panel].patches if isinstance(bar, Rectangle)]


def steps(figure: Chart) -> dict[str, np.ndarray]:
    """Heights of every filled histogram, by colour."""
    return {
        to_hex(patch.get_facecolor()): patch.get_data().values
        for patch in figure.axes[0].patches
        if patch.get_fill()
    }


def test_a_class_that_a_source_lacks_has_no_bar_and_no_zero(catalog: Catalog) -> None:
    frames, boxes = catalog.frames, catalog.boxes
    lacking = boxes[~((boxes["class"] == "van") & boxes["frame_id"].str.startswith("kitti"))]
    figure = data_plots.class_counts(frames, lacking)
    assert len(bars(figure)) == 3 * 3 - 1
    assert "0" not in texts(figure)
    tops = sorted(bar.get_y() for bar in bars(figure))
    assert all(np.diff(tops) < 2), "the missing bar left a hole"


def test_classes_beyond_the_most_frequent_are_named(catalog: Catalog) -> None:
    boxes = catalog.boxes.assign(**{"class": [f"c{at % 14:02d}" for at in catalog.boxes.index]})
    figure = data_plots.class_counts(catalog.frames, boxes)
    assert len(rows(figure)) == 12
    assert "rarer: c12, c13" in figure.axes[0].get_xlabel()


def test_shapes_count_a_share_of_all_objects(catalog: Catalog) -> None:
    frames, boxes = only(catalog, "kitti", "vkitti2")
    square = boxes["frame_id"].str.startswith("kitti")
    right = boxes["left"] + (boxes["bottom"] - boxes["top"]) * np.where(square, 1, 3)
    figure = data_plots.box_shapes(frames, boxes.assign(right=right))
    shares = steps(figure)
    assert set(shares) == {source_colour("kitti"), source_colour("vkitti2")}
    assert all(share.sum() == pytest.approx(100) for share in shares.values())
    assert shares[source_colour("kitti")].argmax() < shares[source_colour("vkitti2")].argmax()
    ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert "1" in ticks and "2" in ticks
    assert {" higher than wide ", " wider than high "} <= set(texts(figure))


def test_one_odd_box_does_not_squeeze_the_others(catalog: Catalog) -> None:
    many = pd.concat([catalog.boxes] * 20, ignore_index=True)
    many.loc[0, ["left", "right"]] = [0, 0.001]
    low, high = data_plots.box_shapes(catalog.frames, many).axes[0].get_xlim()
    assert high / low < 10


def test_images_without_objects_count_as_empty_and_ignored_areas_as_nothing(
    catalog: Catalog,
) -> None:
    frames, boxes = only(catalog, "kitti")
    boxes = boxes[boxes["frame_id"].isin(frames["frame_id"].iloc[:6])]  # of 12 frames
    boxes = boxes.assign(ignore=boxes["class"] == "van")  # 2 of 6 boxes
    figure = data_plots.objects_per_image(frames, boxes)
    (shares,) = steps(figure).values()
    assert list(shares[:5]) == [50, 0, 0, 0, 50]
    assert legend(figure) == ["kitti (median 2)"]


def test_hidden_seen_and_unknown_fill_every_bar(catalog: Catalog) -> None:
    frames, boxes = only(catalog, "kitti", "vkitti2")
    boxes = boxes.assign(truncated=boxes["class"] == "truck")
    boxes.loc[boxes["frame_id"].str.startswith("vkitti2"), "occluded"] = pd.NA
    figure = occlusion_plots.occlusion_and_truncation(frames, boxes)
    assert rows(figure) == ["kitti", "vkitti2", *["car", "van", "truck"] * 2]
    for panel in (0, 1):
        lengths = [bar.get_width() for bar in bars(figure, panel)]
        assert np.reshape(lengths, (3, 6)).sum(axis=0) == pytest.approx(np.ones(6))
    occluded, visible, unknown = np.reshape(bars(figure), (3, 6))
    assert [bar.get_width() for bar in unknown] == [0, 0, 0, 1, 1, 1]
    assert all(bar.get_hatch() for bar in unknown)
    assert to_hex(occluded[0].get_facecolor()) == HIDDEN
    assert to_hex(visible[0].get_facecolor()) == SEEN
    known = boxes[boxes["class"].eq("car") & boxes["occluded"].notna()]
    assert occluded[0].get_width() == pytest.approx(known["occluded"].mean())
    truncated = [bar.get_width() for bar in bars(figure, 1)[:6]]
    assert truncated == [0, 0, 1, 0, 0, 1]


def test_what_is_hidden_has_its_number_where_its_bar_is_too_short(catalog: Catalog) -> None:
    frames, boxes = only(catalog, "kitti")
    boxes = boxes.assign(**{"class": "car", "occluded": False})
    boxes.loc[boxes.index[:2], "occluded"] = True  # 2 of 72
    figure = occlusion_plots.occlusion_and_truncation(frames, boxes)
    assert {"3 %", "97 %", "0 %", "100 %", "72"} <= set(texts(figure))


def test_a_class_that_a_source_lacks_has_no_row(catalog: Catalog) -> None:
    frames, boxes = only(catalog, "kitti", "bdd100k")
    boxes = boxes[~((boxes["class"] == "van") & boxes["frame_id"].str.startswith("bdd100k"))]
    figure = occlusion_plots.occlusion_and_truncation(frames, boxes)
    assert rows(figure) == ["kitti", "bdd100k", "car", "van", "truck", "car", "truck"]


def test_scenes_are_shares_of_a_source_with_the_undefined_last(catalog: Catalog) -> None:
    frames, _ = only(catalog, "kitti", "bdd100k")
    bdd = frames["source"] == "bdd100k"
    frames = frames.assign(scene="undefined")
    frames.loc[bdd, "scene"] = ["undefined"] * 6 + ["tunnel"] * 2 + ["city street"] * 4
    figure = data_plots.scenes(frames)
    assert rows(figure) == ["city street", "tunnel", "undefined"]
    assert [bar.get_width() for bar in bars(figure)] == pytest.approx([100 / 3, 100 / 6, 50])
    assert texts(figure) == ["33 %   4", "17 %   2", "50 %   6"]
    assert legend(figure) == ["bdd100k"]
    assert "no scene is given in kitti" in figure.axes[0].get_xlabel()


def test_every_source_has_its_bar_of_a_scene(catalog: Catalog) -> None:
    figure = data_plots.scenes(catalog.frames)
    assert {to_hex(bar.get_facecolor()) for bar in bars(figure)} == {
        source_colour(source) for source in ("kitti", "vkitti2", "bdd100k")
    }
    assert "no scene" not in figure.axes[0].get_xlabel()


def test_without_any_scene_the_chart_says_so(catalog: Catalog) -> None:
    figure = data_plots.scenes(catalog.frames.assign(scene="undefined"))
    assert texts(figure) == ["no image says what place it shows"]


@pytest.mark.parametrize(
    "draw",
    [
        data_plots.class_counts,
        data_plots.box_sizes,
        data_plots.box_shapes,
        data_plots.objects_per_image,
        occlusion_plots.occlusion_and_truncation,
    ],
)
@pytest.mark.filterwarnings("error")
def test_without_objects_the_chart_says_so(draw, catalog: Catalog) -> None:
    for boxes in (catalog.boxes.head(0), catalog.boxes.assign(ignore=True)):
        figure = draw(catalog.frames, boxes)
        assert set(texts(figure)) == {"there are no objects"}
        assert all(axes.get_title(loc="left") for axes in figure.axes)


def test_without_frames_there_is_no_weather_to_count(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="no frames"):
        data_plots.weather_by_time(catalog.frames.head(0))


def test_images_of_a_source_without_occlusion_labels_are_not_counted_as_clear_of_it(
    catalog: Catalog,
) -> None:
    boxes = catalog.boxes.copy()
    boxes.loc[boxes["frame_id"].str.startswith("vkitti2"), "occluded"] = pd.NA
    figure = occlusion_plots.occlusion(catalog.frames, boxes, by="weather")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "clear · 8 images", "overcast · 8 images", "foggy · 8 images",
    ]  # fmt: skip
    assert all(bars(figure, panel)[0].get_height() == 0 for panel in range(3))
    assert "not labelled in vkitti2" in figure.axes[-1].get_xlabel()


def test_a_crowded_image_stands_in_the_last_bar(catalog: Catalog) -> None:
    frames, boxes = only(catalog, "kitti")
    frames = pd.concat(
        [frames.assign(frame_id=frames["frame_id"] + f"-{copy}") for copy in range(100)]
    )
    crowd = pd.concat([boxes.head(1)] * 60)
    crowd = crowd.assign(frame_id=frames["frame_id"].iloc[0], occluded=True)
    figure = occlusion_plots.occlusion(frames, crowd)
    assert "11 or more in the last bar" in figure.axes[0].get_xlabel()
    heights = [bar.get_height() for bar in bars(figure)]
    assert heights == [len(frames) - 1, *[0] * 10, 1]
