"""Which frames train, which choose the weights, which are tested: without a drive on two sides."""

import numpy as np
import pandas as pd

from sim2real_lib.catalog.tables import Catalog
from sim2real_lib.errors import InputError

DIVIDED = ("kitti", "vkitti2")  # one drive has one name in both
# BDD100K publishes no labels for its test images, so its val is what everything is tested on.
GIVEN = {"bdd100k": {"train": "train", "val": "test"}}
MOST_TOO_MUCH = 1.25  # else one long drive, taken first, could double a small val


def by_sequence(catalog: Catalog, *, val_fraction: float, seed: int) -> Catalog:
    """Assign `split` so that a drive and all its clones lie on one side.

    KITTI's and Virtual KITTI 2's sequences go to train or val, as near to the fraction of frames as
    whole sequences allow, at least one to each side. BDD100K's train stays train and its val
    becomes test. Frames of other sources keep their split.

    Args:
        catalog: frames with the splits that their data sets give.
        val_fraction: share of the frames of KITTI and Virtual KITTI 2 for val, between 0 and 1.
        seed: decides which sequences; the same seed gives the same split.

    Raises:
        InputError: for a fraction out of range, or fewer than two sequences to divide.
    """
    divided = _divided(catalog, val_fraction)
    sizes = catalog.frames.loc[divided, "sequence"].value_counts().sort_index()
    if len(sizes) == 1:
        raise InputError(
            f"sequence {sizes.index[0]!r} cannot be both train and val",
            where="sequences",
            remedy="Name at least two sequences",
        )
    in_val = catalog.frames["sequence"].isin(_nearest(sizes, val_fraction, seed))
    return _assigned(catalog, divided, in_val)


def by_frame(catalog: Catalog, *, val_fraction: float, seed: int) -> Catalog:
    """Assign `split` frame by frame at random, as the original experiment did.

    It leaks: the frames before and after a frame of val, and its clones under other weathers, are
    likely to be in train, so a score on val says little about new streets. For comparison only;
    `leaks` shows the damage. Parameters, BDD100K and other sources as in `by_sequence`.

    Raises:
        InputError: for a fraction out of range, or fewer than two frames to divide.
    """
    divided = _divided(catalog, val_fraction)
    places = np.flatnonzero(divided)
    if len(places) == 1:
        raise InputError("one frame cannot be both train and val", where="val_fraction")
    count = int(np.clip(round(val_fraction * len(places)), 1, max(1, len(places) - 1)))
    in_val = np.zeros(len(catalog), dtype=bool)
    in_val[np.random.default_rng(seed).permutation(places)[:count]] = True
    return _assigned(catalog, divided, pd.Series(in_val))


def leaks(catalog: Catalog) -> pd.DataFrame:
    """Moments of a drive that more than one side has seen; empty when the split is safe.

    A moment counts as seen by a side that holds it, or the moment just before or after it, in
    whatever source and variant: neighbouring frames of a drive are nearly the same picture.

    Returns:
        Columns `sequence`, `index` and `splits` ("train, val"), ordered.
    """
    key = ["sequence", "index"]
    held = catalog.frames[[*key, "split"]].drop_duplicates()
    seen = pd.concat([held.assign(index=held["index"] + step) for step in (-1, 0, 1)])
    seen = seen.drop_duplicates().sort_values([*key, "split"])
    several = seen[seen.duplicated(key, keep=False)].rename(columns={"split": "splits"})
    splits = several.groupby(key)["splits"].agg(", ".join).reset_index()
    return splits.merge(held[key].drop_duplicates(), on=key)


def _divided(catalog: Catalog, val_fraction: float) -> pd.Series:
    if not 0 < val_fraction < 1:
        raise InputError(
            f"{val_fraction} does not lie between 0 and 1", where="val_fraction", remedy="Try 0.2"
        )
    return catalog.frames["source"].isin(DIVIDED)


def _nearest(sizes: pd.Series, fraction: float, seed: int) -> list[str]:
    """In random order, take each sequence that brings the share nearer without passing it far."""
    wanted = fraction * sizes.sum()
    chosen: list[str] = []
    for name in np.random.default_rng(seed).permutation(sizes.index.to_numpy(object)):
        now, then = sizes[chosen].sum(), sizes[[*chosen, name]].sum()
        nearer = abs(then - wanted) < abs(now - wanted) and then <= MOST_TOO_MUCH * wanted
        if nearer and len(chosen) < len(sizes) - 1:
            chosen.append(name)
    # Every sequence is too long for a small fraction: the shortest comes nearest.
    return chosen or list(sizes.nsmallest(1).index)


def _assigned(catalog: Catalog, divided: pd.Series, in_val: pd.Series) -> Catalog:
    frames = catalog.frames.copy()
    for source, names in GIVEN.items():
        given = frames["source"] == source
        frames.loc[given, "split"] = frames.loc[given, "split"].replace(names)
    frames.loc[divided, "split"] = np.where(in_val[divided], "val", "train")
    return Catalog(frames, catalog.boxes, catalog.dropped)
