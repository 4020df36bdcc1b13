"""Galleries pick what their titles say, and close-ups show every box of a place."""

import numpy as np
import pandas as pd
import pytest

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.display import close_ups, galleries
from sim2real_lib.display.pictures import load, rgb255
from sim2real_lib.display.style import PAPER, Chart, class_colour
from sim2real_lib.errors import InputError


def shown(figure: Chart) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes if axes.images]


def picture(figure: Chart, at: int = 0) -> np.ndarray:
    return np.asarray([axes for axes in figure.axes if axes.images][at].images[0].get_array())


def pixels_of(image: np.ndarray, colour: str) -> int:
    return int((np.abs(image.astype(int) - rgb255(colour)).max(axis=2) < 25).sum())


def pairs_of(frames: pd.DataFrame, kind: str, *places: tuple[int, int], **more: object) -> list:
    return [
        {"kind": kind, "likeness": 0.99}
        | {
            f"{column}_{end}": frames[column].iloc[at]
            for column in ("frame_id", "source", "split")
            for end, at in zip("ab", place, strict=True)
        }
        | more
        for place in places
    ]


def cells_of(figure: Chart) -> np.ndarray:
    shape = figure.axes[0].get_gridspec().get_geometry()
    return np.reshape(figure.axes, shape)


def test_every_weather_has_a_row_and_every_source_a_column(catalog: Catalog) -> None:
    frames = catalog.frames
    frames = frames[(frames["source"] != "kitti") | (frames["weather"] == "clear")]
    cells = cells_of(galleries.weather_samples(frames, catalog.boxes, each=1))
    assert [row[0].get_ylabel() for row in cells] == ["clear", "overcast", "foggy"]
    assert [axes.get_title(loc="left") for axes in cells[0]] == ["kitti", "vkitti2", "bdd100k"]
    filled = [[bool(axes.images) for axes in row] for row in cells]
    assert filled == [[True] * 3, [False, True, True], [False, True, True]]
    blank = cells[1][0]
    assert not blank.spines["bottom"].get_visible() and not blank.get_xticks().size


def test_wide_images_stand_under_one_another(catalog: Catalog) -> None:
    clear = catalog.frames[catalog.frames["weather"] == "clear"]
    for width, shape in ((160, (1, 6)), (330, (2, 3))):
        cells = cells_of(galleries.weather_samples(clear.assign(width=width), each=2))
        assert cells.shape == shape
        assert all(axes.images for axes in cells.flat)
        heads = [axes.get_title(loc="left") for axes in cells[0]]
        assert [head for head in heads if head] == ["kitti", "vkitti2", "bdd100k"]


def test_samples_are_taken_by_day_and_others_say_when(catalog: Catalog) -> None:
    frames = catalog.frames[catalog.frames["source"] == "kitti"]  # of each weather one at dawn

    def said(frames: pd.DataFrame, each: int) -> list[str]:
        cells = cells_of(galleries.weather_samples(frames, each=each))
        assert sum(len(axes.images) for axes in cells.flat) == 3 * each
        return [text.get_text() for axes in cells.flat for text in axes.texts]

    assert said(frames, each=3) == []
    assert said(frames, each=4) == ["dawn/dusk"] * 3
    assert said(frames.assign(timeofday="night"), each=1) == ["night"] * 3


def test_boxes_are_drawn_when_given(catalog: Catalog) -> None:
    frames = catalog.frames.head(4)
    bare = picture(galleries.weather_samples(frames, each=1))
    boxed = picture(galleries.weather_samples(frames, catalog.boxes, each=1))
    assert pixels_of(boxed, class_colour("car")) > pixels_of(bare, class_colour("car")) + 50


def test_without_frames_there_are_no_samples(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="no frames"):
        galleries.weather_samples(catalog.frames.head(0))


def test_a_pair_says_how_alike_it_is_and_where_it_lies(catalog: Catalog) -> None:
    frames = catalog.frames.assign(split=["train", "val"] * 18)
    pairs = pd.DataFrame(
        pairs_of(frames, "same file", (0, 2), likeness=1.0)
        + pairs_of(frames, "same picture", (1, 4))
    )
    assert shown(galleries.duplicate_images(frames, pairs)) == [
        "same file\nkitti/0001/clone/00000 · train  |  kitti/0001/clone/00002 · train",
        "same picture, likeness 0.99, on both sides of the split\n"
        "kitti/0001/clone/00001 · val  |  kitti/0001/fog/00000 · train",
    ]


def test_both_images_of_a_pair_are_shown_beside_each_other(catalog: Catalog) -> None:
    pairs = pd.DataFrame(pairs_of(catalog.frames, "same picture", (0, 4)))
    both = picture(galleries.duplicate_images(catalog.frames, pairs)).astype(int)
    for at, part in ((0, both[:, :560]), (4, both[:, -560:])):
        assert np.abs(part - load(catalog.frames["image"].iloc[at], 560)).mean() < 1
    assert (both[:, 560:-560] == 255).all() and both.shape[1] > 2 * 560


