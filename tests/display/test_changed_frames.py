"""Frames that an arm gained and lost most stand side by side, and say what changed."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.display.changed_frames import LOOKS, gained_and_lost
from sim2real_lib.display.style import Chart
from sim2real_lib.errors import InputError
from sim2real_lib.evaluation.errors import SIDES
from sim2real_lib.evaluation.frame_changes import changes

CLASSES = ["car", "van", "truck"]
Street = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture
def street(catalog: Catalog) -> Street:
    """(frames, objects, detections): four frames whose every object is found."""
    frames = catalog.frames.head(4)
    objects = catalog.boxes[catalog.boxes["frame_id"].isin(frames["frame_id"])]
    objects = objects[["frame_id", "class", *SIDES]].reset_index(drop=True)
    confidence = np.linspace(0.9, 0.5, len(objects))
    return frames, objects, objects.assign(confidence=confidence, tp50=True, ignored=False)


def drawn(street: Street, after: pd.DataFrame, **options: int) -> Chart:
    frames, objects, before = street
    frame_ids = pd.Index(frames["frame_id"])
    arms = {"baseline": before, "nst": after}
    table = changes(arms, objects, frame_ids, CLASSES, arm="nst")
    names = ("baseline", "nst")
    return gained_and_lost(
        frames, table, before, after, objects, CLASSES, names=names, **options
    )  # fmt: skip


def headings(figure: Chart) -> list[str]:
    return [text.get_text() for axes in figure.axes[::2] for text in axes.texts]


def titles(figure: Chart) -> list[str]:
    return [axes.get_title(loc="left").strip() for axes in figure.axes]


def without(found: pd.DataFrame, frame_id: str) -> pd.DataFrame:
    return found[found["frame_id"] != frame_id]


def test_lost_objects_are_missed_on_the_right_and_found_on_the_left(street: Street) -> None:
    frames, objects, before = street
    lost = frames["frame_id"].iloc[1]
    figure = drawn(street, without(before, lost), each=1)
    count = (objects["frame_id"] == lost).sum()
    assert headings(figure)[-1].startswith("lost ") and headings(figure)[-1].endswith(lost)
    assert titles(figure)[-2:] == [
        f"baseline: {count} true, 0 false, 0 missed",
        f"nst: 0 true, 0 false, {count} missed",
    ]
    left, right = figure.axes[-2:]
    assert {to_hex(box.get_edgecolor()) for box in left.patches} == {LOOKS["true"][0]}
    assert {to_hex(box.get_edgecolor()) for box in right.patches} == {LOOKS["missed"][0]}
    assert len(left.patches) == len(right.patches) == count


def test_what_gained_stands_above_what_lost(street: Street) -> None:
    frames, _, before = street
    first, second = frames["frame_id"].iloc[:2]
    swapped = (without(before, second), without(before, first))
    figure = drawn((frames, street[1], swapped[0]), swapped[1], each=1)
    assert [text.split()[0] for text in headings(figure)] == ["gained", "lost"]
    assert headings(figure)[0].endswith(second) and headings(figure)[1].endswith(first)


def test_true_false_and_missed_differ_in_colour_and_in_dashes(street: Street) -> None:
    assert len({colour for colour, _ in LOOKS.values()}) == 3
    assert len({str(dashes) for _, dashes in LOOKS.values()}) == 3
    after = without(street[2], street[0]["frame_id"].iloc[0])
    (legend,) = [own for axes in drawn(street, after).axes if (own := axes.get_legend())]
    assert [text.get_text() for text in legend.get_texts()] == list(LOOKS)


def test_boxes_lie_where_they_lie_in_the_frame(street: Street) -> None:
    frames, objects, before = street
    lost = frames["frame_id"].iloc[1]
    axes = drawn(street, without(before, lost), each=1).axes[-1]
    scale = axes.images[0].get_array().shape[1] / frames["width"].iloc[1]
    own = objects[objects["frame_id"] == lost]
    corners = [box.get_xy() for box in axes.patches]
    expected = scale * own[["left", "top"]].to_numpy() - 0.5
    assert np.allclose(sorted(corners), sorted(map(tuple, expected)))


def test_an_arm_that_changes_nothing_is_refused(street: Street) -> None:
    with pytest.raises(InputError, match="nst changes no frame"):
        drawn(street, street[2])
