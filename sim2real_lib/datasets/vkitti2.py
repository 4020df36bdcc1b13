"""Virtual KITTI 2.0.3: the images and 2D boxes of its left camera.

    root/vkitti_2.0.3_rgb/Scene01/<variant>/frames/rgb/Camera_0/rgb_00000.jpg
    root/vkitti_2.0.3_textgt/Scene01/<variant>/{bbox,info}.txt

The archives hold the scenes without these two folders; `root/Scene01` is read as well, be it from
both archives unpacked into one folder, or from one of them.

Format: europe.naverlabs.com, "Virtual KITTI 2", and the headers of its own files.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.datasets import taxonomy
from sim2real_lib.datasets._common import (
    assemble,
    choose,
    folder,
    numbered_images,
    read_table,
    refuse,
    refuse_inverted,
    resolve_classes,
    stay_inside,
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
    # a word: "Infinity" where the ratio's divisor is 0
    "number_pixels": int, "truncation_ratio": float, "occupancy_ratio": str, "isMoving": str,
}  # fmt: skip
LEFT_CAMERA = 0
ROUNDING = 1e-6  # ratios have seven digits

IMAGE = r"rgb_([0-9]{5})\.jpg"
TREE = (
    "Expected <root>/vkitti_2.0.3_rgb/Scene01/clone/frames/rgb/Camera_0/rgb_00000.jpg and "
    "<root>/vkitti_2.0.3_textgt/Scene01/clone/bbox.txt and info.txt, or both below <root>/Scene01"
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
        root: the folder that holds `vkitti_2.0.3_rgb` and `vkitti_2.0.3_textgt`, or the scenes.
        scenes: KITTI names of the scenes ("0001" for Scene01), all when None.
        variants: which renderings of each scene, of `VARIANTS`.

    Raises:
        InputError: for a missing folder or file, an unknown scene or variant, a malformed line, or
            a box whose track has no class.
    """
    root = Path(root)
    rgb, text = _home(root, "vkitti_2.0.3_rgb"), _home(root, "vkitti_2.0.3_textgt")
    found = {f"00{path.name[5:]}": path.name for path in rgb.glob("Scene[0-9][0-9]")}
    frames, boxes = [], []
    for scene in choose(scenes, found, "scene", rgb):
        for variant in choose(variants, VARIANTS, "variant of Virtual KITTI 2", rgb / found[scene]):
            place = Path(found[scene]) / variant
            pictures = numbered_images(rgb / place / "frames/rgb/Camera_0", root, IMAGE, TREE)
            frames.append(frame_table("vkitti2", scene, variant, pictures))
            boxes.append(_boxes(f"vkitti2/{scene}/{variant}/", text / place, root))
    return assemble(pd.concat(frames), pd.concat(boxes))


def frame_table(
    source: str, scene: str, variant: str, pictures: Mapping[int, Path]
) -> pd.DataFrame:
    """Columns of `FRAMES` without width and height, for one rendering of one scene.

    Args:
        source: "vkitti1" or "vkitti2".
        scene: the KITTI drive that it clones.
        variant: of `VARIANTS`.
        pictures: frame number -> image.
    """
    weather, timeofday = VARIANTS[variant]
    index = pd.Series(pictures.keys(), dtype="int64")
    return pd.DataFrame(
        {
            "frame_id": f"{source}/{scene}/{variant}/" + padded(index), "source": source,
            "split": "train", "sequence": scene, "index": index, "variant": variant,
            "image": [str(path) for path in pictures.values()],
            "weather": weather, "timeofday": timeofday, "scene": "undefined",
        }
    )  # fmt: skip


def refuse_ratios(rows: pd.DataFrame, truncation: str, occupancy: str) -> None:
    """Refuse ratios that cannot be: a box in another order of columns, or another table.

    Args:
        rows: of `read_table`, with left, top, right and bottom, inclusive pixels.
        truncation: the column of the share that lies outside of the image.
        occupancy: the column of the share of its box that an object fills, as words.
    """
    share = rows[truncation].between(-ROUNDING, 1 + ROUNDING)
    refuse(rows, ~share, f"{truncation} is {{{truncation}}}, not 0…1")
    width, height = rows["right"] - rows["left"], rows["bottom"] - rows["top"]
    # The divisor leaves out a row and a column of the inclusive box, so a full one is above 1.
    with np.errstate(divide="ignore"):
        most = (width + 1) * (height + 1) / (width * height) * (1 + ROUNDING)
    filled = pd.to_numeric(rows[occupancy], errors="coerce")
    refuse(rows, ~filled.between(0, most), f"{occupancy} is {{{occupancy}}}, not 0…1")


def padded(number: pd.Series) -> pd.Series:
    """Frame numbers as they stand in the images' names and in `frame_id`."""
    return number.astype("str").str.zfill(5)


def _home(root: Path, name: str) -> Path:
    """The folder that holds the scenes: the one of this name or, where it is not, the root."""
    bare = not (root / name).is_dir() and any(root.glob("Scene[0-9][0-9]"))
    return folder(root if bare else root / name, TREE)


def _boxes(prefix: str, place: Path, root: Path) -> pd.DataFrame:
    path = stay_inside(place / "bbox.txt", place, root)
    rows = read_table([path], BBOX_FIELDS, remedy=TREE, header=True)
    refuse(rows, ~rows["cameraID"].isin([0, 1]), "cameraID is {cameraID}, neither 0 nor 1")
    rows = rows[rows["cameraID"] == LEFT_CAMERA]  # both cameras lie interleaved
    refuse(rows, rows["frame"] < 0, "frame {frame} is negative")
    refuse_inverted(rows)
    area = (rows["right"] - rows["left"] + 1) * (rows["bottom"] - rows["top"] + 1)
    pixels = rows["number_pixels"]
    refuse(
        rows, (pixels < 0) | (pixels > area), "number_pixels is {number_pixels}, not 0…the box's",
        "The columns may be in another format's order",
    )  # fmt: skip
    refuse_ratios(rows, "truncation_ratio", "occupancy_ratio")
    moving = rows["isMoving"].isin(["True", "False"])
    refuse(rows, ~moving, "isMoving is {isMoving!r}, neither True nor False")
    again = rows.duplicated(["frame", "trackID"])
    refuse(rows, again, "track {trackID} is in frame {frame} a second time")

    info = stay_inside(place / "info.txt", place, root)
    raw_class = rows["trackID"].map(_classes(info))
    refuse(rows, raw_class.isna(), "track {trackID} has no class", f"{info} does not list it")
    raw_class = raw_class.astype("str")  # also where there is none
    named = taxonomy.of("vkitti").resolve(raw_class)
    return rows[["file", "line", "left", "top"]].assign(
        right=rows["right"] + 1,
        bottom=rows["bottom"] + 1,
        frame_id=prefix + padded(rows["frame"]),
        **{"class": named.classes},
        raw_class=raw_class,
        occluded=None,
        occlusion=float("nan"),
        truncated=(rows["truncation_ratio"] > ROUNDING).astype("boolean"),
        visible_pixels=pixels,
        ignore=named.ignore,
    )


def _classes(path: Path) -> pd.Series:
    """Track id -> raw class of one scene and variant; ids mean nothing beyond it."""
    info = read_table([path], INFO_FIELDS, remedy=TREE, header=True)
    refuse(info, info["trackID"].duplicated(), "track {trackID} is listed twice")
    resolve_classes(info, "label", "vkitti")
    return info.set_index("trackID")["label"]
