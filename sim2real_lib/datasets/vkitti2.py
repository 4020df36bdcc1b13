"""Virtual KITTI 2.0.3: the images and 2D boxes of its left camera.

    root/vkitti_2.0.3_rgb/Scene01/<variant>/frames/rgb/Camera_0/rgb_00000.jpg
    root/vkitti_2.0.3_textgt/Scene01/<variant>/{bbox,info}.txt

Format: europe.naverlabs.com, "Virtual KITTI 2", and the headers of its own files.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.datasets._common import (
    assemble,
    choose,
    folder,
    numbered_images,
    read_table,
    refuse,
    refuse_inverted,
)

# variant -> weather, time of day; the last four turn the camera, not the weather
VARIANTS = {
    "clone": ("clear", "daytime"),
    "fog": ("foggy", "daytime"),
    "morning": ("clear", "dawn/dusk"),
    "overcast": ("overcast", "daytime"),
    "rain": ("rainy", "daytime"),
    "sunset": ("clear", "dawn/dusk"),
    "15-deg-left": ("clear", "daytime"),
    "15-deg-right": ("clear", "daytime"),
    "30-deg-left": ("clear", "daytime"),
    "30-deg-right": ("clear", "daytime"),
}
WEATHER_VARIANTS = tuple(VARIANTS)[:6]
INFO_FIELDS: dict[str, type] = {"trackID": int, "label": str, "model": str, "color": str}
BBOX_FIELDS: dict[str, type] = {
    "frame": int, "cameraID": int, "trackID": int,
    "left": int, "right": int, "top": int, "bottom": int,
    "number_pixels": int, "truncation_ratio": float, "occupancy_ratio": float, "isMoving": str,
}  # fmt: skip

IMAGE = r"rgb_(\d{5})\.jpg"
TREE = (
    "Expected <root>/vkitti_2.0.3_rgb/Scene01/clone/frames/rgb/Camera_0/rgb_00000.jpg and "
    "<root>/vkitti_2.0.3_textgt/Scene01/clone/bbox.txt and info.txt, as Virtual KITTI 2 unpacks"
)


def read(
    root: Path,
    *,
    scenes: Sequence[str] | None = None,
    variants: Sequence[str] = WEATHER_VARIANTS,
) -> Catalog:
    """Virtual KITTI 2's frames, left camera; frames in which no vehicle is seen are kept.

    The sequence is the KITTI drive that the scene clones ("0001" for Scene01), so that a split by
    sequence keeps a drive and its clones together. Inclusive whole pixels become half-open ones
    (right + 1, bottom + 1). A track's class is its own scene's and variant's. Whether a box is
    occluded is unknown: `occupancy_ratio` is number_pixels / ((right - left) (bottom - top)), which
    tells how much of its box an object fills, and a wholly visible car reaches only about 0.85.

    Args:
        root: the folder that holds `vkitti_2.0.3_rgb` and `vkitti_2.0.3_textgt`.
        scenes: KITTI names of the scenes ("0001" for Scene01), all when None.
        variants: which renderings of each scene, of `VARIANTS`.

    Raises:
        InputError: for a missing folder or file, an unknown scene or variant, a malformed line, or
            a box whose track has no class.
    """
    rgb = folder(Path(root) / "vkitti_2.0.3_rgb", TREE)
    text = folder(Path(root) / "vkitti_2.0.3_textgt", TREE)
    found = {f"00{path.name[5:]}": path.name for path in rgb.glob("Scene[0-9][0-9]")}
    frames, boxes = [], []
    for scene in choose(scenes, found, "scene", rgb):
        for variant in choose(variants, VARIANTS, "variant of Virtual KITTI 2", rgb / found[scene]):
            place = Path(found[scene]) / variant
            prefix = f"vkitti2/{scene}/{variant}/"
            pictures = numbered_images(rgb / place / "frames/rgb/Camera_0", Path(root), IMAGE, TREE)
            frames.append(_frames(prefix, scene, variant, pictures))
            boxes.append(_boxes(prefix, text / place))
    return assemble(pd.concat(frames), pd.concat(boxes))


def _frames(prefix: str, scene: str, variant: str, pictures: dict[int, Path]) -> pd.DataFrame:
    weather, timeofday = VARIANTS[variant]
    index = pd.Series(pictures.keys(), dtype="int64")
    return pd.DataFrame(
        {
            "frame_id": prefix + _padded(index), "source": "vkitti2", "split": "train",
            "sequence": scene, "index": index, "variant": variant,
            "image": [str(path) for path in pictures.values()],
            "weather": weather, "timeofday": timeofday, "scene": "undefined",
        }
    )  # fmt: skip


def _boxes(prefix: str, place: Path) -> pd.DataFrame:
    rows = read_table([place / "bbox.txt"], BBOX_FIELDS, remedy=TREE, header=True)
    rows = rows[rows["cameraID"] == 0]  # both cameras lie interleaved
    refuse(rows, rows["frame"] < 0, "frame {frame} is negative")
    refuse(rows, rows["number_pixels"] < 0, "number_pixels is {number_pixels}")
    refuse_inverted(rows)
    raw_class = rows["trackID"].map(_classes(place / "info.txt"))
    refuse(
        rows, raw_class.isna(), "track {trackID} has no class",
        f"{place / 'info.txt'} does not list it",
    )  # fmt: skip
    raw_class = raw_class.astype("str")  # also where there is none
    return rows[["file", "line", "left", "top"]].assign(
        right=rows["right"] + 1,
        bottom=rows["bottom"] + 1,
        frame_id=prefix + _padded(rows["frame"]),
        **{"class": raw_class.str.lower()},
        raw_class=raw_class,
        occluded=None,
        occlusion=float("nan"),
        truncated=(rows["truncation_ratio"] > 0).astype("boolean"),
        visible_pixels=rows["number_pixels"],
        ignore=False,
    )


def _classes(path: Path) -> pd.Series:
    """Track id -> class of one scene and variant; ids mean nothing beyond it."""
    info = read_table([path], INFO_FIELDS, remedy=TREE, header=True)
    refuse(info, info["trackID"].duplicated(), "track {trackID} is listed twice")
    return info.set_index("trackID")["label"]


def _padded(number: pd.Series) -> pd.Series:
    return number.astype("str").str.zfill(5)