def test_pairs_across_a_split_come_first_and_kinds_share_the_room(catalog: Catalog) -> None:
    frames = catalog.frames.assign(split=["train"] * 35 + ["val"])
    inside = [(at, at + 1) for at in range(30)]
    pairs = pd.DataFrame(
        pairs_of(frames, "same picture", *inside, (3, 35)) + pairs_of(frames, "same file", *inside)
    )
    titles = shown(galleries.duplicate_images(frames, pairs, most=6))
    kinds = [title.split("\n")[0].split(",")[0] for title in titles]
    assert sorted(kinds) == ["same file"] * 3 + ["same picture"] * 3
    assert ["both sides" in title for title in titles if "same picture" in title] == [
        True, False, False,
    ]  # fmt: skip


def test_a_long_name_keeps_its_end(catalog: Catalog) -> None:
    name = f"own/{'long_' * 20}/00042"
    frames = catalog.frames.head(2).assign(frame_id=[name, "own/short"])
    (title,) = shown(
        galleries.duplicate_images(frames, pd.DataFrame(pairs_of(frames, "same file", (0, 1))))
    )
    assert "…" in title and "/00042 · train  |  own/short · train" in title
    assert len(title) < 100


def test_without_duplicates_there_is_nothing_to_show(catalog: Catalog) -> None:
    pairs = pd.DataFrame(pairs_of(catalog.frames, "same file", (0, 1))).head(0)
    with pytest.raises(InputError, match="no images that are the same"):
        galleries.duplicate_images(catalog.frames, pairs)


@pytest.fixture
def near(catalog: Catalog) -> pd.DataFrame:
    """A box that was kept, and beside it by a hair one that was not."""
    kept = catalog.boxes.head(1).assign(
        **{"class": "car", "left": 100.0, "top": 40.0, "right": 150.0, "bottom": 70.0}
    )
    gone = kept.assign(left=kept["left"] + 2, right=kept["right"] + 2)
    return pd.concat([kept, gone], ignore_index=True)


def test_the_kept_one_of_near_duplicates_is_drawn_too(catalog: Catalog, near: pd.DataFrame) -> None:
    faults = near.tail(1).assign(rule="near duplicate")
    alone = close_ups.faulty_boxes(catalog.frames, faults)
    for boxes in (near, near.head(1)):  # as searched, as left
        both = close_ups.faulty_boxes(catalog.frames, faults, boxes=boxes)
        assert shown(both) == ["near duplicate\ncar, 50 × 30 px\nwhite: kept"]
        white = pixels_of(picture(both), PAPER) - pixels_of(picture(alone), PAPER)
        assert white > 300
        assert pixels_of(picture(both), class_colour("car")) > 150, "the kept box hides it"
    assert shown(alone) == ["near duplicate\ncar, 50 × 30 px"]


def test_near_duplicates_found_together_share_a_picture(
    catalog: Catalog, near: pd.DataFrame
) -> None:
    far = near.assign(left=near["left"] + 120, right=near["right"] + 120)
    faults = pd.concat([near, far]).assign(rule="near duplicate")
    assert len(shown(close_ups.faulty_boxes(catalog.frames, faults))) == 2


def test_another_box_further_off_and_an_ignored_area_are_not_called_kept(
    catalog: Catalog, near: pd.DataFrame
) -> None:
    faults = near.tail(1).assign(rule="tiny")
    others = pd.concat([near.head(1).assign(ignore=True), near.head(1).assign(left=130.0)])
    figure = close_ups.faulty_boxes(catalog.frames, faults, boxes=others)
    assert shown(figure) == ["tiny\ncar, 50 × 30 px"]


def test_both_classes_of_one_place_are_seen(catalog: Catalog, near: pd.DataFrame) -> None:
    twins = pd.concat([near.head(1), near.head(1).assign(**{"class": "truck"})])
    figure = close_ups.faulty_boxes(catalog.frames, twins.assign(rule="two classes"))
    for name in ("car", "truck"):
        assert pixels_of(picture(figure), class_colour(name)) > 100


def test_a_box_wider_than_the_image_is_high_is_seen_whole(
    catalog: Catalog, near: pd.DataFrame
) -> None:
    wide = near.head(1).assign(left=20.0, right=300.0, rule="two classes")
    image = picture(close_ups.faulty_boxes(catalog.frames, wide))
    assert image.shape[0] == image.shape[1]
    columns = np.flatnonzero(
        (np.abs(image.astype(int) - rgb255(class_colour("car"))).max(axis=2) < 25).any(axis=0)
    )
    assert columns[0] > 5 and columns[-1] < image.shape[1] - 5, "its sides are cut off"


def test_faults_are_spread_over_the_data_and_evenly_among_the_rules(catalog: Catalog) -> None:
    boxes = catalog.boxes[catalog.boxes["class"] == "car"]
    faults = pd.concat([boxes.assign(rule="tiny"), boxes.head(1).assign(rule="exact duplicate")])
    titles = shown(close_ups.faulty_boxes(catalog.frames, faults, most=8))
    rules = [title.split("\n")[0] for title in titles]
    assert rules == ["exact duplicate", *["tiny"] * 4]


def test_without_faults_there_is_nothing_to_show(catalog: Catalog) -> None:
    with pytest.raises(InputError, match="no faulty boxes"):
        close_ups.faulty_boxes(catalog.frames, catalog.boxes.head(0).assign(rule=""))
