"""Which frames a translator learns from, and which it translates."""

import pandas as pd

from sim2real_lib.catalog import Catalog
from sim2real_lib.catalog.mix import slots
from sim2real_lib.catalog.split import DIVIDED
from sim2real_lib.errors import InputError
from sim2real_lib.params import STYLES, Variant
from sim2real_lib.translation.structure import originals_of


def source(catalog: Catalog, variant: str = "clone") -> list[str]:
    """Image paths of the clones, or another variant of Virtual KITTI, of the training drives."""
    frames = catalog.frames
    chosen = frames[(frames["variant"] == variant) & (frames["split"] == "train")]
    return _paths(chosen, f"Virtual KITTI {variant}")


def target(catalog: Catalog, style: str, *, most: int, seed: int) -> list[str]:
    """Image paths of the target's daytime training frames in the weather of `style`.

    The target is BDD100K, and every data set of your own that has that role.

    Args:
        catalog: split by notebook 01; its test frames are never chosen.
        style: fog, overcast or rain.
        most: at most so many, drawn at random.
        seed: of the draw.
    """
    frames = catalog.frames
    chosen = frames[
        ~frames["source"].isin(DIVIDED)
        & (frames["split"] == "train")
        & (frames["timeofday"] == "daytime")
        & (frames["weather"] == STYLES[style])
    ]
    return _paths(chosen.sample(min(most, len(chosen)), random_state=seed), STYLES[style])


def to_translate(
    catalog: Catalog, style: str, *, variant: str = "clone", places: str = "mix"
) -> Catalog:
    """The frames of the training drives that get translated.

    Args:
        catalog: from notebook 01.
        style: fog, overcast or rain.
        variant: what is translated: clones, as in the original, or another rendering of them.
        places: "mix": those that stand in for the mix's `style` frames; "all": every one.
    """
    frames = catalog.frames
    own = (frames["variant"] == variant) & (frames["split"] == "train")
    return catalog.where(own & ((slots(frames) == style) | (places == "all")))


def _paths(frames: pd.DataFrame, what: str) -> list[str]:
    if frames.empty:
        raise InputError(
            f"the catalog has no {what} frame to train on",
            remedy="See the data table of notebook 01, and add frames or choose another style",
        )
    return frames["image"].tolist()


def pairs(originals: Catalog, translated: Catalog) -> pd.DataFrame:
    """Each translated frame beside the frame it was made of, for people to look at.

    Returns:
        Columns frame_id (the original's), place (in a drive: the same for all that show it),
        variant, style, translator, original and translated (paths).
    """
    paths = originals.frames.set_index("frame_id")["image"]
    rows = []
    ids = originals_of(translated.frames)
    for frame_id, frame in zip(ids, translated.frames.itertuples(index=False), strict=True):
        made = Variant.of(str(frame.variant))
        place = f"{frame.sequence}/{frame.index:05d}"
        known = (frame_id, place, str(made), made.style, made.maker)
        rows.append((*known, paths[frame_id], frame.image))
    columns = ["frame_id", "place", "variant", "style", "translator", "original", "translated"]
    return pd.DataFrame(rows, columns=columns)
