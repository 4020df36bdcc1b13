"""Close-ups of faulty boxes: what was found, and what of it was kept."""

import cv2
import numpy as np
import pandas as pd

from sim2real_lib.display.boxes import draw_boxes
from sim2real_lib.display.picture_grid import Titled, grid, in_rows, of_frames, spread
from sim2real_lib.display.pictures import fit, rgb255
from sim2real_lib.display.style import INK, PAPER, Chart, themed
from sim2real_lib.errors import InputError
from sim2real_lib.images import RGB, read_rgb

ALONE, TOGETHER = 3.0, 1.6  # sides of the box that a close-up is wide: nearer where two must part
SIDES = ["left", "top", "right", "bottom"]
SAME_PLACE = 0.5  # boxes that share this much of what they cover together are of one place
SIDE = 360  # pixels of a close-up: near duplicates lie a pixel or two apart
SUBPIXEL = 4  # fractional bits of a coordinate in OpenCV's drawing


@themed
def faulty_boxes(
    frames: pd.DataFrame,
    faults: pd.DataFrame,
    *,
    boxes: pd.DataFrame | None = None,
    columns: int = 6,
    most: int = 18,
) -> Chart:
    """Close-ups of boxes that were found faulty, one after another by kind of fault.

    Colour tells the class; dashes only keep boxes apart that lie over one another.

    Args:
        faults: rows of the boxes table with a column `rule` ("exact duplicate", "two classes", …),
            as `clean.find_faults` gives; boxes of one frame, place and rule share a picture.
        boxes: the boxes that were searched, or those that are left: what was kept in a faulty
            box's place is drawn white.
        most: how many pictures to show, shared evenly among the kinds.
    """
    if faults.empty:
        raise InputError("there are no faulty boxes to show")
    images = frames.set_index("frame_id")["image"]
    share = max(1, most // faults["rule"].nunique())
    places = [place for _, own in faults.groupby("rule") for place in _places(own, share)]
    searched = of_frames(faults.head(0) if boxes is None else boxes, pd.concat(places))
    pictures: list[Titled] = []
    for place in places:
        kept = _kept(place, searched, faults)
        image = read_rgb(images[place["frame_id"].iloc[0]])
        pictures.append((_title(place, kept), _close_up(image, place, kept)))
    return grid(in_rows(pictures, columns))


def _places(faults: pd.DataFrame, most: int) -> list[pd.DataFrame]:
    """Up to `most` groups of boxes that lie over one another in a frame, spread over the data."""
    faults = faults.reset_index(drop=True)
    apart = faults[~faults[["frame_id", *SIDES]].round().duplicated()]
    places: list[pd.DataFrame] = []
    shown: set[int] = set()
    for at in spread(len(apart), most):
        first = apart.iloc[at]
        if first.name not in shown:
            own = faults[faults["frame_id"] == first["frame_id"]]
            places.append(own[_overlap(first, own) >= SAME_PLACE])
            shown.update(places[-1].index)
    return places


def _kept(place: pd.DataFrame, boxes: pd.DataFrame, faults: pd.DataFrame) -> pd.DataFrame:
    """The boxes in the place of faulty ones that are not faulty themselves."""
    frame_id = place["frame_id"].iloc[0]
    own = boxes[boxes["frame_id"] == frame_id]
    own = own[(_overlap(place.iloc[0], own) >= SAME_PLACE) & ~own["ignore"].to_numpy(bool)]
    faulty = faults.loc[faults["frame_id"] == frame_id, SIDES]
    return own[~pd.MultiIndex.from_frame(own[SIDES]).isin(pd.MultiIndex.from_frame(faulty))]


def _overlap(box: pd.Series, others: pd.DataFrame) -> np.ndarray:
    """What a box has in common with each of the others, over what the two cover together, 0-1."""
    left, top, right, bottom = (others[side].to_numpy(float) for side in SIDES)
    wide = np.minimum(right, box["right"]) - np.maximum(left, box["left"])
    high = np.minimum(bottom, box["bottom"]) - np.maximum(top, box["top"])
    common = wide.clip(0) * high.clip(0)
    area = (box["right"] - box["left"]) * (box["bottom"] - box["top"])
    return common / (area + (right - left) * (bottom - top) - common)


def _title(place: pd.DataFrame, kept: pd.DataFrame) -> str:
    box = place.iloc[0]
    classes = " + ".join(dict.fromkeys(place["class"]))
    size = f"{box['right'] - box['left']:.0f} × {box['bottom'] - box['top']:.0f} px"
    return f"{box['rule']}\n{classes}, {size}" + ("\nwhite: kept" if len(kept) else "")


def _close_up(image: RGB, place: pd.DataFrame, kept: pd.DataFrame) -> RGB:
    """What surrounds the first box, some times its size, and over it all boxes of its place."""
    box = place.iloc[0]
    zoom = ALONE if len(place) + len(kept) == 1 else TOGETHER
    longest = max(box["right"] - box["left"], box["bottom"] - box["top"])
    side = int(max(24, zoom * longest))
    high, wide = (min(side, extent) for extent in image.shape[:2])
    if min(high, wide) > 1.1 * longest:  # else the box is wider than the image is high
        high = wide = min(high, wide)
    x, y = (
        int(np.clip((box[low] + box[far] - extent) / 2, 0, whole - extent))
        for low, far, extent, whole in (
            ("left", "right", wide, image.shape[1]),
            ("top", "bottom", high, image.shape[0]),
        )
    )
    scale = SIDE / max(high, wide)
    canvas = fit(image[y : y + high, x : x + wide], round(wide * scale))
    moved = [
        table.assign(
            left=table["left"] - x, right=table["right"] - x,
            top=table["top"] - y, bottom=table["bottom"] - y, ignore=False,
        )
        for table in (kept, place)
    ]  # fmt: skip
    for row in moved[0][SIDES].to_numpy(float):
        _white(canvas, row * scale)
    for number in range(len(place)):
        # Dashes over a whole line: boxes of one place both show.
        one = moved[1].iloc[[number]].assign(occluded=bool(len(kept)) or number > 0)
        canvas = draw_boxes(canvas, one, scale=scale, labels=False)
    # All are square on the page, that none makes the others small.
    room = [(SIDE - extent) // 2 for extent in canvas.shape[:2]]
    return np.pad(canvas, [*((each, each) for each in room), (0, 0)], constant_values=255)


def _white(canvas: RGB, sides: np.ndarray) -> None:
    # Half-open pixels, as in `draw_boxes`.
    left, top, right, bottom = np.rint((sides - 0.5) * 2**SUBPIXEL).astype(int).tolist()
    for colour, stroke in ((INK, 3), (PAPER, 2)):
        cv2.rectangle(
            canvas, (left, top), (right, bottom), rgb255(colour), stroke, cv2.LINE_AA, SUBPIXEL
        )
