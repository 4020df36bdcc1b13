"""Charts say what they show, and show what the table says."""

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.catalog.summary import occluded_per_frame
from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.display import (
    close_ups,
    data_plots,
    difference_plots,
    galleries,
    occlusion_plots,
    result_plots,
    training_plots,
)
from sim2real_lib.display.style import Chart
from sim2real_lib.errors import InputError

RESULTS = pd.DataFrame(
    [
        {"arm": arm, "bin": bin_, "map50": value, "low": value - 0.02, "high": value + 0.03}
        for arm, value in (("baseline", 0.38), ("cyclegan", 0.41))
        for bin_ in ("0-5", "0-10", "0-all")
    ]
)
SLICES = RESULTS.rename(columns={"bin": "slice"}).assign(kind="occlusion", objects=1200)
STEPS = pd.DataFrame({"step": range(50)} | {k: np.linspace(1, 0.2, 50) for k in ("G_A", "D_A")})
EPOCHS = pd.DataFrame({"epoch": [1, 2], "box": [3.0, 2], "cls": [3.0, 2], "dfl": [2.0, 1]})


def titles(figure: Chart) -> str:
    return " ".join(axes.get_title(loc=side) for axes in figure.axes for side in ("left", "right"))


@pytest.mark.parametrize(
    "draw",
    [
        lambda c: data_plots.class_counts(c.frames, c.boxes),
        lambda c: data_plots.box_sizes(c.frames, c.boxes),
        lambda c: data_plots.box_shapes(c.frames, c.boxes),
        lambda c: data_plots.objects_per_image(c.frames, c.boxes),
        lambda c: occlusion_plots.occlusion(c.frames, c.boxes, thresholds=(1, 2)),
        lambda c: occlusion_plots.occlusion_and_truncation(c.frames, c.boxes),
        lambda c: data_plots.weather_by_time(c.frames),
        lambda c: data_plots.scenes(c.frames),
        lambda c: training_plots.training_losses(STEPS),
        lambda c: training_plots.nst_losses(STEPS),
        lambda c: training_plots.training_losses(EPOCHS),
        lambda c: result_plots.map_by_bin(RESULTS),
        lambda c: result_plots.heat_table(SLICES),
        lambda c: result_plots.precision_recall(
            pd.DataFrame({"arm": "nst", "recall": [0, 1], "precision": [1, 0]})
        ),
        lambda c: difference_plots.difference_forest(RESULTS.assign(difference=RESULTS["map50"])),
        lambda c: difference_plots.gap_closed(RESULTS.assign(share=RESULTS["map50"])),
    ],
    ids=[
        "classes",
        "sizes",
        "shapes",
        "density",
        "occlusion",
        "hidden",
        "weather",
        "scenes",
        "gan",
        "nst",
        "yolo",
        "bins",
        "heat",
        "curve",
        "forest",
        "gap",
    ],
)
def test_every_axis_is_labelled(draw, catalog: Catalog) -> None:
    figure = draw(catalog)
    shown = [axes for axes in figure.axes if axes.axison]
    assert shown
    assert any(axes.get_ylabel() for axes in shown)
    assert any(axes.get_xlabel() for axes in shown)
    assert titles(figure).strip()


def test_class_counts_leave_ignored_areas_out(catalog: Catalog) -> None:
    boxes = catalog.boxes.assign(ignore=catalog.boxes["class"] == "van")
    figure = data_plots.class_counts(catalog.frames, boxes)
    assert {text.get_text() for text in figure.axes[0].get_yticklabels()} == {"car", "truck"}
    counted = sum(bar.get_width() for bar in figure.axes[0].patches)
    assert counted == (~boxes["ignore"]).sum()


def test_occlusion_counts_frames_without_boxes_and_unknown_as_none(catalog: Catalog) -> None:
    frames, boxes = catalog.frames.head(3), catalog.boxes.copy()
    boxes = boxes[boxes["frame_id"] != frames["frame_id"].iloc[1]]
    boxes.loc[boxes["frame_id"] == frames["frame_id"].iloc[2], "occluded"] = pd.NA
    assert list(occluded_per_frame(frames, boxes)) == [3, 0, 0]


def test_occlusion_names_the_share_of_each_bin(catalog: Catalog) -> None:
    figure = occlusion_plots.occlusion(
        catalog.frames, catalog.boxes, thresholds=(2, 3), by="weather"
    )
    assert len(figure.axes) == catalog.frames["weather"].nunique()
    assert "0–3: 100 % of images, 100 % of occluded objects" in titles(figure)


def test_a_source_without_occlusion_labels_is_named_and_not_drawn_as_zero(
    catalog: Catalog,
) -> None:
    boxes = catalog.boxes.copy()
    boxes.loc[boxes["frame_id"].str.startswith("vkitti2"), "occluded"] = pd.NA
    figure = occlusion_plots.occlusion(catalog.frames, boxes)
    assert "vkitti2" not in titles(figure)
    assert "not labelled in vkitti2" in figure.axes[-1].get_xlabel()
    with pytest.raises(InputError, match="no box says"):
        occlusion_plots.occlusion(catalog.frames, boxes.assign(occluded=pd.NA))


def test_losses_without_a_known_column_are_refused() -> None:
    with pytest.raises(InputError, match="no losses among the columns loss"):
        training_plots.training_losses(pd.DataFrame({"loss": [2]}))


def test_learning_over_time_keeps_the_first_and_the_last(catalog: Catalog) -> None:
    samples = {f"epoch {n}": path for n, path in enumerate(catalog.frames["image"])}
    figure = training_plots.learning_strip(samples, most=4)
    shown = [axes.get_title(loc="left") for axes in figure.axes if axes.images]
    assert len(shown) == 4
    assert shown[0] == "epoch 0" and shown[-1] == f"epoch {len(samples) - 1}"


def test_the_grid_has_one_picture_of_each_kind(catalog: Catalog) -> None:
    figure = galleries.sample_grid(catalog.frames, catalog.boxes, columns=4)
    shown = [axes.get_title(loc="left") for axes in figure.axes if axes.images]
    assert shown[0] == "kitti · clone · clear"
    assert len(shown) == len(set(shown)) == 9
    assert not any(axes.axison for axes in figure.axes if not axes.images), "an empty cell shows"


def test_two_classes_of_one_box_share_a_picture(catalog: Catalog) -> None:
    twin = catalog.boxes.head(1)
    faults = pd.concat([twin, twin.assign(**{"class": "truck"})]).assign(rule="two classes")
    figure = close_ups.faulty_boxes(catalog.frames, faults)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "two classes\ncar + truck, 20 × 12 px"
    ]


def test_the_gallery_has_a_column_for_each_translator(
    pairs: pd.DataFrame, targets: dict[str, list[str]], catalog: Catalog
) -> None:
    figure = galleries.translation_gallery(
        pairs, "fog", targets=targets["fog"], boxes=catalog.boxes, rows=2
    )
    heads = [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]
    assert heads == ["original", "cyclegan", "nst", "target"]
    assert len(figure.axes) == 8


def test_a_style_that_nobody_translated_is_refused(pairs: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="no frame was translated to 'snow'"):
        galleries.translation_gallery(pairs, "snow")
