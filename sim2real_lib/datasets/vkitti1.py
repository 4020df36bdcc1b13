"""Virtual KITTI 1.3.1: the images and 2D boxes of the first version, one camera.

    root/vkitti_1.3.1_rgb/0001/<variant>/00000.png
    root/vkitti_1.3.1_motgt/0001_<variant>.txt

Format: README_motgt.txt of its own archive (europe.naverlabs.com, "Virtual KITTI").
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
    resolve_classes,
    stay_inside,
)
from sim2real_lib.datasets.vkitti2 import (
    VARIANTS,
    WEATHER_VARIANTS,
    frame_table,
    padded,
    refuse_ratios,
)

FIELDS: dict[str, type] = {
    "frame": int, "tid": int, "label": str, "truncated": int, "occluded": int, "alpha": float,
    "l": int, "t": int, "r": int, "b": int, "w3d": float, "h3d": float, "l3d": float,
    "x3d": float, "y3d": float, "z3d": float, "ry": float, "rx": float, "rz": float,
    # a word: "Infinity" where the ratio's divisor is 0
    "truncr": float, "occupr": str, "orig_label": str, "moving": int, "model": str, "color": str,
}  # fmt: skip
NOT_OCCLUDED, HEAVILY_OCCLUDED = 0, 2

IMAGE = r"([0-9]{5})\.png"
TREE = (
    "Expected <root>/vkitti_1.3.1_rgb/0001/clone/00000.png and "
    "<root>/vkitti_1.3.1_motgt/0001_clone.txt, as Virtual KITTI 1.3.1 unpacks"
)


def read(
    root: Path,
    *,
    scenes: Sequence[str] | None = None,
    variants: Sequence[str] = WEATHER_VARIANTS,
) -> Catalog:
    """Virtual KITTI 1.3.1's frames; frames in which no vehicle is labelled are kept.

    The sequence is the KITTI drive that the scene clones, and inclusive whole pixels become
    half-open ones, both as in version 2. `DontCare` (heavily truncated or occluded, or small)
    becomes an ignore area of the class in `orig_label`.

    Truncated means levels 1 and 2. Visible pixels are worked out from `occupr`: like version 2's
    `occupancy_ratio` it is their number / ((r - l) (b - t)), and in a frame that both versions have
    it gives the numbers of version 2. The levels of `occluded` are steps of that ratio (2 below
    0.4, and 1 up to 0.79 at least), so that level 1 holds wholly visible cars: occluded is false
    at level 0, true at 2, and unknown at 1.

    Args:
        root: the folder that holds `vkitti_1.3.1_rgb` and `vkitti_1.3.1_motgt`.
        scenes: names of the scenes ("0001"), all when None.
        variants: which renderings of each scene, of `VARIANTS`.

    Raises:
        InputError: for a missing folder or file, an unknown scene or variant, or a malformed line.
    """
    root = Path(root)
    rgb = folder(root / "vkitti_1.3.1_rgb", TREE)
    text = folder(root / "vkitti_1.3.1_motgt", TREE)
    found = [path.name for path in rgb.glob("[0-9][0-9][0-9][0-9]")]
    frames, boxes = [], []
    for scene in choose(scenes, found, "scene", rgb):
        for variant in choose(variants, VARIANTS, "variant of Virtual KITTI", rgb / scene):
            pictures = numbered_images(rgb / scene / variant, root, IMAGE, TREE)
            frames.append(frame_table("vkitti1", scene, variant, pictures))
            path = stay_inside(text / f"{scene}_{variant}.txt", text, root)
            boxes.append(_boxes(f"vkitti1/{scene}/{variant}/", path))
    return assemble(pd.concat(frames), pd.concat(boxes))


def _boxes(prefix: str, path: Path) -> pd.DataFrame:
    rows = read_table([path], FIELDS, remedy=TREE, header=True)
    rows = rows.rename(columns={"l": "left", "t": "top", "r": "right", "b": "bottom"})
    refuse(rows, rows["frame"] < 0, "frame {frame} is negative")
    for level in ("truncated", "occluded"):
        refuse(rows, ~rows[level].between(0, 2), f"{level} is {{{level}}}, not 0…2")
    refuse_inverted(rows)
    refuse_ratios(rows, "truncr", "occupr")
    refuse(rows, ~rows["moving"].isin([0, 1]), "moving is {moving}, neither 0 nor 1")
    ignore = resolve_classes(rows, "label", "vkitti").ignore
    named = resolve_classes(rows, "orig_label", "vkitti")
    other = ~ignore & (rows["label"] != rows["orig_label"])
    refuse(rows, other | named.ignore, "label is {label} and orig_label {orig_label}")
    again = rows.duplicated(["frame", "tid"])
    refuse(rows, again, "track {tid} is in frame {frame} a second time")

    occluded = (rows["occluded"] == HEAVILY_OCCLUDED).astype("boolean")
    certain = rows["occluded"].isin([NOT_OCCLUDED, HEAVILY_OCCLUDED])
    divisor = (rows["right"] - rows["left"]) * (rows["bottom"] - rows["top"])
    pixels = (rows["occupr"].astype(float) * divisor).round()
    return rows[["file", "line", "left", "top"]].assign(
        right=rows["right"] + 1,
        bottom=rows["bottom"] + 1,
        frame_id=prefix + padded(rows["frame"]),
        **{"class": named.classes},
        raw_class=rows["label"],
        occluded=occluded.where(certain),
        occlusion=float("nan"),
        truncated=(rows["truncated"] > 0).astype("boolean"),
        visible_pixels=pixels.where(divisor > 0).astype("Int64"),
        ignore=ignore,
    )
